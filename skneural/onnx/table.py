"""Raw tables as inputs of a network: `TableEncoder`, and what the ensembles for tables share.

A graph has one input for each column of a frame, or one matrix. Numbers are computed in double
precision, as in Python. Whatever a category becomes is a function of its level alone: here it is a
table with a row for each level, filled by the encoder itself when a model is converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.categories import ONE_HOT, SIGN
from skneural.estimators.table.fitted import ColumnValues, FittedTable, Scalings, TableColumns
from skneural.estimators.table.scaling import NormalScaling, RobustScaling
from skneural.estimators.table.target_encoding import TargetEncoding
from skneural.onnx.graph import Graph
from skneural.onnx.normal_quantiles import add_normal_quantiles, add_robust_scaling
from skneural.onnx.table_columns import RawInputs
from skneural.optional import optional_module


@dataclass
class Part:
    """Some of the inputs of a network, in the order of `places` among all of them.

    Attributes
    ----------
    values : str
        Of shape (n_rows, n_places).
    places : ndarray of int
    """

    values: str
    places: IndexArray


def shape_table_encoder(operator: Any) -> None:
    """The type of the output: double precision, whatever the inputs are."""
    types = optional_module("skl2onnx.common.data_types", "onnx", "Conversion to ONNX")
    n_rows = operator.inputs[0].get_first_dimension()
    fitted = operator.raw_operator._fitted
    operator.outputs[0].type = types.DoubleTensorType([n_rows, fitted.n_inputs])


def convert_table_encoder(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted `TableEncoder`."""
    fitted: FittedTable = operator.raw_operator._fitted
    graph = Graph(scope, container, "float64")
    raw = RawInputs.of(graph, operator, fitted.n_features, fitted.feature_names)
    inputs, _ = add_inputs(graph, raw, fitted.columns, fitted.scalings, fitted.encodings)
    graph.node("Identity", inputs, out=operator.outputs[0].full_name)


def add_inputs(
    graph: Graph,
    raw: RawInputs,
    columns: TableColumns,
    scalings: Scalings,
    encodings: Sequence[TargetEncoding] | None,
) -> tuple[str, dict[int, str]]:
    """Add the nodes from raw columns to the inputs of a network.

    Parameters
    ----------
    graph : Graph
        Of double precision.
    raw : RawInputs
    columns : TableColumns
    scalings : Scalings
    encodings : sequence of TargetEncoding or None
        Of the categories that are encoded by target; None for no means of theirs.

    Returns
    -------
    inputs : str
        Of shape (n_rows, n_inputs), see `Scalings.transform`; empty if there are none.
    codes : dict of int to str
        The codes of the categories that are encoded by target, by their place in `columns`.
    """
    parts = _number_parts(graph, raw, columns, scalings, encodings)
    codes: dict[int, str] = {}
    for i, category in enumerate(columns.categories):
        places, table = level_inputs(columns, scalings, encodings, i)
        if len(places) or i in columns.by_target:
            code = raw.codes(category)
            codes[i] = code
        if len(places):
            values = graph.node("Gather", graph.constant(table), code)
            parts.append(Part(values, places))
    return add_in_order(graph, parts), codes


def add_in_order(graph: Graph, parts: Sequence[Part]) -> str:
    """Put parts side by side, each column in its place."""
    if not parts:
        return ""
    joined = parts[0].values
    if len(parts) > 1:
        joined = graph.node("Concat", *(part.values for part in parts), axis=1)
    places = np.concatenate([part.places for part in parts])
    if np.array_equal(places, np.arange(len(places))):
        return joined
    return graph.node("Gather", joined, graph.constant(np.argsort(places), "int64"), axis=1)


def level_inputs(
    columns: TableColumns,
    scalings: Scalings,
    encodings: Sequence[TargetEncoding] | None,
    i: int,
) -> tuple[IndexArray, FloatArray]:
    """What each code of a category becomes.

    Parameters
    ----------
    columns, scalings, encodings
        See `add_inputs`.
    i : int
        Place of the category in `columns`.

    Returns
    -------
    places : ndarray of int
        Of its inputs among all of them.
    table : ndarray of shape (n_levels + 1, n_places)
        Of each code.
    """
    places = np.flatnonzero(_input_owners(columns, scalings, encodings) == _category(i))
    n_codes = columns.categories[i].n_levels + 1
    codes = [np.zeros(n_codes, dtype=np.intp) for _ in columns.categories]
    codes[i] = np.arange(n_codes)
    numbers = np.repeat(columns.numbers.means[:, None], n_codes, axis=1)
    values = ColumnValues(numbers, codes)
    if encodings is None:
        means = [np.zeros((n_codes, 0)) for _ in columns.by_target]
    else:
        by_target = zip(encodings, columns.by_target, strict=True)
        means = [encoding.transform(codes[j]) for encoding, j in by_target]
    inputs = scalings.transform(columns.continuous(values, means), columns.signs(values))
    return places, inputs[:, places]


# ---------------------------------------------------------------- columns of numbers

#: Whose input it is: a number's by its place, a missing value's by this and its place, ...
_NUMBER, _BINARY, _MISSING = 0, 1, 2


def _category(i: int) -> int:
    return 3 + i


def _owners(
    columns: TableColumns, encodings: Sequence[TargetEncoding] | None
) -> tuple[IndexArray, IndexArray]:
    """Which kind of column each row of `TableColumns.continuous` and of `signs` comes from."""
    numbers = columns.numbers
    continuous = [_NUMBER] * len(numbers.continuous)
    for place, i in enumerate(columns.by_target):
        n_targets = 0 if encodings is None else encodings[place].means.shape[1]
        continuous += [_category(i)] * (n_targets + 1)
    signs = [_BINARY] * len(numbers.binary) + [_MISSING] * len(numbers.with_missing)
    for i, category in enumerate(columns.categories):
        if category.encoding in (SIGN, ONE_HOT):
            signs += [_category(i)] * len(category.signs())
    return np.array(continuous, dtype=np.intp), np.array(signs, dtype=np.intp)


def _input_owners(
    columns: TableColumns, scalings: Scalings, encodings: Sequence[TargetEncoding] | None
) -> IndexArray:
    """The same for each input of a network."""
    continuous, signs = _owners(columns, encodings)
    ways = 1 if scalings.normal is None else 2
    return np.concatenate([*[continuous[scalings.continuous]] * ways, signs[scalings.signs]])


def _number_parts(
    graph: Graph,
    raw: RawInputs,
    columns: TableColumns,
    scalings: Scalings,
    encodings: Sequence[TargetEncoding] | None,
) -> list[Part]:
    """The inputs that come from columns of numbers."""
    features = np.flatnonzero(~columns.is_categorical)
    numbers, robust = columns.numbers, scalings.robust
    owners = _input_owners(columns, scalings, encodings)
    parts = []
    # Places among the columns of numbers, and in the statistics of what is kept.
    in_robust = np.flatnonzero(scalings.continuous < len(numbers.continuous))
    own = numbers.continuous[scalings.continuous[in_robust]]
    if len(own):
        x = _add_filled(graph, raw.numbers(features[own]), numbers.means[own])
        of_columns = RobustScaling(robust.center[in_robust], robust.scale[in_robust])
        scaled = [add_robust_scaling(graph, x, of_columns)]
        if scalings.normal is not None:
            normal = NormalScaling(scalings.normal.knots[in_robust])
            scaled.insert(0, add_normal_quantiles(graph, x, normal))
        places = np.flatnonzero(owners == _NUMBER).reshape(len(scaled), -1)
        parts += [Part(*each) for each in zip(scaled, places, strict=True)]
    n_binary = len(numbers.binary)
    in_signs = np.flatnonzero(scalings.signs < n_binary)
    own = numbers.binary[scalings.signs[in_signs]]
    if len(own):
        x = _add_filled(graph, raw.numbers(features[own]), numbers.means[own])
        signs = _add_sign(graph, x, numbers.lowest[own], numbers.highest[own])
        scaling = _rows_of(scalings.of_signs, in_signs)
        places = np.flatnonzero(owners == _BINARY)
        parts.append(Part(add_robust_scaling(graph, signs, scaling), places))
    kept = scalings.signs - n_binary
    in_signs = np.flatnonzero((kept >= 0) & (kept < len(numbers.with_missing)))
    own = numbers.with_missing[kept[in_signs]]
    if len(own):
        missing = graph.node("IsNaN", raw.numbers(features[own]))
        scaling = _rows_of(scalings.of_signs, in_signs)
        absent, present = scaling.transform(np.tile([-1.0, 1.0], (len(own), 1))).T
        values = graph.node(
            "Where", missing, graph.constant(present[None]), graph.constant(absent[None])
        )
        parts.append(Part(values, np.flatnonzero(owners == _MISSING)))
    return parts


def _rows_of(scaling: RobustScaling, rows: npt.NDArray[Any]) -> RobustScaling:
    return RobustScaling(scaling.center[rows], scaling.scale[rows])


def _add_filled(graph: Graph, x: str, means: FloatArray) -> str:
    """Numbers with the mean where they are missing."""
    return graph.node("Where", graph.node("IsNaN", x), graph.constant(means[None]), x)


def _add_sign(graph: Graph, x: str, low: FloatArray, high: FloatArray) -> str:
    """Of two values the smaller becomes -1, the larger +1; see `Numbers.signs`."""
    half_range = np.maximum((high - low) / 2, np.finfo(np.float64).tiny)
    centred = graph.node("Sub", x, graph.constant((low + high)[None] / 2))
    signs = graph.node("Div", centred, graph.constant(half_range[None]))
    return graph.node("Clip", signs, graph.constant(-1e100), graph.constant(1e100))
