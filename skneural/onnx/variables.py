"""Inputs and outputs of a converter: their types, their shapes, and conversion between types.

A graph computes in the dtype of the model, whatever its inputs are. Outputs are converted to the
type that they are declared with. Parsers declare the dtype of the model; a meta-estimator of
scikit-learn, whose converter calls ours, declares that of its own input.
"""

from __future__ import annotations

from typing import Any

from skneural.estimators.model import Model
from skneural.onnx.graph import Graph
from skneural.optional import optional_module


def types() -> Any:
    """skl2onnx's module of types."""
    return optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")


def tensor_type(dtype: str, shape: Any = None) -> Any:
    """The type of a tensor of floating point numbers.

    Parameters
    ----------
    dtype : {'float32', 'float64'}
    shape : list of (int or None), default=None
    """
    kind = types().DoubleTensorType if dtype == "float64" else types().FloatTensorType
    return kind(shape)


def set_shape(variable: Any, shape: list[int | None]) -> None:
    """Set the shape of a variable; one that is declared to hold no fractions becomes float32."""
    variable.type = tensor_type(_dtype_of(variable), shape)


def n_rows(operator: Any) -> Any:
    """The first dimension of the input: None for any number of rows."""
    return operator.inputs[0].get_first_dimension()


def check_inputs(operator: Any, model: Model) -> None:
    """Refuse inputs that the model cannot have been fitted with.

    Parameters
    ----------
    operator : skl2onnx.common._topology.Operator
        With one input of several columns, or several inputs, the columns of a data frame.
    model : Model

    Raises
    ------
    ValueError
        If their number or their names are not those of the features, or one holds strings.
    """
    name = type(operator.raw_operator).__name__
    widths = [_width(variable) for variable in operator.inputs]
    for variable in operator.inputs:
        if isinstance(variable.type, types().StringTensorType):
            raise ValueError(f"Input {variable.raw_name!r} holds strings: {name} needs numbers.")
    if None not in widths and sum(widths) != model.n_features:
        raise ValueError(
            f"X_sample has {sum(widths)} columns, {name} was fitted with {model.n_features}."
        )
    if len(widths) > 1 and model.feature_names is not None:
        found = [variable.raw_name for variable in operator.inputs]
        expected = model.feature_names.tolist()
        if set(found) <= set(expected) and found != expected:
            raise ValueError(
                f"The columns of X_sample are {found}, {name} was fitted with {expected}: they "
                "must be in that order."
            )


def joined_inputs(graph: Graph, operator: Any) -> str:
    """Add nodes that make one matrix, in the dtype of the graph, of all inputs."""
    number = tensor_type(graph.dtype)
    names = [
        variable.full_name
        if type(variable.type) is type(number)
        else graph.cast(variable.full_name, graph.dtype)
        for variable in operator.inputs
    ]
    return names[0] if len(names) == 1 else graph.node("Concat", *names, axis=1)


def put_out(graph: Graph, value: str, variable: Any) -> None:
    """Make a value of the dtype of the graph an output, in the type declared for that."""
    dtype = _dtype_of(variable)
    if dtype == graph.dtype:
        graph.node("Identity", value, out=variable.full_name)
    else:
        graph.cast(value, dtype, out=variable.full_name)


def _dtype_of(variable: Any) -> str:
    return "float64" if isinstance(variable.type, types().DoubleTensorType) else "float32"


def _width(variable: Any) -> Any:
    shape = variable.type.shape
    return shape[1] if shape is not None and len(shape) == 2 else None
