"""Learning-rate range test: one short training of a network at a rising learning rate.

    plan   = the training that `fit` would run
    losses = those of its steps, at rates that rise from step to step
    result = the losses, smoothed, and the rate at which they fall most steeply

The plan is made as in `fit`, so that parameters and data are accepted and refused as there.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.arrays.threads import blas_threads
from skneural.estimators.checks import refuse_no_data
from skneural.estimators.finish import NOT_FINITE
from skneural.estimators.fit_context import fit_context
from skneural.estimators.mlp.base import MultilayerPerceptron
from skneural.estimators.mlp.parameters import check_settings
from skneural.estimators.network import NO_ROWS
from skneural.estimators.plan import Plan, Start
from skneural.estimators.user_warnings import warn_user
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.state import TrainingState

#: The rates of the first and the last step.
LOWEST_RATE, HIGHEST_RATE = 1e-6, 1.0

#: Steps if no number of epochs is given.
N_STEPS = 100

#: With fewer steps there is no curve.
MIN_STEPS = 10

#: Weight of a step in the running average, relative to that of the step after it.
DECAY = 0.9

#: The training has diverged when the running average is this many times its lowest value.
DIVERGENCE_FACTOR = 4.0


class RangeTest(NamedTuple):
    """The result of a range test; see `skneural.learning_rate_finder.LearningRateCurve`."""

    rates: FloatArray
    losses: FloatArray
    smoothed: FloatArray
    suggestion: float


def range_test(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    lowest: float = LOWEST_RATE,
    highest: float = HIGHEST_RATE,
    n_epochs: float | None = None,
    sample_weight: Any = None,
) -> RangeTest:
    """Train at a rising rate; see `skneural.learning_rate_finder.find_learning_rate`."""
    if not isinstance(estimator, MultilayerPerceptron):
        raise TypeError(
            "find_learning_rate is for ScratchMLPClassifier and ScratchMLPRegressor, got "
            f"{type(estimator).__name__}. For the network of a pipeline, pass it by itself, with "
            "rows that the steps before have transformed."
        )
    if not (_is_positive(lowest) and _is_positive(highest) and lowest < highest):
        raise ValueError(
            "lowest and highest must be positive numbers, the first below the second: got "
            f"lowest={lowest!r}, highest={highest!r}."
        )
    if n_epochs is not None and not _is_positive(n_epochs):
        raise ValueError(f"n_epochs must be a positive number or None, got {n_epochs!r}.")
    plan = _plan_of_fit(estimator, X, y, sample_weight)
    minimizer = plan.minimize
    if not isinstance(minimizer, MiniBatches):
        raise ValueError(
            "solver='lbfgs' has no learning rate: it finds the length of each step by itself. Use "
            "solver='adam' or another optimizer."
        )
    # Where the rows stand in a fixed order, batches that differ would make the curve a saw.
    minimizer = replace(minimizer, shuffle=True)
    n_steps = _number_of_steps(minimizer, n_epochs)
    rates = _rising_rates(float(lowest), float(highest), n_steps)
    with np.errstate(over="ignore", invalid="ignore"), blas_threads(plan.largest_product):
        losses = _losses_until_divergence(minimizer.iter_steps(plan.state, rates), plan.state)
    rates = _rising_rates(float(lowest), float(highest), n_steps)
    return _result(np.fromiter(rates, float, count=len(losses)), np.array(losses))


def _is_positive(value: Any) -> bool:
    try:
        return isinstance(value, Real) and 0 < float(value) < math.inf
    except OverflowError:  # an integer beyond all floats
        return False


@fit_context(prefer_skip_nested_validation=True)
def _plan_of_fit(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Plan:
    """The plan of a fit from the beginning, with the checks of `fit` in its order.

    Planning writes nothing to the estimator, and draws from a copy of its RandomState.
    """
    check_settings(estimator)
    refuse_no_data(X=X, y=y, sample_weight=sample_weight)
    start = Start.of("fit", None, estimator.random_state)
    data = estimator._data(X, y, sample_weight, NO_ROWS, start, None)
    plan: Plan = estimator._plan(data, start)
    if plan.validate is not None:
        # Refuses a metric that cannot score the rows held out, which fit meets in its first epoch.
        with blas_threads(plan.largest_product):
            plan.validate(plan.state.params)
    return plan


def _number_of_steps(minimizer: MiniBatches, n_epochs: float | None) -> int:
    if n_epochs is None:
        return N_STEPS
    n_rows = minimizer.X.shape[0] if minimizer.rows is None else len(minimizer.rows)
    n_batches = math.ceil(n_rows / minimizer.batch_size)
    n_steps = math.ceil(min(float(n_epochs) * n_batches, sys.maxsize))
    if n_steps < MIN_STEPS:
        raise ValueError(
            f"n_epochs={n_epochs!r} makes {n_steps} step{'s' * (n_steps > 1)} of "
            f"{minimizer.batch_size} rows, which is no curve yet: at least {MIN_STEPS} are needed. "
            "Train for more epochs, or lower batch_size."
        )
    return n_steps


def _rising_rates(lowest: float, highest: float, n_steps: int) -> Iterator[float]:
    """Rates from the lowest to the highest, each the same multiple of the one before."""
    for i in range(n_steps):
        share = i / (n_steps - 1)
        # Not lowest * factor**i: the ratio of the two may be beyond all floats.
        yield lowest ** (1 - share) * highest**share


def _losses_until_divergence(steps: Iterable[float], state: TrainingState) -> list[float]:
    """The losses of the steps, up to where the training diverges.

    Parameters
    ----------
    steps : iterable of float
        Does a step and gives its loss; see `MiniBatches.iter_steps`.
    state : TrainingState
        What the steps change.

    Raises
    ------
    ValueError
        If the loss or the parameters are not finite before there is a curve.
    """
    losses: list[float] = []
    total, total_weight = 0.0, 0.0
    first, lowest = math.nan, math.inf
    for loss in steps:
        if not (math.isfinite(loss) and np.all(np.isfinite(state.params))):
            if len(losses) < MIN_STEPS:
                raise ValueError(f"{NOT_FINITE} The loss of step {len(losses) + 1} was {loss}.")
            break
        losses.append(loss)
        total, total_weight = DECAY * total + loss, DECAY * total_weight + 1
        average = total / total_weight
        first = average if len(losses) == 1 else first
        lowest = min(lowest, average)
        if len(losses) < MIN_STEPS:
            continue
        if average > _divergence_threshold(first, lowest, losses):
            break
    return losses


def _divergence_threshold(first: float, lowest: float, losses: Sequence[float]) -> float:
    """The running average at which a training has diverged, given its first and lowest values.

    Where losses are negative, a multiple of the lowest says nothing: it is the fall that counts. At
    first that is less than the noise of single steps, which stands for it then.
    """
    if lowest > 0:
        return DIVERGENCE_FACTOR * lowest
    noise = float(np.ptp(losses[:MIN_STEPS]))
    return lowest + (DIVERGENCE_FACTOR - 1) * max(first - lowest, noise)


# ------------------------------------------------------------------ from losses to a suggestion


def _result(rates: FloatArray, losses: FloatArray) -> RangeTest:
    """Smooth the losses, and find where they fall most steeply."""
    averages = _running_average(losses)
    first, lowest = float(averages[0]), float(averages.min())
    threshold = _divergence_threshold(first, lowest, losses.tolist())
    # The last loss may be huge, and would spread backwards over all of the descent. Of few steps,
    # each loss above the first does: then what is left is no slope, or one at an end.
    for highest in (max(first, threshold), first):
        smoothed = _centred_average(np.minimum(losses, highest))
        # Logarithms of the rates are evenly spaced: what is steepest per step is so along them.
        slopes = np.gradient(smoothed)
        # Not beyond the lowest loss: what has risen may fall again, from far above.
        steepest = int(np.argmin(slopes[: np.argmin(smoothed) + 1]))
        if slopes[steepest] < 0 and 0 < steepest < len(slopes) - 1:
            break
    suggestion = float(rates[steepest])
    if not slopes[steepest] < 0:
        suggestion = math.nan
        warn_user(
            "The loss has not fallen at any learning rate, so that none can be suggested. Scale "
            "the data, lower `lowest`, raise `highest`, or train for more epochs."
        )
    return RangeTest(rates, losses, smoothed, suggestion)


def _decayed_sums(values: FloatArray) -> FloatArray:
    """For each value, the sum of those up to it, with weights that decay into the past."""
    sums = accumulate(values.tolist(), lambda total, value: DECAY * total + value)
    return np.fromiter(sums, float, count=len(values))


def _running_average(values: FloatArray) -> FloatArray:
    """For each value, the average of those up to it, of which the latest count most."""
    average: FloatArray = _decayed_sums(values) / _decayed_sums(np.ones_like(values))
    return average


def _centred_average(values: FloatArray) -> FloatArray:
    """For each value, the average of all, of which the nearest count most."""

    def sums(values: FloatArray) -> FloatArray:
        both: FloatArray = _decayed_sums(values) + _decayed_sums(values[::-1])[::-1] - values
        return both

    average: FloatArray = sums(values) / sums(np.ones_like(values))
    return average
