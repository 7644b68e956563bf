r"""The minimum of a quadratic plus an L1 penalty, exactly: feature-sign search.

.. math:: q(x) = \tfrac12 x^\top H x + c^\top x + \sum_j \lambda_j |x_j|

Once it is known which elements of the minimum are zero and what signs the others have, the rest
is a system of linear equations. The search guesses and mends: it solves for the elements it
takes to be nonzero; where that would change a sign, it goes only as far as pays and drops what
has become zero; and when all signs are right, it lets that zero element go along whose slope
most exceeds its penalty. Every round lowers q, no guess comes back, so that the end is the
minimum.

Source: H. Lee, A. Battle, R. Raina and A. Y. Ng, "Efficient sparse coding algorithms", NeurIPS
2006, algorithm 1.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from skneural._arrays import BoolArray, FloatArray

#: Rounds after which what has been reached is good enough: it is below the start in any case.
MOST_ROUNDS = 400

#: Share of its penalty by which a slope must exceed it, so that rounding frees no element.
MARGIN = 1e-10


def minimize_quadratic_l1(
    hessian: FloatArray, linear: FloatArray, penalty: FloatArray, start: FloatArray
) -> FloatArray:
    r"""Minimise q, from a guess.

    Parameters
    ----------
    hessian : ndarray of shape (m, m)
        H, positive definite.
    linear : ndarray of shape (m,)
        c.
    penalty : ndarray of shape (m,)
        The :math:`\lambda_j`, zero or positive.
    start : ndarray of shape (m,)

    Returns
    -------
    x : ndarray of shape (m,)
        With exact zeros.
    """
    x = start.copy()
    moving = (x != 0) | (penalty == 0)
    sign = np.sign(x)
    for _ in range(MOST_ROUNDS):
        target = _face_minimum(hessian, linear + penalty * sign, moving)
        wrong = moving & (penalty > 0) & (np.sign(target) != sign)
        if wrong.any():
            x = _best_on_the_way(hessian, linear, penalty, x, target, wrong)
            moving = (x != 0) | (penalty == 0)
            sign = np.sign(x)
            continue
        x = target
        slope = hessian @ x + linear
        excess = np.where(moving, -np.inf, np.abs(slope) - penalty)
        freed = int(np.argmax(excess))
        if excess[freed] <= MARGIN * penalty[freed]:
            break
        moving[freed] = True
        sign[freed] = -np.sign(slope[freed])
    return x


def _face_minimum(hessian: FloatArray, linear: FloatArray, moving: BoolArray) -> FloatArray:
    """Where the quadratic is lowest with all elements zero that are not moving."""
    minimum = np.zeros_like(linear)
    system = hessian[np.ix_(moving, moving)]
    minimum[moving] = -scipy.linalg.solve(system, linear[moving], assume_a="pos")
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
