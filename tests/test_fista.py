"""FISTA: the conditions of its optimum by hand, exact zeros, scikit-learn's saga, early ends."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sklearn
from log_loss_problem import COLUMNS, KINDS, N_ROWS, WEIGHT, Problem, X, every_network
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from skneural import ScratchLogisticRegression
from skneural.convex import fista
from skneural.convex.fista import Fista

L1_RATIOS = (1.0, 0.5, 0.0)


class PenalisedProblem(Problem):
    """A log loss with the two penalties, of which the L1 penalty is not in the objective."""

    def __init__(self, rows=X, n_outputs=1, *, strength=8.0, l1_ratio=1.0, **options):
        super().__init__(rows, n_outputs, alpha=strength * (1 - l1_ratio), **options)
        self.l1 = strength * l1_ratio

    def fista(self, **options):
        return self.run(Fista, l1=self.l1, **options)

    @property
    def share(self):
        """What a weight may be worth without leaving zero."""
        return self.l1 / self.s.sum()

    def whole_value(self, params):
        return self.value(params) + self.share * np.abs(params[self.is_weight]).sum()

    def violation(self, params):
        """By how much the conditions of an optimum are not met, at most."""
        slope = self.gradient(params)
        nonzero = self.is_weight & (params != 0)
        zero = self.is_weight & (params == 0)
        return max(
            np.abs(slope[~self.is_weight]).max(initial=0),
            np.abs(slope + self.share * np.sign(params))[nonzero].max(initial=0),
            (np.abs(slope[zero]) - self.share).max(initial=0),
        )


def assert_loss_curve(problem, training, resolution=1e-14):
    curve = training.loss_curve
    assert len(curve) == training.n_epochs == len(training.path)
    values = [problem.whole_value(params.astype(float)) for params in training.path]
    np.testing.assert_allclose(curve, values, rtol=max(1e-10, 1e2 * resolution))
    if curve:
        assert training.loss == curve[-1]
        np.testing.assert_array_equal(training.params, training.path[-1])
        start = problem.whole_value(np.zeros(len(training.params)))
        assert np.max(np.diff([start, *curve])) <= resolution * curve[0]


@pytest.fixture(params=[True, False], ids=["with Newton", "FISTA alone"])
def with_newton(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", 0)
    return request.param


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("l1_ratio", L1_RATIOS)
@pytest.mark.parametrize("kind", KINDS)
@every_network
def test_the_conditions_of_an_optimum(
    n_outputs, fit_intercept, kind, l1_ratio, weight, with_newton
):
    rows = KINDS[kind](X * (np.abs(X) > 0.5))
    problem = PenalisedProblem(
        rows, n_outputs, l1_ratio=l1_ratio, weight=weight, fit_intercept=fit_intercept
    )
    training = problem.fista(tol=1e-5, max_iter=1000)
    assert training.stop_reason == "converged"
    assert problem.violation(training.params) <= 1.01e-5
    assert_loss_curve(problem, training)
    n_zeros = np.count_nonzero(training.params[problem.is_weight] == 0)
    if l1_ratio == 1:
        assert 0 < n_zeros < problem.network.n_penalised
    if l1_ratio == 0:
        assert n_zeros == 0


@pytest.mark.parametrize("l1_ratio", L1_RATIOS)
@every_network
def test_newton_steps_change_nothing_but_the_number_of_iterations(
    n_outputs, fit_intercept, l1_ratio, monkeypatch
):
    problem = PenalisedProblem(n_outputs=n_outputs, l1_ratio=l1_ratio, fit_intercept=fit_intercept)
    with_newton = problem.fista(tol=1e-7, max_iter=1000)
    monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", 0)
    alone = problem.fista(tol=1e-7, max_iter=1000)
    assert alone.stop_reason == with_newton.stop_reason == "converged"
    by_class, others = (t.params.reshape(-1, n_outputs) for t in (with_newton, alone))
    n_features = X.shape[1]
    np.testing.assert_allclose(by_class[:n_features], others[:n_features], atol=1e-5)
    np.testing.assert_array_equal(by_class[:n_features] == 0, others[:n_features] == 0)
    assert with_newton.loss == pytest.approx(alone.loss, rel=1e-11)


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("strength", [0.1, 1.0, 8.0])
def test_the_last_step_changes_no_weight_by_more_than_its_share(strength, tol):
    problem = PenalisedProblem(strength=strength)
    training = problem.fista(tol=tol)
    before, last = (params[problem.is_weight] for params in training.path[-2:])
    assert training.stop_reason == "converged"
    assert np.abs(last - before).max() <= tol * np.abs(last).max()


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_the_end_is_judged_by_the_curvature_there(l1_ratio):
    """Where probabilities become certain, that of the start says little."""
    rng = np.random.RandomState(1)
    rows, weights = rng.randn(400, 320), rng.randn(320) * (rng.rand(320) < 0.05)
    weights[0] = 3
    y = rows @ weights + 0.3 * rng.randn(400) > rng.randn()
    settings = {"solver": "fista", "C": 1e4, "l1_ratio": l1_ratio, "max_iter": 1000}
    model, exact = (
        ScratchLogisticRegression(tol=tol, **settings).fit(rows, y) for tol in (1e-4, 1e-9)
    )
    assert model.stop_reason_ == exact.stop_reason_ == "converged"
    # The tolerance is 1e-10; 1e-6 was what the first estimate left.
    assert model.loss_curve_[-1] - exact.loss_curve_[-1] < 1e-9


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_small_tolerance_is_met_where_the_objective_shows_no_decrease(n_outputs):
    violations = []
    for seed in range(20):
        rows = np.random.RandomState(seed).randn(N_ROWS, 20) @ (np.eye(20) + 0.2)
        problem = PenalisedProblem(rows, n_outputs, strength=1.0)
        training = problem.fista(tol=1e-12, max_iter=1000)
        assert training.stop_reason == "converged"
        violations.append(problem.violation(training.params))
    assert max(violations) < 1e-12


def lambda_max(problem):
    """The strength of the L1 penalty from which on all weights are zero, by hand.

    There the intercepts alone predict the shares of the classes, or 1/2 where there are none.
    """
    if problem.fit_intercept:
        p = np.average(problem.y, axis=0, weights=problem.s)
    else:
        p = np.full(problem.y.shape[1], 1 / max(problem.y.shape[1], 2))
    return np.abs(problem.dense.T @ (problem.s[:, np.newaxis] * (p - problem.y))).max()


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@every_network
def test_above_a_certain_strength_all_weights_are_zero(
    n_outputs, fit_intercept, weight, l1_ratio, with_newton
):
    options = {"weight": weight, "fit_intercept": fit_intercept, "l1_ratio": l1_ratio}
    strength = lambda_max(PenalisedProblem(X, n_outputs, **options)) / l1_ratio
    above = PenalisedProblem(X, n_outputs, strength=1.001 * strength, **options)
    training = above.fista(tol=1e-6, max_iter=1000)
    assert training.stop_reason == "converged"
    np.testing.assert_array_equal(training.params[above.is_weight], 0)
    if fit_intercept:
        shares = np.average(above.y, axis=0, weights=above.s)
        np.testing.assert_allclose(above.probabilities(training.params)[0], shares, atol=1e-5)
    else:
        assert training.n_epochs == 0
    below = PenalisedProblem(X, n_outputs, strength=0.99 * strength, **options)
    assert np.count_nonzero(below.fista(tol=1e-6, max_iter=1000).params[below.is_weight]) > 0


def saga(problem, l1_ratio):
    """scikit-learn's, run until it stands still."""
    options = {"C": 1 / (problem.l1 + problem.alpha), "l1_ratio": l1_ratio}
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        options["penalty"] = "elasticnet"
    classifier = LogisticRegression(
        solver="saga", tol=1e-10, max_iter=10_000, random_state=0, **options
    )
    classifier.set_params(fit_intercept=problem.fit_intercept)
    labels = problem.y[:, 0] if problem.y.shape[1] == 1 else problem.y.argmax(axis=1)
    classifier.fit(problem.dense, labels, problem.weight)
    params = classifier.coef_.T.ravel()
    if problem.fit_intercept:
        params = np.append(params, classifier.intercept_)
    return params


@pytest.mark.parametrize("l1_ratio", L1_RATIOS)
@every_network
def test_the_optimum_is_that_of_scikit_learns_saga(n_outputs, fit_intercept, l1_ratio):
    problem = PenalisedProblem(
        X[:60], n_outputs, strength=3.0, l1_ratio=l1_ratio, fit_intercept=fit_intercept
    )
    expected = saga(problem, l1_ratio)
    training = problem.fista(tol=1e-8, max_iter=1000)
    assert problem.whole_value(training.params) == pytest.approx(
        problem.whole_value(expected), rel=1e-10
    )
    raw, theirs = problem.raw(training.params), problem.raw(expected)
    if n_outputs > 1:  # what is added to all outputs changes nothing
        raw, theirs = (z - z.mean(axis=1, keepdims=True) for z in (raw, theirs))
    np.testing.assert_allclose(raw, theirs, atol=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("columns", ["shifted", "copies, constants and zeros", "scaled"])
def test_any_columns(columns, n_outputs):
    # The violation in units of the features; that of a column of zeros is zero.
    problem = PenalisedProblem(COLUMNS[columns], n_outputs, strength=1e-3)
    training = problem.fista(tol=1e-6, max_iter=2000)
    assert training.stop_reason == "converged"
    assert_loss_curve(problem, training, resolution=1e-13)
    spread = np.maximum(np.ptp(problem.dense, axis=0), 1)
    assert problem.violation(training.params) <= 1e-5 * spread.max()


def test_fewer_rows_than_features(with_newton):
    rng = np.random.RandomState(0)
    problem = PenalisedProblem(rng.randn(40, 90), strength=2.0)
    training = problem.fista(tol=1e-6, max_iter=3000)
    assert training.stop_reason == "converged"
    assert problem.violation(training.params) <= 1e-6
    assert 0 < np.count_nonzero(training.params[problem.is_weight]) < 40


@pytest.mark.parametrize("l1_ratio", L1_RATIOS)
@every_network
def test_float32(n_outputs, fit_intercept, l1_ratio, with_newton):
    problem = PenalisedProblem(
        X, n_outputs, l1_ratio=l1_ratio, fit_intercept=fit_intercept, dtype=np.float32
    )
    training = problem.fista(max_iter=1000)
    assert training.params.dtype == np.float32
    assert training.stop_reason == "converged"
    assert problem.violation(training.params.astype(float)) <= 2e-4
    assert_loss_curve(problem, training, resolution=1e-6)


@pytest.mark.parametrize("strength", [0.1, 1.0, 8.0])
def test_float32_takes_as_many_iterations_as_float64(strength, monkeypatch):
    monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", 0)
    double, single = (
        PenalisedProblem(strength=strength, dtype=dtype) for dtype in (np.float64, np.float32)
    )
    n_epochs = double.fista(max_iter=1000).n_epochs
    training = single.fista(max_iter=1000)
    assert training.n_epochs <= n_epochs + 3
    assert single.violation(training.params.astype(float)) < 1e-5


def test_slow_progress_in_float32_is_no_convergence(monkeypatch):
    monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", 0)
    problem = PenalisedProblem(COLUMNS["nearly copies"], 3, strength=0.1, dtype=np.float32)
    training = problem.fista(max_iter=1000)
    monkeypatch.undo()
    optimum = PenalisedProblem(COLUMNS["nearly copies"], 3, strength=0.1).fista(max_iter=1000)
    assert training.stop_reason != "converged" or training.loss < optimum.loss + 1e-2


def test_a_weight_is_a_repetition():
    counts = (np.arange(N_ROWS) % 3).astype(float)
    weighted = PenalisedProblem(X, weight=counts).fista(tol=1e-7, max_iter=1000)
    twice = PenalisedProblem(X, weight=2 * counts, strength=16.0).fista(tol=1e-7, max_iter=1000)
    np.testing.assert_allclose(twice.params, weighted.params, atol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("columns", ["ordinary", "nearly copies"])
def test_without_an_l1_penalty_a_softmax_sums_to_zero(columns, fit_intercept, with_newton):
    problem = PenalisedProblem(COLUMNS[columns], 3, l1_ratio=0.0, fit_intercept=fit_intercept)
    training = problem.fista(tol=1e-6, max_iter=1000)
    np.testing.assert_allclose(training.params.reshape(-1, 3).sum(axis=1), 0, atol=1e-10)


@pytest.mark.parametrize("max_iter", [0, 1, 2, 7, 8, 9, 15])
def test_max_iter_is_respected(max_iter, with_newton):
    problem = PenalisedProblem(COLUMNS["nearly copies"], 3, strength=0.1)
    training = problem.fista(tol=0, max_iter=max_iter)
    assert training.stop_reason == "max_iter"
    assert training.n_epochs == max_iter
    assert_loss_curve(problem, training)
    if max_iter == 0:
        np.testing.assert_array_equal(training.params, 0)
        assert training.loss == pytest.approx(np.log(3))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_starting_at_the_optimum_takes_no_iteration(n_outputs):
    problem = PenalisedProblem(X, n_outputs)
    optimum = problem.fista(tol=1e-6, max_iter=1000)
    again = problem.fista(start=optimum.params)
    assert again.n_epochs == 0
    assert again.stop_reason == "converged"
    np.testing.assert_array_equal(again.params, optimum.params)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_any_start_leads_to_the_same_optimum(n_outputs, with_newton):
    problem = PenalisedProblem(X, n_outputs, fit_intercept=False)
    start = 3 + 5 * np.random.RandomState(2).randn(problem.network.n_params)
    training = problem.fista(start=start, tol=1e-7, max_iter=1000)
    expected = problem.fista(tol=1e-7, max_iter=1000)
    assert training.stop_reason == "converged"
    assert training.loss == pytest.approx(expected.loss, rel=1e-10)
    np.testing.assert_allclose(training.params, expected.params, atol=1e-5)


def test_the_limit_of_rounding_is_an_end(with_newton):
    problem = PenalisedProblem(X, 3)
    training = problem.fista(tol=0, max_iter=2000)
    assert training.stop_reason == "converged"
    assert training.n_epochs < 1000
    assert problem.violation(training.params) < 1e-6


@pytest.mark.parametrize("n_evaluations", [0, 1, 2, 3, 10, 20])
def test_an_interrupt_leaves_the_last_whole_iteration(n_evaluations, with_newton):
    whole, interrupted = (
        PenalisedProblem(COLUMNS["nearly copies"], 3, strength=0.1) for _ in range(2)
    )
    whole.fista(tol=1e-7, max_iter=40)
    interrupted.objective.left = n_evaluations
    with pytest.raises(KeyboardInterrupt):
        interrupted.fista(tol=1e-7, max_iter=40)
    training = interrupted.training
    assert (n_evaluations >= 10) <= training.n_epochs <= n_evaluations
    path = [np.zeros(whole.network.n_params), *whole.training.path]
    np.testing.assert_array_equal(training.params, path[training.n_epochs])
    assert training.loss_curve == whole.training.loss_curve[: training.n_epochs]
    if n_evaluations > 0:
        assert training.stop_reason == "interrupted"
        assert training.loss == pytest.approx(whole.whole_value(training.params), rel=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_what_is_not_finite_is_not_trained_on(n_outputs, value):
    rows = X.copy()
    rows[3, 2] = value
    problem = PenalisedProblem(rows, n_outputs)
    with np.errstate(all="ignore"):
        training = problem.fista()
    assert training.stop_reason == "not_finite"
    assert training.n_epochs == 0
    np.testing.assert_array_equal(training.params, 0)


@pytest.mark.parametrize(("n_outputs", "kind"), list(product((1, 3), ("csr", "csc"))))
def test_many_sparse_features(n_outputs, kind, with_newton):
    rng = np.random.RandomState(0)
    rows = KINDS[kind](sparse.random(N_ROWS, 200, 0.05, random_state=rng, format="csr"))
    problem = PenalisedProblem(rows, n_outputs, strength=0.3)
    training = problem.fista(tol=1e-5, max_iter=2000)
    assert training.stop_reason == "converged"
    assert problem.violation(training.params) <= 1.01e-5
    assert (
        0 < np.count_nonzero(training.params[problem.is_weight]) < problem.network.n_penalised / 2
    )
