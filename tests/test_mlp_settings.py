"""What the networks make of names and objects: in searches, copies, and trainings that go on."""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_wine
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from snapshots import frozen, state

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import ACTIVATIONS, Activation
from skneural.losses import (
    BinaryFocal,
    BinarySquaredError,
    ClassificationLoss,
    Focal,
    Huber,
    Link,
    LogLoss,
    MultinomialLogLoss,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)
from skneural.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    NAdam,
    Optimizer,
    RMSprop,
)
from skneural.schedules import (
    Cosine,
    Exponential,
    InverseScaling,
    LinearWarmUp,
    OneCycle,
    Schedule,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
NUMBERS = X @ np.linspace(-1, 1, 13) + 0.1 * Y
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 4, "batch_size": 50, "random_state": 0}
ESTIMATORS = {
    "classifier": ScratchMLPClassifier(**SMALL),
    "regressor": ScratchMLPRegressor(**SMALL),
}
parametrize_estimators = pytest.mark.parametrize("kind", ESTIMATORS)

#: What can be switched on, for both estimators; a new feature joins by a line.
FEATURES = {
    "dropout": {"dropout": 0.3},
    "dropout, one layer": {"dropout": [0.0, 0.5]},
    "l1_ratio": {"l1_ratio": 0.5, "alpha": 1.0},
    "weight decay": {"solver": AdamW(weight_decay=0.1)},
    "clipping": {"solver": SGD(max_grad_norm=0.1)},
    "moving average": {"solver": Adam(averaging=0.9)},
    "Polyak's average": {"solver": SGD(averaging=1.0)},
    "nadam": {"solver": NAdam()},
    "rmsprop": {"solver": RMSprop(momentum=0.5)},
    "adagrad": {"solver": AdaGrad()},
    "cosine": {"learning_rate": Cosine()},
    "warm-up": {"learning_rate": LinearWarmUp(2, then=OneCycle())},
    "activations": {"activation": ["mish", "gelu"]},
    "activation": {"activation": ACTIVATIONS["silu"]},
    "initialization": {"initialization": "orthogonal"},
    "best weights": {"restore_best_weights": True},
    "metric": {"early_stopping": True, "early_stopping_metric": "loss"},
    "max_time": {"max_time": 1e6},
    "all at once": {
        "solver": NAdam(averaging=0.9, weight_decay=0.01, max_grad_norm=1.0),
        "learning_rate": LinearWarmUp(1, then=Exponential(0.9)),
        "dropout": 0.2,
        "l1_ratio": 0.3,
        "activation": ["silu", "selu"],
        "initialization": "lecun_normal",
        "early_stopping": True,
        "early_stopping_metric": "loss",
        "max_time": 1e6,
    },
}
FEATURES_OF_ONE = {
    "classifier": {
        "class_weight": {"class_weight": "balanced"},
        "label smoothing": {"loss": LogLoss(label_smoothing=0.1)},
        "focal": {"loss": Focal(gamma=1.0)},
        "squared error": {"loss": SquaredError()},
    },
    "regressor": {
        "huber": {"loss": Huber(delta=0.5)},
        "absolute error": {"loss": "absolute_error"},
        "quantile": {"loss": Quantile(0.9)},
        "quantiles": {"loss": Quantile([0.1, 0.5, 0.9])},
    },
}
CASES = [
    pytest.param(kind, params, id=f"{kind}, {name}")
    for kind in ESTIMATORS
    for name, params in {**FEATURES, **FEATURES_OF_ONE[kind]}.items()
]
parametrize_features = pytest.mark.parametrize(("kind", "params"), CASES)


def target(kind):
    return Y if kind == "classifier" else NUMBERS


def fitted(kind, params, X=X, **more):
    model = clone(ESTIMATORS[kind]).set_params(**{**copy.deepcopy(params), **more})
    return model.fit(X, target(kind))


# ----------------------------------------------------------------- every feature


@parametrize_features
def test_fit_leaves_the_parameters_alone(kind, params):
    model = clone(ESTIMATORS[kind]).set_params(**copy.deepcopy(params))
    given = model.get_params(deep=False)
    before = pickle.dumps(given)
    model.fit(X, target(kind))
    assert all(model.get_params(deep=False)[name] is value for name, value in given.items())
    assert pickle.dumps(given) == before


@parametrize_features
def test_same_seed_same_model_and_pickle(kind, params):
    one, two = fitted(kind, params), fitted(kind, params)
    assert state(one) == state(two)
    copied = pickle.loads(pickle.dumps(one))
    assert state(copied) == state(one)
    np.testing.assert_array_equal(copied.predict(X), one.predict(X))
    deployed = one.for_prediction()
    np.testing.assert_array_equal(deployed.predict(X), one.predict(X))


@parametrize_features
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_rows_are_rows(kind, params, dtype):
    rows = np.where(np.abs(X) > 0.5, X, 0).astype(dtype)
    dense, thin = (fitted(kind, params, each) for each in (rows, sparse.csr_matrix(rows)))
    assert dense._model.params.dtype == thin._model.params.dtype == dtype
    tolerance = 1e-9 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(
        thin._model.params, dense._model.params, rtol=tolerance, atol=tolerance
    )


@parametrize_features
def test_partial_fit_goes_on_where_it_stopped(kind, params):
    """Epoch by epoch is the same as all epochs in one fit, as long as the rows keep their order."""
    params = {
        name: value
        for name, value in params.items()
        if not name.startswith(("early_stopping", "restore"))
    }
    if params.get("class_weight") == "balanced":
        params["class_weight"] = {0: 2.0}
    whole = fitted(kind, params, shuffle=False)
    parts = clone(whole)
    for n in range(4):
        parts.partial_fit(
            X, target(kind), **({"classes": [0, 1, 2]} if kind == "classifier" else {})
        )
        if n == 1:
            parts = pickle.loads(pickle.dumps(parts))
    assert frozen(parts._model.params) == frozen(whole._model.params)
    assert frozen(parts.loss_curve_) == frozen(whole.loss_curve_)


@parametrize_features
def test_warm_start_goes_on(kind, params):
    model = fitted(kind, params, warm_start=True)
    first = list(model.loss_curve_)
    model.fit(X, target(kind))
    assert model.loss_curve_[: len(first)] == first
    assert len(model.loss_curve_) == len(first) + model.n_iter_
    assert np.isfinite(model.score(X, target(kind)))
    if model.validation_scores_ is not None:
        assert len(model.validation_scores_) == len(model.loss_curve_)
        assert model.best_validation_score_ == max(model.validation_scores_)


@parametrize_features
def test_a_row_by_itself_is_a_row_among_others(kind, params):
    model = fitted(kind, params)
    predict = model.decision_function if is_classifier(model) else model.predict
    alone = np.concatenate([predict(X[i : i + 1]) for i in range(10)])
    np.testing.assert_allclose(alone, predict(X)[:10], rtol=1e-9, atol=1e-12)


# --------------------------------------------------------------- names and objects


@pytest.mark.parametrize(
    ("name", "setting", "example"),
    [
        ("solver", "weight_decay", "AdamW"),
        ("learning_rate", "lowest", "Cosine"),
        ("loss", "label_smoothing", "LogLoss"),
        ("activation", "glorot_factor", "Activation"),
    ],
)
def test_a_name_has_no_settings(name, setting, example):
    model = ScratchMLPClassifier()
    with pytest.raises(ValueError, match=f"{name}__{setting} cannot be set: {name}='.*{example}"):
        model.set_params(**{f"{name}__{setting}": 0.1})
    with pytest.raises(ValueError, match="no object with settings"):
        GridSearchCV(model, {f"{name}__{setting}": [0.1, 0.2]}, error_score="raise").fit(X, Y)


def test_settings_inside_are_parameters():
    model = ScratchMLPClassifier(
        solver=AdamW(weight_decay=0.1), learning_rate=LinearWarmUp(then=Cosine())
    )
    deep = model.get_params()
    assert deep["solver__weight_decay"] == 0.1
    assert deep["learning_rate__then__lowest"] == 0.0
    model.set_params(solver__weight_decay=0.2, learning_rate__then__lowest=0.5)
    assert model.solver == AdamW(weight_decay=0.2)
    assert model.learning_rate.then.lowest == 0.5
    model.set_params(solver__averaging=0.9, solver=Adam())  # the object comes first
    assert model.solver == Adam(averaging=0.9)
    with pytest.raises(ValueError, match="AdamW has no setting 'momentum'"):
        model.set_params(solver=AdamW(), solver__momentum=0.3)
    copied = clone(model)
    assert copied.solver == model.solver
    assert copied.solver is not model.solver


def test_what_was_not_default_is_printed():
    model = ScratchMLPClassifier(solver=AdamW(weight_decay=0.1, max_grad_norm=1.0))
    assert repr(model) == "ScratchMLPClassifier(solver=AdamW(weight_decay=0.1, max_grad_norm=1.0))"


@parametrize_estimators
@pytest.mark.parametrize(
    ("named", "as_object"),
    [
        ({"solver": "adam", "beta_1": 0.5, "epsilon": 1e-3}, {"solver": Adam(0.5, epsilon=1e-3)}),
        ({"solver": "sgd", "momentum": 0.5}, {"solver": SGD(0.5), "momentum": 0.1, "beta_1": 0.1}),
        ({"solver": "adamw", "beta_2": 0.9}, {"solver": AdamW(beta_2=0.9), "beta_2": 0.1}),
        ({"solver": "rmsprop"}, {"solver": RMSprop(), "momentum": 0.1}),
        ({"solver": "adagrad"}, {"solver": AdaGrad(), "epsilon": 1.0}),
        ({"learning_rate": "cosine"}, {"learning_rate": Cosine()}),
        (
            {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
            {"solver": SGD(), "learning_rate": InverseScaling(0.1), "power_t": 9.0},
        ),
        ({"activation": "tanh"}, {"activation": ACTIVATIONS["tanh"]}),
        ({"activation": "tanh"}, {"activation": ("tanh", ACTIVATIONS["tanh"])}),
        ({"loss": "squared_error"}, {"loss": SquaredError()}),
        ({"dropout": 0.5}, {"dropout": np.array([0.5, 0.5])}),
    ],
    ids=str,
)
def test_an_object_is_its_name_with_settings_of_its_own(kind, named, as_object):
    one, two = fitted(kind, named), fitted(kind, as_object)
    assert frozen(one._model.params) == frozen(two._model.params)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_a_fitted_network_keeps_its_activation():
    activation = Activation(**ACTIVATIONS["tanh"].get_params())
    model = fitted("classifier", {})
    model = clone(model).set_params(activation=activation).fit(X, Y)
    before = model.predict_proba(X)
    model.activation.set_params(**ACTIVATIONS["relu"].get_params())
    np.testing.assert_array_equal(model.predict_proba(X), before)
    with pytest.raises(ValueError, match="Training can go on only with the same"):
        model.partial_fit(X, Y)


def test_moments_of_another_optimizer_are_no_use():
    model = fitted("classifier", {"solver": "adam"})
    for solver in (AdamW(), NAdam(), Adam(), "adamw"):
        model.set_params(solver=solver).partial_fit(X, Y)
        assert model._fitted.state.optimizer["step"] == 4


def test_settings_of_a_resumed_optimizer_can_change():
    """Its moments stay, also where weight decay or averaging is switched on."""
    for name, value in {"beta_1": 0.5, "weight_decay": 0.1, "averaging": 0.9}.items():
        one, two = (fitted("classifier", {"solver": Adam()}) for _ in range(2))
        one.set_params(**{f"solver__{name}": value}).partial_fit(X, Y)
        two.set_params(solver=Adam(**{name: value})).partial_fit(X, Y)
        assert frozen(one._model.params) == frozen(two._model.params)
        assert one._fitted.state.optimizer["step"] == 20


def test_who_changes_an_averaged_model_goes_on_from_there():
    for averaging in (0.9, 1.0):
        params = {"solver": Adam(averaging=averaging), "learning_rate_init": 1e-12}
        model = fitted("classifier", params)
        model.coefs_[0][...] = 7.0
        model.partial_fit(X, Y)
        np.testing.assert_allclose(model.coefs_[0], 7.0, atol=1e-9)


def test_an_average_goes_on_from_the_best_epoch():
    params = {"solver": SGD(0.0, averaging=0.999), "learning_rate_init": 1.0}
    params["early_stopping"] = True
    model = fitted("classifier", {**params, "max_iter": 30})
    before = model._model.params.copy()
    model.set_params(early_stopping=False, learning_rate_init=1e-15).partial_fit(X, Y)
    np.testing.assert_allclose(model._model.params, before, atol=1e-9)


def test_averages_have_the_zeros_of_l1():
    params = {"solver": Adam(averaging=0.9), "alpha": 30.0, "l1_ratio": 1.0, "max_iter": 50}
    model = fitted("classifier", {**params, "learning_rate_init": 0.01})
    assert np.mean(model.coefs_[0] == 0) > 0.3


@parametrize_estimators
def test_numbers_of_numpy_are_numbers(kind):
    """A grid made by numpy.linspace holds them."""
    rows, settings = X.astype(np.float32), {"beta_1": 0.8, "weight_decay": 0.1, "averaging": 0.9}
    settings["max_grad_norm"] = 1.0
    models = []
    for number in (float, np.float64):
        solver = NAdam(**{name: number(value) for name, value in settings.items()})
        schedule = Cosine(lowest=number(0.1))
        params = {"solver": solver, "learning_rate": schedule, "l1_ratio": number(0.3)}
        params |= {"dropout": number(0.2), "learning_rate_init": number(0.01)}
        models.append(fitted(kind, params, rows))
    assert frozen(models[0]._model.params) == frozen(models[1]._model.params)


def test_scratch_is_not_kept():
    for name in OPTIMIZERS:
        model = fitted("classifier", {"solver": name})
        assert "scratch" not in model._fitted.state.optimizer
        copied = pickle.loads(pickle.dumps(model))
        for each in (model, copied):
            each.partial_fit(X, Y)
        assert frozen(copied._model.params) == frozen(model._model.params)


def test_shared_activations_stay_what_they_are():
    before = ACTIVATIONS["silu"].glorot_factor
    model = ScratchMLPClassifier(activation=ACTIVATIONS["silu"])
    model.set_params(activation__glorot_factor=0.1)
    assert model.activation.glorot_factor == 0.1
    model = ScratchMLPClassifier().set_params(
        activation=ACTIVATIONS["silu"], activation__glorot_factor=0.1
    )
    assert model.activation.glorot_factor == 0.1
    assert ACTIVATIONS["silu"].glorot_factor == before


class Halve(Schedule):
    """With a constructor of its own, as scikit-learn's estimators have."""

    def __init__(self, every=10):
        self.every = every

    def factor(self, epoch, max_iter):
        return 0.5 ** (epoch // self.every)


def test_settings_without_a_dataclass():
    schedule = Halve(2)
    assert schedule.get_params() == {"every": 2}
    assert repr(schedule) == "Halve(every=2)"
    assert clone(schedule).every == pickle.loads(pickle.dumps(schedule)).every == 2
    assert Halve(2) == schedule != Halve(3)
    one, two = (fitted("classifier", {"learning_rate": Halve(each)}) for each in (1, 100))
    assert frozen(one._model.params) != frozen(two._model.params)
    search = GridSearchCV(
        clone(ESTIMATORS["classifier"]).set_params(learning_rate=schedule),
        {"learning_rate__every": [1, 3], "solver": [Adam(), AdamW()]},
        cv=2,
    ).fit(X, Y)
    table = pd.DataFrame(search.cv_results_)
    assert len(table.groupby("param_solver", sort=False)) == 2


def half_tanh(z, mask):
    assert z.ndim == 2
    np.tanh(z[:, :3], out=z[:, :3])


def half_tanh_backward(delta, a, mask):
    delta[:, :3] *= 1 - a[:, :3] ** 2


def test_an_activation_is_given_rows_also_where_there_is_one():
    activation = Activation("half_tanh", half_tanh, half_tanh_backward)
    model = fitted("classifier", {"activation": activation})
    np.testing.assert_allclose(model.predict_proba(X[:1]), model.predict_proba(X)[:1])


#: A penalty that leaves few weights.
STRONG_L1 = {"hidden_layer_sizes": (), "alpha": 20.0, "l1_ratio": 1.0}


@cache
def optimum_of_strong_l1():
    return ScratchMLPClassifier(**STRONG_L1, solver="lbfgs", tol=1e-9, max_iter=1000).fit(X, Y)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", Halve(50)])
@pytest.mark.parametrize(
    "solver", [SGD(), SGD(nesterovs_momentum=False), SGD(max_grad_norm=0.3), Adam(max_grad_norm=1)]
)
def test_exact_zeros_whatever_the_rate_and_the_clipping(schedule, solver):
    optimum = optimum_of_strong_l1()
    model = ScratchMLPClassifier(
        **STRONG_L1,
        solver=solver,
        learning_rate=schedule,
        learning_rate_init=0.1,
        batch_size=len(Y),
        max_iter=200,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, Y)
    zeros = model.coefs_[0] == 0
    np.testing.assert_array_equal(zeros, optimum.coefs_[0] == 0)
    if schedule == "constant":
        assert model.loss_ == pytest.approx(optimum.loss_, rel=1e-4)


@pytest.mark.parametrize("sizes", [5, (5,), [5, 3]], ids=str)
def test_sizes_of_layers_in_the_place_of_the_loss(sizes):
    """The loss comes first, as in scikit-learn's regressor from 1.7 on, not in its classifier."""
    with pytest.raises(ValueError, match=r"'loss' parameter .*by name, hidden_layer_sizes="):
        ScratchMLPRegressor(sizes).fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"Got 'hubber' instead\. Did you mean 'huber'\?$"):
        ScratchMLPRegressor("hubber").fit(X, NUMBERS)


def test_a_link_that_is_none():
    class Unlinked(RegressionLoss):
        link = "softplus"

        def value_and_gradient(self, raw, y, buffers):
            return raw[:, 0]

    with pytest.raises(ValueError, match=r"must have a Link object .*'softplus'"):
        fitted("regressor", {"loss": Unlinked()})


def softplus(raw):
    np.logaddexp(raw, 0, out=raw)


class SoftplusSquaredError(RegressionLoss):
    """Half the squared error of log(1 + exp(z)), with a link that only this loss has."""

    link = Link("softplus", softplus)

    def value_and_gradient(self, raw, y, buffers):
        residual = np.logaddexp(raw, 0) - y
        buffers.gradient[...] = residual * expit(raw)
        return (residual**2).sum(axis=1) / 2


def test_a_link_of_ones_own():
    y = np.exp(NUMBERS / NUMBERS.std())
    model = clone(ESTIMATORS["regressor"]).set_params(loss=SoftplusSquaredError()).fit(X, y)
    assert model.out_activation_ == "softplus"
    predicted = model.predict(X)
    assert predicted.min() > 0
    assert model.score(X, y) == pytest.approx(r2_score(y, predicted))
    given = ScratchMLPRegressor.from_weights(*layers_of(model), loss=SoftplusSquaredError())
    np.testing.assert_array_equal(given.predict(X), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)


@pytest.mark.parametrize(
    ("loss", "changes"),
    [
        (Quantile([0.1, 0.9]), [{"quantile": [0.1, 0.5, 0.9]}, {"quantile": 0.5}]),
        (Focal(), [{"gamma": 0.5}]),
    ],
    ids=["quantile", "focal"],
)
def test_a_loss_that_is_changed_later(loss, changes):
    """What a fitted network predicts is said by the loss of its training."""
    if isinstance(loss, Focal):
        model = clone(ESTIMATORS["classifier"]).set_params(loss=loss).fit(X, Y)
    else:
        model = clone(ESTIMATORS["regressor"]).set_params(loss=loss).fit(X, np.exp(NUMBERS / 9))
    before, ends_in = model.predict(X), model.out_activation_
    size = len(pickle.dumps(model))
    for change in changes:
        model.set_params(**{f"loss__{name}": value for name, value in change.items()})
        np.testing.assert_array_equal(model.predict(X), before)
        assert model.out_activation_ == ends_in
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)
        assert len(pickle.dumps(model)) < size + 200
    if isinstance(loss, Quantile):
        with pytest.raises(ValueError, match=r"is now Quantile.*set that again, or call fit"):
            model.score(X, NUMBERS)


class HalfSquares(RegressionLoss):
    """Half the squared error, as a user would write it."""

    def value_and_gradient(self, raw, y, buffers):
        buffers.gradient[...] = raw - y
        return ((raw - y) ** 2).sum(axis=1) / 2


class ReturnsAColumn(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers)[:, np.newaxis]


class ReturnsAMean(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers).mean()


class ReturnsNothing(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        super().value_and_gradient(raw, y, buffers)


class ReturnsBoth(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers), raw - y


class WritesNoGradient(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        return ((raw - y) ** 2).sum(axis=1) / 2


class WritesToY(HalfSquares):
    def value_and_gradient(self, raw, y, buffers):
        y -= raw
        buffers.gradient[...] = -y
        return (y**2).sum(axis=1) / 2


class PredictsOneAxis(HalfSquares):
    def predict(self, raw):
        return raw[:, 0]


class PredictsNothing(HalfSquares):
    def predict(self, raw):
        raw *= 2


class PredictsAMean(HalfSquares):
    def predict(self, raw):
        return raw.mean(axis=0, keepdims=True)


class NeedsHalfAnOutput(HalfSquares):
    def n_outputs(self, n_targets):
        return 0.5 * n_targets


class NeedsNoOutput(HalfSquares):
    def n_outputs(self, n_targets):
        return 0


#: What a loss of a user's own can do wrong, the error, and what it says.
WRONG_LOSSES = {
    ReturnsAColumn: (ValueError, r"return the loss of each row, .*shape \(3,\).*shape \(3, 1\)"),
    ReturnsAMean: (TypeError, r"return the loss of each row, .*shape \(3,\).*got float"),
    ReturnsNothing: (TypeError, "return the loss of each row, .*got NoneType"),
    ReturnsBoth: (TypeError, "return the loss of each row, .*got tuple"),
    WritesNoGradient: (ValueError, "must write the derivative .* to buffers.gradient, in place"),
    WritesToY: (ValueError, "has written to y"),
    PredictsOneAxis: (ValueError, r"must return .* of shape \(3, 1\) for 3 rows"),
    PredictsNothing: (TypeError, r"must return .* got NoneType"),
    PredictsAMean: (ValueError, r"must return .* got one of shape \(1, 1\)"),
    NeedsHalfAnOutput: (ValueError, r"\(1\) must return an integer .* got 0.5"),
    NeedsNoOutput: (ValueError, r"\(1\) must return an integer of at least 1, got 0"),
}


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", WRONG_LOSSES, ids=lambda kind: kind.__name__)
def test_a_loss_that_breaks_the_contract(kind, solver):
    """It is named before the training, and y is what it was."""
    error, message = WRONG_LOSSES[kind]
    y = NUMBERS.copy()
    model = ScratchMLPRegressor(kind(), (3,), solver=solver, shuffle=False)
    with pytest.raises(error, match=rf"{kind.__name__}\..*{message}"):
        model.fit(X, y)
    np.testing.assert_array_equal(y, NUMBERS)
    assert not hasattr(model, "coefs_")


class AbsoluteByHand(HalfSquares):
    """A loss without a derivative where it is zero."""

    def value_and_gradient(self, raw, y, buffers):
        difference = raw - y
        buffers.gradient[...] = difference / np.abs(difference)
        return np.abs(difference).sum(axis=1)


@pytest.mark.parametrize(
    "y", [np.zeros(len(X)), np.round(NUMBERS), NUMBERS], ids=["0", "whole", "any"]
)
def test_a_loss_with_a_kink_keeps_the_contract(y):
    model = ScratchMLPRegressor(AbsoluteByHand(), (3,), max_iter=2, random_state=0).fit(X, y)
    expected = ScratchMLPRegressor("absolute_error", (3,), max_iter=2, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-6, atol=1e-8)


class TwoOutputs(ClassificationLoss):
    """A loss of classes that asks for more outputs than there are."""

    def with_link(self, link):
        return MeanAndWidth()


class MeanAndWidth(HalfSquares):
    def n_outputs(self, n_targets):
        return 2 * n_targets


class NoLoss(ClassificationLoss):
    def with_link(self, link):
        return None


def test_a_loss_of_classes_that_breaks_the_contract():
    with pytest.raises(ValueError, match=r"MeanAndWidth\.n_outputs\(3\) returns 6, and this net"):
        ScratchMLPClassifier((3,), loss=TwoOutputs()).fit(X, Y)
    with pytest.raises(TypeError, match="with_link of the loss must return a Loss, got None"):
        ScratchMLPClassifier((3,), loss=NoLoss()).fit(X, Y)


# ----------------------------------------------------- what does not go together


@parametrize_estimators
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 .*'lbfgs' cannot.*use solver='adam'"),
        (
            {"solver": SGD(momentum=1.0), "l1_ratio": 0.5},
            "l1_ratio > 0 needs momentum below 1",
        ),
        ({"solver": "sgd", "momentum": 1, "l1_ratio": 0.5}, "l1_ratio > 0 needs momentum below"),
    ],
)
def test_refused_together(kind, params, message):
    with pytest.raises(ValueError, match=message):
        fitted(kind, params)


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", Quantile([0.1, 0.9])])
def test_lbfgs_needs_a_gradient_that_does_not_jump(loss):
    with pytest.raises(ValueError, match=r"jumps where prediction and target meet.*'huber'"):
        fitted("regressor", {"solver": "lbfgs", "loss": loss})
    fitted("regressor", {"solver": "lbfgs", "loss": "huber"})


@pytest.mark.parametrize(
    ("kind", "loss", "message"),
    [
        ("classifier", Huber(), "must be a classification loss, which Huber"),
        ("classifier", Poisson(), "must be a classification loss, which Poisson"),
        ("regressor", LogLoss(), "must be a regression loss, which LogLoss"),
        ("regressor", Focal(), "must be a regression loss, which Focal"),
    ],
)
def test_a_loss_of_the_other_kind(kind, loss, message):
    with pytest.raises(ValueError, match=message):
        fitted(kind, {"loss": loss})


def test_quantiles_of_several_targets():
    two = np.column_stack([NUMBERS, -NUMBERS])
    for loss in ("quantile", Quantile(0.9)):
        model = clone(ESTIMATORS["regressor"]).set_params(loss=loss).fit(X, two)
        assert model.predict(X).shape == two.shape
        assert np.isfinite(model.score(X, two))
    for levels in ([0.1, 0.9], [0.5]):
        model = clone(ESTIMATORS["regressor"]).set_params(loss=Quantile(levels))
        with pytest.raises(ValueError, match=r"is for one target, y has 2 columns"):
            model.fit(X, two)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("poisson", NUMBERS, "loss='poisson' needs targets that are zero or positive"),
        ("gamma", np.abs(NUMBERS) * (Y > 0), "loss='gamma' needs targets .*positive"),
    ],
)
def test_targets_a_loss_cannot_have(loss, y, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPRegressor(loss=loss).fit(X, y)


class Signs(Optimizer):
    """Does not say how long its steps are."""

    def init_moments(self, n_params, dtype):
        return {}

    def update(self, params, gradient, learning_rate, state):
        params -= learning_rate * np.sign(gradient)


def test_l1_needs_the_length_of_the_steps():
    fitted("classifier", {"solver": Signs()})
    with pytest.raises(ValueError, match="which Signs does not say"):
        fitted("classifier", {"solver": Signs(), "l1_ratio": 0.5})


@pytest.mark.parametrize("loss", [BinarySquaredError(), MultinomialLogLoss(), BinaryFocal()])
def test_losses_of_one_output_activation(loss):
    with pytest.raises(ValueError, match="must be a regression loss"):
        fitted("regressor", {"loss": loss})
    whole = {"BinarySquaredError": "squared_error", "MultinomialLogLoss": "log_loss"}
    name = whole.get(type(loss).__name__, "focal")
    assert frozen(fitted("classifier", {"loss": loss})._model.params) == frozen(
        fitted("classifier", {"loss": name})._model.params
    )


# --------------------------------------------------------------------- class_weight


def test_class_weight_in_partial_fit():
    model = clone(ESTIMATORS["classifier"]).set_params(class_weight="balanced")
    with pytest.raises(ValueError, match=r"'balanced' is not possible in partial_fit.*Pass a dict"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    model.set_params(class_weight={2: 3.0}).partial_fit(X, Y, classes=[0, 1, 2])
    weighted = clone(ESTIMATORS["classifier"])
    weighted.partial_fit(X, Y, np.where(Y == 2, 3.0, 1.0), classes=[0, 1, 2])
    assert frozen(model._model.params) == frozen(weighted._model.params)


def test_class_weight_of_several_labels():
    several = np.column_stack([Y == 0, Y > 0]).astype(int)
    with pytest.raises(ValueError, match="class_weight='balanced' is for rows of one class each"):
        ScratchMLPClassifier(class_weight="balanced").fit(X, several)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1.0}, "gives class 0 the weight -1"),
        ({0: np.nan}, "gives class 0 the weight nan"),
        (dict.fromkeys([0, 1, 2], 0.0), "leaves no row of y with any weight"),
    ],
)
def test_impossible_class_weights(class_weight, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPClassifier(class_weight=class_weight).fit(X, Y)


# ---------------------------------------------------------------------- grid search


def test_grid_search_over_eight_settings_in_a_pipeline():
    grid = {
        "mlp__class_weight": [None, "balanced"],
        "mlp__dropout": [0.0, 0.3],
        "mlp__l1_ratio": [0.0, 0.5],
        "mlp__activation": ["gelu", ["tanh", "relu"]],
        "mlp__initialization": ["he_normal", "glorot_uniform"],
        "mlp__solver__weight_decay": [0.0, 0.1],
        "mlp__learning_rate__lowest": [0.0, 0.1],
        "mlp__loss__label_smoothing": [0.0, 0.1],
    }
    network = ScratchMLPClassifier(
        **SMALL, solver=AdamW(), learning_rate=Cosine(), loss=LogLoss(), learning_rate_init=0.01
    )
    pipeline = make_pipeline(StandardScaler(), network)
    pipeline.steps[-1] = ("mlp", network)
    # A quarter of all candidates, in which any four settings have all their combinations.
    candidates = [
        {name: [values[k]] for (name, values), k in zip(grid.items(), which, strict=True)}
        for which in product([0, 1], repeat=8)
        if sum(which[:5]) % 2 == sum(which[3:]) % 2 == 0
    ]
    scores = []
    for searched, n_jobs in ((candidates, 1), (candidates[::5], 2)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # none of the trainings warns or fails
            search = GridSearchCV(
                pipeline,
                searched,
                cv=2,
                n_jobs=n_jobs,
                scoring="neg_log_loss",
                error_score="raise",
            ).fit(X, Y)
        found = search.cv_results_
        scores.append(dict(zip(map(repr, found["params"]), found["mean_test_score"], strict=True)))
        best = search.best_estimator_[-1]
        for path, value in search.best_params_.items():
            assert best.get_params()[path.removeprefix("mlp__")] == value
    whole, in_two_processes = scores
    assert (len(whole), len(in_two_processes)) == (2**6, 13)
    assert whole.items() >= in_two_processes.items()
    assert len({*whole.values()}) == 2**6  # each setting has an effect
    assert network.solver == AdamW()


# ---------------------------------------------------------------------- from_weights


def layers_of(model):
    return [array.copy() for array in model.coefs_], [a.copy() for a in model.intercepts_]


@pytest.mark.parametrize(
    ("params", "y", "arguments"),
    [
        ({}, Y, {"classes": [0, 1, 2]}),
        ({"activation": ["gelu", "tanh"]}, np.array(list("abc"))[Y], {"classes": list("abc")}),
        ({}, Y > 0, {"classes": [False, True]}),
        (
            {},
            np.column_stack([Y == 0, Y > 0]).astype(int),
            {"classes": [0, 1], "multilabel": True},
        ),
        ({}, np.full(len(Y), "only"), {"classes": ["only"]}),
        ({}, np.column_stack([Y, Y + 3]), {"classes": [[0, 1, 2], np.array([3, 4, 5])]}),
        (
            {},
            np.column_stack([Y.astype(object), np.array(["a", "b"])[Y // 2]]),
            {"classes": [[0, 1, 2], ["a", "b"]]},
        ),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classifier_of_given_weights(params, y, arguments, dtype):
    model = clone(ESTIMATORS["classifier"]).set_params(dtype=dtype, **params).fit(X, y)
    given = ScratchMLPClassifier.from_weights(*layers_of(model), **arguments, **params)
    assert given._model.params.dtype == model._model.params.dtype
    assert given.hidden_layer_sizes == model.hidden_layer_sizes
    np.testing.assert_equal(given.classes_, model.classes_)
    for method in ("predict", "predict_proba", "decision_function", "predict_log_proba"):
        np.testing.assert_equal(getattr(given, method)(X), getattr(model, method)(X))
    assert given.score(X, y) == model.score(X, y)
    copied = pickle.loads(pickle.dumps(given))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "gamma", Quantile([0.1, 0.9])])
def test_regressor_of_given_weights(loss):
    y = np.exp(NUMBERS)
    model = clone(ESTIMATORS["regressor"]).set_params(loss=loss).fit(X, y)
    given = ScratchMLPRegressor.from_weights(*layers_of(model), loss=loss)
    np.testing.assert_array_equal(given.predict(X), model.predict(X))
    assert given.score(X, y) == model.score(X, y)


def test_given_weights_of_another_number_of_quantiles():
    with pytest.raises(ValueError, match=r"puts out 2 columns.*needs 3"):
        ScratchMLPRegressor.from_weights(
            [np.ones((4, 2))], [[0, 0]], loss=Quantile([0.1, 0.5, 0.9])
        )


@pytest.mark.parametrize("sizes", [(6, 5), 4, ()])
@parametrize_estimators
def test_the_layers_of_given_weights_are_given_already(kind, sizes):
    """Also where they are the same: what is said twice may be wrong once."""
    model = fitted(kind, {})
    more = {"classes": [0, 1, 2]} if kind == "classifier" else {}
    name = type(model).__name__
    with pytest.raises(ValueError, match=rf"'hidden_layer_sizes' parameter of {name} .* of coefs"):
        type(model).from_weights(*layers_of(model), hidden_layer_sizes=sizes, **more)


@pytest.mark.parametrize(
    ("loss", "later", "message"),
    [
        (
            Quantile([0.1, 0.9]),
            Quantile([0.1, 0.5, 0.9]),
            r"scores 3 output\(s\).* has 2, of loss=",
        ),
        (Quantile([0.1, 0.9]), Quantile(0.5), r"scores 1 output\(s\).* has 2"),
        (Quantile([0.1, 0.9]), "huber", r"is now 'huber', which scores 1 .* has 2"),
        ("squared_error", Quantile([0.1, 0.9]), r"scores 2 output\(s\).* has 1"),
        ("squared_error", Quantile(2.0), "is not valid: quantile of Quantile"),
        ("poisson", "log_loss", "must be one of .*Got 'log_loss'"),
        ("poisson", LogLoss(), "must be a regression loss"),
        ("poisson", None, "must be one of .*Got None"),
        ("poisson", Huber, "must be one of"),
        ("huber", "quantile", None),
        (Quantile([0.1, 0.9]), Quantile([0.2, 0.8]), None),
        ("gamma", "squared_error", None),
    ],
    ids=repr,
)
def test_score_by_another_loss_than_that_of_the_fit(loss, later, message):
    y = np.exp(NUMBERS)
    model = clone(ESTIMATORS["regressor"]).set_params(loss=loss).fit(X, y)
    predicted = model.predict(X)
    model.set_params(loss=later)
    if message is None:
        assert np.isfinite(model.score(X, y, np.arange(len(y))))
    else:
        with pytest.raises(
            ValueError, match=rf"'loss' parameter of ScratchMLPRegressor .*{message}"
        ):
            model.score(X, y)
    np.testing.assert_array_equal(model.predict(X), predicted)


def test_given_weights_can_be_trained_further():
    model = fitted("classifier", {"learning_rate_init": 1e-12})
    given = ScratchMLPClassifier.from_weights(
        *layers_of(model), classes=[0, 1, 2], warm_start=True, learning_rate_init=1e-12, max_iter=2
    )
    for go_on in (given.partial_fit, given.fit):
        go_on(X, Y)
        np.testing.assert_allclose(given.coefs_[0], model.coefs_[0], rtol=1e-6)
    # Without warm_start, fit begins anew, with the layers that the weights have.
    anew = ScratchMLPClassifier.from_weights(*layers_of(model), classes=[0, 1, 2], random_state=1)
    assert [w.shape for w in anew.fit(X, Y).coefs_] == [w.shape for w in model.coefs_]


@pytest.mark.parametrize(
    ("coefs", "intercepts", "more", "message"),
    [
        ([], [], {}, "one matrix of shape"),
        ([[1.0, 2.0]], [[0.0]], {}, "one matrix of shape"),
        ([np.ones((2, 3)), np.ones((4, 3))], [[0] * 3, [0] * 3], {}, r"coefs\[0\] puts out 3.*4"),
        ([np.ones((2, 3))], [[0, 0]], {}, r"shape \(3,\)"),
        ([np.ones((2, 3))], [], {}, "intercepts must hold one array per layer"),
        ([np.full((2, 3), np.nan)], [[0] * 3], {}, "NaN"),
        ([np.ones((2, 3))], [[0] * 3], {"classes": [0, 1]}, "puts out 3 columns, 2 classes need 1"),
        ([np.ones((2, 3))], [[0] * 3], {"classes": [2, 1, 0]}, "must be sorted"),
        (
            [np.ones((2, 3))],
            [[0] * 3],
            {"classes": [[0, 1], [0, 1]]},
            "3 columns, 4 classes need 4",
        ),
        ([np.ones((2, 3))], [[0] * 3], {"classes": [[5], [1, 0]]}, "must be sorted"),
        (
            [np.ones((2, 3))],
            [[0] * 3],
            {"classes": [[0], [0, 1]], "multilabel": True},
            "the number of each column",
        ),
        ([np.ones((2, 3))], [[0] * 3], {"classes": 3}, "classes must be a list of labels, got 3"),
        ([np.ones((2, 3))], [[0] * 3], {"dtype": ["float32"]}, "'dtype' parameter"),
        ([np.ones((2, 3))], [[0] * 3], {"alpha": -1}, "'alpha' parameter"),
    ],
)
def test_weights_that_are_no_network(coefs, intercepts, more, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPClassifier.from_weights(coefs, intercepts, **{"classes": [0, 1, 2], **more})
