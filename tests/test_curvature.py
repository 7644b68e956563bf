"""Second derivatives: against finite differences of the gradient, and row by row by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, softmax

from skneural.convex.curvature import (
    Coordinates,
    HessianProduct,
    diagonal_curvature,
    hessian,
    probabilities,
    sum_to_zero_basis,
)
from skneural.convex.linear import linear_arrays
from skneural.losses import LOSSES
from skneural.network import dense_network
from skneural.objective import Objective

N_ROWS, N_FEATURES = 12, 4
RNG = np.random.RandomState(0)
X = (1 + RNG.randn(N_ROWS, N_FEATURES)) * (RNG.rand(N_ROWS, N_FEATURES) > 0.3)
WEIGHT = RNG.exponential(size=N_ROWS) * (np.arange(N_ROWS) != 5)
TARGETS = {
    1: (RNG.rand(N_ROWS, 1) > 0.5).astype(float),
    2: np.eye(2)[RNG.randint(2, size=N_ROWS)],
    4: np.eye(4)[RNG.randint(4, size=N_ROWS)],
}
KINDS = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_array}
ALPHA = 0.3

every_case = pytest.mark.parametrize(
    ("kind", "n_outputs", "weighted", "fit_intercept"),
    list(product(KINDS, TARGETS, (False, True), (False, True))),
)


class Case:
    """An objective at a point, with its second derivative there by central differences."""

    def __init__(self, kind, n_outputs, weighted, fit_intercept, dtype=np.float64):
        self.network = dense_network((N_FEATURES, n_outputs), (), fit_intercept)
        self.X = KINDS[kind](X.astype(dtype))
        self.y = TARGETS[n_outputs].astype(dtype)
        self.weight = WEIGHT.astype(dtype) if weighted else None
        self.objective = Objective(
            self.network,
            LOSSES["log_loss", "logistic" if n_outputs == 1 else "softmax"],
            ALPHA,
            N_ROWS,
            mean_weight=WEIGHT.mean() if weighted else 1.0,
            dtype=dtype,
        )
        self.params = RNG.randn(self.network.n_params).astype(dtype)

    def gradient(self, params):
        return self.objective.value_and_gradient(params, self.X, self.y, self.weight)[1].copy()

    def numerical_hessian(self, step=1e-5):
        columns = [
            (self.gradient(self.params + e) - self.gradient(self.params - e)) / (2 * step)
            for e in step * np.eye(self.network.n_params)
        ]
        return np.transpose(columns)

    def coordinates(self, basis, *restriction):
        return Coordinates(self.objective, self.X, self.weight, basis, *restriction)


def assert_close(result, expected):
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_outputs", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_probabilities(kind, n_outputs, dtype):
    case = Case(kind, n_outputs, False, True, dtype)
    p = probabilities(case.network, case.params, case.X)
    layer = linear_arrays(case.network, case.params.astype(float))
    raw = X @ layer.weights + layer.intercepts
    assert p.dtype == np.float64
    expected = expit(raw) if n_outputs == 1 else softmax(raw, axis=1)
    np.testing.assert_allclose(p, expected, rtol=100 * np.finfo(dtype).eps)


def test_diagonal_curvature_is_the_derivative_of_the_logistic_function():
    z, step = np.linspace(-4, 4, 9)[:, np.newaxis], 1e-5
    assert_close(diagonal_curvature(expit(z)), (expit(z + step) - expit(z - step)) / (2 * step))


@every_case
def test_hessian_product(kind, n_outputs, weighted, fit_intercept):
    case = Case(kind, n_outputs, weighted, fit_intercept)
    times = HessianProduct(case.objective, case.params, case.X, case.weight).times
    result = np.transpose([times(e) for e in np.eye(case.network.n_params)])
    assert_close(result, case.numerical_hessian())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_outputs", TARGETS)
def test_hessian_product_of_float32_rows(n_outputs, kind):
    case, single = (Case(kind, n_outputs, True, True, dtype) for dtype in (float, np.float32))
    single.params[...] = case.params
    direction = np.linspace(-1, 1, case.network.n_params)
    expected, result = (
        HessianProduct(each.objective, each.params, each.X, each.weight).times(direction)
        for each in (case, single)
    )
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_sum_to_zero_basis(n_classes):
    basis = sum_to_zero_basis(n_classes)
    assert basis.shape == (n_classes, n_classes - 1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(n_classes - 1), atol=1e-14)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-14)


def bases(n_outputs):
    """Names of orthonormal bases of directions over the outputs, and the bases."""
    if n_outputs == 1:
        return {"one": np.ones((1, 1))}
    return {
        "all": np.eye(n_outputs),
        "sum to zero": sum_to_zero_basis(n_outputs),
        "two directions": np.linalg.qr(np.random.RandomState(1).randn(n_outputs, 2))[0],
    }


@every_case
def test_hessian_is_the_sum_over_rows_of_their_own(kind, n_outputs, weighted, fit_intercept):
    case = Case(kind, n_outputs, weighted, fit_intercept)
    weight = WEIGHT if weighted else np.ones(N_ROWS)
    p = probabilities(case.network, case.params, case.X)
    centre = np.array([1.0, -2.0, 0.5, 0.0]) if kind == "dense" else np.zeros(N_FEATURES)
    for basis in bases(n_outputs).values():
        expected = 0
        for x, p_row, s in zip(X - centre, p, weight, strict=True):
            x_tilde = np.append(x, 1) if fit_intercept else x
            # A single logistic output is a softmax whose other output is always zero.
            in_outputs = np.diag(p_row) - np.outer(p_row, p_row)
            in_basis = basis.T @ in_outputs @ basis
            expected = expected + s * np.kron(in_basis, np.outer(x_tilde, x_tilde))
        result = hessian(case.X, p, weight, centre, basis, fit_intercept=fit_intercept)
        np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12)


def restrictions(n_directions, fit_intercept):
    """Names of restrictions to features and coordinates, and what Coordinates is given."""
    some = np.array([3, 1])
    free = np.random.RandomState(2).rand(n_directions, 2 + fit_intercept) > 0.4
    free[0, 0] = True
    return {
        "none": (),
        "features": (some,),
        "coordinates": (some, free),
        "intercepts": (np.array([], dtype=int), np.ones((n_directions, int(fit_intercept)), bool)),
    }


@every_case
def test_coordinates_are_a_linear_map(kind, n_outputs, weighted, fit_intercept):
    case = Case(kind, n_outputs, weighted, fit_intercept)
    second_derivative = case.numerical_hessian()
    gradient = case.gradient(case.params)
    for basis in bases(n_outputs).values():
        for name, restriction in restrictions(basis.shape[1], fit_intercept).items():
            coordinates = case.coordinates(basis, *restriction)
            n = len(coordinates.is_weight)
            if name == "intercepts":
                assert n == basis.shape[1] * fit_intercept
            if n == 0:
                continue
            steps = np.transpose([coordinates.expand(e) for e in np.eye(n)])
            assert np.linalg.matrix_rank(steps) == n
            assert_close(coordinates.reduce(gradient), steps.T @ gradient)
            assert_close(coordinates.hessian(case.params), steps.T @ second_derivative @ steps)


@every_case
def test_restricted_coordinates_move_nothing_else(kind, n_outputs, weighted, fit_intercept):
    case = Case(kind, n_outputs, weighted, fit_intercept)
    free = np.zeros((n_outputs, 2 + fit_intercept), dtype=bool)
    free[0] = True
    coordinates = case.coordinates(np.eye(n_outputs), np.array([3, 1]), free)
    np.testing.assert_array_equal(
        coordinates.is_weight, [True, True, False] if fit_intercept else [True, True]
    )
    layer = linear_arrays(case.network, coordinates.expand(np.ones(2 + fit_intercept)))
    np.testing.assert_array_equal(layer.weights[[3, 1], 0], 1)
    assert np.count_nonzero(layer.weights) == 2
    if fit_intercept:
        assert np.all(layer.intercepts[1:] == 0)


@every_case
def test_position_is_that_of_the_weights(kind, n_outputs, weighted, fit_intercept):
    case = Case(kind, n_outputs, weighted, fit_intercept)
    layer = linear_arrays(case.network, case.params)
    for basis in bases(n_outputs).values():
        coordinates = case.coordinates(basis)
        position = coordinates.position(case.params)
        np.testing.assert_array_equal(position[~coordinates.is_weight], 0)
        reached = linear_arrays(case.network, coordinates.expand(position))
        projected = layer.weights @ basis @ basis.T
        np.testing.assert_allclose(reached.weights, projected, atol=1e-14)


def test_the_intercept_coordinate_is_that_at_the_mean_of_the_features():
    # Far from zero, the coordinates of weights and intercept hardly know of each other.
    case = Case("dense", 1, True, True)
    case.X = X + 1e4
    matrix = case.coordinates(np.ones((1, 1))).hessian(np.zeros(N_FEATURES + 1))
    np.testing.assert_allclose(matrix[-1, :-1], 0, atol=1e-10)
    mean = np.average(X, axis=0, weights=WEIGHT)
    covariance = (X - mean).T @ (WEIGHT[:, np.newaxis] * (X - mean)) / WEIGHT.sum()
    penalty = ALPHA / WEIGHT.sum() * np.eye(N_FEATURES)
    np.testing.assert_allclose(matrix[:-1, :-1], covariance / 4 + penalty, rtol=1e-6, atol=1e-8)
