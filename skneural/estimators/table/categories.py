"""Columns of categories: their levels, and levels as columns of -1, 0 and +1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.estimators.table.reading import Labels

#: Ways to encode: not at all, by a sign, one column for each level, by what y is on average.
CONSTANT, SIGN, ONE_HOT, TARGET = "constant", "sign", "one-hot", "target"

MISSING = "missing"


@dataclass(frozen=True)
class Category:
    """A column of categories, as training has seen it.

    Rows have the codes 0, 1, ..., one for each level in sorted order, then one for missing values
    if training had any, and last `unknown`, for all else.

    Attributes
    ----------
    number : int
        Of the column in X.
    levels : list
    has_missing : bool
        Whether training had missing values.
    encoding : {'constant', 'sign', 'one-hot', 'target'}
    tells_missing : bool, default=False
        Whether missing values have a column of their own beside those of two or more levels. Not so
        in files of earlier versions.
    """

    number: int
    levels: list[Any]
    has_missing: bool
    encoding: str
    tells_missing: bool = False

    @classmethod
    def fit(cls, number: int, labels: Labels, max_one_hot: int) -> Self:
        """Levels of a column of training rows.

        Parameters
        ----------
        number : int
            Of the column.
        labels : Labels
        max_one_hot : int
            With more levels than this, missing values counted as one, they are encoded by target.
        """
        values, index = labels
        occurs = np.bincount(index + 1, minlength=len(values) + 1) > 0
        levels = sorted((values[i] for i in np.flatnonzero(occurs[1:])), key=_sort_key)
        n_levels = len(levels) + int(occurs[0])
        if n_levels < 2:
            encoding = CONSTANT
        elif n_levels == 2 or len(levels) == 2:
            encoding = SIGN
        else:
            encoding = ONE_HOT if n_levels <= max_one_hot else TARGET
        tells_missing = bool(occurs[0]) and len(levels) > 1 and encoding in (SIGN, ONE_HOT)
        return cls(number, levels, bool(occurs[0]), encoding, tells_missing)

    @property
    def n_levels(self) -> int:
        """Number of levels, missing values included if training had any."""
        return len(self.levels) + self.has_missing

    @property
    def unknown(self) -> int:
        """Code of what training has not seen."""
        return self.n_levels

    @lazy_property
    def code_of_level(self) -> dict[Any, int]:
        """The code of each level."""
        return {level: i for i, level in enumerate(self.levels)}

    @lazy_property
    def code_of_single(self) -> dict[float, int]:
        """The code of each level that is a float, by what it is in single precision."""
        return {as_read(each): i for i, each in enumerate(self.levels) if isinstance(each, float)}

    @lazy_property
    def level_of_writing(self) -> dict[Any, Any]:
        """A level for each of what several may have in common, see `as_read`."""
        return {as_read(level): level for level in self.levels}

    def codes(self, labels: Labels) -> IndexArray:
        """The level of each row, as a code from 0 to `unknown`."""
        values, index = labels
        # The last is for the index -1, of missing values.
        lookup = np.empty(len(values) + 1, dtype=np.intp)
        lookup[:-1] = list(map(self.code_of, values))
        lookup[-1] = len(self.levels)  # which is `unknown` if training had none missing
        return lookup[index]

    def code_of(self, value: Any) -> int:
        """The code of a level, or `unknown`."""
        code = self.code_of_level
        if value not in code and isinstance(value, Decimal):
            value = float(value)
        if value not in code and isinstance(value, float):
            # What has been stored in single precision has become another number, such as 0.1.
            single = as_read(value)
            found = self.code_of_single.get(single, self.unknown)
            are_rounded = found != self.unknown and single in (value, self.levels[found])
            return found if are_rounded else self.unknown
        return code.get(value, self.unknown)

    def signs(self) -> FloatArray:
        """What stands for each code, of shape (n_signs, n_levels + 1).

        One row of -1 and +1 for two levels; for more of them, a row of 0 and 1 for each. There what
        is missing or unknown is 0, unless one of two levels is that of the missing values. Those of
        training have a last row of 0 and 1 beside two levels and more.
        """
        n_known = len(self.levels)
        of_each = np.eye(self.n_levels + 1)
        of_levels = of_each[:n_known]
        if self.encoding == SIGN:
            of_levels = np.zeros((1, self.n_levels + 1))
            of_levels[0, :2] = (-1.0, 1.0) if n_known == 2 else (1.0, -1.0)
        return np.concatenate([of_levels, of_each[n_known : n_known + self.tells_missing]])

    def sign_names(self) -> list[str]:
        """The levels that `signs` has the rows of."""
        names = self.levels[-1:] if self.encoding == SIGN else self.levels
        return [*map(str, names), *[MISSING] * self.tells_missing]


def as_read(level: Any) -> Any:
    """What a level has in common with others that a reader would take for the same."""
    if isinstance(level, bytes):
        level = level.decode(errors="replace")
    if isinstance(level, str):
        return level.strip().casefold()
    if isinstance(level, float) and abs(level) <= float(np.finfo(np.float32).max):
        return float(np.float32(level))
    return level


def sign_columns(categories: Sequence[Category], codes: Sequence[IndexArray]) -> list[FloatArray]:
    """The columns that encode categories by signs or one-hot, those of one category after another.

    Parameters
    ----------
    categories : sequence of Category
    codes : sequence of ndarray of shape (n_rows,)
        Of each category.
    """
    return [
        of_level[own]
        for category, own in zip(categories, codes, strict=True)
        if category.encoding in (SIGN, ONE_HOT)
        for of_level in category.signs()
    ]


def _sort_key(level: Any) -> tuple[bool, bool, Any]:
    """Numbers before text before bytes."""
    return isinstance(level, str), isinstance(level, bytes), level
