"""Whether a part of your own keeps its contract: try it before you train with it.

================  ==================================================================================
check_activation  Both functions work in place, and one multiplies by the derivative of the other.
check_loss        Values, gradients, shapes, for one output or several.
check_layer       Parameters, both passes, gradients, buffers, members side by side.
check_optimizer   Parameters move in place and downhill, and a training goes on from a copy.
check_schedule    Every rate and factor is a number from 0 on.
================  ==================================================================================

Each returns None, or raises an error that says which part of the contract is not kept. Derivatives
are compared with central differences in float64. As with scikit-learn's `check_estimator`, what
passes them all need not be right, but the slips that train without a word are found.

The estimators try the parts of your own that they are given too, in the few ways that take no time:
shapes, dtypes, what is written in place. A gradient they take as it is.
"""

from skneural.checks.activations import check_activation
from skneural.checks.layers import check_layer
from skneural.checks.losses import check_loss
from skneural.checks.optimizers import check_optimizer
from skneural.checks.schedules import check_schedule

__all__ = [
    "check_activation",
    "check_layer",
    "check_loss",
    "check_optimizer",
    "check_schedule",
]
