r"""The Hessian of the log loss of a network without hidden layers.

The loss of a row is a function of its raw outputs :math:`z = x W + b` alone, and its second
derivative in them is, with the probabilities :math:`p`,

.. math::

    p (1 - p) \quad\text{(logistic)}, \qquad
    \operatorname{diag}(p) - p\, p^\top \quad\text{(softmax)}.

It does not depend on the labels. By the chain rule the Hessian in the parameters is
a sum of :math:`\tilde x \tilde x^\top` over the rows, times these numbers, with
:math:`\tilde x = (x, 1)` where there are intercepts: one weighted Gram matrix for each pair of
outputs.

Source: C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 4.3.3 and
4.3.4.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from skneural.arrays.grams import centred, column_means, weighted_gram, weighted_grams
from skneural.arrays.matrices import (
    BoolArray,
    FloatArray,
    IndexArray,
    Matrix,
    columns,
    product,
)
from skneural.convex.linear import linear_arrays
from skneural.losses import LINKS
from skneural.network import Network
from skneural.objective import Objective


def probabilities(network: Network, params: FloatArray, X: Matrix) -> FloatArray:
    """Probabilities by a network whose outputs are one logistic, or a softmax.

    Returns
    -------
    p : ndarray of shape (n_rows, n_outputs), float64
    """
    p = linear_outputs(network, params, X).astype(np.float64, copy=False)
    LINKS["logistic" if p.shape[1] == 1 else "softmax"].inverse(p)
    return p


def linear_outputs(network: Network, params: FloatArray, X: Matrix) -> FloatArray:
    """X W + b, for all rows at once."""
    weights, intercepts = linear_arrays(network, params)
    outputs: FloatArray = np.empty((X.shape[0], network.n_outputs), dtype=params.dtype)
    product(X, weights, out=outputs)
    if intercepts is not None:
        outputs += intercepts
    return outputs


def smooth_probabilities(p: FloatArray, share: float) -> FloatArray:
    """Mix a share of the uniform distribution into probabilities.

    Where predictions are certain the curvature vanishes, and what is divided by it explodes.
    """
    if share == 0:
        return p
    smoothed: FloatArray = (1 - share) * p
    smoothed += share / max(p.shape[1], 2)
    return smoothed


def diagonal_curvature(p: FloatArray) -> FloatArray:
    """Second derivative of each row's loss in each of its raw outputs: p (1 - p)."""
    return p * (1 - p)


class HessianProduct:
    """The Hessian of the objective at a point, as something to multiply by.

    One product costs as much as one gradient, in time and memory, however many parameters
    there are. It is computed in the dtype of `X`.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    params : ndarray of shape (n_params,)
        The point.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    """

    def __init__(
        self,
        objective: Objective,
        params: FloatArray,
        X: Matrix,
        sample_weight: FloatArray | None,
    ) -> None:
        total = X.shape[0] * objective.mean_weight
        self._network = objective.network
        self._X = X
        self._p = probabilities(self._network, params.astype(X.dtype), X).astype(X.dtype)
        weight = np.ones((X.shape[0], 1)) if sample_weight is None else sample_weight[:, None]
        self._weight = (weight / total).astype(X.dtype)
        self._penalty = objective.alpha / total
        shape = (X.shape[1], self._network.n_outputs)
        self._of_loss: FloatArray = np.empty(shape, dtype=X.dtype)

    def times(self, direction: FloatArray) -> FloatArray:
        """The product with a direction in the parameters, in float64."""
        change = linear_outputs(self._network, direction.astype(self._X.dtype), self._X)
        # Of one logistic output: p (1 - p); of a softmax: diag(p) - p p^T.
        if change.shape[1] == 1:
            change *= 1 - self._p
        else:
            change -= np.einsum("ij,ij->i", change, self._p)[:, np.newaxis]
        change *= self._p
        change *= self._weight
        result: FloatArray = np.empty(len(direction))
        weights, intercepts = linear_arrays(self._network, result)
        along = linear_arrays(self._network, direction).weights
        np.multiply(along, self._penalty, out=weights)
        product(self._X.T, change, out=self._of_loss)
        weights += self._of_loss
        if intercepts is not None:
            change.sum(axis=0, out=intercepts)
        return result


def sum_to_zero_basis(n_classes: int) -> FloatArray:
    """Orthonormal columns orthogonal to (1, ..., 1): shape (n_classes, n_classes - 1).

    Adding a number to all raw outputs of a softmax changes nothing, so that the loss is flat
    in that direction and the optimum of the penalised objective has none of it.
    """
    centred = np.eye(n_classes) - 1 / n_classes
    return np.linalg.qr(centred[:, :-1])[0]


@cache
def output_basis(n_outputs: int) -> FloatArray:
    """The directions over the outputs that change the probabilities, as orthonormal columns."""
    basis: FloatArray = np.ones((1, 1)) if n_outputs == 1 else sum_to_zero_basis(n_outputs)
    basis.setflags(write=False)  # all fits share it
    return basis


def hessian(
    X: Matrix,
    p: FloatArray,
    weight: FloatArray,
    centre: FloatArray | None,
    basis: FloatArray,
    *,
    fit_intercept: bool,
) -> FloatArray:
    r"""The Hessian of the weighted sum of losses, for parameters in a basis of outputs.

    For a softmax, with rows :math:`B_k` of the basis and :math:`q = B^\top p`, it is

    .. math:: \sum_i s_i \Bigl( \sum_k p_{ik} B_k B_k^\top - q_i q_i^\top \Bigr)
              \otimes \tilde x_i \tilde x_i^\top :

    for every pair of directions a block, the Gram matrix of the features under weights of its own.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
    p : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)
    centre : ndarray of shape (n_features,) or None
        The features are taken as distances from it; zero for a sparse matrix. None for rows that
        `skneural.arrays.grams.centred` has made.
    basis : ndarray of shape (n_outputs, n_directions)
        (1, 1) with a one for a single logistic output.
    fit_intercept : bool
        Whether a column of ones comes last.

    Returns
    -------
    hessian : ndarray of shape (n_directions * m, n_directions * m)
        With m = n_features + fit_intercept: a block of all features for each direction.
    """
    n_outputs, n_directions = basis.shape
    if n_outputs == 1:
        return weighted_gram(X, weight * diagonal_curvature(p)[:, 0], centre, fit_intercept)
    a, b, pair = _pairs(n_directions)
    q = p @ basis
    by_pair = p @ (basis[:, a] * basis[:, b])
    by_pair -= q[:, a] * q[:, b]
    by_pair *= weight[:, np.newaxis]
    grams = weighted_grams(X, by_pair, centre, fit_intercept)
    m = X.shape[1] + fit_intercept
    return grams[:, pair].transpose(1, 0, 2, 3).reshape(n_directions * m, -1)


@cache
def _pairs(n_directions: int) -> tuple[IndexArray, IndexArray, IndexArray]:
    """All pairs (a, b) of directions with a <= b, and the number of each pair at (a, b) and (b, a).

    The blocks of (a, b) and (b, a) are the same: each is computed once.
    """
    a, b = np.triu_indices(n_directions)
    pair = np.empty((n_directions, n_directions), dtype=np.intp)
    pair[a, b] = pair[b, a] = np.arange(len(a))
    return a, b, pair


class Coordinates:
    """Directions in which the parameters of a network without hidden layers may move.

    Parameters
    ----------
    objective : Objective
        Of the log loss.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    basis : ndarray of shape (n_outputs, n_directions)
        Orthonormal directions over the outputs.
    features : ndarray or None, default=None
        The features whose weights may move; None for all.
    free : boolean ndarray of shape (n_directions, n_columns) or None, default=None
        Which coordinates may move; None for all.

    Notes
    -----
    Coordinates are those in the basis, direction by direction. Each direction has n_columns of
    them: one for every feature and, where there are intercepts, one more for the intercept at
    the mean of the features.
    """

    def __init__(
        self,
        objective: Objective,
        X: Matrix,
        sample_weight: FloatArray | None,
        basis: FloatArray,
        features: IndexArray | None = None,
        free: BoolArray | None = None,
    ) -> None:
        n_samples = X.shape[0]
        weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(float)
        total = n_samples * objective.mean_weight
        self._network = objective.network
        self._X = X
        self._features = slice(None) if features is None else features
        self._weight = weight / total
        self._basis = basis
        fit_intercept = self._network.n_params > self._network.n_penalised
        X_moving = X if features is None else columns(X, features)
        n_moving = X_moving.shape[1]
        self._n_moving, self._n_columns = n_moving, n_moving + fit_intercept
        self._free = slice(None) if free is None else np.flatnonzero(free)
        self._centre: FloatArray = np.zeros(n_moving)
        if fit_intercept:
            self._centre = column_means(X_moving, weight, stays_sparse=True)
        self.is_weight: BoolArray = np.ones((basis.shape[1], self._n_columns), dtype=bool)
        self.is_weight[:, n_moving:] = False
        self.is_weight = self.is_weight.ravel()[self._free]
        self._penalty = objective.alpha / total * self.is_weight
        self._rows, self._subtracted, self._appends_ones = centred(
            X_moving, self._centre, fit_intercept
        )

    def hessian(self, params: FloatArray, smoothing: float = 0.0) -> FloatArray:
        """The Hessian of the objective in the coordinates, at these parameters."""
        p = probabilities(self._network, params, self._X)
        if smoothing:
            p = smooth_probabilities(p, smoothing)
        rows, ones = self._rows, self._appends_ones
        matrix = hessian(rows, p, self._weight, self._subtracted, self._basis, fit_intercept=ones)
        if not isinstance(self._free, slice):
            matrix = matrix[np.ix_(self._free, self._free)]
        diagonal = np.einsum("ii->i", matrix)  # a view
        diagonal += self._penalty
        return matrix

    def uncentred(self, diagonal: FloatArray) -> FloatArray:
        """What the mean of each feature would add to the diagonal of a Hessian of all coordinates.

        It is 0 for intercepts, and where there are none.
        """
        by_direction = diagonal.reshape(-1, self._n_columns)
        added: FloatArray = np.zeros_like(by_direction)
        if self._n_columns > self._n_moving:
            added[:, : self._n_moving] = by_direction[:, -1:] * np.square(self._centre)
        return added.ravel()

    def reduce(self, gradient: FloatArray) -> FloatArray:
        """The gradient in the coordinates, from the one in the parameters."""
        weights, intercepts = linear_arrays(self._network, gradient)
        n_moving = self._n_moving
        by_output: FloatArray = np.empty((self._n_columns, len(self._basis)))
        by_output[:n_moving] = weights[self._features]
        if intercepts is not None:
            by_output[n_moving] = intercepts
            by_output[:n_moving] -= self._centre[:, np.newaxis] * by_output[n_moving]
        return (by_output @ self._basis).T.ravel()[self._free]

    def position(self, params: FloatArray) -> FloatArray:
        """The coordinates of the weights; zero for the intercepts, whose origin is free."""
        weights = linear_arrays(self._network, params).weights[self._features]
        n_more = self._n_columns - len(weights)
        by_output = np.vstack([weights, np.zeros((n_more, weights.shape[1]))])
        return (by_output @ self._basis).T.ravel()[self._free]

    def expand(self, step: FloatArray) -> FloatArray:
        """The step in the parameters, from one in the coordinates."""
        expanded: FloatArray = np.zeros(self._network.n_params)
        weights, intercepts = linear_arrays(self._network, expanded)
        n_moving = self._n_moving
        n_directions = self._basis.shape[1]
        every: FloatArray = np.zeros(n_directions * self._n_columns)
        every[self._free] = step
        by_output = every.reshape(n_directions, -1).T @ self._basis.T
        weights[self._features] = by_output[:n_moving]
        if intercepts is not None:
            intercepts[...] = by_output[n_moving] - self._centre @ by_output[:n_moving]
        return expanded
