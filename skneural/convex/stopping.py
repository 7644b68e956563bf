r"""When a minimiser of a convex objective has arrived: one rule for all of them.

A point is an optimum where

- no element of the gradient *in the parameters* is larger than `tol`, and
- the objective can fall by no more than about :math:`\text{tol}^2 / 100`: half the squared Newton
  decrement :math:`\tfrac12 g^\top H^{-1} g`, or what stands for it where the Hessian H is not
  computed (S. Boyd and L. Vandenberghe, *Convex Optimization*, 2004, section 9.5.1).

The gradient alone would promise little: where the features are small, it is small everywhere.
But where the iterations end before the second condition holds, the first one is enough for the fit
not to be warned of: without a penalty, classes that can be separated have no optimum. If rounding
has ended them, the possible decrease must be no more than about :math:`\text{tol} / 100`, too.

Both look at the present point alone. Where a Hessian can be afforded, what they say is verified by
a bound that holds everywhere: see `skneural.convex.certified`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray

#: Decrease of the objective, in units of the resolution of its dtype, that is rounding.
ROUNDING = 64

#: Possible decrease at the end, as a share of the square of the tolerance.
DECREASE_TOLERANCE = 0.01


def is_flat(gradient: FloatArray, tol: float) -> bool:
    """Whether no element of the gradient is larger than the tolerance."""
    return bool(np.abs(gradient).max() <= tol)


def is_optimum(gradient: FloatArray, possible_decrease: float, tol: float) -> bool:
    """The stopping rule of all minimisers that use second derivatives."""
    return is_flat(gradient, tol) and is_low(possible_decrease, tol)


def is_low(possible_decrease: float, tol: float) -> bool:
    """Whether the objective can fall by so little that a flat point is an optimum."""
    # As a product, the square of a large tolerance is infinite; as a power it raises.
    return possible_decrease <= DECREASE_TOLERANCE * tol * tol


def is_small(possible_decrease: float, tol: float) -> bool:
    """Whether a flat point from which rounding lets no step go on is not to be warned of."""
    return possible_decrease <= DECREASE_TOLERANCE * tol


def is_nearer(
    value: float, slope: float, value_before: float, slope_before: float, dtype: npt.DTypeLike
) -> bool:
    """Whether a step has halved the gradient, where the objective is the same but for rounding.

    Close to the optimum the decrease of a step of Newton's method is lost in rounding, and the
    parameters are not yet what a small tolerance asks for: along the flattest direction one can be
    off by the square root of what the objective still shows.

    Parameters
    ----------
    value, slope : float
        Objective and norm of the (sub)gradient after the step.
    value_before, slope_before : float
    dtype : dtype
        Of the objective.
    """
    rounding = negligible_decrease(value_before, dtype)
    return value <= value_before + rounding and slope < 0.5 * slope_before


def negligible_decrease(value: float, dtype: npt.DTypeLike) -> float:
    """A decrease of an objective of this value, computed in this dtype, that is rounding."""
    return ROUNDING * float(np.finfo(dtype).eps) * max(1.0, value)
