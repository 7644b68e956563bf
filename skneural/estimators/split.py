"""Splits of rows into those to train on and those to validate on, and why there is none.

The rows are those that scikit-learn's `train_test_split` would draw. For a stratified split that
makes Python lists of them, which take more than the rows of X where these are many and short.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from skneural.arrays.matrices import IndexArray
from skneural.estimators.sklearn_private import approximate_mode


def obstacle_to_strata(counts: npt.NDArray[Any], classes: list[Any], n_validation: int) -> str:
    """Why a split cannot have rows of every class on both sides; empty if it can.

    Parameters
    ----------
    counts : integer ndarray of shape (n_classes,)
        Rows of each class; those without any do not matter.
    classes : list of length n_classes
        Their labels.
    n_validation : int
        Rows to be held out.
    """
    n_rows = int(counts.sum())
    present = np.flatnonzero(counts)
    rarest = int(present[np.argmin(counts[present])])
    if counts[rarest] < 2:
        return f"class {classes[rarest]!r} has only 1 row"
    for side, n in (("training", n_rows - n_validation), ("validation", n_validation)):
        if n < len(present):
            rows = "row" if n == 1 else "rows"
            return f"{n} {side} {rows} cannot hold all {len(present)} classes"
    return ""


@contextmanager
def naming_the_sides(
    validation_fraction: float, n_rows: int, counts: Any = None, classes: Any = None
) -> Iterator[None]:
    """Say in a ValueError of scikit-learn's splits which side has too few rows.

    Parameters
    ----------
    validation_fraction : float
    n_rows : int
    counts : integer ndarray of shape (n_classes,) or None, default=None
        Rows of each class, where the split is stratified.
    classes : list of length n_classes or None, default=None
    """
    try:
        yield
    except ValueError as error:
        n_validation = math.ceil(validation_fraction * n_rows)
        obstacle = ""
        if n_validation < 1:
            obstacle = "no row would be"
        elif n_validation >= n_rows:
            obstacle = "no row is left to train on"
        elif counts is not None:
            obstacle = obstacle_to_strata(counts, classes, n_validation)
        if not obstacle:
            raise
        raise ValueError(
            f"No rows can be held out by early_stopping: {obstacle}. There are {n_rows}, and "
            f"validation_fraction={validation_fraction}: change it, or use more rows. ({error})"
        ) from error


def drawn_split(
    n_rows: int,
    strata: npt.NDArray[Any] | None,
    validation_fraction: float,
    random_state: Any,
) -> tuple[IndexArray, IndexArray]:
    """Rows to train on and rows held out: those of scikit-learn's `train_test_split`.

    Parameters
    ----------
    n_rows : int
    strata : ndarray of shape (n_rows,) or None
        Codes, or booleans, whose shares are to be the same on both sides; None to draw from all.
    validation_fraction : float
    random_state : int, RandomState instance or None

    Returns
    -------
    train, held_out : ndarray of int

    Raises
    ------
    ValueError
        In scikit-learn's words, if there are too few rows.
    """
    n_held_out = math.ceil(validation_fraction * n_rows)
    n_train = n_rows - n_held_out
    counts = None if strata is None else _counts(strata)
    if (
        strata is None
        or counts is None
        or min(counts.values()) < 2
        or min(n_train, n_held_out) < len(counts)
    ):
        if strata is not None and strata.dtype == bool:
            strata = strata.astype(str)  # scikit-learn takes no booleans
        train, held_out = train_test_split(
            np.arange(n_rows),
            test_size=validation_fraction,
            random_state=random_state,
            stratify=strata,
        )
        return train, held_out
    rng = check_random_state(random_state)
    n_of_class = np.array(list(counts.values()))
    shares = approximate_mode(n_of_class, n_train, rng)
    held_out_shares = approximate_mode(n_of_class - shares, n_held_out, rng)
    train, held_out = np.empty(n_train, dtype=np.intp), np.empty(n_held_out, dtype=np.intp)
    n_before = n_held_out_before = 0
    for code, share, held_out_share in zip(counts, shares, held_out_shares, strict=True):
        rows = np.flatnonzero(strata == code)
        rows = rows[rng.permutation(len(rows))]
        train[n_before : n_before + share] = rows[:share]
        own = slice(n_held_out_before, n_held_out_before + held_out_share)
        held_out[own] = rows[share : share + held_out_share]
        n_before, n_held_out_before = n_before + share, own.stop
    rng.shuffle(train)
    rng.shuffle(held_out)
    return train, held_out


def _counts(strata: npt.NDArray[Any]) -> dict[Any, int]:
    """Rows of each code that occurs, in order."""
    if strata.dtype == bool:
        n_true = int(np.count_nonzero(strata))
        numbers = [len(strata) - n_true, n_true]
    else:
        numbers = np.bincount(strata).tolist()
    return {code: number for code, number in enumerate(numbers) if number}
