"""Class labels in a graph: ONNX has integers and strings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.onnx.graph import Graph

#: Labels above do not fit 64 bits with a sign.
LARGEST_LABEL = np.iinfo(np.int64).max


def labels_of_graph(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels as a graph puts them out.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    labels : ndarray of shape (n_classes,)
        Of int64 for booleans, integers and whole numbers, of str for strings.

    Raises
    ------
    ValueError
        If they are neither, or do not fit 64 bits.
    """
    found: list[Any] = classes.tolist()
    if all(isinstance(each, str) for each in found):
        return classes.astype(str)
    is_whole = classes.dtype.kind in "biufO" and all(
        isinstance(each, int) or (isinstance(each, float) and each.is_integer()) for each in found
    )
    if not is_whole or max(abs(int(each)) for each in found) > LARGEST_LABEL:
        raise ValueError(
            "The labels of a model in ONNX are strings or integers of 64 bits: "
            f"{found[:5]} cannot be converted."
        )
    return np.array([int(each) for each in found], dtype=np.int64)


def are_strings(labels: npt.NDArray[Any]) -> bool:
    """Whether these labels of a graph are strings."""
    return labels.dtype.kind == "U"


def label_nodes(graph: Graph, labels: npt.NDArray[Any], index: str, out: str | None = None) -> str:
    """Add the choice of labels by their numbers.

    Parameters
    ----------
    graph : Graph
    labels : ndarray of shape (n_classes,)
        Of a graph.
    index : str
        Name of the numbers, of any shape.
    out : str or None, default=None
        Name of the result.
    """
    constant = graph.constant(labels, "str" if are_strings(labels) else "int64")
    return graph.node("Gather", constant, index, out=out)
