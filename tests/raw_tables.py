"""A small raw table, with what is to be predicted of its rows, and settings for short fits."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pandas as pd
import pytest

from skneural import TabularMLPClassifier, TabularMLPRegressor

#: Fits of a few hundredths of a second, of two steps an epoch.
SHORT = {
    "max_iter": 3,
    "hidden_layer_sizes": (8, 8),
    "batch_size": 30,
    "cv": 3,
    "random_state": 0,
}
N_ROWS = 90


def raw_table(n_rows: int = N_ROWS, seed: int = 0) -> pd.DataFrame:
    """Numbers with missing values, two values, few levels, and levels to encode by target."""
    random = np.random.RandomState(seed)
    table = pd.DataFrame(
        {
            "size": random.standard_normal(n_rows),
            "age": random.gamma(2.0, size=n_rows),
            "flag": random.uniform(size=n_rows) < 0.4,
            "colour": pd.Categorical(random.choice(["red", "green", "blue"], n_rows)),
            "city": random.choice([f"city {i}" for i in range(15)], n_rows).astype(object),
        }
    )
    table.loc[random.uniform(size=n_rows) < 0.15, "age"] = np.nan
    table.loc[random.uniform(size=n_rows) < 0.1, "city"] = None
    return table


TABLE = raw_table()
NUMBERS = (
    TABLE["size"].to_numpy() * 2
    + 3 * TABLE["colour"].eq("red").to_numpy()
    + 0.1 * np.random.RandomState(1).standard_normal(N_ROWS)
    + 20
)
TWO = np.where(np.median(NUMBERS) < NUMBERS, "yes", "no")
THREE = np.digitize(NUMBERS, np.quantile(NUMBERS, [1 / 3, 2 / 3]))


def classifier(**params) -> TabularMLPClassifier:
    return TabularMLPClassifier(**{**SHORT, **params})


def regressor(**params) -> TabularMLPRegressor:
    return TabularMLPRegressor(**{**SHORT, **params})


#: Both estimators, with the targets that they are fitted to.
PROBLEMS = {
    "two classes": (classifier, TWO),
    "three classes": (classifier, THREE),
    "numbers": (regressor, NUMBERS),
}


@cache
def _fitted_once(problem, params):
    make, y = PROBLEMS[problem]
    return make(**dict(params)).fit(TABLE, y)


def fitted(make, y, **params):
    """``make(**params).fit(TABLE, y)``, of a problem above: a copy, so that all have one fit."""
    (problem,) = (name for name, (own, of) in PROBLEMS.items() if own is make and of is y)
    return copy.copy(_fitted_once(problem, tuple(params.items())))


def outputs(model, X):
    """All that a fitted model says of rows, as one array."""
    if hasattr(model, "predict_proba"):
        return np.column_stack(
            [model.predict_proba(X), model.predict_log_proba(X), model.decision_function(X)]
        )
    return np.column_stack(model.predict(X, return_std=True))


def answer(model, X):
    """That of which all else that a fitted model says follows: logarithms, or mean and deviation.

    To compare models of one kind; `outputs` reads the table once for each method.
    """
    if hasattr(model, "predict_log_proba"):
        return model.predict_log_proba(X)
    return np.column_stack(model.predict(X, return_std=True))


def everything(model, X):
    """The same, and the out-of-fold figures."""
    figures = [answer(model, X).ravel(), model.best_iteration_, getattr(model, "temperature_", [])]
    if hasattr(model, "oof_score_"):
        figures += [[model.oof_score_], model.oof_predictions_.ravel()]
    else:
        figures += [[model.validation_score_]]
    return np.concatenate([np.asarray(each, dtype=float) for each in figures])


#: Where the warning that categories of many levels are encoded by counts alone is no matter.
MANY_CLASSES = pytest.mark.filterwarnings("ignore:.*y has more than 12 classes:UserWarning")
