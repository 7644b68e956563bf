"""Processes that begin with packages imported, which takes most of the time of a new one.

They are forked from one that has imported these, and nothing of skneural: what variables and the
import path say to skneural holds for each of them as for a new one.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

#: Seconds after which a process is taken to hang.
LIMIT = 300


def run_new(code, path, variables, warn):
    """The same as `Forked.run`, by a new interpreter."""
    return subprocess.run(
        [sys.executable, "-P", "-W", warn, "-c", code],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**variables, "PYTHONPATH": os.pathsep.join(path)},
        check=False,
    )


class Forked:
    """Runs code in forks of a process.

    Parameters
    ----------
    before : str
        What the process executes once, before all forks.
    """

    def __init__(self, before):
        self._before = before
        self._process = None
        self._asking = threading.Lock()

    def run(self, code, path, variables, warn):
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
        if not hasattr(os, "fork"):
            return run_new(code, path, variables, warn)
        with TemporaryDirectory() as folder:
            *files, status = (Path(folder, name) for name in ("stdout", "stderr", "status"))
            os.mkfifo(status)
            self._ask([str(status), code, path, variables, warn, *map(str, files)])
            returncode = int(status.read_text())  # waits for what writes it
            texts = [file.read_text(encoding="utf-8") for file in files]
        return SimpleNamespace(returncode=returncode, stdout=texts[0], stderr=texts[1])

    def _ask(self, request):
        with self._asking:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", f"{self._before}\nimport forked\nforked.serve()"],
                    stdin=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
                )
                atexit.register(self._process.communicate)  # ends its input, and so itself
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()


def serve():
    """Run what is asked for on the standard input, each in a fork that another one waits for."""
    for line in sys.stdin:
        if os.fork() == 0:
            # Taking down what has been imported would take longer than most of the code.
            try:
                os._exit(_run_in_fork(*json.loads(line)))
            finally:
                os._exit(1)


def _run_in_fork(status, *request):
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT)
        return _execute(*request)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    Path(status).write_text(str(code))
    return 0


def _execute(code, path, variables, warn, *files):
    for number, file in enumerate(files, start=1):
        with open(file, "w") as stream:
            os.dup2(stream.fileno(), number)  # 1 is the standard output, 2 are errors
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = path
    warnings.resetwarnings()
    warnings.simplefilter(warn)
    try:
        exec(code, {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
