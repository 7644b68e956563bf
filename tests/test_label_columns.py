"""Several columns of labels in the multilayer perceptron (multiclass-multioutput)."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight

from skneural import HiddenLayerTransformer, ScratchMLPClassifier
from skneural.losses import SOFTMAX, ClassificationLoss, LogLoss, MultinomialLogLoss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, KIND = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)[::2]
KIND = KIND[::2]
#: Right in about two of three rows, so that linear models have an optimum.
SIDE = ((X[:, 3] + np.random.RandomState(0).randn(len(X))) > 0).astype(int)
GRADE = np.digitize(X[:, 5] + np.random.RandomState(1).randn(len(X)), [-0.5, 0.5])
COLUMNS = np.column_stack([KIND, 5 + SIDE, GRADE - 1])
TEXT = np.array(["low", "middle", "high"])
FRAME = pd.DataFrame({"kind": KIND, "grade": TEXT[GRADE]})
WEIGHT = np.random.RandomState(2).uniform(0.2, 3, len(X))


def classifier(**params):
    small = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    return ScratchMLPClassifier(**{**small, "learning_rate_init": 0.01, **params})


def linear(**params):
    return classifier(
        **{"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 5000, "tol": 1e-11, **params}
    )


# ------------------------------------------------------------------------ kinds of targets

A, B, C = np.arange(24) % 2, np.arange(24) // 2 % 2, np.arange(24) % 3
BITS, ROWS = np.column_stack([A, B]), np.random.RandomState(0).standard_normal((24, 3))
INDICATORS = {
    "integers": BITS,
    "floats": BITS.astype(float),
    "flags": BITS > 0,
    "objects": BITS.astype(object),
    "numbers and flags": pd.DataFrame({"a": A, "b": B > 0}),
    "ones": np.ones((24, 2), dtype=int),
    "zeros": np.zeros((24, 3)),
    "sparse": sparse.csr_matrix(BITS),
    "lists": BITS.tolist(),
}
MIXED = np.column_stack([C.astype(object), TEXT[C]])
#: Targets, and the classes of their columns.
LABELS = {
    "one and two": (BITS + 1, [[1, 2], [1, 2]]),
    "plus and minus one": (2 * BITS - 1, [[-1, 1], [-1, 1]]),
    "one and two in floats": (BITS + 1.0, [[1.0, 2.0], [1.0, 2.0]]),
    "three": (np.column_stack([A, C]), [[0, 1], [0, 1, 2]]),
    "small integers": (np.column_stack([A, C]).astype(np.uint8), [[0, 1], [0, 1, 2]]),
    "digit strings": (BITS.astype(str), [["0", "1"], ["0", "1"]]),
    "strings": (TEXT[np.column_stack([A, C])], [["low", "middle"], ["high", "low", "middle"]]),
    "objects": (
        TEXT.astype(object)[np.column_stack([A, C])],
        [["low", "middle"], ["high", "low", "middle"]],
    ),
    "numbers and strings": (MIXED, [[0, 1, 2], ["high", "low", "middle"]]),
    "flags and numbers": (
        np.column_stack([(A > 0).astype(object), C.astype(object)]),
        [[False, True], [0, 1, 2]],
    ),
    "integers that are objects": (np.column_stack([A, C]).astype(object), [[0, 1], [0, 1, 2]]),
    "frame": (
        pd.DataFrame({"a": C, "b": TEXT[C]}),
        [[0, 1, 2], ["high", "low", "middle"]],
    ),
    "categories": (
        pd.DataFrame({"a": pd.Categorical(TEXT[A]), "b": pd.Categorical(TEXT[B])}),
        [["low", "middle"], ["low", "middle"]],
    ),
    "a constant": (np.column_stack([np.full(24, 7), A]), [[7], [0, 1]]),
    "constants": (np.full((24, 2), 2), [[2], [2]]),
    "sparse": (sparse.csr_matrix(np.column_stack([A, C])), [[0, 1], [0, 1, 2]]),
    "sparse, of two values": (sparse.csc_matrix(2 * BITS), [[0, 2], [0, 2]]),
    "lists": ((BITS + 1).tolist(), [[1, 2], [1, 2]]),
    "tuples of strings": ([("yes", "a"), ("no", "b")] * 12, [["no", "yes"], ["a", "b"]]),
}


@pytest.mark.parametrize("y", INDICATORS.values(), ids=INDICATORS)
def test_matrices_of_zeros_and_ones_are_multilabel(y):
    n_labels = np.shape(y)[1]
    model = classifier().fit(ROWS, y)
    np.testing.assert_array_equal(model.classes_, np.arange(n_labels))
    assert isinstance(model.classes_, np.ndarray)
    assert model.out_activation_ == "logistic"
    assert model.n_outputs_ == n_labels
    assert model.predict_proba(ROWS).shape == (24, n_labels)
    assert model.predict(ROWS).dtype == int
    plain = np.asarray(y.toarray() if sparse.issparse(y) else y).astype(int)
    assert model.score(ROWS, y) == model.score(ROWS, plain)
    np.testing.assert_array_equal(
        model.decision_function(ROWS), classifier().fit(ROWS, plain).decision_function(ROWS)
    )


@pytest.mark.parametrize(("y", "classes"), LABELS.values(), ids=LABELS)
def test_other_matrices_have_a_label_in_each_column(y, classes):
    model = classifier().fit(ROWS, y)
    assert [each.tolist() for each in model.classes_] == classes
    assert model.out_activation_ == "softmax"
    assert model.n_outputs_ == sum(map(len, classes))
    predicted = model.predict(ROWS)
    assert predicted.shape == (24, len(classes))
    decisions, probabilities = model.decision_function(ROWS), model.predict_proba(ROWS)
    logarithms = model.predict_log_proba(ROWS)
    for values in (decisions, probabilities, logarithms):
        assert [each.shape for each in values] == [(24, len(each)) for each in classes]
    np.testing.assert_array_equal(np.hstack(decisions), model.raw_outputs(ROWS))
    for j, (p, z) in enumerate(zip(probabilities, decisions, strict=True)):
        np.testing.assert_allclose(p, softmax(z, axis=1), rtol=1e-12)
        np.testing.assert_allclose(np.exp(logarithms[j]), p, rtol=1e-12)
        expected = np.array(classes[j], dtype=object)[z.argmax(axis=1)]
        np.testing.assert_array_equal(predicted[:, j], expected)
    true = label_matrix(y)
    hits = [accuracy_score(true[:, j].tolist(), predicted[:, j].tolist()) for j in range(2)]
    assert model.score(ROWS, y) == pytest.approx(np.mean(hits))


def label_matrix(y):
    if sparse.issparse(y):
        return y.toarray()
    return np.array(y, dtype=object) if isinstance(y, list) else np.asarray(y)


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (BITS + 1, "i8"),
        ((BITS + 1).astype(np.int16), "i2"),
        (BITS - 0.0 + 1, "f8"),
        (np.array(["a", "bcd"])[BITS], "U3"),
        (np.array(["a", "b"], dtype=object)[BITS], object),
        (MIXED, object),
        (np.column_stack([(A > 0).astype(object), C.astype(object)]), object),
    ],
)
def test_predictions_are_of_the_dtype_of_the_labels(y, dtype):
    predicted = classifier().fit(ROWS, y).predict(ROWS)
    assert predicted.dtype == dtype


def test_tables_of_other_packages():
    polars = pytest.importorskip("polars")
    expected = classifier().fit(X, FRAME)
    table = polars.DataFrame({name: FRAME[name].tolist() for name in FRAME})
    model = classifier().fit(X, table)
    np.testing.assert_equal(model.classes_, expected.classes_)
    np.testing.assert_array_equal(model.raw_outputs(X), expected.raw_outputs(X))
    assert model.score(X, table) == expected.score(X, FRAME) == expected.score(X, FRAME.to_numpy())
    with pytest.raises(ValueError, match=r"In column 'grade' of y: .*classes not in"):
        model.partial_fit(X, table.with_columns(grade=polars.lit("best")))


@pytest.mark.parametrize("model", [DecisionTreeClassifier(), KNeighborsClassifier()])
@pytest.mark.parametrize("y", [COLUMNS, TEXT[COLUMNS % 3]], ids=["numbers", "strings"])
def test_the_forms_of_scikit_learn(model, y):
    theirs, ours = model.fit(X, y), classifier().fit(X, y)
    np.testing.assert_equal(ours.classes_, theirs.classes_)
    for method in ("predict", "predict_proba"):
        found, expected = getattr(ours, method)(X), getattr(theirs, method)(X)
        assert type(found) is type(expected)
        assert [each.shape for each in found] == [each.shape for each in expected]
    if y is COLUMNS:  # of other strings the trees make objects
        assert ours.predict(X).dtype == theirs.predict(X).dtype


def test_a_column_vector_is_one_target():
    expected = classifier().fit(X, KIND)
    for column in (KIND[:, np.newaxis], FRAME[["kind"]]):
        with pytest.warns(DataConversionWarning, match="column-vector"):
            model = classifier().fit(X, column)
        np.testing.assert_array_equal(model.raw_outputs(X), expected.raw_outputs(X))
        np.testing.assert_array_equal(model.classes_, [0, 1, 2])
        with pytest.warns(DataConversionWarning, match="column-vector"):
            model.partial_fit(X, column)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        classifier().fit(X, KIND, X_val=X, y_val=KIND[:, np.newaxis])


def test_tags():
    for tags in (get_tags(classifier()), get_tags(make_pipeline(StandardScaler(), classifier()))):
        assert tags.target_tags.multi_output
        assert tags.target_tags.single_output
        assert tags.classifier_tags.multi_class
        assert tags.classifier_tags.multi_label
    tags = get_tags(classifier(class_weight="balanced"))
    assert not tags.target_tags.multi_output
    assert not tags.classifier_tags.multi_label
    assert get_tags(HiddenLayerTransformer(classifier())).target_tags.multi_output


# ------------------------------------------------------------------------ the right numbers


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
def test_without_a_hidden_layer_the_columns_are_logistic_regressions_of_their_own(weight):
    alpha = 2.0
    model = linear(alpha=alpha).fit(X, COLUMNS, weight)
    # The penalty is relative to the number of rows, not to their weight.
    for j, p in enumerate(model.predict_proba(X)):
        y = COLUMNS[:, j]
        # Two outputs for two classes: each has half of the weights, and the square of a half twice.
        penalty = alpha / 2 if len(np.unique(y)) == 2 else alpha
        theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(X, y, weight)
        np.testing.assert_allclose(p, theirs.predict_proba(X), atol=2e-4)
        if penalty == alpha:
            alone = linear(alpha=alpha).fit(X, y, weight)
            np.testing.assert_allclose(p, alone.predict_proba(X), atol=2e-4)
    expected = [linear(alpha=0.0).fit(X, COLUMNS[:, j]).score(X, COLUMNS[:, j]) for j in (1, 2)]
    found = linear(alpha=0.0).fit(X, COLUMNS[:, 1:])
    assert found.score(X, COLUMNS[:, 1:]) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("loss", ["log_loss", "focal", "squared_error", LogLoss(0.2)], ids=str)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_one_column_is_trained_as_a_single_target(loss, solver):
    """From the same weights, with the same draws, bit by bit; the columns share nothing else."""
    layers = [np.random.RandomState(0).randn(13, 4), np.random.RandomState(1).randn(4, 3)]
    intercepts = [np.zeros(4), np.zeros(3)]
    params = {"loss": loss, "solver": solver, "batch_size": 10, "random_state": 0}
    single = ScratchMLPClassifier.from_weights(layers, intercepts, classes=[0, 1, 2], **params)
    column = ScratchMLPClassifier.from_weights(layers, intercepts, classes=[[0, 1, 2]], **params)
    for _ in range(3):
        single.partial_fit(X, KIND)
        column.partial_fit(X, KIND)
        for found, expected in zip(column.coefs_, single.coefs_, strict=True):
            np.testing.assert_array_equal(found, expected)
    assert column.loss_curve_ == single.loss_curve_
    np.testing.assert_array_equal(column.predict(X)[:, 0], single.predict(X))
    np.testing.assert_array_equal(column.predict_proba(X)[0], single.predict_proba(X))


def test_a_constant_column_changes_no_other():
    """In a linear network: its one output is certain whatever its weights, and costs nothing."""
    params = {"hidden_layer_sizes": (), "alpha": 0.0, "initialization": zeros, "batch_size": 20}
    alone = classifier(**params).fit(X, KIND)
    beside = classifier(**params).fit(X, np.column_stack([KIND, np.full(len(X), 9)]))
    np.testing.assert_allclose(beside.decision_function(X)[0], alone.decision_function(X))
    np.testing.assert_array_equal(beside.predict_proba(X)[1], np.ones((len(X), 1)))
    np.testing.assert_array_equal(beside.predict(X)[:, 1], 9)
    np.testing.assert_allclose(beside.loss_curve_, alone.loss_curve_)


def zeros(fan_in, fan_out, random_state):
    return np.zeros((fan_in, fan_out))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
def test_the_loss_is_the_sum_of_the_columns_log_losses(weight):
    model = classifier(learning_rate_init=1e-12, alpha=0.0).fit(X, COLUMNS, weight)
    expected = [
        log_loss(COLUMNS[:, j], p, sample_weight=weight)
        for j, p in enumerate(model.predict_proba(X))
    ]
    assert model.loss_ == pytest.approx(sum(expected), rel=1e-6)


def test_sparse_rows_and_float32():
    expected = classifier().fit(X, COLUMNS)
    found = classifier().fit(sparse.csr_matrix(X), COLUMNS)
    np.testing.assert_allclose(found.raw_outputs(X), expected.raw_outputs(X), rtol=1e-9)
    single = classifier().fit(X.astype(np.float32), COLUMNS)
    for p, exact in zip(single.predict_proba(X), expected.predict_proba(X), strict=True):
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, exact, rtol=1e-3)


def test_predictions_of_many_rows_are_those_of_few():
    model = classifier().fit(X, FRAME)
    many = np.tile(X, (1000, 1))
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = getattr(model, method)(many), getattr(model, method)(X)
        if isinstance(found, list):
            for whole, part in zip(found, expected, strict=True):
                assert whole.shape == (len(many), 3)
                np.testing.assert_allclose(whole[-len(X) :], part, rtol=1e-9)
        else:
            np.testing.assert_array_equal(found[-len(X) :], expected)
        one = getattr(model, method)(X[:1])
        for row, rows in zip(one, expected, strict=False):
            np.testing.assert_array_equal(np.shape(row)[1:], np.shape(rows)[1:])


def test_no_probability_is_zero():
    model = classifier().fit(X, COLUMNS)
    model.coefs_[-1][...] *= 1e6
    for p, logarithms in zip(model.predict_proba(X), model.predict_log_proba(X), strict=True):
        assert p.min() > 0
        assert np.all(np.isfinite(logarithms))


# ------------------------------------------------------------------------------- losses


class Own(ClassificationLoss):
    """The log loss under another name."""

    def with_link(self, link):
        assert link == SOFTMAX, "this loss is for a softmax"
        return MultinomialLogLoss()


def test_a_loss_of_ones_own_sees_one_column_at_a_time():
    found = classifier(loss=Own()).fit(X, COLUMNS)
    expected = classifier().fit(X, COLUMNS)
    np.testing.assert_array_equal(found.raw_outputs(X), expected.raw_outputs(X))


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_losses_of_numbers_are_refused(loss):
    with pytest.raises(ValueError, match="'loss' parameter"):
        classifier(loss=loss).fit(X, COLUMNS)


# ------------------------------------------------------------------------- class weights

CLASS_WEIGHTS = ["balanced", [{0: 2.0, 2: 0.5}, {5: 3.0}, "balanced"], [None, "balanced", {1: 0.1}]]


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS, ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_of_the_columns_multiply(class_weight, solver):
    """As in scikit-learn's trees, which hand the question on to compute_sample_weight."""
    as_a_list = [class_weight] * 3 if class_weight == "balanced" else class_weight
    weight = np.prod(
        [
            compute_sample_weight(each, y) if each is not None else np.ones(len(X))
            for each, y in zip(as_a_list, COLUMNS.T, strict=True)
        ],
        axis=0,
    )
    found = classifier(class_weight=class_weight, solver=solver).fit(X, COLUMNS)
    expected = classifier(solver=solver).fit(X, COLUMNS, weight)
    np.testing.assert_allclose(found.raw_outputs(X), expected.raw_outputs(X), rtol=1e-8)
    if class_weight == "balanced" or None not in class_weight:
        np.testing.assert_allclose(weight, compute_sample_weight(class_weight, COLUMNS))


def test_class_weights_multiply_sample_weights_and_count_in_validation():
    class_weight = [{0: 2.0}, {5: 3.0}, None]
    factor = np.where(KIND == 0, 2.0, 1.0) * np.where(SIDE == 0, 3.0, 1.0)
    rows = {"X_val": X[::3], "y_val": COLUMNS[::3]}
    found = classifier(class_weight=class_weight).fit(X, COLUMNS, WEIGHT, **rows)
    rows["sample_weight_val"] = factor[::3]
    expected = classifier().fit(X, COLUMNS, WEIGHT * factor, **rows)
    np.testing.assert_allclose(found.raw_outputs(X), expected.raw_outputs(X), rtol=1e-9)
    np.testing.assert_allclose(found.validation_scores_, expected.validation_scores_)
    np.testing.assert_allclose(found.validation_loss_curve_, expected.validation_loss_curve_)


@pytest.mark.parametrize(
    ("class_weight", "y", "message"),
    [
        ({0: 1.0}, COLUMNS, "must be 'balanced' or a list of 3"),
        (["balanced", "balanced"], COLUMNS, "must be 'balanced' or a list of 3"),
        (["balanced", "even", None], COLUMNS, "The 'class_weight' parameter .* 'even' in the list"),
        ([None, {5: -1.0}, None], COLUMNS, "In column 1 of y: class_weight gives class 5"),
        ([None, {8: 1.0, 9: 1.0}], FRAME, "In column 'grade' of y: "),
        ([{0: 0.0, 1: 0.0, 2: 0.0}, None, None], COLUMNS, "no row of y with any weight"),
        ([{0: 1.0}], KIND, "is a list, for a y with several columns"),
        (["balanced", None], BITS, "y is multilabel"),
    ],
)
def test_class_weights_that_are_not_possible(class_weight, y, message):
    with pytest.raises(ValueError, match=message):
        classifier(class_weight=class_weight).fit(X[: len(y)], y)


# --------------------------------------------------------------------- training in parts

CLASSES = [[0, 1, 2], np.array([5, 6]), (-1, 0, 1)]


def test_partial_fit():
    model = classifier(class_weight=[{0: 2.0}, None, None])
    for rows in (KIND == 0, KIND > 0, KIND == 1):
        model.partial_fit(
            X[rows], COLUMNS[rows], classes=CLASSES if model._fitted is None else None
        )
    np.testing.assert_equal(model.classes_, [np.array(each) for each in CLASSES])
    model.partial_fit(X, COLUMNS, WEIGHT, classes=CLASSES)
    assert [p.shape[1] for p in model.predict_proba(X)] == [3, 2, 3]
    whole = classifier(max_iter=1).fit(X, COLUMNS)
    part = classifier().partial_fit(X, COLUMNS, classes=CLASSES)
    np.testing.assert_array_equal(part.raw_outputs(X), whole.raw_outputs(X))


def test_the_first_fit_decides():
    columns = classifier().partial_fit(ROWS, BITS, classes=[[0, 1, 2], [0, 1]])
    assert [each.tolist() for each in columns.classes_] == [[0, 1, 2], [0, 1]]
    columns.partial_fit(ROWS, BITS)
    assert isinstance(columns.predict_proba(ROWS), list)
    multilabel = classifier().partial_fit(ROWS, BITS, classes=[0, 1])
    assert multilabel.predict_proba(ROWS).shape == (24, 2)
    with pytest.raises(ValueError, match=r"must be an indicator matrix \(multilabel\), as when"):
        multilabel.partial_fit(ROWS, BITS + 1)
    for classes in ([[0, 1], [0, 1]], [[1, 0], [1]]):  # a matrix of zeros and ones in other words
        model = classifier().partial_fit(ROWS, BITS, classes=classes)
        model.partial_fit(ROWS, BITS, classes=classes)
        np.testing.assert_array_equal(model.predict_proba(ROWS), first_epoch(model))


def first_epoch(model):
    expected = classifier().partial_fit(ROWS, BITS, classes=[0, 1]).partial_fit(ROWS, BITS)
    np.testing.assert_array_equal(model.classes_, [0, 1])
    return expected.predict_proba(ROWS)


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (COLUMNS, None, "classes must be passed on the first call"),
        (COLUMNS, [0, 1, 2, 5, 6], "must be a list of 3 arrays"),
        (COLUMNS, CLASSES[:2], "must be a list of 3 arrays"),
        (COLUMNS, [[0, 1], *CLASSES[1:]], "In column 0 of y: .*classes not in"),
        (COLUMNS, [["a", "b"], *CLASSES[1:]], "In column 0 of y: .*classes not in"),
        (KIND, [[0, 1, 2]], "y is one label a row: pass the labels themselves"),
        (BITS, [[0, 2], [0, 1]], "In column 0 of y: .*classes not in"),
        (BITS + 1, [1, 2], "must be a list of 2 arrays"),
    ],
)
def test_classes_that_are_not_possible(y, classes, message):
    with pytest.raises(ValueError, match=message):
        classifier().partial_fit(X[: len(y)], y, classes=classes)


@pytest.mark.parametrize("method", ["partial_fit", "fit", "resume"])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (KIND, "y must have 3 columns of labels, .* it has 1"),
        (COLUMNS[:, :2], "y must have 3 columns of labels, .* it has 2"),
        (np.column_stack([COLUMNS, KIND]), "y must have 3 columns of labels, .* it has 4"),
        (np.where(COLUMNS == 6, 7, COLUMNS), "In column 1 of y: .*classes"),
        (COLUMNS.astype(str), "In column 0 of y: .*classes"),
        (COLUMNS + 0.25, "In column 0 of y: Unknown label type"),
        (np.where(COLUMNS == 6, np.nan, COLUMNS), r"(?s)NaN.*Column 1 of y (has no value|holds)"),
        (np.where(COLUMNS == 6, None, COLUMNS), r"(?s)Column 1 of y (has no value|holds)"),
    ],
)
def test_labels_that_cannot_go_on(method, y, message):
    model = classifier(warm_start=method == "fit").fit(X, COLUMNS)
    before = model.raw_outputs(X)
    if method == "resume":
        model.set_params(max_iter=7)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, y)
    np.testing.assert_array_equal(model.raw_outputs(X), before)


def test_other_classes_on_a_later_call():
    model = classifier().partial_fit(X, COLUMNS, classes=CLASSES)
    with pytest.raises(ValueError, match=r"In column 1 of y: .*not the same as on last call"):
        model.partial_fit(X, COLUMNS, classes=[CLASSES[0], [5, 6, 7], CLASSES[2]])
    with pytest.raises(ValueError, match=r"partial_fit.*dict"):
        model.set_params(class_weight=[None, "balanced", None]).partial_fit(X, COLUMNS)
    # A warm start asks for the same classes in every column, as with a single one.
    model = classifier(warm_start=True).fit(X, COLUMNS)
    with pytest.raises(ValueError, match="In column 0 of y: warm_start"):
        model.fit(X[KIND > 0], COLUMNS[KIND > 0])
    model.fit(X[::2], COLUMNS[::2])


def test_more_epochs_are_the_same_fit():
    model = classifier(max_iter=3).fit(X, FRAME)
    model.set_params(max_iter=5).resume(X, FRAME)
    np.testing.assert_array_equal(model.raw_outputs(X), classifier().fit(X, FRAME).raw_outputs(X))


# ---------------------------------------------------------------------- missing values


def with_value(value, dtype=object):
    y = np.column_stack([FRAME.kind.astype(object), FRAME.grade.astype(object)]).astype(dtype)
    y[[3, 8], 1] = value
    return y


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (with_value(None), "Column 1 of y (has no value|holds).* 2 of 89"),
        (with_value(np.nan), "Column 1 of y (has no value|holds).* 2 of 89"),
        (with_value(pd.NA), "Column 1 of y (has no value|holds).* 2 of 89"),
        (FRAME.mask(FRAME == "low"), "Column 'grade' of y (has no value|holds)"),
        (FRAME.mask(FRAME == 1), "Column 'kind' of y (has no value|holds)"),
        (FRAME.assign(grade=None), "Column 'grade' of y (has no value|holds)"),
        (np.where(COLUMNS == 6, np.inf, COLUMNS), r"infinity.*Column 1 of y (has no value|holds)"),
        (with_value(3), "In column 1 of y: y mixes labels of different types"),
        (np.column_stack([KIND, X[:, 0]]), "In column 1 of y: Unknown label type: continuous"),
        (FRAME.assign(kind=X[:, 0]), "In column 'kind' of y: Unknown label type: continuous"),
        (np.empty((89, 0)), "columns|feature"),
        (np.zeros((89, 2, 2)), "dim"),
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_targets_that_are_not_possible(y, message, early_stopping):
    model = classifier(early_stopping=early_stopping)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(X, y)
    assert model._fitted is None


# ------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
def test_the_score_is_the_mean_accuracy_of_the_columns(weight):
    model = classifier().fit(X, COLUMNS)
    predicted = model.predict(X)
    expected = [
        accuracy_score(COLUMNS[:, j], predicted[:, j], sample_weight=weight) for j in range(3)
    ]
    assert len(set(expected)) > 1
    assert model.score(X, COLUMNS, sample_weight=weight) == pytest.approx(np.mean(expected))
    for y, message in [(KIND, "3 columns"), (COLUMNS[:, :2], "3 columns"), (COLUMNS[1:], "89")]:
        with pytest.raises(ValueError, match=message):
            model.score(X, y)


def test_searches_and_cross_validation():
    model = classifier(max_iter=10)
    scores = cross_val_score(model, X, COLUMNS, cv=FOLDS)
    search = GridSearchCV(model, {"alpha": [1e-4]}, cv=FOLDS).fit(X, COLUMNS)
    assert search.best_score_ == pytest.approx(scores.mean())
    # A number of folds makes scikit-learn sort all labels, which numbers and strings cannot be.
    predicted = cross_val_predict(model, X, FRAME, cv=FOLDS)
    assert predicted.shape == FRAME.shape
    assert cross_val_score(model, X, FRAME, cv=FOLDS).max() <= 1
    probabilities = cross_val_predict(model, X, COLUMNS, cv=FOLDS, method="predict_proba")
    assert [p.shape for p in probabilities] == [(89, 3), (89, 2), (89, 3)]
    # Other scores: a function of the matrices of labels, or of the estimator.
    exact = make_scorer(lambda y, guess: np.mean(np.all(y == guess, axis=1)))
    by_hand = cross_val_score(model, X, COLUMNS, cv=FOLDS, scoring=exact)
    assert np.all(by_hand < scores)
    first = cross_val_score(model, X, COLUMNS, cv=FOLDS, scoring=of_the_first_column)
    assert np.all((first > 0) & (first <= 1))
    selected = classifier(early_stopping=True, early_stopping_metric=of_the_first_column)
    assert max(selected.fit(X, COLUMNS).validation_scores_) == selected.best_validation_score_


FOLDS = KFold(3, shuffle=True, random_state=0)


def of_the_first_column(model, X, y):
    return accuracy_score(y[:, 0], model.predict(X)[:, 0])


def test_the_score_is_documented_and_routed():
    assert "mean of the accuracies of the columns" in inspect.getdoc(ScratchMLPClassifier.score)
    assert hasattr(classifier(), "set_score_request")


# ---------------------------------------------------------------------- early stopping


def held_out(model, y):
    """The labels of the rows held out: those that a scorer is shown."""
    seen = []

    def look(model, X, y):
        seen.append(y)
        return 0.0

    stopping = {"early_stopping": True, "early_stopping_metric": look, "max_iter": 1}
    clone(model).set_params(validation_fraction=0.2, **stopping).fit(X, y)
    return seen[0]


def test_the_first_column_that_can_be_stratifies():
    model = classifier(random_state=8)  # a draw without strata has 4, 10 and 4 rows of the classes
    lonely = np.where(np.arange(len(X)) == 4, 9, KIND)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*stratified")
        by_first = held_out(model, np.column_stack([KIND, lonely]))
        by_second = held_out(model, np.column_stack([lonely, 3 + KIND]))
        by_third = held_out(model, np.column_stack([lonely, 0 * KIND, KIND]))
        assert held_out(model, np.full((89, 2), 7)).shape == (18, 2)
    shares = np.bincount(KIND) / len(KIND) * 18
    for column in (by_first[:, 0], by_second[:, 1] - 3, by_third[:, 2]):
        np.testing.assert_allclose(np.bincount(column.astype(int)), shares, atol=1)


def test_where_no_column_can_be_the_split_is_drawn_without():
    lonely = np.where(np.arange(len(X)) == 4, 9, KIND)
    y = pd.DataFrame({"a": lonely, "b": np.arange(len(X))})
    message = "not stratified by class: in column 'a' of y class 9 has only 1 row, in column 'b'"
    with pytest.warns(UserWarning, match=message):
        assert held_out(classifier(), y).shape == (18, 2)


def test_early_stopping_selects_by_the_mean_accuracy():
    rows = {"X_val": X[::3], "y_val": COLUMNS[::3]}
    model = classifier(early_stopping=True, max_iter=30, n_iter_no_change=5).fit(X, COLUMNS, **rows)
    assert model.score(*rows.values()) == pytest.approx(model.best_validation_score_)
    single = classifier(early_stopping=True).fit(X, FRAME)
    assert 0 < single.best_validation_score_ <= 1


# ------------------------------------------------------------------------- and the rest


def test_hidden_layers_of_a_network_with_several_columns():
    transformer = HiddenLayerTransformer(classifier())
    features = transformer.fit(X, FRAME).transform(X)
    expected = classifier().fit(X, FRAME).hidden_activations(X)
    np.testing.assert_array_equal(features, expected)
    chained = make_pipeline(transformer, classifier()).fit(X, COLUMNS)
    assert chained.predict(X).shape == COLUMNS.shape
    assert isinstance(chained.score(X, COLUMNS), float)
