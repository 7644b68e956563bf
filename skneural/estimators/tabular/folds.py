"""Which rows each member of an ensemble is trained on, and which it is judged by.

Each member leaves a fold of the rows out of its training. What all members predict for the rows
that each has left out, the *out-of-fold predictions*, says how good a member is on new rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from skneural.arrays.matrices import IndexArray
from skneural.estimators.columns import as_array, is_missing
from skneural.estimators.containers import take

Mask = npt.NDArray[np.bool_]


#: Members where nothing is said: fewest, most, and rows in the training of all, between the two.
FEWEST, MOST = 8, 16
ROWS_OF_ALL = 24_000


class Fold(NamedTuple):
    """The rows of one member.

    Attributes
    ----------
    train : ndarray of int
    judged : ndarray of int
        The rows that it leaves out.
    """

    train: IndexArray
    judged: IndexArray


def default_folds(n_rows: int, codes: IndexArray | None, copies: IndexArray | None = None) -> int:
    """The number of folds where `cv` is None.

    The fewer rows, the more an average over further members is worth, and the less it costs: up to
    1,500 rows there are 16, from 3,000 on there are 8.

    Parameters
    ----------
    n_rows : int
    codes : ndarray of shape (n_rows,) or None
        The class of each row; None for numbers. There are no more folds than the rarest class has
        different rows, unless these are fewer than 8.
    copies : ndarray of shape (n_rows,) or None, default=None
        Rows with the same number are the same.
    """
    n_folds = min(max(ROWS_OF_ALL // max(n_rows, 1), FEWEST), MOST)
    if codes is None:
        return n_folds
    if copies is not None:
        codes = codes[_different(copies)]
    rarest = int(np.bincount(codes).min())
    return min(n_folds, rarest) if rarest >= FEWEST else n_folds


def folds_of(
    cv: Any,
    X: Any,
    y: npt.NDArray[Any],
    codes: IndexArray | None,
    groups: Any,
    kept: Mask | None,
    seed: int,
    copies: IndexArray | None = None,
) -> list[Fold]:
    """The folds of all members.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
    X : data frame, array or list
        All rows as the user has passed them, for splitters that look at them.
    y : ndarray of shape (n_rows,)
        Of the rows to split: those that are kept.
    codes : ndarray of shape (n_rows,) or None
        The class of each row; None for numbers.
    groups : ndarray of shape (n_rows,) or None
        What `checked_groups` has returned.
    kept : ndarray of bool or None
        Which of the rows that the user has passed are kept; None for all. The numbers in an
        iterable `cv` are those of the rows that the user has passed.
    seed : int
        Draws the folds of an integer `cv`.
    copies : ndarray of shape (n_rows,) or None, default=None
        Rows with the same number stay together in the folds of an integer `cv` without groups.

    Raises
    ------
    ValueError
        If there are too few rows or groups, if `cv` has no use for groups or needs them, or if its
        row numbers are not valid.
    """
    n_rows = len(y)
    splitter = cv
    pairs: Iterable[Any]
    if isinstance(cv, Integral):
        splitter = _splitter_of(int(cv), n_rows, codes, groups, seed)
    if isinstance(cv, Integral) and groups is None and copies is not None:
        pairs = _with_copies_together(int(cv), copies, codes, seed)
    elif not hasattr(splitter, "split"):
        _refuse_groups(groups, splitter)
        pairs = _remapped(splitter, kept)
    elif isinstance(splitter, PredefinedSplit):
        _refuse_groups(groups, splitter)
        _check_length(splitter, n_rows if kept is None else len(kept))
        pairs = _remapped(splitter.split(), kept)
    else:
        if groups is not None and not _uses_groups(splitter):
            _refuse_groups(groups, splitter)
        if groups is None and isinstance(splitter, StratifiedGroupKFold):
            # Others say so themselves; this one takes all rows for one group.
            raise ValueError(
                f"The 'groups' parameter should not be None: cv={_shown(splitter)} splits by it."
            )
        if isinstance(cv, Integral):
            X = np.zeros((n_rows, 1))  # ours do not look at it
        elif kept is not None:
            X = take(X, np.flatnonzero(kept))
        pairs = splitter.split(X, y, groups)
    folds = [_checked_fold(i, pair, n_rows) for i, pair in enumerate(pairs)]
    if not folds:
        raise ValueError(
            f"cv={_shown(splitter)} has no splits: there would be no member to train. A generator "
            "has them once only; a list has them in each fit."
        )
    if not any(len(fold.judged) for fold in folds):
        raise ValueError(
            f"cv={_shown(splitter)} leaves no row out of any training: there is nothing to judge "
            "by."
        )
    return folds


def all_rows(n_members: int, n_rows: int, n_validation: int) -> list[Fold]:
    """Members that are trained on all rows, and judged by as many validation rows."""
    return [Fold(np.arange(n_rows), np.arange(n_validation)) for _ in range(n_members)]


def number_of_members(cv: Any) -> int:
    """How many members there are where all are trained on all rows.

    Raises
    ------
    ValueError
        If `cv` is not an integer.
    """
    if not isinstance(cv, Integral):
        raise ValueError(
            f"cv={_shown(cv)} splits the rows, and with X_val there is nothing to split: all "
            "members are trained on all rows of X, and judged by X_val. Pass how many, "
            "as in cv=8."
        )
    return int(cv)


def _splitter_of(n_folds: int, n_rows: int, codes: Any, groups: Any, seed: int) -> Any:
    """The splitter for a number of folds."""
    if groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise ValueError("groups has one group only: at least two are needed to split by them.")
        return GroupKFold(min(n_folds, n_groups), shuffle=True, random_state=seed)
    if n_rows < 2:
        raise ValueError(f"n_samples = {n_rows} row cannot be split into folds: pass more rows.")
    n_folds = min(n_folds, n_rows)
    if codes is not None and np.bincount(codes).min() >= n_folds:
        return StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return KFold(n_folds, shuffle=True, random_state=seed)


def _different(copies: IndexArray) -> IndexArray:
    """The first of all rows that are the same."""
    return np.unique(copies, return_index=True)[1]


def _with_copies_together(
    n_folds: int, copies: IndexArray, codes: IndexArray | None, seed: int
) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Folds of the different rows, each with all its copies."""
    first = _different(copies)
    own_codes = None if codes is None else codes[first]
    splitter = _splitter_of(n_folds, len(first), own_codes, None, seed)
    for train, _ in splitter.split(np.zeros((len(first), 1)), own_codes):
        is_trained = np.isin(np.arange(len(first)), train)[copies]
        yield np.flatnonzero(is_trained), np.flatnonzero(~is_trained)


def checked_groups(groups: Any, n_rows: int, kept: Mask | None) -> Any:
    """The group of each of the rows that are kept.

    Parameters
    ----------
    groups : array-like or None
        Of all rows that the user has passed; None for no groups.
    n_rows : int
        That are kept.
    kept : ndarray of bool or None
        Which of the rows that the user has passed are kept; None for all.

    Raises
    ------
    ValueError
        If they are of another number of rows, missing, or cannot be sorted.
    """
    if groups is None:
        return None
    n_passed = n_rows if kept is None else len(kept)
    groups = as_array(groups, one_dimensional=False)
    if groups.shape != (n_passed,):
        raise ValueError(
            f"groups has to hold one group for each of {n_passed} rows, got an array of shape "
            f"{groups.shape}."
        )
    if any(is_missing(group) for group in groups.tolist()):
        raise ValueError("groups has missing values: every row needs a group.")
    groups = groups if kept is None else groups[kept]
    try:
        np.unique(groups)
    except TypeError as error:
        raise ValueError(
            f"groups has to hold either numbers or strings, not both: {error}."
        ) from None
    return groups


def _uses_groups(splitter: Any) -> bool:
    """Whether a splitter says that it has a use for groups; one that says nothing may have."""
    requests = getattr(getattr(splitter, "get_metadata_routing", lambda: None)(), "split", None)
    return requests is None or "groups" in requests.requests


def _refuse_groups(groups: Any, cv: Any) -> None:
    if groups is not None:
        raise ValueError(
            f"groups has no effect with cv={_shown(cv)}, which does not look at it. Pass cv as an "
            "integer or as a splitter for groups, such as sklearn.model_selection.GroupKFold(), or "
            "no groups."
        )


def _check_length(splitter: PredefinedSplit, n_passed: int) -> None:
    n_said = len(splitter.test_fold)
    if n_said != n_passed:
        raise ValueError(
            f"cv={_shown(splitter)} has a fold for each of {n_said} rows, and X has {n_passed}."
        )


def _shown(cv: Any) -> str:
    """`cv` in an error, without its row numbers."""
    if isinstance(cv, PredefinedSplit):
        return "PredefinedSplit(...)"
    return repr(cv) if hasattr(cv, "split") else "a list of splits"


def _remapped(pairs: Iterable[Any], kept: Mask | None) -> Iterator[Any]:
    """Splits of the rows that are kept, from those of all rows."""
    for number, pair in enumerate(pairs):
        if kept is None:
            yield pair
            continue
        new = np.cumsum(kept) - 1
        yield tuple(new[rows[kept[rows]]] for rows in _sides(number, pair, len(kept)))


def _sides(number: int, pair: Any, n_rows: int) -> Iterator[IndexArray]:
    """The row numbers of the two sides of a split."""
    if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
        raise ValueError(
            f"Split {number} of cv is not a pair (train, test) of row numbers: got {pair!r:.100}."
        )
    for side, rows in zip(("train", "test"), pair, strict=True):
        yield _row_numbers(f"Split {number} of cv, {side}", np.asarray(rows), n_rows)


def _row_numbers(place: str, rows: npt.NDArray[Any], n_rows: int) -> IndexArray:
    """Row numbers from 0, of a mask or of numbers of which some may count from the end."""
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "biu"):
        raise ValueError(
            f"{place}: expected one axis of integers or a boolean mask, got an array of "
            f"{rows.dtype} of shape {rows.shape}."
        )
    if rows.dtype == bool:
        if len(rows) != n_rows:
            raise ValueError(f"{place}: the mask has {len(rows)} entries for {n_rows} rows.")
        return np.flatnonzero(rows)
    index: IndexArray = rows.astype(np.intp)
    outside = index[(index < -n_rows) | (index >= n_rows)]
    if len(outside):
        raise ValueError(
            f"{place}: there is no row {outside[0]} among {n_rows} rows, which count from 0."
        )
    return np.where(index < 0, index + n_rows, index)


def _checked_fold(number: int, pair: Any, n_rows: int) -> Fold:
    """A split as two arrays of row numbers."""
    train, judged = _sides(number, pair, n_rows)
    if len(train) < 1:
        raise ValueError(f"Split {number} of cv has no row to train on (weights of zero count).")
    both = np.intersect1d(train, judged)
    if len(both):
        raise ValueError(
            f"Split {number} of cv trains on rows that it judges by, such as row {both[0]}: the "
            "two sides of a split have to be apart."
        )
    return Fold(train, judged)
