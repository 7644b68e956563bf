"""The settings of a training on a table: a preset, adapted to its size, and what the user says.

Sources: the recipe is that of D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default:
Strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, with the changes that the
documentation lists with their effects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from skneural.activations import Activation
from skneural.checks.activations import check_own_activation
from skneural.estimators.checks import checked_layer_sizes
from skneural.estimators.table.targets import MAX_CLASSES, MAX_ONE_HOT_OF_MANY_CLASSES
from skneural.estimators.tabular.ensemble import Shape
from skneural.estimators.tabular.inputs import Layout

#: Columns of numbers up to which each is embedded in full, and at all: embedding takes most of the
#: time where there are many, and does the less the more there are.
MAX_EMBEDDED_IN_FULL = 50
MAX_EMBEDDED = 300

#: Fewest steps in an epoch, and in a training.
MIN_STEPS_PER_EPOCH = 8
MIN_STEPS = 500

#: Rows above which there are fewer epochs, of larger batches: q times as many rows have batches
#: q**BATCH_POWER times as large, and a q**EPOCHS_POWER-th of the epochs.
LARGE = 2700
BATCH_POWER = 0.6
EPOCHS_POWER = 0.5
MAX_BATCH = 256
MIN_EPOCHS = 16

#: More rows need less to keep a network from learning them by heart: q times as many have a q-th of
#: the dropout and of the weight decay. And they show finer structure: frequencies are
#: q**FREQUENCY_POWER times as high.
FREQUENCY_POWER = 0.5


@dataclass(frozen=True)
class Recipe:
    """What a training is told.

    Attributes
    ----------
    max_iter : int
        Epochs.
    hidden_layer_sizes : tuple of int
    batch_size : int
        Rows of each member in a step.
    activation : str or Activation
    is_parametric : bool
        Whether units learn how much of the activation function they take.
    dropout : float
    learning_rate_init : float
    weight_decay : float
    frequency_scale : float
        Standard deviation of the frequencies of the embedding; 0 for no embedding.
    quantile_inputs : bool
        Whether numbers are embedded as normal quantiles.
    max_one_hot : int
        Most levels of a category that is encoded one-hot.
    n_frequencies, n_sums : int
        Of the embedding of each number.
    """

    max_iter: int
    hidden_layer_sizes: tuple[int, ...]
    batch_size: int = 64
    activation: str | Activation = "silu"
    is_parametric: bool = False
    dropout: float = 0.15
    learning_rate_init: float = 0.06
    weight_decay: float = 0.02
    frequency_scale: float = 0.3
    quantile_inputs: bool = True
    max_one_hot: int = 8
    n_frequencies: int = 16
    n_sums: int = 3

    def for_size(self, n_rows: int) -> Recipe:
        """The same for so many rows of each member.

        With few rows, batches become smaller until an epoch has `MIN_STEPS_PER_EPOCH` of them, and
        there are more epochs until the training has `MIN_STEPS`. With many rows there are fewer
        epochs and larger batches: a step is the cheaper for each of its rows, and the longer the
        training, the less an epoch adds. There is less dropout and weight decay then, and
        frequencies are higher.
        """
        if n_rows > LARGE:
            q = n_rows / LARGE
            largest = max(self.batch_size, MAX_BATCH)
            return replace(
                self,
                max_iter=max(MIN_EPOCHS, round(self.max_iter / q**EPOCHS_POWER)),
                batch_size=min(round(self.batch_size * q**BATCH_POWER), largest),
                dropout=self.dropout / q,
                weight_decay=self.weight_decay / q,
                frequency_scale=self.frequency_scale * q**FREQUENCY_POWER,
            )
        batch_size = min(self.batch_size, max(1, n_rows // MIN_STEPS_PER_EPOCH))
        n_steps = max(1, n_rows // batch_size)
        max_iter = max(self.max_iter, math.ceil(MIN_STEPS / n_steps))
        return replace(self, batch_size=batch_size, max_iter=max_iter)

    def for_columns(self, n_numbers: int, estimator: Any) -> Recipe:
        """The same for so many columns of numbers: of many, each is embedded in less, or not.

        An estimator whose `frequency_scale` is not None has them embedded however many there are.
        """
        if n_numbers > MAX_EMBEDDED and estimator.frequency_scale is None:
            return replace(self, frequency_scale=0.0)
        if n_numbers > MAX_EMBEDDED_IN_FULL:
            return replace(self, n_frequencies=8, n_sums=1)
        return self

    def for_classes(self, n_classes: int, estimator: Any) -> Recipe:
        """The same for so many classes: of too many, a level tells no shares, but has a column.

        An estimator whose `max_one_hot` is not None has it as it says.
        """
        if n_classes > MAX_CLASSES and estimator.max_one_hot is None:
            return replace(self, max_one_hot=MAX_ONE_HOT_OF_MANY_CLASSES)
        return self

    def shape(self, layout: Layout, n_outputs: int) -> Shape:
        """What the network of every member is made of."""
        return Shape(
            layout,
            n_outputs,
            self.hidden_layer_sizes,
            self.activation,
            self.is_parametric,
            self.frequency_scale,
            self.n_frequencies,
            self.n_sums,
        )

    def settings(self) -> dict[str, Any]:
        """What is a parameter of the estimators too, by name."""
        return {name: getattr(self, name) for name in SETTINGS}

    def with_settings(self, estimator: Any) -> Recipe:
        """The same with what the parameters of an estimator say; None leaves a setting as it is."""
        given = {name: getattr(estimator, name) for name in SETTINGS}
        changes = {name: value for name, value in given.items() if value is not None}
        if "hidden_layer_sizes" in changes:
            changes["hidden_layer_sizes"] = checked_layer_sizes(
                changes["hidden_layer_sizes"], type(estimator).__name__
            )
        if isinstance(changes.get("activation"), Activation):
            check_own_activation(changes["activation"])
        return replace(self, **changes)


#: The settings that are parameters of the estimators too.
SETTINGS = (
    "max_iter",
    "batch_size",
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "learning_rate_init",
    "weight_decay",
    "frequency_scale",
    "quantile_inputs",
    "max_one_hot",
)

_WIDE = (128, 128, 128)

# Networks of 96 units need less weight decay than the wider ones of 'accurate' and of the paper.
_OF_CLASSES = Recipe(max_iter=28, hidden_layer_sizes=(96, 96, 96), weight_decay=0.01)
_OF_NUMBERS = Recipe(
    max_iter=64,
    hidden_layer_sizes=(64, 64, 64),
    batch_size=128,
    activation="mish",
    is_parametric=True,
    dropout=0.0,
    learning_rate_init=0.2,
    frequency_scale=1.0,
    quantile_inputs=False,
)

#: The presets, for classes and for numbers.
PRESETS = {
    "auto": (_OF_CLASSES, _OF_NUMBERS),
    "fast": (
        _OF_CLASSES,
        replace(_OF_NUMBERS, max_iter=32, is_parametric=False, n_frequencies=8),
    ),
    "accurate": (
        replace(
            _OF_CLASSES,
            max_iter=64,
            batch_size=128,
            hidden_layer_sizes=_WIDE,
            weight_decay=0.02,
        ),
        replace(_OF_NUMBERS, batch_size=64, hidden_layer_sizes=_WIDE),
    ),
}


def recipe_of(estimator: Any, *, has_classes: bool, n_rows: int) -> Recipe:
    """The recipe of an estimator for so many rows of each member.

    Raises
    ------
    ValueError
        If a setting is not valid.
    """
    preset = PRESETS[estimator.preset][0 if has_classes else 1]
    return preset.for_size(n_rows).with_settings(estimator)
