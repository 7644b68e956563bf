"""Validation rows: the user's own, through pipelines and searches, and those held out."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    top_k_accuracy_score,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from snapshots import frozen, state
from splits import spied_splits

from skneural import ScratchMLPClassifier, ScratchMLPRegressor, TabularMLPClassifier
from skneural.losses import LogLoss, Quantile
from skneural.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, MARKS = load_wine(return_X_y=True)
NUMBERS = StandardScaler().fit_transform(ROWS) @ np.linspace(-1, 1, 13)
SEVERAL = np.column_stack([MARKS == 0, MARKS > 0, NUMBERS > 0]).astype(int)
COLUMNS = np.column_stack([MARKS, 5 + (NUMBERS > 0)])
SMALL = {"hidden_layer_sizes": 5, "max_iter": 8, "random_state": 0, "learning_rate_init": 0.01}
PROBLEMS = {
    "three classes": (ScratchMLPClassifier, MARKS),
    "strings": (ScratchMLPClassifier, np.array(["a", "b", "c"])[MARKS]),
    "two classes": (ScratchMLPClassifier, MARKS > 0),
    "multilabel": (ScratchMLPClassifier, SEVERAL),
    "sparse multilabel": (ScratchMLPClassifier, sparse.csr_matrix(SEVERAL)),
    "columns of labels": (ScratchMLPClassifier, COLUMNS),
    "columns of objects": (
        ScratchMLPClassifier,
        np.column_stack([MARKS.astype(object), np.array(["a", "b"])[SEVERAL[:, 2]]]),
    ),
    "numbers": (ScratchMLPRegressor, NUMBERS),
    "two outputs": (ScratchMLPRegressor, np.column_stack([NUMBERS, NUMBERS**2])),
}
TRAIN, HELD_OUT = train_test_split(np.arange(len(MARKS)), random_state=0, stratify=MARKS)
X = StandardScaler().fit_transform(ROWS)
WEIGHT = np.random.RandomState(0).exponential(size=len(MARKS))
parametrize_problems = pytest.mark.parametrize("problem", PROBLEMS)


def parts_of(problem, **params):
    estimator, y = PROBLEMS[problem]
    model = estimator(**{**SMALL, **params})
    return model, (X[TRAIN], y[TRAIN]), {"X_val": X[HELD_OUT], "y_val": y[HELD_OUT]}


@parametrize_problems
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_and_losses_are_those_of_the_rows(problem, solver, weighted):
    model, data, validation = parts_of(problem, solver=solver, alpha=1.0)
    weight = WEIGHT[HELD_OUT] if weighted else None
    model.fit(*data, **validation, sample_weight_val=weight)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    score = model.score(*validation.values(), sample_weight=weight)
    assert model.validation_scores_[-1] == pytest.approx(score, rel=1e-9)
    y = validation["y_val"]
    if isinstance(model, ScratchMLPRegressor):
        errors = (model.predict(X[HELD_OUT]) - y).reshape(len(y), -1) ** 2 / 2
        loss = np.average(errors.mean(axis=1), weights=weight)
    elif problem.startswith("columns"):
        parts = zip(y.T, model.predict_proba(X[HELD_OUT]), model.classes_, strict=True)
        one_hot = [(np.equal.outer(column, classes), p) for column, p, classes in parts]
        loss = sum(np.average(-np.log(p[hot]), weights=weight) for hot, p in one_hot)
    elif problem.endswith("multilabel"):
        p, y = model.predict_proba(X[HELD_OUT]), np.asarray(sparse.csr_matrix(y).toarray())
        elements = -y * np.log(p) - (1 - y) * np.log1p(-p)
        loss = np.average(elements.sum(axis=1), weights=weight)
    else:
        loss = log_loss(y, model.predict_proba(X[HELD_OUT]), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-6)


@parametrize_problems
def test_held_out_rows_given_by_hand(monkeypatch, problem):
    """The rows that early stopping would hold out itself, passed to fit, stop the same way."""
    model, _, _ = parts_of(problem, early_stopping=True, max_iter=100, n_iter_no_change=3)
    _, y = PROBLEMS[problem]
    # The order of rows must not depend on whether a split has been drawn before.
    model.set_params(shuffle=False)
    splits = spied_splits(monkeypatch)
    model.fit(X, y)
    train, held_out = splits[0]
    by_hand = clone(model).fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
    assert by_hand.n_iter_ == model.n_iter_
    np.testing.assert_allclose(by_hand.validation_scores_, model.validation_scores_, rtol=1e-9)
    losses = [each.validation_loss_curve_ for each in (by_hand, model)]
    np.testing.assert_allclose(*losses, rtol=1e-9)
    assert by_hand.best_iteration_ == model.best_iteration_
    np.testing.assert_allclose(by_hand._model.params, model._model.params, rtol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_array, pd.DataFrame])
def test_kinds_of_rows(solver, kind):
    model, (rows, y), validation = parts_of("three classes", solver=solver)
    expected = clone(model).fit(rows, y, **validation)
    validation["X_val"] = kind(validation["X_val"])
    model.fit(kind(rows), y, **validation)
    scores = [each.validation_loss_curve_ for each in (model, expected)]
    np.testing.assert_allclose(*scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("metric", "of_model"),
    [
        ("accuracy", lambda model, X, y: model.score(X, y)),
        ("neg_log_loss", lambda model, X, y: -log_loss(y, model.predict_proba(X))),
        ("roc_auc_ovr", get_scorer("roc_auc_ovr")),
        (make_scorer(r2_score), lambda model, X, y: r2_score(y, model.predict(X))),
        (lambda model, X, y: float(len(model.classes_)), lambda model, X, y: 3.0),
    ],
)
def test_metrics(metric, of_model):
    model, data, validation = parts_of(
        "three classes", early_stopping=True, early_stopping_metric=metric
    )
    model.fit(*data, **validation)
    assert model.best_validation_score_ == pytest.approx(
        of_model(model, *validation.values()), rel=1e-9
    )
    assert model.validation_scores_[model.best_iteration_ - 1] == model.best_validation_score_


#: Scorers that read probabilities or scores of all classes, and what they are where y lacks some.
OF_ALL_LABELS = {
    "neg_log_loss": lambda y, p, labels: -log_loss(y, p, labels=labels),
    "top_k_accuracy": lambda y, p, labels: top_k_accuracy_score(y, p, k=2, labels=labels),
    "roc_auc_ovr_weighted": lambda y, p, labels: np.average(
        [roc_auc_score(y == label, p[:, labels == label]) for label in np.unique(y)],
        weights=np.unique(y, return_counts=True)[1],
    ),
    make_scorer(log_loss, response_method="predict_proba"): (
        lambda y, p, labels: log_loss(y, p, labels=labels)
    ),
}
TWO_OF_THREE = np.flatnonzero(MARKS[HELD_OUT] != 1)


@pytest.mark.parametrize("as_strings", [False, True], ids=["numbers", "strings"])
@pytest.mark.parametrize("metric", OF_ALL_LABELS, ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
def test_metrics_of_rows_that_lack_a_class(metric, as_strings):
    labels = np.array(["10", "9", "a"]) if as_strings else np.arange(3)
    y, X_val = labels[MARKS], X[HELD_OUT][TWO_OF_THREE]
    y_val = y[HELD_OUT][TWO_OF_THREE]
    model = ScratchMLPClassifier(**SMALL, early_stopping=True, early_stopping_metric=metric)
    model.fit(X[TRAIN], y[TRAIN], X_val=X_val, y_val=y_val)
    expected = OF_ALL_LABELS[metric](y_val, model.predict_proba(X_val), labels)
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("ignore:No positive class found in y_true")
def test_average_precision_of_rows_that_lack_a_class():
    X_val, y_val = X[HELD_OUT][TWO_OF_THREE], MARKS[HELD_OUT][TWO_OF_THREE]
    model, data, _ = parts_of(
        "three classes", early_stopping=True, early_stopping_metric="average_precision"
    )
    model.fit(*data, X_val=X_val, y_val=y_val)
    logits = model.decision_function(X_val)
    expected = np.mean([average_precision_score(y_val == k, logits[:, k]) for k in range(3)])
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("label", [0, 1])
def test_log_loss_of_a_single_class(label, weighted):
    """Of two; the weights of the other are all zero."""
    y = (MARKS > 0).astype(int)
    chosen = np.arange(len(HELD_OUT)) if weighted else np.flatnonzero(y[HELD_OUT] == label)
    weight = (y[HELD_OUT] == label).astype(float) if weighted else None
    model = ScratchMLPClassifier(**SMALL, early_stopping=True, early_stopping_metric="neg_log_loss")
    X_val, y_val = X[HELD_OUT][chosen], y[HELD_OUT][chosen]
    model.fit(X[TRAIN], y[TRAIN], X_val=X_val, y_val=y_val, sample_weight_val=weight)
    of_label = model.predict_proba(X[HELD_OUT][y[HELD_OUT] == label])[:, label]
    assert model.best_validation_score_ == pytest.approx(np.mean(np.log(of_label)), rel=1e-6)


def test_log_loss_of_a_class_with_one_row():
    """Rows that early stopping holds out itself have none of it."""
    rows = np.concatenate([np.flatnonzero(MARKS < 2), np.flatnonzero(MARKS == 2)[:1]])
    model = ScratchMLPClassifier(**SMALL, early_stopping=True, early_stopping_metric="neg_log_loss")
    with pytest.warns(UserWarning, match="not stratified by class: class 2 has only 1 row"):
        model.fit(X[rows], MARKS[rows])
    assert np.all(np.isfinite(model.validation_scores_))


def test_metrics_of_predicted_labels_average_over_those_that_occur():
    """As everywhere in scikit-learn: it is not told of the others."""
    y_val = MARKS[HELD_OUT][TWO_OF_THREE]
    model = ScratchMLPClassifier(**SMALL, early_stopping=True, early_stopping_metric="f1_macro")
    model.fit(X[TRAIN], MARKS[TRAIN], X_val=X[HELD_OUT][TWO_OF_THREE], y_val=y_val)
    expected = f1_score(y_val, model.predict(X[HELD_OUT][TWO_OF_THREE]), average="macro")
    assert model.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_scorers_get_labels_and_weights_and_no_warnings():
    seen = []

    def metric(model, X, y, sample_weight=None):
        seen.append((model.predict(X), y, sample_weight))
        return 0.0

    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(13)])
    model, _, _ = parts_of("strings", early_stopping=True, early_stopping_metric=metric)
    y = PROBLEMS["strings"][1]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*feature names")
        model.fit(frame, y, WEIGHT)
    assert seen
    predicted, labels, weight = seen[-1]
    assert set(predicted) <= set(labels) == {"a", "b", "c"}
    assert len(weight) == len(labels) == 18


@pytest.mark.parametrize(
    ("problem", "metric", "message"),
    [("strings", "f1", "multiclass|pos_label"), ("strings", "roc_auc", "multi_class")],
)
def test_a_metric_that_is_not_for_this_y_is_named(problem, metric, message):
    model, data, validation = parts_of(problem, early_stopping=True, early_stopping_metric=metric)
    with pytest.raises(ValueError, match=f"^early_stopping_metric='{metric}' .*({message})"):
        model.fit(*data, **validation)
    table = TabularMLPClassifier(cv=2, early_stopping_metric=metric)
    with pytest.raises(ValueError, match=f"^early_stopping_metric='{metric}' .*({message})"):
        table.fit(*data)


def test_regression_metrics():
    model, data, validation = parts_of(
        "numbers", early_stopping=True, early_stopping_metric="neg_mean_absolute_error"
    )
    model.fit(*data, **validation)
    error = mean_absolute_error(validation["y_val"], model.predict(validation["X_val"]))
    assert model.best_validation_score_ == pytest.approx(-error, rel=1e-9)
    quantiles, data, validation = parts_of("numbers", loss=Quantile([0.2, 0.8]))
    quantiles.fit(*data, **validation)
    score = quantiles.score(*validation.values())
    assert quantiles.validation_scores_[-1] == pytest.approx(score, rel=1e-9)


def test_class_weight_counts_in_validation():
    weights = {0: 1.0, 1: 3.0, 2: 0.5}
    model, data, validation = parts_of("three classes", class_weight=weights)
    model.fit(*data, **validation)
    folded = np.vectorize(weights.get)(validation["y_val"])
    loss = log_loss(validation["y_val"], model.predict_proba(X[HELD_OUT]), sample_weight=folded)
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


def test_averages_are_what_is_validated():
    model, data, validation = parts_of("three classes", solver=SGD(averaging=0.9))
    model.fit(*data, **validation)
    loss = log_loss(validation["y_val"], model.predict_proba(X[HELD_OUT]))
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


def test_balanced_weights_are_those_of_the_training_rows():
    model, (rows, y), validation = parts_of("three classes", class_weight="balanced")
    some = np.flatnonzero(validation["y_val"] > 0)[:10]
    validation = {name: part[some] for name, part in validation.items()}
    model.fit(rows, y, **validation)
    by_class = len(y) / (3 * np.bincount(y))
    loss = log_loss(
        validation["y_val"],
        model.predict_proba(validation["X_val"]),
        sample_weight=by_class[validation["y_val"]],
        labels=[0, 1, 2],
    )
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("metric", ["adjusted_rand_score", lambda model, X, y: model.score(X, y)])
def test_metrics_that_take_no_weights_are_given_none(metric):
    model, data, validation = parts_of(
        "three classes",
        early_stopping=True,
        early_stopping_metric=metric,
        class_weight="balanced",
    )
    model.fit(*data, WEIGHT[TRAIN], **validation, sample_weight_val=WEIGHT[HELD_OUT])
    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    assert model.best_validation_score_ == scorer(model, *validation.values())


@pytest.mark.parametrize("metric", ["score", "loss", "roc_auc"])
def test_the_best_epoch_survives_a_step_to_infinity(metric):
    """A scorer is not asked about weights that are not finite."""
    model, data, validation = parts_of(
        "two classes",
        early_stopping=True,
        early_stopping_metric=metric,
        solver=Exploding(),
        n_iter_no_change=50,
    )
    with pytest.warns(ConvergenceWarning, match="weights of the best epoch are restored"):
        model.fit(*data, **validation)
    assert model.stop_reason_ == "not_finite"
    assert np.all(np.isfinite(model.predict_proba(X)))
    assert np.isnan(model.validation_scores_[-2])


def test_scores_that_are_never_a_number_are_warned_of():
    model, data, validation = parts_of(
        "three classes", early_stopping=True, early_stopping_metric=lambda *_: np.nan
    )
    with pytest.warns(UserWarning, match="No epoch had a validation score that is a number"):
        model.fit(*data, **validation)
    assert model.best_validation_score_ is None
    assert model.best_iteration_ is None


def test_an_interrupt_during_validation_leaves_whole_curves():
    for solver in ("adam", "lbfgs"):
        seen = []

        def metric(model, X, y, seen=seen):
            seen.append(1)
            if len(seen) == 4:
                raise KeyboardInterrupt
            return float(len(seen))

        model, data, validation = parts_of(
            "three classes", solver=solver, early_stopping=True, early_stopping_metric=metric
        )
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data, **validation)
        assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_scores_) == 3


def test_curves_of_validation_end_with_validation():
    model, data, validation = parts_of("three classes", warm_start=True)
    model.fit(*data, **validation)
    model.fit(*data)
    assert model.validation_scores_ is model.validation_loss_curve_ is None
    assert model.best_validation_score_ is None
    assert len(model.loss_curve_) == 16


class Exploding(SGD):
    """Goes to infinity with its fourth step."""

    def init_moments(self, n_params, dtype):
        return {**super().init_moments(n_params, dtype), "step": 0}

    def update(self, params, gradient, learning_rate, state):
        state["step"] += 1
        super().update(params, gradient, learning_rate, state)
        if state["step"] == 4:
            params *= 1e308


# ------------------------------------------------------------------------ refusals


@parametrize_problems
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X_val": None}, "X_val and y_val go together.*X_val missing, y_val given"),
        ({"y_val": None}, "X_val and y_val go together.*X_val given, y_val missing"),
        ({"X_val": None, "y_val": None, "sample_weight_val": WEIGHT}, "needs both"),
        ({"X_val": X[HELD_OUT][:, 1:]}, r"validation rows .*has 12 features, but .* 13"),
        ({"X_val": np.where(X[HELD_OUT] > 2, np.nan, X[HELD_OUT])}, "validation rows.*NaN"),
        ({"X_val": X[TRAIN]}, "validation rows.*inconsistent numbers"),
        ({"X_val": X[:0], "y_val": MARKS[:0]}, "validation rows.*0 sample"),
        ({"sample_weight_val": -WEIGHT[HELD_OUT]}, "validation rows.*Negative"),
        ({"sample_weight_val": WEIGHT}, "validation rows.*sample_weight"),
    ],
)
def test_bad_validation_rows_change_nothing(problem, fitted, change, message):
    model, data, validation = parts_of(problem)
    if fitted:
        model.fit(*data)
    before = state(model)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(*data, **{**validation, **change})
    assert state(model) == before


@pytest.mark.parametrize(
    ("problem", "y_val", "message"),
    [
        ("three classes", np.full(len(HELD_OUT), 7), "classes not in"),
        ("strings", MARKS[HELD_OUT], "classes not in"),
        ("three classes", SEVERAL[HELD_OUT], "one label a row"),
        ("three classes", COLUMNS[HELD_OUT], "one label a row"),
        ("multilabel", COLUMNS[HELD_OUT], "indicator matrix"),
        ("columns of labels", MARKS[HELD_OUT], "2 columns of labels, .*: it has 1"),
        ("columns of labels", SEVERAL[HELD_OUT], "2 columns of labels, .*: it has 3"),
        ("columns of labels", SEVERAL[HELD_OUT][:, :2], "In column 1 of y: .*classes not in"),
        ("columns of labels", COLUMNS[HELD_OUT] + 0.5, "In column 0 of y: Unknown label type"),
        ("multilabel", MARKS[HELD_OUT], "indicator matrix"),
        ("numbers", SEVERAL[HELD_OUT], "3 columns, the training rows have 1"),
        ("two outputs", NUMBERS[HELD_OUT], "1 column, the training rows have 2"),
    ],
)
def test_bad_validation_targets(problem, y_val, message):
    model, data, validation = parts_of(problem)
    with pytest.raises(ValueError, match=f"(?s)validation rows.*{message}"):
        model.fit(*data, **{**validation, "y_val": y_val})


# ------------------------------------------------------------- pipelines and searches


def test_grid_search_passes_validation_rows_on():
    model, data, validation = parts_of("three classes", early_stopping=True)
    search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=3, n_jobs=2).fit(*data, **validation)
    best = search.best_estimator_
    by_hand = clone(model).set_params(**search.best_params_).fit(*data, **validation)
    assert frozen(best._model.params) == frozen(by_hand._model.params)
    assert best.validation_scores_ == by_hand.validation_scores_


def test_routing_through_a_search_and_a_pipeline():
    """X_val is transformed by the steps before the network, as fitted to the training rows."""
    y = MARKS
    data = (ROWS[TRAIN], y[TRAIN])
    validation = {"X_val": ROWS[HELD_OUT], "y_val": y[HELD_OUT]}
    with config_context(enable_metadata_routing=True):
        network = ScratchMLPClassifier(**SMALL, early_stopping=True)
        network.set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("mlp", network)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        search = GridSearchCV(pipeline, {"mlp__alpha": [0.1, 1.0]}, cv=3, n_jobs=2)
        search.fit(*data, **validation)
        scaler, best = (step for _, step in search.best_estimator_.steps)
        by_hand = clone(best).fit(
            scaler.transform(data[0]),
            data[1],
            X_val=scaler.transform(validation["X_val"]),
            y_val=validation["y_val"],
        )
        assert frozen(best._model.params) == frozen(by_hand._model.params)
        assert best.validation_loss_curve_ == by_hand.validation_loss_curve_
    np.testing.assert_allclose(scaler.mean_, ROWS[TRAIN].mean(axis=0))


def test_without_routing_a_pipeline_takes_them_by_the_name_of_the_step():
    model, data, validation = parts_of("three classes")
    pipeline = make_pipeline(StandardScaler(), model)
    name = pipeline.steps[-1][0]
    pipeline.fit(*data, **{f"{name}__{key}": value for key, value in validation.items()})
    assert len(pipeline[-1].validation_loss_curve_) == pipeline[-1].n_iter_


# ----------------------------------------------------------------- trainings that go on


def test_warm_start_keeps_the_best_of_the_same_judge_only():
    model, data, validation = parts_of(
        "three classes", early_stopping=True, early_stopping_metric="loss", warm_start=True
    )
    model.fit(*data, **validation)
    best = model.best_validation_score_
    assert model.best_iteration_ == 8
    model.fit(*data, **validation)
    assert len(model.validation_scores_) == 16
    assert model.best_validation_score_ > best
    # Accuracies and losses cannot be compared: the search for the best begins anew.
    model.set_params(early_stopping_metric="score").fit(*data, **validation)
    assert len(model.validation_scores_) == model.n_iter_
    assert 0 < model.best_validation_score_ <= 1


def test_another_judge_begins_a_new_search():
    model, data, validation = parts_of("three classes", warm_start=True, early_stopping=True)
    # A metric without a name of its own is known by what it is.
    for metric in (lambda *_: 100.0, lambda *_: 1.0, "loss"):
        model.set_params(early_stopping_metric=metric).fit(*data, **validation)
        assert len(model.validation_scores_) == model.n_iter_
    model.set_params(loss=LogLoss(0.5)).fit(*data, **validation)
    assert len(model.validation_scores_) == model.n_iter_
    other = {name: part[:-1] for name, part in validation.items()}
    model.fit(*data, **other)
    assert len(model.validation_scores_) == model.n_iter_
    model.fit(*data, **other)
    assert len(model.validation_scores_) > model.n_iter_


def test_the_best_by_validation_is_not_the_best_by_training():
    model, data, validation = parts_of(
        "three classes", restore_best_weights=True, warm_start=True, solver="sgd"
    )
    model.fit(*data, **validation)
    before = model._model.params.copy()
    model.fit(*data)
    assert np.any(model._model.params != before)
    assert model.best_iteration_ == 1 + np.argmin(model.loss_curve_)
    assert model.best_loss_ == min(model.loss_curve_)


def test_best_weights_over_warm_starts():
    model, data, _ = parts_of(
        "three classes", restore_best_weights=True, warm_start=True, solver="sgd", batch_size=10
    )
    model.fit(*data)
    good = model._model.params.copy()
    # From here on every epoch is worse than the best of the first fit, which is kept.
    model.set_params(learning_rate_init=50.0, max_iter=3).fit(*data)
    assert model.best_iteration_ <= 8
    assert min(model.loss_curve_) == model.loss_curve_[model.best_iteration_ - 1]
    np.testing.assert_array_equal(model._model.params, good)


def test_partial_fit_keeps_the_last_weights():
    model, data, _ = parts_of("three classes", restore_best_weights=True, solver="sgd")
    model.fit(*data)
    before = model._model.params.copy()
    model.set_params(learning_rate_init=50.0).partial_fit(*data)
    assert np.any(model._model.params != before)


def constant(value):
    return lambda model, X, y: value


def test_a_fit_is_resumed_with_the_same_metric_only():
    """A function inside another is told from others by its code and by what it holds."""
    model, data, validation = parts_of("three classes", early_stopping_metric=constant(1.0))
    model.fit(*data, **validation)
    model.set_params(max_iter=10, early_stopping_metric=constant(2.0))
    with pytest.raises(ValueError, match=r"early_stopping_metric=.* is not what the fit was"):
        model.resume(*data, **validation)
    model.set_params(early_stopping_metric=make_scorer(r2_score))
    with pytest.raises(ValueError, match=r"early_stopping_metric=.* is not what the fit was"):
        model.resume(*data, **validation)
    model.set_params(early_stopping_metric=constant(1.0)).resume(*data, **validation)
    assert model.n_iter_ == 10
    model.set_params(early_stopping_metric=make_scorer(r2_score)).fit(*data, **validation)
    model.set_params(max_iter=12, early_stopping_metric=make_scorer(mean_absolute_error))
    with pytest.raises(ValueError, match=r"early_stopping_metric=.* is not what the fit was"):
        model.resume(*data, **validation)
    model.set_params(early_stopping_metric=make_scorer(r2_score)).resume(*data, **validation)
    assert model.n_iter_ == 12
