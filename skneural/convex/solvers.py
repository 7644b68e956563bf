"""Which minimiser serves which solver of logistic regression, and what it needs.

All of them come to the same optimum by the same stopping rule, so that the choice is one of speed.
What they take for the optimum is verified, wherever a Hessian more can be afforded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.arrays.outliers import largest_share
from skneural.convex.certified import CertifiedNewton
from skneural.convex.curvature import linear_outputs
from skneural.convex.fista import (
    MAX_NEWTON_HALVINGS_UNCENTRED,
    NEWTON_RIDGE_UNCENTRED,
    Fista,
)
from skneural.convex.linear import n_coordinates
from skneural.convex.newton import Newton, SingularHessianError
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.minimizers.run import Run, Stop
from skneural.network import Network
from skneural.objective import Objective

#: Coordinates up to which factorising the Hessian is faster than conjugate gradients.
MAX_NEWTON_COORDINATES = 2000

#: Coordinates up to which it is however few rows there are.
MAX_FACTORISED_AT_ONCE = 128

#: Multiplications of one Hessian, rows times coordinates squared, up to which a few steps of
#: Newton's method are faster than the many of L-BFGS, which cost more overhead than arithmetic.
MAX_SMALL_HESSIAN = 2**20

#: Iterations after which a problem is too hard for the minimiser that should have solved it.
MAX_FIRST_ITERATIONS = 50

#: Change of raw outputs by the last step of Newton's method below which nobody asks for a proof.
SMALL_MOVE = 0.5

#: Share of one cell in the sum of squares of its column that is small.
SMALL_SHARE = 0.05


def resolve_solver(solver: str, network: Network, n_samples: int, *, l2: float, l1: float) -> str:
    """The minimiser that serves a solver, by the name of a solver that is served by itself.

    Parameters
    ----------
    solver : {'lbfgs', 'newton-cholesky', 'newton-cg', 'sag', 'saga', 'fista', 'liblinear'}
    network : Network
        Without hidden layers.
    n_samples : int
    l2, l1 : float
        Strengths of the penalties, relative to the sum of the losses.

    Returns
    -------
    minimizer : {'lbfgs', 'newton-cholesky', 'newton-cg', 'fista'}

    Notes
    -----
    - 'saga' and 'liblinear' are served by 'fista' where there is an L1 penalty, otherwise as 'sag',
      by 'lbfgs'.
    - 'newton-cg' is served by 'newton-cholesky' up to `MAX_NEWTON_COORDINATES`; from
      `MAX_FACTORISED_AT_ONCE` on, only if there are as many rows. With fewer, the Hessian is larger
      than the rows that it is made of.
    - 'lbfgs', for whomever it serves, gives way to 'newton-cholesky' where the problem is small,
      see `MAX_SMALL_HESSIAN`, and has an L2 penalty, which keeps the Hessian regular.
    """
    n = n_coordinates(network)
    if solver == "newton-cg":
        is_factorised = n <= min(max(n_samples, MAX_FACTORISED_AT_ONCE), MAX_NEWTON_COORDINATES)
        return "newton-cholesky" if is_factorised else "newton-cg"
    if solver == "fista" or (solver in ("saga", "liblinear") and l1 > 0):
        return "fista"
    if solver == "newton-cholesky":
        return solver
    is_small = n_samples * n**2 <= MAX_SMALL_HESSIAN
    return "newton-cholesky" if is_small and l2 > 0 else "lbfgs"


def convex_minimizer(
    solver: str,
    objective: Objective,
    X: Matrix,
    y: FloatArray,
    sample_weight: FloatArray | None,
    *,
    tol: float,
    l1: float = 0.0,
    warn: Callable[[int], None] | None = None,
) -> Callable[[Run], str]:
    """The minimiser for a solver of logistic regression; see `resolve_solver`.

    Parameters
    ----------
    solver : str
        As the user has it.
    objective : Objective
        Of the log loss with the L2 penalty, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    tol : float
        See `skneural.convex.stopping`.
    l1 : float, default=0.0
        Strength of the L1 penalty, relative to the sum of the losses.
    warn : callable or None, default=None
        ``warn(n_iter)`` is called where Newton's method fails, if that is what the user asked for.

    Returns
    -------
    minimize : callable
        ``minimize(run) -> reason``. `Run.message` is 'lbfgs' where it has taken over from Newton's
        method, whose Hessian was singular.
    """
    problem = (objective, X, y, sample_weight, tol)
    kind = resolve_solver(solver, objective.network, X.shape[0], l2=objective.alpha, l1=l1)
    minimize: Callable[[Run], str]
    if kind == "fista":
        minimize = Fista(*problem, l1=l1)
        if solver == "liblinear":
            # Its rows have a constant feature instead of an intercept.
            minimize = Fista(*problem, l1, NEWTON_RIDGE_UNCENTRED, MAX_NEWTON_HALVINGS_UNCENTRED)
    elif kind == "newton-cg":
        minimize = PreconditionedMinimizer(*problem, method="Newton-CG")
    elif kind == "lbfgs":
        minimize = PreconditionedMinimizer(*problem)
    else:
        # Who has asked for conjugate gradients has not asked for a factorised Hessian.
        method = "Newton-CG" if solver == "newton-cg" else "L-BFGS-B"
        fallback = PreconditionedMinimizer(*problem, method=method)
        minimize = NewtonWithFallback(Newton(*problem), fallback, warn if solver == kind else None)
    certified = CertifiedNewton(*problem, l1=l1)
    return Verified(minimize, certified) if certified.is_affordable else minimize


@dataclass(frozen=True)
class Verified:
    """A fast minimiser and, where its end is no proven optimum, the slower one that proves it.

    Parameters
    ----------
    first : callable
        ``first(run) -> reason``.
    certified : CertifiedNewton
        Goes on where `first` has not arrived after `MAX_FIRST_ITERATIONS`, or says that it has and
        its end may be none: see `skneural.convex.certified`.
    """

    first: Callable[[Run], str]
    certified: CertifiedNewton

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        # A training that is resumed goes on with the minimiser that its state is from.
        if run.state.minimizer.get("method") != self.certified.method:
            n_later = max(run.max_iter - MAX_FIRST_ITERATIONS, 0)
            run.max_iter -= n_later
            try:
                reason = self.first(run)
            except Stop as stop:
                reason = stop.reason
            finally:
                run.max_iter += n_later
            if reason not in ("converged", "max_iter", "no_progress"):
                return reason
            is_cut_short = n_later > 0 and run.n_iter >= MAX_FIRST_ITERATIONS
            is_end = reason == "converged" or (reason == "max_iter" and run.is_good_enough)
            if is_end and not is_cut_short and self._is_believable(run):
                return reason
            run.is_good_enough = False
            if run.n_iter >= run.max_iter:  # the state stays that of `first`, which can go on
                return "no_progress" if reason == "no_progress" else "max_iter"
        return self.certified(run)

    def _is_believable(self, run: Run) -> bool:
        """Whether the end is beyond doubt, or is proven."""
        params, before = run.state.params, run.state.minimizer.get("previous")
        if isinstance(self.first, NewtonWithFallback) and before is not None:
            # Steps that move no raw output by much are those of a quadratic.
            network, step = self.certified.objective.network, params - before
            if np.abs(linear_outputs(network, step, self.certified.X)).max() < SMALL_MOVE:
                return True
        X = self.certified.X
        is_cheap = X.shape[0] * len(params) ** 2 <= MAX_SMALL_HESSIAN
        if isinstance(self.first, Fista) or is_cheap:
            return self.certified.is_optimum(params)
        # Where no cell outweighs the rest of its column, no row misleads the Hessian.
        return largest_share(X) < SMALL_SHARE or self.certified.is_optimum(params)


@dataclass(frozen=True)
class NewtonWithFallback:
    """Newton's method and, from where its Hessian is singular, another that needs no inverse.

    Parameters
    ----------
    newton : Newton
    fallback : PreconditionedMinimizer
    warn : callable or None, default=None
        ``warn(n_iter)`` is called when that takes over, after so many iterations. The one that
        failed then counts as one of those allowed. None where Newton's method is not what the user
        asked for.
    """

    newton: Newton
    fallback: PreconditionedMinimizer
    warn: Callable[[int], None] | None = None

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        # A training that is resumed goes on with the minimiser that its state is from.
        if run.state.minimizer.get("method") != self.fallback.method:
            try:
                return self.newton(run)
            except SingularHessianError as error:
                # Where the gradient is as small as it was to be, nobody misses further steps.
                if self.warn is not None and not error.is_flat:
                    self.warn(run.n_iter)
        if self.warn is not None:
            run.message = "lbfgs"
            run.max_iter -= 1
        return self.fallback(run)
