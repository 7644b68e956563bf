"""Converters of all estimators, as skl2onnx finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from skneural.estimators.logistic.classifier import ScratchLogisticRegression
from skneural.estimators.mlp.classifier import ScratchMLPClassifier
from skneural.estimators.mlp.hidden_layer import HiddenLayerTransformer
from skneural.estimators.mlp.regressor import ScratchMLPRegressor
from skneural.estimators.perceptron.classifier import ScratchPerceptron
from skneural.estimators.table.encoder import TableEncoder
from skneural.estimators.tabular.classifier import TabularMLPClassifier
from skneural.estimators.tabular.regressor import TabularMLPRegressor
from skneural.onnx.classifiers import convert_classifier, shape_of_classifier
from skneural.onnx.parsers import parse_classifier, parse_regressor
from skneural.onnx.regressors import (
    convert_hidden_layer,
    convert_regressor,
    shape_of_hidden_layer,
    shape_of_regressor,
)
from skneural.onnx.tabular import (
    convert_table_encoder,
    convert_tabular_classifier,
    convert_tabular_regressor,
    parse_table_encoder,
    parse_tabular_classifier,
    parse_tabular_regressor,
    shape_of_table_encoder,
    shape_of_tabular_classifier,
    shape_of_tabular_regressor,
)
from skneural.optional import optional_module

#: What skl2onnx lets users choose for a classifier.
CLASSIFIER_OPTIONS: dict[str, list[Any]] = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


class Converter(NamedTuple):
    """What skl2onnx has to be told about an estimator.

    Attributes
    ----------
    alias : str
        The name of its operator.
    shape : callable
        ``shape(operator)`` sets types and shapes of the outputs.
    convert : callable
        ``convert(scope, operator, container)`` adds nodes.
    options : dict or None, default=None
        Options, and the values that each may have.
    parse : callable or None, default=None
        Declares the outputs; None for skl2onnx's own way, which is that of a transformer.
    """

    alias: str
    shape: Callable[..., None]
    convert: Callable[..., None]
    options: dict[str, list[Any]] | None = None
    parse: Callable[..., list[Any]] | None = None


def _classifier(name: str) -> Converter:
    return Converter(
        name, shape_of_classifier, convert_classifier, CLASSIFIER_OPTIONS, parse_classifier
    )


CONVERTERS: dict[type, Converter] = {
    ScratchMLPClassifier: _classifier("SkneuralMLPClassifier"),
    ScratchLogisticRegression: _classifier("SkneuralLogisticRegression"),
    ScratchPerceptron: _classifier("SkneuralPerceptron"),
    ScratchMLPRegressor: Converter(
        "SkneuralMLPRegressor", shape_of_regressor, convert_regressor, parse=parse_regressor
    ),
    HiddenLayerTransformer: Converter(
        "SkneuralHiddenLayer", shape_of_hidden_layer, convert_hidden_layer
    ),
    TableEncoder: Converter(
        "SkneuralTableEncoder",
        shape_of_table_encoder,
        convert_table_encoder,
        parse=parse_table_encoder,
    ),
    TabularMLPClassifier: Converter(
        "SkneuralTabularMLPClassifier",
        shape_of_tabular_classifier,
        convert_tabular_classifier,
        CLASSIFIER_OPTIONS,
        parse_tabular_classifier,
    ),
    TabularMLPRegressor: Converter(
        "SkneuralTabularMLPRegressor",
        shape_of_tabular_regressor,
        convert_tabular_regressor,
        {"return_std": [False, True]},
        parse_tabular_regressor,
    ),
}


def register_converters() -> None:
    """Tell skl2onnx how estimators of skneural are converted.

    `to_onnx` does so by itself. Afterwards ``skl2onnx.to_onnx`` and ``skl2onnx.convert_sklearn``
    convert them too, also inside pipelines. Converters that somebody else has registered for our
    classes are replaced: skl2onnx's own converter of linear classifiers, for instance, gives
    wrong probabilities for `ScratchLogisticRegression`, since it asks whether the estimator is
    scikit-learn's `LogisticRegression`.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    to_onnx : Converts a single estimator.

    Examples
    --------
    >>> from skneural.onnx import register_converters
    >>> register_converters()  # doctest: +SKIP
    """
    skl2onnx = optional_module("skl2onnx", "onnx", "Conversion to ONNX")
    for kind, converter in CONVERTERS.items():
        skl2onnx.update_registered_converter(
            kind,
            converter.alias,
            converter.shape,
            converter.convert,
            parser=converter.parse,
            options=converter.options,
        )
