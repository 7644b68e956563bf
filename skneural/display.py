"""Pictures of networks and of their training, in scikit-learn's convention of displays.

A display holds what is to be drawn, as plain arrays; ``from_estimator`` takes it from a fitted
estimator and draws it at once, ``plot`` draws it again, elsewhere or otherwise::

    from skneural.display import LossCurveDisplay

    LossCurveDisplay.from_estimator(network)

Drawing needs matplotlib, which is loaded by the first picture: ``pip install skneural[plot]``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from textwrap import fill
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from skneural._arrays import FloatArray
from skneural.activations import ACTIVATIONS, Activation

#: Blue for negative numbers, white for zero, red for positive ones: told apart by almost all eyes.
DIVERGING_COLOURS = "RdBu_r"

#: Where the losses differ by more than this factor, most of the curve would lie on the axis.
LOGARITHMIC_FROM = 10.0

#: Layers with at most so many units have all of them drawn, and named.
MOST_UNITS = 10

#: In networks of more layers, these are not named but for their sizes.
MOST_LAYERS_TO_NAME = 6

#: Distance of the units in short layers, compared with that in long ones.
LOOSEST = 1.5

#: What is shown of longer layers at either end, around an ellipsis.
UNITS_AT_ENDS = 4

Display = TypeVar("Display", bound="_Display")


class _Display:
    """What all displays have once they are drawn."""

    ax_: Any
    figure_: Any

    def _drawn_on(self: Display, axes: npt.NDArray[Any]) -> Display:
        self.ax_ = axes[0]
        self.figure_ = axes[0].figure
        return self


class LossCurveDisplay(_Display):
    """The loss of every epoch, and what else was recorded in the training.

    The losses are in the first panel; below there are panels for the scores of the validation
    rows and for the learning rate, where there are any. Curves shorter than that of the training
    loss belong to its last epochs. That of an estimator has the penalty in it, its validation
    loss has not: under a strong penalty it is no wonder that the latter is the lower.

    Parameters
    ----------
    losses : array-like of shape (n_losses,)
        Training losses.
    validation_losses : array-like of shape (at most n_losses,), default=None
    validation_scores : array-like of shape (at most n_losses,), default=None
    learning_rates : array-like of shape (at most n_losses,), default=None
    best_iteration : int, default=None
        The epoch to mark, counted from 1.
    score_name : str, default='score'
        What the validation scores are.
    epoch_name : str, default='epoch'
        What to call the steps along the horizontal axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the losses.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The curves, those of the losses first.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.display import LossCurveDisplay
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
        _check_fitted(estimator)
        losses = getattr(estimator, "loss_curve_", None)
        if not losses:
            raise ValueError(
                f"This {type(estimator).__name__} has no loss_curve_ to draw: it keeps none, it "
                "was not trained by fit or partial_fit, or for_prediction() left it out."
            )
        if learning_rates is None:
            rates = [each["learning_rate"] for each in getattr(estimator, "history_", [])]
            # One that never changes, or that a solver does not have, is not worth a panel.
            learning_rates = rates if len(set(rates)) > 1 else None
        metric = getattr(estimator, "early_stopping_metric", "score")
        if metric == "score":
            metric = "accuracy" if hasattr(estimator, "classes_") else "$R^2$"
        scores = getattr(estimator, "validation_scores_", None)
        if metric == "loss":
            scores = None  # They are the negatives of the validation losses.
        display = cls(
            losses,
            validation_losses=getattr(estimator, "validation_loss_curve_", None),
            validation_scores=scores,
            learning_rates=learning_rates,
            best_iteration=getattr(estimator, "best_iteration_", None),
            score_name=metric if isinstance(metric, str) else "score",
            epoch_name="epoch" if _has_epochs(estimator) else "iteration",
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
            What the legend calls this training, where several are drawn in the same Axes.
        color : matplotlib color, default=None
            Of all curves. None for matplotlib's first two: one for the training, one for the
            validation.
        **kwargs
            For all curves, such as ``linewidth=1``.

        Returns
        -------
        self : LossCurveDisplay
        """
        below = {}
        if self.validation_scores is not None:
            below[self.score_name] = _curve(self.validation_scores)
        if self.learning_rates is not None:
            below["learning rate"] = _curve(self.learning_rates)
        if ax is None:
            heights = [2, *(1 for _ in below)]
            axes = _new_axes(
                len(heights), height=1 + 0.25 * len(below), sharex=True, height_ratios=heights
            )
        else:
            axes = np.atleast_1d(ax).ravel()
            if len(axes) == 1:
                below = {}
            _check_number(axes, 1 + len(below))
        name = f"{name}, " if name else ""
        first, second, grey = ("C0", "C1", "0.4") if color is None else (color,) * 3
        training = {"color": first, "linestyle": "-", **kwargs}
        validation = {"color": second, "linestyle": "--", **kwargs}

        losses = _curve(self.losses)
        self.lines_ = [self._draw(axes[0], losses, label=f"{name}training", **training)]
        largest, smallest = [np.nanmax(losses)], [np.nanmin(losses)]
        if self.validation_losses is not None:
            curve = _curve(self.validation_losses)
            self.lines_.append(self._draw(axes[0], curve, label=f"{name}validation", **validation))
            largest.append(np.nanmax(curve))
            smallest.append(np.nanmin(curve))
        if log_scale == "auto":
            log_scale = bool(0 < LOGARITHMIC_FROM * min(smallest) < max(largest))
        if log_scale:
            _make_logarithmic(axes[0])
        axes[0].set_ylabel("loss")

        for panel, (label, curve) in zip(axes[1:], below.items(), strict=True):
            is_rate = label == "learning rate"
            style = training if is_rate else validation
            self.lines_.append(self._draw(panel, curve, **style))
            panel.set_ylabel(label)
            if is_rate:
                _make_logarithmic(panel)

        if self.best_iteration is not None:
            label = f"{name}best {self.epoch_name}: {self.best_iteration}"
            for panel in axes:
                panel.axvline(self.best_iteration, label=label, color=grey, linestyle=":")
        axes[0].legend()
        axes[-1].set_xlabel(self.epoch_name)
        for panel in axes:
            panel.xaxis.set_major_locator(
                _matplotlib("ticker").MaxNLocator("auto", integer=True, min_n_ticks=1)
            )
        self.axes_ = axes
        return self._drawn_on(axes)

    def _draw(self, panel: Any, curve: FloatArray, **style: Any) -> Any:
        # Validation rows may have come later, in a training that went on.
        n_epochs = len(np.asarray(self.losses))
        (line,) = panel.plot(np.arange(n_epochs - len(curve), n_epochs) + 1, curve, **style)
        return line


class WeightsDisplay(_Display):
    """The weights that lead into units, each unit an image; all in one scale of colours.

    Parameters
    ----------
    images : array-like of shape (n_units, height, width)
    names : sequence of str, default=None
        What to write above the images.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
        All images, side by side.
    colorbar_ : matplotlib Colorbar or None
    """

    image_: Any
    colorbar_: Any

    def __init__(self, images: npt.ArrayLike, *, names: Sequence[str] | None = None) -> None:
        self.images = images
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        image_shape: tuple[int, int] | None = None,
        layer: int = 0,
        n_units: int = 25,
        ax: Any = None,
        **kwargs: Any,
    ) -> WeightsDisplay:
        """Draw weights of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with `coefs_` or `coef_`.
        image_shape : tuple (height, width), default=None
            Of one image; None for a square.
        layer : int, default=0
            Which layer of weights: 0 leads from the features to the first hidden units.
        n_units : int, default=25
            The most units to draw: those with the largest norms, in their order in the layer.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `plot`.

        Returns
        -------
        display : WeightsDisplay
            Units of an output layer bear the names of the classes.

        Raises
        ------
        ValueError
            If there is no such layer, or the weights of a unit do not fill such an image.
        """
        layers = _layers(estimator)
        if not -len(layers) <= layer < len(layers):
            raise ValueError(f"There is no layer={layer}: the weights have {len(layers)} layers.")
        weights = layers[layer]
        if image_shape is None:
            side = math.isqrt(weights.shape[0])
            image_shape = (side, side)
        if math.prod(image_shape) != weights.shape[0]:
            raise ValueError(
                f"The {weights.shape[0]} weights of a unit do not fill an image of "
                f"{image_shape[0]} x {image_shape[1]} pixels: pass image_shape=(height, width)."
            )
        norms = np.linalg.norm(weights, axis=0)
        shown = np.sort(np.argsort(-norms, kind="stable")[:n_units])
        names = None
        if layer in (-1, len(layers) - 1):
            outputs = _output_names(estimator, weights.shape[1])
            names = [outputs[unit] for unit in shown]
        display = cls(weights.T[shown].reshape(-1, *image_shape), names=names)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self, ax: Any = None, *, cmap: Any = DIVERGING_COLOURS, colorbar: bool = True
    ) -> WeightsDisplay:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default='RdBu_r'
            Diverging: its middle stands for zero.
        colorbar : bool, default=True

        Returns
        -------
        self : WeightsDisplay
        """
        axes = _axes(ax, 1)
        images = np.asarray(self.images)
        n_units, height, width = images.shape
        n_columns = math.ceil(math.sqrt(n_units * height / width))
        n_rows = math.ceil(n_units / n_columns)
        gap = max(1, round(0.12 * min(height, width)))
        # Room for a name, the height of which does not depend on that of the pixels.
        gap_above = gap if self.names is None else max(gap, round(0.45 * height))
        mosaic = np.full((n_rows * (height + gap_above), n_columns * (width + gap)), np.nan)
        rectangle = _matplotlib("patches").Rectangle
        for unit, image in enumerate(images):
            row, column = divmod(unit, n_columns)
            top, left = row * (height + gap_above) + gap_above, column * (width + gap)
            mosaic[top : top + height, left : left + width] = image
            # Pixels are centred on whole numbers. A frame, since weights of zero are white too.
            corner = (left - 0.5, top - 0.5)
            axes[0].add_patch(
                rectangle(corner, width, height, fill=False, edgecolor="0.6", clip_on=False)
            )
            if self.names is not None:
                middle = left + (width - 1) / 2
                axes[0].text(middle, top - 1, self.names[unit], ha="center", va="bottom")
        largest = _largest(images)
        # Smoothing would blend the edges of neighbouring images.
        self.image_ = axes[0].imshow(
            mosaic, cmap=cmap, vmin=-largest, vmax=largest, interpolation="nearest"
        )
        axes[0].set_axis_off()
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = axes[0].figure.colorbar(self.image_, ax=axes[0], label="weight")
        return self._drawn_on(axes)


class NetworkDisplay(_Display):
    """The units of all layers as circles, and the weights as lines between them.

    A line is the wider, and the deeper in colour, the larger its weight. Layers of more than ten
    units are shortened to their ends; the lines to and from them are grey, since those few would
    not speak for all.

    Parameters
    ----------
    coefs : sequence of array-like of shape (fan in, fan out)
        The weights of each layer.
    feature_names : sequence of str, default=None
    output_names : sequence of str, default=None

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    edges_ : list of matplotlib LineCollection
        The lines of each layer of weights.
    colorbar_ : matplotlib Colorbar or None
        None where all lines are grey.
    """

    edges_: list[Any]
    colorbar_: Any

    def __init__(
        self,
        coefs: Sequence[npt.ArrayLike],
        *,
        feature_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.coefs = coefs
        self.feature_names = feature_names
        self.output_names = output_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        feature_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> NetworkDisplay:
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with `coefs_` or `coef_`.
        feature_names : sequence of str, default=None
            None for `feature_names_in_`, and x0, x1, ... where the estimator knows no names.
        output_names : sequence of str, default=None
            None for the classes, and y0, y1, ... for a regressor.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `plot`.

        Returns
        -------
        display : NetworkDisplay
        """
        coefs = _layers(estimator)
        if feature_names is None:
            numbered = [f"x{feature}" for feature in range(coefs[0].shape[0])]
            feature_names = getattr(estimator, "feature_names_in_", numbered)
        if output_names is None:
            output_names = _output_names(estimator, coefs[-1].shape[1])
        display = cls(coefs, feature_names=feature_names, output_names=output_names)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self, ax: Any = None, *, cmap: Any = DIVERGING_COLOURS, colorbar: bool = True
    ) -> NetworkDisplay:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default='RdBu_r'
            Diverging: its middle stands for zero.
        colorbar : bool, default=True
            Whether to explain the colours, where there are any.

        Returns
        -------
        self : NetworkDisplay
        """
        axes = _axes(ax, 1)
        (panel,) = axes
        coefs = [np.asarray(weights) for weights in self.coefs]
        sizes = [coefs[0].shape[0], *(weights.shape[1] for weights in coefs)]
        units = [_units_to_draw(size) for size in sizes]
        heights = [_heights(size) for size in sizes]
        tallest = max(height[0] for height in heights)
        # Short layers are drawn looser, which makes room for names of two lines.
        heights = [
            height * min(LOOSEST, tallest / height[0]) if height[0] else height
            for height in heights
        ]
        whole = [i for i in range(len(coefs)) if max(sizes[i : i + 2]) <= MOST_UNITS]
        largest = _largest(*(coefs[i] for i in whole))

        self.edges_ = []
        for i, weights in enumerate(coefs):
            drawn = weights[np.ix_(units[i], units[i + 1])].ravel()
            ends = [
                [(i, below), (i + 1, above)] for below in heights[i] for above in heights[i + 1]
            ]
            if i in whole:
                # The largest weights come last: on top of the others.
                order = np.argsort(abs(drawn), kind="stable")
                edges = _matplotlib("collections").LineCollection(
                    [ends[k] for k in order],
                    array=drawn[order],
                    linewidths=0.4 + 2.6 * abs(drawn[order]) / largest,
                    cmap=cmap,
                    zorder=1,
                )
                edges.set_clim(-largest, largest)
            else:
                edges = _matplotlib("collections").LineCollection(
                    ends, colors="0.75", linewidths=0.5, zorder=1
                )
            self.edges_.append(panel.add_collection(edges))

        for i, (size, height) in enumerate(zip(sizes, heights, strict=True)):
            at = np.full(len(height), i)
            panel.scatter(at, height, s=90, facecolor="white", edgecolor="black", zorder=2)
            if size > MOST_UNITS:
                panel.text(i, 0, r"$\vdots$", ha="center", va="center", fontsize="large")
            kind = "input" if i == 0 else "output" if i == len(coefs) else "hidden"
            # Side by side, more than a few would run into each other.
            label = f"{kind}\n{size}" if len(sizes) <= MOST_LAYERS_TO_NAME else str(size)
            panel.text(i, -tallest - 0.8, label, ha="center", va="top")
        self._write_names(panel, self.feature_names, 0, heights[0], "right")
        self._write_names(panel, self.output_names, len(coefs), heights[-1], "left")
        panel.set(xlim=(-0.2, len(coefs) + 0.2), ylim=(-tallest - 0.6, tallest + 0.6))
        panel.set_axis_off()
        self.colorbar_ = None
        if colorbar and whole:
            shown = self.edges_[whole[0]]
            # Below: names need the width.
            self.colorbar_ = panel.figure.colorbar(
                shown, ax=panel, label="weight", location="bottom", shrink=0.6, aspect=30
            )
        return self._drawn_on(axes)

    def _write_names(
        self, panel: Any, names: Sequence[str] | None, i: int, heights: FloatArray, side: str
    ) -> None:
        if names is None or len(names) > MOST_UNITS:
            return
        offset = (-8, 0) if side == "right" else (8, 0)  # away from the circle, in points
        for name, height in zip(names, heights, strict=True):
            panel.annotate(
                fill(str(name), 12),
                (i, height),
                offset,
                textcoords="offset points",
                ha=side,
                va="center",
                linespacing=0.9,
            )


class ActivationDisplay(_Display):
    """Activation functions f and their derivatives f', each function in a panel of its own.

    Parameters
    ----------
    z : array-like of shape (n_points,)
    values, derivatives : array-like of shape (n_functions, n_points)
        f(z) and f'(z).
    names : sequence of str

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from skneural.display import ActivationDisplay
    >>> ActivationDisplay.from_activation(["relu", "gelu"])  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(
        self,
        z: npt.ArrayLike,
        values: npt.ArrayLike,
        derivatives: npt.ArrayLike,
        names: Sequence[str],
    ) -> None:
        self.z = z
        self.values = values
        self.derivatives = derivatives
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, interval: tuple[float, float] = (-4, 4), ax: Any = None
    ) -> ActivationDisplay:
        """Draw the activation functions of the hidden layers of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with hidden layers.
        interval : tuple (low, high), default=(-4, 4)
            Where to draw the functions.
        ax : matplotlib Axes or sequence of them, default=None
            One for each different function; None makes a new figure.

        Returns
        -------
        display : ActivationDisplay

        Raises
        ------
        ValueError
            If there are no hidden layers.
        """
        if len(_layers(estimator)) == 1:
            raise ValueError(
                f"This {type(estimator).__name__} has no hidden layers, and so no activation "
                "functions."
            )
        # The functions it was fitted with, which may no longer be those of the parameter.
        if hasattr(estimator, "_network"):
            activations = estimator._network.activations
        else:
            activations = (estimator.activation,)
        return cls.from_activation(list(dict.fromkeys(activations)), interval=interval, ax=ax)

    @classmethod
    def from_activation(
        cls,
        activation: str | Activation | Sequence[str | Activation],
        *,
        interval: tuple[float, float] = (-4, 4),
        ax: Any = None,
    ) -> ActivationDisplay:
        """Draw activation functions.

        Parameters
        ----------
        activation : str, Activation, or sequence of them
        interval : tuple (low, high), default=(-4, 4)
            Where to draw the functions.
        ax : matplotlib Axes or sequence of them, default=None
            One for each function; None makes a new figure.

        Returns
        -------
        display : ActivationDisplay
        """
        if isinstance(activation, str | Activation):
            activation = [activation]
        functions = [_activation(each) for each in activation]
        z = np.linspace(*interval, 801)
        curves = [_value_and_derivative(function, z) for function in functions]
        values, derivatives = zip(*curves, strict=True)
        names = [function.name for function in functions]
        return cls(z, values, derivatives, names).plot(ax=ax)

    def plot(self, ax: Any = None) -> ActivationDisplay:
        """Draw the functions as full lines and their derivatives as dashed ones.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            One for each function; None makes a new figure.

        Returns
        -------
        self : ActivationDisplay
        """
        axes = _axes(ax, len(self.names))
        values, derivatives = np.asarray(self.values), np.asarray(self.derivatives)
        curves = zip(axes, self.names, values, derivatives, strict=True)
        for panel, name, value, derivative in curves:
            panel.plot(self.z, value, "C0-", label="$f(z)$")
            panel.plot(self.z, derivative, "C1--", label="$f'(z)$")
            panel.set_title(name)
            panel.set_xlabel("$z$")
            panel.grid(color="0.9")
        if ax is None and len(axes) > 1:
            # Small panels have no room for it.
            lines = axes[0].get_lines()
            axes[0].figure.legend(handles=lines, loc="outside upper center", ncols=2)
        else:
            axes[0].legend()
        self.axes_ = axes
        return self._drawn_on(axes)


class LearningRateDisplay(_Display):
    """The loss while the learning rate was rising, and the rate to begin with.

    Parameters
    ----------
    rates : array-like of shape (n_steps,)
        The learning rate of each step.
    losses : array-like of shape (n_steps,)
        The loss of the rows of that step.
    smoothed : array-like of shape (n_steps,)
        The same, smoothed.
    suggestion : float, default=nan
        The rate to mark; NaN for none.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.display import LearningRateDisplay
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
        """Search for a learning rate, and draw what was found.

        Parameters
        ----------
        estimator : ScratchMLPClassifier or ScratchMLPRegressor
            It need not be fitted, and stays as it is.
        X, y : array-like
            As for fit.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `skneural.learning_rate.find_learning_rate`, which says what may be wrong with them.

        Returns
        -------
        display : LearningRateDisplay
            With the rate to begin with in `suggestion`.
        """
        # The search trains estimators, which live on a floor above this one.
        from skneural.learning_rate import find_learning_rate

        curve = find_learning_rate(estimator, X, y, **kwargs)
        return cls(curve.rates, curve.losses, curve.smoothed, curve.suggestion).plot(ax=ax)

    def plot(self, ax: Any = None) -> LearningRateDisplay:
        """Draw the losses over the rates, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        self : LearningRateDisplay
        """
        axes = _axes(ax, 1)
        panel, smoothed = axes[0], _curve(self.smoothed)
        panel.plot(self.rates, self.losses, color="0.7", label="loss of each step")
        panel.plot(self.rates, smoothed, "C0-", label="smoothed")
        if math.isfinite(self.suggestion):
            label = f"suggestion: {self.suggestion:.2g}"
            panel.axvline(self.suggestion, color="C1", linestyle="--", label=label)
        # The last losses are far above all that matters.
        low, high = smoothed.min(), smoothed[0]
        if high > low:
            panel.set_ylim(low - 0.2 * (high - low), high + 0.5 * (high - low))
        panel.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        panel.legend()
        return self._drawn_on(axes)


def _matplotlib(module: str) -> Any:
    """A module of matplotlib, which is loaded here and nowhere else."""
    try:
        return import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError(
            "The displays draw with matplotlib, which is not installed: pip install skneural[plot]"
        ) from error


def _axes(ax: Any, n: int) -> npt.NDArray[Any]:
    """The given panels in a row, or new ones in at most three columns."""
    if ax is None:
        n_rows = math.ceil(n / 3)
        # Two rows of two look better than three panels and one.
        n_columns = math.ceil(n / n_rows)
        axes = _new_axes(n_rows, n_columns, height=max(1, 0.5 * n_rows), sharey=True)
        for unused in axes[n:]:
            unused.remove()
        return axes[:n]
    axes = np.atleast_1d(ax).ravel()
    _check_number(axes, n)
    return axes


def _new_axes(
    n_rows: int, n_columns: int = 1, *, height: float = 1, **kwargs: Any
) -> npt.NDArray[Any]:
    """Panels of a new figure, `height` times as high as figures usually are."""
    pyplot = _matplotlib("pyplot")
    usual_width, usual_height = pyplot.rcParams["figure.figsize"]
    figure, axes = pyplot.subplots(
        n_rows,
        n_columns,
        squeeze=False,
        figsize=(usual_width, height * usual_height),
        **kwargs,
    )
    # It makes room for labels, names and colour bars, whatever their size.
    figure.set_layout_engine("constrained")
    panels: npt.NDArray[Any] = axes.ravel()
    return panels


def _make_logarithmic(panel: Any) -> None:
    """Make the scale of the vertical axis logarithmic, with plain numbers to read."""
    ticker = _matplotlib("ticker")
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    # Within two powers of ten, these alone would be too few.
    steps = (1, 2, 5) if high < 100 * low else (1,)
    panel.yaxis.set_major_locator(ticker.LogLocator(subs=steps))
    panel.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    panel.yaxis.set_minor_formatter(ticker.NullFormatter())


def _check_number(axes: npt.NDArray[Any], n: int) -> None:
    if len(axes) != n:
        raise ValueError(f"Got {len(axes)} Axes for {n} panels.")


def _check_fitted(estimator: Any) -> None:
    # Drawing given arrays needs no scikit-learn.
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)


def _has_epochs(estimator: Any) -> bool:
    # Of the solvers with names, only these go through mini-batches; objects all do.
    solver = getattr(estimator, "solver", "sgd")
    if hasattr(estimator, "coef_"):
        return solver in ("sgd", "adam")
    return not (isinstance(solver, str) and solver == "lbfgs")


def _layers(estimator: Any) -> list[FloatArray]:
    """The weights of a fitted estimator, of shape (fan in, fan out) for each layer."""
    _check_fitted(estimator)
    if hasattr(estimator, "coefs_"):
        return [np.asarray(weights) for weights in estimator.coefs_]
    if not hasattr(estimator, "coef_"):
        raise ValueError(
            f"{type(estimator).__name__} has neither coefs_ nor coef_: there are no weights."
        )
    coef = estimator.coef_
    if hasattr(coef, "toarray"):
        coef = coef.toarray()
    return [np.atleast_2d(coef).T]


def _output_names(estimator: Any, n_outputs: int) -> list[str]:
    """The classes that the output units stand for; numbers of the targets of a regressor."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return ["y"] if n_outputs == 1 else [f"y{output}" for output in range(n_outputs)]
    # The one unit that tells two classes apart speaks for the second.
    return [str(label) for label in list(classes)[-n_outputs:]]


def _curve(values: npt.ArrayLike) -> FloatArray:
    """Numbers to draw; where a training has diverged, the curve is interrupted."""
    curve: FloatArray = np.array(values, dtype=float)
    curve[~np.isfinite(curve)] = np.nan
    return curve


def _largest(*arrays: FloatArray) -> float:
    """The end of a colour scale with zero in its middle."""
    return max((float(abs(array).max(initial=0)) for array in arrays), default=0) or 1.0


def _units_to_draw(size: int) -> list[int]:
    if size <= MOST_UNITS:
        return list(range(size))
    return [*range(UNITS_AT_ENDS), *range(size - UNITS_AT_ENDS, size)]


def _heights(size: int) -> FloatArray:
    """Where the units of a layer are drawn, from the top down; the layer is centred at 0."""
    if size <= MOST_UNITS:
        heights: FloatArray = (size - 1) / 2 - np.arange(size)
        return heights
    above: FloatArray = UNITS_AT_ENDS - np.arange(float(UNITS_AT_ENDS))
    return np.concatenate([above, -above[::-1]])


def _activation(activation: str | Activation) -> Activation:
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"There is no activation {activation!r}: the names are {sorted(ACTIVATIONS)}."
        )
    return ACTIVATIONS[activation]


def _value_and_derivative(activation: Activation, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """f(z) and f'(z), computed as in a network: a layer of one unit, and a row for each point."""
    a = np.array(z, dtype=float)[:, np.newaxis]
    mask = np.empty(a.shape, dtype=bool)
    kept = [np.empty_like(a) for _ in range(activation.n_kept)]
    activation.forward(a, mask, *kept)
    values = a[:, 0].copy()
    # The derivative of the loss in f(z), here 1, becomes that in z.
    delta = np.ones_like(a)
    activation.backward(delta, a, mask, *kept)
    return values, delta[:, 0]
