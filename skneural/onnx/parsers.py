"""What outputs an estimator has: what skl2onnx calls a parser.

Its own parsers give outputs the type of the inputs, and let a `ZipMap` (which turns probabilities
into dictionaries, and is for float32 alone) read float64. Ours declare the dtype of the model, and
float32 where a `ZipMap` follows.
"""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.utils.validation import check_is_fitted

from skneural.estimators.classifier import labels_of
from skneural.estimators.label_columns import LabelColumns
from skneural.estimators.target_contract import ClassTargets
from skneural.onnx.classifiers import graph_labels
from skneural.onnx.labels import are_strings
from skneural.onnx.variables import tensor_type, types
from skneural.optional import optional_module


def parse_classifier(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the outputs of a classifier of ours."""
    check_is_fitted(model)
    fitted = model._model
    return declare_class_outputs(scope, model, inputs, labels_of(fitted), str(fitted.dtype))


def declare_class_outputs(
    scope: Any, estimator: Any, inputs: list[Any], targets: ClassTargets, dtype: str
) -> list[Any]:
    """Declare the outputs of a classifier.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
    estimator : estimator
    inputs : list of skl2onnx.common._topology.Variable
    targets : ClassTargets
        Its encoding of labels.
    dtype : {'float32', 'float64'}
        Of the probabilities.

    Returns
    -------
    outputs : list of skl2onnx.common._topology.Variable

    Raises
    ------
    ValueError
        If there are no such labels in ONNX.
    """
    options = scope.get_options(estimator, {"zipmap": True, "nocl": False})
    labels = graph_labels(targets, options["nocl"])
    if isinstance(targets, LabelColumns):
        return _declare_columns(scope, estimator, inputs, labels, dtype, options)
    parse = _skl2onnx_parsers()
    outputs: list[Any] = parse._parse_sklearn_classifier(scope, estimator, inputs)
    operator = next(
        each for each in reversed(scope.operators.values()) if each.raw_operator is estimator
    )
    by_name = options["zipmap"] == "columns"
    is_dictionary = bool(options["zipmap"]) and not by_name
    operator.outputs[1].type = tensor_type("float32" if is_dictionary else dtype)
    if by_name:
        for variable in outputs[1:]:
            variable.type = tensor_type(dtype)
    elif options.get("output_class_labels"):
        _set_class_labels(scope, outputs[-1], labels[0])
    return outputs


def parse_regressor(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the output of a regressor of ours, in the dtype of the model."""
    check_is_fitted(model)
    outputs: list[Any] = _skl2onnx_parsers()._parse_sklearn_simple_model(scope, model, inputs)
    outputs[0].type = tensor_type(str(model._model.dtype))
    return outputs


def _declare_columns(
    scope: Any, estimator: Any, inputs: list[Any], labels: list[Any], dtype: str, options: Any
) -> list[Any]:
    """As skl2onnx does for a MultiOutputClassifier."""
    if options["zipmap"]:
        warnings.warn(
            f"Option zipmap is ignored for {type(estimator).__name__} with several columns of "
            "labels. Set it to False to remove this message.",
            UserWarning,
            stacklevel=2,
        )
    aliases = optional_module("skl2onnx._supported_operators", "onnx", "Conversion to ONNX")
    alias = aliases.sklearn_operator_name_map[type(estimator)]
    operator = scope.declare_local_operator(alias, estimator)
    operator.inputs = inputs
    kinds = types()
    kind = kinds.StringTensorType if are_strings(labels[0]) else kinds.Int64TensorType
    operator.outputs.append(scope.declare_local_variable("label", kind()))
    sequence = kinds.SequenceType(tensor_type(dtype))
    operator.outputs.append(scope.declare_local_variable("probabilities", sequence))
    outputs = list(operator.outputs)
    if options.get("output_class_labels"):
        constant = scope.declare_local_operator("SklearnClassLabels")
        constant.is_multi_output = True
        constant.classes = labels
        of_columns = scope.declare_local_variable("class_labels", kinds.SequenceType(kind()))
        constant.outputs.append(of_columns)
        outputs.append(of_columns)
    return outputs


def _set_class_labels(scope: Any, variable: Any, labels: Any) -> None:
    """Have all classes put out as the labels of the graph are, whatever their dtype."""
    operator = next(
        each for each in reversed(scope.operators.values()) if each.type == "SklearnClassLabels"
    )
    operator.classes = labels
    kind = types().StringTensorType if are_strings(labels) else types().Int64TensorType
    variable.type = kind([len(labels)])


def _skl2onnx_parsers() -> Any:
    return optional_module("skl2onnx._parse", "onnx", "Conversion to ONNX")
