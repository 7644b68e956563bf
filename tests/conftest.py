"""What holds for all tests: nothing is skipped silently, no result is luck, no screen is needed."""

from __future__ import annotations

import gc
import os

# Before anything imports them: SciPy reads it once, and scikit-learn's checks ask for it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest

#: What a test without a `random_state` starts from. Another one shows which of them pass by luck.
SEED = int(os.environ.get("SKNEURAL_TESTS_SEED", "0"))

#: How a skip has to begin. Anything else, a missing package above all, is a failure: the
#: test extra brings every package that the tests need.
ALLOWED_SKIPS = (
    "reference:",  # compares with numbers or signatures of scikit-learn 1.9
    "optional:",  # compares with a package that is not in the test extra
    "data:",  # needs the data sets that SKNEURAL_DATA points to
    "extra:",  # of tests/integration, which .ci/run runs in an environment with every extra
)


def pytest_collection_modifyitems(config, items):
    """Leave out the cases that a module of scikit-learn's own tests lists, with its reasons."""
    # Processes side by side must collect the same: an address in memory is another in each.
    addresses = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addresses:
        raise pytest.UsageError(f"Tests are named by addresses, give them ids: {addresses[:3]}")
    left_out = [item for item in items if item.name in getattr(item.module, "LEFT_OUT_CASES", {})]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session):
    """Have the garbage collector pass over the tests themselves, and come by less often.

    Going through all that pytest holds of some ten thousand tests, again and again, took a tenth of
    the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before any fixture of the test: the generator of NumPy that estimators draw from."""
    np.random.seed(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """With kernels in all of a test, where they are asked for: fits alone would use them."""
    if os.environ.get("SKNEURAL_COMPILED") != "1":
        return (yield)
    from skneural.kernels import compiled_kernels

    with compiled_kernels(0):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if report.skipped and not str(report.longrepr[2]).startswith("Skipped: extra:"):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped: {report.longrepr[2]}"
    return report
