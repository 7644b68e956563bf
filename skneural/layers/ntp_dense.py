r"""A fully connected layer in the neural tangent parametrization.

.. math:: z = \frac{1}{\sqrt{n_\text{in}}} \, x W + b, \qquad W \sim N(0, 1)

The factor keeps the outputs of a wide layer in bounds, whereas the step of an optimizer such as
Adam, about the learning rate for every weight, does not depend on the width: one learning rate is
good for layers of every width, narrow first ones among them.

The layer stores :math:`W' = W / \sqrt{n_\text{in}}` and is then a dense layer like any other, whose
weights have the learning rate divided by :math:`\sqrt{n_\text{in}}`. Under Adam, whose steps do not
depend on the scale of the gradient, this is the same training, but for epsilon: it stands beside
gradients that are :math:`\sqrt{n_\text{in}}` times as large. Weight decay is the same for W and W',
at the learning rate without this factor. Under gradient descent it would take the factor
:math:`1 / n_\text{in}`.

Sources: A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel: Convergence and generalization
in neural networks", NeurIPS 2018; for tables, with data-driven initialization and a low learning
rate for intercepts, D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong
pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from skneural.arrays.matrices import Matrix
from skneural.initialization import unit_deviation
from skneural.layers.contract import Arrays, Parameter
from skneural.layers.dense import Dense


@dataclass(eq=False)
class NTPDense(Dense):
    r"""``x @ weights + intercepts``, with weights that learn at a rate of ``1 / sqrt(n_inputs)``.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Columns of the input and of the output.
    fit_intercept : bool, default=True
        Whether there are intercepts.
    draw : callable or None, default=None
        As in `Dense`; None for `skneural.initialization.unit_deviation`, which looks at the inputs
        of the layer: `Network.initialize` needs rows then.
    intercept_rate : float, default=0.1
        Factor of the learning rate of the intercepts, which do not decay.
    """

    intercept_rate: float = 0.1

    def parameters(self) -> tuple[Parameter, ...]:
        weights, *intercepts = super().parameters()
        return (
            weights._replace(rate=1 / sqrt(self.n_inputs)),
            *(each._replace(rate=self.intercept_rate) for each in intercepts),
        )

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        if self.draw is not None:
            super().initialize(arrays, rng, inputs)
            return
        unit_deviation(arrays[0], arrays[1] if self.fit_intercept else None, rng, inputs())
