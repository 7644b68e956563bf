"""Words for rows that cannot be split into training and validation rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt


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
        if n_validation >= n_rows:
            obstacle = "no row is left to train on"
        elif counts is not None:
            obstacle = obstacle_to_strata(counts, classes, n_validation)
        if not obstacle:
            raise
        raise ValueError(
            f"No rows can be held out by early_stopping: {obstacle}. There are {n_rows}, and "
            f"validation_fraction={validation_fraction}: change it, or use more rows. ({error})"
        ) from error
