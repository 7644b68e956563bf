"""What a report of a fault needs to say of the machine."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from skneural._version import __version__
from skneural.kernels.use import described

#: What skneural needs, and what its extras bring.
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "threadpoolctl",
    "pandas",
    "polars",
    "pyarrow",
    "matplotlib",
    "rich",
    "numba",
    "skl2onnx",
    "onnx",
    "onnxruntime",
    "skops",
)


def show_versions() -> None:
    """Print the versions of Python, of this package and of those that it works with.

    The pools of threads, BLAS above all, are listed with their number of threads, which is what a
    difference in speed or in the last digits mostly comes from.

    See Also
    --------
    sklearn.show_versions : The same about scikit-learn and what it is built with.

    Examples
    --------
    >>> import skneural
    >>> skneural.show_versions()  # doctest: +ELLIPSIS
    <BLANKLINE>
    skneural: ...
    """
    lines = {
        "skneural": __version__,
        "Python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "system": platform.platform(),
    }
    print()
    for name, text in lines.items():
        print(f"{name}: {text}")
    print("\nPackages")
    for name in PACKAGES:
        print(f"{name}: {_version_of(name)}")
    print(f"\nCompiled kernels: {described()}")
    print("\nPools of threads")
    for pool in threadpool_info():
        kind = " ".join(str(pool[key]) for key in ("internal_api", "version") if pool.get(key))
        architecture = f", {pool['architecture']}" if pool.get("architecture") else ""
        print(f"{pool['user_api']}: {kind}{architecture}, {pool['num_threads']} threads")


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
