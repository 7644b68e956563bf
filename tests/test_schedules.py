"""Every schedule against its formula."""

from __future__ import annotations

import pytest

from skneural.schedules import Adaptive, Constant, InverseScaling


def test_constant():
    assert Constant().after_epoch(0.3, 0.1, 1000) == 0.3
    assert Constant().on_plateau(0.3) is None


@pytest.mark.parametrize("power_t", [0.0, 0.5, 2.0])
def test_inverse_scaling(power_t):
    schedule = InverseScaling(power_t)
    for seen in (1, 10, 1000):
        assert schedule.after_epoch(123.0, 0.1, seen) == 0.1 / (seen + 1) ** power_t
    assert schedule.on_plateau(0.1) is None


def test_adaptive():
    schedule = Adaptive()
    assert schedule.after_epoch(0.3, 0.1, 1000) == 0.3
    rate, rates = 0.1, []
    while rate is not None:
        rates.append(rate)
        rate = schedule.on_plateau(rate)
    assert rates == pytest.approx([0.1 / 5**k for k in range(9)])
    assert rates[-2] > 1e-6 >= rates[-1]
