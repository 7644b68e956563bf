"""The estimators for raw tables as skl2onnx converts them.

`TableEncoder`, `TabularMLPClassifier` and `TabularMLPRegressor`: the outputs that they declare, the
shapes of these, and their nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skneural.estimators.tabular.ensemble import Ensemble
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers, unit_of
from skneural.onnx.classifiers import graph_labels, set_class_shapes
from skneural.onnx.ensemble import add_average, add_values
from skneural.onnx.graph import Graph
from skneural.onnx.labels import label_nodes
from skneural.onnx.links import link_nodes
from skneural.onnx.parsers import declare_class_outputs
from skneural.onnx.table import FittedInputs, add_inputs
from skneural.onnx.table_columns import RawInputs
from skneural.onnx.variables import n_rows, put_out, set_shape, tensor_type, types
from skneural.optional import optional_module

# ---------------------------------------------------------------- outputs


def parse_table_encoder(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the output of `TableEncoder`: double precision, whatever the columns are."""
    check_is_fitted(model)
    return _declare_numbers(scope, model, inputs, "float64", ["variable"])


def parse_tabular_regressor(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the outputs of a regressor: numbers, and with `return_std` their deviations."""
    check_is_fitted(model)
    options = scope.get_options(model, {"return_std": False})
    names = ["variable", "std"] if options["return_std"] else ["variable"]
    return _declare_numbers(scope, model, inputs, result_dtype(model._model, inputs), names)


def parse_tabular_classifier(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the outputs of a classifier."""
    check_is_fitted(model)
    labels = model._model.outputs.labels
    return declare_class_outputs(scope, model, inputs, labels, result_dtype(model._model, inputs))


def result_dtype(model: Ensemble, inputs: Sequence[Any]) -> str:
    """The precision of predictions: single for one matrix of it, as in Python."""
    is_single = len(inputs) == 1 and isinstance(inputs[0].type, types().FloatTensorType)
    is_frame = model.feature_names is not None and inputs[0].raw_name in model.feature_names
    return "float32" if is_single and not is_frame else "float64"


def _declare_numbers(
    scope: Any, model: Any, inputs: list[Any], dtype: str, names: list[str]
) -> list[Any]:
    aliases = optional_module("skl2onnx._supported_operators", "onnx", "Conversion to ONNX")
    operator = scope.declare_local_operator(aliases.sklearn_operator_name_map[type(model)], model)
    operator.inputs = inputs
    for name in names:
        operator.outputs.append(scope.declare_local_variable(name, tensor_type(dtype)))
    return list(operator.outputs)


# ---------------------------------------------------------------- shapes


def shape_of_table_encoder(operator: Any) -> None:
    """Set the shape of the output of `TableEncoder`."""
    set_shape(operator.outputs[0], [n_rows(operator), operator.raw_operator._fitted.n_inputs])


def shape_of_tabular_classifier(operator: Any) -> None:
    """Set types and shapes of the outputs of `TabularMLPClassifier`."""
    set_class_shapes(operator, operator.raw_operator._model.outputs.labels)


def shape_of_tabular_regressor(operator: Any) -> None:
    """Set the shapes of the outputs of `TabularMLPRegressor`: one column each."""
    for output in operator.outputs:
        set_shape(output, [n_rows(operator), 1])


# ---------------------------------------------------------------- nodes


def convert_table_encoder(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted `TableEncoder`."""
    fitted = operator.raw_operator._fitted
    graph = Graph(scope, container, "float64")
    raw = RawInputs.of(graph, operator, fitted.n_features, fitted.feature_names)
    found = FittedInputs(fitted.columns, fitted.scalings, fitted.encodings)
    inputs = add_inputs(graph, raw, found)
    put_out(graph, inputs, operator.outputs[0])


def convert_tabular_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted `TabularMLPClassifier`."""
    estimator = operator.raw_operator
    graph, model, values = _add_values(scope, operator, container)
    assert isinstance(model.outputs, Classes)
    targets = model.outputs.labels
    raw = add_average(graph, model, values)
    if targets.is_binary:
        # The difference of the two logarithms, for either class.
        raw = graph.node("MatMul", raw, graph.constant([[1, -1], [-1, 1]]))
    options = container.get_options(estimator, {"nocl": False, "raw_scores": False})
    [labels] = graph_labels(targets, options["nocl"])
    label, probabilities = operator.outputs[:2]
    index = graph.node("ArgMax", raw, axis=1, keepdims=0)
    label_nodes(graph, labels, index, out=label.full_name)
    if not options["raw_scores"]:
        raw = link_nodes(graph, targets.link, raw, targets.n_outputs)
    put_out(graph, raw, probabilities)


def convert_tabular_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted `TabularMLPRegressor`."""
    graph, model, values = _add_values(scope, operator, container)
    assert isinstance(model.outputs, NumbersOfMembers)
    average = add_average(graph, model, values)
    put_out(graph, average, operator.outputs[0])
    if len(operator.outputs) > 1:
        # In units of the largest number: squares are finite.
        unit = graph.constant(unit_of(np.stack([model.outputs.lowest, model.outputs.highest])))
        centred = graph.node(
            "Sub", graph.node("Div", values, unit), graph.node("Div", average, unit)
        )
        variance = add_average(graph, model, graph.node("Mul", centred, centred))
        deviation = graph.node("Mul", graph.node("Sqrt", variance), unit)
        put_out(graph, deviation, operator.outputs[1])


def _add_values(scope: Any, operator: Any, container: Any) -> tuple[Graph, Ensemble, str]:
    model: Ensemble = operator.raw_operator._model
    graph = Graph(scope, container, "float64")
    raw = RawInputs.of(graph, operator, model.n_features, model.feature_names)
    return graph, model, add_values(graph, model, raw, result_dtype(model, operator.inputs))
