"""The inputs of the members: columns that all share, and encodings by target of each member's own.

A level of a category that is encoded by target would give away a little of the targets that it is
the mean of. So each member has the means of its own training rows: what it encodes the rows by
which it is judged knows nothing of their targets, and its training rows are encoded by five inner
folds of them. All statistics that need no targets are those of all rows, and the columns that they
make are there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.fitted import ColumnValues, Scalings, TableColumns
from skneural.estimators.table.idle_columns import nothing_to_learn, warn_of_counted_columns
from skneural.estimators.table.reading import RawColumn
from skneural.estimators.table.scaling import (
    N_QUANTILES,
    NormalScaling,
    Quantiles,
    RobustScaling,
)
from skneural.estimators.table.target_encoding import TargetEncoding
from skneural.estimators.tabular.folds import Fold

#: By how many rows with the mean of y each level is extended.
PRIOR_WEIGHT = 10.0

#: Folds in which the training rows of a member are encoded.
N_INNER_FOLDS = 5


@dataclass(frozen=True)
class Inputs:
    """Rows as the members read them.

    Attributes
    ----------
    shared : ndarray of shape (n_rows, n_shared)
    own : ndarray of shape (K, n_rows, n_own) or None
        Columns of each member's own, which follow the others; None if there are none.
    """

    shared: FloatArray
    own: FloatArray | None

    def of_member(self, k: int, rows: Any = slice(None)) -> FloatArray:
        """All columns of some rows, as member k reads them."""
        if self.own is None:
            shared: FloatArray = self.shared[rows]
            return shared
        return np.concatenate([self.shared[rows], self.own[k][rows]], axis=1)

    def astype(self, dtype: npt.DTypeLike) -> Inputs:
        """The same in this dtype and in C order."""
        own = None if self.own is None else np.ascontiguousarray(self.own, dtype)
        return Inputs(np.ascontiguousarray(self.shared, dtype), own)


@dataclass(frozen=True)
class Layout:
    """Which columns of the inputs are numbers to be embedded, and which are passed on.

    Attributes
    ----------
    numbers, others : list of slice
        The shared ones first.
    """

    numbers: list[slice]
    others: list[slice]

    @classmethod
    def of(cls, n_continuous: int, n_shared: int, n_own: int, is_twofold: bool) -> Self:
        """The layout of inputs.

        Parameters
        ----------
        n_continuous : int
            Continuous columns among the shared ones, which come first.
        n_shared, n_own : int
            Columns in all; the own ones are continuous.
        is_twofold : bool
            Whether each continuous column comes twice, as normal quantiles and scaled.
        """
        n_embedded = n_own // 2 if is_twofold else n_own
        return cls(
            [slice(0, n_continuous), slice(n_shared, n_shared + n_embedded)],
            [slice(n_continuous, n_shared), slice(n_shared + n_embedded, n_shared + n_own)],
        )

    @property
    def n_numbers(self) -> int:
        """Columns to be embedded."""
        return sum(columns.stop - columns.start for columns in self.numbers)

    def without_embedding(self) -> Layout:
        """The same columns, all of them passed on."""
        return Layout([], sorted(self.numbers + self.others, key=lambda each: each.start))


@dataclass(frozen=True)
class MemberEncoding:
    """The categories that one member encodes by the targets of its training rows.

    Attributes
    ----------
    encodings : list of TargetEncoding
        Of each of these categories.
    is_constant : ndarray of bool of shape (n_columns,)
        Columns that are constant in the training rows: they are zero for all rows.
    robust : RobustScaling
    normal : NormalScaling or None
    """

    encodings: list[TargetEncoding]
    is_constant: npt.NDArray[np.bool_]
    robust: RobustScaling
    normal: NormalScaling | None

    def transform(self, means: Sequence[FloatArray]) -> FloatArray:
        """Columns of shape (n_rows, n_own), from the means of each category in each row."""
        columns = np.concatenate([own.T for own in means])
        parts = [] if self.normal is None else [self.normal.transform(columns)]
        parts.append(self.robust.transform(columns))
        for part in parts:
            part[self.is_constant] = 0.0
        return np.concatenate(parts).T

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data. In files, an array takes more than the few numbers in it."""
        center, scale = self.robust.center.tolist(), self.robust.scale.tolist()
        means = [each.means for each in self.encodings]
        return {
            "encodings": {"means": np.concatenate(means), "n_rows": list(map(len, means))},
            "is_constant": self.is_constant.tolist(),
            "robust": {"center": center, "scale": scale},
            "normal": None if self.normal is None else self.normal.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        normal, encodings = plain["normal"], plain["encodings"]
        if isinstance(encodings, dict):
            means = np.split(encodings["means"], np.cumsum(encodings["n_rows"])[:-1])
        else:  # of an earlier file
            means = [each["means"] for each in encodings]
        return cls(
            list(map(TargetEncoding, means)),
            np.array(plain["is_constant"], dtype=bool),
            RobustScaling(**{name: np.array(each) for name, each in plain["robust"].items()}),
            None if normal is None else NormalScaling.from_dict(normal),
        )


@dataclass(frozen=True)
class MemberTable:
    """All that training has found in a table.

    Attributes
    ----------
    feature_names : ndarray of str or None
    columns : TableColumns
    scalings : Scalings
        Of the columns that all members share.
    members : list of MemberEncoding
        Empty if no category is encoded by target.
    """

    feature_names: npt.NDArray[Any] | None
    columns: TableColumns
    scalings: Scalings
    members: list[MemberEncoding]

    @property
    def n_features(self) -> int:
        """Number of columns of the table."""
        return len(self.columns.is_categorical)

    @property
    def n_continuous(self) -> int:
        """Continuous columns that all members share."""
        return len(self.scalings.continuous)

    @property
    def n_shared(self) -> int:
        """Inputs that all members share."""
        ways = 1 if self.scalings.normal is None else 2
        return ways * self.n_continuous + len(self.scalings.signs)

    @property
    def n_own(self) -> int:
        """Inputs that each member has for itself."""
        if not self.members:
            return 0
        ways = 1 if self.scalings.normal is None else 2
        return ways * len(self.members[0].is_constant)

    @property
    def layout(self) -> Layout:
        """Which inputs are numbers."""
        is_twofold = self.scalings.normal is not None
        return Layout.of(self.n_continuous, self.n_shared, self.n_own, is_twofold)

    def transform(self, table: Sequence[RawColumn]) -> Inputs:
        """The inputs of rows that no member was trained on."""
        values = self.columns.read(table)
        shared = _shared(self.columns, self.scalings, values)
        if not self.members:
            return Inputs(shared, None)
        codes = [values.codes[i] for i in self.columns.by_target]
        own = [
            member.transform(
                [each.transform(c) for each, c in zip(member.encodings, codes, strict=True)]
            )
            for member in self.members
        ]
        return Inputs(shared, np.stack(own))

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `skneural.estimators.table.fitted.plain_data`."""
        table = cls(**plain)
        return replace(
            table,
            columns=TableColumns.from_dict(plain["columns"]),
            scalings=Scalings.from_dict(plain["scalings"]),
            members=[MemberEncoding.from_dict(each) for each in plain["members"]],
        )


def fit_table(
    feature_names: npt.NDArray[Any] | None,
    table: Sequence[RawColumn],
    is_categorical: npt.NDArray[np.bool_],
    weight: FloatArray | None,
    targets: FloatArray,
    target_weight: FloatArray | None,
    folds: Sequence[Fold],
    rng: np.random.RandomState,
    *,
    max_one_hot: int,
    quantile_inputs: bool,
    together: IndexArray | None = None,
) -> tuple[MemberTable, Inputs]:
    """What there is in a table of training rows, and the inputs that it makes of them.

    Parameters
    ----------
    feature_names : ndarray of str or None
    table : sequence of RawColumn
    is_categorical : ndarray of bool
    weight : ndarray of shape (n_rows,) or None
        For statistics of the columns, see `skneural.estimators.table.weights.frequencies`.
    targets : ndarray of shape (n_rows, n_targets)
        What stands for y in the encoding by target.
    target_weight : ndarray of shape (n_rows,) or None
        For these.
    folds : sequence of Fold
        The rows of each member.
    rng : RandomState
        Draws the inner folds.
    max_one_hot : int
    quantile_inputs : bool
    together : ndarray of shape (n_rows,) or None, default=None
        Rows with the same number, from 0 on, are in one inner fold: of one group, or copies.

    Raises
    ------
    ValueError
        If all columns are constant.
    """
    columns, values = TableColumns.fit(table, is_categorical, weight, max_one_hot)
    continuous = columns.continuous(values, _no_means(columns, values))
    signs = columns.signs(values)
    scalings = Scalings.fit(continuous, signs, weight, has_quantiles=quantile_inputs)
    shared = scalings.transform(continuous, signs)
    members, own = [], []
    if columns.by_target and targets.shape[1]:
        for fold in folds:
            inner = _inner_folds(fold.train, together, rng)
            member, encoded = _fit_member(
                columns, values, targets, target_weight, fold.train, inner, quantile_inputs
            )
            members.append(member)
            # As networks read them: those of all members are the largest arrays of a fit.
            own.append(encoded.astype(np.float32))
    elif columns.by_target:
        warn_of_counted_columns(columns.places_by_target(table))
    fitted = MemberTable(feature_names, columns, scalings, members)
    if fitted.n_shared + fitted.n_own == 0:
        has_counted = bool(columns.by_target) and not targets.shape[1]
        raise ValueError(nothing_to_learn(len(targets), has_counted=has_counted))
    return fitted, Inputs(shared, np.stack(own) if own else None)


def _inner_folds(
    train: IndexArray, together: IndexArray | None, rng: np.random.RandomState
) -> IndexArray:
    """The inner fold of each training row; rows of one group share one, if there are several."""
    if together is not None:
        _, own = np.unique(together[train], return_inverse=True)
        n_groups = own.max() + 1
        if n_groups > 1:
            return (rng.permutation(n_groups) % N_INNER_FOLDS)[own]
    return rng.randint(N_INNER_FOLDS, size=len(train))


def _fit_member(
    columns: TableColumns,
    values: ColumnValues,
    targets: FloatArray,
    weight: FloatArray | None,
    train: IndexArray,
    inner: IndexArray,
    quantile_inputs: bool,
) -> tuple[MemberEncoding, FloatArray]:
    """What a member encodes by target, and the columns of all rows as it reads them."""
    codes = [values.codes[i] for i in columns.by_target]
    of_train = ColumnValues(values.numbers[:0], [each[train] for each in values.codes])
    own_weight = None if weight is None else weight[train]
    of_y = (of_train, targets[train], own_weight, PRIOR_WEIGHT)
    encodings = columns.fit_encodings(*of_y)
    means = [each.transform(own) for each, own in zip(encodings, codes, strict=True)]
    for own, out_of_fold in zip(means, columns.encoded_out_of_fold(*of_y, inner), strict=True):
        own[train] = out_of_fold
    trained = np.concatenate([own[train].T for own in means])
    if own_weight is not None and not np.all(own_weight):
        # A class whose weight is zero has no part in any statistic of y.
        trained, own_weight = trained[:, own_weight > 0], own_weight[own_weight > 0]
    quantiles = Quantiles(trained, own_weight)
    member = MemberEncoding(
        encodings,
        trained.max(axis=1) == trained.min(axis=1),
        RobustScaling.fit(quantiles),
        NormalScaling.fit(quantiles, N_QUANTILES) if quantile_inputs else None,
    )
    return member, member.transform(means)


def _shared(columns: TableColumns, scalings: Scalings, values: ColumnValues) -> FloatArray:
    continuous = columns.continuous(values, _no_means(columns, values))
    return scalings.transform(continuous, columns.signs(values))


def _no_means(columns: TableColumns, values: ColumnValues) -> list[FloatArray]:
    """In the place of encodings by target, of which none is shared."""
    return [np.zeros((len(values.codes[i]), 0)) for i in columns.by_target]
