"""Display of activation functions and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.activations import ACTIVATIONS, Activation
from skneural.arrays.matrices import FloatArray
from skneural.inspection.axes import Display, axes_for
from skneural.inspection.estimators import layers_of


class ActivationDisplay(Display):
    """Activation functions f and their derivatives f', each function in a panel of its own.

    Parameters
    ----------
    z : array-like of shape (n_points,)
        Where the functions are evaluated.
    values, derivatives : array-like of shape (n_functions, n_points)
        The numbers f(z) and f'(z).
    names : sequence of str
        The titles of the panels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure

    See Also
    --------
    skneural.activations.ACTIVATIONS : The functions that have a name.

    Examples
    --------
    >>> from skneural.inspection import ActivationDisplay
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
        if len(layers_of(estimator)) == 1:
            raise ValueError(
                f"This {type(estimator).__name__} has no hidden layers, and so no activation "
                "functions."
            )
        # The functions of the fit: set_params may have changed the parameter since.
        fitted = getattr(estimator, "_fitted", None)
        activation = estimator.activation if fitted is None else fitted.model.activation
        activations = activation if isinstance(activation, tuple) else (activation,)
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
            What to draw, by name or as an object.
        interval : tuple (low, high), default=(-4, 4)
            Where to draw the functions.
        ax : matplotlib Axes or sequence of them, default=None
            One for each function; None makes a new figure.

        Returns
        -------
        ActivationDisplay
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
        ActivationDisplay
            The display itself, with `ax_` and `figure_`.
        """
        axes = axes_for(ax, len(self.names))
        values, derivatives = np.asarray(self.values), np.asarray(self.derivatives)
        curves = zip(axes, self.names, values, derivatives, strict=True)
        for panel, name, value, derivative in curves:
            panel.plot(self.z, value, "C0-", label="$f(z)$")
            panel.plot(self.z, derivative, "C1--", label="$f'(z)$")
            panel.set_title(name)
            panel.set_xlabel("$z$")
            panel.grid(color="0.9")
        if ax is None and len(axes) > 1:
            # One legend for all panels, which are too small for one each.
            lines = axes[0].get_lines()
            axes[0].figure.legend(handles=lines, loc="outside upper center", ncols=2)
        else:
            axes[0].legend()
        self.axes_ = axes
        return self._drawn_on(axes)


def _activation(activation: str | Activation) -> Activation:
    """An activation by its name."""
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
    saved = [np.empty_like(a) for _ in range(activation.n_saved)]
    activation.forward(a, mask, *saved)
    values = a[:, 0].copy()
    # The derivative of the loss in f(z), here 1, becomes that in z.
    delta = np.ones_like(a)
    activation.backward(delta, a, mask, *saved)
    return values, delta[:, 0]
