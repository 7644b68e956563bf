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

import math

import numpy as np
import scipy.linalg

from skneural.arrays.matrices import BoolArray, FloatArray

#: Most rounds. What has been reached by then is lower than the start in any case.
MAX_ROUNDS = 400

#: Elements from which on coordinate descent guesses the active set.
MAX_SEARCHED_ALONE = 200

#: Most sweeps of it, and how many that change no sign end it.
MAX_SWEEPS = 200
MAX_QUIET_SWEEPS = 3

#: Share of the diagonal that is added where a system is singular.
RIDGE = 1e-12

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
    is_large = len(x) > MAX_SEARCHED_ALONE
    if is_large and x.any():
        _descend(hessian, linear, penalty, x)
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
        slope = linear + (hessian[:, active] @ x[active] if is_large else hessian @ x)
        excess = np.where(active, -np.inf, np.abs(slope) - penalty)
        freed = int(np.argmax(excess))
        if excess[freed] <= MARGIN * penalty[freed]:
            break
        active[freed] = True
        sign[freed] = -np.sign(slope[freed])
    return x


def _descend(hessian: FloatArray, linear: FloatArray, penalty: FloatArray, x: FloatArray) -> None:
    """Lower q by coordinate descent, in place, until the signs of x no longer change.

    Every element in turn goes to the minimum of q in it alone. One element at a time it finds out
    which of many elements are zero, for which the search would need as many systems of equations.
    """
    slope = hessian @ x + linear
    diagonal = hessian.diagonal().tolist()
    penalties = penalty.tolist()
    signs, n_quiet = np.sign(x), 0
    for _ in range(MAX_SWEEPS):
        for j in np.flatnonzero((x != 0) | (np.abs(slope) > penalty)).tolist():
            before, curvature = float(x[j]), diagonal[j]
            target = before - float(slope[j]) / curvature
            size = abs(target) - penalties[j] / curvature
            after = math.copysign(size, target) if size > 0 else 0.0
            if after != before:
                x[j] = after
                slope += (after - before) * hessian[j]
        before_signs, signs = signs, np.sign(x)
        n_quiet = n_quiet + 1 if np.array_equal(signs, before_signs) else 0
        if n_quiet >= MAX_QUIET_SWEEPS:
            break


def _face_minimum(hessian: FloatArray, linear: FloatArray, active: BoolArray) -> FloatArray:
    """Where the quadratic is lowest with all elements zero that are not active."""
    minimum = np.zeros_like(linear)
    if not active.any():
        return minimum
    system = hessian[np.ix_(active, active)]
    ridge = 0.0
    while True:
        try:
            factor = scipy.linalg.cho_factor(system + ridge * np.diag(system.diagonal()))
        except np.linalg.LinAlgError:
            # Singular to rounding: a little more of the diagonal.
            ridge = max(100 * ridge, RIDGE)
        else:
            minimum[active] = -scipy.linalg.cho_solve(factor, linear[active])
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
    every = points
    if len(x) > MAX_SEARCHED_ALONE:  # most are zero in all of them
        moving = np.flatnonzero(points.any(axis=0))
        points, linear, penalty = points[:, moving], linear[moving], penalty[moving]
        hessian = hessian[np.ix_(moving, moving)]
    values = 0.5 * np.einsum("ij,ij->i", points @ hessian, points) + points @ linear
    values += np.abs(points) @ penalty
    best: FloatArray = every[np.argmin(values)]
    return best
