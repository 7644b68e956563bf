"""Display of a training: losses, scores and learning rates of all epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.inspection.axes import (
    Display,
    check_number,
    finite_curve,
    make_logarithmic,
    matplotlib,
    new_axes,
)
from skneural.inspection.estimators import check_fitted, has_epochs
from skneural.losses import REGRESSION_LOSSES, Loss, Quantile

#: Losses that differ by more than this factor are drawn on a logarithmic scale.
LOGARITHMIC_FROM = 10.0


class LossCurveDisplay(Display):
    """The loss of every epoch, and what else was recorded in the training.

    The first panel shows the losses; panels below show the validation scores and the learning
    rates, where there are any. A curve shorter than the training loss belongs to the last epochs.
    The training loss of an estimator contains the penalty, its validation loss does not: under a
    strong penalty the validation loss is often the lower one.

    Parameters
    ----------
    losses : array-like of shape (n_losses,)
        Training losses.
    validation_losses : array-like of shape (at most n_losses,), default=None
        Losses of the validation rows.
    validation_scores : array-like of shape (at most n_losses,), default=None
        Scores of the validation rows.
    learning_rates : array-like of shape (at most n_losses,), default=None
        The rate of the last step of each epoch.
    best_iteration : int, default=None
        The epoch to mark, counted from 1.
    score_name : str, default='score'
        What the validation scores are.
    epoch_name : str, default='epoch'
        Label of the horizontal axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the losses.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The curves, those of the losses first.

    See Also
    --------
    skneural.callbacks.HistoryLogger : Writes the history to a file during the training.
    sklearn.model_selection.LearningCurveDisplay : The score by the number of rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.inspection import LossCurveDisplay
    >>> network = ScratchMLPClassifier(max_iter=500, random_state=0)
    >>> network = network.fit(*load_iris(return_X_y=True))
    >>> display = LossCurveDisplay.from_estimator(network)  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]
    lines_: list[Any]

    def __init__(
        self,
        losses: npt.ArrayLike,
        *,
        validation_losses: npt.ArrayLike | None = None,
        validation_scores: npt.ArrayLike | None = None,
        learning_rates: npt.ArrayLike | None = None,
        best_iteration: int | None = None,
        score_name: str = "score",
        epoch_name: str = "epoch",
    ) -> None:
        self.losses = losses
        self.validation_losses = validation_losses
        self.validation_scores = validation_scores
        self.learning_rates = learning_rates
        self.best_iteration = best_iteration
        self.score_name = score_name
        self.epoch_name = epoch_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        learning_rates: npt.ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> LossCurveDisplay:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with a `loss_curve_`.
        learning_rates : array-like of shape (at most n_losses,), default=None
            The learning rate of every epoch; None for those of its history, if they change.
        ax : matplotlib Axes or sequence of them, default=None
            As for `plot`.
        **kwargs
            For `plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator has no curve of its training.
        """
        check_fitted(estimator)
        losses = getattr(estimator, "loss_curve_", None)
        reason = getattr(estimator, "stop_reason_", "")
        if losses is not None and not losses and reason:
            why = f"ended by {reason!r}"
            if reason == "converged":
                why = f"began at the optimum, with a loss of {estimator.loss_:.6g}, and ended"
            raise ValueError(
                f"This {type(estimator).__name__} has no curve to draw: its training {why} before "
                "the first epoch."
            )
        if not losses:
            raise ValueError(
                f"This {type(estimator).__name__} has no loss_curve_ to draw: it keeps none, it "
                "was not trained by fit or partial_fit, or for_prediction() left it out."
            )
        if learning_rates is None:
            rates = [each["learning_rate"] for each in getattr(estimator, "history_", [])]
            # No panel for a constant rate, nor for solvers without one.
            learning_rates = rates if len(set(rates)) > 1 else None
        metric = getattr(estimator, "early_stopping_metric", "score")
        if metric == "score":
            metric = "accuracy" if hasattr(estimator, "classes_") else _name_of_score(estimator)
        scores = getattr(estimator, "validation_scores_", None)
        if metric == "loss":
            scores = None  # the negative validation losses
        validation_losses = getattr(estimator, "validation_loss_curve_", None)
        if validation_losses is not None and np.all(np.isnan(validation_losses)):
            validation_losses = None  # scikit-learn, where this network is from, keeps scores alone
        display = cls(
            losses,
            validation_losses=validation_losses,
            validation_scores=scores,
            learning_rates=learning_rates,
            best_iteration=getattr(estimator, "best_iteration_", None),
            score_name=metric if isinstance(metric, str) else "score",
            epoch_name="epoch" if has_epochs(estimator) else "iteration",
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        log_scale: str | bool = "auto",
        name: str = "",
        color: Any = None,
        **kwargs: Any,
    ) -> LossCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw: one Axes shows the losses alone, a sequence has one for each panel.
            None makes a new figure with all panels.
        log_scale : 'auto' or bool, default='auto'
            Whether the losses are on a logarithmic scale; 'auto' where they are positive and the
            largest is more than ten times the smallest.
        name : str, default=''
            The name of this training in the legend, where several share the Axes.
        color : matplotlib color, default=None
            Of all curves. None for matplotlib's first two: one for the training, one for the
            validation.
        **kwargs
            For all curves, such as ``linewidth=1``.

        Returns
        -------
        LossCurveDisplay
            The display itself, with `ax_` and `figure_`.
        """
        below = {}
        if self.validation_scores is not None:
            below[self.score_name] = finite_curve(self.validation_scores)
        if self.learning_rates is not None:
            below["learning rate"] = finite_curve(self.learning_rates)
        axes = _panels(ax, len(below))
        name = f"{name}, " if name else ""
        first, second, grey = ("C0", "C1", "0.4") if color is None else (color,) * 3
        training = {"color": first, "linestyle": "-", **kwargs}
        validation = {"color": second, "linestyle": "--", **kwargs}

        self.lines_ = self._draw_losses(axes[0], name, log_scale, training, validation)
        # A single given Axes shows the losses alone.
        for panel, (label, curve) in zip(axes[1:], below.items(), strict=False):
            is_rate = label == "learning rate"
            self.lines_.append(self._draw(panel, curve, **(training if is_rate else validation)))
            panel.set_ylabel(label)
            if is_rate:
                make_logarithmic(panel)

        if self.best_iteration is not None:
            label = f"{name}best {self.epoch_name}: {self.best_iteration}"
            for panel in axes:
                panel.axvline(self.best_iteration, label=label, color=grey, linestyle=":")
        axes[0].legend()
        axes[-1].set_xlabel(self.epoch_name)
        for panel in axes:
            panel.xaxis.set_major_locator(
                matplotlib("ticker").MaxNLocator("auto", integer=True, min_n_ticks=1)
            )
        self.axes_ = axes
        return self._drawn_on(axes)

    def _draw_losses(
        self,
        panel: Any,
        name: str,
        log_scale: str | bool,
        training: dict[str, Any],
        validation: dict[str, Any],
    ) -> list[Any]:
        """Draw the training loss and the validation loss, in these styles; their lines."""
        curves = [finite_curve(self.losses)]
        lines = [self._draw(panel, curves[0], label=f"{name}training", **training)]
        if self.validation_losses is not None:
            curves.append(finite_curve(self.validation_losses))
            lines.append(self._draw(panel, curves[1], label=f"{name}validation", **validation))
        if log_scale == "auto":
            smallest = min(np.nanmin(curve) for curve in curves)
            largest = max(np.nanmax(curve) for curve in curves)
            log_scale = bool(0 < LOGARITHMIC_FROM * smallest < largest)
        if log_scale:
            make_logarithmic(panel)
        panel.set_ylabel("loss")
        return lines

    def _draw(self, panel: Any, curve: FloatArray, **style: Any) -> Any:
        # A training may have been continued with validation rows that it did not have before.
        n_epochs = len(np.asarray(self.losses))
        (line,) = panel.plot(np.arange(n_epochs - len(curve), n_epochs) + 1, curve, **style)
        return line


def _panels(ax: Any, n_below: int) -> npt.NDArray[Any]:
    """Axes for the losses and for `n_below` panels below them: the given ones or new ones."""
    if ax is None:
        heights = [2, *(1 for _ in range(n_below))]
        height = 1 + 0.25 * n_below
        return new_axes(len(heights), height=height, sharex=True, height_ratios=heights)
    axes = np.atleast_1d(ax).ravel()
    if len(axes) > 1:
        check_number(axes, 1 + n_below)
    return axes


def _name_of_score(regressor: Any) -> str:
    """What the loss of a regressor scores by."""
    loss = getattr(regressor, "loss", None)
    kind = REGRESSION_LOSSES.get(loss, Loss) if isinstance(loss, str) else type(loss)
    if not issubclass(kind, Loss) or kind.score is Loss.score:
        return "$R^2$"
    return "$D^2$" if kind.score is Quantile.score else "score"
