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
        If the package is missing; it names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f'{purpose} needs {package}, which is not installed: pip install "skneural[{extra}]"'
        ) from error
