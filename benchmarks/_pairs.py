"""Side-by-side measurements: A B C A B C ..., and the median of the ratios of each round.

Machines are shared and noisy. A ratio of two runs that lie next to each other in time means
something, a time by itself does not.
"""

from __future__ import annotations

import importlib.util
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Mapping

import joblib
import numpy
import scipy
import sklearn
import threadpoolctl

import skneural

# What a script says of itself is in NumPy, unless it says that it is compiled.
skneural.set_compiled(False)


def median_ratio(slower: Callable[[], object], faster: Callable[[], object], pairs: int) -> float:
    """Median over `pairs` pairs of (time of the first) / (time of the second)."""
    return median_ratios({"slower": slower, "faster": faster}, "faster", pairs)["slower"]


def median_ratios(
    tasks: Mapping[str, Callable[[], object]], reference: str, pairs: int
) -> dict[str, float]:
    """Median over `pairs` rounds of (time of each task) / (time of the reference)."""
    names = list(tasks)
    ratios: dict[str, list[float]] = {name: [] for name in names if name != reference}
    for i in range(pairs + 1):
        # Whoever comes next meets what the last one left in the caches: take turns.
        order = names if i % 2 else names[::-1]
        seconds = {name: _seconds(tasks[name]) for name in order}
        if i > 0:  # the first round warms up
            for name, values in ratios.items():
                values.append(seconds[name] / seconds[reference])
    return {name: statistics.median(values) for name, values in ratios.items()}


def in_mode(when: bool | None, task: Callable[[], object]) -> Callable[[], object]:
    """A task for which `skneural.set_compiled` holds."""

    def run() -> object:
        skneural.set_compiled(when)
        try:
            return task()
        finally:
            skneural.set_compiled(False)

    return run


def _seconds(task: Callable[[], object]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        task()
        return time.perf_counter() - start


def environment() -> str:
    """Versions and thread settings, for the head of a table."""
    modules = [numpy, scipy, sklearn, joblib, threadpoolctl, skneural]
    others = [name for name in ("torch", "skorch", "numba") if installed(name)]
    modules += [importlib.import_module(name) for name in others]
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in modules)
    pools = {
        f"{pool['internal_api']} {pool.get('architecture', '')} {pool['num_threads']} thread(s)"
        for pool in threadpoolctl.threadpool_info()
    }
    return (
        f"Python {platform.python_version()}, {versions}; {joblib.cpu_count()} CPUs; "
        f"{', '.join(sorted(pools))}"
    )


def installed(module: str) -> bool:
    """Whether an optional peer can be imported."""
    return importlib.util.find_spec(module) is not None


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
