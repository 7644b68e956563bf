"""Processes that begin with scikit-learn imported, which takes most of the time of a new one.

They are forked from one that has imported it, and nothing of skneural: what variables and the
import path say to skneural holds for each of them as for a new one.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

#: Seconds after which a process is taken to hang.
LIMIT = 300


def run_new(code, path, variables, warn):
    """The same as `run`, by a new interpreter."""
    return subprocess.run(
        [sys.executable, "-P", "-W", warn, "-c", code],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**variables, "PYTHONPATH": os.pathsep.join(path)},
        check=False,
    )


def run(code, path, variables, warn):
    """Run code in a process of its own, a new one where the system cannot fork.

    Parameters
    ----------
    code : str
    path : list of str
        Where modules are looked for first.
    variables : dict
        The environment.
    warn : str
        What is done about warnings, as after ``python -W``.

    Returns
    -------
    namespace
        `returncode`, `stdout` and `stderr`, as `subprocess.run` gives them.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return run_new(code, path, variables, warn)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sklearn.neural_network"])
    with TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        process = context.Process(target=_execute, args=(code, path, variables, warn, *files))
        process.start()
        process.join(LIMIT)
        if process.is_alive():
            process.kill()
            process.join()
        texts = [file.read_text(encoding="utf-8") for file in files]
    return SimpleNamespace(returncode=process.exitcode, stdout=texts[0], stderr=texts[1])


def _execute(code, path, variables, warn, *files):
    for number, file in enumerate(files, start=1):
        with open(file, "w") as stream:
            os.dup2(stream.fileno(), number)  # 1 is the standard output, 2 are errors
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = path
    warnings.resetwarnings()
    warnings.simplefilter(warn)
    exec(code, {"__name__": "__main__"})
