"""Convex minimisers that are stopped, stored and resumed: bit for bit the uninterrupted fit."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from log_loss_problem import KINDS, WEIGHT, Problem, Training, X, fresh
from threadpoolctl import threadpool_limits

from skneural.convex import fista
from skneural.convex.certified import CertifiedNewton
from skneural.convex.fista import Fista
from skneural.convex.newton import Newton
from skneural.convex.preconditioned import MEMORY, PreconditionedMinimizer
from skneural.convex.preconditioning import preconditioner
from skneural.minimizers.history import EarlyStopping, History, Validation
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record

#: Features that are nearly copies of each other: no minimiser is there at once.
COLLINEAR = X @ (np.ones((6, 6)) + 1e-2 * np.eye(6)) * (np.abs(X) > 0.3)
TOL = 1e-7


def quasi_newton(problem, method):
    # In the variables of a diagonal L-BFGS takes several rounds, the last of them joint.
    precondition = preconditioner(
        problem.network, problem.rows, problem.weight, problem.alpha, separable=True
    )
    return problem.minimizer(
        PreconditionedMinimizer, tol=TOL, method=method, precondition=precondition
    )


def newton_or_lbfgs(problem):
    lbfgs = quasi_newton(problem, "L-BFGS-B")
    return problem.minimizer(Newton, tol=TOL, fallback=lbfgs, warn=lambda n_iter: None)


#: Per name: the minimiser of a problem, and the strength of its L2 penalty.
MINIMIZERS = {
    "newton": (lambda problem: problem.minimizer(Newton, tol=TOL), 1e-2),
    "lbfgs": (lambda problem: quasi_newton(problem, "L-BFGS-B"), 1e-2),
    "newton-cg": (lambda problem: quasi_newton(problem, "Newton-CG"), 1e-2),
    "newton, then lbfgs": (newton_or_lbfgs, 0.0),
    "fista": (lambda problem: problem.minimizer(Fista, tol=TOL, l1=0.3), 1e-2),
    "fista alone": (lambda problem: problem.minimizer(Fista, tol=TOL, l1=0.3), 1e-2),
    "certified": (lambda problem: problem.minimizer(CertifiedNewton, tol=TOL), 1e-2),
    "certified, l1": (lambda problem: problem.minimizer(CertifiedNewton, tol=TOL, l1=0.3), 1e-2),
}
MAX_ITER = 45


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(params=MINIMIZERS)
def make(request, monkeypatch):
    """Makes the minimiser of a new problem, and the state to start from.

    Its attribute `name` is that of the minimiser.
    """
    if request.param == "fista alone":
        monkeypatch.setattr(fista, "MAX_NEWTON_PARAMS", 0)
    minimizer_of, alpha = MINIMIZERS[request.param]

    def make(n_outputs=3, weight=WEIGHT, kind="dense", dtype=np.float64):
        rows = COLLINEAR if alpha else np.hstack([COLLINEAR, COLLINEAR[:, :1]])
        problem = Problem(KINDS[kind](rows), n_outputs, weight=weight, alpha=alpha, dtype=dtype)
        start = np.random.RandomState(1).randn(problem.network.n_params).astype(dtype)
        return minimizer_of(problem), fresh(start)

    make.name = request.param
    return make


def stored(state):
    """A state as it comes out of a file, in which nothing of this package may be named."""
    data = pickle.dumps(state.minimizer)
    assert b"skneural" not in data
    histories = [history.to_dict() for history in state.record.histories]
    record = {**vars(state.record), "histories": tuple(map(History.from_dict, histories))}
    minimizer, params = pickle.loads(data), state.params.copy()
    return replace(state, params=params, record=Record(**record), minimizer=minimizer)


def run(minimizer, state, max_iter=MAX_ITER, **options):
    training = Training(state, max_iter, **options)
    training.drive(minimizer)
    return training


#: By minimiser and problem, the fit that nothing stops: it is compared with and stays as it is.
WHOLE = {}


def whole_fit(make, n_outputs=3, weight=WEIGHT, kind="dense", dtype=np.float64):
    key = make.name, n_outputs, weight is None, kind, dtype
    if key not in WHOLE:
        WHOLE[key] = run(*make(n_outputs, weight, kind, dtype))
    return WHOLE[key]


def numbers(training):
    """All that a fit comes to, except for how long it took."""
    history = training.run.state.record.history
    columns = [history.column(name) for name in ("loss", "gradient_norm")]
    return training.n_epochs, training.loss, columns, history.mark()


def assert_same(training, expected):
    assert training.stop_reason == expected.stop_reason
    assert numbers(training) == numbers(expected)
    np.testing.assert_array_equal(training.params, expected.params)


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_stopped_after_any_iteration(make, n_outputs, weight, kind):
    whole = whole_fit(make, n_outputs, weight, kind)
    assert whole.n_epochs >= 4
    # Rows and weights are no part of what is stored: every iteration of one kind, else some.
    is_first = kind == "dense" and weight is not None
    for k in range(1, whole.n_epochs, 1 if is_first else 6):
        # What a listener is told after an iteration is what a fit that is stopped there leaves.
        state = whole.listener.states[k - 1]
        if k % 4 == 1 or not is_first:
            part = run(*make(n_outputs, weight, kind), stop_after=k)
            assert part.stop_reason == "callback"
            assert part.n_epochs == k
            state = part.run.state
        minimizer, _ = make(n_outputs, weight, kind)
        assert_same(run(minimizer, stored(state)), whole)


@pytest.mark.parametrize("max_iter", [0, 1, 2, 3, MEMORY, MEMORY + 1])
def test_out_of_iterations_is_resumed_too(make, max_iter):
    whole = whole_fit(make)
    part = run(*make(), max_iter=max_iter)
    again = run(make()[0], stored(part.run.state), max_iter=max_iter)
    assert numbers(again) == numbers(part)
    np.testing.assert_array_equal(again.params, part.params)
    assert_same(run(make()[0], stored(again.run.state)), whole)


def test_resumed_again_and_again(make):
    whole = whole_fit(make)
    minimizer, state = make()
    for k in range(1, whole.n_epochs, 2):
        part = run(minimizer, state, stop_after=k)
        assert part.n_epochs == k
        minimizer, state = make()[0], stored(part.run.state)
    assert_same(run(minimizer, state), whole)


def test_float32(make):
    whole = whole_fit(make, dtype=np.float32)
    for k in range(1, whole.n_epochs, 3):
        part = run(*make(dtype=np.float32), stop_after=k)
        minimizer, _ = make(dtype=np.float32)
        assert_same(run(minimizer, stored(part.run.state)), whole)


@pytest.mark.parametrize("n_evaluations", [1, 2, 5, 14, 30])
def test_interrupted(make, n_evaluations):
    whole = whole_fit(make)
    minimizer, start = make()
    minimizer.objective.left = n_evaluations
    training = Training(start, MAX_ITER)
    try:
        training.drive(minimizer)
    except KeyboardInterrupt:
        assert training.n_epochs <= n_evaluations
    assert_same(run(make()[0], stored(training.run.state)), whole)


def test_a_state_that_is_resumed_stays_as_it_is(make):
    part = run(*make(), stop_after=3)
    state = part.run.state
    before = pickle.dumps((state.params, state.minimizer, state.record.history.to_dict()))
    run(make()[0], state)
    assert pickle.dumps((state.params, state.minimizer, state.record.history.to_dict())) == before


def test_the_deadline_lets_a_resumed_fit_get_further(make):
    part = run(*make(), stop_after=3)
    again = run(make()[0], stored(part.run.state), deadline=0.0)
    assert (again.stop_reason, again.n_epochs) in {("max_time", 4), ("converged", 4)}


@pytest.mark.parametrize("place", ["validate", "epoch begins", "epoch ends"])
def test_a_stop_iteration_of_the_users_comes_out(make, place):
    minimizer, start = make()
    error = StopIteration("the user's")
    calls = []

    def raise_in(where):
        calls.append(where)
        if where == place and calls.count(where) == 2:
            raise error

    class Raising:
        def epoch_begins(self):
            raise_in("epoch begins")

        def epoch_ended(self):
            raise_in("epoch ends")
            return False

        def training_ended(self):
            pass

    def validate(params):
        raise_in("validate")
        return Validation(0.0, 0.0)

    stopping = EarlyStopping(tol=0, n_iter_no_change=np.inf)
    going = Run(start, stopping, max_iter=9, validate=validate, listener=Raising())
    with pytest.raises(StopIteration) as raised:
        drive(minimizer, going)
    assert raised.value is error
    assert going.n_iter == (2 if place == "epoch ends" else 1)


def test_the_joint_preconditioner_takes_part():
    # The fits above are hard enough: they are not over before it is used.
    problem = Problem(COLLINEAR, 3, weight=WEIGHT, alpha=1e-2)
    start = np.random.RandomState(1).randn(problem.network.n_params)
    assert run(quasi_newton(problem, "L-BFGS-B"), fresh(start)).n_epochs > 2 * MEMORY


@pytest.mark.parametrize(("first", "second"), list(product(["newton", "lbfgs", "fista"], repeat=2)))
def test_the_state_of_another_minimiser_is_a_start(first, second):
    def minimizer(name):
        minimizer_of, alpha = MINIMIZERS[name]
        return minimizer_of(Problem(X, 3, alpha=alpha))

    start = np.random.RandomState(1).randn(21)
    part = run(minimizer(first), fresh(start), stop_after=2)
    training = run(minimizer(second), stored(part.run.state), max_iter=200)
    assert training.stop_reason == "converged"
    assert len(training.loss_curve) == training.n_epochs > 2
