"""Which minimiser serves which solver, and L-BFGS where Newton's method fails."""

from __future__ import annotations

import numpy as np
import pytest
from log_loss_problem import Problem, Training, X, assert_optimum, fresh
from scipy import sparse
from threadpoolctl import threadpool_limits

from skneural.convex.curvature import Coordinates, output_basis
from skneural.convex.fista import Fista
from skneural.convex.linear import linear_arrays
from skneural.convex.newton import Newton
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.convex.solvers import (
    MAX_FACTORISED_AT_ONCE,
    MAX_NEWTON_COORDINATES,
    MAX_SMALL_HESSIAN,
    Verified,
    convex_minimizer,
)
from skneural.losses import LOSSES
from skneural.network import dense_network
from skneural.objective import Objective

#: Rows, features and outputs; then, by hand: solver, size, L2, L1, and the minimiser for them.
SMALL, LARGE = (150, 4, 3), (100_000, 10, 3)
CASES = [
    ("lbfgs", SMALL, 1.0, 0.0, "newton-cholesky"),
    ("lbfgs", SMALL, 0.0, 0.0, "lbfgs"),
    ("lbfgs", LARGE, 1.0, 0.0, "lbfgs"),
    ("lbfgs", (MAX_SMALL_HESSIAN // 4, 1, 1), 1.0, 0.0, "newton-cholesky"),
    ("lbfgs", (MAX_SMALL_HESSIAN // 4 + 1, 1, 1), 1.0, 0.0, "lbfgs"),
    ("sag", SMALL, 1.0, 0.0, "newton-cholesky"),
    ("sag", LARGE, 1.0, 0.0, "lbfgs"),
    ("saga", SMALL, 1.0, 0.0, "newton-cholesky"),
    ("saga", LARGE, 1.0, 0.0, "lbfgs"),
    ("saga", SMALL, 1.0, 0.5, "fista"),
    ("fista", SMALL, 1.0, 0.0, "fista"),
    ("newton-cholesky", LARGE, 0.0, 0.0, "newton-cholesky"),
    ("newton-cg", LARGE, 0.0, 0.0, "newton-cholesky"),
    ("newton-cg", (9999, MAX_NEWTON_COORDINATES // 2 - 1, 3), 1.0, 0.0, "newton-cholesky"),
    ("newton-cg", (9999, MAX_NEWTON_COORDINATES // 2, 3), 1.0, 0.0, "newton-cg"),
    ("newton-cg", (201, 200, 1), 1.0, 0.0, "newton-cholesky"),
    ("newton-cg", (200, 200, 1), 1.0, 0.0, "newton-cg"),
    ("newton-cg", (9, MAX_FACTORISED_AT_ONCE - 1, 1), 1.0, 0.0, "newton-cholesky"),
    ("newton-cg", (9, MAX_FACTORISED_AT_ONCE, 1), 1.0, 0.0, "newton-cg"),
]


#: Per minimiser: its class and, if that has several, its method.
KINDS = {
    "newton-cholesky": (Newton, None),
    "lbfgs": (PreconditionedMinimizer, "L-BFGS-B"),
    "newton-cg": (PreconditionedMinimizer, "Newton-CG"),
    "fista": (Fista, None),
}


def assert_kind(minimizer, expected):
    first = minimizer.first if isinstance(minimizer, Verified) else minimizer
    assert (type(first), getattr(first, "method", None)) == KINDS[expected]


@pytest.mark.parametrize(("solver", "size", "l2", "l1", "expected"), CASES)
def test_which_minimiser_serves_a_solver(solver, size, l2, l1, expected):
    n_samples, n_features, n_outputs = size
    network = dense_network((n_features, n_outputs), ())
    loss = LOSSES["log_loss", "logistic" if n_outputs == 1 else "softmax"]
    objective = Objective(network, loss, l2, n_rows=1)
    X, y = sparse.csr_matrix((n_samples, n_features)), np.zeros((n_samples, n_outputs))
    assert_kind(convex_minimizer(solver, objective, X, y, None, tol=1e-4, l1=l1), expected)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("n_outputs", "n_directions"), [(1, 1), (2, 1), (3, 2)])
def test_n_coordinates(n_outputs, n_directions, fit_intercept):
    network = dense_network((5, n_outputs), (), fit_intercept)
    objective = Objective(network, LOSSES["log_loss", "softmax"], 1.0, n_rows=1)
    coordinates = Coordinates(objective, np.ones((3, 5)), None, output_basis(n_outputs))
    assert coordinates.is_weight.size == (5 + fit_intercept) * n_directions


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_linear_arrays_are_views(fit_intercept):
    network = dense_network((2, 3), (), fit_intercept)
    vector = np.arange(float(network.n_params))
    weights, intercepts = linear_arrays(network, vector)
    np.testing.assert_array_equal(weights, [[0, 1, 2], [3, 4, 5]])
    assert np.shares_memory(weights, vector)
    if fit_intercept:
        np.testing.assert_array_equal(intercepts, [6, 7, 8])
        assert np.shares_memory(intercepts, vector)
    else:
        assert intercepts is None


def minimizer_of(problem, solver, l1=0.0, warn=None, tol=1e-4):
    rows = (problem.rows, problem.y.astype(problem.dtype), problem.weight)
    return convex_minimizer(solver, problem.objective, *rows, tol=tol, l1=l1, warn=warn)


def fit(minimizer, problem, max_iter=100, start=None):
    start = np.zeros(problem.network.n_params) if start is None else start
    training = Training(fresh(start), max_iter)
    with threadpool_limits(1):
        training.drive(minimizer)
    return training


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    "solver", ["lbfgs", "sag", "saga", "fista", "newton-cg", "newton-cholesky"]
)
def test_every_solver_comes_to_the_optimum(solver, n_outputs):
    problem = Problem(X, n_outputs)
    training = fit(minimizer_of(problem, solver), problem)
    assert_optimum(problem, training)
    expected = problem.run(Newton, tol=1e-9).params
    np.testing.assert_allclose(training.params, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("solver", "expected"),
    [
        ("lbfgs", "lbfgs"),
        ("newton-cg", "newton-cholesky"),
        ("newton-cholesky", "newton-cholesky"),
        ("fista", "fista"),
    ],
)
def test_kinds_of_minimisers_of_large_problems(solver, expected):
    rows = np.tile(X, (400, 1))
    problem = Problem(X, 3)
    minimizer = convex_minimizer(solver, problem.objective, rows, problem.y, None, tol=1e-4, l1=0.0)
    assert_kind(minimizer, expected)


def test_newton_cg_of_many_features():
    rows = sparse.random(150, 1001, 0.01, random_state=np.random.RandomState(0), format="csr")
    problem = Problem(rows, 3)
    minimizer = minimizer_of(problem, "newton-cg")
    assert minimizer.method == "Newton-CG"
    assert fit(minimizer, problem).stop_reason == "converged"


#: The last column is a copy of the first.
COPIES = np.hstack([X, X[:, :1]])


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_lbfgs_takes_over_where_the_hessian_is_singular(n_outputs):
    problem = Problem(COPIES, n_outputs, alpha=0.0)
    warned = []
    training = fit(minimizer_of(problem, "newton-cholesky", warn=warned.append), problem)
    assert warned == [0]
    assert training.run.message == "lbfgs"
    assert training.stop_reason == "converged"
    assert np.abs(problem.gradient(training.params)).max() <= 1.01e-4
    alone = fit(minimizer_of(problem, "lbfgs"), problem)
    np.testing.assert_array_equal(training.params, alone.params)


@pytest.mark.parametrize(("asked_for", "n_iter"), [(True, 4), (False, 5)])
def test_an_iteration_of_newton_that_failed_counts_if_it_was_asked_for(asked_for, n_iter):
    problem = Problem(COPIES, 3, alpha=0.0)
    lbfgs = problem.minimizer(PreconditionedMinimizer, tol=0)
    warn = (lambda n_iter: None) if asked_for else None
    newton = problem.minimizer(Newton, tol=0, fallback=lbfgs, warn=warn)
    training = fit(newton, problem, max_iter=5)
    assert training.n_epochs == n_iter
    assert training.stop_reason == "max_iter"


def test_nothing_is_said_of_newton_where_lbfgs_was_asked_for():
    problem = Problem(X, 3)
    minimizer = minimizer_of(problem, "lbfgs", warn=lambda n_iter: 1 / 0)
    assert isinstance(minimizer.first, Newton)
    assert minimizer.first.warn is None


def test_an_error_in_the_warning_comes_out():
    # Warnings may be errors.
    def warn(n_iter):
        raise RuntimeWarning("singular")

    problem = Problem(COPIES, 1, alpha=0.0)
    with pytest.raises(RuntimeWarning, match="singular"):
        fit(minimizer_of(problem, "newton-cholesky", warn=warn), problem)


@pytest.mark.parametrize(
    ("rows", "l1", "expected"),
    [
        (np.ones((150, 300)), 0.0, True),
        (np.ones((150, 301)), 1.0, False),
        (sparse.csr_matrix((150, 1000)), 0.0, False),
    ],
)
def test_what_is_verified(rows, l1, expected):
    problem = Problem(rows, 1)
    solver = "fista" if l1 else "lbfgs"
    assert isinstance(minimizer_of(problem, solver, l1), Verified) is expected
