"""Which columns are categorical, by what they hold or by what the user says."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.estimators.columns import as_array
from skneural.estimators.table.reading import RawColumn

Mask = npt.NDArray[np.bool_]


def categorical_mask(
    table: Sequence[RawColumn], categorical_features: Any, names: npt.NDArray[Any] | None
) -> Mask:
    """Which columns are categorical.

    Parameters
    ----------
    table : sequence of RawColumn
    categorical_features : 'from_dtype', array-like of bool, int or str, or None
        See `skneural.TableEncoder`.
    names : ndarray of str or None
        Of the columns.

    Raises
    ------
    ValueError
        If there are no such columns, or names are asked for where there are none.
    """
    if isinstance(categorical_features, str):
        return np.array([column.is_categorical for column in table], dtype=bool)
    mask = np.zeros(len(table), dtype=bool)
    if categorical_features is None or len(categorical_features) == 0:
        return mask
    asked = as_array(categorical_features)
    kinds = {_kind(each) for each in asked.tolist()}
    if asked.ndim != 1 or len(kinds) > 1 or not kinds <= {"bool", "int", "str"}:
        raise ValueError(
            "categorical_features must be an array-like of bool, int or str, got: "
            f"{', '.join(sorted(kinds))}."
        )
    if kinds == {"bool"}:
        if len(asked) != len(table):
            raise ValueError(
                f"categorical_features set as a boolean mask must have shape ({len(table)},), got: "
                f"{asked.shape}."
            )
        return asked.astype(bool)
    if kinds == {"str"}:
        mask[_places_of(asked.tolist(), names)] = True
    else:
        places = asked.astype(np.intp)
        if places.min() < 0 or places.max() >= len(table):
            raise ValueError(
                "categorical_features set as integer indices must be in "
                f"[0, n_features - 1] = [0, {len(table) - 1}], got: {sorted(places.tolist())}."
            )
        mask[places] = True
    return mask


def _places_of(asked: Sequence[str], names: npt.NDArray[Any] | None) -> list[int]:
    if names is None:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a boolean mask "
            "when the model is fitted on data without feature names."
        )
    listed = names.tolist()
    unknown = [name for name in asked if name not in listed]
    if unknown:
        raise ValueError(
            f"categorical_features has an item value {unknown[0]!r} which is not a valid feature "
            f"name of the training data. Observed feature names: {listed}"
        )
    return [listed.index(name) for name in asked]


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, Integral):
        return "int"
    return type(value).__name__ if not isinstance(value, str) else "str"
