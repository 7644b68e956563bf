"""Raw tables as inputs of a network: `TableEncoder`, and what the ensembles for tables share.

A graph has one input for each column of a frame, or one matrix. Numbers are computed in double
precision, as in Python. Whatever a category becomes is a function of its level alone: here it is a
table with a row for each level, filled by the encoder itself when a model is converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.categories import ONE_HOT, SIGN
from skneural.estimators.table.fitted import ColumnValues, Scalings, TableColumns
from skneural.estimators.table.scaling import NormalScaling, RobustScaling
from skneural.estimators.table.target_encoding import TargetEncoding
from skneural.onnx.graph import Graph
from skneural.onnx.normal_quantiles import add_clipped, add_normal_quantiles, add_robust_scaling
from skneural.onnx.table_columns import RawInputs

#: What an input is made from: a number, which of two numbers, whether one is missing; from here on
#: the categories.
NUMBER, BINARY, MISSING, FIRST_CATEGORY = range(4)


@dataclass
class Part:
    """Some of the inputs of a network.

    Attributes
    ----------
    values : str
        Of shape (n_rows, n_places).
    places : ndarray of int
        Which of all inputs they are.
    """

    values: str
    places: IndexArray


@dataclass(frozen=True)
class FittedInputs:
    """What a fit has found, and which column each input of a network comes from.

    Attributes
    ----------
    columns : TableColumns
    scalings : Scalings
    encodings : list of TargetEncoding or None
        Of the categories that are encoded by target; None for no means of theirs among the inputs.
    """

    columns: TableColumns
    scalings: Scalings
    encodings: Sequence[TargetEncoding] | None

    @lazy_property
    def sources(self) -> IndexArray:
        """What each input is made from."""
        continuous, signs = self._sources_of_columns()
        ways = 1 if self.scalings.normal is None else 2
        kept = [continuous[self.scalings.continuous]] * ways
        return np.concatenate([*kept, signs[self.scalings.signs]])

    def _sources_of_columns(self) -> tuple[IndexArray, IndexArray]:
        """The same for the rows of `TableColumns.continuous` and `TableColumns.signs`."""
        numbers, categories = self.columns.numbers, self.columns.categories
        continuous = [NUMBER] * len(numbers.continuous)
        for place, i in enumerate(self.columns.by_target):
            n_means = 0 if self.encodings is None else self.encodings[place].means.shape[1]
            continuous += [FIRST_CATEGORY + i] * (n_means + 1)
        signs = [BINARY] * len(numbers.binary) + [MISSING] * len(numbers.with_missing)
        for i, category in enumerate(categories):
            if category.encoding in (SIGN, ONE_HOT):
                signs += [FIRST_CATEGORY + i] * len(category.signs())
        return np.array(continuous, dtype=np.intp), np.array(signs, dtype=np.intp)

    def of_levels(self, i: int) -> tuple[IndexArray, FloatArray]:
        """The inputs that a category makes, and what each of its codes becomes.

        Parameters
        ----------
        i : int
            Place of the category in `columns`.

        Returns
        -------
        places : ndarray of int
            Of its inputs among all of them.
        table : ndarray of shape (n_levels + 1, n_places)
        """
        columns = self.columns
        places = np.flatnonzero(self.sources == FIRST_CATEGORY + i)
        n_codes = columns.categories[i].n_levels + 1
        codes = [np.zeros(n_codes, dtype=np.intp) for _ in columns.categories]
        codes[i] = np.arange(n_codes)
        numbers = np.repeat(columns.numbers.stand_ins[:, None], n_codes, axis=1)
        values = ColumnValues(numbers, codes)
        means: list[FloatArray] = [np.zeros((n_codes, 0)) for _ in columns.by_target]
        if self.encodings is not None:
            by_target = zip(self.encodings, columns.by_target, strict=True)
            means = [encoding.transform(codes[j]) for encoding, j in by_target]
        inputs = self.scalings.transform(columns.continuous(values, means), columns.signs(values))
        return places, inputs[:, places]


def add_inputs(graph: Graph, raw: RawInputs, fitted: FittedInputs) -> str:
    """Add the nodes from raw columns to the inputs of a network.

    Parameters
    ----------
    graph : Graph
        Of double precision.
    raw : RawInputs
    fitted : FittedInputs

    Returns
    -------
    inputs : str
        Of shape (n_rows, n_inputs), see `Scalings.transform`; empty if there are none.
    """
    parts = [
        *_continuous_parts(graph, raw, fitted),
        *_binary_parts(graph, raw, fitted),
        *_missing_parts(graph, raw, fitted),
    ]
    for i, category in enumerate(fitted.columns.categories):
        places, table = fitted.of_levels(i)
        if len(places):
            of_rows = graph.node("Gather", graph.constant(table), raw.codes(category))
            parts.append(Part(of_rows, places))
    return add_in_order(graph, parts)


def add_in_order(graph: Graph, parts: Sequence[Part]) -> str:
    """Put parts side by side, each column in its place; empty if there are none."""
    if not parts:
        return ""
    joined = parts[0].values
    if len(parts) > 1:
        joined = graph.node("Concat", *(part.values for part in parts), axis=1)
    places = np.concatenate([part.places for part in parts])
    if np.array_equal(places, np.arange(len(places))):
        return joined
    return graph.node("Gather", joined, graph.constant(np.argsort(places), "int64"), axis=1)


# ---------------------------------------------------------------- columns of numbers


def _continuous_parts(graph: Graph, raw: RawInputs, fitted: FittedInputs) -> list[Part]:
    numbers, scalings = fitted.columns.numbers, fitted.scalings
    # First in all of these statistics are the numbers, then what is encoded by target.
    kept = np.flatnonzero(scalings.continuous < len(numbers.continuous))
    own = numbers.continuous[scalings.continuous[kept]]
    if not len(own):
        return []
    x = _add_filled(graph, raw, fitted, own)
    places = np.flatnonzero(fitted.sources == NUMBER).reshape(-1, len(own))
    parts = []
    if scalings.normal is not None:
        knots = scalings.normal.knots[kept]
        parts.append(Part(add_normal_quantiles(graph, x, NormalScaling(knots)), places[0]))
    is_ranked = np.isin(kept, scalings.ranked)
    by_range = np.flatnonzero(~is_ranked)
    if len(by_range):
        own_x = _columns_of(graph, x, by_range) if np.any(is_ranked) else x
        scaled = add_robust_scaling(graph, own_x, _rows_of(scalings.robust, kept[by_range]))
        parts.append(Part(scaled, places[-1, by_range]))
    if np.any(is_ranked):
        of_numbers = np.isin(scalings.ranked, kept)
        ranks = add_normal_quantiles(
            graph,
            _columns_of(graph, x, np.flatnonzero(is_ranked)),
            NormalScaling(scalings.of_ranked.knots[of_numbers]),
        )
        parts.append(Part(ranks, places[-1, is_ranked]))
    return parts


def _columns_of(graph: Graph, x: str, index: IndexArray) -> str:
    """Some of the columns."""
    return graph.node("Gather", x, graph.constant(index, "int64"), axis=1)


def _binary_parts(graph: Graph, raw: RawInputs, fitted: FittedInputs) -> list[Part]:
    numbers, scalings = fitted.columns.numbers, fitted.scalings
    kept = np.flatnonzero(scalings.signs < len(numbers.binary))
    own = numbers.binary[scalings.signs[kept]]
    if not len(own):
        return []
    # As in `Numbers.signs`.
    low, high = numbers.lowest[own], numbers.highest[own]
    half_range = np.maximum((high - low) / 2, np.finfo(np.float64).tiny)
    x = _add_filled(graph, raw, fitted, own)
    centred = graph.node("Sub", x, graph.constant((low + high)[None] / 2))
    signs = graph.node("Div", centred, graph.constant(half_range[None]))
    signs = add_clipped(graph, signs, -1e100, 1e100)
    scaled = add_robust_scaling(graph, signs, _rows_of(scalings.of_signs, kept))
    return [Part(scaled, np.flatnonzero(fitted.sources == BINARY))]


def _missing_parts(graph: Graph, raw: RawInputs, fitted: FittedInputs) -> list[Part]:
    numbers, scalings = fitted.columns.numbers, fitted.scalings
    places = scalings.signs - len(numbers.binary)
    kept = np.flatnonzero((places >= 0) & (places < len(numbers.with_missing)))
    own = numbers.with_missing[places[kept]]
    if not len(own):
        return []
    is_missing = graph.node("IsNaN", raw.numbers(_features(fitted, own)))
    scaling = _rows_of(scalings.of_signs, kept)
    absent, present = scaling.transform(np.tile([-1.0, 1.0], (len(own), 1))).T
    values = graph.constant(present[None]), graph.constant(absent[None])
    scaled = graph.node("Where", is_missing, *values)
    return [Part(scaled, np.flatnonzero(fitted.sources == MISSING))]


def _features(fitted: FittedInputs, numbers: IndexArray) -> IndexArray:
    """The places in the table of some columns of numbers."""
    features: IndexArray = np.flatnonzero(~fitted.columns.is_categorical)[numbers]
    return features


def _add_filled(graph: Graph, raw: RawInputs, fitted: FittedInputs, numbers: IndexArray) -> str:
    """Columns of numbers with what stands in where they are missing."""
    x = raw.numbers(_features(fitted, numbers))
    stand_ins = graph.constant(fitted.columns.numbers.stand_ins[None, numbers])
    return graph.node("Where", graph.node("IsNaN", x), stand_ins, x)


def _rows_of(scaling: RobustScaling, rows: IndexArray) -> RobustScaling:
    return RobustScaling(scaling.center[rows], scaling.scale[rows])
