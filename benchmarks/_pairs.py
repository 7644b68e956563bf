"""Side-by-side measurements: A B A B ..., and the median of the ratios of the pairs.

Machines are shared and noisy. A ratio of two runs that lie next to each other in time means
something, a time by itself does not.
"""

from __future__ import annotations

import platform
import statistics
import time
import warnings
from collections.abc import Callable

import joblib
import numpy
import scipy
import sklearn
import threadpoolctl

import skneural


def median_ratio(slower: Callable[[], object], faster: Callable[[], object], pairs: int) -> float:
    """Median over `pairs` pairs of (time of the first) / (time of the second)."""
    ratios = []
    for i in range(pairs + 1):
        # Whoever goes first meets another cache: take turns.
        order = (slower, faster) if i % 2 else (faster, slower)
        seconds = {task: _seconds(task) for task in order}
        if i > 0:  # the first pair warms up
            ratios.append(seconds[slower] / seconds[faster])
    return statistics.median(ratios)


def _seconds(task: Callable[[], object]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        task()
        return time.perf_counter() - start


def environment() -> str:
    """Versions and thread settings, for the head of a table."""
    modules = (numpy, scipy, sklearn, joblib, threadpoolctl, skneural)
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in modules)
    pools = {
        f"{pool['internal_api']} {pool['num_threads']} thread(s)"
        for pool in threadpoolctl.threadpool_info()
    }
    return (
        f"Python {platform.python_version()}, {versions}; {joblib.cpu_count()} CPUs; "
        f"{', '.join(sorted(pools))}"
    )


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
