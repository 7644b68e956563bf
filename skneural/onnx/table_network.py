"""The networks of an ensemble for tables side by side, as nodes.

Rows come last, as columns of the matrices, so that one product of matrices with all weights of a
layer, (n_networks, n_outputs, n_inputs) by (n_inputs, n_rows), is a layer of all networks.

The first layer needs no joined input: columns that are passed on, the waves of an embedding and
each member's own columns are multiplied by their own rows of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
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


@dataclass
class Term:
    """Some of what the first dense layer reads.

    Attributes
    ----------
    values : str
        Of shape (n_networks, n_places, n_rows).
    places : ndarray of int
        Which of the outputs of `Columns` they are.
    """

    values: str
    places: IndexArray


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
    (columns, of_columns), (_, (factors,)), (_, (weights, intercepts)), *others = layers
    assert isinstance(columns, Columns)
    terms, constants = _first_terms(graph, sources, columns, of_columns, factors)
    # What embeddings add to all rows alike belongs to the intercepts.
    first = intercepts[:, :, np.newaxis] + weights.swapaxes(1, 2) @ constants[:, :, np.newaxis]
    x = graph.constant(first)
    for term in terms:
        product = graph.node("MatMul", _add_weights(graph, weights[:, term.places]), term.values)
        x = graph.node("Add", product, x)
    for layer, arrays in others:
        x = _add_layer(graph, layer, arrays, x)
    return x


def _add_layer(graph: Graph, layer: Any, arrays: Any, x: str) -> str:
    if isinstance(layer, Dense):
        weights, intercepts = arrays
        product = graph.node("MatMul", _add_weights(graph, weights), x)
        return graph.node("Add", product, graph.constant(intercepts[:, :, np.newaxis]))
    if isinstance(layer, Activate):
        return activation_nodes(graph, layer.activation, x)
    if isinstance(layer, ParametricActivation):
        values = activation_nodes(graph, layer.activation, x)
        change = graph.node("Sub", values, x)
        alphas = graph.constant(arrays[0][:, :, np.newaxis])
        return graph.node("Add", x, graph.node("Mul", alphas, change))
    raise TypeError(f"A layer {type(layer).__name__} cannot be converted to ONNX.")


def _add_weights(graph: Graph, weights: FloatArray) -> str:
    """Add a matrix of weights of each network, outputs by inputs.

    Weights are learned in single precision. They are kept so, which halves the file, and are
    converted when it is loaded.
    """
    single = graph.constant(weights.swapaxes(1, 2), "float32")
    return single if graph.dtype == "float32" else graph.cast(single, graph.dtype)


def _first_terms(
    graph: Graph, sources: list[Source], columns: Columns, arrays: Any, factors: FloatArray
) -> tuple[list[Term], FloatArray]:
    """What the first dense layer reads, scaled: the waves of embeddings, and the rest.

    Returns
    -------
    terms : list of Term
    constants : ndarray of shape (n_networks, n_places)
        What has to be added to them.
    """
    n_inputs = max(source.stop for source in sources)
    # Of each column that is passed on: its place among the outputs of all branches.
    places = np.zeros(n_inputs, dtype=np.intp)
    terms: list[Term] = []
    constants: FloatArray = np.zeros_like(factors)
    n_arrays = len(PeriodicEmbedding(1, 1.0).parameters())
    start, of_layers = 0, (arrays[i : i + n_arrays] for i in range(0, len(arrays), n_arrays))
    for branch in columns.branches:
        own = np.arange(start, start + branch.n_outputs)
        start += branch.n_outputs
        # If there is an embedding, and no other layer is in a branch:
        for layer, (waves, weights, intercepts) in zip(branch.layers, of_layers, strict=False):
            assert isinstance(layer, PeriodicEmbedding)
            # For each column its sums, and its value last.
            of_columns = own.reshape(layer.n_inputs, -1)
            sums, own = of_columns[:, :-1].ravel(), of_columns[:, -1]
            constants[:, sums] = factors[:, sums] * intercepts.reshape(len(factors), -1)
            source = next(each for each in sources if branch.columns.start < each.stop)
            x = _add_selection(graph, source, branch.columns)
            waves_of_columns = _add_waves(graph, x, source is sources[0], waves, weights)
            terms.append(Term(waves_of_columns, sums))
        places[branch.columns] = own
    terms += [Term(own.values, places[own.start : own.stop]) for own in sources if own.values]
    for term in terms:
        of_term = graph.constant(factors[:, term.places, np.newaxis])
        term.values = graph.node("Mul", of_term, term.values)
    return terms, constants


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
