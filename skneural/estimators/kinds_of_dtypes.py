"""Kinds of elements, by letters: NumPy's, and one of our own for strings and categories of others.

No library of frames is imported for this: dtypes are recognised by their names and by what they
offer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Kinds of dtypes of numbers: no dates, nothing missing but NaN.
NUMBERS = "biufc"
TEXT = "UT"
BYTES = "S"
#: Our own letter, for strings and categories of other libraries: no dates, but some may be missing.
NAMES = "N"

#: What pandas calls the levels of a category dtype that are no dates or intervals.
PLAIN_LEVELS = ("string", "bytes", "integer", "floating", "boolean")
#: How the names of dtypes of strings begin, in pandas, polars and pyarrow, and of categories of
#: polars, which are strings.
STRINGS = ("string", "large_string", "String")
CATEGORIES = ("Categorical", "Enum")


def kind_of(dtype: Any) -> str:
    """NumPy's letter for what elements are; "O" where there is none, and `NAMES`."""
    if _are_names(dtype):
        return NAMES
    if hasattr(dtype, "is_numeric"):  # of polars
        return "f" if dtype.is_numeric() else "O"
    kind = str(getattr(dtype, "kind", "O"))
    # The strings of other libraries can be missing.
    return kind if isinstance(dtype, np.dtype) or kind in NUMBERS else "O"


def _are_names(dtype: Any) -> bool:
    """Whether a column of this dtype has strings, or levels that are strings or numbers."""
    if isinstance(dtype, np.dtype):
        return False
    # Of pandas, which finds out once what its levels are.
    levels = getattr(getattr(dtype, "categories", None), "inferred_type", None)
    if levels is not None:
        return levels in PLAIN_LEVELS
    return are_strings(dtype) or str(dtype).startswith(CATEGORIES)


def are_strings(dtype: Any) -> bool:
    """Whether this is a dtype of strings of pandas, polars or pyarrow."""
    name = str(dtype)
    return name == "str" or name.startswith(STRINGS)


def kind_of_type(each: type) -> str:
    """The letter of elements of this type."""
    kinds = {bool: "b", int: "i", float: "f", str: "U", bytes: "S"}
    return np.dtype(each).kind if issubclass(each, np.generic) else kinds.get(each, "O")


def types_of(values: npt.NDArray[Any]) -> set[type]:
    """The types of the elements, those of Python for arrays of numbers."""
    return set(map(type, values.tolist()))
