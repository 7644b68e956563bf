r"""The function being minimised.

.. math::

    F(w) = \frac{1}{n \bar s} \sum_{i=1}^{n} s_i \, \ell(z(x_i; w), y_i)
           + \frac{1}{N \bar s} \left( \frac{\alpha}{2} \lVert W \rVert_2^2
           + \lambda \lVert W \rVert_1 \right)

over the :math:`n` rows of a batch, with sample weights :math:`s_i` and :math:`\bar s` the
mean weight of all rows trained on. Intercepts are not penalised. :math:`N` is the number of
rows that share the penalty: those of the batch in scikit-learn's multilayer perceptrons, all
rows trained on in logistic regression, whose optimum then does not depend on the batch size.

With unit weights this is scikit-learn's objective. With other weights scikit-learn divides
by the sum of the weights *of the batch*: weights that are constant within a batch then
cancel, and a batch of zero weight divides by zero. Here the divisor is the same for all
batches of a size, a weight of 2 counts as the row twice, and nothing is divided by zero.

The L1 penalty :math:`\lambda \lVert W \rVert_1` is not differentiable at zero, and zero is where
it drives weights. It is left out of the gradient. Instead, an optimizer makes a *proximal step*
after each of its steps: every weight is moved towards zero by :math:`c`, and no further,

.. math:: S_c(w) = \operatorname{sign}(w) \max(|w| - c, 0), \qquad
          c = \tau \frac{\lambda}{N \bar s},

with :math:`\tau` the length of that step: how far it moves the weight per unit of gradient. So the
weights come to rest where the gradient balances the penalty, at the minimum of F, whatever the
optimizer makes of the units of each weight. Source: N. Parikh and S. Boyd, "Proximal algorithms",
Foundations and Trends in Optimization 1, 2014; with the metric of an adaptive optimizer:
J. Yun, A. C. Lozano and E. Yang, "Adaptive proximal gradient methods for structured neural
networks", NeurIPS 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import BLOCK_BYTES, FloatArray, Matrix, blocks
from skneural.kernels import compiled_as
from skneural.kernels import optimizers as kernels
from skneural.layers import Arrays
from skneural.losses import Loss
from skneural.network import Network
from skneural.workspace import Workspace

#: A number, or one for each member.
Values = Any


class Objective:
    """Weighted mean loss plus penalty, and its gradient, over a batch of rows.

    Parameters
    ----------
    network : Network
        What maps rows to raw outputs.
    loss : Loss
        The loss of a row.
    alpha : float
        Strength of the L2 penalty.
    n_rows : int
        Largest number of rows ever given at once.
    mean_weight : float or ndarray of shape (K,), default=1.0
        Mean sample weight of all rows trained on; those of each member may have their own.
    dtype : dtype, default=float64
        Of parameters, gradient and buffers.
    n_penalty_rows : int or None, default=None
        The rows that share the penalty; None for those of each batch.
    l1 : float, default=0.0
        Strength of the L1 penalty, whose part of the gradient is left to a proximal step.
    members : tuple of int, default=()
        (K,) for K members: values and gradients are then those of each.

    Attributes
    ----------
    gradient : ndarray of shape (n_params,), or (K, n_params)
        Of the last evaluation; overwritten by the next.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        alpha: float,
        n_rows: int,
        mean_weight: Values = 1.0,
        dtype: npt.DTypeLike = np.float64,
        n_penalty_rows: int | None = None,
        l1: float = 0.0,
        members: tuple[int, ...] = (),
    ) -> None:
        self.network = network
        self.loss = loss
        self._settings = (n_rows, dtype)
        self.alpha = alpha
        self.mean_weight = mean_weight
        self.n_penalty_rows = n_penalty_rows
        self.l1 = l1
        self.members = members
        self._mean_weights = np.broadcast_to(mean_weight, members)
        self.gradient: FloatArray = np.empty((*members, network.n_params), dtype=dtype)
        self._gradient_arrays = network.arrays(self.gradient)
        self._reported_share = 1 / network.n_outputs if loss.reports_mean_over_outputs else 1.0
        self._block: FloatArray = np.empty(
            min(BLOCK_BYTES // self.gradient.itemsize, network.n_params), dtype=dtype
        )
        self._workspace = Workspace(network, n_rows, dtype, members)
        self._bound: FloatArray | None = None
        self._arrays: list[Arrays] = []

    def check_targets(self, y: npt.NDArray[Any]) -> None:
        """Refuse targets that the outputs of the network are not those of.

        The loss does not look: it would compare one column with all outputs.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_targets), or (K, n_rows, n_targets)
            As the loss takes them.

        Raises
        ------
        ValueError
            If the loss has another number of outputs for so many targets.
        """
        n_targets, n_outputs = y.shape[-1], self.network.n_outputs
        if self.loss.n_outputs(n_targets) != n_outputs:
            raise ValueError(
                f"{self.loss!r} needs {self.loss.n_outputs(n_targets)} output(s) for y of "
                f"{n_targets} column(s), and the network has {n_outputs}. Classes are a column "
                "of zeros and ones for each label."
            )

    def of_members(self, active: Sequence[int]) -> Objective:
        """The objective of some of the members, with buffers for these alone.

        Parameters
        ----------
        active : sequence of int
            Their numbers.

        Returns
        -------
        Objective
            It shares no buffer with this one. Of a subclass, it is one with the same attributes.
        """
        n_rows, dtype = self._settings
        mean_weight = self._mean_weights[list(active)]
        members = (len(active),)
        of_active = copy(self)
        Objective.__init__(
            of_active,
            self.network,
            self.loss,
            self.alpha,
            n_rows,
            mean_weight,
            dtype,
            self.n_penalty_rows,
            self.l1,
            members,
        )
        return of_active

    def value_and_gradient(
        self,
        params: FloatArray,
        X: Matrix,
        y: FloatArray,
        sample_weight: FloatArray | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> tuple[Values, FloatArray, Values]:
        """Evaluate F and the gradient of all but its L1 penalty.

        Parameters
        ----------
        params : ndarray of shape (n_params,), or (K, n_params) for members
            The parameters.
        X : {ndarray, sparse matrix} of shape (n_rows, n_features)
            Or (K, n_rows, n_features), where every member has rows of its own.
        y : ndarray of shape (n_rows, n_targets), or (K, n_rows, n_targets)
            Targets of the rows.
        sample_weight : ndarray of shape (n_rows,) or (K, n_rows), or None, default=None
            Weights of the rows; None for 1.
        random : sequence of Generator or None, default=None
            What `Dropout` draws from, one for each member. None for the network without it.

        Returns
        -------
        value : float, or ndarray of shape (K,)
            F, its L1 penalty included.
        gradient : ndarray of shape (n_params,), or (K, n_params)
            The attribute of that name.
        reported : float, or ndarray of shape (K,)
            The value as scikit-learn reports it: as descended, except that the squared error of
            several outputs is their mean, while their sum is descended.
        """
        n_rows = y.shape[-2]
        # Minimisers update one vector in place: its views are made once, not per batch.
        if params is not self._bound:
            self._bound, self._arrays = params, self.network.arrays(params)
        arrays = self._arrays
        workspace = self._workspace
        if n_rows != self._settings[0]:
            workspace = workspace.rows(n_rows)
        raw = self.network.forward(arrays, X, workspace, random)
        data: Values
        delta = workspace.delta
        if self.members:
            data = self._loss_of_members(raw, y, sample_weight, workspace)
        else:
            losses = self.loss.value_and_gradient(raw, y, workspace.of_loss)
            weight = workspace.ones if sample_weight is None else sample_weight
            share = 1.0 / (n_rows * self.mean_weight)
            data = share * float(np.dot(losses, weight))
            delta *= share
            if sample_weight is not None:
                workspace.spare[...] = sample_weight[:, np.newaxis]
                delta *= workspace.spare
        self.network.backward(arrays, self._gradient_arrays, workspace, delta)
        if self.alpha == 0 and self.l1 == 0:
            return data, self.gradient, self._reported_share * data
        scale = 1.0 / ((self.n_penalty_rows or n_rows) * self.mean_weight)
        penalty: Values
        if self.members:
            scales = np.broadcast_to(scale, self.members).tolist()
            rows = zip(params, self.gradient, scales, strict=True)
            penalty = np.array([self._add_penalty(*row) for row in rows])
        else:
            penalty = self._add_penalty(params, self.gradient, float(scale))
        return data + penalty, self.gradient, self._reported_share * data + penalty

    def _loss_of_members(
        self,
        raw: FloatArray,
        y: FloatArray,
        sample_weight: FloatArray | None,
        workspace: Workspace,
    ) -> Values:
        """The weighted mean loss of each; its derivative in the raw outputs is left in `delta`."""
        n_rows, n_outputs = raw.shape[-2:]
        delta = workspace.delta
        # For the loss the rows of all members come one after another.
        if y.ndim == 2:
            y = np.broadcast_to(y, (*self.members, *y.shape))
        losses = self.loss.value_and_gradient(
            raw.reshape(-1, n_outputs), y.reshape(-1, y.shape[-1]), workspace.of_loss
        )
        losses = losses.reshape(*self.members, n_rows)
        scale = 1.0 / (n_rows * self._mean_weights)
        delta *= scale[:, np.newaxis, np.newaxis].astype(delta.dtype)
        if sample_weight is None:
            total = losses.sum(axis=1)
        else:
            total = (losses * sample_weight).sum(axis=1)
            delta *= sample_weight[..., np.newaxis]
        return scale * total.astype(np.float64)

    def l1_strength(self, n_rows: int) -> Values:
        """What a batch of so many rows multiplies the L1 norm of the weights by.

        Parameters
        ----------
        n_rows : int
            Rows of the batch.

        Returns
        -------
        float, or ndarray of shape (K,)
            The factor.
        """
        return self.l1 * (1.0 / ((self.n_penalty_rows or n_rows) * self.mean_weight))

    def _add_penalty(self, params: FloatArray, gradient: FloatArray, scale: float) -> float:
        """Add the L2 penalty's gradient to that of the weights; return the value of both."""
        n, value = self.network.n_penalised, 0.0
        w = params[:n]
        if self.alpha:
            strength = float(self.alpha * scale)
            _add_multiple(w, gradient[:n], self._block, strength)
            value = 0.5 * strength * float(np.dot(w, w))
        if self.l1:
            magnitude = 0.0
            for (some,) in blocks(w):
                magnitude += float(np.abs(some, out=self._block[: len(some)]).sum())
            value += self.l1 * scale * magnitude
        return value


@compiled_as(kernels.add_multiple)
def _add_multiple(w: FloatArray, g: FloatArray, scratch: FloatArray, factor: float) -> None:
    """Add a multiple of w to g. The scratch is as long as a block."""
    for some, sums in blocks(w, g):
        multiple = np.multiply(some, factor, out=scratch[: len(some)])
        sums += multiple
