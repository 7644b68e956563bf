"""Packages that are imported where they are first needed, and are not installed with skneural."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def optional_module(name: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package, or say how to install it.

    Parameters
    ----------
    name : str
        Of the module, with dots.
    extra : str
        The extra of skneural that brings it.
    purpose : str
        The beginning of the error message: what the package is needed for.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If the package is missing, or cannot be imported, for whatever reason; it names the extra.
    """
    package = name.partition(".")[0]
    try:
        return import_module(name)
    except Exception as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == package
        what = "is not installed" if is_missing else f"cannot be imported here ({error})"
        raise ImportError(
            f'{purpose} needs {package}, which {what}: pip install "skneural[{extra}]"'
        ) from error
