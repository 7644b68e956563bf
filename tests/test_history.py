"""The history: a record of every epoch."""

from __future__ import annotations

import pickle
import re
from copy import copy, deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    TabularMLPClassifier,
)
from skneural.estimators.history_table import HistoryTable
from skneural.minimizers.history import EarlyStopping, Epoch, History
from skneural.minimizers.joint import JointEpoch, JointHistory
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import TrainingState
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


def goes_on(model, X, y):
    """The same model, trained further."""
    if hasattr(model, "partial_fit") and not model.early_stopping:
        return model.partial_fit(X, y)
    return model.set_params(warm_start=True).fit(X, y)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_copies_that_go_on_have_histories_of_their_own(model):
    model = clone(model).fit(X, Y)
    copies = copy(model), copy(model), deepcopy(model)
    n_before, losses = len(model.loss_curve_), [list(goes_on(model, X, Y).loss_curve_)]
    for i, each in enumerate(copies):
        losses.append(list(goes_on(each, X * (2 + i), np.roll(Y, 1)).loss_curve_))
    for each, own in zip((model, *copies), losses, strict=True):
        assert each.loss_curve_ == own
        assert [record["loss"] for record in each.history_] == own
        assert own[:n_before] == losses[0][:n_before]
    assert len({tuple(own[n_before:]) for own in losses}) == len(losses)


def longer(history, loss):
    """The history with one more epoch, of this loss."""
    epoch = Epoch(loss, None, None, 0.1, 1.0, 0.0)
    if isinstance(history, JointHistory):
        return history.enter(JointEpoch(epoch, {}))
    return EarlyStopping(1e-4, 10).enter(history, epoch, np.zeros(1))


@pytest.mark.parametrize("new", [History, JointHistory])
def test_rows_of_another_training_are_never_taken_for_ones_own(new):
    second = longer(longer(new(), 1.0), 2.0)
    third = longer(second, 3.0)
    assert third.rows is second.rows
    # Another training goes on from the second, or its row has come first from another thread.
    its_third = longer(second, 3.5)
    assert third.column("loss") == [1.0, 2.0, 3.0]
    assert its_third.column("loss") == [1.0, 2.0, 3.5]
    assert longer(its_third, 4.0).column("loss") == [1.0, 2.0, 3.5, 4.0]
    assert third.column("loss") == [1.0, 2.0, 3.0]
    assert second.column("loss") == [1.0, 2.0]


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


# ------------------------------------------------------------------------- as a table

NAN = float("nan")
OUT_OF_FOLD = ["oof_score", "oof_loss"]
SHOWN = [
    ("nothing", [], ["History of 0 epochs", ""]),
    (
        "columns of None or NaN alone are left out",
        [{"epoch": 1, "loss": 0.5, "validation_loss": None, "seconds": NAN}],
        ["History of 1 epoch", "epoch  loss", "    1   0.5"],
    ),
    (
        "a single value that there is none of",
        [{"epoch": 9, "loss": 1 / 3, "rate": None}, {"epoch": 10, "loss": float("inf"), "rate": 2}],
        [
            "History of 2 epochs",
            "epoch      loss  rate",
            "    9  0.333333     -",
            "   10       inf     2",
        ],
    ),
    (
        "six digits, three of seconds",
        [{"epoch": 1, "loss": 1234567.8, "seconds": 0.123456}],
        ["History of 1 epoch", "epoch         loss  seconds", "    1  1.23457e+06    0.123"],
    ),
    (
        "a column that not all have",
        [{"epoch": 1}, {"epoch": 2, "a<b": "x & y"}],
        ["History of 2 epochs", "epoch    a<b", "    1      -", "    2  x & y"],
    ),
]


@pytest.mark.parametrize(
    ("records", "lines"), [case[1:] for case in SHOWN], ids=[case[0] for case in SHOWN]
)
def test_prints_as_a_table(records, lines):
    history = HistoryTable(records)
    assert repr(history).split("\n") == str(history).split("\n") == lines
    # The same cells in a notebook.
    html = history._repr_html_()
    assert f"<caption>{lines[0]}</caption>" in html
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in html.split("<tr>")[1:]]
    unescaped = [[cell.replace("&lt;", "<").replace("&amp;", "&") for cell in row] for row in cells]
    assert unescaped == [re.split(r"  +", line.strip()) if line else [] for line in lines[1:]]


@pytest.mark.parametrize("n_epochs", [1, 10, 11, 12, 300])
def test_a_long_history_shows_its_ends(n_epochs):
    history = HistoryTable({"epoch": i + 1, "loss": 1.0} for i in range(n_epochs))
    _, header, *rows = repr(history).split("\n")
    assert header.split() == ["epoch", "loss"]
    shown = [row.split()[0] for row in rows]
    numbers = [str(i + 1) for i in range(n_epochs)]
    assert shown == (numbers if n_epochs <= 11 else [*numbers[:5], "...", *numbers[-5:]])
    assert history._repr_html_().count("<tr>") == 1 + len(rows)


def test_it_is_a_list_all_the_same():
    model = ScratchMLPClassifier(**SMALL).fit(X, Y)
    history = model.history_
    assert isinstance(history, list)
    assert history == list(history) == history[:]
    assert pickle.loads(pickle.dumps(history)) == deepcopy(history) == history
    assert type(history[0]) is dict
    assert len([*history, {"epoch": 7}]) == 7
    for other in ("note", None, 3):
        changed = model.history_
        changed.append(other)
        assert repr(changed) == repr(list(changed))
        assert changed._repr_html_() is None


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (MODELS[0], ["epoch", "loss", "learning_rate", "gradient_norm", "seconds"]),
        (MODELS[1], COLUMNS),
        (MODELS[2], ["epoch", "loss", "gradient_norm", "seconds"]),
        (MODELS[4], ["epoch", "loss", "gradient_norm", "seconds"]),
        (
            TabularMLPClassifier(max_iter=2, random_state=0),
            ["epoch", "loss", *OUT_OF_FOLD, *COLUMNS[-3:], "oof_error", "temperature"],
        ),
    ],
    ids=repr,
)
def test_columns_shown_of_a_fit(model, columns):
    history = clone(model).fit(X, Y).history_
    title, header, *rows = repr(history).split("\n")
    assert title == f"History of {len(history)} epochs"
    assert header.split() == columns
    assert rows[-1].split()[1] == f"{history[-1]['loss']:.6g}"
    assert f"<td>{history[-1]['loss']:.6g}</td>" in history._repr_html_()


def test_a_run_without_history_has_the_numbers_of_the_last_epoch():
    seen = []

    def minimize(run):
        for loss in (3.0, 2.0, 5.0):
            run.begin_epoch()
            run.end_epoch(loss, n_samples=10)
            seen.append(run.state.record)
        return "max_iter"

    run = Run(TrainingState(np.zeros(2)), EarlyStopping(0, 1), max_iter=3, keeps_history=False)
    assert drive(minimize, run) == "max_iter"
    assert [each.loss for each in seen] == [3.0, 2.0, 5.0]
    assert [(each.n_iter, each.n_samples_seen) for each in seen] == [(1, 10), (2, 20), (3, 30)]
    assert run.state.record.history.rows == []
