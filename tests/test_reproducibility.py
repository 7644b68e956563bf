"""What docs/reproducibility.rst promises: when two fits give the same bits, and else how close.

What is fitted, and the numbers that are compared, are in reproducible_fits.py.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import reproducible_fits
from joblib import parallel_config
from reproducible_fits import FITS, MARK, NUMBER, X, digests, fit_all
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

#: How far rounding may lead: further in float32, in which networks on raw tables compute, and where
#: Adam divides a gradient that is nearly zero by its own size.
TOLERANCES = {"network, float32": 1e-5, "raw table": 1e-3, "raw table, numbers": 1e-3}
#: Threads of OpenBLAS with nothing to do sleep at once, and do not go round in circles before.
SLEEPING = {"OPENBLAS_THREAD_TIMEOUT": "4"}

needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="reference: cores are chosen as Linux does"
)


def run(code, **environment):
    """Standard output of code in a process of its own, with as many threads as `environment` says.

    The kernels of BLAS stay those of this process: others round in another way.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **SLEEPING, **environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def fitted_elsewhere(*words, n_cores=None, **environment):
    """What reproducible_fits.py prints, on so many cores."""
    # Without the collector of garbage: at the end it would look through all that is imported.
    code = "import gc, os, runpy, sys\ngc.disable()\n"
    if n_cores is not None:
        code += f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{n_cores}])\n"
    code += f"sys.argv[1:] = {words}\n"
    code += f"runpy.run_path({reproducible_fits.__file__!r}, run_name='__main__')\ngc.freeze()"
    return json.loads(run(code, **environment))


@pytest.fixture(scope="module")
def here():
    """The fits in this process, with one thread of BLAS."""
    with threadpool_limits(1):
        return fit_all()


@pytest.fixture(scope="module")
def four_cores(tmp_path_factory):
    """The fits under a limit of one thread, where BLAS would take four, and then in a fork.

    And then, in the same process, twice under a limit of two threads: with them, the numbers.
    """
    file = tmp_path_factory.mktemp("four_cores") / "numbers.npz"
    words = ["one-thread", *["fork"] * hasattr(os, "fork"), "two-threads", str(file)]
    found = fitted_elsewhere(*words, OPENBLAS_NUM_THREADS="4", PYTHONHASHSEED="2")
    return {**found, "numbers of two threads": np.load(file)}


def assert_same(found, numbers):
    """By name, to show which fits differ."""
    expected = digests(numbers)
    assert [name for name in expected if found[name] != expected[name]] == []


# ------------------------------------------------------------------------- the same bits


@needs_affinity
def test_one_core(here):
    """Another process, with another seed of Python's hashes."""
    found = fitted_elsewhere(n_cores=1, PYTHONHASHSEED="1")
    assert {n_threads for n_threads, _ in found["blas"]} == {1}
    assert_same(found["digests"], here)


def test_under_a_limit_of_one_thread_the_number_of_cores_does_not_matter(here, four_cores):
    assert_same(four_cores["digests"], here)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="reference: Windows has no fork")
def test_a_fork_fits_the_same(four_cores):
    """And so does the process that has forked, meanwhile."""
    expected = {name: four_cores["digests"][name] for name in reproducible_fits.OF_FORKS}
    assert four_cores["after a fork"] == [expected, expected]


def test_fits_side_by_side_in_threads(here):
    # The filters of warnings are those of all threads: each sets them back to what it has found,
    # which may be what another has set.
    with warnings.catch_warnings(), threadpool_limits(1), ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("ignore")
        found = pool.map(lambda name: digests(fit_all([name])), FITS)
        assert_same({name: digest for each in found for name, digest in each.items()}, here)


@pytest.mark.parametrize("name", ["network, early stopping", "raw table", "perceptron"])
def test_without_a_random_state_the_seed_of_numpy_decides(name):
    estimator, X, y = FITS[name]
    estimator = clone(estimator).set_params(random_state=None)
    found = []
    with threadpool_limits(1):
        for seed in (3, 3, 4):
            np.random.seed(seed)
            found.append(reproducible_fits.numbers_of(estimator, X, y).tobytes())
    assert found[0] == found[1] != found[2]


def search(estimator, **settings):
    y = NUMBER if isinstance(estimator, ScratchMLPRegressor) else MARK
    values = [1e-4, 1.0]
    grid = {"C" if isinstance(estimator, ScratchLogisticRegression) else "alpha": values}
    scoring = None if y is NUMBER else "neg_log_loss"
    if isinstance(estimator, ScratchPerceptron):
        grid, scoring = {"eta0": [0.1, 1.0]}, None
    return GridSearchCV(estimator, grid, cv=2, scoring=scoring, refit=False, **settings).fit(X, y)


@cache
def one_job(name):
    with threadpool_limits(1):
        return search(FITS[name][0])


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
@pytest.mark.parametrize(
    "name", ["network, adam", "regressor, lbfgs", "logistic regression, lbfgs", "perceptron"]
)
def test_jobs_of_a_search_do_not_change_its_scores(name, backend):
    # Processes of loky get their share of the cores, whatever the limit is here.
    settings = {"inner_max_num_threads": 1} if backend == "loky" else {}
    expected = one_job(name)
    if backend == "multiprocessing":
        gc.freeze()  # joblib collects garbage before it forks: not among all that tests have left
    with threadpool_limits(1), parallel_config(backend, n_jobs=2, **settings):
        found = search(FITS[name][0])
    assert found.best_params_ == expected.best_params_
    for split in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(found.cv_results_[split], expected.cv_results_[split])


@pytest.mark.filterwarnings("ignore:'n_jobs' has no effect:FutureWarning")
@pytest.mark.parametrize("estimator", [ScratchLogisticRegression(), ScratchPerceptron()])
def test_n_jobs_of_an_estimator_changes_nothing(estimator):
    one, four = (clone(estimator).set_params(n_jobs=n).fit(X, MARK) for n in (1, 4))
    np.testing.assert_array_equal(one.coef_, four.coef_)


# ------------------------------------------------------------------------- as close as rounding


def assert_close(numbers, here):
    """Within rounding of what this process has fitted."""
    for name, expected in here.items():
        error = np.linalg.norm(numbers[name] - expected) / np.linalg.norm(expected)
        assert error < TOLERANCES.get(name, 1e-9), name


def test_two_threads_give_two_threads_bits(here, four_cores):
    assert {n_threads for n_threads, _ in four_cores["blas of two threads"]} == {2}
    once, again = four_cores["two threads"]
    assert once == again
    assert_close(four_cores["numbers of two threads"], here)


def test_other_kernels_of_blas_differ_by_rounding(here, tmp_path):
    file = tmp_path / "numbers.npz"
    found = fitted_elsewhere("one-thread", str(file), OPENBLAS_CORETYPE="Nehalem")
    if found["blas"] == reproducible_fits.blas():
        pytest.skip("reference: this BLAS has no other kernels to choose from")
    assert_close(np.load(file), here)
