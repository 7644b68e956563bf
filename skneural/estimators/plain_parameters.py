"""The parameters of estimators as plain data, for files: `skneural.plain_values`, and more kinds.

Splitters and scorers of scikit-learn, indexes and series of pandas, generators and the
initializations of this package: in a file they are names and what they were made of.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from sklearn import model_selection
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

from skneural.initialization import INITIALIZATIONS
from skneural.minimizers.state import generator_from_state, generator_state
from skneural.plain_values import KINDS, Kind, from_plain, to_plain

#: Splitters that a file may name: all that are in scikit-learn and make no others.
SPLITTERS: dict[str, Any] = {
    name: getattr(model_selection, name)
    for name in (
        "GroupKFold",
        "GroupShuffleSplit",
        "KFold",
        "LeaveOneGroupOut",
        "LeaveOneOut",
        "LeavePGroupsOut",
        "LeavePOut",
        "PredefinedSplit",
        "RepeatedKFold",
        "RepeatedStratifiedKFold",
        "ShuffleSplit",
        "StratifiedGroupKFold",
        "StratifiedKFold",
        "StratifiedShuffleSplit",
        "TimeSeriesSplit",
    )
}


def _named(name: Any, table: Mapping[str, Any], what: str) -> Any:
    """What a file names, which has to be in a table."""
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"A file names {name!r} as {what}, which is none of {[*table]}.")
    return table[name]


def _is_splitter(value: Any) -> bool:
    return SPLITTERS.get(type(value).__name__) is type(value)


def _parts_of_splitter(splitter: Any) -> dict[str, Any]:
    others = getattr(splitter, "cvargs", {})  # of a repeated one, for that which is repeated
    arguments = {
        name: getattr(splitter, name, others.get(name))
        for name in inspect.signature(type(splitter)).parameters
    }
    return {"name": type(splitter).__name__, "arguments": arguments}


def _splitter(name: str, arguments: dict[str, Any]) -> Any:
    return _named(name, SPLITTERS, "splitter")(**arguments)


def _of_pandas(name: str) -> Callable[[Any], bool]:
    """Whether a value is of exactly this type of pandas, which need not be installed."""
    return lambda value: type(value) is getattr(sys.modules.get("pandas"), name, None)


def _made_by_pandas(name: str, instead: Callable[..., Any]) -> Callable[..., Any]:
    """What makes an object of this type; something else where pandas is not installed."""

    def made_of(values: Any, **others: Any) -> Any:
        try:
            pandas = import_module("pandas")
        except ImportError:
            return instead(values)
        return getattr(pandas, name)(values, **others)

    return made_of


def _parts_of_index(index: Any) -> dict[str, Any]:
    return {"values": index.to_numpy(object), "dtype": str(index.dtype), "name": index.name}


def _parts_of_series(series: Any) -> dict[str, Any]:
    return {**_parts_of_index(series), "index": series.index}


def _parts_of_range_index(index: Any) -> dict[str, Any]:
    return {"values": range(index.start, index.stop, index.step), "name": index.name}


def _has_other_bits(value: Any) -> bool:
    """Whether a RandomState draws by anything but what skops takes for granted."""
    if type(value) is not np.random.RandomState:
        return False
    return bool(generator_state(value)["bit_generator"] != "MT19937")


def _name_of_scorer(scorer: Any) -> str | None:
    """The name under which scikit-learn has a scorer like this, or None."""
    if type(scorer).__module__ != make_scorer.__module__:
        return None
    names = get_scorer_names()
    return next((name for name in names if vars(get_scorer(name)) == vars(scorer)), None)


def _scorer(name: Any) -> Any:
    return get_scorer(_named(name, dict.fromkeys(get_scorer_names(), name), "scorer"))


def _is_initialization(value: Any) -> bool:
    return any(value is each for each in INITIALIZATIONS.values())


def _initialization(name: str) -> Any:
    return _named(name, INITIALIZATIONS, "initialization")


#: What there may be in parameters of estimators.
PARAMETER_KINDS: tuple[Kind, ...] = (
    *KINDS,
    Kind("splitter", _is_splitter, _parts_of_splitter, _splitter),
    *(
        Kind(f"pandas.{name}", _of_pandas(name), parts, _made_by_pandas(name, np.asarray))
        for name, parts in {
            "Index": _parts_of_index,
            "RangeIndex": _parts_of_range_index,
            "Series": _parts_of_series,
        }.items()
    ),
    Kind(
        "RandomState",
        _has_other_bits,
        lambda value: {"state": generator_state(value)},
        generator_from_state,
    ),
    Kind(
        "scorer",
        lambda value: _name_of_scorer(value) is not None,
        lambda value: {"name": _name_of_scorer(value)},
        _scorer,
    ),
    Kind(
        "initialization",
        _is_initialization,
        lambda value: {"name": value.__name__},
        _initialization,
    ),
)


def plain_parameters(state: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an estimator, in which values of these kinds are plain data."""
    return {name: to_plain(value, PARAMETER_KINDS) for name, value in state.items()}


def parameters_of_plain(state: dict[str, Any]) -> dict[str, Any]:
    """The inverse, but for what a fit has left, which is plain of its own."""
    return {
        name: value if name == "_fitted" else from_plain(value, PARAMETER_KINDS)
        for name, value in state.items()
    }
