r"""First-order optimizers: one in-place step on the flat parameter vector.

An optimizer holds settings only. What it remembers from step to step is its *state*, a
plain dict of arrays and numbers that it creates, updates, and that others copy and store.

The vectors are walked in blocks that stay in the second-level cache while the few NumPy
operations of a step pass over them.

=======  =====================================================================================
Adam     The first choice: forgiving about the learning rate and about the scale of the data.
AdamW    Adam with weight decay: for large networks, which overfit.
NAdam    Adam that looks ahead: where Adam works but takes many epochs.
SGD      Wants a tuned learning rate, a schedule and standardised data. Then it can end at a
         better test score than the adaptive ones (Wilson et al. 2017).
RMSprop  Follows the latest gradient: for targets that move while one trains.
AdaGrad  Its steps die down by themselves, slowest for rare features: for sparse data.
=======  =====================================================================================

Source of the comparison: A. C. Wilson, R. Roelofs, M. Stern, N. Srebro and B. Recht, "The
marginal value of adaptive gradient methods in machine learning", NeurIPS 2017.
"""

from __future__ import annotations

from skneural.optimizers.adam import Adam, AdamW, NAdam
from skneural.optimizers.adaptive import AdaGrad, RMSprop
from skneural.optimizers.contract import RESERVED, Factors, Optimizer, State, prox_l1
from skneural.optimizers.sgd import SGD

#: Optimizers by name.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "rmsprop": RMSprop,
    "adagrad": AdaGrad,
}

# A pickle names the module that users import the class from, wherever its text is.
for _class in (Optimizer, *OPTIMIZERS.values()):
    _class.__module__ = __name__
del _class

__all__ = [
    "OPTIMIZERS",
    "RESERVED",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Factors",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "State",
    "prox_l1",
]
