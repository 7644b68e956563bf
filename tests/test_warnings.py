"""Warnings point at the line of the user's own code."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
)

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


NETWORKS, LOGISTIC = (
    "sklearn.neural_network._multilayer_perceptron",
    "sklearn.linear_model._logistic",
)
# Estimators that do not converge, and the module that warns in scikit-learn.
TWINS = [
    (ScratchMLPClassifier(max_iter=1), NETWORKS),
    (ScratchMLPRegressor(max_iter=1, solver="lbfgs"), NETWORKS),
    (HiddenLayerTransformer(ScratchMLPClassifier(max_iter=1)), NETWORKS),
    (ScratchLogisticRegression(max_iter=1), LOGISTIC),
    (ScratchLogisticRegression(max_iter=1, solver="adam"), LOGISTIC),
    (ScratchPerceptron(max_iter=1), "sklearn.linear_model._stochastic_gradient"),
]
NUMBERS = np.arange(60) % 2
twins = pytest.mark.parametrize(("estimator", "module"), TWINS, ids=repr)


def caught(call, *filters):
    """What a call warns of under filters, of which the last is asked first."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for action, module, category in filters:
            warnings.filterwarnings(action, category=category, module=module)
        call()
    return found


@twins
def test_filters_for_scikit_learn_act_on_ours(estimator, module):
    for name in ("sklearn", module.rpartition(".")[0], module, r"sklearn\..*"):
        for category in (ConvergenceWarning, UserWarning, Warning):
            assert not caught(lambda: estimator.fit(X, NUMBERS), ("ignore", name, category))
        with pytest.raises(ConvergenceWarning):
            caught(lambda: estimator.fit(X, NUMBERS), ("error", name, ConvergenceWarning))
    other = NETWORKS if module != NETWORKS else LOGISTIC
    for name, category in [(other, ConvergenceWarning), ("sklearn", DeprecationWarning)]:
        assert caught(lambda: estimator.fit(X, NUMBERS), ("ignore", name, category))


@twins
def test_other_filters_act_as_on_every_warning(estimator, module):
    assert not caught(lambda: estimator.fit(X, NUMBERS), ("ignore", __name__, ConvergenceWarning))
    assert not caught(lambda: estimator.fit(X, NUMBERS), ("ignore", "", ConvergenceWarning))
    # The last filter that fits a warning of scikit-learn's names no module: nothing is silenced.
    filters = ("ignore", "sklearn", ConvergenceWarning), ("always", "", Warning)
    assert caught(lambda: estimator.fit(X, NUMBERS), *filters)
    (found,) = caught(lambda: estimator.fit(X, NUMBERS))
    assert Path(found.filename) == Path(__file__)


def fit_in_joblib(fit):
    joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(fit)(X, NUMBERS) for _ in "ab")


def fit_in_a_pool(fit):
    with ThreadPool(1) as pool:
        pool.apply(fit, (X, NUMBERS))


def fit_in_an_executor(fit):
    with ThreadPoolExecutor(1) as executor:
        executor.submit(fit, X, NUMBERS).result()


def fit_in_dask(fit):
    # As a worker of dask calls it, in a module of dask.
    exec("fit(X, y)", {"__name__": "distributed.worker", "fit": fit, "X": X, "y": NUMBERS})


@twins
@pytest.mark.parametrize("way", [fit_in_joblib, fit_in_a_pool, fit_in_an_executor, fit_in_dask])
def test_in_a_worker_the_module_is_ours(estimator, module, way):
    found = caught(lambda: way(estimator.fit))
    assert found
    assert {"skneural" in Path(warning.filename).parts for warning in found} == {True}
    if way is not fit_in_dask:
        own = caught(lambda: way(lambda X, y: estimator.fit(X, y)))  # a line of the user's
        assert {Path(warning.filename) for warning in own} == {Path(__file__)}
    assert not caught(lambda: way(estimator.fit), ("ignore", "sklearn", ConvergenceWarning))
    assert not caught(lambda: way(estimator.fit), ("ignore", "skneural", ConvergenceWarning))
