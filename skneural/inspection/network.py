"""Display of a network: its units, and its weights as lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.inspection.axes import (
    DIVERGING_COLOURS,
    Display,
    axes_for,
    largest_magnitude,
    matplotlib,
)
from skneural.inspection.estimators import layers_of, names_of_outputs

#: The largest layer that is drawn whole, with names.
MOST_UNITS = 10

#: In networks of more layers, a layer is labelled with its size alone.
MOST_LAYERS_TO_NAME = 6

#: The largest distance between units; 1 in the tallest layer.
LOOSEST = 1.5

#: Units drawn at either end of larger layers, around an ellipsis.
UNITS_AT_ENDS = 4


class NetworkDisplay(Display):
    """The units of all layers as circles, and the weights as lines between them.

    Width and colour of a line show its weight. Of layers of more than ten units, four at either
    end are drawn; the lines to and from them are grey, since so few weights do not represent all.

    Parameters
    ----------
    coefs : sequence of array-like of shape (fan in, fan out)
        The weights of each layer.
    feature_names : sequence of str, default=None
        Written beside the units of the input.
    output_names : sequence of str, default=None
        Written beside those of the output.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    edges_ : list of matplotlib LineCollection
        The lines of each layer of weights.
    colorbar_ : matplotlib Colorbar or None
        None if all lines are grey.

    See Also
    --------
    WeightsDisplay : The weights of a layer as images.
    skneural.ScratchMLPClassifier.summary : The layers as a table.

    Examples
    --------
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.inspection import NetworkDisplay
    >>> coefs, intercepts = [[[1, 1], [1, 1]], [[4], [-8]]], [[0, -1], [-2]]
    >>> xor = ScratchMLPClassifier.from_weights(coefs, intercepts, classes=[0, 1])
    >>> display = NetworkDisplay.from_estimator(xor)  # doctest: +SKIP
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
            None for `feature_names_in_`, or x0, x1, ... for an estimator without names.
        output_names : sequence of str, default=None
            None for the classes, or y0, y1, ... for a regressor.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            For `plot`.

        Returns
        -------
        display : NetworkDisplay
        """
        coefs = layers_of(estimator)
        if feature_names is None:
            numbered = [f"x{feature}" for feature in range(coefs[0].shape[0])]
            feature_names = getattr(estimator, "feature_names_in_", numbered)
        if output_names is None:
            output_names = names_of_outputs(estimator, coefs[-1].shape[1])
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
            A diverging one: zero is in its middle.
        colorbar : bool, default=True
            Whether to draw the scale of the colours, if there are any.

        Returns
        -------
        NetworkDisplay
            The display itself, with `ax_` and `figure_`.
        """
        axes = axes_for(ax, 1)
        (panel,) = axes
        coefs = [np.asarray(weights) for weights in self.coefs]
        sizes = [coefs[0].shape[0], *(weights.shape[1] for weights in coefs)]
        heights = [_heights(size) for size in sizes]
        tallest = max(height[0] for height in heights)
        # Units of short layers are further apart, which leaves space for names of two lines.
        heights = [
            height * min(LOOSEST, tallest / height[0]) if height[0] else height
            for height in heights
        ]
        whole = [i for i in range(len(coefs)) if max(sizes[i : i + 2]) <= MOST_UNITS]
        largest = largest_magnitude(*(coefs[i] for i in whole))

        self.edges_ = [
            self._draw_edges(panel, i, heights, weights, cmap, largest if i in whole else None)
            for i, weights in enumerate(coefs)
        ]
        self._draw_units(panel, sizes, heights)
        self._write_names(panel, self.feature_names, 0, heights[0], "right")
        self._write_names(panel, self.output_names, len(coefs), heights[-1], "left")
        panel.set(xlim=(-0.2, len(coefs) + 0.2), ylim=(-tallest - 0.6, tallest + 0.6))
        panel.set_axis_off()
        self.colorbar_ = None
        if colorbar and whole:
            shown = self.edges_[whole[0]]
            # Below the network: the names take the width.
            self.colorbar_ = panel.figure.colorbar(
                shown, ax=panel, label="weight", location="bottom", shrink=0.6, aspect=30
            )
        return self._drawn_on(axes)

    def _draw_edges(
        self,
        panel: Any,
        i: int,
        heights: list[FloatArray],
        weights: npt.NDArray[Any],
        cmap: Any,
        largest: float | None,
    ) -> Any:
        """Draw the lines of a layer of weights, in grey if `largest` is None."""
        lines = matplotlib("collections").LineCollection
        ends = [[(i, below), (i + 1, above)] for below in heights[i] for above in heights[i + 1]]
        if largest is None:
            grey = lines(ends, colors="0.75", linewidths=0.5, zorder=1)
            return panel.add_collection(grey)
        drawn = weights.ravel()
        # The largest weights are drawn last, on top of the others.
        order = np.argsort(abs(drawn), kind="stable")
        edges = lines(
            [ends[k] for k in order],
            array=drawn[order],
            linewidths=0.4 + 2.6 * abs(drawn[order]) / largest,
            cmap=cmap,
            zorder=1,
        )
        edges.set_clim(-largest, largest)
        return panel.add_collection(edges)

    def _draw_units(self, panel: Any, sizes: list[int], heights: list[FloatArray]) -> None:
        lowest = min(height[-1] for height in heights)
        for i, (size, height) in enumerate(zip(sizes, heights, strict=True)):
            at = np.full(len(height), i)
            panel.scatter(at, height, s=90, facecolor="white", edgecolor="black", zorder=2)
            if size > MOST_UNITS:
                panel.text(i, 0, r"$\vdots$", ha="center", va="center", fontsize="large")
            kind = "input" if i == 0 else "output" if i == len(sizes) - 1 else "hidden"
            # Longer labels of many layers would overlap.
            label = f"{kind}\n{size}" if len(sizes) <= MOST_LAYERS_TO_NAME else str(size)
            panel.text(i, lowest - 0.8, label, ha="center", va="top")

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


def _heights(size: int) -> FloatArray:
    """Vertical positions of the drawn units of a layer, from the top down, centred at 0."""
    if size <= MOST_UNITS:
        heights: FloatArray = (size - 1) / 2 - np.arange(size)
        return heights
    above: FloatArray = UNITS_AT_ENDS - np.arange(float(UNITS_AT_ENDS))
    return np.concatenate([above, -above[::-1]])
