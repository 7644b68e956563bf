"""Display of the weights of a layer, as images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.inspection.axes import (
    DIVERGING_COLOURS,
    Display,
    axes_for,
    largest_magnitude,
    matplotlib,
)
from skneural.inspection.estimators import layers_of, names_of_outputs


class WeightsDisplay(Display):
    """The incoming weights of each unit as an image, all on one colour scale.

    Parameters
    ----------
    images : array-like of shape (n_units, height, width)
        The weights of each unit.
    names : sequence of str, default=None
        Written above the images.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
        All images in one mosaic.
    colorbar_ : matplotlib Colorbar or None

    See Also
    --------
    NetworkDisplay : Units and weights as circles and lines.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.inspection import WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = ScratchMLPClassifier((16,), max_iter=500).fit(X, y)  # doctest: +SKIP
    >>> display = WeightsDisplay.from_estimator(network)  # doctest: +SKIP
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
            Shape of one image; None for a square.
        layer : int, default=0
            The layer of weights: 0 are those from the features to the first hidden layer.
        n_units : int, default=25
            The largest number of units to draw: those with the largest norms, in the order of
            the layer.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `plot`.

        Returns
        -------
        display : WeightsDisplay
            Units of an output layer are named by their classes.

        Raises
        ------
        ValueError
            If there is no such layer, or the weights of a unit do not fill the image.
        """
        layers = layers_of(estimator)
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
            outputs = names_of_outputs(estimator, weights.shape[1])
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
            A diverging one: zero is in its middle.
        colorbar : bool, default=True
            Whether to draw the colour scale beside the images.

        Returns
        -------
        WeightsDisplay
            The display itself, with `ax_` and `figure_`.
        """
        axes = axes_for(ax, 1)
        images = np.asarray(self.images)
        n_units, height, width = images.shape
        n_columns = math.ceil(math.sqrt(n_units * height / width))
        n_rows = math.ceil(n_units / n_columns)
        gap = max(1, round(0.12 * min(height, width)))
        # The space for a name: its height does not depend on the size of the pixels.
        gap_above = gap if self.names is None else max(gap, round(0.45 * height))
        mosaic = np.full((n_rows * (height + gap_above), n_columns * (width + gap)), np.nan)
        rectangle = matplotlib("patches").Rectangle
        for unit, image in enumerate(images):
            row, column = divmod(unit, n_columns)
            top, left = row * (height + gap_above) + gap_above, column * (width + gap)
            mosaic[top : top + height, left : left + width] = image
            # Pixels are centred on integers. The frame is needed since zero weights are white.
            corner = (left - 0.5, top - 0.5)
            axes[0].add_patch(
                rectangle(corner, width, height, fill=False, edgecolor="0.6", clip_on=False)
            )
            if self.names is not None:
                middle = left + (width - 1) / 2
                axes[0].text(middle, top - 1, self.names[unit], ha="center", va="bottom")
        largest = largest_magnitude(images)
        # Smoothing would blend neighbouring images.
        self.image_ = axes[0].imshow(
            mosaic, cmap=cmap, vmin=-largest, vmax=largest, interpolation="nearest"
        )
        axes[0].set_axis_off()
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = axes[0].figure.colorbar(self.image_, ax=axes[0], label="weight")
        return self._drawn_on(axes)
