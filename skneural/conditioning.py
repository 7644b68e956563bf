r"""A change of variables that makes a linear model's objective round.

Gradient methods crawl where the objective is a narrow valley: features on different scales,
features that say nearly the same. Written in other variables :math:`(u, \beta)`,

.. math::

    w_k = T_k u_k, \qquad b_k = \beta_k / \sigma_k - \mu_k^\top w_k ,

for every output k, it is the same function with the same minimum, penalty and all, but its
valley can be made nearly a bowl. The best T that the second derivative offers is a *whitening*:
with :math:`L L^\top` the Cholesky factorisation of

.. math::

    H_k = \frac{1}{S} \sum_i s_i h_{ik} (x_i - \mu_k)(x_i - \mu_k)^\top
          + \frac{\lambda}{S} I, \qquad T_k = L^{-\top},

the second derivative in :math:`u_k` is the identity, at the point where the curvatures
:math:`h_{ik} = p_{ik} (1 - p_{ik})` were taken. (The coupling between the classes of a softmax
is left out at first: it is never stronger than the rest. `JointConditioning` has it, for
problems that turn out to be hard.) :math:`\mu_k` is the mean of the features
under the weights :math:`s_i h_{ik}`, which uncouples the intercept; nothing is subtracted from
X itself, so that a sparse X stays sparse. Where there are too many features for a matrix, the
diagonal of :math:`H_k` has to do: every feature is measured in its own unit.

Source: J. Nocedal and S. J. Wright, *Numerical Optimization*, second edition, 2006, section
2.2 (scaling) and 5.1 (preconditioning by an incomplete or approximate factorisation).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg

from skneural._arrays import (
    FloatArray,
    Matrix,
    column_means,
    column_scatter,
    scatter,
)
from skneural.curvature import (
    Coordinates,
    diagonal_curvature,
    output_basis,
    probabilities,
    softened,
)
from skneural.network import Layer, Network
from skneural.objective import Objective

#: Features up to which a matrix is worth its factorisation.
MOST_WHITENED_FEATURES = 1000

#: Elements of the matrices T of all outputs together, above which they share one.
MOST_SEPARATE_ELEMENTS = 2**20

#: Multiplications that taking the second derivative may cost before rows are left out, and the
#: rows per feature that are always kept: from ten on a sample is nearly as good as all.
ENOUGH_WORK = 2**26
ENOUGH_ROWS = 10

#: Share of a guess that is mixed into the probabilities, so that curvature never vanishes.
SOFTENING = 1e-8

#: Coordinates up to which all classes are worth a matrix in common.
MOST_JOINT_COORDINATES = 1000

#: Share of its mean below which the spread of a feature is taken for rounding. A feature that
#: does not vary has no curvature; dividing by next to nothing would magnify rounding instead.
NEGLIGIBLE_SPREAD = 1e-5

#: Added to the diagonal of a correlation matrix: features that are copies of each other make it
#: singular.
RIDGE = 1e-10


class Conditioning:
    """The change of variables: a linear map from variables to parameters.

    Parameters
    ----------
    network : Network
        Without hidden layers.
    stretch : ndarray of shape (n_features,), (n_features, n_features) or \
            (n_outputs, n_features, n_features)
        T: a diagonal, one matrix for all outputs, or one for each.
    mean : ndarray of shape (n_features, n_outputs)
    intercept_scale : ndarray of shape (n_outputs,)
        The divisor of each intercept.
    symmetric : bool, default=True
        Whether steps of a softmax's parameters have to add up to zero over the classes.

    Notes
    -----
    With one T for all outputs, gradients that add up to zero lead to steps that do.
    """

    def __init__(
        self,
        network: Network,
        stretch: FloatArray,
        mean: FloatArray,
        intercept_scale: FloatArray,
        *,
        symmetric: bool = True,
    ) -> None:
        self.network = network
        self._mixes_classes = symmetric and stretch.ndim == 3
        self.stretch = stretch
        self.mean = mean
        self.intercept_scale = intercept_scale

    @property
    def n_variables(self) -> int:
        """How many variables there are."""
        return self.network.n_params

    def step(self, variables: FloatArray) -> FloatArray:
        """The step in the parameters that these variables stand for."""
        step: FloatArray = np.empty(len(variables))
        layer, (u, beta) = self._layer(step), self._layer(variables)
        self._times(self.stretch, u, out=layer.weights)
        if self.network.fit_intercept:
            layer.intercepts[...] = beta / self.intercept_scale
            layer.intercepts[...] -= np.einsum("jk,jk->k", self.mean, layer.weights)
        if self._mixes_classes:
            sum_to_zero(self.network, step)
        return step

    def gradient(self, gradient: FloatArray) -> FloatArray:
        """The gradient in the variables, from the one in the parameters."""
        pulled: FloatArray = np.empty(len(gradient))
        if self._mixes_classes:
            gradient = gradient.copy()
            sum_to_zero(self.network, gradient)
        layer, (w, b) = self._layer(pulled), self._layer(gradient)
        if self.network.fit_intercept:
            np.multiply(self.mean, -b, out=layer.weights)
            layer.weights[...] += w
            w = layer.weights
            layer.intercepts[...] = b / self.intercept_scale
        transposed = self.stretch if self.stretch.ndim == 1 else self.stretch.swapaxes(-1, -2)
        self._times(transposed, w, out=layer.weights)
        return pulled

    def squared_length(self, step: FloatArray) -> float:
        """Squared length, in the variables, of a step in the parameters; for a diagonal T."""
        w, b = self._layer(step)
        total = float(np.sum(np.square(w / self.stretch[:, np.newaxis])))
        if self.network.fit_intercept:
            beta = (b + np.einsum("jk,jk->k", self.mean, w)) * self.intercept_scale
            total += float(beta @ beta)
        return total

    def _layer(self, vector: FloatArray) -> Layer:
        return self.network.layers(vector)[0]

    @staticmethod
    def _times(matrix: FloatArray, w: FloatArray, out: FloatArray) -> None:
        if matrix.ndim == 1:
            np.multiply(matrix[:, np.newaxis], w, out=out)
        elif matrix.ndim == 2:
            out[...] = matrix @ w
        else:
            out[...] = np.matmul(matrix, w.T[:, :, np.newaxis])[:, :, 0].T


class JointConditioning:
    """A whitening of all classes together, coupling included.

    Parameters
    ----------
    coordinates : Coordinates
    whitening : ndarray of shape (n_coordinates, n_coordinates)
        Its transpose times the second derivative times itself is the identity.
    """

    def __init__(self, coordinates: Coordinates, whitening: FloatArray) -> None:
        self._coordinates = coordinates
        self._whitening = whitening

    @property
    def n_variables(self) -> int:
        """How many variables there are."""
        return len(self._whitening)

    def step(self, variables: FloatArray) -> FloatArray:
        """The step in the parameters that these variables stand for."""
        return self._coordinates.expand(self._whitening @ variables)

    def gradient(self, gradient: FloatArray) -> FloatArray:
        """The gradient in the variables, from the one in the parameters."""
        pulled: FloatArray = self._whitening.T @ self._coordinates.reduce(gradient)
        return pulled


def joint_conditioner(
    objective: Objective, X: Matrix, sample_weight: FloatArray | None
) -> Callable[[FloatArray], JointConditioning] | None:
    """A function that whitens all classes together; None where that is not worth while.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    n_features, n_outputs = objective.network.layer_sizes
    n_coordinates = (n_features + objective.network.fit_intercept) * (n_outputs - 1)
    if not 0 < n_coordinates <= MOST_JOINT_COORDINATES:  # with one output nothing is coupled
        return None
    coordinates = Coordinates(objective, X, sample_weight, output_basis(n_outputs))

    def condition(params: FloatArray) -> JointConditioning:
        matrix = coordinates.hessian(params, SOFTENING)
        diagonal = np.diag(matrix)
        unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
        inverse = _inverse_cholesky(matrix * unit * unit[:, np.newaxis])
        return JointConditioning(coordinates, (inverse * unit).T)

    return condition


def sum_to_zero(network: Network, vector: FloatArray) -> None:
    """Subtract from the parameters of every class of a softmax their mean over the classes.

    The loss is the same with and without, and the penalty is smaller without.
    """
    if network.layer_sizes[-1] > 1:
        layer = network.layers(vector)[0]
        layer.weights[...] -= layer.weights.mean(axis=1, keepdims=True)
        if network.fit_intercept:
            layer.intercepts[...] -= layer.intercepts.mean()


def conditioner(
    network: Network,
    X: Matrix,
    sample_weight: FloatArray | None,
    alpha: float,
    *,
    separable: bool = False,
) -> Callable[[FloatArray], Conditioning]:
    """A function that gives the conditioning at a vector of parameters.

    Parameters
    ----------
    network : Network
        Without hidden layers, for the log loss.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    alpha : float
        Strength of the L2 penalty, relative to the sum of the losses.
    separable : bool, default=False
        Whether the variables must not mix the weights: for a penalty that acts on each.
    """
    n_samples, n_features = X.shape
    weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    penalty = alpha / weight.sum()
    whitens = n_features <= MOST_WHITENED_FEATURES and not separable
    every = _sampling_step(n_samples, n_features) if whitens else 1
    if weight[::every].any():
        X, weight = X[::every], weight[::every]

    def condition(params: FloatArray) -> Conditioning:
        curvature = diagonal_curvature(softened(probabilities(network, params, X), SOFTENING))
        n_outputs = curvature.shape[1]
        per_class = whitens and params.any()
        shared = not per_class or n_outputs * n_features**2 > MOST_SEPARATE_ELEMENTS
        if shared:
            curvature = curvature.mean(axis=1, keepdims=True)
        curvature *= weight[:, np.newaxis]
        curvature /= weight.sum()
        make = _whitening if whitens else _scaling
        parts = [make(X, h, penalty, network.fit_intercept) for h in curvature.T]
        stretch = np.array([part[0] for part in parts])
        mean = np.array([part[1] for part in parts]).T
        return Conditioning(
            network,
            stretch[0] if len(stretch) == 1 else stretch,
            np.broadcast_to(mean, (n_features, n_outputs)),
            np.broadcast_to(np.sqrt(curvature.sum(axis=0)), n_outputs),
            symmetric=not separable,
        )

    return condition


def _sampling_step(n_samples: int, n_features: int) -> int:
    """Every how manieth row to look at for the second derivative."""
    n_rows = max(ENOUGH_WORK // n_features**2, ENOUGH_ROWS * n_features)
    return max(n_samples // n_rows, 1)


def _whitening(
    X: Matrix, curvature: FloatArray, penalty: float, centred: bool
) -> tuple[FloatArray, FloatArray]:
    """T as a matrix, and the mean."""
    mean = _mean(X, curvature, centred)
    second_derivative = scatter(X, curvature, mean)
    n_features = len(mean)
    diagonal = second_derivative.ravel()[:: n_features + 1]
    diagonal[:] = _with_penalty(diagonal, penalty, curvature, mean)
    unit = 1 / np.sqrt(diagonal)
    second_derivative *= unit
    second_derivative *= unit[:, np.newaxis]
    inverse = _inverse_cholesky(second_derivative)
    inverse *= unit
    return inverse.T, mean


def _inverse_cholesky(correlation: FloatArray) -> FloatArray:
    """Inverse of the lower Cholesky factor, of a matrix with ones on its diagonal."""
    ridge = RIDGE
    while True:
        try:
            factor = np.linalg.cholesky(correlation + ridge * np.eye(len(correlation)))
        except np.linalg.LinAlgError:
            if ridge > 1:  # not even nearly a correlation matrix
                return np.eye(len(correlation))
            ridge *= 100
        else:
            inverse: FloatArray = scipy.linalg.lapack.dtrtri(factor, lower=1)[0]
            return inverse


def _scaling(
    X: Matrix, curvature: FloatArray, penalty: float, centred: bool
) -> tuple[FloatArray, FloatArray]:
    """T as a diagonal, and the mean."""
    mean = _mean(X, curvature, centred)
    diagonal = column_scatter(X, curvature, mean)
    return 1 / np.sqrt(_with_penalty(diagonal, penalty, curvature, mean)), mean


def _mean(X: Matrix, curvature: FloatArray, centred: bool) -> FloatArray:
    return column_means(X, curvature) if centred else np.zeros(X.shape[1])


def _with_penalty(
    diagonal: FloatArray, penalty: float, curvature: FloatArray, mean: FloatArray
) -> FloatArray:
    """The diagonal of the second derivative, kept away from zero."""
    rounding = curvature.sum() * (NEGLIGIBLE_SPREAD * mean) ** 2
    diagonal = np.maximum(diagonal, rounding) + penalty
    return np.where(diagonal > 0, diagonal, 1)
