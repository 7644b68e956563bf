"""The bound on how far the objective can still fall, and the minimiser that goes by it."""

from __future__ import annotations

import numpy as np
import pytest
from log_loss_problem import COLUMNS, KINDS, WEIGHT, Problem, X, every_network

from skneural.convex.certified import CertifiedNewton, _Steps
from skneural.convex.newton import Newton


def l1_value(problem, params, l1):
    return problem.value(params) + l1 * np.abs(params[problem.is_weight]).sum() / problem.s.sum()


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("columns", ["ordinary", "scaled", "shifted"])
@every_network
def test_the_gap_is_a_bound_and_a_close_one(n_outputs, fit_intercept, columns, weight):
    if columns == "shifted" and not fit_intercept:
        columns = "nearly copies"
    problem = Problem(COLUMNS[columns], n_outputs, weight=weight, fit_intercept=fit_intercept)
    best = problem.run(Newton, tol=1e-10).params
    lowest = problem.value(best)
    steps = _Steps(problem.minimizer(CertifiedNewton))
    rng = np.random.RandomState(0)
    for distance in (0, 1e-4, 1e-2, 0.1, 1):
        # Not in the intercepts: moved against each other by the unit of a shifted feature.
        away = distance * rng.randn(len(best)) * best * problem.is_weight
        if columns == "shifted":
            away *= 1e-3
        above = problem.value(best + away) - lowest
        gap = steps.best(best + away).gap
        assert gap >= above - 1e-12
        if distance < 0.1:
            assert gap <= 1.2 * above + 1e-9


@pytest.mark.parametrize("l1", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@every_network
def test_the_gap_with_an_l1_penalty(n_outputs, fit_intercept, alpha, l1):
    problem = Problem(X, n_outputs, fit_intercept=fit_intercept, alpha=alpha)
    best = problem.run(CertifiedNewton, tol=1e-8, l1=l1).params
    lowest = l1_value(problem, best, l1)
    steps = _Steps(problem.minimizer(CertifiedNewton, l1=l1))
    rng = np.random.RandomState(0)
    for distance in (0, 1e-3, 0.1, 1):
        point = best + distance * rng.randn(len(best)) * problem.is_weight
        assert steps.best(point).gap >= l1_value(problem, point, l1) - lowest - 1e-12
    # Nothing near it is lower.
    for _ in range(200):
        near = best + 10 ** rng.uniform(-6, -1) * rng.randn(len(best))
        assert l1_value(problem, near, l1) >= lowest - 1e-10


@pytest.mark.parametrize("kind", KINDS)
@every_network
def test_it_arrives_where_newtons_method_does(n_outputs, fit_intercept, kind):
    rows = KINDS[kind](X)
    problem = Problem(rows, n_outputs, fit_intercept=fit_intercept, weight=WEIGHT)
    training = problem.run(CertifiedNewton, tol=1e-8)
    assert training.stop_reason == "converged"
    expected = problem.run(Newton, tol=1e-10).params
    np.testing.assert_allclose(training.params, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_copies_and_constant_columns(n_outputs):
    rows = COLUMNS["copies, constants and zeros"]
    problem = Problem(rows, n_outputs, alpha=0.0)
    training = problem.run(CertifiedNewton, tol=1e-6)
    assert training.stop_reason == "converged"
    plain = Problem(X[:, :4], n_outputs, alpha=0.0)
    expected = plain.value(plain.run(Newton, tol=1e-10).params)
    assert problem.value(training.params) == pytest.approx(expected, rel=1e-8)


def test_a_row_that_is_certain_gives_way_to_the_others():
    # The first row outweighs the others in the second column until it is certain beyond doubt.
    small = X * [1, 1e-4, 1, 1, 1, 1]
    problem = Problem(small, 1, alpha=0.0)
    best = problem.run(Newton, tol=1e-10).params
    rows = small.copy()
    rows[0, 1] = 1e6 * np.sign(best[1]) * (2 * problem.y[0, 0] - 1)
    problem = Problem(rows, 1, alpha=0.0)
    params = problem.run(Newton, tol=1e-10, max_iter=6).params
    steps = _Steps(problem.minimizer(CertifiedNewton))
    plain, freed = steps.plain(params), steps.best(params)
    assert np.isinf(plain.gap)
    assert freed.gap > 1e-3
    assert abs(freed.direction[1]) > 1e3 * abs(plain.direction[1])
    training = problem.run(CertifiedNewton, tol=1e-6)
    assert training.stop_reason == "converged"
    # It costs the others nothing.
    assert training.params[1] == pytest.approx(best[1], rel=0.2)


def test_running_out_of_iterations():
    problem = Problem(X, 3)
    assert problem.run(CertifiedNewton, max_iter=1).stop_reason == "max_iter"


def test_a_start_that_is_not_finite():
    problem = Problem(X, 1)
    training = problem.run(CertifiedNewton, start=np.full(7, np.nan))
    assert training.stop_reason == "not_finite"
