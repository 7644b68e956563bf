"""Which minimiser serves which solver of logistic regression, and what it needs.

All of them come to the same optimum by the same stopping rule, so that the choice is one of speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.convex.fista import (
    MAX_NEWTON_HALVINGS_UNCENTRED,
    NEWTON_RIDGE_UNCENTRED,
    Fista,
)
from skneural.convex.linear import n_coordinates
from skneural.convex.newton import Newton, SingularHessianError
from skneural.convex.preconditioned import PreconditionedMinimizer
from skneural.minimizers.run import Run
from skneural.network import Network
from skneural.objective import Objective

#: Coordinates up to which factorising the Hessian is faster than conjugate gradients.
MAX_NEWTON_COORDINATES = 2000

#: Multiplications of one Hessian, rows times coordinates squared, up to which a few steps of
#: Newton's method are faster than the many of L-BFGS, which cost more overhead than arithmetic.
MAX_SMALL_HESSIAN = 2**20


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
    - 'newton-cg' is served by 'newton-cholesky' up to `MAX_NEWTON_COORDINATES`.
    - 'lbfgs', for whomever it serves, gives way to 'newton-cholesky' where the problem is small,
      see `MAX_SMALL_HESSIAN`, and has an L2 penalty, which keeps the Hessian regular.
    """
    n = n_coordinates(network)
    if solver == "newton-cg":
        return "newton-cholesky" if n <= MAX_NEWTON_COORDINATES else "newton-cg"
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
        ``warn(n_iter)`` is called where a Newton method that the user asked for fails.

    Returns
    -------
    minimize : callable
        ``minimize(run) -> reason``. `Run.message` is 'lbfgs' where it has taken over from Newton's
        method, whose Hessian was singular.
    """
    problem = (objective, X, y, sample_weight, tol)
    kind = resolve_solver(solver, objective.network, X.shape[0], l2=objective.alpha, l1=l1)
    if kind == "fista":
        # The rows of 'liblinear' have a constant feature instead of an intercept.
        if solver == "liblinear":
            return Fista(*problem, l1, NEWTON_RIDGE_UNCENTRED, MAX_NEWTON_HALVINGS_UNCENTRED)
        return Fista(*problem, l1=l1)
    if kind == "newton-cg":
        return PreconditionedMinimizer(*problem, method="Newton-CG")
    lbfgs = PreconditionedMinimizer(*problem)
    if kind == "lbfgs":
        return lbfgs
    return NewtonOrLBFGS(
        Newton(*problem), lbfgs, None if solver in ("lbfgs", "liblinear") else warn
    )


@dataclass(frozen=True)
class NewtonOrLBFGS:
    """Newton's method and, from where its Hessian is singular, L-BFGS.

    Parameters
    ----------
    newton : Newton
    lbfgs : PreconditionedMinimizer
    warn : callable or None, default=None
        ``warn(n_iter)`` is called when L-BFGS takes over, after that many iterations. The one that
        failed then counts as one of those allowed. None where Newton's method is not what the user
        asked for.
    """

    newton: Newton
    lbfgs: PreconditionedMinimizer
    warn: Callable[[int], None] | None = None

    def __call__(self, run: Run) -> str:
        """Minimise; see `skneural.minimizers.run.drive`.

        Returns
        -------
        reason : str
        """
        # A training that is resumed goes on with the minimiser that its state is from.
        if run.state.minimizer.get("method") != self.lbfgs.method:
            try:
                return self.newton(run)
            except SingularHessianError:
                if self.warn is not None:
                    self.warn(run.n_iter)
        run.message = "lbfgs"
        if self.warn is not None:
            run.max_iter -= 1
        return self.lbfgs(run)
