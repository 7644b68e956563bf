"""A search for the learning rate to begin with: one short training at a rising rate.

::

    from skneural.learning_rate import find_learning_rate

    curve = find_learning_rate(network, X, y)
    network.set_params(learning_rate_init=curve.suggestion).fit(X, y)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state, check_X_y, column_or_1d
from sklearn.utils.multiclass import unique_labels

from skneural._arrays import FloatArray
from skneural._settings import number
from skneural._sklearn import check_sample_weight
from skneural.display import LearningRateDisplay
from skneural.estimators._mlp import MultilayerPerceptron
from skneural.estimators._outcome import NOT_FINITE
from skneural.estimators._warnings import warn_user
from skneural.schedules import Schedule

#: Steps of `find_learning_rate` if nothing else is asked for, and how few make no curve.
N_STEPS, FEWEST_STEPS = 100, 10

#: How much of the smoothed loss comes from the steps before.
SMOOTHING = 0.9

#: The training of `find_learning_rate` ends at so many times the lowest loss.
DIVERGED_AT = 4.0


@dataclass(repr=False, eq=False)
class GeometricRise(Schedule):
    r"""Rise by the same factor from each epoch to the next, without an end.

    .. math:: f(t) = g^t

    Parameters
    ----------
    growth : float, default=1.1
        g.
    """

    growth: float = number(1.1, 0, closed="neither")

    def factor(self, epoch: float, max_iter: float) -> float:
        """What to multiply the base rate by."""
        return float(self.growth**epoch)


@dataclass(eq=False)
class LearningRateCurve:
    """What `find_learning_rate` has found: the loss while the learning rate was rising.

    Attributes
    ----------
    rates : ndarray of shape (n_steps,)
        The learning rate of each step.
    losses : ndarray of shape (n_steps,)
        The loss of the rows of that step, before it.
    smoothed : ndarray of shape (n_steps,)
        The same, smoothed.
    suggestion : float
        The rate at which the smoothed loss falls most steeply along a logarithmic axis of rates;
        NaN if it falls nowhere.
    """

    rates: FloatArray = field(repr=False)
    losses: FloatArray = field(repr=False)
    smoothed: FloatArray = field(repr=False)
    suggestion: float

    def plot(self, ax: Any = None) -> LearningRateDisplay:
        """Draw the losses over the rates, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : LearningRateDisplay
        """
        display = LearningRateDisplay(self.rates, self.losses, self.smoothed, self.suggestion)
        return display.plot(ax=ax)


def find_learning_rate(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    n_epochs: float | None = None,
    sample_weight: Any = None,
) -> LearningRateCurve:
    """Find a learning rate to begin with, by one short training at a rising rate.

    A copy of the network is trained from the beginning, at a rate that each step multiplies by
    the same factor. The loss stands still while the rate is too low, falls where it is right, and
    rises again where it is too high: there the training ends, as soon as the smoothed loss is
    more than four times its lowest.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        With its solver, batch size, penalty and so on; it stays as it is. Its `learning_rate` and
        `learning_rate_init` do not matter.
    X, y : array-like
        As for fit.
    lowest, highest : float, default=1e-6 and 1.0
        The rates of the first and the last step.
    n_epochs : float, default=None
        How long the training is at most, in epochs. None for 100 steps.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    curve : LearningRateCurve
        With `rates`, `losses`, `suggestion` and `plot`.

    Raises
    ------
    TypeError
        If the estimator is none of the two.
    ValueError
        If its solver is 'lbfgs', which has no learning rate; if `lowest` and `highest` are no
        rates in this order; if there are fewer than ten steps, or the first ones diverge.

    Notes
    -----
    The suggestion is a rate to begin with. The curve says more: the best constant rate is mostly
    somewhat below the one at which the loss begins to rise, and the highest for
    `skneural.schedules.OneCycle` just there.

    The losses are averaged over the steps before and after, of which the nearest count most, so
    that the curve is smooth but not shifted. A loss may be negative (that of counts): there, "four
    times" means that it has risen by three times what it had fallen by.

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.learning_rate import find_learning_rate
    >>> X, y = load_digits(return_X_y=True)
    >>> curve = find_learning_rate(ScratchMLPClassifier(random_state=0), X / 16, y)
    >>> bool(1e-4 < curve.suggestion < 1e-1)
    True
    """
    if not isinstance(estimator, MultilayerPerceptron):
        raise TypeError(
            "find_learning_rate is for ScratchMLPClassifier and ScratchMLPRegressor, got "
            f"{type(estimator).__name__}. For the network of a pipeline, pass it by itself, with "
            "rows that the steps before have transformed."
        )
    if estimator.solver == "lbfgs":
        raise ValueError(
            "solver='lbfgs' has no learning rate: it finds the length of each step by itself. Use "
            "solver='adam' or another optimizer."
        )
    if not (_is_rate(lowest) and _is_rate(highest) and lowest < highest):
        raise ValueError(
            "lowest and highest must be positive numbers, the first below the second: got "
            f"lowest={lowest!r}, highest={highest!r}."
        )
    X, y = check_X_y(X, y, accept_sparse="csr", dtype=[np.float64, np.float32], multi_output=True)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    weight = check_sample_weight(sample_weight, X)

    n_rows = X.shape[0]
    batch_size = min(200 if estimator.batch_size == "auto" else estimator.batch_size, n_rows)
    n_steps = N_STEPS if n_epochs is None else math.ceil(n_epochs * n_rows / batch_size)
    if n_steps < FEWEST_STEPS:
        raise ValueError(
            f"n_epochs={n_epochs!r} makes {n_steps} steps of {batch_size} rows, which is no curve "
            f"yet: at least {FEWEST_STEPS} are needed. Train for more epochs, or lower batch_size."
        )
    growth = (highest / lowest) ** (1 / (n_steps - 1))
    network = _prepared(estimator, y, weight, batch_size, float(lowest), growth)
    classes = {"classes": unique_labels(y)} if is_classifier(network) else {}
    order = check_random_state(network.random_state)
    waiting = np.arange(0)
    losses: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):
        while len(losses) < n_steps and not _has_diverged(losses):
            if len(waiting) < batch_size:
                waiting = np.concatenate([waiting, order.permutation(n_rows)])
            rows, waiting = waiting[:batch_size], waiting[batch_size:]
            step_weight = None if weight is None else weight[rows]
            try:
                # One call is one epoch of a single batch, that is one step.
                network.partial_fit(X[rows], y[rows], sample_weight=step_weight, **classes)
            except ValueError as error:
                # Weights or loss are no numbers any more: the end of the curve, if there is one.
                if len(losses) < FEWEST_STEPS or not str(error).startswith(NOT_FINITE):
                    raise
                break
            losses.append(float(network.loss_))
    rates = lowest * growth ** np.arange(len(losses))
    return _curve(rates, np.array(losses))


def _is_rate(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(float(value)) and float(value) > 0


def _prepared(
    estimator: Any, y: Any, weight: Any, batch_size: int, lowest: float, growth: float
) -> Any:
    """A copy that partial_fit trains by a single step at a rising rate."""
    network = clone(estimator).set_params(
        learning_rate=GeometricRise(growth),
        learning_rate_init=lowest,
        batch_size=int(batch_size),
        shuffle=False,
        early_stopping=False,
        max_time=None,
        verbose=False,
    )
    # partial_fit has no fit to tell callbacks of, and the copy none to tell.
    vars(network).pop("_skl_callbacks", None)
    if getattr(network, "class_weight", None) == "balanced" and y.ndim == 1:
        # partial_fit does not know how often each class occurs, but all rows are here.
        classes, index = np.unique(y, return_inverse=True)
        totals = np.bincount(index, weights=weight)
        balanced = [totals.sum() / (len(classes) * total) if total else 0.0 for total in totals]
        network.set_params(class_weight=dict(zip(classes.tolist(), balanced, strict=True)))
    return network


def _running_total(values: FloatArray) -> FloatArray:
    """The sum of the values up to each one, of which the latest count most."""
    totals = np.empty_like(values)
    total = 0.0
    for i, value in enumerate(values):
        total = SMOOTHING * total + value
        totals[i] = total
    return totals


def _running_average(losses: FloatArray) -> FloatArray:
    average: FloatArray = _running_total(losses) / _running_total(np.ones_like(losses))
    return average


def _average_of_both_sides(losses: FloatArray) -> FloatArray:
    def total(values: FloatArray) -> FloatArray:
        both: FloatArray = _running_total(values) + _running_total(values[::-1])[::-1] - values
        return both

    average: FloatArray = total(losses) / total(np.ones_like(losses))
    return average


def _limit(averages: FloatArray) -> float:
    """The smoothed loss at which a training has diverged."""
    lowest = float(averages.min())
    if lowest > 0:
        return DIVERGED_AT * lowest
    return lowest + (DIVERGED_AT - 1) * float(averages[0] - lowest)


def _has_diverged(losses: list[float]) -> bool:
    if len(losses) < FEWEST_STEPS:
        return False
    averages = _running_average(np.array(losses))
    return bool(averages[-1] > _limit(averages))


def _curve(rates: FloatArray, losses: FloatArray) -> LearningRateCurve:
    """Smooth the losses, and find where they fall most steeply."""
    averages = _running_average(losses)
    # The last loss may be huge, and would spread backwards over all of the descent.
    tame = np.minimum(losses, max(float(averages[0]), _limit(averages)))
    smoothed = _average_of_both_sides(tame)
    slopes = np.gradient(smoothed, np.log(rates))
    # Not beyond the lowest loss: what has risen may fall again, from far above.
    steepest = int(np.argmin(slopes[: np.argmin(smoothed) + 1]))
    suggestion = float(rates[steepest])
    if not slopes[steepest] < 0:
        suggestion = math.nan
        warn_user(
            "The loss has not fallen at any learning rate, so that none can be suggested. Scale "
            "the data, lower `lowest`, raise `highest`, or train for more epochs."
        )
    return LearningRateCurve(rates, losses, smoothed, suggestion)
