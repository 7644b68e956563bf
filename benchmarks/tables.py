"""Accuracy and cost on raw tables: the presets, peers, and the recipe with one part taken out.

    SKNEURAL_DATA=folder python benchmarks/tables.py run out.csv --models auto,hgb,catboost
    python benchmarks/tables.py show out.csv auto
    python benchmarks/tables.py cost

`run` adds a row to the CSV file for every data set, split and model; those that are there already
are skipped. Rows are shuffled by the seed of the split; 30 % of them, at most 10,000, are for the
test, and at most `--train` of the others for training, stratified by class. CPU seconds are of one
thread, in the same process; peers that are not installed are errors. `show` prints, for every
model, shifted geometric means (0.01) over sets, the ratio to one of them with the 90 % interval of
a bootstrap over sets, and how often that one is worse. `cost` prints what predictions and many
columns cost.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import _data
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from skneural import TabularMLPClassifier, TabularMLPRegressor
from skneural.estimators.tabular import base, inputs, judging
from skneural.estimators.tabular.folds import default_folds
from skneural.layers import ntp_dense
from skneural.temperature import fit_temperature

#: Sets to take parts of the recipe out on, 12 of classes and 8 of numbers.
ABLATION = (
    *("titanic", "credit_g", "churn", "phoneme", "telco_churn", "adult", "satimage"),
    *("covertype_20k", "letter", "electricity", "vehicle", "page_blocks"),
    *("concrete", "abalone", "california_housing", "diamonds", "kin40k", "airfoil", "cpu_act"),
    "bike_sharing_hour",
)
SHIFT = 0.01
FIELDS = (
    *("dataset", "task", "n_train", "split", "model", "error", "logloss", "auc", "nrmse"),
    *("fit_cpu_s", "predict_s", "oof_score", "member_score", "score", "n_iter", "note"),
)


# ---------------------------------------------------------------- models


def tabular(task, random_state, **params):
    kind = TabularMLPClassifier if task == "clf" else TabularMLPRegressor
    return kind(random_state=random_state, **params)


def linear(task, random_state):
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    others = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False),
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (others, make_column_selector(dtype_exclude=np.number)),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000) if task == "clf" else RidgeCV())


def boosting(task, random_state):
    kind = HistGradientBoostingClassifier if task == "clf" else HistGradientBoostingRegressor
    return kind(random_state=random_state, categorical_features="from_dtype")


def catboost(task, random_state):
    import catboost

    kind = catboost.CatBoostClassifier if task == "clf" else catboost.CatBoostRegressor
    return kind(verbose=0, random_seed=random_state, thread_count=1, allow_writing_files=False)


MODELS = {
    "auto": tabular,
    "fast": partial(tabular, preset="fast"),
    "accurate": partial(tabular, preset="accurate"),
    "fast_128": partial(tabular, preset="fast", hidden_layer_sizes=(128, 128, 128)),
    "linear": linear,
    "hgb": boosting,
    "catboost": catboost,
    "no_quantiles": partial(tabular, quantile_inputs=False),
    "relu": partial(tabular, activation="relu"),
    "no_embedding": partial(tabular, frequency_scale=0.0),
    "no_target_encoding": tabular,
    "encoded_once": tabular,
    "no_temperature": tabular,
    "no_data_driven_init": tabular,
    "one_split": tabular,
    # Few rows in as many folds as many rows.
    "eight_folds": partial(tabular, cv=8),
    # Classes of many rows as they would be of few.
    "regularized_as_few": partial(tabular, dropout=0.15, weight_decay=0.01, frequency_scale=0.3),
}


@contextmanager
def without_part(model):
    """The recipe without a part that is no parameter."""
    fit_member = inputs._fit_member

    def with_all_rows(columns, values, targets, weight, train, inner, quantile_inputs):
        rows = np.arange(len(targets))
        folds = np.random.RandomState(0).randint(inputs.N_INNER_FOLDS, size=len(rows))
        return fit_member(columns, values, targets, weight, rows, folds, quantile_inputs)

    def with_counts_only(*args, **params):
        names, table, is_categorical, weight, targets, *others = args
        none = np.zeros((len(targets), 0))
        return inputs.fit_table(names, table, is_categorical, weight, none, *others, **params)

    def normal(weights, intercepts, rng, x):
        weights[...] = rng.standard_normal(weights.shape) / np.sqrt(len(weights))
        intercepts[...] = 0.0

    def as_they_are(logits, y, weight=None):
        return fit_temperature(logits, y, weight, bounds=(1.0, 1.0))

    changes = {
        "encoded_once": (inputs, "_fit_member", with_all_rows),
        "no_target_encoding": (base, "fit_table", with_counts_only),
        "no_temperature": (judging, "cautious_temperature", as_they_are),
        "no_data_driven_init": (ntp_dense, "unit_deviation", normal),
    }
    if model not in changes:
        yield
        return
    with mock.patch.object(*changes[model]):
        yield


def same_split(task, y, random_state):
    """As many members as by default, which all leave out the same fifth of the rows."""
    strata = y if task == "clf" and y.value_counts().min() >= 4 else None
    rows = np.arange(len(y))
    split = train_test_split(rows, test_size=0.2, random_state=random_state, stratify=strata)
    return [split] * default_folds(len(y), None)


# ---------------------------------------------------------------- runs


def load(name):
    """X, with categories where there is text, and y."""
    frame = pd.read_csv(Path(_data.FOLDER) / f"{name}.csv.gz")
    y = frame.pop("target")
    for column in frame:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].astype("object").fillna("missing").astype("category")
    return frame, y


def parts(X, y, task, seed, most_rows):
    n_test = min(int(0.3 * len(y)), 10_000)
    n_train = min(len(y) - n_test, most_rows)
    strata = y if task == "clf" and y.value_counts().min() >= 4 else None
    return train_test_split(
        X, y, train_size=n_train, test_size=n_test, random_state=seed, stratify=strata
    )


def measured(model, name, task, split, most_rows):
    """One row of the table."""
    kind, _, random_state = model.partition("@")
    random_state = int(random_state or 0)
    X, y = load(name)
    y = y.astype(str) if task == "clf" else y
    X_train, X_test, y_train, y_test = parts(X, y, task, split, most_rows)
    row = dict.fromkeys(FIELDS, "")
    row.update(dataset=name, task=task, n_train=len(y_train), split=split, model=model)
    estimator = MODELS[kind](task, random_state)
    if kind == "one_split":
        estimator.set_params(cv=same_split(task, y_train, random_state))
    params = {}
    if kind == "catboost":
        params["cat_features"] = list(X.select_dtypes("category"))
    if kind == "hgb":
        X_train, X_test = _codes_of_many_levels(X_train), _codes_of_many_levels(X_test)
    begun = time.process_time()
    with without_part(kind):
        estimator.fit(X_train, y_train, **params)
        row["fit_cpu_s"] = round(time.process_time() - begun, 3)
        begun = time.perf_counter()
        if task == "clf":
            row.update(_of_classes(estimator, X_test, y_test.to_numpy()))
        else:
            predicted = np.asarray(estimator.predict(X_test)).ravel()
            row["nrmse"] = float(np.sqrt(np.mean((predicted - y_test) ** 2)) / y_test.std())
        row["predict_s"] = round(time.perf_counter() - begun, 3)
        if hasattr(estimator, "oof_score_"):
            row["oof_score"] = estimator.oof_score_
            row["n_iter"] = estimator.n_iter_
            row["score"] = estimator.score(X_test, y_test)
            row["member_score"] = _score_of_members(estimator, X_test, y_test)
    return row


def _codes_of_many_levels(X):
    """HistGradientBoosting takes at most 255 levels."""
    X = X.copy()
    for column in X.select_dtypes("category"):
        if len(X[column].cat.categories) > 250:
            X[column] = X[column].cat.codes
    return X


def _of_classes(estimator, X, y):
    known = [str(label) for label in estimator.classes_]
    probability = np.asarray(estimator.predict_proba(X), float)
    labels = sorted({*known, *y})
    of_all = np.zeros((len(y), len(labels)))
    of_all[:, [labels.index(label) for label in known]] = probability
    found = {
        "error": float(np.mean(np.asarray(known)[probability.argmax(axis=1)] != y)),
        "logloss": log_loss(y, np.clip(of_all, 1e-15, 1), labels=labels),
    }
    if len(labels) == 2:
        return {**found, "auc": roc_auc_score(y == labels[1], of_all[:, 1])}
    there = [i for i, label in enumerate(labels) if np.any(y == label)]
    return {
        **found,
        "auc": np.mean([roc_auc_score(y == labels[i], of_all[:, i]) for i in there]),
    }


def _score_of_members(estimator, X, y):
    """The mean score of single members, each the mean of its checkpoints."""
    model = estimator._fitted.model
    _, _, chunks = model.value_chunks(estimator, X)
    values = np.concatenate([chunk for _, chunk in chunks], axis=2).mean(axis=0)
    if hasattr(estimator, "classes_"):
        codes = np.searchsorted(estimator.classes_, y)
        return float(np.mean(values.argmax(axis=2) == codes))
    spread = np.sum((y.to_numpy() - y.mean()) ** 2)
    return float(np.mean(1 - np.sum((values[..., 0] - y.to_numpy()) ** 2, axis=1) / spread))


def run(options):
    done = set()
    if Path(options.csv).exists():
        with open(options.csv) as file:
            done = {(r["dataset"], r["split"], r["model"], r["note"]) for r in csv.DictReader(file)}
    else:
        with open(options.csv, "w") as file:
            csv.DictWriter(file, FIELDS).writeheader()
    tasks = dict(line.split(",") for line in Path(options.sets).read_text().split())
    names = options.only.split(",") if options.only else list(tasks)
    if options.only == "ablation":
        names = ABLATION
    for name in names:
        for split in map(int, options.splits.split(",")):
            for model in options.models.split(","):
                note = str(options.train)
                if (name, str(split), model, note) in done:
                    continue
                with warnings.catch_warnings(), threadpool_limits(1):
                    warnings.simplefilter("ignore")
                    row = measured(model, name, tasks[name], split, options.train)
                row["note"] = note
                with open(options.csv, "a") as file:
                    csv.DictWriter(file, FIELDS).writerow(row)
                shown = row["error"] if row["error"] != "" else row["nrmse"]
                print(name, split, model, round(shown, 4), row["fit_cpu_s"], flush=True)


# ---------------------------------------------------------------- tables


def show(options):
    frame = pd.concat([pd.read_csv(path) for path in options.csv.split(",")])
    # The mean over the random states of a model: auto@0, auto@1, ...
    frame["model"] = frame["model"].str.partition("@")[0]
    frame["cpu_per_1000"] = frame["fit_cpu_s"] / frame["n_train"] * 1000
    frame["logloss"] = frame["logloss"].clip(upper=5)
    for task, column in (("clf", "error"), ("reg", "nrmse")):
        own = frame[frame["task"] == task]
        if own.empty:
            continue
        mean = own.groupby(["dataset", "note", "split", "model"]).mean(numeric_only=True)
        table = mean[column].unstack("model").dropna()
        rows = []
        for model in table:
            figures = mean.xs(model, level="model").loc[table.index]
            low, high = interval(table[model], table[options.base])
            worse = table[model] < table[options.base]
            row = {
                "model": model,
                "sgm": sgm(table[model]),
                "ratio": (sgm(table[model]) + SHIFT) / (sgm(table[options.base]) + SHIFT),
                "low": low,
                "high": high,
                "wins": (worse + 0.5 * (table[model] == table[options.base])).mean(),
                "cpu": figures["cpu_per_1000"].median(),
            }
            if task == "clf":
                row.update(logloss=figures["logloss"].mean(), auc=figures["auc"].mean())
            rows.append(row)
        print(f"\n{task}: {len(table)} sets, {column}, against {options.base}")
        print(pd.DataFrame(rows).set_index("model").round(4).to_string())


def cost(_):
    """CPU seconds of predictions, beside boosting's, and of a fit on 1,000 columns."""
    X, y = load("adult")
    X, X_test, y, _ = parts(X, y.astype(str), "clf", 0, 3000)
    numbers, test_numbers = (each.select_dtypes("number").to_numpy(float) for each in (X, X_test))
    models = {"networks": tabular("clf", 0), "boosting": boosting("clf", 0)}
    for name, model in models.items():
        many = X_test.sample(100_000, replace=True, random_state=0)
        model.fit(X, y)
        times = [_cpu(model, many, 2), 1000 * _cpu(model, X_test.iloc[:1], 30)]
        print(f"{name}: 100,000 rows {times[0]:.2f} s, one row {times[1]:.2f} ms, as a frame")
        model.set_params(categorical_features=None).fit(numbers, y)
        many = test_numbers[np.random.RandomState(0).randint(len(test_numbers), size=100_000)]
        times = [_cpu(model, many, 2), _cpu(model, many.astype(np.float32), 2)]
        times.append(1000 * _cpu(model, many[:1], 100))
        print(
            "    as an array: float64 {:.2f} s, float32 {:.2f} s, one row {:.2f} ms".format(*times)
        )
    rng = np.random.RandomState(0)
    X = rng.standard_normal((3000, 1000))
    total = X[:, :5].sum(axis=1)
    for task, y in (("clf", total + rng.standard_normal(3000) > 0), ("reg", total)):
        begun = time.process_time()
        tabular(task, 0).fit(X, y)
        print(f"3,000 x 1,000, {task}: {time.process_time() - begun:.1f} s")


def _cpu(model, X, n):
    """The least CPU seconds of n predictions."""
    seconds = []
    for _ in range(n):
        begun = time.process_time()
        model.predict_proba(X)
        seconds.append(time.process_time() - begun)
    return min(seconds)


def sgm(values):
    """Shifted geometric mean."""
    return float(np.exp(np.log(values + SHIFT).mean()) - SHIFT)


def interval(values, base, n_samples=10_000):
    """90 % interval of the ratio of shifted geometric means, by a bootstrap over the sets."""
    logs = np.log((values + SHIFT) / (base + SHIFT)).to_numpy()
    rng = np.random.default_rng(0)
    means = logs[rng.integers(len(logs), size=(n_samples, len(logs)))].mean(axis=1)
    return np.exp(np.quantile(means, [0.05, 0.95]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run")
    runs.add_argument("csv")
    runs.add_argument("--sets", required=True, help="a file of lines 'name,clf' or 'name,reg'")
    runs.add_argument("--only", default="", help="names of sets, or 'ablation'")
    runs.add_argument("--models", default="auto,hgb")
    runs.add_argument("--splits", default="0")
    runs.add_argument("--train", type=int, default=3000, help="most rows to train on")
    runs.set_defaults(do=run)
    table = commands.add_parser("show")
    table.add_argument("csv", help="one or several files, with commas between them")
    table.add_argument("base", help="the model to compare with")
    table.set_defaults(do=show)
    costs = commands.add_parser("cost")
    costs.set_defaults(do=cost)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
