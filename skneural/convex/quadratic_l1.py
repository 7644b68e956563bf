r"""The minimum of a quadratic plus an L1 penalty, exactly: feature-sign search.

.. math:: q(x) = \tfrac12 x^\top H x + c^\top x + \sum_j \lambda_j |x_j|

An active-set search. Once it is known which elements of the minimum are zero and what signs the
others have, the rest is a system of linear equations. Each round solves it for the present *active
set*, the elements taken to be nonzero, with their present signs. Where the solution would change a
sign, the search goes towards it only as far as q falls, and elements that become zero leave the
active set. When all signs are right, the zero element whose slope most exceeds its penalty joins
it. Every round lowers q, so that no active set with its signs comes back, and the end is the
minimum.

Source: H. Lee, A. Battle, R. Raina and A. Y. Ng, "Efficient sparse coding algorithms", NeurIPS
2006, algorithm 1.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from skneural.arrays.matrices import BoolArray, FloatArray

#: Most rounds. What has been reached by then is lower than the start in any case.
MAX_ROUNDS = 400

#: Share of its penalty by which a slope must exceed it, so that rounding frees no element.
MARGIN = 1e-10


def minimize_quadratic_l1(
    hessian: FloatArray, linear: FloatArray, penalty: FloatArray, start: FloatArray
) -> FloatArray:
    r"""Minimise q by feature-sign search.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        H, positive definite.
    linear : ndarray of shape (m,)
        c.
    penalty : ndarray of shape (m,)
        The :math:`\lambda_j`, zero or positive.
    start : ndarray of shape (m,)
        A guess.

    Returns
    -------
    x : ndarray of shape (m,)
        With exact zeros.
    """
    x = start.copy()
    active = (x != 0) | (penalty == 0)
    sign = np.sign(x)
    for _ in range(MAX_ROUNDS):
        target = _face_minimum(hessian, linear + penalty * sign, active)
        wrong = active & (penalty > 0) & (np.sign(target) != sign)
        if wrong.any():
            x = _best_on_the_way(hessian, linear, penalty, x, target, wrong)
            active = (x != 0) | (penalty == 0)
            sign = np.sign(x)
            continue
        x = target
        slope = hessian @ x + linear
        excess = np.where(active, -np.inf, np.abs(slope) - penalty)
        freed = int(np.argmax(excess))
        if excess[freed] <= MARGIN * penalty[freed]:
            break
        active[freed] = True
        sign[freed] = -np.sign(slope[freed])
    return x


def _face_minimum(hessian: FloatArray, linear: FloatArray, active: BoolArray) -> FloatArray:
    """Where the quadratic is lowest with all elements zero that are not active."""
    minimum = np.zeros_like(linear)
    system = hessian[np.ix_(active, active)]
    minimum[active] = -scipy.linalg.solve(system, linear[active], assume_a="pos")
    return minimum


def _best_on_the_way(
    hessian: FloatArray,
    linear: FloatArray,
    penalty: FloatArray,
    x: FloatArray,
    target: FloatArray,
    wrong: BoolArray,
) -> FloatArray:
    """The lowest of the target, the points on the way where a sign changes, and one more.

    That one is the target with zeros for all wrong signs, which may drop many at once.
    """
    candidates = [target, np.where(wrong, 0, target)]
    for j in np.flatnonzero(wrong):
        point = x + x[j] / (x[j] - target[j]) * (target - x)
        point[j] = 0
        candidates.append(point)
    points = np.array(candidates)
    values = 0.5 * np.einsum("ij,ij->i", points @ hessian, points) + points @ linear
    values += np.abs(points) @ penalty
    best: FloatArray = points[np.argmin(values)]
    return best
