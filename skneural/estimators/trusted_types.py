"""The types that a skops file of a model may name: estimators and settings objects, all public.

None of them does anything when it is made or filled: constructors store their arguments, and what a
file holds is plain data that is looked up in tables, never called. That is what makes it safe to
trust them in a file from anyone, and why callbacks are not among them: these write to paths.
"""

from __future__ import annotations

from inspect import isabstract
from types import ModuleType
from typing import Any

from skneural import losses, optimizers, schedules
from skneural.activations import Activation
from skneural.estimators.logistic.classifier import ScratchLogisticRegression
from skneural.estimators.mlp.classifier import ScratchMLPClassifier
from skneural.estimators.mlp.hidden_layer import HiddenLayerTransformer
from skneural.estimators.mlp.regressor import ScratchMLPRegressor
from skneural.estimators.perceptron.classifier import ScratchPerceptron
from skneural.estimators.table.encoder import TableEncoder
from skneural.estimators.tabular.classifier import TabularMLPClassifier
from skneural.estimators.tabular.regressor import TabularMLPRegressor
from skneural.settings import Settings

ESTIMATORS: tuple[type[Any], ...] = (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


def settings_in(module: ModuleType) -> list[type[Settings]]:
    """The public classes of settings objects in a module that there can be objects of."""
    public = [getattr(module, name) for name in module.__all__]
    return [
        each
        for each in public
        if isinstance(each, type) and issubclass(each, Settings) and not isabstract(each)
    ]


#: In the order of the alphabet, as skops lists those of a file.
TRUSTED_TYPES: tuple[str, ...] = tuple(
    sorted(
        f"{each.__module__}.{each.__name__}"
        for each in (
            *ESTIMATORS,
            Activation,
            *settings_in(optimizers),
            *settings_in(schedules),
            *settings_in(losses),
        )
    )
)
