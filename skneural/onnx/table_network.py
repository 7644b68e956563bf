"""The networks of an ensemble for tables side by side, as nodes.

Rows come last, as columns of the matrices, so that one product of matrices with all weights of a
layer, (n_networks, n_outputs, n_inputs) by (n_inputs, n_rows), is a layer of all networks.

The first layer needs no joined input: a column that is passed on, the waves of an embedding and
each member's own columns are multiplied by their own rows of the weights, in which the factors of
`skneural.layers.Scale` are contained.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.estimators.tabular.ensemble import Ensemble
from skneural.layers import Activate, Columns, Dense, ParametricActivation, PeriodicEmbedding
from skneural.onnx.activations import activation_nodes
from skneural.onnx.graph import Graph


@dataclass
class Source:
    """Inputs that networks read.

    Attributes
    ----------
    values : str
        Of shape (n_columns, n_rows), or (n_networks, n_columns, n_rows); empty if there are none.
    start, stop : int
        Their places among all inputs.
    """

    values: str
    start: int
    stop: int


def add_networks(graph: Graph, model: Ensemble, shared: str, own: str) -> str:
    """Add the nodes of all networks.

    Parameters
    ----------
    graph : Graph
        Of the precision of the networks.
    model : Ensemble
    shared : str
        Of shape (n_rows, n_shared), in double precision; empty if there are none.
    own : str
        Of shape (K, n_own, n_rows), in double precision; empty if there are none.

    Returns
    -------
    raw : str
        Of shape (n_networks, n_outputs, n_rows).
    """
    n_checkpoints, _, n_params = model.params.shape
    table = model.table
    if shared:
        shared = graph.cast(graph.node("Transpose", shared, perm=[1, 0]), graph.dtype)
    if own:
        own = graph.cast(own, graph.dtype)
        if n_checkpoints > 1:
            own = graph.node("Concat", *[own] * n_checkpoints, axis=0)
    sources = [
        Source(shared, 0, table.n_shared),
        Source(own, table.n_shared, table.n_shared + table.n_own),
    ]
    flat = model.params.reshape(-1, n_params).astype(np.float64)
    layers = list(zip(model.network.layers, model.network.arrays(flat), strict=True))
    (columns, of_columns), (_, (factors,)), (_, first), *others = layers
    assert isinstance(columns, Columns)
    weights = first[0] * factors[:, :, np.newaxis]
    x = _add_first_layer(graph, sources, columns, of_columns, weights, first[1])
    for layer, arrays in others:
        x = _add_layer(graph, layer, arrays, x)
    return x


def _add_layer(graph: Graph, layer: Any, arrays: Any, x: str) -> str:
    if isinstance(layer, Dense):
        weights, intercepts = arrays
        product = graph.node("MatMul", graph.constant(weights.swapaxes(1, 2)), x)
        return graph.node("Add", product, graph.constant(intercepts[:, :, np.newaxis]))
    if isinstance(layer, Activate):
        return activation_nodes(graph, layer.activation, x)
    if isinstance(layer, ParametricActivation):
        values = activation_nodes(graph, layer.activation, x)
        change = graph.node("Sub", values, x)
        alphas = graph.constant(arrays[0][:, :, np.newaxis])
        return graph.node("Add", x, graph.node("Mul", alphas, change))
    raise NotImplementedError(f"There are no nodes for a layer {type(layer).__name__}.")


def _add_first_layer(
    graph: Graph,
    sources: list[Source],
    columns: Columns,
    arrays: Any,
    weights: FloatArray,
    intercepts: FloatArray,
) -> str:
    """The outputs of the first dense layer, from the columns that branches split."""
    n_networks, _, n_units = weights.shape
    n_inputs = max(source.stop for source in sources)
    passed_on: FloatArray = np.zeros((n_networks, n_inputs, n_units))
    terms: list[tuple[str, FloatArray]] = []
    n_arrays = len(PeriodicEmbedding(1, 1.0).parameters())
    start, of_layers = 0, (arrays[i : i + n_arrays] for i in range(0, len(arrays), n_arrays))
    for branch in columns.branches:
        rows = weights[:, start : start + branch.n_outputs]
        start += branch.n_outputs
        for layer, (waves, sums, constants) in zip(branch.layers, of_layers, strict=False):
            assert isinstance(layer, PeriodicEmbedding)
            # For each column its sums, and its value last.
            rows = rows.reshape(n_networks, layer.n_inputs, layer.n_sums + 1, n_units)
            of_sums = rows[:, :, :-1].reshape(n_networks, -1, n_units)
            rows = rows[:, :, -1]
            source = next(each for each in sources if branch.columns.start < each.stop)
            x = _add_selection(graph, source, branch.columns)
            terms.append((_add_waves(graph, x, source is sources[0], waves, sums), of_sums))
            constants = constants.reshape(n_networks, 1, -1)
            intercepts = intercepts + (constants @ of_sums)[:, 0]
        passed_on[:, branch.columns] += rows
    terms += [(own.values, passed_on[:, own.start : own.stop]) for own in sources if own.values]
    total = graph.constant(intercepts[:, :, np.newaxis])
    for x, of_term in terms:
        product = graph.node("MatMul", graph.constant(of_term.swapaxes(1, 2)), x)
        total = graph.node("Add", product, total)
    return total


def _add_selection(graph: Graph, source: Source, columns: slice) -> str:
    """Some columns of a source."""
    places = list(range(columns.start - source.start, columns.stop - source.start))
    if len(places) == source.stop - source.start:
        return source.values
    ends = (graph.constant([end], "int64") for end in (places[0], places[-1] + 1, -2))
    return graph.node("Slice", source.values, *ends)


def _add_waves(
    graph: Graph, x: str, is_shared: bool, waves: FloatArray, weights: FloatArray
) -> str:
    """Sums of cosines of each column, of shape (n_networks, n_columns * n_sums, n_rows)."""
    n_networks, n_columns, _, n_sums = weights.shape
    # Each column as a row of its own.
    shape = [n_columns, 1, -1] if is_shared else [n_networks, n_columns, 1, -1]
    x = graph.node("Reshape", x, graph.constant(shape, "int64"))
    angles = graph.node("Mul", graph.constant(2 * pi * waves[..., :1]), x)
    angles = graph.node("Add", angles, graph.constant(waves[..., 1:]))
    cosines = graph.node("Cos", angles)
    sums = graph.node("MatMul", graph.constant(weights.swapaxes(-1, -2)), cosines)
    joined = graph.constant([n_networks, n_columns * n_sums, -1], "int64")
    return graph.node("Reshape", sums, joined)
