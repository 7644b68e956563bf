"""Settings objects: optimizers, schedules, losses, activations as constructor parameters.

A settings object is a dataclass that holds what its user chose and nothing that a training
learns. It speaks scikit-learn's protocol of parameters without knowing scikit-learn, so that
`clone` copies it and a grid search reaches inside (``solver__weight_decay``).
"""

from __future__ import annotations

import inspect
from dataclasses import Field, field, fields, is_dataclass
from functools import cache, lru_cache, partial
from math import inf, isfinite
from numbers import Number, Real
from types import FunctionType, MethodType, NoneType
from typing import Any, TypeVar

import numpy as np

from skneural.plain_values import from_plain, to_plain

Self = TypeVar("Self", bound="Settings")

#: The signature of a constructor, looked up once for each class: every fit and every pickle asks.
signature_of: Any = cache(inspect.signature)


def number(
    default: float | None, low: float, high: float = inf, *, closed: str = "both", **kwargs: Any
) -> Any:
    """A dataclass field for a finite number from `low` to `high`; None too, if that is the default.

    Parameters
    ----------
    default : float or None
        The value of the field where none is given.
    low, high : float
        The ends of the interval.
    closed : {'both', 'left', 'right', 'neither'}, default='both'
        Which ends are allowed themselves.
    **kwargs
        For `dataclasses.field`.

    Returns
    -------
    dataclasses.Field
        What `dataclasses.field` returns.
    """
    return field(default=default, metadata={"interval": (low, high, closed)}, **kwargs)


class Settings:
    """What an object of settings can do: give, take, check and print its parameters.

    As in scikit-learn, the settings are the arguments of the constructor, kept under their names:
    a dataclass, or a class with an ``__init__`` that does the same.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, member in vars(cls).items():
            inherited = next(
                (vars(each)[name] for each in cls.__mro__[1:] if name in vars(each)), None
            )
            if isinstance(member, FunctionType) and isinstance(inherited, bool | property):
                raise TypeError(
                    f"{cls.__name__}.{name} must be a property or a value, as the one it replaces: "
                    "a method would always count as true. Put @property above it."
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name; with `deep`, also those of settings inside, as ``name__inner``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to look inside.

        Returns
        -------
        dict
            The values by name.
        """
        params = {name: getattr(self, name) for name in self._names()}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, Settings):
                    inner = value.get_params()
                    params.update({f"{name}__{key}": inner[key] for key in inner})
        return params

    def set_params(self: Self, **params: Any) -> Self:
        """Change settings, also inside others (``name__inner``).

        Parameters
        ----------
        **params : dict
            By name.

        Returns
        -------
        object
            The object itself.

        Raises
        ------
        ValueError
            If there is no setting of such a name.
        """
        # An object comes before its settings, in whatever order they are given.
        for path, value in sorted(params.items(), key=lambda item: "__" in item[0]):
            name, _, inner = path.partition("__")
            if name not in self._names():
                raise ValueError(
                    f"{type(self).__name__} has no setting {name!r}: its settings are "
                    f"{self._names()}."
                )
            if not inner:
                setattr(self, name, value)
                continue
            nested = getattr(self, name)
            if not isinstance(nested, Settings):
                raise ValueError(
                    f"{type(self).__name__}.{name} is {nested!r}, which has no setting {inner!r}."
                )
            nested.set_params(**{inner: value})
        return self

    def check(self) -> None:
        """Check numbers and flags, and that the constructor names all settings.

        Raises
        ------
        ValueError
            If one is not what it has to be.
        """
        _check_constructor(type(self))
        for each in self._fields():
            value = getattr(self, each.name)
            if isinstance(value, Settings):
                value.check()
            elif isinstance(each.default, bool) and not isinstance(value, bool | np.bool_):
                raise ValueError(
                    f"{each.name} of {type(self).__name__} must be True or False, got {value!r}."
                )
            elif "interval" in each.metadata and not _fits(value, each.default, each.metadata):
                low, high, closed = each.metadata["interval"]
                left = "[" if closed in ("both", "left") else "("
                right = "]" if closed in ("both", "right") and isfinite(high) else ")"
                or_none = " or None" if each.default is None else ""
                raise ValueError(
                    f"{each.name} of {type(self).__name__} must be a number in "
                    f"{left}{low}, {high}{right}{or_none}, got {value!r}."
                )

    def __repr__(self) -> str:
        """As one would write it: settings that are as by default are left out."""
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, default in self._defaults().items()
            if not equal_values(getattr(self, name), default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __eq__(self, other: object) -> bool:
        """Whether the types are the same and all settings are equal; see `equal_values`."""
        if type(self) is not type(other) or not isinstance(other, Settings):
            return NotImplemented
        return equal_values(self.get_params(deep=False), other.get_params(deep=False))

    def __hash__(self) -> int:
        # For tables of the results of a search. Equal values of other kinds, such as arrays, need
        # not have equal hashes.
        plain = [
            (name, _hashable(value))
            for name, value in self.get_params(deep=False).items()
            if isinstance(value, _PLAIN)
        ]
        return hash((type(self), *plain))

    def __getstate__(self) -> Any:
        return to_plain(super().__getstate__())

    def __setstate__(self, state: Any) -> None:
        # Python gives the attributes of a class with slots beside the others.
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        vars(self).update(from_plain(attributes or {}))
        for name, value in from_plain(slots or {}).items():
            object.__setattr__(self, name, value)

    def _names(self) -> list[str]:
        return list(self._defaults())

    def _defaults(self) -> dict[str, Any]:
        return _defaults(type(self))  # type: ignore[arg-type]  # a class has a hash of its own

    def _fields(self) -> tuple[Field[Any], ...]:
        kind: Any = type(self)
        return fields(kind) if is_dataclass(kind) else ()


def equal_values(a: Any, b: Any) -> bool:
    """Whether two settings are equal: by what they hold, never by how they are printed.

    Parameters
    ----------
    a, b : object
        Numbers, strings and None are compared by ``==``, so that 1 equals 1.0; NaN equals NaN, and
        a NumPy number the Python number of exactly its value. Arrays are equal if their dtype,
        shape and elements are. Lists, tuples, dicts, `functools.partial`, bound methods and
        settings objects are equal if their type and all their parts are. Anything else is equal
        to itself, and to what its own ``==`` says, if that is True or False.

    Returns
    -------
    bool
        True if they are equal.
    """
    if a is b:
        return True
    if isinstance(a, _PLAIN) or isinstance(b, _PLAIN):
        return isinstance(a, _PLAIN) and isinstance(b, _PLAIN) and _hashable(a) == _hashable(b)
    if isinstance(a, _ARRAYS) and isinstance(b, _ARRAYS):
        return type(a) in _ARRAYS and type(b) in _ARRAYS and _equal_arrays(a, b)
    if type(a) is not type(b):
        return False
    is_container = isinstance(a, list | tuple | dict | partial)
    if is_container and not equal_values(_attributes(a), _attributes(b)):  # of a subclass
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal_values, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal_values(a[key], b[key]) for key in a)
    if isinstance(a, Settings):
        return equal_values(a.get_params(deep=False), b.get_params(deep=False))
    if isinstance(a, partial):
        return equal_values((a.func, a.args, a.keywords), (b.func, b.args, b.keywords))
    if isinstance(a, MethodType):
        return a.__func__ is b.__func__ and equal_values(a.__self__, b.__self__)
    try:
        return isinstance(answer := a == b, bool | np.bool_) and bool(answer)
    except Exception:  # such as that of a dataclass with arrays: no answer
        return False


_NAN = object()
_PLAIN = (Number, np.bool_, str, bytes, NoneType)

#: Memory maps are what joblib makes of large arrays on their way into another process.
_ARRAYS = (np.ndarray, np.memmap)


def _attributes(value: Any) -> dict[str, Any] | None:
    return getattr(value, "__dict__", None) or None


def _equal_arrays(a: Any, b: Any) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.hasobject:
        return equal_values(a.tolist(), b.tolist())
    equal = a == b
    if a.dtype.kind in "fcmM":
        equal |= (a != a) & (b != b)
    return bool(np.all(equal))


def _hashable(value: Any) -> Any:
    """A number, string or None as something that equals its equals, also as a key."""
    if isinstance(value, np.number | np.bool_):
        # float32(0.1) == 0.1 for NumPy, which rounds 0.1 first; their hashes differ.
        value = value.item()
    return _NAN if isinstance(value, Number) and value != value else value


@lru_cache
def _defaults(kind: type) -> dict[str, Any]:
    """The arguments of a constructor, with their defaults."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        argument.name: argument.default
        for argument in inspect.signature(kind).parameters.values()
        if argument.kind not in variable
    }


def _check_constructor(kind: type) -> None:
    """Refuse settings that `clone` would lose, or that are none at all."""
    for argument in signature_of(kind).parameters.values():
        if argument.kind is argument.VAR_POSITIONAL:
            raise ValueError(
                f"{kind.__name__}.__init__ takes {argument}: copies would lose what it is given. "
                "Every setting needs a name of its own."
            )
    for name, value in vars(kind).items():
        if isinstance(value, Field):
            raise ValueError(
                f"{name} of {kind.__name__} is no setting yet: put @dataclass(repr=False, "
                "eq=False) above the class."
            )


def _fits(value: Any, default: Any, metadata: Any) -> bool:
    if value is None:
        return default is None
    if isinstance(value, bool) or not isinstance(value, Real) or value in (inf, -inf):
        return False
    low, high, closed = metadata["interval"]
    above = value >= low if closed in ("both", "left") else value > low
    below = value <= high if closed in ("both", "right") else value < high
    return bool(above and below)
