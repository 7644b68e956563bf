"""Whether a fit has learnt nothing: columns of X on scales at which none can, or too long steps.

The initial weights are drawn for inputs around 1, and the steps of an optimizer are as long for all
weights. Inputs of 1e6 make units that are all active or all inactive, whatever the steps do. Such a
training comes to rest, and has "converged", on a model that predicts the same for all rows. Steps
that are much too long end at weights whose loss no longer falls: that has "converged" too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
from scipy import sparse

from skneural.arrays.matrices import FloatArray, IndexArray, Matrix
from skneural.estimators.data import LabelledRows
from skneural.estimators.validation import Validator
from skneural.losses import Loss, LossBuffers
from skneural.network import Network

#: Values of a column up to this are ordinary.
LARGE = 1e4

#: Where all values are below this, steps of an ordinary length change no output.
SMALL = 1e-4

#: Above this the variance of a column is infinite, which StandardScaler divides by.
LARGEST_WITH_VARIANCE = 1e150

#: The share of the loss of a constant model below which it counts as reached.
LEARNT_SHARE = 0.01

#: Weights up to this are ordinary.
LARGE_PARAMS = 30.0

#: How many times the loss of a constant model a training may end with that has not diverged.
MAX_LOSS_RATIO = 1.5

#: Links of losses whose raw outputs are in units of y.
LINKS_IN_UNITS_OF_Y = ("identity", "increasing")

#: Columns that a message names.
N_NAMED = 3


@dataclass(frozen=True)
class LearningCheck:
    """What to warn of when a fit is over.

    Parameters
    ----------
    rows : LabelledRows
    train : ndarray of int or None
        Which of them were trained on; None for all.
    network : Network
    loss : Loss
    feature_names : ndarray of str or None
    learning_rate : float or None, default=None
        The first of the training; None for a solver that chooses the length of its steps.
    """

    rows: LabelledRows
    train: IndexArray | None
    network: Network
    loss: Loss
    feature_names: npt.NDArray[Any] | None
    learning_rate: float | None = None

    def __call__(self, params: FloatArray) -> str:
        """What to say if the model of these parameters has learnt nothing; empty for nothing.

        Where no column is on an extreme scale, which one look at X tells, and all parameters are of
        an ordinary size, nothing is computed.
        """
        X = self.rows.X
        values = X.data if sparse.issparse(X) else X
        # The largest square is between the mean and the sum of them, which takes one pass: not by
        # BLAS, whose threads wait for each other on busy cores.
        vector = values.ravel(order="K")
        squares = float(np.einsum("i,i->", vector, vector))
        is_ordinary = SMALL**2 * values.size <= squares <= LARGE**2
        has_extreme_values = not is_ordinary and _has_extreme_values(values)
        largest = max(np.max(params, initial=0), -np.min(params, initial=0))
        may_have_diverged = self.learning_rate is not None and largest > LARGE_PARAMS
        if not (has_extreme_values or may_have_diverged):
            return ""
        rows = self.rows if self.train is None else self.rows.take(self.train)
        if np.array_equal(rows.target, np.broadcast_to(rows.target[:1], rows.target.shape)):
            return ""  # a constant is all there is to learn
        with np.errstate(all="ignore"):
            reached = Validator(rows, self.network, self.loss)(params).loss
            constant = loss_of_best_constant(
                self.loss, self.network.n_outputs, rows.target, rows.weight
            )
        if not np.isfinite(constant) or constant - reached > LEARNT_SHARE * abs(constant):
            return ""
        if has_extreme_values:
            return self._message(reached, constant)
        if reached <= constant + (MAX_LOSS_RATIO - 1) * abs(constant):
            return ""
        return (
            "The fit has ended worse than a constant prediction: its loss on the training rows is "
            f"{reached:.4g}, that of the best constant {constant:.4g}. The learning rate may be "
            f"too high: learning_rate_init={self.learning_rate:g}."
        )

    def _message(self, reached: float, constant: float) -> str:
        largest = _largest_by_column(self.rows.X)
        extreme = np.flatnonzero((largest > LARGE) | ((largest < SMALL) & (largest > 0)))
        names = extreme if self.feature_names is None else self.feature_names[extreme]
        named = ", ".join(repr(name) for name in names[:N_NAMED].tolist())
        if len(names) > N_NAMED:
            named += f" and {len(names) - N_NAMED} more"
        found = largest[extreme]
        scaler = "StandardScaler()"
        if found.max() > LARGEST_WITH_VARIANCE:
            scaler = f"MaxAbsScaler(), {scaler}"
        return (
            "The fit has ended no better than a constant prediction: its loss on the training "
            f"rows is {reached:.4g}, that of the best constant {constant:.4g}, and "
            f"{'column' if len(names) == 1 else 'columns'} {named} of X "
            f"{'is' if len(names) == 1 else 'are'} on a scale that training cannot cope with "
            f"(largest absolute value: {_range(found)}). Scale the features, for instance by "
            f"make_pipeline({scaler}, estimator)."
        )


def _range(values: FloatArray) -> str:
    low, high = f"{values.min():.2g}", f"{values.max():.2g}"
    return low if low == high else f"{low} to {high}"


def _has_extreme_values(values: FloatArray) -> bool:
    # Without an array of absolute values, which would be as large as X.
    largest = max(float(values.max()), -float(values.min()))
    return largest > LARGE or 0 < largest < SMALL


def _largest_by_column(X: Matrix) -> FloatArray:
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()  # SciPy would put the elements in order, and X is the user's
    high, low = X.max(axis=0), X.min(axis=0)
    if sparse.issparse(X):
        high, low = high.toarray().ravel(), low.toarray().ravel()
    largest: FloatArray = np.maximum(high, -low).astype(np.float64)
    return largest


def loss_of_best_constant(
    loss: Loss, n_outputs: int, target: npt.NDArray[Any], weight: FloatArray | None
) -> float:
    """The lowest weighted mean loss of raw outputs that are the same for all rows.

    Parameters
    ----------
    loss : Loss
    n_outputs : int
    target : ndarray of shape (n_rows, n_targets)
        As the loss takes it.
    weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    value : float
        Found by L-BFGS on the loss itself, whatever it is. Where that has no gradient everywhere,
        it may be a little above the lowest. Infinite or NaN where it cannot be computed.
    """
    target = target.astype(np.float64)
    n_rows = len(target)
    weight = np.ones(n_rows) if weight is None else weight.astype(np.float64)
    share = weight / weight.sum()
    shape = (n_rows, n_outputs)
    buffers = LossBuffers(np.empty(shape), np.empty((n_rows, 1)), np.empty(shape))

    def value_and_gradient(constant: FloatArray) -> tuple[float, FloatArray]:
        losses = loss.value_and_gradient(np.tile(constant, (n_rows, 1)), target, buffers)
        return float(share @ losses), share @ buffers.gradient

    starts = _starts(loss, n_outputs, target, share)
    values = [value_and_gradient(start)[0] for start in starts]
    best = int(np.argmin(np.nan_to_num(values, nan=np.inf)))
    start, value = starts[best], values[best]
    if np.isfinite(value):
        # The minimiser is for numbers around 1, of the loss and of what it is given.
        unit = abs(value) or 1.0
        length = float(np.abs(target - np.median(target, axis=0)).mean()) or 1.0
        if loss.link.name not in LINKS_IN_UNITS_OF_Y:
            length = 1.0

        def in_units(steps: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = value_and_gradient(start + length * steps)
            return value / unit, gradient * (length / unit)

        steps = np.zeros(n_outputs)
        found = scipy.optimize.minimize(in_units, steps, jac=True, method="L-BFGS-B")
        value = min(value, float(found.fun) * unit)
    return value / n_outputs if loss.reports_mean_over_outputs else value


def _starts(
    loss: Loss, n_outputs: int, target: FloatArray, share: FloatArray
) -> list[npt.NDArray[np.float64]]:
    """Raw outputs to begin with: for the losses of this package one is close to the best."""
    start = np.zeros(n_outputs)
    mean = share @ target
    link = loss.link.name
    if link in LINKS_IN_UNITS_OF_Y:
        # Each target may have several outputs, of which the first is in its units.
        starts = []
        for centre in (mean, np.median(target, axis=0)):
            start = np.zeros(n_outputs)
            start.reshape(target.shape[1], -1)[:, 0] = centre
            starts.append(start)
        return starts
    if link == "exp" and len(mean) == n_outputs and np.all(mean > 0):
        return [np.log(mean)]
    if link in ("logistic", "softmax") and len(mean) == n_outputs:
        frequency = np.clip(mean, 1e-12, 1 - 1e-12)
        start = np.log(frequency)
        if link == "logistic":
            start -= np.log1p(-frequency)
    return [start]
