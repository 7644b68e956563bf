"""Links as nodes of a graph: from raw outputs to predictions.

The names, and the definitions, are those of `skneural.losses.links`.
"""

from __future__ import annotations

from collections.abc import Callable

from skneural.losses import LINKS, Link, Loss, Quantile
from skneural.onnx.activations import sigmoid, softplus
from skneural.onnx.graph import Graph


def prediction_nodes(graph: Graph, loss: Loss, raw: str, n_outputs: int) -> str:
    """Add what a regression loss makes of raw outputs.

    Parameters
    ----------
    graph : Graph
    loss : Loss
    raw : str
        Name of the raw outputs.
    n_outputs : int
        Their number.

    Returns
    -------
    name : str
        Of the predictions, of the shape of the raw outputs.

    Raises
    ------
    ValueError
        If the loss has a link, or predicts, in a way that is not this package's.
    """
    link = loss.link
    if type(loss).predict not in (Loss.predict, Quantile.predict):
        raise ValueError(
            f"loss={loss!r} cannot be converted to ONNX: it has a method `predict` of its own."
        )
    if link != LINKS.get(link.name):
        raise ValueError(
            f"loss={loss!r} cannot be converted to ONNX: its link {link.name!r} is not one of "
            f"skneural's, which are {', '.join(map(repr, LINKS))}."
        )
    return link_nodes(graph, link, raw, n_outputs)


def link_nodes(graph: Graph, link: Link, raw: str, n_outputs: int) -> str:
    """Add a link of this package for the raw outputs of one target."""
    return NODES[link.name](graph, raw, n_outputs)


def columns(graph: Graph, value: str, first: int, stop: int) -> str:
    """Add a part of a matrix: its columns from `first` on, up to `stop`, which is left out."""
    return graph.node("Gather", value, graph.constant(range(first, stop), "int64"), axis=1)


def _identity(graph: Graph, raw: str, n_outputs: int) -> str:
    return raw


def _exp(graph: Graph, raw: str, n_outputs: int) -> str:
    return graph.node("Exp", raw)


def _logistic(graph: Graph, raw: str, n_outputs: int) -> str:
    return sigmoid(graph, raw)


def _softmax(graph: Graph, raw: str, n_outputs: int) -> str:
    return graph.node("Softmax", raw, axis=1)


def _increasing(graph: Graph, raw: str, n_outputs: int) -> str:
    # One sum after another: rounding keeps their order, which no product of matrices promises.
    last = columns(graph, raw, 0, 1)
    parts = [last]
    for j in range(1, n_outputs):
        increment = softplus(graph, columns(graph, raw, j, j + 1))
        last = graph.node("Add", last, increment)
        parts.append(last)
    return graph.node("Concat", *parts, axis=1)


#: For every link of `skneural.losses.links`, by name: nodes for raw outputs and their number.
NODES: dict[str, Callable[[Graph, str, int], str]] = {
    "identity": _identity,
    "exp": _exp,
    "increasing": _increasing,
    "logistic": _logistic,
    "softmax": _softmax,
}
