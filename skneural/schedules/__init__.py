r"""Learning-rate schedules: how the rate follows the progress of the training.

The rate of a step is the *base rate* times a *factor*. The base rate begins at
`learning_rate_init` and changes between epochs, by what the training has come to; the factor
is a function of time alone. Time is counted in epochs: the first of four batches in the third
epoch is at 2, the second at 2.25.

==================  ==============================================================================
Constant            For adaptive optimizers, and to begin with.
Cosine              The first to try where the number of epochs is known: it needs no tuning.
OneCycle            For a short training at the largest stable learning rate.
LinearWarmUp        Before any other, where the first steps are too long.
StepDecay           Where it is known from experience when to go down.
Exponential         A slow descent that needs no last epoch.
InverseScaling      For gradient descent on an endless stream of rows.
Adaptive            Goes down when patience is at an end, instead of stopping.
ReduceOnPlateau     The same, but with a patience of its own.
CosineWarmRestarts  Where a training is to have several good ends, one after each cycle.
CosLog              The same, with cycles that double in length: for tables.
FlatCos             Full rate for half of the training, then down; for weight decay and dropout too.
==================  ==============================================================================
"""

from __future__ import annotations

from skneural.schedules.by_progress import Adaptive, Constant, InverseScaling, ReduceOnPlateau
from skneural.schedules.by_time import (
    Cosine,
    CosineWarmRestarts,
    CosLog,
    Exponential,
    FlatCos,
    OneCycle,
    StepDecay,
)
from skneural.schedules.contract import Schedule
from skneural.schedules.warm_up import LinearWarmUp

#: Schedules by name.
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}

# A pickle names the module that users import the class from, wherever its text is.
for _class in (
    Schedule,
    Constant,
    InverseScaling,
    Adaptive,
    ReduceOnPlateau,
    StepDecay,
    Exponential,
    Cosine,
    CosineWarmRestarts,
    OneCycle,
    CosLog,
    FlatCos,
    LinearWarmUp,
):
    _class.__module__ = __name__
del _class

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "CosLog",
    "Cosine",
    "CosineWarmRestarts",
    "Exponential",
    "FlatCos",
    "InverseScaling",
    "LinearWarmUp",
    "OneCycle",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
]
