r"""An intercept that is penalised, as solver='liblinear' has it: the weight of a constant feature.

To every row one feature more is appended, of the same value s, `intercept_scaling`. Its weight
:math:`w_0` is penalised as all weights are, and the intercept is what it adds to the raw output,
:math:`b = s w_0`: its penalty is that of :math:`b / s`. So a training without an intercept, on
these rows, is all that is needed.

Where all that is learned is penalised by its square, the optimum is a sum of multiples of the rows:
what is orthogonal to all rows changes no prediction and adds to the penalty. So where there are
fewer rows than features, X = R^T Q^T by a QR factorisation of X^T, and w = Q v with as many v as
rows: the same problem, of the same penalty, for the rows of R^T.

Sources: R.-E. Fan, K.-W. Chang, C.-J. Hsieh, X.-R. Wang and C.-J. Lin, "LIBLINEAR: A library for
large linear classification", Journal of Machine Learning Research 9, 2008, section 2; T. Hastie and
R. Tibshirani, "Efficient quadratic regularization for expression arrays", Biostatistics 5, 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, as_dense, with_constant_column
from skneural.arrays.threads import blas_threads
from skneural.network import Network, dense_network

#: Multiplications that the factorisation may cost, and elements that it may have.
MAX_FACTORISATION = 2**30
MAX_ELEMENTS = 2**23


class PenalisedProblem(NamedTuple):
    """A linear model with one output, all of whose parameters are penalised, as one to train.

    Attributes
    ----------
    rows : {ndarray, sparse matrix} of shape (n_rows, n_weights)
    network : Network
        Without an intercept.
    to_model : callable
        ``to_model(params)`` makes the weights and the intercept, if there is one, from those that
        are trained.
    """

    rows: Matrix
    network: Network
    to_model: Callable[[FloatArray], FloatArray]


def penalised_problem(X: Matrix, scaling: float | None, *, has_l1: bool) -> PenalisedProblem:
    """The problem of solver='liblinear'.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        Not changed.
    scaling : float or None
        The value of the constant feature; None for no intercept.
    has_l1 : bool
        Whether the penalty is L1, not L2.
    """
    if scaling is not None:
        X = with_constant_column(X, scaling)
    basis: FloatArray | None = None
    n_rows, n_weights = X.shape
    is_cheap = n_rows * n_weights <= min(MAX_ELEMENTS, MAX_FACTORISATION // n_rows)
    if not has_l1 and n_rows < n_weights and is_cheap:
        # By one thread: a fit that is resumed has to come to the same bits.
        with blas_threads(1):
            basis, triangle = np.linalg.qr(as_dense(X).T)
        X = np.ascontiguousarray(triangle.T)

    def to_model(params: FloatArray) -> FloatArray:
        weights: FloatArray = params.copy() if basis is None else basis @ params
        if scaling is None:
            return np.append(weights, 0.0)
        weights[-1] *= scaling
        return weights

    return PenalisedProblem(X, dense_network((X.shape[1], 1), (), fit_intercept=False), to_model)
