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

The L1 penalty :math:`\lambda \lVert W \rVert_1` has no gradient at zero, where it means to bring
weights. It is left out of the gradient, and made good for by a *proximal step* after each step
of an optimizer: every weight is moved towards zero by :math:`c`, and no further,

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

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray, Matrix, block_length, blocks, spread
from skneural.dropout import Dropout
from skneural.losses import Loss, LossBuffers
from skneural.network import Layer, Network, Workspace


class Objective:
    """Weighted mean loss plus penalty, and its gradient, over a batch of rows.

    Parameters
    ----------
    network : Network
    loss : Loss
    alpha : float
        Strength of the L2 penalty.
    n_rows : int
        Largest number of rows ever given at once.
    mean_weight : float, default=1.0
        Mean sample weight of all rows trained on.
    dtype : dtype, default=float64
        Of parameters, gradient and buffers.
    n_penalty_rows : int or None, default=None
        The rows that share the penalty; None for those of each batch.
    l1 : float, default=0.0
        Strength of the L1 penalty, whose part of the gradient is up to `shrink`.
    dropout : Dropout or None, default=None
        Makes value and gradient those of a randomly thinned network.

    Attributes
    ----------
    gradient : ndarray of shape (n_params,)
        Of the last evaluation; overwritten by the next.
    reported : float
        The last value as scikit-learn reports it: as descended, except that the squared
        error of several outputs is their mean, while their sum is descended.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        alpha: float,
        n_rows: int,
        mean_weight: float = 1.0,
        dtype: npt.DTypeLike = np.float64,
        n_penalty_rows: int | None = None,
        l1: float = 0.0,
        dropout: Dropout | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.mean_weight = mean_weight
        self.n_penalty_rows = n_penalty_rows
        self.l1 = l1
        self.dropout = dropout
        self.gradient: FloatArray = np.empty(network.n_params, dtype=dtype)
        self.reported = np.nan
        self._reported_share = 1 / network.layer_sizes[-1] if loss.averages_outputs else 1.0
        self._gradient_layers = network.layers(self.gradient)
        self._block: FloatArray = np.empty(min(block_length(dtype), network.n_params), dtype=dtype)
        self._workspace = Workspace(network, n_rows, dtype)
        self._bound: FloatArray | None = None

    def value_and_gradient(
        self,
        params: FloatArray,
        X: Matrix,
        y: FloatArray,
        sample_weight: FloatArray | None = None,
    ) -> tuple[float, FloatArray]:
        """Evaluate F and the gradient of all but its L1 penalty.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
        X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        y : ndarray of shape (n_rows, n_outputs)
        sample_weight : ndarray of shape (n_rows, 1) or None

        Returns
        -------
        value : float
        gradient : ndarray of shape (n_params,)
            The attribute of that name.
        """
        layers = self._layers(params)
        workspace = self._workspace.rows(X.shape[0])
        scale = 1.0 / (X.shape[0] * self.mean_weight)

        weight = None
        if sample_weight is not None:
            weight = spread(sample_weight, out=workspace.weight)

        raw = self.network.forward(layers, X, workspace, self.dropout)
        buffers = LossBuffers(workspace.deltas[-1], workspace.column, workspace.spare)
        data = scale * self.loss.value_and_gradient(raw, y, weight, buffers)
        delta = buffers.gradient
        delta *= scale
        if weight is not None:
            delta *= weight
        self.network.backward(layers, self._gradient_layers, workspace, self.dropout)
        penalty = self._add_penalty(params, self._penalty_scale(X.shape[0]))

        self.reported = self._reported_share * data + penalty
        return data + penalty, self.gradient

    def shrink(self, params: FloatArray, step_length: FloatArray, n_rows: int) -> None:
        """The proximal step of the L1 penalty, in place.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            After a step along the gradient of a batch.
        step_length : ndarray of shape (n_params,)
            How far that step moves each per unit of gradient. Used as scratch.
        n_rows : int
            Of the batch.
        """
        strength = self.l1_strength(n_rows)
        n_weights = self.network.n_weights
        for w, threshold in blocks(params[:n_weights], step_length[:n_weights]):
            threshold *= strength
            # What lies within the threshold of zero is taken off, which leaves exactly zero.
            taken = np.minimum(w, threshold, out=self._block[: len(w)])
            np.negative(threshold, out=threshold)
            np.maximum(taken, threshold, out=taken)
            w -= taken

    def l1_strength(self, n_rows: int) -> float:
        """What a batch of so many rows multiplies the L1 norm of the weights by."""
        return self.l1 * self._penalty_scale(n_rows)

    def _penalty_scale(self, n_rows: int) -> float:
        return 1.0 / ((self.n_penalty_rows or n_rows) * self.mean_weight)

    def _add_penalty(self, params: FloatArray, scale: float) -> float:
        """Add the L2 penalty's gradient to the weights' part; return the value of both."""
        if self.alpha == 0 and self.l1 == 0:
            return 0.0
        n_weights = self.network.n_weights
        value, magnitude = 0.0, 0.0
        for w, g in blocks(params[:n_weights], self.gradient[:n_weights]):
            penalty = np.multiply(w, self.alpha * scale, out=self._block[: len(w)])
            g += penalty
            value += float(np.dot(w, penalty))
            if self.l1:
                magnitude += float(np.abs(w, out=penalty).sum())
        return 0.5 * value + self.l1 * scale * magnitude

    def _layers(self, params: FloatArray) -> list[Layer]:
        # Minimisers update one vector in place: its views are made once, not per batch.
        if params is not self._bound:
            self._bound, self._bound_layers = params, self.network.layers(params)
        return self._bound_layers
