"""A few bytes that tell a value from others, whatever it prints as and in whatever process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any
from zlib import crc32

import numpy as np

from skneural.settings import Settings

#: Bytes of the digest of one parameter: another value is told from it in all but 6 of 10**8 cases.
N_BYTES = 3

#: Types of values that stay what they are.
FIXED = (bool, int, float, str, bytes, tuple, FunctionType, type(None))

NUMBERS = (int, float, np.integer, np.floating)

#: Up to here, whole numbers are float64 too.
WHOLE = 2**53


def digest_of_settings(settings: Mapping[str, Any] | bytes) -> bytes:
    """A few bytes for each parameter, in alphabetical order; what is a digest already stays."""
    if isinstance(settings, bytes):
        return settings
    return b"".join(digest(settings[name], of_equal=True) for name in sorted(settings))


def has_digest(value: Any, found: bytes) -> bool:
    """Whether this is the digest of the value, or of one that equals it."""
    # Files of earlier versions tell numbers inside of other values apart by their types.
    return found in (digest(value, of_equal=True), *map(digest, _equal_numbers(value)))


def digest(value: Any, *, of_equal: bool = False) -> bytes:
    """A digest of a value of any kind; objects that nothing tells apart count by their type.

    With `of_equal` it is the same for numbers that are equal, and for dicts whatever their order.
    """
    return crc32(_text_of(value, of_equal=of_equal)).to_bytes(4)[-N_BYTES:]


def _equal_numbers(value: Any) -> list[Any]:
    size: Any = abs(value) if isinstance(value, NUMBERS) else WHOLE
    if isinstance(value, bool) or not size < WHOLE:
        return [value]
    number = float(value)
    return [value, number, int(number)] if number.is_integer() else [value, number]


def _text_of(value: Any, depth: int = 12, *, of_equal: bool = False) -> bytes:
    """The value in bytes, which do not depend on how it is printed: what tells it from others.

    Beyond that depth objects count by their type.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, np.number | np.bool_):  # float64 is a float too, which prints otherwise
        value = value.item()
    if of_equal and isinstance(value, float) and abs(value) < WHOLE and value.is_integer():
        value = int(value)
    if of_equal and isinstance(value, bool):
        value = int(value)
    if of_equal and isinstance(value, str):  # NumPy's print otherwise
        value = str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value).encode()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.dtype.str}{value.shape}".encode() + bytes(value.tobytes())
    if of_equal and isinstance(value, Mapping) and depth:
        pairs = [
            [_text_of(each, depth - 1, of_equal=True) for each in pair] for pair in value.items()
        ]
        return b"{" + b",".join(b":".join(pair) for pair in sorted(pairs)) + b"}"
    if parts := _parts_of(value) if depth else []:
        texts = [_text_of(each, depth - 1, of_equal=of_equal) for each in parts]
        return b"[" + b",".join(texts) + b"]"
    return str(getattr(value, "__qualname__", type(value).__qualname__)).encode()


def _parts_of(value: Any) -> list[Any]:
    """What an object consists of; nothing where its name says enough."""
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    if isinstance(value, Settings):
        return [type(value).__qualname__, value.get_params(deep=False)]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, CodeType):
        return [value.co_code, value.co_names, value.co_consts]
    # Of what functions and methods hold, only what stays as it is: a counter, say, does not.
    if isinstance(value, MethodType):
        own = {} if isinstance(value.__self__, type) else getattr(value.__self__, "__dict__", {})
        return [value.__qualname__, {n: each for n, each in own.items() if isinstance(each, FIXED)}]
    if isinstance(value, FunctionType) and "<" in value.__qualname__:
        # A lambda, or a function inside another: there can be several of the name.
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        held = [each for each in cells if isinstance(each, FIXED)]
        defaults = [value.__defaults__, *filter(None, [value.__kwdefaults__])]
        return [value.__qualname__, value.__code__, *defaults, held]
    if hasattr(value, "__qualname__") or not getattr(value, "__dict__", None):
        return []
    return [type(value).__qualname__, vars(value)]
