"""Warnings point at the line of the user's own code."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from skneural import ScratchMLPClassifier

X = np.random.RandomState(0).randn(60, 2)
Y = np.repeat(["a", "b", "c"], [30, 29, 1])

NOISY = [
    (ScratchMLPClassifier(max_iter=1), "Maximum iterations"),
    (ScratchMLPClassifier(max_iter=1, solver="lbfgs"), "lbfgs failed to converge"),
    (ScratchMLPClassifier(batch_size=1000, max_iter=1), "all of them make one batch"),
    (ScratchMLPClassifier(early_stopping=True, max_iter=1), "not stratified"),
]


@pytest.mark.parametrize(("estimator", "message"), NOISY, ids=[message for _, message in NOISY])
@pytest.mark.parametrize("way", ["fit", "cross_val_score"])
def test_the_line_is_the_users(estimator, message, way):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if way == "fit":
            estimator.fit(X, Y)
        else:
            cross_val_score(estimator, X, Y == "a" if "strat" not in message else Y, cv=2)
    ours = [warning for warning in caught if message in str(warning.message)]
    assert ours
    assert {Path(warning.filename).name for warning in ours} == {Path(__file__).name}
