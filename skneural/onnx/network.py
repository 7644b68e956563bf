"""The chain of layers of a network as nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence

from skneural.estimators.model import Model
from skneural.layers import Activate, Arrays, Dense, Dropout, Layer
from skneural.onnx.activations import activation_nodes
from skneural.onnx.graph import Graph


def raw_outputs(graph: Graph, model: Model, x: str) -> str:
    """Add the network of a fitted model.

    Parameters
    ----------
    graph : Graph
    model : Model
        With weights that are all kept, or in a sparse matrix.
    x : str
        Name of the rows, of shape (n_rows, n_features).

    Returns
    -------
    name : str
        Of the raw outputs, of shape (n_rows, n_outputs).
    """
    dense = model.dense()
    return chain(graph, dense.network.layers, dense.arrays, x)


def chain(graph: Graph, layers: Sequence[Layer], arrays: Sequence[Arrays], x: str) -> str:
    """Add layers, one after another, as they predict.

    Parameters
    ----------
    graph : Graph
    layers : sequence of Layer
        Dense layers, activation functions and dropout.
    arrays : sequence of tuple of ndarray
        What each layer has learned.
    x : str
        Name of what the first one reads.

    Returns
    -------
    name : str
        Of what the last one puts out.

    Raises
    ------
    TypeError
        If a layer is of another kind.
    """
    for layer, own in zip(layers, arrays, strict=True):
        if isinstance(layer, Dense):
            x = graph.node("MatMul", x, graph.constant(own[0]))
            if layer.fit_intercept:
                x = graph.node("Add", x, graph.constant(own[1]))
        elif isinstance(layer, Activate):
            x = activation_nodes(graph, layer.activation, x)
        elif not isinstance(layer, Dropout):
            raise TypeError(f"A layer {type(layer).__name__} cannot be converted to ONNX.")
    return x
