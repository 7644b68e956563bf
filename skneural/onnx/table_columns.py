"""The inputs of a graph as the columns of a table.

What is missing among strings is one of `MISSING`: the text that onnxruntime makes of None, NaN and
pandas' NA in an array of objects. A level of training with such a name is that level nevertheless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skneural.estimators.table.categories import Category
from skneural.onnx.graph import Graph
from skneural.onnx.normal_quantiles import add_count_below

#: Text that stands for a missing value in columns of strings.
MISSING = ("None", "nan", "NaN", "<NA>")

TEXT, INTEGER, REAL = "text", "integers", "real numbers"

#: What tensors of skl2onnx's types hold, by the beginning of the name of the type.
KINDS = {
    "String": TEXT,
    "Int": INTEGER,
    "UInt": INTEGER,
    "Boolean": INTEGER,
    "Float": REAL,
    "Double": REAL,
}

INT64 = np.iinfo(np.int64)

#: No number of an input is larger.
LARGEST = float(np.finfo(np.float64).max)


class Place(NamedTuple):
    """Where a column is: the input of the graph, its column in there, and what the input holds."""

    tensor: str
    column: int
    width: int
    kind: str


@dataclass
class RawInputs:
    """The columns of a table, as the inputs of an operator bring them.

    Attributes
    ----------
    graph : Graph
        Of double precision.
    places : list of Place
        Of each column of the table.
    names : list
        What the columns are called in errors.
    """

    graph: Graph
    places: list[Place]
    names: list[Any]
    _codes: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, graph: Graph, operator: Any, n_features: int, names: npt.NDArray[Any] | None
    ) -> RawInputs:
        """Those of an operator of skl2onnx.

        Parameters
        ----------
        graph : Graph
        operator : operator
        n_features : int
            Columns of the table.
        names : ndarray of str or None
            Their names.

        Raises
        ------
        ValueError
            If the inputs have other columns.
        """
        places = [
            Place(variable.full_name, column, _width(variable, n_features), _kind(variable))
            for variable in operator.inputs
            for column in range(_width(variable, n_features))
        ]
        estimator = type(operator.raw_operator).__name__
        if len(places) != n_features:
            raise ValueError(
                f"X_sample has {len(places)} columns, {estimator} was fitted with {n_features}."
            )
        found = [variable.raw_name for variable in operator.inputs]
        if names is not None and set(found) <= set(names) and found != list(names):
            raise ValueError(
                f"The columns of X_sample are {found}, {estimator} was fitted with {list(names)}: "
                "they must be in that order."
            )
        called = list(range(n_features)) if names is None else list(names)
        return cls(graph, places, called)

    def numbers(self, features: Sequence[int] | npt.NDArray[np.intp]) -> str:
        """Columns of numbers in double precision, of shape (n_rows, n_columns), missing ones NaN.

        Raises
        ------
        ValueError
            If one of them is an input of text.
        """
        runs: list[tuple[str, int, list[int]]] = []
        for feature in features:
            place = self.places[feature]
            if place.kind == TEXT:
                raise ValueError(
                    f"Column {self.names[feature]!r} is numeric, and what comes to it in the graph "
                    "are strings: make the column one of numbers in X_sample, or give its input as "
                    "double there. A ColumnTransformer makes strings of numbers that it joins with "
                    "text: let numbers and text go through transformers of their own, or leave it "
                    "out, since tables of both are taken as they are."
                )
            if runs and runs[-1][0] == place.tensor:
                runs[-1][2].append(place.column)
            else:
                runs.append((place.tensor, place.width, [place.column]))
        parts = [self.graph.cast(self._part(*run), "float64") for run in runs]
        return self.graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def codes(self, category: Category) -> str:
        """The level of each row as a code, in int64 and of shape (n_rows,); see `Category`.

        Raises
        ------
        ValueError
            If its levels cannot be told apart by what the input holds.
        """
        known = self._codes.get(category.number)
        if known is None:
            known = self._codes[category.number] = self._add_codes(category)
        return known

    def _add_codes(self, category: Category) -> str:
        place = self.places[category.number]
        name = self.names[category.number]
        graph = self.graph
        values = self._part(place.tensor, place.width, [place.column])
        values = graph.node("Reshape", values, graph.constant([-1], "int64"))
        if place.kind == TEXT:
            codes = _text_codes(category, name)
            return graph.node(
                "LabelEncoder",
                values,
                domain="ai.onnx.ml",
                op_version=2,
                keys_strings=list(codes),
                values_int64s=list(codes.values()),
                default_int64=category.unknown,
            )
        numbers = _numeric_levels(category, name, place.kind)
        if place.kind == REAL:
            return _add_codes_of_reals(graph, graph.cast(values, "float64"), category, numbers)
        whole = {int(level): code for level, code in numbers.items() if _is_int64(level)}
        whole = whole or {0: category.unknown}
        return graph.node(
            "LabelEncoder",
            graph.cast(values, "int64"),
            domain="ai.onnx.ml",
            op_version=2,
            keys_int64s=list(whole),
            values_int64s=list(whole.values()),
            default_int64=category.unknown,
        )

    def _part(self, tensor: str, width: int, columns: list[int]) -> str:
        """Some columns of an input."""
        if columns == list(range(width)):
            return tensor
        return self.graph.node("Gather", tensor, self.graph.constant(columns, "int64"), axis=1)


def _width(variable: Any, n_features: int) -> int:
    """Number of columns of an input; what it does not say is all columns."""
    shape = variable.type.shape
    width = shape[1] if len(shape) > 1 else None
    return width if isinstance(width, int) and width > 0 else n_features


def _kind(variable: Any) -> str:
    of_type = type(variable.type).__name__
    for beginning, kind in KINDS.items():
        if of_type.startswith(beginning):
            return kind
    raise ValueError(f"Input {variable.raw_name!r} of the graph is a {of_type}: no column is one.")


def _text_codes(category: Category, name: Any) -> dict[str, int]:
    """The code of each text: of a level, or of what is missing.

    Numbers among the levels are found by what Python prints for them.
    """
    missing = len(category.levels)  # which is `unknown` if training had none missing
    codes: dict[str, int] = dict.fromkeys(MISSING, missing)
    of_levels: dict[str, int] = {}
    for code, level in enumerate(category.levels):
        for text in _spellings(level, name):
            if text in of_levels:
                raise ValueError(
                    f"Column {name!r} has two levels that are written {text!r}, which an input of "
                    "strings cannot tell apart."
                )
            of_levels[text] = code
    return codes | of_levels


def _spellings(level: Any, name: Any) -> list[str]:
    if isinstance(level, str):
        return [str(level)]
    if isinstance(level, bytes):
        raise ValueError(
            f"Column {name!r} has levels that are bytes, such as {level!r}, which ONNX does not "
            "have: decode them."
        )
    texts = [str(level)]
    if abs(level) <= LARGEST:
        texts.append(str(float(level)))
    if _is_int64(level):
        texts.append(str(int(level)))
    if level in (0, 1):
        texts.append(str(bool(level)))
    return list(dict.fromkeys(texts))


def _numeric_levels(category: Category, name: Any, kind: str) -> dict[Any, int]:
    """The codes of the levels that are numbers."""
    levels = {level: code for code, level in enumerate(category.levels)}
    numbers = {each: code for each, code in levels.items() if isinstance(each, Number | np.bool_)}
    if len(numbers) < len(levels):
        other = next(level for level in levels if level not in numbers)
        raise ValueError(
            f"Column {name!r} has levels that are no numbers, such as {other!r}, and its input in "
            f"the graph is of {kind}: make the column one of strings in X_sample, or give its "
            "input as string there."
        )
    return numbers


def _is_int64(level: Any) -> bool:
    return bool(INT64.min <= level <= INT64.max and level == int(level))


def _add_codes_of_reals(graph: Graph, x: str, category: Category, levels: dict[Any, int]) -> str:
    """The code of the level that is equal to x; NaN is missing."""
    unknown = graph.constant(category.unknown, "int64")
    missing = graph.constant(len(category.levels), "int64")
    is_missing = graph.node("IsNaN", x)
    codes = unknown
    known = {
        float(level): code
        for level, code in levels.items()
        if abs(level) <= LARGEST and float(level) == level
    }
    if known:
        ordered = np.array(sorted(known))
        x = graph.node("Where", is_missing, graph.constant(ordered[:1]), x)
        column = graph.node("Reshape", x, graph.constant([-1, 1], "int64"))
        count = add_count_below(graph, column, ordered[None])
        count = graph.node("Reshape", count, graph.constant([-1], "int64"))
        # Below the first level there is none: NaN, which is equal to nothing.
        level = graph.node("Gather", graph.constant(np.append(np.nan, ordered)), count)
        of_count = [category.unknown, *(known[each] for each in ordered.tolist())]
        found = graph.node("Gather", graph.constant(of_count, "int64"), count)
        codes = graph.node("Where", graph.node("Equal", level, x), found, unknown)
    return graph.node("Where", is_missing, missing, codes)
