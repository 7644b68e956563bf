r"""Losses on raw outputs: value, gradient, and the link from raw outputs to predictions.

A network ends in numbers :math:`z` without any activation, the *raw outputs* (logits,
for a classifier). The output activation belongs to the loss, which makes it stable:
:math:`\log(\mathrm{softmax}(z))` is finite wherever :math:`z` is, the logarithm of a
softmax already rounded to zero is not. It also makes the canonical pairs short:

====================  ===========  ==========================================  ===================
loss                  link         value of one row                            gradient in z
====================  ===========  ==========================================  ===================
squared error         identity     1/2 sum (z - y)^2                           z - y
absolute error        identity     sum of abs(r),  r = z - y                   sign r
Huber                 identity     sum of g (r - g/2),  r = z - y              g = r clipped to
                                                                               -delta ... delta
quantile              identity     sum of ([r > 0] - tau) r,  r = z - y        [r > 0] - tau
quantiles             increasing   the same with r = q - y, summed over tau    by the chain rule
Poisson               exp          sum of y log(y / p) - y + p,  p = exp(z)    p - y
gamma                 exp          sum of log(p / y) + y / p - 1,  p = exp(z)  1 - y / p
log loss, binary      logistic     sum of log(1 + exp(-s z)),  s = 2 y - 1     p - y
log loss, multiclass  softmax      -sum of y log p                             p - y
focal, binary         logistic     -sum of u^gamma log(1 - u)                  -s b
focal, multiclass     softmax      -u^gamma log(1 - u)                         (q - y) b
squared error         logistic     1/2 sum (p - y)^2                           (p - y) p (1 - p)
squared error         softmax      1/2 sum (p - y)^2,  d = p - y               p (d - sum d p)
====================  ===========  ==========================================  ===================

Sums run over the outputs of a row. [r > 0] is 1 where the prediction is above the target and 0
elsewhere; tau is the level of a quantile. Several quantiles of a row increase by

.. math:: q_1 = z_1, \qquad q_{j+1} = q_j + \log(1 + \exp z_{j+1}).

With label smoothing e, the log losses have targets (1 - e) y + e/K instead of y, for K classes.
In the focal loss u is the probability of what is not true, q the softmax over the classes that
are not, and b = u^gamma (u - gamma (1 - u) log(1 - u)).

Several targets of one class each have outputs of their own: their loss is the sum of one of these
for each target (`SumOverTargets`).

A loss also says how many raw outputs it needs (`Loss.n_outputs`), what they predict
(`Loss.predict`) and how good predictions are (`Loss.score`). It returns the loss of every row:
sample weights and sums are up to `skneural.objective`.

Sources: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 4.3.6
(canonical links) and 5.2; P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 1989,
chapters 6 and 8 (Poisson and gamma); the squared error of probabilities is half of the score of
G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950 (a quarter for two
classes, both of which Brier counts). The sources of
the others are given with their classes.
"""

from __future__ import annotations

from skneural.losses.classification import (
    BinaryFocal,
    BinaryLogLoss,
    BinarySquaredError,
    Focal,
    LogLoss,
    MultinomialFocal,
    MultinomialLogLoss,
    MultinomialSquaredError,
)
from skneural.losses.contract import ClassificationLoss, Loss, LossBuffers, RegressionLoss
from skneural.losses.links import (
    EXP,
    IDENTITY,
    INCREASING,
    LINKS,
    LOGISTIC,
    SOFTMAX,
    Link,
    side_by_side,
)
from skneural.losses.regression import (
    AbsoluteError,
    Gamma,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)
from skneural.losses.several_targets import SumOverTargets

#: Regression losses by name.
REGRESSION_LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}

#: Classification losses by name.
CLASSIFICATION_LOSSES: dict[str, type[Loss]] = {
    "log_loss": LogLoss,
    "focal": Focal,
    "squared_error": SquaredError,
}

#: Every pair of a loss and the name of an output activation that can be trained by name.
LOSSES: dict[tuple[str, str], Loss] = {
    **{(name, kind().link.name): kind() for name, kind in REGRESSION_LOSSES.items()},
    **{
        (name, link.name): kind().with_link(link)
        for name, kind in CLASSIFICATION_LOSSES.items()
        for link in (LOGISTIC, SOFTMAX)
    },
}

# A file of a model names the module that users import the class from, wherever its text is.
for _class in (
    Loss,
    RegressionLoss,
    AbsoluteError,
    Gamma,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
    ClassificationLoss,
    BinaryFocal,
    BinaryLogLoss,
    BinarySquaredError,
    Focal,
    LogLoss,
    MultinomialFocal,
    MultinomialLogLoss,
    MultinomialSquaredError,
    SumOverTargets,
):
    _class.__module__ = __name__
del _class

__all__ = [
    "CLASSIFICATION_LOSSES",
    "EXP",
    "IDENTITY",
    "INCREASING",
    "LINKS",
    "LOGISTIC",
    "LOSSES",
    "REGRESSION_LOSSES",
    "SOFTMAX",
    "AbsoluteError",
    "BinaryFocal",
    "BinaryLogLoss",
    "BinarySquaredError",
    "ClassificationLoss",
    "Focal",
    "Gamma",
    "Huber",
    "Link",
    "LogLoss",
    "Loss",
    "LossBuffers",
    "MultinomialFocal",
    "MultinomialLogLoss",
    "MultinomialSquaredError",
    "Poisson",
    "Quantile",
    "RegressionLoss",
    "SquaredError",
    "SumOverTargets",
    "side_by_side",
]
