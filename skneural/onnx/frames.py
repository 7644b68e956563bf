"""The inputs that a graph has for a data frame: one for each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.estimators.columns import is_missing
from skneural.estimators.containers import names_of_frame
from skneural.estimators.table.reading import RawColumn, raw_columns
from skneural.onnx.variables import types


def input_types(X: Any) -> list[tuple[str, Any]]:
    """The inputs for a data frame of pandas, polars or pyarrow, as skl2onnx takes them.

    Columns of NumPy's numbers keep their type, if skl2onnx has it; text is string; an integer
    category without missing values is int64, and numbers of a nullable dtype without missing ones
    are what they are in NumPy. All other numbers are double, where NaN is missing.

    Parameters
    ----------
    X : data frame
        A sample: of each column it should have what can occur.

    Returns
    -------
    inputs : list of (name, type)
        Of shape (None, 1) each.

    Raises
    ------
    ValueError
        If a column has no name, which an input needs.
    """
    names = names_of_frame(X) or []
    dtypes = getattr(X, "dtypes", [None] * len(names))
    if "" in names:
        place = names.index("")
        raise ValueError(
            f"Column {place} of X_sample has the name '', and an input of an ONNX graph needs one: "
            "rename it before the training, or leave it out."
        )
    columns = zip(names, dtypes, raw_columns(X), strict=True)
    return [(str(name), _type_of(_dtype(column, dtype))) for name, dtype, column in columns]


def input_dtype(dtype: np.dtype[Any]) -> str | None:
    """The dtype of inputs for numbers of this one; None for what are no real numbers."""
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    if dtype.kind == "b" or dtype.name in ("int8", "uint8"):
        return str(dtype.name)
    if dtype.kind in "iu":
        return "int32" if dtype.itemsize < 4 or dtype.name == "int32" else "int64"
    return None


def _dtype(column: RawColumn, given: Any) -> str:
    """The dtype of an input for a column, which in pandas may be of a nullable dtype."""
    values = column.values
    if column.categories is not None:
        if any(isinstance(each, str | bytes) for each in column.categories):
            return "str"
        levels = np.array(column.categories)
        return "int64" if levels.dtype.kind in "iu" and not np.any(values < 0) else "float64"
    numbers = getattr(given, "numpy_dtype", values.dtype)
    if values.dtype.kind == "f" and np.isnan(values).any():
        numbers = values.dtype
    dtype = input_dtype(numbers)
    if dtype is not None:
        return dtype
    # Objects that are all missing are text: where numbers are missing, the dtype says so.
    is_text = column.is_categorical or all(map(is_missing, values))
    return "str" if is_text else "float64"


def _type_of(dtype: str) -> Any:
    kinds = {"bool": "Boolean", "float32": "Float", "float64": "Double", "str": "String"}
    kind = kinds.get(dtype) or dtype.replace("uint", "UInt").replace("int", "Int")
    return getattr(types(), f"{kind}TensorType")([None, 1])
