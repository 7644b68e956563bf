"""What training goes on from, and what it refuses to go on from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification

from skneural import ScratchMLPClassifier, ScratchMLPRegressor

X, Y = make_classification(n_samples=60, random_state=0)


def fitted(**params):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 500, "tol": 1e-2, "random_state": 0}
    return ScratchMLPClassifier(**{**settings, **params}).fit(X, Y)


@pytest.mark.parametrize(
    "changes", [{"activation": "tanh"}, {"hidden_layer_sizes": (5,)}, {"hidden_layer_sizes": ()}]
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_network_is_refused(method, changes):
    model = fitted(warm_start=True)
    before = model.predict_proba(X)
    model.set_params(**changes)
    with pytest.raises(ValueError, match="Training can go on only with the same"):
        getattr(model, method)(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_new_learning_rate_acts_at_once():
    slow, fast = fitted(solver="sgd"), fitted(solver="sgd")
    start = slow.coefs_[0].copy()
    for model, rate in ((slow, 1e-8), (fast, 1.0)):
        model.set_params(learning_rate_init=rate, momentum=0.0).partial_fit(X, Y)
    assert np.abs(slow.coefs_[0] - start).max() < 1e-7
    assert np.abs(fast.coefs_[0] - start).max() > 1e-3


def test_the_rate_of_invscaling_goes_on_falling():
    model = ScratchMLPClassifier(solver="sgd", learning_rate="invscaling", random_state=0)
    rates = []
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1])
        rates.append(model._fitted.state.record.learning_rate)
    np.testing.assert_allclose(rates, [0.001 / np.sqrt(60 * k + 1) for k in (1, 2, 3)])


def test_another_solver_begins_with_a_state_of_its_own():
    model = fitted(solver="adam")
    model.set_params(solver="sgd").partial_fit(X, Y)
    assert set(model._fitted.state.optimizer) == {
        "n_penalised",
        "velocity",
        "velocity_of_unit_gradient",
    }


def test_weights_count_relative_to_all_calls():
    # A second call of weight 3 pulls three times as hard as one of weight 1 would after the
    # same first call, up to the mean that has grown to 2.
    steps = {}
    for weight in (1.0, 3.0):
        model = ScratchMLPClassifier(
            (4,), solver="sgd", momentum=0.0, alpha=0.0, random_state=0, shuffle=False
        )
        model.partial_fit(X, Y, classes=[0, 1])
        before = model.coefs_[0].copy()
        model.partial_fit(X, Y, sample_weight=np.full(60, weight))
        steps[weight] = model.coefs_[0] - before
    np.testing.assert_allclose(steps[3.0], 3 / 2 * steps[1.0], rtol=1e-6)


def test_another_link_is_refused_and_predictions_keep_theirs():
    model = ScratchMLPRegressor(max_iter=500, tol=1e-2, warm_start=True, random_state=0).fit(X, Y)
    before = model.predict(X)
    model.set_params(loss="poisson")
    np.testing.assert_array_equal(model.predict(X), before)
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="ends in 'identity', loss='poisson' needs 'exp'"):
            getattr(model, method)(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(warm_start=False).fit(X, Y)
    assert model.out_activation_ == "exp"
