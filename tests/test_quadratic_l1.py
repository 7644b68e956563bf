"""Feature-sign search: against all sign patterns there are, one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from skneural.convex.quadratic_l1 import minimize_quadratic_l1


def value_at(x, hessian, linear, penalty):
    return 0.5 * x @ hessian @ x + linear @ x + penalty @ np.abs(x)


def minimum_by_brute_force(hessian, linear, penalty):
    """The best of the minima on all faces: for every choice of signs, zeros among them."""
    n = len(linear)
    best = np.zeros(n)
    for signs in product((-1, 0, 1), repeat=n):
        sign = np.array(signs)
        x = np.zeros(n)
        moving = sign != 0
        inverse = np.linalg.inv(hessian[np.ix_(moving, moving)])
        x[moving] = -inverse @ (linear + penalty * sign)[moving]
        if value_at(x, hessian, linear, penalty) < value_at(best, hessian, linear, penalty):
            best = x
    return best


def problem(n, seed, *, condition=1e2):
    """A random one, of which about half of the elements are zero at the minimum."""
    rng = np.random.RandomState(seed)
    rotation = np.linalg.qr(rng.randn(n, n))[0]
    hessian = (rotation * np.geomspace(1, condition, n)) @ rotation.T
    linear = 3 * rng.randn(n)
    penalty = rng.uniform(0.5, 3, size=n)
    return hessian, linear, penalty


#: Per name: what becomes of the penalty.
PENALTIES = {
    "all": lambda penalty: penalty,
    "last free": lambda penalty: np.append(penalty[:-1], 0),
    "all but the first free": lambda penalty: penalty * (np.arange(len(penalty)) == 0),
    "none": np.zeros_like,
    "strong": lambda penalty: 100 * penalty,
}
#: Per name: where to start, given the minimum.
STARTS = {
    "zero": np.zeros_like,
    "the minimum": np.copy,
    "wrong signs": lambda minimum: -minimum,
    "far away": lambda minimum: 1e3 * (-1.0) ** np.arange(len(minimum)),
    "the zeros, not the others": lambda minimum: (minimum == 0).astype(float),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_minimum_is_that_of_all_sign_patterns(n, penalties, start):
    for seed in range(4):
        hessian, linear, penalty = problem(n, seed)
        penalty = PENALTIES[penalties](penalty)
        expected = minimum_by_brute_force(hessian, linear, penalty)
        beginning = STARTS[start](expected)
        kept = beginning.copy()
        x = minimize_quadratic_l1(hessian, linear, penalty, beginning)
        np.testing.assert_allclose(x, expected, rtol=1e-8, atol=1e-10)
        np.testing.assert_array_equal(x == 0, expected == 0)
        np.testing.assert_array_equal(beginning, kept)


@pytest.mark.parametrize("condition", [1e0, 1e4, 1e8])
@pytest.mark.parametrize("seed", range(3))
def test_six_elements_from_a_random_guess(seed, condition):
    hessian, linear, penalty = problem(6, seed, condition=condition)
    expected = minimum_by_brute_force(hessian, linear, penalty)
    start = np.random.RandomState(seed).randn(6)
    x = minimize_quadratic_l1(hessian, linear, penalty, start)
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(x == 0, expected == 0)


@pytest.mark.parametrize("start", ["zero", "far away"])
@pytest.mark.parametrize(("n", "seed"), [*((40, seed) for seed in range(5)), (300, 0), (300, 1)])
def test_many_elements_satisfy_the_conditions_of_a_minimum(n, seed, start):
    hessian, linear, penalty = problem(n, seed)
    penalty[:3] = 0
    x = minimize_quadratic_l1(hessian, linear, penalty, STARTS[start](np.zeros(n)))
    slope = hessian @ x + linear
    assert 3 < np.count_nonzero(x) < n
    moving = x != 0
    np.testing.assert_allclose(slope[moving], -(penalty * np.sign(x))[moving], atol=1e-9)
    assert np.all(np.abs(slope[~moving]) <= penalty[~moving] * (1 + 1e-9))


def test_by_hand():
    # Without coupling each element is on its own: (|c| - lambda) / h, against the sign of c.
    hessian = np.diag([1.0, 2.0, 4.0, 1.0])
    linear = np.array([-3.0, 5.0, 1.0, 2.0])
    penalty = np.array([1.0, 1.0, 1.0, 0.0])
    x = minimize_quadratic_l1(hessian, linear, penalty, np.zeros(4))
    np.testing.assert_allclose(x, [2.0, -2.0, 0.0, -2.0], rtol=1e-15)
    assert x[2] == 0


@pytest.mark.parametrize("start", STARTS)
def test_copies_of_an_element(start):
    # A small ridge on the diagonal shares the weight among the copies.
    ridge = 1e-7
    hessian = np.array([[2.0, 2.0, 0.5], [2.0, 2.0, 0.5], [0.5, 0.5, 3.0]]) + ridge * np.eye(3)
    linear, penalty = np.array([-4.0, -4.0, 1.0]), np.ones(3)
    expected = minimum_by_brute_force(hessian, linear, penalty)
    x = minimize_quadratic_l1(hessian, linear, penalty, STARTS[start](expected))
    reached = value_at(x, hessian, linear, penalty)
    assert reached == pytest.approx(value_at(expected, hessian, linear, penalty), rel=1e-12)
    np.testing.assert_allclose(x, expected, atol=1e-6)
    assert x[0] == pytest.approx(x[1], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_singular_hessian(scale):
    # Exact copies: any way to share the weight among them is as good.
    hessian = scale * np.array([[2.0, 2.0, 0.5], [2.0, 2.0, 0.5], [0.5, 0.5, 3.0]])
    linear, penalty = scale * np.array([-4.0, -4.0, 1.0]), scale * np.array([1.0, 1.0, 0.0])
    # All weight on the first: 2 a + c / 2 = 3 and a / 2 + 3 c = -1.
    a, c = np.linalg.solve([[2, 0.5], [0.5, 3]], [3, -1])
    x = minimize_quadratic_l1(hessian, linear, penalty, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose([x[0] + x[1], x[2]], [a, c], rtol=1e-6)
    expected = value_at(np.array([a, 0, c]), hessian, linear, penalty)
    assert value_at(x, hessian, linear, penalty) == pytest.approx(expected, rel=1e-9)


def test_running_out_of_rounds_still_is_no_worse_than_the_start(monkeypatch):
    hessian, linear, penalty = problem(30, 0)
    start = STARTS["far away"](np.zeros(30))
    best = minimize_quadratic_l1(hessian, linear, penalty, start)
    before = value_at(start, hessian, linear, penalty)
    for n_rounds in range(1, 20):
        monkeypatch.setattr("skneural.convex.quadratic_l1.MAX_ROUNDS", n_rounds)
        x = minimize_quadratic_l1(hessian, linear, penalty, start)
        value = value_at(x, hessian, linear, penalty)
        assert value <= before
        before = value
    assert value_at(best, hessian, linear, penalty) <= before
