"""The inputs that a graph has for a data frame: one for each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.estimators.table.reading import RawColumn, is_frame, raw_columns
from skneural.optional import optional_module


def input_types(X: Any) -> list[tuple[str, Any]] | None:
    """The inputs for a data frame of pandas, polars or pyarrow, as skl2onnx takes them.

    Columns of NumPy's numbers and booleans keep their type. Text is string. All other numbers, such
    as those of objects and of dtypes with missing values of their own, are double: NaN is missing.

    Parameters
    ----------
    X : data frame or array
        A sample: of each column it should have what can occur.

    Returns
    -------
    types : list of (name, type), or None
        Of shape (None, 1) each; None if `X` is no frame.
    """
    if not is_frame(X):
        return None
    names = X.column_names if isinstance(getattr(X, "column_names", None), list) else X.columns
    types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
    columns = zip(names, raw_columns(X), strict=True)
    return [(str(name), _type(types, column)([None, 1])) for name, column in columns]


def _type(types: Any, column: RawColumn) -> Any:
    values = column.values
    if column.categories is not None:
        if any(isinstance(each, str | bytes) for each in column.categories):
            return types.StringTensorType
        levels = np.array(column.categories)
        has_missing = bool(np.any(values < 0))
        is_whole = levels.dtype.kind in "iu" and not has_missing
        return types.Int64TensorType if is_whole else types.DoubleTensorType
    if values.dtype.kind == "b":
        return types.BooleanTensorType
    if values.dtype.kind in "iuf" and values.dtype.itemsize <= 8:
        kind = {"i": "Int", "u": "UInt", "f": "Float"}[values.dtype.kind]
        name = f"{kind}{8 * values.dtype.itemsize}TensorType"
        name = {
            "Float32TensorType": "FloatTensorType",
            "Float64TensorType": "DoubleTensorType",
        }.get(name, name)
        return getattr(types, name)
    is_text = column.is_categorical or (values.dtype.kind == "O" and not _has_numbers(values))
    return types.StringTensorType if is_text else types.DoubleTensorType


def _has_numbers(values: Any) -> bool:
    """Whether not all objects, none of them text, are missing."""
    return any(value is not None and value == value for value in values.tolist())
