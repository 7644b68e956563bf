"""Warnings that point at the line of the user's own code, and that scikit-learn's filters reach.

Scripts that were written for scikit-learn often silence its warnings by its module::

    warnings.filterwarnings("ignore", category=ConvergenceWarning, module="sklearn")

Such a filter applies to ours too, as if they came from the module whose estimator ours stands in
for. Filters that name no module, or the user's, apply as to every warning.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

#: Code between the user's line and ours that is none of the user's.
PASSED_THROUGH = ("skneural", "sklearn", "joblib")

#: What runs tasks of others, in processes and threads where no line of the user's is under way. So
#: does the standard library, if it calls us itself.
TASK_RUNNERS = frozenset(
    {"billiard", "celery", "dask", "distributed", "ipyparallel", "loky", "mpire", "multiprocess"}
    | {"pyspark", "ray"}
)

#: The modules of scikit-learn that warn in the place of ours, by the folder that ours are in.
TWIN_MODULES = {
    "skneural.estimators.mlp": "sklearn.neural_network._multilayer_perceptron",
    "skneural.estimators.logistic": "sklearn.linear_model._logistic",
    "skneural.estimators.perceptron": "sklearn.linear_model._stochastic_gradient",
}


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn from the first frame outside of skneural, scikit-learn and joblib.

    In a worker of joblib, multiprocessing, dask and the like, where the next line outward is one
    of theirs, from our own module.
    """
    frame, twin = sys._getframe(1), "sklearn"
    ours, our_name = frame, __name__
    while True:
        name = frame.f_globals.get("__name__") or "<string>"
        package = name.partition(".")[0]
        if frame.f_back is None or package not in PASSED_THROUGH:
            break
        if package == "skneural":
            ours, our_name = frame, name
            twin = TWIN_MODULES.get(name.rpartition(".")[0], twin)
        frame = frame.f_back
    if package in sys.stdlib_module_names or package in TASK_RUNNERS:
        frame, name = ours, our_name
    line = frame.f_lineno
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        line,
        twin if _names_module(message, category, twin, line) else name,
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _names_module(message: str, category: type[Warning], module: str, line: int) -> bool:
    """Whether the filter that decides of such a warning of this module names the module."""
    # From Python 3.14 on, filters may belong to a context.
    in_context = getattr(warnings, "_get_filters", None)
    filters: Any = warnings.filters if in_context is None else in_context()
    for _, text, kind, its_module, its_line in filters:
        if not issubclass(category, kind) or its_line not in (0, line):
            continue
        for pattern, ours in ((text, message), (its_module, module)):
            # Python's own filters have plain strings.
            fits = pattern == ours if isinstance(pattern, str) else pattern and pattern.match(ours)
            if pattern is not None and not fits:
                break
        else:
            return its_module is not None
    return False
