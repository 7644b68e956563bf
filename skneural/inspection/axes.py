"""Axes for the displays. matplotlib is imported here and nowhere else."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.optional import optional_module

#: Blue for negative numbers, white for zero, red for positive ones: safe for colour-blind readers.
DIVERGING_COLOURS = "RdBu_r"


class Display:
    """What all displays have after they are drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    figure_ : matplotlib Figure
    """

    ax_: Any
    figure_: Any

    def _drawn_on(self, axes: npt.NDArray[Any]) -> Self:
        self.ax_ = axes[0]
        self.figure_ = axes[0].figure
        return self


def matplotlib(module: str) -> Any:
    """Import a module of matplotlib, or say how to install it."""
    return optional_module(f"matplotlib.{module}", "plot", "Drawing")


def axes_for(ax: Any, n: int) -> npt.NDArray[Any]:
    """The given Axes as a flat array, or `n` new ones in at most three columns."""
    if ax is None:
        n_rows = math.ceil(n / 3)
        # Four panels: two rows of two instead of three and one.
        n_columns = math.ceil(n / n_rows)
        axes = new_axes(n_rows, n_columns, height=max(1, 0.5 * n_rows), sharey=True)
        for unused in axes[n:]:
            unused.remove()
        return axes[:n]
    axes = np.atleast_1d(ax).ravel()
    check_number(axes, n)
    return axes


def new_axes(
    n_rows: int, n_columns: int = 1, *, height: float = 1, **kwargs: Any
) -> npt.NDArray[Any]:
    """Axes of a new figure, `height` times as high as matplotlib's default."""
    pyplot = matplotlib("pyplot")
    usual_width, usual_height = pyplot.rcParams["figure.figsize"]
    figure, axes = pyplot.subplots(
        n_rows,
        n_columns,
        squeeze=False,
        figsize=(usual_width, height * usual_height),
        **kwargs,
    )
    # It leaves space for labels, names and colour bars of any size.
    figure.set_layout_engine("constrained")
    panels: npt.NDArray[Any] = axes.ravel()
    return panels


def make_logarithmic(panel: Any) -> None:
    """Make the vertical axis logarithmic, with tick labels such as 0.05 instead of powers."""
    ticker = matplotlib("ticker")
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    # Ticks at powers of ten only are too few for a range below two of them.
    steps = (1, 2, 5) if high < 100 * low else (1,)
    panel.yaxis.set_major_locator(ticker.LogLocator(subs=steps))
    panel.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    panel.yaxis.set_minor_formatter(ticker.NullFormatter())


def check_number(axes: npt.NDArray[Any], n: int) -> None:
    """Raise a ValueError unless there are `n` Axes."""
    if len(axes) != n:
        raise ValueError(f"Got {len(axes)} Axes for {n} panels.")


def finite_curve(values: npt.ArrayLike) -> FloatArray:
    """A copy with NaN for infinite values, where the drawn curve is interrupted."""
    curve: FloatArray = np.array(values, dtype=float)
    curve[~np.isfinite(curve)] = np.nan
    return curve


def largest_magnitude(*arrays: FloatArray) -> float:
    """The upper limit of a colour scale that is symmetric about zero; 1 if all are zero."""
    return max((float(abs(array).max(initial=0)) for array in arrays), default=0) or 1.0
