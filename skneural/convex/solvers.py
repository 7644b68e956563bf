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
from skneural.convex.newton import Newton
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.minimizers.run import Run, Stop
from skneural.objective import Objective

#: Coordinates up to which factorising the Hessian is faster than conjugate gradients.
MAX_NEWTON_COORDINATES = 2000

#: Coordinates up to which it is however few rows there are.
MAX_FACTORISED_AT_ONCE = 128

#: Multiplications of one Hessian, rows times coordinates squared, up to which a few steps of
#: Newton's method are faster than the many of L-BFGS, which cost more overhead than arithmetic.
MAX_SMALL_HESSIAN = 2**20

#: Parameters up to which an optimum is verified, for which a Hessian is factorised; with an L1
#: penalty it is also searched for the active set. The last is rows times parameters squared, up to
#: which such a Hessian can be had often.
MAX_VERIFIED_PARAMS = 1000
MAX_VERIFIED_PARAMS_L1 = 300
MAX_VERIFYING_HESSIAN = 2**26

#: Iterations after which a problem is too hard for the minimiser that should have solved it.
MAX_FIRST_ITERATIONS = 50

#: Change of raw outputs by the last step of Newton's method below which nobody asks for a proof.
SMALL_MOVE = 0.5

#: Share of one cell in the sum of squares of its column that is small.
SMALL_SHARE = 0.05


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
    """The minimiser for a solver of logistic regression.

    Parameters
    ----------
    solver : {'lbfgs', 'newton-cholesky', 'newton-cg', 'sag', 'saga', 'fista', 'liblinear'}
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

    Notes
    -----
    - 'fista' is served by `Fista`, as are 'saga' and 'liblinear' where there is an L1 penalty.
      Without one they are served as 'lbfgs' and 'sag' are.
    - 'newton-cg' is served by Newton's method with a factorised Hessian, `Newton`, up to
      `MAX_NEWTON_COORDINATES`; from `MAX_FACTORISED_AT_ONCE` on, only if there are as many rows.
      With fewer, the Hessian is larger than the rows that it is made of.
    - 'lbfgs', for whomever it serves, gives way to `Newton` where the problem is small, see
      `MAX_SMALL_HESSIAN`, and has an L2 penalty, which keeps the Hessian regular.
    """
    problem = (objective, X, y, sample_weight, tol)
    n_samples = X.shape[0]
    n_params, n_outputs = objective.network.n_params, objective.network.n_outputs
    minimize: Callable[[Run], str]
    if solver == "fista" or (solver in ("saga", "liblinear") and l1 > 0):
        minimize = Fista(*problem, l1=l1)
        if solver == "liblinear":
            # Its rows have a constant feature instead of an intercept.
            minimize = Fista(*problem, l1, NEWTON_RIDGE_UNCENTRED, MAX_NEWTON_HALVINGS_UNCENTRED)
    else:
        # Who has asked for conjugate gradients has not asked for a factorised Hessian.
        method = "Newton-CG" if solver == "newton-cg" else "L-BFGS-B"
        minimize = without_inverse = PreconditionedMinimizer(*problem, method=method)
        asked_for = solver == "newton-cholesky"
        # A softmax of K classes has K - 1 coordinates for every feature and for the intercept:
        # adding a number to all raw outputs changes nothing.
        n = n_params // n_outputs * max(n_outputs - 1, 1)
        if solver == "newton-cg":
            is_newton = n <= min(max(n_samples, MAX_FACTORISED_AT_ONCE), MAX_NEWTON_COORDINATES)
        else:
            is_small = n_samples * n**2 <= MAX_SMALL_HESSIAN
            is_newton = asked_for or (is_small and objective.alpha > 0)
        if is_newton:
            minimize = Newton(*problem, without_inverse, warn if asked_for else None)
    most = MAX_VERIFIED_PARAMS_L1 if l1 else MAX_VERIFIED_PARAMS
    if n_params > most or n_samples * n_params**2 > MAX_VERIFYING_HESSIAN:
        return minimize
    return Verified(minimize, CertifiedNewton(*problem, l1=l1))


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
        if isinstance(self.first, Newton) and before is not None:
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
