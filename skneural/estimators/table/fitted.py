"""What a fit has found in a table, and the inputs of a network that it makes of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.data import stand_in
from skneural.estimators.table.categories import TARGET, Category, sign_columns
from skneural.estimators.table.idle_columns import warn_of_idle_column, warn_of_other_type
from skneural.estimators.table.numeric import Numbers
from skneural.estimators.table.packing import pack
from skneural.estimators.table.reading import CheckedTable, RawColumn, about_all_rows
from skneural.estimators.table.scaling import (
    N_QUANTILES,
    NormalScaling,
    Quantiles,
    RobustScaling,
    are_of_many_magnitudes,
)
from skneural.estimators.table.target_encoding import TargetEncoding, log_counts, out_of_fold
from skneural.estimators.version import check_format

#: Of the dicts in a file. A later version that changes them reads the earlier ones.
FORMAT = 3

#: Elements of a run of rows, and the rows that it has at least.
RUN_ELEMENTS = 2**22
MIN_RUN_ROWS = 1024


@dataclass(frozen=True)
class ColumnValues:
    """The columns of some rows, read but neither filled nor scaled.

    Attributes
    ----------
    numbers : ndarray of shape (n_numbers, n_rows)
        NaN where they are missing.
    codes : list of ndarray of shape (n_rows,)
        Levels of each category.
    """

    numbers: FloatArray
    codes: list[IndexArray]


@dataclass(frozen=True)
class TableColumns:
    """Which columns there are, and all statistics of them that need no y.

    Attributes
    ----------
    is_categorical : ndarray of bool of shape (n_features,)
    numbers : Numbers
    categories : list of Category
    log_counts : list of ndarray of shape (n_levels + 1,)
        Of each category that is encoded by target.
    """

    is_categorical: npt.NDArray[np.bool_]
    numbers: Numbers
    categories: list[Category]
    log_counts: list[FloatArray]

    @classmethod
    def fit(
        cls,
        table: Sequence[RawColumn],
        is_categorical: npt.NDArray[np.bool_],
        weight: FloatArray | None,
        max_one_hot: int,
    ) -> tuple[Self, ColumnValues]:
        """Statistics of training rows, and the rows."""
        numbers = _number_matrix(table, is_categorical)
        categories, codes = [], []
        for j in np.flatnonzero(is_categorical).tolist():
            labels = table[j].labels()
            categories.append(Category.fit(j, labels, max_one_hot))
            codes.append(categories[-1].codes(labels))
            warn_of_idle_column(table[j], categories[-1], labels)
        counts = [
            log_counts(own, weight, category.n_levels)
            for category, own in zip(categories, codes, strict=True)
            if category.encoding == TARGET
        ]
        columns = cls(is_categorical, Numbers.fit(numbers, weight), categories, counts)
        return columns, ColumnValues(numbers, codes)

    def read(self, table: Sequence[RawColumn]) -> ColumnValues:
        """The columns of further rows."""
        numbers = _number_matrix(table, self.is_categorical)
        codes = []
        for category in self.categories:
            column = table[category.number]
            labels = column.labels()
            codes.append(category.codes(labels))
            warn_of_other_type(column, category, labels)
        return ColumnValues(numbers, codes)

    @property
    def by_target(self) -> list[int]:
        """Places in `categories` of those that are encoded by target."""
        return [i for i, each in enumerate(self.categories) if each.encoding == TARGET]

    def places_by_target(self, table: Sequence[RawColumn]) -> list[str]:
        """What these are called in errors and warnings."""
        return [table[self.categories[i].number].place for i in self.by_target]

    def fit_encodings(
        self,
        values: ColumnValues,
        targets: FloatArray,
        weight: FloatArray | None,
        prior_weight: float,
    ) -> list[TargetEncoding]:
        """Of each category that is encoded by target, from all rows; see `TargetEncoding.fit`."""
        return [
            TargetEncoding.fit(
                values.codes[i], targets, weight, self.categories[i].n_levels, prior_weight
            )
            for i in self.by_target
        ]

    def encoded_out_of_fold(
        self,
        values: ColumnValues,
        targets: FloatArray,
        weight: FloatArray | None,
        prior_weight: float,
        folds: IndexArray,
    ) -> list[FloatArray]:
        """The means of the same categories, each row's from the other folds; see `out_of_fold`."""
        return [
            out_of_fold(
                values.codes[i], targets, weight, folds, self.categories[i].n_levels, prior_weight
            )
            for i in self.by_target
        ]

    def continuous(self, values: ColumnValues, means: Sequence[FloatArray]) -> FloatArray:
        """Numbers and encodings by target, of shape (n_columns, n_rows), not scaled.

        Parameters
        ----------
        values : ColumnValues
        means : sequence of ndarray of shape (n_rows, n_targets)
            Of each category that is encoded by target.
        """
        parts = [self.numbers.filled(values.numbers)]
        for i, counts, own in zip(self.by_target, self.log_counts, means, strict=True):
            parts += [own.T, counts[values.codes[i]][None]]
        return np.concatenate(parts)

    def signs(self, values: ColumnValues) -> FloatArray:
        """Columns of few values, -1, 0 and +1, of shape (n_columns, n_rows), not scaled."""
        signs = sign_columns(self.categories, values.codes)
        numbers = self.numbers.signs(values.numbers)
        return np.concatenate([numbers, np.stack(signs)]) if signs else numbers

    def continuous_names(self, inputs: Sequence[Any], targets: Sequence[str]) -> list[str]:
        """What the rows of `continuous` are called."""
        numbers = np.flatnonzero(~self.is_categorical)
        names = [f"{inputs[j]}" for j in numbers[self.numbers.continuous]]
        for i in self.by_target:
            name = inputs[self.categories[i].number]
            names += [f"{name}_{target}" for target in targets] + [f"{name}_log_count"]
        return names

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `plain_data`."""
        numbers = dict(plain["numbers"])
        if "means" in numbers:  # in files of before: what stands in for missing numbers
            numbers["stand_ins"] = numbers.pop("means")
        return cls(
            plain["is_categorical"],
            Numbers(**numbers),
            [Category(**each) for each in plain["categories"]],
            plain["log_counts"],
        )

    def sign_names(self, inputs: Sequence[Any]) -> list[str]:
        """What the rows of `signs` are called."""
        numbers = np.flatnonzero(~self.is_categorical)
        names = [f"{inputs[j]}" for j in numbers[self.numbers.binary]]
        names += [f"{inputs[j]}_missing" for j in numbers[self.numbers.with_missing]]
        for category in self.categories:
            if category.encoding in ("sign", "one-hot"):
                names += [f"{inputs[category.number]}_{level}" for level in category.sign_names()]
        return names


@dataclass(frozen=True)
class Scalings:
    """Scales columns and puts them side by side; those that are constant in training are dropped.

    Attributes
    ----------
    continuous, signs : ndarray of int
        Which of the columns are kept.
    robust : RobustScaling
        Of the continuous columns that are kept.
    of_signs : RobustScaling
    normal : NormalScaling or None
        Of the continuous columns; None to have these by `robust` only.
    ranked : ndarray of int
        Those of the continuous columns that are kept which are scaled by `of_ranked` in the place
        of `robust`: without `normal`, those of many orders of magnitude.
    of_ranked : NormalScaling
    """

    continuous: IndexArray
    signs: IndexArray
    robust: RobustScaling
    of_signs: RobustScaling
    normal: NormalScaling | None
    ranked: IndexArray
    of_ranked: NormalScaling

    @classmethod
    def fit(
        cls,
        continuous: FloatArray,
        signs: FloatArray,
        weight: FloatArray | None,
        *,
        has_quantiles: bool,
        n_quantiles: int = N_QUANTILES,
    ) -> Self:
        """Statistics of training rows, given as the columns of the two matrices."""
        kept = np.flatnonzero(continuous.max(axis=1) > continuous.min(axis=1))
        kept_signs = np.flatnonzero(signs.max(axis=1) > signs.min(axis=1))
        quantiles = Quantiles(continuous[kept], weight)
        robust = RobustScaling.fit(quantiles)
        normal, ranked = None, np.arange(0)
        if has_quantiles:
            normal = NormalScaling.fit(quantiles, n_quantiles)
        else:
            ranked = np.flatnonzero(are_of_many_magnitudes(quantiles, robust))
        return cls(
            kept,
            kept_signs,
            robust,
            RobustScaling.fit(Quantiles(signs[kept_signs], weight)),
            normal,
            ranked,
            NormalScaling.fit(Quantiles(continuous[kept[ranked]], weight), n_quantiles),
        )

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `plain_data`."""
        normal = plain["normal"]
        return cls(
            plain["continuous"],
            plain["signs"],
            RobustScaling(**plain["robust"]),
            RobustScaling(**plain["of_signs"]),
            None if normal is None else NormalScaling.from_dict(normal),
            # Earlier files have none.
            plain.get("ranked", np.arange(0)),
            NormalScaling.from_dict(plain.get("of_ranked", pack(np.empty((0, 2))))),
        )

    def transform(self, continuous: FloatArray, signs: FloatArray) -> FloatArray:
        """The inputs of a network, of shape (n_rows, n_inputs).

        First the normal quantiles of the continuous columns if there are, then these columns by
        robust scaling or by their ranks, then the signs.
        """
        n, n_signs = len(self.continuous), len(self.signs)
        start = 0 if self.normal is None else n
        inputs = np.empty((continuous.shape[1], start + n + n_signs))
        for rows in row_runs(*inputs.shape):
            part = continuous[self.continuous, rows]
            if self.normal is not None:
                inputs[rows, :n] = self.normal.transform(part).T
            scaled = self.robust.transform(part)
            scaled[self.ranked] = self.of_ranked.transform(part[self.ranked])
            inputs[rows, start : start + n] = scaled.T
            inputs[rows, start + n :] = self.of_signs.transform(signs[self.signs, rows]).T
        return inputs


@dataclass(frozen=True)
class FittedTable:
    """All that a fit has found.

    Attributes
    ----------
    feature_names : ndarray of str or None
    target_type : {'classification', 'regression'} or None
    target_names : list of str
        Of the columns that stand for y in the encoding of one category.
    columns : TableColumns
    encodings : list of TargetEncoding
        Of each category that is encoded by target.
    scalings : Scalings
    """

    feature_names: npt.NDArray[Any] | None
    target_type: str | None
    target_names: list[str]
    columns: TableColumns
    encodings: list[TargetEncoding]
    scalings: Scalings

    def transform(self, table: Sequence[RawColumn]) -> FloatArray:
        """The inputs of a network, of shape (n_rows, n_inputs)."""
        runs = row_runs(len(table[0].values), len(table))
        return self._in_runs(runs, lambda rows: [column.rows(rows) for column in table])

    def transform_rows(self, estimator: Any, X: Any) -> FloatArray:
        """The same of what a user passes, which is read in runs of rows.

        Parameters
        ----------
        estimator : estimator
            For its name.
        X : data frame, array or list
        """
        seen, length = stand_in(estimator, self), run_length(self.n_features)
        table = CheckedTable(estimator, seen, X, reset=False, n_first=length)
        with about_all_rows(lambda: self.columns.read(table.columns())):
            return self._in_runs(row_runs(*table.shape), table.columns)

    def _in_runs(
        self, runs: list[slice], columns_of: Callable[[slice], Sequence[RawColumn]]
    ) -> FloatArray:
        if len(runs) == 1:
            return self._transform(columns_of(runs[0]))
        inputs = np.empty((runs[-1].stop, self.n_inputs))
        for rows in runs:
            inputs[rows] = self._transform(columns_of(rows))
        return inputs

    def _transform(self, table: Sequence[RawColumn]) -> FloatArray:
        values = self.columns.read(table)
        codes = [values.codes[i] for i in self.columns.by_target]
        means = [each.transform(own) for each, own in zip(self.encodings, codes, strict=True)]
        return self.scalings.transform(
            self.columns.continuous(values, means), self.columns.signs(values)
        )

    @property
    def n_features(self) -> int:
        """Number of columns of the table."""
        return len(self.columns.is_categorical)

    @property
    def n_continuous(self) -> int:
        """Number of continuous columns: the first inputs, once or in two ways."""
        return len(self.scalings.continuous)

    @property
    def n_inputs(self) -> int:
        """Number of columns that come out."""
        ways = 1 if self.scalings.normal is None else 2
        return ways * self.n_continuous + len(self.scalings.signs)

    def input_names(self, features: Sequence[Any]) -> list[str]:
        """What the inputs of the network are called, given the names of the features."""
        all_names = self.columns.continuous_names(features, self.target_names)
        names = [all_names[j] for j in self.scalings.continuous]
        all_signs = self.columns.sign_names(features)
        normal = [] if self.scalings.normal is None else [f"{name}_normal" for name in names]
        scaled = [f"{name}_scaled" for name in names]
        return _unique(normal + scaled + [all_signs[j] for j in self.scalings.signs])

    # ---------------------------------------------------------------- plain data, for pickles

    def to_dict(self) -> dict[str, Any]:
        """The same as built-in types and arrays."""
        parts = {field.name: plain_data(getattr(self, field.name)) for field in fields(self)}
        return {"format": FORMAT, **parts}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises
        ------
        ValueError
            If a later version of skneural has made it.
        """
        # There are pickles from before the format had a number.
        plain = dict(plain)
        check_format(plain.pop("format", 1), FORMAT)
        return replace(
            cls(**plain),
            columns=TableColumns.from_dict(plain["columns"]),
            encodings=[TargetEncoding(**each) for each in plain["encodings"]],
            scalings=Scalings.from_dict(plain["scalings"]),
        )


def row_runs(n_rows: int, n_columns: int) -> list[slice]:
    """Runs of rows, so that the arrays in between are small beside a large table."""
    length = run_length(n_columns)
    return [slice(i, min(i + length, n_rows)) for i in range(0, n_rows, length)]


def run_length(n_columns: int) -> int:
    """Rows of a run."""
    return max(MIN_RUN_ROWS, RUN_ELEMENTS // max(n_columns, 1))


def plain_data(value: Any) -> Any:
    """Dataclasses of arrays, numbers and lists as dicts, for pickles."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: plain_data(getattr(value, field.name)) for field in fields(value)}
    return [plain_data(each) for each in value] if isinstance(value, list) else value


def _number_matrix(table: Sequence[RawColumn], is_categorical: npt.NDArray[np.bool_]) -> FloatArray:
    """The columns of numbers, as the rows of a matrix."""
    places = np.flatnonzero(~is_categorical).tolist()
    numbers = np.empty((len(places), len(table[0].values)))
    for row, j in zip(numbers, places, strict=True):
        row[:] = table[j].numbers()
    return numbers


def _unique(names: list[str]) -> list[str]:
    """The names, with a number added to those that occurred before."""
    seen: set[str] = set()
    unique = []
    for name in names:
        new, number = name, 1
        while new in seen:
            number += 1
            new = f"{name}_{number}"
        seen.add(new)
        unique.append(new)
    return unique
