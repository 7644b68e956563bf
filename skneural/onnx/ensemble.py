"""From raw columns to what all networks of an ensemble say, as nodes.

    raw columns -> inputs, in double precision -> outputs of all networks -> their average

The networks are computed in the precision of the predictions in Python: in single precision for one
matrix of it, in double precision for everything else. What is averaged is in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.tabular.ensemble import Ensemble
from skneural.estimators.tabular.inputs import MemberTable
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers
from skneural.onnx.graph import Graph
from skneural.onnx.table import FittedInputs, Part, add_in_order, add_inputs
from skneural.onnx.table_columns import RawInputs
from skneural.onnx.table_network import add_networks


def add_values(graph: Graph, model: Ensemble, raw: RawInputs, dtype: str) -> str:
    """Add the nodes from raw columns to what each network says; see `Outputs.of_networks`.

    Parameters
    ----------
    graph : Graph
        Of double precision.
    model : Ensemble
    raw : RawInputs
    dtype : {'float32', 'float64'}
        Of the networks.

    Returns
    -------
    values : str
        Of shape (n_networks, n_rows, n_outputs), in double precision.
    """
    shared = add_inputs(graph, raw, FittedInputs(model.table.columns, model.table.scalings, None))
    own = _add_own_inputs(graph, model, raw)
    networks = Graph(graph.scope, graph.container, dtype)
    outputs = graph.cast(add_networks(networks, model, shared, own), "float64")
    if isinstance(model.outputs, Classes):
        return _add_log_probabilities(graph, model, model.outputs, outputs)
    return _add_numbers(graph, model, model.outputs, outputs)


def add_average(graph: Graph, model: Ensemble, values: str) -> str:
    """The mean over all networks, of shape (n_rows, n_outputs)."""
    n_networks = math.prod(model.params.shape[:2])
    flat = graph.node("Reshape", values, graph.constant([n_networks, -1], "int64"))
    # ReduceMean is not the same in all opsets.
    weights = graph.constant(np.full((1, n_networks), 1 / n_networks))
    average = graph.node("MatMul", weights, flat)
    return graph.node("Reshape", average, graph.constant([-1, model.outputs.n_outputs], "int64"))


def _add_own_inputs(graph: Graph, model: Ensemble, raw: RawInputs) -> str:
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
        of_rows = graph.node("Gather", flat, raw.codes(table.columns.categories[i]))
        parts.append(Part(of_rows, all_places.ravel()))
    joined = add_in_order(graph, parts)
    of_members = graph.constant([len(table.members), table.n_own, -1], "int64")
    return graph.node("Reshape", graph.node("Transpose", joined, perm=[1, 0]), of_members)


def _own_of_levels(table: MemberTable, place: int) -> tuple[IndexArray, FloatArray]:
    """What each code of one category becomes: its places among `n_own`, and (n_codes, K, ...)."""
    by_target = table.columns.by_target
    n_codes = table.columns.categories[by_target[place]].n_levels + 1
    n_targets = table.members[0].encodings[place].means.shape[1]
    codes = [np.zeros(n_codes, dtype=np.intp) for _ in by_target]
    codes[place] = np.arange(n_codes)
    columns = np.arange(place * n_targets, (place + 1) * n_targets)
    # Once, or twice: as normal quantiles and scaled.
    starts = range(0, table.n_own, len(by_target) * n_targets)
    places = np.concatenate([columns + start for start in starts])
    of_members = []
    for member in table.members:
        encodings = zip(member.encodings, codes, strict=True)
        of_members.append(member.transform([each.transform(own) for each, own in encodings]))
    return places, np.stack(of_members, axis=1)[:, :, places]


def _add_log_probabilities(graph: Graph, model: Ensemble, outputs: Classes, logits: str) -> str:
    n_members = model.params.shape[1]
    temperatures = np.repeat(outputs.temperatures, n_members)[:, None, None]
    scaled = graph.node("Div", logits, graph.constant(temperatures))
    # Up to opset 12 it looks at all axes from this one on.
    return graph.node("LogSoftmax", graph.node("Transpose", scaled, perm=[0, 2, 1]), axis=2)


def _add_numbers(graph: Graph, model: Ensemble, outputs: NumbersOfMembers, raw: str) -> str:
    n_checkpoints = model.params.shape[0]
    scale, mean, low, high = (
        graph.constant(np.tile(each, n_checkpoints)[:, None, None])
        for each in (outputs.scale, outputs.mean, outputs.lowest, outputs.highest)
    )
    numbers = graph.node("Add", graph.node("Mul", raw, scale), mean)
    clipped = graph.node("Min", graph.node("Max", numbers, low), high)
    columns = graph.constant([math.prod(model.params.shape[:2]), -1, 1], "int64")
    return graph.node("Reshape", clipped, columns)
