"""Regressors, and hidden layers as features, as nodes of a graph."""

from __future__ import annotations

from typing import Any

from skneural.estimators.mlp.hidden_layer import hidden_layer_number
from skneural.estimators.model import Model
from skneural.estimators.targets import Numbers
from skneural.onnx.graph import Graph
from skneural.onnx.links import prediction_nodes
from skneural.onnx.network import chain, raw_outputs
from skneural.onnx.variables import check_inputs, joined_inputs, n_rows, put_out, set_shape


def shape_of_regressor(operator: Any) -> None:
    """Set the shape of the output, (n_rows, n_columns), also for one column."""
    model = operator.raw_operator._model
    check_inputs(operator, model)
    set_shape(operator.outputs[0], [n_rows(operator), model.targets.n_outputs])


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a regressor: skl2onnx's converter."""
    model = operator.raw_operator._model
    targets = model.targets
    assert isinstance(targets, Numbers)
    graph = Graph(scope, container, str(model.dtype))
    raw = raw_outputs(graph, model, joined_inputs(graph, operator))
    predicted = prediction_nodes(graph, targets.loss, raw, targets.n_outputs)
    put_out(graph, predicted, operator.outputs[0])


def shape_of_hidden_layer(operator: Any) -> None:
    """Set the shape of the output, (n_rows, n_units)."""
    transformer = operator.raw_operator
    check_inputs(operator, network_of(transformer))
    set_shape(operator.outputs[0], [n_rows(operator), transformer._n_features_out])


def convert_hidden_layer(scope: Any, operator: Any, container: Any) -> None:
    """Add the layers of a network up to a hidden one: skl2onnx's converter."""
    transformer = operator.raw_operator
    model = network_of(transformer)
    number = hidden_layer_number(transformer.layer, len(model.layer_sizes) - 2)
    graph = Graph(scope, container, str(model.dtype))
    # A dense layer and its activation function for each hidden layer up to this one.
    below = slice(2 * (number + 1))
    inputs = joined_inputs(graph, operator)
    units = chain(graph, model.network.layers[below], model.arrays[below], inputs)
    put_out(graph, units, operator.outputs[0])


def network_of(transformer: Any) -> Model:
    """The model of the network whose hidden layer a transformer puts out."""
    model: Model = transformer._fitted_network._model
    return model
