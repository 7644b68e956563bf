"""How many threads BLAS gets: what the products are worth, and never more than it had."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skneural._threads import WORTH_A_THREAD, blas_threads

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
