"""Rows that need no validation get the predictions that validation would have led to."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from memory import peak_beyond_the_result
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import NotFittedError

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)
from skneural.arrays import matrices
from skneural.estimators import base, data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((60, 5))
TWO = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
#: Converged, by this tolerance, after a few epochs.
NETWORK = {"hidden_layer_sizes": (7, 3), "tol": 1e9, "n_iter_no_change": 3, "random_state": 0}

FITTED = {
    "two classes": ScratchMLPClassifier(**NETWORK).fit(X, TWO),
    "three classes": ScratchMLPClassifier(**NETWORK).fit(X, THREE),
    "words": ScratchMLPClassifier(**NETWORK).fit(X, np.array(["a", "bc", "def"])[THREE]),
    "objects": ScratchMLPClassifier(**NETWORK).fit(X, np.array(["a", "b"], dtype=object)[TWO]),
    "labels": ScratchMLPClassifier(**NETWORK).fit(X, np.column_stack([TWO, THREE > 0])),
    "sparse labels": ScratchMLPClassifier(**NETWORK).fit(
        X, sparse.csr_matrix(np.column_stack([TWO, THREE > 0]))
    ),
    "float32": ScratchMLPClassifier(**NETWORK, dtype="float32").fit(X, THREE),
    "elu": ScratchMLPClassifier(**NETWORK, activation="elu").fit(X, THREE),
    "linear": ScratchMLPClassifier(**{**NETWORK, "hidden_layer_sizes": ()}).fit(X, THREE),
    "regressor": ScratchMLPRegressor(**NETWORK).fit(X, X[:, 0]),
    "regressor, two outputs": ScratchMLPRegressor(**NETWORK).fit(X, X[:, :2]),
    "poisson": ScratchMLPRegressor("poisson", **NETWORK).fit(X, THREE),
    "logistic regression": ScratchLogisticRegression().fit(X, THREE),
    "logistic regression, two classes": ScratchLogisticRegression().fit(X, TWO),
    "logistic regression, no intercept": ScratchLogisticRegression(fit_intercept=False).fit(X, TWO),
    "logistic regression, sparse": ScratchLogisticRegression().fit(X, THREE).sparsify(),
    "perceptron": ScratchPerceptron().fit(X, THREE),
    "perceptron, sparse": ScratchPerceptron().fit(X, TWO).sparsify(),
}
METHODS = ("predict", "decision_function", "predict_proba", "predict_log_proba")
CASES = [
    (name, method) for name, model in FITTED.items() for method in METHODS if hasattr(model, method)
]


def dense(result):
    return result.toarray() if sparse.issparse(result) else result


def outcome(model, method, rows):
    """What a call gives, raises and warns of, in a form that can be compared."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = dense(getattr(model, method)(rows))
        except Exception as error:  # whatever it is, both ways have to raise it
            result = f"{type(error).__name__}: {error}"
    return result, [f"{each.category.__name__}: {each.message}" for each in caught]


def always_validated(model, method, rows, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(base, "_is_clean", lambda X, model: False)
        return outcome(model, method, rows)


def must_not_be_called(*args, **kwargs):
    raise AssertionError("these rows need no validation")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_rows", [1, 2, 50])
@pytest.mark.parametrize(("name", "method"), CASES)
def test_clean_rows_are_not_validated_and_predicted_the_same(
    name, method, n_rows, dtype, monkeypatch
):
    model, rows = FITTED[name], X[:n_rows].astype(dtype)
    expected, _ = always_validated(model, method, rows, monkeypatch)
    before = rows.copy()
    monkeypatch.setattr(base, "checked_rows", must_not_be_called)
    found = dense(getattr(model, method)(rows))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_row_by_itself_is_predicted_as_among_others(name, method):
    model = FITTED[name]
    together = dense(getattr(model, method)(X))
    alone = np.concatenate([dense(getattr(model, method)(X[i : i + 1])) for i in range(len(X))])
    assert alone.dtype == together.dtype
    if alone.dtype.kind != "f":
        np.testing.assert_array_equal(alone, together)
    else:
        tolerance = 1e-12 if alone.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(alone, together, rtol=tolerance, atol=tolerance)


def changed(value, dtype=np.float64):
    rows = X[:1].astype(dtype)
    rows[0, 3] = value
    return rows


class Subclass(np.ndarray):
    pass


NOT_CLEAN = {
    "NaN": changed(np.nan),
    "infinity": changed(np.inf),
    "minus infinity, float32": changed(-np.inf, np.float32),
    "NaN among many": np.vstack([X, changed(np.nan)]),
    "infinities of both signs": np.vstack([changed(np.inf), changed(-np.inf)]),
    "huge": changed(1e200),
    "huge, float32": changed(1e30, np.float32),
    "too narrow": X[:1, :4],
    "too wide": np.hstack([X[:1], X[:1]]),
    "one dimension": X[0],
    "three dimensions": X[:1, :, np.newaxis],
    "no rows": X[:0],
    "a number": np.float64(1.0),
    "list": X[:1].tolist(),
    "integers": np.ones((1, 5), dtype=int),
    "booleans": np.ones((1, 5), dtype=bool),
    "half precision": X[:1].astype(np.float16),
    "long double": X[:1].astype(np.longdouble),
    "complex": X[:1].astype(complex),
    "objects": X[:1].astype(object),
    "words": np.array([["a", "b", "c", "d", "e"]]),
    "data frame": pd.DataFrame(X[:1], columns=list("abcde")),
    "sparse": sparse.csr_matrix(X[:1]),
    "subclass": X[:1].view(Subclass),
    "matrix of many": np.asfortranarray(X),
    "masked": np.ma.masked_array(X[:1], mask=X[:1] > 0),
    "None": None,
}


@pytest.mark.parametrize("rows", NOT_CLEAN.values(), ids=NOT_CLEAN)
@pytest.mark.parametrize(
    "name", ["three classes", "float32", "regressor", "logistic regression", "perceptron"]
)
def test_all_else_is_validated(name, rows, monkeypatch):
    model = FITTED[name]
    assert not base._is_clean(rows, model._model)
    result, told = outcome(model, "predict", rows)
    expected, expected_told = always_validated(model, "predict", rows, monkeypatch)
    np.testing.assert_array_equal(result, expected)
    assert told == expected_told


def test_foreign_byte_order_is_clean():
    rows = X.astype(X.dtype.newbyteorder())
    for name in ("three classes", "float32", "logistic regression"):
        model = FITTED[name]
        np.testing.assert_allclose(
            model.predict_proba(rows), model.predict_proba(X), rtol=1e-6, atol=1e-7
        )
        np.testing.assert_allclose(
            model.predict_proba(rows[:1]), model.predict_proba(X[:1]), rtol=1e-6, atol=1e-7
        )


@pytest.mark.parametrize("kind", [ScratchMLPClassifier, ScratchLogisticRegression])
def test_a_model_that_knows_names_misses_them(kind):
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = kind(max_iter=3).fit(frame, TWO)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X[:1])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("edcba")])


@pytest.mark.parametrize("kind", [ScratchMLPClassifier, ScratchMLPRegressor, ScratchPerceptron])
def test_nothing_is_clean_before_a_fit(kind):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        kind().predict(X[:1])


def test_assume_finite_is_heeded():
    with config_context(assume_finite=True):
        assert np.isnan(FITTED["regressor"].predict(changed(np.nan))).all()
    with pytest.raises(ValueError, match="NaN"):
        FITTED["regressor"].predict(changed(np.nan))


@pytest.mark.parametrize(("name", "method"), [case for case in CASES if "sparse" not in case[0]])
def test_memory_beyond_the_result_does_not_grow_with_the_rows(name, method, monkeypatch):
    # Rows in chunks of a quarter of the length, so that a quarter of the rows shows the same.
    monkeypatch.setattr(matrices, "CHUNK_ELEMENTS", matrices.CHUNK_ELEMENTS // 4)
    model, peaks = FITTED[name], []
    for n_rows in (25_000, 100_000):
        rows = np.ones((n_rows, 5))
        peaks.append(peak_beyond_the_result(partial(getattr(model, method), rows)))
    assert peaks[1] < 1.1 * peaks[0] + 2_500


def test_the_column_that_float32_cannot_hold_is_named():
    frame = pd.DataFrame(X.copy(), columns=list("abcde"))
    model = ScratchMLPClassifier(**NETWORK, dtype="float32").fit(frame, TWO)
    frame.loc[[1, 4], "d"] = 1e39
    with pytest.raises(ValueError, match="'d' of X is too large for float32 in 2 of 60 rows"):
        model.predict(frame)
    plain = FITTED["float32"]
    with pytest.raises(ValueError, match="Column 3 of X is too large for float32 in 1 of 1 rows"):
        plain.predict(changed(-1e39))
    with pytest.raises(ValueError, match="X contains values too large for float32"):
        plain.predict(sparse.csr_matrix(changed(1e39)))
    assert np.isfinite(plain.predict_proba(changed(1e30))).all()


class _ValidatedError(Exception):
    pass


@pytest.fixture
def _unvalidated(monkeypatch):
    """Fits whose rows scikit-learn is asked to validate end in an error."""

    def validate(*args, **kwargs):
        raise _ValidatedError

    monkeypatch.setattr(data, "validate_data", validate)


@pytest.mark.usefixtures("_unvalidated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("labels", [bool, np.int8, int, np.float32, float])
def test_clean_rows_to_train_on_are_not_validated(dtype, labels):
    X = np.arange(12, dtype=dtype).reshape(6, 2)
    y = np.array([0, 1, 0, 1, 0, 1]).astype(labels)
    assert ScratchLogisticRegression().fit(X, y).coef_.dtype == dtype


_ROWS = np.arange(12.0).reshape(6, 2)
_LABELS = np.array([0.0, 1, 0, 1, 0, 1])


@pytest.mark.usefixtures("_unvalidated")
@pytest.mark.parametrize(
    ("X", "y"),
    [
        (_ROWS.tolist(), _LABELS),
        (_ROWS.astype(int), _LABELS),
        (_ROWS.astype(np.float16), _LABELS),
        (np.asfortranarray(_ROWS), _LABELS),
        (np.where(_ROWS == 3, np.nan, _ROWS), _LABELS),
        (np.where(_ROWS == 3, np.inf, _ROWS), _LABELS),
        (_ROWS.ravel(), _LABELS),
        (_ROWS[:0], _LABELS[:0]),
        (_ROWS[:, :0], _LABELS),
        (_ROWS, _LABELS[:-1]),
        (_ROWS, _LABELS[:, np.newaxis]),
        (_ROWS, _LABELS.tolist()),
        (_ROWS, _LABELS.astype(str)),
        (_ROWS, np.where(_LABELS == 1, np.nan, _LABELS)),
        (_ROWS, np.where(_LABELS == 1, np.inf, _LABELS)),
    ],
)
def test_all_other_rows_to_train_on_are_validated(X, y):
    with pytest.raises(_ValidatedError):
        ScratchLogisticRegression().fit(X, y)
