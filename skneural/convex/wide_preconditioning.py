r"""A whitening for few rows of many features, from the Gram matrix of the rows.

The Hessian of one output, :math:`H_k = Z^\top Z + \frac{\lambda}{S} I` (see
`skneural.convex.preconditioning`), is then a matrix of low rank and a multiple of the identity. The
rows of Z are :math:`\sqrt{s_i h_{ik} / S} \, (x_i - \mu_k)`. With the eigenvectors U and the
eigenvalues :math:`\sigma^2` of the Gram matrix :math:`Z Z^\top`, its inverse square root is

.. math::

    T_k = \frac{1}{\sqrt{\lambda / S}} \left(I - V \, \mathrm{diag} \!\left(1 -
          \sqrt{\frac{\lambda / S}{\lambda / S + \sigma^2}}\right) V^\top \right), \qquad
    V = Z^\top U \sigma^{-1} ,

which costs the square of the rows times the features, and their cube, where a matrix of all
features costs the cube of these.

Source: G. H. Golub and C. F. Van Loan, *Matrix Computations*, fourth edition, 2013, sections 2.4
(the singular value decomposition) and 9.1 (functions of a matrix from its eigenvalues).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.convex.preconditioning import CentredPreconditioner, curvature_at, has_few_rows
from skneural.network import Network
from skneural.objective import Objective

#: Rows up to which their Gram matrix is decomposed, and cells of theirs: T is as large, and dense.
MAX_ROWS = 500
MAX_CELLS = 2**22


class LowRankRoot(NamedTuple):
    """The inverse square root of a symmetric matrix of which few eigenvalues are not the smallest.

    Attributes
    ----------
    scale : float
        Inverse square root of the smallest eigenvalue.
    vectors : ndarray of shape (n_features, n_vectors)
        Eigenvectors of the others.
    shrinkage : ndarray of shape (n_vectors, 1)
        Share of each that is taken away.
    """

    scale: float
    vectors: FloatArray
    shrinkage: FloatArray

    def times(self, w: FloatArray) -> FloatArray:
        """Product with an array of shape (n_features,) or (n_features, n_outputs)."""
        columns = w.reshape(len(w), -1)
        rest = columns - self.vectors @ (self.shrinkage * (self.vectors.T @ columns))
        rest *= self.scale
        return rest.reshape(w.shape)


class WidePreconditioner(CentredPreconditioner):
    """The change of variables for few rows of many features: T is a `LowRankRoot`.

    Such rows can be told apart by their features: on the way to probabilities near one the
    curvature falls by orders of magnitude, and the Hessian of the start says little of the end.

    Parameters
    ----------
    network : Network
        Without hidden layers.
    roots : list of LowRankRoot
        T: one for all outputs, or one for each.
    mean : ndarray of shape (n_features, n_outputs)
    intercept_scale : ndarray of shape (n_outputs,)
        The divisor of each intercept.
    """

    is_judge_of_its_start_only = True

    def __init__(
        self,
        network: Network,
        roots: Sequence[LowRankRoot],
        mean: FloatArray,
        intercept_scale: FloatArray,
    ) -> None:
        super().__init__(network, mean, intercept_scale, mixes_classes=len(roots) > 1)
        self._roots = roots

    def _times(self, w: FloatArray, out: FloatArray) -> None:
        if len(self._roots) == 1:
            out[...] = self._roots[0].times(w)
            return
        for k, root in enumerate(self._roots):
            out[:, k] = root.times(w[:, k])

    # T is symmetric.
    _transposed_times = _times


def wide_preconditioner(
    objective: Objective, X: Matrix, sample_weight: FloatArray | None
) -> Callable[[FloatArray], WidePreconditioner] | None:
    """A function that gives that preconditioner; None where rows are not few, or is no penalty.

    Parameters
    ----------
    objective : Objective
        Of the log loss, for a network without hidden layers.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    n_samples, n_features = X.shape
    is_small = n_samples <= MAX_ROWS and n_samples * n_features <= MAX_CELLS
    if not (has_few_rows(n_samples, n_features) and is_small and objective.alpha > 0):
        return None
    weight = np.ones(n_samples) if sample_weight is None else sample_weight.astype(np.float64)
    penalty = objective.alpha / weight.sum()
    network = objective.network
    shared = network.n_outputs * n_samples * n_features > MAX_CELLS

    def precondition(params: FloatArray) -> WidePreconditioner:
        curvature, mean, scale = curvature_at(network, params, X, weight, shared=shared)
        parts = zip(curvature.T, mean.T, strict=False)  # one, or one for each output
        roots = [_low_rank_root(X, h, penalty, centre) for h, centre in parts]
        return WidePreconditioner(network, roots, mean, scale)

    return precondition


def _low_rank_root(
    X: Matrix, curvature: FloatArray, penalty: float, mean: FloatArray
) -> LowRankRoot:
    """T for fewer rows than features."""
    rows = np.array(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)
    rows -= mean
    rows *= np.sqrt(curvature)[:, np.newaxis]
    values, vectors = np.linalg.eigh(rows @ rows.T)
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]
    values, vectors = values[values > rounding], vectors[:, values > rounding]
    smallest = max(penalty, rounding)
    return LowRankRoot(
        1 / math.sqrt(smallest),
        rows.T @ (vectors / np.sqrt(values)),
        1 - np.sqrt(smallest / (smallest + values[:, np.newaxis])),
    )
