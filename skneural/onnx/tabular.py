"""The ensembles of networks for raw tables: `TabularMLPClassifier` and `TabularMLPRegressor`.

    raw columns -> inputs, in double precision -> outputs of all networks -> their average

The networks are computed in the precision of the predictions in Python: in single precision for one
matrix of it, in double precision for everything else. What is averaged is in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.estimators.table.fitted import ColumnValues
from skneural.estimators.tabular.ensemble import Ensemble
from skneural.estimators.tabular.inputs import MemberTable
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers, unit_of
from skneural.onnx.graph import Graph
from skneural.onnx.table import Part, add_in_order, add_inputs
from skneural.onnx.table_columns import RawInputs
from skneural.onnx.table_network import add_networks
from skneural.optional import optional_module


def add_values(scope: Any, operator: Any, container: Any) -> tuple[Graph, str]:
    """Add the nodes from raw columns to what each network says; see `Outputs.of_networks`.

    Returns
    -------
    graph : Graph
        Of double precision.
    values : str
        Of shape (n_networks, n_outputs, n_rows), in double precision.
    """
    model: Ensemble = operator.raw_operator._model
    graph = Graph(scope, container, "float64")
    raw = RawInputs.of(graph, operator, model.n_features, model.feature_names)
    shared, codes = add_inputs(graph, raw, model.table.columns, model.table.scalings, None)
    own = _add_own_inputs(graph, model, codes)
    dtype = "float32" if is_single(operator) else "float64"
    outputs = add_networks(Graph(scope, container, dtype), model, shared, own)
    outputs = graph.cast(outputs, "float64")
    if isinstance(model.outputs, Classes):
        return graph, _add_log_probabilities(graph, model, model.outputs, outputs)
    return graph, _add_numbers(graph, model, model.outputs, outputs)


def is_single(operator: Any) -> bool:
    """Whether an operator predicts in single precision: for one matrix of it, as in Python."""
    types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
    inputs = operator.inputs
    return len(inputs) == 1 and isinstance(inputs[0].type, types.FloatTensorType)


def _add_own_inputs(graph: Graph, model: Ensemble, codes: dict[int, str]) -> str:
    """The inputs of each member's own, of shape (K, n_own, n_rows); empty if there are none."""
    table = model.table
    if not table.members:
        return ""
    parts = []
    for place, i in enumerate(table.columns.by_target):
        places, of_levels = _own_of_levels(table, place)
        # The members side by side.
        flat = graph.constant(of_levels.reshape(len(of_levels), -1))
        all_places = np.arange(len(table.members))[:, None] * table.n_own + places
        parts.append(Part(graph.node("Gather", flat, codes[i]), all_places.ravel()))
    joined = add_in_order(graph, parts)
    of_members = graph.constant([len(table.members), table.n_own, -1], "int64")
    return graph.node("Reshape", graph.node("Transpose", joined, perm=[1, 0]), of_members)


def _own_of_levels(table: MemberTable, place: int) -> tuple[Any, FloatArray]:
    """What each code of one category becomes: its places among `n_own`, and (n_codes, K, ...)."""
    by_target = table.columns.by_target
    n_codes = table.columns.categories[by_target[place]].n_levels + 1
    n_targets = table.members[0].encodings[place].means.shape[1]
    codes = [np.zeros(n_codes, dtype=np.intp) for _ in by_target]
    codes[place] = np.arange(n_codes)
    columns = np.arange(place * n_targets, (place + 1) * n_targets)
    places = np.concatenate([columns + n for n in range(0, table.n_own, len(by_target) * n_targets)])
    of_members = [
        member.transform([each.transform(c) for each, c in zip(member.encodings, codes, strict=True)])
        for member in table.members
    ]
    return places, np.stack(of_members, axis=1)[:, :, places]


def _add_log_probabilities(graph: Graph, model: Ensemble, outputs: Classes, logits: str) -> str:
    n_members = model.params.shape[1]
    temperatures = np.repeat(outputs.temperatures, n_members)[:, None, None]
    return graph.node(
        "LogSoftmax", graph.node("Div", logits, graph.constant(temperatures)), axis=1
    )


def _add_numbers(graph: Graph, model: Ensemble, outputs: NumbersOfMembers, raw: str) -> str:
    n_checkpoints = model.params.shape[0]
    scale, mean, low, high = (
        graph.constant(np.tile(each, n_checkpoints)[:, None, None])
        for each in (outputs.scale, outputs.mean, outputs.lowest, outputs.highest)
    )
    numbers = graph.node("Add", graph.node("Mul", raw, scale), mean)
    return graph.node("Min", graph.node("Max", numbers, low), high)


# ---------------------------------------------------------------- what skl2onnx registers


def parse_one_output(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare one output of numbers, whatever the types of the columns are."""
    types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
    operator = _declared(scope, model, inputs)
    operator.outputs.append(scope.declare_local_variable("variable", types.DoubleTensorType()))
    return operator.outputs


def parse_regressor(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    """Declare the outputs of a regressor: numbers, and deviations with ``return_std``."""
    options = scope.get_options(model, {"return_std": False})
    outputs = parse_one_output(scope, model, inputs)
    if options["return_std"]:
        types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
        outputs.append(scope.declare_local_variable("std", types.DoubleTensorType()))
    return outputs


def shape_regressor(operator: Any) -> None:
    """One number a row, in the precision of the predictions."""
    n_rows = operator.inputs[0].get_first_dimension()
    for output in operator.outputs:
        output.type = _result_type(operator)([n_rows, 1])


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted `TabularMLPRegressor`."""
    graph, values = add_values(scope, operator, container)
    dtype = "float32" if is_single(operator) else "float64"
    average = _add_average(graph, values)
    results = [average]
    if len(operator.outputs) > 1:
        outputs: NumbersOfMembers = operator.raw_operator._model.outputs
        # In units of the largest number: squares are finite.
        unit = unit_of(np.stack([outputs.lowest, outputs.highest]))
        centred = graph.node("Sub", values, average)
        centred = graph.node("Div", centred, graph.constant(unit))
        variance = _add_average(graph, graph.node("Mul", centred, centred))
        deviation = graph.node("Mul", graph.node("Sqrt", variance), graph.constant(unit))
        results.append(deviation)
    for result, output in zip(results, operator.outputs, strict=True):
        column = graph.node("Reshape", result, graph.constant([-1, 1], "int64"))
        graph.cast(column, dtype, out=output.full_name)


def _add_average(graph: Graph, values: str) -> str:
    """The mean over all networks, of shape (n_outputs, n_rows)."""
    return graph.node("ReduceMean", values, graph.constant([0], "int64"), keepdims=0)


def _declared(scope: Any, model: Any, inputs: Any) -> Any:
    parse = optional_module("skl2onnx._supported_operators", "onnx", "Conversion to ONNX")
    operator = scope.declare_local_operator(parse._get_sklearn_operator_name(type(model)), model)
    operator.inputs = inputs
    return operator


def _result_type(operator: Any) -> Any:
    types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
    return types.FloatTensorType if is_single(operator) else types.DoubleTensorType
