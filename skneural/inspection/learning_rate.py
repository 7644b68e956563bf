"""Display of a learning-rate range test."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from skneural.inspection.axes import Display, axes_for, finite_curve


class LearningRateDisplay(Display):
    """The loss while the learning rate was raised, and the suggested rate.

    Parameters
    ----------
    rates : array-like of shape (n_steps,)
        The learning rate of each step.
    losses : array-like of shape (n_steps,)
        The loss of each step's rows.
    smoothed : array-like of shape (n_steps,)
        The losses, smoothed.
    suggestion : float, default=nan
        The rate to mark; NaN for none.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skneural.learning_rate_finder.find_learning_rate : The curve without a picture.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.inspection import LearningRateDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = ScratchMLPClassifier(random_state=0)
    >>> display = LearningRateDisplay.from_estimator(network, X / 16, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        rates: npt.ArrayLike,
        losses: npt.ArrayLike,
        smoothed: npt.ArrayLike,
        suggestion: float = math.nan,
    ) -> None:
        self.rates = rates
        self.losses = losses
        self.smoothed = smoothed
        self.suggestion = suggestion

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **kwargs: Any
    ) -> LearningRateDisplay:
        """Run a learning-rate range test and draw it.

        Parameters
        ----------
        estimator : ScratchMLPClassifier or ScratchMLPRegressor
            Fitted or not; it is not changed.
        X, y : array-like
            As for fit.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `skneural.learning_rate_finder.find_learning_rate`.

        Returns
        -------
        display : LearningRateDisplay
            With the suggested rate in `suggestion`.
        """
        # Imported here: drawing given arrays needs no scikit-learn.
        from skneural.estimators.mlp.range_test import range_test

        return cls(*range_test(estimator, X, y, **kwargs)).plot(ax=ax)

    def plot(self, ax: Any = None) -> LearningRateDisplay:
        """Draw the losses over the rates, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        LearningRateDisplay
            The display itself, with `ax_` and `figure_`.
        """
        axes = axes_for(ax, 1)
        panel, smoothed = axes[0], finite_curve(self.smoothed)
        panel.plot(self.rates, self.losses, color="0.7", label="loss of each step")
        panel.plot(self.rates, smoothed, "C0-", label="smoothed")
        if math.isfinite(self.suggestion):
            label = f"suggestion: {self.suggestion:.2g}"
            panel.axvline(self.suggestion, color="C1", linestyle="--", label=label)
        # The loss diverges at the highest rates: limits that show where it falls.
        low, high = smoothed.min(), smoothed[0]
        if high > low:
            panel.set_ylim(low - 0.2 * (high - low), high + 0.5 * (high - low))
        panel.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        panel.legend()
        return self._drawn_on(axes)
