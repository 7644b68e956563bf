"""SciPy's minimisers in preconditioned variables: the optimum, the stopping rule, early ends."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.optimize
from log_loss_problem import (
    COLUMNS,
    KINDS,
    METHODS,
    N_ROWS,
    WEIGHT,
    Problem,
    X,
    assert_loss_curve,
    assert_optimum,
    every_method,
    every_network,
    minimise,
)

from skneural.convex.newton import Newton
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.convex.stopping import is_optimum
from skneural.objective import Objective


@every_network
@every_method
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_the_optimum_on_any_scale(columns, weight, method, n_outputs, fit_intercept):
    problem = Problem(COLUMNS[columns], n_outputs, weight=weight, fit_intercept=fit_intercept)
    training = minimise(problem, method)
    assert_optimum(problem, training)
    assert_loss_curve(problem, training)
    assert training.n_epochs < 40


@every_network
@every_method
def test_the_optimum_is_that_of_another_minimiser(method, n_outputs, fit_intercept):
    problem = Problem(X, n_outputs, weight=WEIGHT, fit_intercept=fit_intercept)
    reference = scipy.optimize.minimize(
        problem.value,
        np.zeros(problem.network.n_params),
        jac=problem.gradient,
        hess=problem.hessian,
        method="trust-exact",
        options={"gtol": 1e-7},
    )
    training = minimise(problem, method, tol=1e-6)
    assert np.abs(reference.jac).max() < 1e-7
    assert training.loss == pytest.approx(reference.fun, rel=1e-12)
    # What all classes have in common is free to be anything.
    by_class, theirs = (v.reshape(-1, n_outputs) for v in (training.params, reference.x))
    if n_outputs > 1:
        theirs = theirs - theirs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(by_class, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@every_network
@every_method
def test_sparse_rows_have_the_same_optimum(method, n_outputs, fit_intercept, kind):
    dense = X * (np.abs(X) > 0.5)
    problem = Problem(KINDS[kind](dense), n_outputs, weight=WEIGHT, fit_intercept=fit_intercept)
    training = minimise(problem, method)
    assert_optimum(problem, training)
    assert_loss_curve(problem, training)


@every_method
def test_a_weight_is_a_repetition(method):
    counts = (np.arange(N_ROWS) % 3).astype(float)
    weighted = minimise(Problem(X, weight=counts), method, tol=1e-6)
    twice = Problem(X, weight=10 * counts, alpha=10.0)
    np.testing.assert_allclose(minimise(twice, method, tol=1e-6).params, weighted.params, atol=1e-5)
    plain = Problem(X)
    repeated = np.repeat(np.arange(N_ROWS), counts.astype(int))
    plain.rows, plain.y = X[repeated], plain.y[repeated]
    plain.objective = Objective(plain.network, plain.objective.loss, 1.0, len(repeated))
    np.testing.assert_allclose(minimise(plain, method, tol=1e-6).params, weighted.params, atol=1e-5)


@every_network
@every_method
def test_float32(method, n_outputs, fit_intercept):
    problem = Problem(X, n_outputs, fit_intercept=fit_intercept, dtype=np.float32)
    training = minimise(problem, method)
    assert training.params.dtype == np.float32
    assert training.stop_reason == "converged"
    assert np.abs(problem.gradient(training.params.astype(float))).max() <= 2e-4
    assert problem.possible_decrease(training.params.astype(float)) <= 1e-7
    assert_loss_curve(problem, training, resolution=1e-6)


@pytest.mark.parametrize("tol", [1e-3, 1e-5])
@every_network
def test_newton_cg_takes_about_as_many_iterations_as_newton(n_outputs, fit_intercept, tol):
    problem = Problem(X, n_outputs, alpha=1e-2, fit_intercept=fit_intercept)
    whole = problem.run(Newton, tol=tol)
    assert minimise(problem, "Newton-CG", tol=tol).n_epochs <= whole.n_epochs + 1


# Largest element of the gradient, possible decrease, whether that is an optimum at tol = 0.1:
# neither may exceed its share, which for the decrease is a hundredth of the square.
RULE = [
    ([0.1, -0.1, 0.0], 1e-4, True),
    ([0.1001, 0.0, 0.0], 1e-4, False),
    ([0.0, -0.1001, 0.0], 0.0, False),
    ([0.0, 0.0, 0.0], 1.001e-4, False),
    ([np.nan, 0.0, 0.0], 0.0, False),
    ([0.0, 0.0, 0.0], np.nan, False),
]


@pytest.mark.parametrize(("gradient", "possible_decrease", "expected"), RULE)
def test_stopping_rule(gradient, possible_decrease, expected):
    assert is_optimum(np.array(gradient), possible_decrease, 0.1) is expected


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-5])
@every_method
def test_the_first_point_that_satisfies_the_rule_is_the_last(method, tol):
    problem = Problem(COLUMNS["nearly copies"], alpha=0.1)
    training = minimise(problem, method, tol=tol)
    is_over = [
        is_optimum(problem.gradient(params), problem.possible_decrease(params), tol)
        for params in training.path
    ]
    # The decrease is estimated from a second derivative taken a little earlier.
    generous = [
        is_optimum(problem.gradient(params), problem.possible_decrease(params) / 2, tol)
        for params in training.path
    ]
    assert training.stop_reason == "converged"
    assert generous[-1]
    assert sum(is_over[:-1]) <= 1


@pytest.mark.parametrize("max_iter", [0, 1, 2, 3, 9, 10, 11, 20, 23])
@every_method
def test_max_iter_is_respected(method, max_iter):
    # Nearly copies in variables that cannot tell: not at the optimum after 23 iterations.
    problem = Problem(COLUMNS["nearly copies"], alpha=1e-3)
    if method == "Newton-CG":
        max_iter = min(max_iter, 4)
    training = minimise(problem, method, separable=True, tol=0, max_iter=max_iter)
    assert training.stop_reason == "max_iter"
    assert training.n_epochs == max_iter
    assert_loss_curve(problem, training)
    if max_iter == 0:
        np.testing.assert_array_equal(training.params, 0)
        assert training.loss == pytest.approx(np.log(2))


@pytest.mark.parametrize("n_outputs", [1, 3])
@every_method
def test_starting_at_the_optimum_takes_no_iteration(method, n_outputs):
    problem = Problem(X, n_outputs)
    optimum = minimise(problem, method, tol=1e-6)
    again = minimise(problem, method, start=optimum.params)
    assert again.n_epochs == 0
    assert again.stop_reason == "converged"
    assert again.loss == pytest.approx(optimum.loss, rel=1e-14)
    np.testing.assert_allclose(again.params, optimum.params, atol=1e-14)


@pytest.mark.parametrize("n_outputs", [1, 3])
@every_method
def test_any_start_leads_to_the_same_optimum(method, n_outputs):
    problem = Problem(X, n_outputs)
    start = 3 + 5 * np.random.RandomState(2).randn(problem.network.n_params)
    training = minimise(problem, method, start=start, tol=1e-6)
    assert training.stop_reason == "converged"
    np.testing.assert_allclose(
        training.params, minimise(problem, method, tol=1e-6).params, atol=1e-5
    )
    if n_outputs == 3:
        np.testing.assert_allclose(training.params.reshape(-1, 3).sum(axis=1), 0, atol=1e-12)


@every_method
def test_the_limit_of_rounding_is_an_end(method):
    problem = Problem(X, 3)
    training = minimise(problem, method, tol=0)
    assert training.stop_reason == "converged"
    assert training.n_epochs < 100
    assert np.abs(problem.gradient(training.params)).max() < 1e-7


@pytest.mark.parametrize(
    ("method", "n_evaluations"),
    [*product(METHODS, (1, 2, 3, 5)), ("L-BFGS-B", 9), ("L-BFGS-B", 15)],
)
def test_an_interrupt_leaves_the_last_whole_iteration(method, n_evaluations):
    whole = Problem(COLUMNS["nearly copies"], 3)
    minimise(whole, method, separable=True, tol=1e-6)
    interrupted = Problem(COLUMNS["nearly copies"], 3)
    interrupted.objective.left = n_evaluations
    with pytest.raises(KeyboardInterrupt):
        minimise(interrupted, method, separable=True, tol=1e-6)
    training = interrupted.training
    assert training.stop_reason == "interrupted"
    assert min(n_evaluations, 5) / 3 - 1 <= training.n_epochs < n_evaluations
    path = [np.zeros(whole.network.n_params), *whole.training.path]
    np.testing.assert_array_equal(training.params, path[training.n_epochs])
    assert training.loss_curve == whole.training.loss_curve[: training.n_epochs]
    assert training.loss == pytest.approx(whole.value(training.params), rel=1e-12)


@every_method
def test_an_interrupt_before_the_first_evaluation_leaves_the_start(method):
    problem = Problem(X)
    problem.objective.left = 0
    with pytest.raises(KeyboardInterrupt):
        minimise(problem, method, start=np.ones(problem.network.n_params))
    assert problem.training.n_epochs == 0
    np.testing.assert_array_equal(problem.training.params, 1)


@every_method
def test_an_interrupt_while_variables_are_chosen(method):
    def precondition(params):
        raise KeyboardInterrupt

    problem = Problem(X)
    with pytest.raises(KeyboardInterrupt):
        problem.run(PreconditionedMinimizer, method=method, precondition=precondition)
    assert problem.training.stop_reason == "interrupted"
    assert problem.training.n_epochs == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_outputs", [1, 3])
@every_method
def test_what_is_not_finite_is_not_trained_on(method, n_outputs, value):
    rows = X.copy()
    rows[3, 2] = value
    problem = Problem(rows, n_outputs)
    with np.errstate(all="ignore"):
        training = minimise(problem, method)
    assert training.stop_reason == "not_finite"
    assert training.n_epochs == 0
    np.testing.assert_array_equal(training.params, 0)


@every_method
def test_overflow_is_no_convergence(method):
    rows = X.copy()
    rows[3, 2] = 1e200  # the square of which is infinite
    problem = Problem(rows)
    with np.errstate(all="ignore"):
        training = minimise(problem, method)
    assert training.stop_reason in ("no_progress", "not_finite")
    assert np.isfinite(training.params).all()
