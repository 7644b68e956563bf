"""Logistic regression meets `tol` where rounding hides the objective, and then says nothing."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skneural import ScratchLogisticRegression
from skneural.convex.curvature import HessianProduct


def drawn(seed, n_rows, n_features, n_classes):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rows, n_features))
    logits = X @ rng.standard_normal((n_features, n_classes)) + rng.gumbel(size=(n_rows, n_classes))
    return X, np.argmax(logits, axis=1)


def largest_slope(model, X, y):
    """Of the objective per row, in float64: none would be left at an optimum."""
    X, coef = X.astype(np.float64), model.coef_.astype(np.float64)
    z = X @ coef.T + model.intercept_
    if len(model.classes_) == 2:
        z = np.hstack([np.zeros_like(z), z])
    error = softmax(z, axis=1) - (y[:, np.newaxis] == model.classes_)
    error = error[:, -len(coef) :]
    weights = error.T @ X + coef / model.C
    return max(np.abs(weights).max(), np.abs(error.sum(axis=0)).max()) / len(y)


@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg", "lbfgs"])
def test_newtons_method_in_double_precision(solver):
    for seed in range(60):
        n_features = (2, 10, 60)[seed % 3]
        X, y = drawn(seed, 100, n_features, 2)
        C = 10 ** np.random.RandomState(seed).uniform(-6, 2)
        model = ScratchLogisticRegression(solver=solver, C=C, tol=1e-10).fit(X, y)
        assert largest_slope(model, X, y) <= 1e-10
        assert model.stop_reason_ == "converged"


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize(("n_features", "n_classes"), [(10, 2), (100, 3), (300, 2)])
def test_single_precision(solver, n_features, n_classes):
    for seed in range(10):
        X, y = drawn(seed, 150, n_features, n_classes)
        X, C = X.astype(np.float32), 10 ** np.random.RandomState(seed).uniform(-4, 3)
        model = ScratchLogisticRegression(solver=solver, C=C, tol=2e-5, max_iter=1000).fit(X, y)
        assert model.coef_.dtype == np.float32
        assert largest_slope(model, X, y) <= 2e-5


WIDE = drawn(0, 80, 160, 2)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
@pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-9])
def test_single_precision_is_resumed_bit_for_bit(solver, tol):
    """Also where `max_iter` has cut a round of the minimiser short."""
    X, y = WIDE[0].astype(np.float32), WIDE[1]
    settings = {"solver": solver, "tol": tol}
    whole = ScratchLogisticRegression(**settings, max_iter=200).fit(X, y)
    # After any of a few iterations, and after every third of many.
    for max_iter in range(1, whole.n_iter_[0], 1 if whole.n_iter_[0] < 20 else 3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            part = ScratchLogisticRegression(**settings, max_iter=max_iter).fit(X, y)
        part.set_params(max_iter=200).resume(X, y)
        assert part.n_iter_ == whole.n_iter_
        assert part.loss_curve_ == whole.loss_curve_
        np.testing.assert_array_equal(part.coef_, whole.coef_)


def digits():
    X, y = load_digits(return_X_y=True)
    return scale(X[:300]), y[:300]


def far_from_zero():
    X, y = drawn(2, 1000, 20, 5)
    return X + 1e4, y


def huge():
    X = np.random.RandomState(0).standard_normal((40, 3))
    return X * 1e18, (X[:, 0] > 0).astype(int)


#: Fits that rounding ends while the gradient is far below `tol`.
ROUNDED = {
    "separable": (digits, {"solver": "newton-cg", "C": 1e8}),
    "fewer rows than features": (
        lambda: drawn(0, 30, 60, 2),
        {"solver": "newton-cg", "C": np.inf},
    ),
    "huge": (huge, {"solver": "newton-cholesky"}),
    "L1, features far from zero": (far_from_zero, {"solver": "saga", "l1_ratio": 1}),
}


@pytest.fixture
def products(monkeypatch):
    """How often each Hessian was multiplied by a direction of conjugate gradients."""
    counts = Counter()
    times = HessianProduct.times

    def counted(hessian, step):
        counts[hessian] += 1
        return times(hessian, step)

    monkeypatch.setattr(HessianProduct, "times", counted)
    return counts


@pytest.mark.parametrize("name", ROUNDED)
def test_nothing_is_said_where_the_gradient_is_small_enough(name, products):
    """All warnings are errors here."""
    data, settings = ROUNDED[name]
    X, y = data()
    model = ScratchLogisticRegression(**settings).fit(X, y)
    if name in ("separable", "fewer rows than features"):
        assert largest_slope(model, X, y) < 1e-4
    assert model.n_iter_[0] < 100
    # No time is lost by waiting for an end that rounding keeps conjugate gradients from.
    n_params = model.coef_.size + len(model.intercept_)
    assert max(products.values(), default=0) <= 2 * n_params
