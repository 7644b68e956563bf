r"""A change of variables that makes the Hessian of a linear model close to the identity.

Gradient methods are slow where the objective is a narrow valley: features on different scales,
features that are nearly collinear. A *preconditioner* writes it in other variables
:math:`(u, \beta)`,

.. math::

    w_k = T_k u_k, \qquad b_k = \beta_k / \sigma_k - \mu_k^\top w_k ,

for every output k. It is the same function with the same minimum, penalty and all, but its level
sets can be made nearly round. The best T that the Hessian offers is a *whitening*: with
:math:`L L^\top` the Cholesky factorisation of

.. math::

    H_k = \frac{1}{S} \sum_i s_i h_{ik} (x_i - \mu_k)(x_i - \mu_k)^\top
          + \frac{\lambda}{S} I, \qquad T_k = L^{-\top},

the Hessian in :math:`u_k` is the identity, at the point where the curvatures
:math:`h_{ik} = p_{ik} (1 - p_{ik})` were taken. The coupling between the classes of a softmax
is left out at first, as it is never stronger than the rest; `JointPreconditioner` has it, for
problems that turn out to be hard. :math:`\mu_k` is the mean of the features
under the weights :math:`s_i h_{ik}`, which uncouples the intercept; nothing is subtracted from
X itself, so that a sparse X stays sparse. Where there are too many features for a matrix, more than
a constant or twice as many as rows, T is the diagonal preconditioner: the inverse square roots of
the diagonal of :math:`H_k`. For the latter there is another whitening, see
`skneural.convex.wide_preconditioning`.

Source: J. Nocedal and S. J. Wright, *Numerical Optimization*, second edition, 2006, section
2.2 (scaling) and 5.1 (preconditioning by an incomplete or approximate factorisation).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.linalg

from skneural.arrays.grams import column_means, column_scatter, scatter
from skneural.arrays.matrices import FloatArray, Matrix
from skneural.convex.curvature import (
    Coordinates,
    diagonal_curvature,
    output_basis,
    probabilities,
    smooth_probabilities,
)
from skneural.convex.linear import linear_arrays, sum_to_zero
from skneural.network import Network
from skneural.objective import Objective

#: Features up to which T is a matrix; above, its factorisation would take longer than it saves.
MAX_WHITENED_FEATURES = 1000

#: Features for each row, and features at all, from which on rows are few: their Gram matrix is much
#: smaller than that of the features, which would take time to factorise.
FEATURES_PER_WIDE_ROW = 2
MIN_WIDE_FEATURES = 128

#: Elements of the matrices T of all outputs together, above which they share one.
MAX_SEPARATE_ELEMENTS = 2**20

#: Multiplications that computing the Hessian may cost before rows are left out, and the
#: rows per feature that are always kept: from ten on a sample is nearly as good as all.
MAX_HESSIAN_PRODUCTS = 2**26
MIN_ROWS_PER_FEATURE = 10

#: Share of the uniform distribution mixed into the probabilities, so that curvature never vanishes.
SMOOTHING = 1e-8

#: Coordinates up to which all classes get a matrix in common.
MAX_JOINT_COORDINATES = 1000

#: Standard deviation of a feature, as a share of its mean, below which it is taken for rounding. A
#: feature that does not vary has no curvature; dividing by nearly zero would magnify rounding.
NEGLIGIBLE_DEVIATION = 1e-5

#: The same for a feature that is constant: its weight says nothing that the intercept does not.
NO_DEVIATION = 1e-7

#: Added to the diagonal of a correlation matrix, which is singular where features are collinear.
#: It is so many units in the last place at least: gradients are off by that much of noise, which a
#: step along a direction without curvature would magnify.
RIDGE = 1e-10
ROUNDED = 100


class CentredPreconditioner:
    """A change of variables output by output, with a mean for each: what it has in common.

    Parameters
    ----------
    network : Network
        Without hidden layers.
    mean : ndarray of shape (n_features, n_outputs)
    intercept_scale : ndarray of shape (n_outputs,)
        The divisor of each intercept.
    mixes_classes : bool
        Whether gradients of a softmax that add up to zero over the classes could lead to steps that
        do not: then they are made to.
    """

    #: Whether an optimum that is found in these variables is looked at again in new ones.
    is_judge_of_its_start_only = False

    def __init__(
        self,
        network: Network,
        mean: FloatArray,
        intercept_scale: FloatArray,
        *,
        mixes_classes: bool,
    ) -> None:
        self.network = network
        self._mixes_classes = mixes_classes
        self.mean = mean
        self.intercept_scale = intercept_scale

    def _times(self, w: FloatArray, out: FloatArray) -> None:
        """Product of T with the weights."""
        raise NotImplementedError

    def _transposed_times(self, w: FloatArray, out: FloatArray) -> None:
        """Product of its transpose with the gradient in the weights."""
        raise NotImplementedError

    @property
    def n_variables(self) -> int:
        """How many variables there are."""
        return self.network.n_params

    def step(self, variables: FloatArray) -> FloatArray:
        """The step in the parameters that these variables stand for."""
        step: FloatArray = np.empty(len(variables))
        weights, intercepts = linear_arrays(self.network, step)
        u, beta = linear_arrays(self.network, variables)
        self._times(u, out=weights)
        if intercepts is not None and beta is not None:
            np.divide(beta, self.intercept_scale, out=intercepts)
            intercepts -= np.einsum("jk,jk->k", self.mean, weights)
        if self._mixes_classes:
            sum_to_zero(self.network, step)
        return step

    def gradient(self, gradient: FloatArray) -> FloatArray:
        """The gradient in the variables, from the one in the parameters."""
        pulled: FloatArray = np.empty(len(gradient))
        if self._mixes_classes:
            gradient = gradient.copy()
            sum_to_zero(self.network, gradient)
        weights, intercepts = linear_arrays(self.network, pulled)
        w, b = linear_arrays(self.network, gradient)
        if intercepts is not None and b is not None:
            np.divide(b, self.intercept_scale, out=intercepts)
            # In the result: arrays of their own would take more time than what they hold.
            np.multiply(self.mean, b, out=weights)
            w = np.subtract(w, weights, out=weights)
        self._transposed_times(w, out=weights)
        return pulled


class Preconditioner(CentredPreconditioner):
    """The change of variables by arrays: a linear map from variables to parameters.

    Parameters
    ----------
    network : Network
        Without hidden layers.
    transform : ndarray of shape (n_features,), (n_features, n_features) or \
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
        transform: FloatArray,
        mean: FloatArray,
        intercept_scale: FloatArray,
        *,
        symmetric: bool = True,
    ) -> None:
        mixes_classes = symmetric and transform.ndim == 3
        super().__init__(network, mean, intercept_scale, mixes_classes=mixes_classes)
        self.transform = transform

    def squared_length(self, step: FloatArray) -> float:
        """Squared length, in the variables, of a step in the parameters; for a diagonal T."""
        w, b = linear_arrays(self.network, step)
        total = float(np.sum(np.square(w / self.transform[:, np.newaxis])))
        if b is not None:
            beta = (b + np.einsum("jk,jk->k", self.mean, w)) * self.intercept_scale
            total += float(beta @ beta)
        return total

    def _times(self, w: FloatArray, out: FloatArray) -> None:
        self._product(self.transform, w, out)

    def _transposed_times(self, w: FloatArray, out: FloatArray) -> None:
        is_diagonal = self.transform.ndim == 1
        self._product(self.transform if is_diagonal else self.transform.swapaxes(-1, -2), w, out)

    @staticmethod
    def _product(matrix: FloatArray, w: FloatArray, out: FloatArray) -> None:
        if matrix.ndim == 1:
            np.multiply(matrix[:, np.newaxis], w, out=out)
        elif matrix.ndim == 2:
            out[...] = matrix @ w
        else:
            out[...] = np.matmul(matrix, w.T[:, :, np.newaxis])[:, :, 0].T


class JointPreconditioner:
    """A whitening of all classes together, coupling included.

    Parameters
    ----------
    coordinates : Coordinates
    whitening : ndarray of shape (n_coordinates, n_coordinates)
        W, such that the Hessian in the variables, W.T @ H @ W, is the identity.
    """

    is_judge_of_its_start_only = False

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


def joint_preconditioner(
    objective: Objective, X: Matrix, sample_weight: FloatArray | None
) -> Callable[[FloatArray], JointPreconditioner] | None:
    """A function that whitens all classes together; None where there is one output, or too many.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    n_params, n_outputs = objective.network.n_params, objective.network.n_outputs
    # With one output nothing is coupled. Of K, one follows from the others.
    if n_outputs == 1 or n_params // n_outputs * (n_outputs - 1) > MAX_JOINT_COORDINATES:
        return None
    coordinates = Coordinates(objective, X, sample_weight, output_basis(n_outputs))

    def precondition(params: FloatArray) -> JointPreconditioner:
        matrix = coordinates.hessian(params, SMOOTHING)
        diagonal = np.diag(matrix)
        diagonal = _of_constants(diagonal, coordinates.uncentred(diagonal))
        diagonal = np.where(diagonal > 0, diagonal, 1)
        np.fill_diagonal(matrix, diagonal)
        unit = 1 / np.sqrt(diagonal)
        inverse = _inverse_cholesky(matrix * unit * unit[:, np.newaxis], X.dtype)
        return JointPreconditioner(coordinates, (inverse * unit).T)

    return precondition


def preconditioner(
    network: Network,
    X: Matrix,
    sample_weight: FloatArray | None,
    alpha: float,
    *,
    separable: bool = False,
    precision: npt.DTypeLike | None = None,
) -> Callable[[FloatArray], Preconditioner]:
    """A function that gives the preconditioner at a vector of parameters.

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
    precision : dtype or None, default=None
        What the least precise products of the minimiser are computed in; None for that of X.
    """
    dtype = X.dtype if precision is None else precision
    n_samples, n_features = X.shape
    weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    penalty = alpha / weight.sum()
    is_wide = has_few_rows(n_samples, n_features) and alpha > 0
    whitens = n_features <= MAX_WHITENED_FEATURES and not separable and not is_wide
    stride = _row_stride(n_samples, n_features) if whitens else 1
    if stride > 1 and weight[::stride].any():
        X, weight = X[::stride], weight[::stride]

    def precondition(params: FloatArray) -> Preconditioner:
        n_elements = network.n_outputs * n_features**2
        shared = not whitens or n_elements > MAX_SEPARATE_ELEMENTS
        curvature, mean, scale = curvature_at(network, params, X, weight, shared=shared)
        parts = zip(curvature.T, mean.T, strict=False)  # one, or one for each output
        transform = np.array(
            [
                _whitening(X, h, penalty, centre, dtype)
                if whitens
                else _scaling(X, h, penalty, centre)
                for h, centre in parts
            ]
        )
        transform = transform[0] if len(transform) == 1 else transform
        return Preconditioner(network, transform, mean, scale, symmetric=not separable)

    return precondition


def curvature_at(
    network: Network, params: FloatArray, X: Matrix, weight: FloatArray, *, shared: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The curvature of each row, the mean of the features, and the divisor of the intercept.

    The first has one column for each output, or, of those together, a single one. At zero, where
    all are the same, it has a single one too.
    """
    p = smooth_probabilities(probabilities(network, params, X), SMOOTHING)
    curvature = diagonal_curvature(p)
    n_outputs = curvature.shape[1]
    if shared or not params.any():
        curvature = curvature.mean(axis=1, keepdims=True)
    curvature *= weight[:, np.newaxis]
    curvature /= weight.sum()
    is_centred = network.n_params > network.n_penalised
    mean = [column_means(X, h) if is_centred else np.zeros(X.shape[1]) for h in curvature.T]
    return (
        curvature,
        np.broadcast_to(np.transpose(mean), (X.shape[1], n_outputs)),
        np.broadcast_to(np.sqrt(curvature.sum(axis=0)), n_outputs),
    )


def has_few_rows(n_samples: int, n_features: int) -> bool:
    """Whether the Gram matrix of the rows is so much smaller than that of the features."""
    return n_features >= max(MIN_WIDE_FEATURES, FEATURES_PER_WIDE_ROW * n_samples)


def _row_stride(n_samples: int, n_features: int) -> int:
    """Stride of the row subsample for the Hessian."""
    n_rows = max(MAX_HESSIAN_PRODUCTS // n_features**2, MIN_ROWS_PER_FEATURE * n_features)
    return max(n_samples // n_rows, 1)


def _whitening(
    X: Matrix, curvature: FloatArray, penalty: float, mean: FloatArray, dtype: npt.DTypeLike
) -> FloatArray:
    """T as a matrix, for products in this dtype."""
    hessian = scatter(X, curvature, mean)
    n_features = len(mean)
    diagonal = hessian.ravel()[:: n_features + 1]
    diagonal[:] = _with_penalty(diagonal, penalty, curvature, mean)
    unit = 1 / np.sqrt(diagonal)
    hessian *= unit
    hessian *= unit[:, np.newaxis]
    inverse = _inverse_cholesky(hessian, dtype)
    inverse *= unit
    return inverse.T


def _inverse_cholesky(correlation: FloatArray, dtype: npt.DTypeLike) -> FloatArray:
    """Inverse of the lower Cholesky factor, of a matrix with ones on its diagonal.

    The dtype is that of gradients and of products with the Hessian.
    """
    ridge = max(RIDGE, ROUNDED * float(np.finfo(dtype).eps))
    while True:
        try:
            factor = np.linalg.cholesky(correlation + ridge * np.eye(len(correlation)))
        except np.linalg.LinAlgError:
            if ridge > 1:  # not a correlation matrix at all
                return np.eye(len(correlation))
            ridge *= 100
        else:
            inverse: FloatArray = scipy.linalg.lapack.dtrtri(factor, lower=1)[0]
            return inverse


def _scaling(X: Matrix, curvature: FloatArray, penalty: float, mean: FloatArray) -> FloatArray:
    """T as a diagonal."""
    diagonal = column_scatter(X, curvature, mean)
    scaling: FloatArray = 1 / np.sqrt(_with_penalty(diagonal, penalty, curvature, mean))
    return scaling


def _with_penalty(
    diagonal: FloatArray, penalty: float, curvature: FloatArray, mean: FloatArray
) -> FloatArray:
    """The diagonal of the Hessian, kept away from zero."""
    uncentred = curvature.sum() * mean**2
    diagonal = _of_constants(diagonal, uncentred)
    diagonal = np.maximum(diagonal, NEGLIGIBLE_DEVIATION**2 * uncentred) + penalty
    return np.where(diagonal > 0, diagonal, 1)


def _of_constants(diagonal: FloatArray, uncentred: FloatArray) -> FloatArray:
    """The diagonal with what a feature has around zero, where it does not vary around its mean."""
    return np.where(diagonal <= NO_DEVIATION**2 * uncentred, uncentred, diagonal)
