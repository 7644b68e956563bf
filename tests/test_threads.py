"""How many threads BLAS gets: what the products can use, and never more than it had."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import skneural
from skneural import ScratchLogisticRegression, ScratchMLPClassifier
from skneural.arrays import threads
from skneural.arrays.threads import FLOPS_PER_THREAD, blas_threads
from skneural.estimators import network

MANY = 4 * FLOPS_PER_THREAD


def n_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def three_threads():
    """Whatever the machine has."""
    before = threadpool_info()
    with threadpool_limits(limits=3, user_api="blas"):
        assert n_threads() == {3}
        yield
        assert n_threads() == {3}
    assert threadpool_info() == before


@pytest.mark.parametrize(
    ("multiplications", "expected"),
    [
        (0, 1),
        (FLOPS_PER_THREAD, 1),
        (2 * FLOPS_PER_THREAD - 1, 1),
        (2 * FLOPS_PER_THREAD, 2),
        (3 * FLOPS_PER_THREAD, 3),
        (100 * FLOPS_PER_THREAD, 3),
    ],
)
def test_a_thread_for_so_many_multiplications(multiplications, expected):
    with blas_threads(multiplications):
        assert n_threads() == {expected}


def test_the_users_limit_is_not_exceeded():
    with threadpool_limits(limits=1, user_api="blas"), blas_threads(MANY):
        assert n_threads() == {1}


def test_the_smallest_of_several_trainings_decides():
    large, medium, small = blas_threads(MANY), blas_threads(2 * FLOPS_PER_THREAD), blas_threads(1)
    for training, expected in ((large, 3), (small, 1), (medium, 1)):
        training.__enter__()
        assert n_threads() == {expected}
    for training, expected in ((small, 2), (large, 2), (medium, 3)):
        training.__exit__(None, None, None)
        assert n_threads() == {expected}


def test_an_error_lifts_the_limit():
    with pytest.raises(RuntimeError, match="on the way"), blas_threads(1):
        raise RuntimeError("on the way")
    assert n_threads() == {3}


@pytest.mark.parametrize(
    ("estimator", "n_features", "expected"),
    [
        (ScratchMLPClassifier((128,), batch_size=1000, max_iter=1, tol=1e9), 64, 7),
        (ScratchMLPClassifier((128,), batch_size=100, max_iter=1, tol=1e9), 64, 0),
        # As many multiplications and more, but with one column, and with three.
        (ScratchLogisticRegression(max_iter=1, tol=1e9), 8192, 0),
        (ScratchMLPClassifier((3,), batch_size=1000, max_iter=1, tol=1e9), 4096, 0),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_products_of_few_columns_get_fewer_threads(monkeypatch, estimator, n_features, expected):
    n_asked = []

    def remembering(multiplications):
        n_asked.append(multiplications // FLOPS_PER_THREAD)
        return blas_threads(multiplications)

    monkeypatch.setattr(network, "blas_threads", remembering)
    X = np.tile(np.random.RandomState(0).standard_normal((1000, 64)), n_features // 64)
    estimator.fit(X, X[:, 0] > 0)
    assert n_asked == [expected]


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.mark.parametrize("last", [0, 1])
def test_trainings_in_two_threads_may_end_in_any_order(last):
    # threadpoolctl lets one thread set OpenBLAS's number; it need not be the last one to train.
    entered, left = threading.Event(), threading.Event()

    def train():
        with blas_threads(1):
            entered.set()
            left.wait(10)

    other, here = threading.Thread(target=train), blas_threads(2 * FLOPS_PER_THREAD)
    with here:
        other.start()
        entered.wait(10)
        assert n_threads() == {1}
        if last == 0:
            left.set()
            other.join()
            assert n_threads() == {2}
    assert n_threads() == {3 if last == 0 else 1}
    left.set()
    other.join()


def test_leaving_twice_is_leaving_once():
    outer, inner = blas_threads(1), blas_threads(1)
    outer.__enter__()
    with inner:
        pass
    inner.__exit__(None, None, None)
    assert n_threads() == {1}
    outer.__exit__(None, None, None)
    outer.__exit__(None, None, None)


@pytest.mark.parametrize("in_cycle", [False, True])
def test_a_block_that_is_never_left_ends_with_its_object(in_cycle):
    training = blas_threads(1)
    training.__enter__()
    assert n_threads() == {1}
    if in_cycle:
        training.itself = training
    del training
    if in_cycle:
        gc.collect(1)  # those of young objects: through all of them it would take much longer
    assert n_threads() == {3}


class NumberPerThread(threading.local):
    """A library such as MKL, in which every thread has a number of its own."""

    user_api = "blas"
    internal_api = "mkl"
    num_threads = 8

    def set_num_threads(self, n_threads):
        self.num_threads = n_threads


def test_libraries_with_a_number_for_each_thread(monkeypatch):
    library = NumberPerThread()
    monkeypatch.setattr(threads, "_blas_libraries", lambda: ((), (library,)))
    found = []

    def train():
        found.append(library.num_threads)
        with blas_threads(1):
            found.append(library.num_threads)
        found.append(library.num_threads)

    with blas_threads(4 * FLOPS_PER_THREAD):
        in_thread(train)
        assert library.num_threads == 4
    assert library.num_threads == 8
    assert found == [8, 1, 8]


@pytest.mark.parametrize(
    ("version", "internal_api", "layer", "expected"),
    [
        ("3.8.0", "mkl", "intel", True),
        ("3.8.0", "openblas", "openmp", True),
        ("3.8.0", "openblas", "pthreads", False),
        ("3.8.0", "blis", "openmp", False),
        # Older versions set the number of the process.
        ("3.6.0", "mkl", "intel", False),
        ("3.6.0", "openblas", "openmp", False),
    ],
)
def test_which_libraries_have_a_number_for_each_thread(
    monkeypatch, version, internal_api, layer, expected
):
    monkeypatch.setattr(threads.threadpoolctl, "__version__", version)
    library = SimpleNamespace(internal_api=internal_api, threading_layer=layer)
    assert threads._has_number_per_thread(library) is expected


def run(script, timeout=120):
    """Standard output of a script in a process of its own, with three threads for BLAS."""
    # Threads of BLAS with nothing to do would go round in circles for a while before they sleep.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "3", "OPENBLAS_THREAD_TIMEOUT": "4"}
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment,
    )
    assert process.stderr == ""
    return process.stdout


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="reference: Windows has no fork")

FORKS = """
import os, random, sys, threading, time
import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits
from skneural import ScratchMLPRegressor
from skneural.arrays.threads import FLOPS_PER_THREAD, blas_threads

threadpool_limits(limits=3, user_api="blas")
libraries = ThreadpoolController().select(user_api="blas")
with blas_threads(1):  # threadpoolctl then lets other threads set the number too
    pass
sys.setswitchinterval(1e-5)
X = np.random.RandomState(0).standard_normal((20, 3))
is_over = False
may_train = threading.Event()

def n_threads():
    return {library["num_threads"] for library in libraries.info()}

def train():
    while not is_over:
        may_train.wait()
        with blas_threads(1):
            pass

def child(expected):
    if n_threads() != {expected}:
        os._exit(2)
    ScratchMLPRegressor(hidden_layer_sizes=2, max_iter=2, tol=1e9).fit(X, X[:, 0])
    if n_threads() != {expected}:
        os._exit(3)
    # The child can itself have children.
    pid = os.fork()
    if pid == 0:
        os._exit(0 if n_threads() == {expected} else 4)
    os._exit(wait_for(pid))

def wait_for(pid):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(1e-3)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"

def fork(expected):
    may_train.set()
    time.sleep(random.random() * 1e-3)
    pid = os.fork()
    if pid == 0:
        child(expected)
    may_train.clear()  # They would only take the core that the child needs.
    return wait_for(pid)

threads = [threading.Thread(target=train) for _ in range(2)]
for thread in threads:
    thread.start()
codes = [fork(3) for _ in range(8)]
# The limit of a training that forks itself stays, those of the others do not.
with blas_threads(2 * FLOPS_PER_THREAD):
    codes += [fork(2) for _ in range(8)]
is_over = True
may_train.set()
for thread in threads:
    thread.join()
assert n_threads() == {3}
print(set(codes))
"""


@needs_fork
def test_a_fork_while_other_threads_change_the_limit():
    assert run(FORKS) == "{0}\n"


#: With an empty stand-in for the package: importing scikit-learn would take longer than all of it.
SIGNALS = """
import os, random, signal, sys, time, types
import scipy.linalg  # with another BLAS than NumPy's
from threadpoolctl import ThreadpoolController, threadpool_limits

sys.modules["skneural"] = types.ModuleType("skneural")
sys.modules["skneural"].__path__ = FOLDERS
from skneural.arrays.threads import blas_threads

signal.signal(signal.SIGINT, signal.default_int_handler)
threadpool_limits(limits=3, user_api="blas")
libraries = ThreadpoolController().select(user_api="blas")
N_SIGNALS = 2000
n_caught = n_limited = n_unlimited = 0

# Sent by another process: a thread could only send while this one waits or calls a library.
ready, wanted = os.pipe()
sender = os.fork()
if sender == 0:
    for _ in range(N_SIGNALS):
        os.read(ready, 1)
        end = time.perf_counter() + random.random() * 1e-4
        while time.perf_counter() < end:
            pass
        os.kill(os.getppid(), signal.SIGINT)
    os._exit(0)

def n_threads():
    return {library["num_threads"] for library in libraries.info()}

def train():
    os.write(wanted, b".")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with blas_threads(1):
            pass
    raise RuntimeError("a signal was lost")

while n_caught < N_SIGNALS:
    try:
        train()
    except KeyboardInterrupt:
        n_caught += 1
    # The interrupt is over, and its traceback with the frames is gone.
    if n_caught % 10 == 0:
        n_limited += n_threads() != {3}
        with blas_threads(1):
            n_unlimited += n_threads() != {1}
os.waitpid(sender, 0)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
print(n_limited, n_unlimited)
"""


@needs_fork
def test_interrupts_leave_limits_as_they_were():
    assert run(SIGNALS.replace("FOLDERS", repr(list(skneural.__path__)))) == "0 0\n"
