"""Newton's method: how fast it gets there, where it cannot, and early ends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from log_loss_problem import (
    COLUMNS,
    KINDS,
    N_ROWS,
    WEIGHT,
    Problem,
    X,
    assert_loss_curve,
    assert_optimum,
    every_network,
    minimise,
)

from skneural.convex.newton import Newton, SingularHessianError
from skneural.convex.preconditioning import preconditioner


def newton(problem, **options):
    return problem.run(Newton, **options)


@every_network
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_the_optimum_on_any_scale(columns, weight, n_outputs, fit_intercept):
    problem = Problem(COLUMNS[columns], n_outputs, weight=weight, fit_intercept=fit_intercept)
    training = newton(problem)
    assert_optimum(problem, training)
    assert_loss_curve(problem, training)
    assert training.n_epochs < 10
    if n_outputs == 3:
        by_class = training.params.reshape(-1, 3)
        scale = np.abs(by_class).max(axis=1)
        np.testing.assert_allclose(by_class.sum(axis=1) / scale, 0, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@every_network
def test_the_optimum_is_that_of_lbfgs(n_outputs, fit_intercept, kind):
    dense = X * (np.abs(X) > 0.5)
    problem = Problem(KINDS[kind](dense), n_outputs, weight=WEIGHT, fit_intercept=fit_intercept)
    training = newton(problem, tol=1e-6)
    assert_optimum(problem, training, tol=1e-6)
    expected = minimise(problem, "L-BFGS-B", tol=1e-7)
    np.testing.assert_allclose(training.params, expected.params, atol=1e-6)
    assert training.loss == pytest.approx(expected.loss, rel=1e-13)


@every_network
def test_the_number_of_right_digits_doubles(n_outputs, fit_intercept):
    problem = Problem(X, n_outputs, fit_intercept=fit_intercept, alpha=0.01)
    training = newton(problem, tol=1e-14)
    errors = [np.linalg.norm(problem.gradient(params)) for params in training.path]
    assert training.stop_reason == "converged"
    assert training.n_epochs <= 9
    assert errors[-1] < 1e-10
    # Only where a square is not yet lost in rounding does it say anything.
    pairs = [(e, following) for e, following in pairwise(errors) if e > 1e-6]
    assert len(pairs) >= 2
    for error, following in pairs:
        assert following < 10 * error**2


@every_network
def test_float32(n_outputs, fit_intercept):
    problem = Problem(X, n_outputs, fit_intercept=fit_intercept, dtype=np.float32)
    training = newton(problem)
    assert training.params.dtype == np.float32
    assert training.stop_reason == "converged"
    assert np.abs(problem.gradient(training.params.astype(float))).max() <= 2e-4
    assert_loss_curve(problem, training, resolution=1e-6)


def test_a_weight_is_a_repetition():
    counts = (np.arange(N_ROWS) % 3).astype(float)
    weighted = newton(Problem(X, weight=counts), tol=1e-8)
    twice = newton(Problem(X, weight=2 * counts, alpha=2.0), tol=1e-8)
    np.testing.assert_allclose(twice.params, weighted.params, rtol=1e-8)
    # Rows of no weight may be anything.
    rows = X + 7.0 * (counts == 0)[:, np.newaxis]
    np.testing.assert_allclose(
        newton(Problem(rows, weight=counts), tol=1e-8).params, weighted.params, rtol=1e-8
    )


#: Columns for which, without a penalty, no second derivative can be inverted.
SINGULAR = {
    "copies": X[:, [0, 1, 1]],
    "a sum": np.hstack([X[:, :2], X[:, :2].sum(axis=1, keepdims=True)]),
    "zeros": X[:, :3] * [1, 0, 1],
    "many sums": X @ np.random.RandomState(4).randn(6, 20),
    "fewer rows than columns": X[:4],
    "a constant beside the intercept": np.hstack([X[:, :2], np.full((N_ROWS, 1), 2.0)]),
}


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("columns", SINGULAR)
def test_singular(columns, n_outputs):
    problem = Problem(SINGULAR[columns], n_outputs, alpha=0.0)
    start = 0.1 * np.random.RandomState(3).randn(problem.network.n_params)
    if n_outputs == 3:
        start = start.reshape(-1, 3)
        start = (start - start.mean(axis=1, keepdims=True)).ravel()
    with pytest.raises(SingularHessianError):
        newton(problem, start=start)
    training = problem.training
    assert training.n_epochs == 0
    assert training.loss_curve == []
    np.testing.assert_allclose(training.params, start, rtol=1e-12)
    assert training.loss == pytest.approx(problem.value(start), rel=1e-12)


def test_singular_whatever_the_sign_of_rounding():
    for seed in range(20):
        rng = np.random.RandomState(seed)
        rows = rng.randn(N_ROWS, 4)
        rows = np.hstack([rows, rows @ rng.randn(4, 1)])
        with pytest.raises(SingularHessianError):
            newton(Problem(rows, alpha=0.0))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("columns", SINGULAR)
def test_a_penalty_makes_it_regular(columns, n_outputs):
    problem = Problem(SINGULAR[columns], n_outputs, alpha=1e-2)
    training = newton(problem)
    assert_optimum(problem, training)
    assert_loss_curve(problem, training)


@every_network
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_scales_are_no_reason_to_be_singular(scale, n_outputs, fit_intercept):
    rows = X * [1, scale, 1, 1, 1, 1]
    problem = Problem(rows, n_outputs, alpha=0.0, fit_intercept=fit_intercept)
    assert_optimum(problem, newton(problem))


def test_a_constant_without_an_intercept_is_regular():
    problem = Problem(SINGULAR["a constant beside the intercept"], alpha=0.0, fit_intercept=False)
    assert_optimum(problem, newton(problem))


@every_network
@pytest.mark.parametrize("seed", range(3))
def test_far_away_steps_are_shortened(seed, n_outputs, fit_intercept):
    problem = Problem(X, n_outputs, fit_intercept=fit_intercept)
    start = 8 * np.random.RandomState(seed).randn(problem.network.n_params)
    # By hand: the whole first step leads uphill.
    step = np.linalg.lstsq(problem.hessian(start), problem.gradient(start), rcond=1e-10)[0]
    assert problem.value(start - step) > problem.value(start)
    training = newton(problem, start=start)
    assert_optimum(problem, training)
    assert max(training.loss_curve) < problem.value(start)
    assert np.all(np.diff(training.loss_curve) <= 0)
    expected = newton(problem, tol=1e-8).params
    np.testing.assert_allclose(training.params, expected, atol=1e-4)


@pytest.mark.parametrize("max_iter", range(6))
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_max_iter_is_respected(n_outputs, max_iter):
    problem = Problem(X, n_outputs, alpha=1e-3)
    training = newton(problem, tol=1e-12, max_iter=max_iter)
    assert training.n_epochs == max_iter
    assert training.stop_reason == "max_iter"
    assert_loss_curve(problem, training)
    assert training.loss == pytest.approx(problem.value(training.params), rel=1e-12)


def test_the_last_iteration_allowed_may_be_the_one_that_arrives():
    problem = Problem(X)
    needed = newton(problem).n_epochs
    training = newton(problem, max_iter=needed)
    assert training.n_epochs == needed
    assert training.stop_reason == "converged"


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_starting_at_the_optimum_takes_one_look(n_outputs):
    # The rule asks for the second derivative, which is not known before the first iteration.
    problem = Problem(X, n_outputs)
    optimum = newton(problem, tol=1e-8)
    again = newton(problem, start=optimum.params)
    assert again.stop_reason == "converged"
    assert again.n_epochs <= 1
    np.testing.assert_allclose(again.params, optimum.params, atol=1e-8)


def test_the_limit_of_rounding_is_an_end():
    problem = Problem(X, 3)
    training = newton(problem, tol=0)
    assert training.stop_reason == "converged"
    assert training.n_epochs < 12
    assert np.abs(problem.gradient(training.params)).max() < 1e-8


@pytest.mark.parametrize("n_evaluations", range(5))
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_an_interrupt_leaves_the_last_whole_iteration(n_outputs, n_evaluations):
    whole = Problem(X, n_outputs, alpha=1e-3)
    newton(whole, tol=1e-12)
    interrupted = Problem(X, n_outputs, alpha=1e-3)
    interrupted.objective.left = n_evaluations
    with pytest.raises(KeyboardInterrupt):
        newton(interrupted, tol=1e-12)
    training = interrupted.training
    # One evaluation at the start, and from zero one for every step.
    assert training.n_epochs == max(n_evaluations - 1, 0)
    if n_evaluations > 0:
        assert training.stop_reason == "interrupted"
        assert training.loss == pytest.approx(whole.value(training.params), rel=1e-12)
    path = [np.zeros(whole.network.n_params), *whole.training.path]
    np.testing.assert_array_equal(training.params, path[training.n_epochs])
    assert training.loss_curve == whole.training.loss_curve[: training.n_epochs]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_what_is_not_finite_is_not_trained_on(n_outputs, value):
    rows = X.copy()
    rows[3, 2] = value
    problem = Problem(rows, n_outputs)
    with np.errstate(all="ignore"):
        training = newton(problem)
    assert training.stop_reason == "not_finite"
    assert training.n_epochs == 0
    np.testing.assert_array_equal(training.params, 0)


@pytest.mark.parametrize("columns", ["scaled", "nearly copies"])
def test_fewer_iterations_than_with_first_derivatives(columns):
    problem = Problem(COLUMNS[columns], 3, alpha=1e-2)
    condition = preconditioner(problem.network, problem.rows, None, problem.alpha, separable=True)
    assert condition(np.zeros(problem.network.n_params)).transform.ndim == 1
    others = minimise(problem, "L-BFGS-B", separable=True).n_epochs
    assert newton(problem).n_epochs < others / 2
