"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels
from skneural.optimizers.contract import Optimizer, State
from skneural.settings import number


@dataclass(repr=False, eq=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum.

    All parameters move by the same measure, so that features of very different scale are
    learnt at very different speed: standardise them, and tune the learning rate.

    .. math::

        v &\leftarrow \mu v - \eta g, \\
        w &\leftarrow w + v \quad\text{or, with Nesterov's momentum,} \\
        w &\leftarrow w + \mu v - \eta g

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\mu`, from 0 to 1. With 0 this is plain gradient descent.
    nesterovs_momentum : bool, default=True
        Whether the gradient is taken where the momentum leads to.
    weight_decay : float, default=0.0
        As in `Optimizer`.

    max_grad_norm, averaging : float or None, default=None
        As in `Optimizer`.

    See Also
    --------
    Adam : Steps of about the same length for all parameters.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
    and momentum in deep learning", ICML 2013.

    Examples
    --------
    A step against the gradient, at a rate of 0.1:

    >>> import numpy as np
    >>> from skneural.optimizers import SGD
    >>> optimizer = SGD(momentum=0)
    >>> state = optimizer.init_state(2, float)
    >>> params = np.array([1.0, 2.0])
    >>> optimizer.step(params, np.array([0.5, -0.25]), 0.1, state)
    >>> params.round(3)
    array([0.95 , 2.025])
    """

    momentum: float = number(0.9, 0, 1)
    nesterovs_momentum: bool = True

    def init_moments(self, n_params: int, dtype: npt.DTypeLike) -> State:
        return {"velocity": np.zeros(n_params, dtype=dtype), "velocity_of_unit_gradient": 0.0}

    def update(
        self, params: FloatArray, gradient: FloatArray, learning_rate: float, state: State
    ) -> None:
        # What the velocity would be under a gradient of 1 all along.
        state["velocity_of_unit_gradient"] = (
            self.momentum * state["velocity_of_unit_gradient"] + learning_rate
        )
        momentum, nesterovs = float(self.momentum), bool(self.nesterovs_momentum)
        sgd_step(params, gradient, state["velocity"], learning_rate, momentum, nesterovs)

    def step_length(self, learning_rate: float, state: State, out: FloatArray) -> None:
        velocity = state["velocity_of_unit_gradient"]
        if self.nesterovs_momentum:
            velocity = self.momentum * velocity + learning_rate
        out[...] = velocity


@compiled_as(kernels.sgd_step)
def sgd_step(
    w: FloatArray, g: FloatArray, v: FloatArray, rate: float, momentum: float, nesterovs: bool
) -> None:
    """Move parameters w by their velocity v, changed by the gradient g, which is overwritten."""
    for w, g, v in blocks(w, g, v):
        g *= rate
        v *= momentum
        v -= g
        if nesterovs:
            w -= g
            np.multiply(v, momentum, out=g)
            w += g
        else:
            w += v
