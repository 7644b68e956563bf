"""The history: a record of every epoch."""

from __future__ import annotations

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchMLPRegressor
from skneural.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SMALL = {"hidden_layer_sizes": 5, "max_iter": 6, "random_state": 0}
MODELS = [
    ScratchMLPClassifier(**SMALL),
    ScratchMLPClassifier(**SMALL, early_stopping=True),
    ScratchMLPClassifier(**SMALL, solver="lbfgs"),
    ScratchMLPRegressor(**SMALL, solver="sgd", learning_rate="cosine"),
    *(
        ScratchLogisticRegression(solver=solver, max_iter=6)
        for solver in ("lbfgs", "newton-cholesky", "newton-cg", "adam")
    ),
    ScratchLogisticRegression(solver="fista", l1_ratio=0.5, max_iter=6),
]
COLUMNS = [
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "gradient_norm",
    "seconds",
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_record_of_every_epoch(model):
    model = clone(model).fit(X, Y)
    history = model.history_
    assert [record["epoch"] for record in history] == list(range(1, int(np.max(model.n_iter_)) + 1))
    assert [record["loss"] for record in history] == model.loss_curve_
    assert all(record["seconds"] > 0 and record["gradient_norm"] > 0 for record in history)
    is_stochastic = model.t_ > 0
    assert all((record["learning_rate"] is None) != is_stochastic for record in history)
    scores = [record["validation_score"] for record in history]
    assert scores == (model.validation_scores_ or [None] * len(history))
    frame = history.to_frame()
    assert list(frame.columns) == COLUMNS
    assert isinstance(frame, pd.DataFrame)
    np.testing.assert_array_equal(frame["loss"], model.loss_curve_)
    for copied in (pickle.loads(pickle.dumps(model)), deepcopy(model)):
        seconds = [record["seconds"] for record in copied.history_]
        assert np.isnan(seconds).all()
        assert copied.history_.to_frame()["seconds"].dtype == float
        for record, mine in zip(copied.history_, history, strict=True):
            assert {**record, "seconds": mine["seconds"]} == mine


def test_rates_are_those_of_the_last_steps():
    model = ScratchMLPClassifier(**SMALL, learning_rate="cosine", batch_size=50).fit(X, Y)
    epochs = np.arange(1, 7) - 0.25  # four batches: the last begins at three quarters
    expected = 0.001 * (1 + np.cos(np.pi * epochs / 6)) / 2
    rates = [record["learning_rate"] for record in model.history_]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_norm_of_the_gradient_by_hand():
    """A step of plain gradient descent is the gradient, times the rate."""
    params = {"solver": SGD(0.0), "learning_rate_init": 0.5, "batch_size": len(Y)}
    one, two = (
        ScratchMLPClassifier(**{**SMALL, "max_iter": n}, **params).fit(X, Y) for n in (3, 4)
    )
    moved = np.linalg.norm(two._model.params - one._model.params)
    assert two.history_[-1]["gradient_norm"] == pytest.approx(moved / 0.5, rel=1e-9)


def test_the_history_goes_on_and_is_left_out_for_prediction():
    model = ScratchMLPClassifier(**SMALL, warm_start=True).fit(X, Y).fit(X, Y)
    assert len(model.history_) == 12
    model.partial_fit(X, Y)
    assert len(model.history_) == 13
    # Validation that came later belongs to the last epochs.
    validated = ScratchMLPClassifier(**SMALL, warm_start=True).fit(X, Y)
    validated.fit(X, Y, X_val=X, y_val=Y)
    scores = [record["validation_score"] for record in validated.history_]
    assert scores == [None] * 6 + validated.validation_scores_
    with pytest.raises(AttributeError, match=r"history_.*for_prediction"):
        _ = model.for_prediction().history_
    assert not hasattr(ScratchMLPClassifier(), "history_")
