"""Nodes of an ONNX graph, added one after the other.

A converter writes its formulas with a `Graph`: each node takes the names of its inputs and returns
the name of its output. It is a thin layer over skl2onnx's scope, which makes names unique, and
container, which collects nodes and constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.optional import optional_module

#: A NumPy dtype for each element type that constants have here.
ELEMENT_TYPES = {
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "int64": "INT64",
    "int32": "INT32",
    "bool": "BOOL",
}

#: The oldest opset that models are converted to: the first with sequences of tensors.
MIN_OPSET = 11


class Graph:
    """Where a converter adds its nodes.

    Parameters
    ----------
    scope, container : objects of skl2onnx
        As it passes them to a converter.
    dtype : {'float32', 'float64'}
        What is computed in.

    Raises
    ------
    ValueError
        If the opset that the container is for is older than `MIN_OPSET`.
    """

    def __init__(self, scope: Any, container: Any, dtype: str) -> None:
        opset = container.target_opset
        if opset is not None and opset < MIN_OPSET:
            raise ValueError(
                f"target_opset={opset} is too old: models of skneural need operators of opset "
                f"{MIN_OPSET} or later."
            )
        self.scope = scope
        self.container = container
        self.dtype = dtype
        self._proto = optional_module("onnx", "onnx", "Conversion to ONNX").TensorProto
        self._helper = optional_module("onnx.numpy_helper", "onnx", "Conversion to ONNX")

    def node(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """Add a node of one output.

        Parameters
        ----------
        kind : str
            The operator, such as 'MatMul'.
        *inputs : str
            Names; an empty one is an optional input that is left out.
        out : str or None, default=None
            Name of the output; None makes a new one.
        **attributes
            Of the operator.

        Returns
        -------
        name : str
            Of the output.
        """
        return self.nodes(kind, *inputs, outs=(out,), **attributes)[0]

    def nodes(
        self, kind: str, *inputs: str, outs: tuple[str | None, ...], **attributes: Any
    ) -> list[str]:
        """Add a node of several outputs; see `node`."""
        outputs = [name or self.scope.get_unique_variable_name(kind.lower()) for name in outs]
        domain = attributes.pop("domain", "")
        self.container.add_node(
            kind,
            list(inputs),
            outputs,
            op_domain=domain,
            name=self.scope.get_unique_operator_name(kind),
            **attributes,
        )
        return outputs

    def constant(self, values: npt.ArrayLike, dtype: str | None = None) -> str:
        """Add a constant.

        Parameters
        ----------
        values : array-like
            Numbers, or str.
        dtype : str or None, default=None
            None for that of the graph; 'str' for strings.

        Returns
        -------
        name : str
        """
        name: str = self.scope.get_unique_variable_name("constant")
        if dtype == "str":
            array = np.asarray(values, dtype=object)
            content: list[Any] = [str(each).encode() for each in array.ravel()]
            self.container.add_initializer(name, self._proto.STRING, array.shape, content)
            return name
        array = np.asarray(values, dtype=dtype or self.dtype, order="C")
        kind = getattr(self._proto, ELEMENT_TYPES[str(array.dtype)])
        # As bytes, not as a list of Python's numbers: a large network takes no longer than a copy.
        tensor = self._helper.from_array(array)
        self.container.add_initializer(name, kind, array.shape, tensor)
        return name

    def cast(self, value: str, dtype: str, out: str | None = None) -> str:
        """Convert elements to another type: a NumPy dtype, or 'str'."""
        kind = "STRING" if dtype == "str" else ELEMENT_TYPES[dtype]
        return self.node("Cast", value, out=out, to=getattr(self._proto, kind))
