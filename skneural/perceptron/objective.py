"""The objective of an epoch, added up so that it is scikit-learn's to the last bit.

Where two epochs have nearly the same objective, rounding decides which is the lower one, and so
when training stops. Therefore the losses of mistakes are sums of products in the order of the
columns, and losses and penalties are added row by row, the loss of a row before its penalty. That
is scikit-learn's rounding on x86-64; where its compiler fuses multiplications with additions, as
on ARM, it rounds otherwise.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.perceptron.row_access import Rows

if TYPE_CHECKING:
    from skneural.perceptron.rule import Rule

#: Most mistakes whose losses are computed together, and the most numbers kept for that.
MISTAKES_TOGETHER = 32
LARGEST_LOG = 2**17


def weights_log(n_features: int, dtype: npt.DTypeLike) -> FloatArray:
    """A buffer for the weights of some mistakes: of shape (n_mistakes, n_features)."""
    n_mistakes = min(MISTAKES_TOGETHER, max(1, LARGEST_LOG // max(1, n_features)))
    return np.empty((n_mistakes, n_features), dtype=dtype)


def sum_in_order(terms: FloatArray) -> float:
    """The sum in float64 of terms, one added after another."""
    if not len(terms):
        return 0.0
    # sum() and BLAS would form partial sums.
    dtype = None if terms.dtype.char == "d" else np.float64
    return float(np.add.accumulate(terms, 0, dtype)[-1])


class BlockObjective:
    """Losses and penalties of a block of rows.

    Parameters
    ----------
    block : DenseRows or SparseRows
    scales : ndarray of float64 of shape (n_rows + 1,)
        What the weights are multiplied by at every row, and after the last.
    rule : Rule
    square_norm : float
        Squared norm of the weights at the first row.
    log : ndarray of shape (n_mistakes, n_features)
        A buffer, see `weights_log`.
    """

    def __init__(
        self,
        block: Rows,
        scales: npt.NDArray[np.float64],
        rule: Rule,
        square_norm: float,
        log: FloatArray,
    ) -> None:
        self._block = block
        self._scales = scales
        self._rule = rule
        self._losses = np.zeros(len(scales) - 1)
        self._log = log
        self._rows: list[int] = []
        self._intercepts: list[float] = []
        if rule.alpha:
            # The squared norm where a step has set the weights; elsewhere the factor by which it
            # has shrunk since the row before.
            shrinkage = block.X.dtype.type(rule.shrinkage)
            self._squares = np.full(len(scales), shrinkage * shrinkage, dtype=np.float64)
            self._squares[0] = square_norm
            self._steps = [0]

    def mistake(self, row: int, loss: float) -> None:
        """Enter a mistake with this loss."""
        self._losses[row] = loss

    def mistake_at(self, row: int, weights: FloatArray, intercept: float) -> None:
        """Enter a mistake of these weights, times the scale of the row; its loss is yet to come."""
        self._log[len(self._rows)] = weights
        self._rows.append(row)
        self._intercepts.append(intercept)
        if len(self._rows) == len(self._log):
            self._compute_losses()

    def step(self, row: int, square_norm: float) -> None:
        """Enter the squared norm after the step at a row."""
        self._squares[row + 1] = square_norm
        self._steps.append(row + 1)

    def added_to(self, objective: float) -> tuple[float, float]:
        """The objective with that of the block, and the squared norm after the last row."""
        if self._rows:
            self._compute_losses()
        terms, square_norm = self._losses, 0.0
        if self._rule.alpha:
            squares = self._squares
            for begin, end in pairwise([*self._steps, len(squares)]):
                np.multiply.accumulate(squares[begin:end], out=squares[begin:end])
            square_norm = float(squares[-1])
            terms = np.empty(2 * len(self._losses))
            terms[::2] = self._losses
            terms[1::2] = self._rule.penalty(np.sqrt(squares[:-1]).astype(self._log.dtype), 0.0)
        terms[0] += objective
        return float(np.add.accumulate(terms)[-1]), square_norm

    def _compute_losses(self) -> None:
        rows = self._rows
        terms = self._block.X[rows]
        terms *= self._log[: len(rows)]
        # accumulate() adds one term after another, while sum() and BLAS form partial sums.
        total = np.add.accumulate(terms, axis=1, dtype=np.float64)[:, -1] * self._scales[rows]
        outputs = total.astype(terms.dtype) + np.array(self._intercepts)
        self._losses[rows] = np.abs(outputs)
        self._rows, self._intercepts = [], []
