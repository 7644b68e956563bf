"""Learning-rate range test / LR finder: which learning rate to begin with.

::

    from skneural.learning_rate_finder import find_learning_rate

    curve = find_learning_rate(network, X, y)
    network.set_params(learning_rate_init=curve.suggestion).fit(X, y)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from skneural.arrays.matrices import FloatArray
from skneural.estimators.mlp.range_test import HIGHEST_RATE, LOWEST_RATE, range_test
from skneural.inspection import LearningRateDisplay
from skneural.schedules import Schedule
from skneural.settings import number


@dataclass(repr=False, eq=False)
class GeometricRise(Schedule):
    r"""The rates of a range test as a schedule for `fit`: they rise without an end.

    .. math:: f(t) = g^t

    Parameters
    ----------
    growth : float, default=1.1
        g, the factor from each epoch to the next.
    """

    growth: float = number(1.1, 0, closed="neither")

    def factor(self, epoch: float, max_iter: float) -> float:
        """What to multiply the base rate by.

        Parameters
        ----------
        epoch : float
            Epochs trained for so far, with the share of the one under way.
        max_iter : float
            Makes no difference.

        Returns
        -------
        float
            The factor, ``growth**epoch``.
        """
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
        LearningRateDisplay
            The picture, with `ax_` and `figure_`.
        """
        display = LearningRateDisplay(self.rates, self.losses, self.smoothed, self.suggestion)
        return display.plot(ax=ax)


def find_learning_rate(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    lowest: float = LOWEST_RATE,
    highest: float = HIGHEST_RATE,
    n_epochs: float | None = None,
    sample_weight: Any = None,
) -> LearningRateCurve:
    """Find a learning rate to begin with, by one short training at a rising rate.

    The network is trained from the beginning, on the batches that `fit` would train on, at a rate
    that each step multiplies by the same factor. The loss stands still while the rate is too low,
    falls where it is right, and rises again where it is too high: there the training ends, as soon
    as the smoothed loss is more than four times its lowest.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        With its solver, batch size, penalty and so on; it stays as it is, also its `random_state`.
        With `early_stopping`, the rows that `fit` holds out are held out here. The rows are
        shuffled even with shuffle=False. `max_iter`, `max_time`, `warm_start`, callbacks and valid
        learning rates make no difference.
    X, y : array-like
        As for fit.
    lowest, highest : float, default=1e-6 and 1.0
        The rates of the first and the last step.
    n_epochs : float, default=None
        How long the training is at most, in epochs. None for 100 steps.
    sample_weight : array-like of shape (n_samples,), default=None
        As for fit.

    Returns
    -------
    LearningRateCurve
        With `rates`, `losses`, `suggestion` and `plot`.

    Raises
    ------
    TypeError
        If the estimator is none of the two.
    ValueError
        Whenever `fit` raises one for the same parameters and data. If the solver is 'lbfgs', which
        has no learning rate; if `lowest` and `highest` are no rates in this order; if there are
        fewer than ten steps, or the first ones diverge.

    See Also
    --------
    skneural.inspection.LearningRateDisplay : The same as a picture.

    Notes
    -----
    The suggestion is a rate to begin with. The curve says more: the best constant rate is mostly
    somewhat below the one at which the loss begins to rise, and the highest for
    `skneural.schedules.OneCycle` just there.

    The losses are averaged over the steps before and after, of which the nearest count most. A
    negative loss, of your own, has diverged when it has risen by three times its fall, or the
    spread of the first ten steps.

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.learning_rate_finder import find_learning_rate
    >>> X, y = load_digits(return_X_y=True)
    >>> curve = find_learning_rate(ScratchMLPClassifier(random_state=0), X / 16, y)
    >>> bool(1e-4 < curve.suggestion < 1e-1)
    True
    """
    found = range_test(
        estimator,
        X,
        y,
        lowest=lowest,
        highest=highest,
        n_epochs=n_epochs,
        sample_weight=sample_weight,
    )
    return LearningRateCurve(*found)
