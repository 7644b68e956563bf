"""Tests of what skneural does with packages of its extras."""

import os
from importlib.util import find_spec

import pytest


def need(extra, *packages):
    """Skip a test module whose packages are not installed; fail where all of them have to be.

    The environment in which .ci/run tests the extras sets SKNEURAL_ALL_EXTRAS.

    Parameters
    ----------
    extra : str
        What installs them: ``pip install skneural[extra]``.
    *packages : str
        Names of modules.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if not missing:
        return
    if os.environ.get("SKNEURAL_ALL_EXTRAS"):
        raise ImportError(f"{', '.join(missing)} must be installed here: skneural[{extra}]")
    pytest.skip(f"extra: {', '.join(missing)} of skneural[{extra}]", allow_module_level=True)
