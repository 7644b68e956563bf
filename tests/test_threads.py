"""How many threads BLAS gets: what the products are worth, and never more than it had."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skneural import ScratchLogisticRegression, ScratchMLPClassifier
from skneural._threads import WORTH_A_THREAD, blas_threads
from skneural.estimators import _base

MANY = 4 * WORTH_A_THREAD


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
        (WORTH_A_THREAD, 1),
        (2 * WORTH_A_THREAD - 1, 1),
        (2 * WORTH_A_THREAD, 2),
        (3 * WORTH_A_THREAD, 3),
        (100 * WORTH_A_THREAD, 3),
    ],
)
def test_a_thread_for_so_many_multiplications(multiplications, expected):
    with blas_threads(multiplications):
        assert n_threads() == {expected}


def test_the_users_limit_is_not_exceeded():
    with threadpool_limits(limits=1, user_api="blas"), blas_threads(MANY):
        assert n_threads() == {1}


def test_the_smallest_of_several_trainings_decides():
    large, medium, small = blas_threads(MANY), blas_threads(2 * WORTH_A_THREAD), blas_threads(1)
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
def test_thin_products_are_worth_less(monkeypatch, estimator, n_features, expected):
    worth = []

    def remembering(multiplications):
        worth.append(multiplications // WORTH_A_THREAD)
        return blas_threads(multiplications)

    monkeypatch.setattr(_base, "blas_threads", remembering)
    X = np.random.RandomState(0).standard_normal((1000, n_features))
    estimator.fit(X, X[:, 0] > 0)
    assert worth == [expected]
