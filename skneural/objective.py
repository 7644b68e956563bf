r"""The function being minimised.

.. math::

    F(w) = \frac{1}{n \bar s} \sum_{i=1}^{n} s_i \, \ell(z(x_i; w), y_i)
           + \frac{\alpha}{2 N \bar s} \lVert W \rVert^2

over the :math:`n` rows of a batch, with sample weights :math:`s_i` and :math:`\bar s` the
mean weight of all rows trained on. Intercepts are not penalised. :math:`N` is the number of
rows that share the penalty: those of the batch in scikit-learn's multilayer perceptrons, all
rows trained on in logistic regression, whose optimum then does not depend on the batch size.

With unit weights this is scikit-learn's objective. With other weights scikit-learn divides
by the sum of the weights *of the batch*: weights that are constant within a batch then
cancel, and a batch of zero weight divides by zero. Here the divisor is the same for all
batches of a size, a weight of 2 counts as the row twice, and nothing is divided by zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray, Matrix, block_length, blocks, spread
from skneural.losses import Loss, LossBuffers
from skneural.network import Layer, Network, Workspace


class Objective:
    """Weighted mean loss plus L2 penalty, and its gradient, over a batch of rows.

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
    ) -> None:
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.mean_weight = mean_weight
        self.n_penalty_rows = n_penalty_rows
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
        """Evaluate F and its gradient.

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
        penalty_scale = 1.0 / ((self.n_penalty_rows or X.shape[0]) * self.mean_weight)

        weight = None
        if sample_weight is not None:
            weight = spread(sample_weight, out=workspace.weight)

        raw = self.network.forward(layers, X, workspace)
        buffers = LossBuffers(workspace.deltas[-1], workspace.column, workspace.spare)
        data = scale * self.loss.value_and_gradient(raw, y, weight, buffers)
        delta = buffers.gradient
        delta *= scale
        if weight is not None:
            delta *= weight
        self.network.backward(layers, self._gradient_layers, X, workspace)
        penalty = self._add_penalty(params, penalty_scale)

        self.reported = self._reported_share * data + penalty
        return data + penalty, self.gradient

    def _add_penalty(self, params: FloatArray, scale: float) -> float:
        """Add the penalty's gradient to the weights' part; return its value."""
        if self.alpha == 0:
            return 0.0
        n_weights = self.network.n_weights
        value = 0.0
        for w, g in blocks(params[:n_weights], self.gradient[:n_weights]):
            penalty = np.multiply(w, self.alpha * scale, out=self._block[: len(w)])
            g += penalty
            value += float(np.dot(w, penalty))
        return 0.5 * value

    def _layers(self, params: FloatArray) -> list[Layer]:
        # Minimisers update one vector in place: its views are made once, not per batch.
        if params is not self._bound:
            self._bound, self._bound_layers = params, self.network.layers(params)
        return self._bound_layers
