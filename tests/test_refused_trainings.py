"""What would train without a word on what nobody meant: the engine refuses it, and says what."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, make_scorer

from skneural import ScratchMLPClassifier, ScratchMLPRegressor, TabularMLPClassifier
from skneural.activations import ACTIVATIONS, Activation
from skneural.checks import check_layer, check_loss
from skneural.layers import (
    Activate,
    Chain,
    Columns,
    Dense,
    Dropout,
    Layer,
    Parameter,
    PeriodicEmbedding,
    Scale,
)
from skneural.losses import LOSSES, ClassificationLoss, Link, RegressionLoss
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.lbfgs import LBFGS
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record, TrainingState
from skneural.network import Network, dense_network
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam, Optimizer
from skneural.schedules import Constant, InverseScaling, Schedule
from skneural.settings import number

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TANH = ACTIVATIONS["tanh"]
N = 20
RNG = np.random.RandomState(0)
X = RNG.standard_normal((N, 3))
Y = X[:, :1] - X[:, 1:2]
K = 2


# ---------------------------------------------------------------- networks


class OneParameter(Layer):
    n_inputs = n_outputs = 3

    def parameters(self):
        return Parameter("w", (3,))


class NoInitialize(Layer):
    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("w", (3,)),)


class NanRate(Layer):
    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("w", (3,), rate=np.nan),)


class NegativeLength(Layer):
    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("w", (-1,)),)


class OneNameTwice(Layer):
    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("w", (3,)), Parameter("w", (2,)))


WRONG_NETWORKS = {
    "first": ([Dense(3, 8)], 5, "Dense, layer 0 of a network, reads 3 .* the network has 5"),
    "dense": (
        [Dense(3, 8), Dense(9, 1)],
        3,
        r"Dense, layer 1 of a network, reads 9 column\(s\), and Dense before it returns 8",
    ),
    "activate": (
        [Dense(3, 8), Activate(TANH, 4), Dense(4, 1)],
        3,
        r"Activate, layer 1 .* reads 4 column\(s\), and Dense before it returns 8",
    ),
    "dropout": ([Dense(3, 8), Dropout(0.5, 5), Dense(5, 1)], 3, "Dropout, layer 1 .* reads 5"),
    "one parameter": ([OneParameter()], 3, r"OneParameter.parameters\(\) must return a tuple"),
    "length": ([NegativeLength()], 3, r"shape of 'w' must be whole numbers .* got \(-1,\)"),
    "names": ([OneNameTwice()], 3, "several parameters of the name 'w'"),
    "rate": ([NanRate()], 3, "the rate of 'w' must be a number from 0 on, got nan"),
}


@pytest.mark.parametrize("name", WRONG_NETWORKS)
def test_networks(name):
    layers, n_inputs, message = WRONG_NETWORKS[name]
    with pytest.raises((TypeError, ValueError), match=message):
        Network(layers, n_inputs)


WRONG_BRANCHES = {
    "reads": ((slice(0, 2), [Dense(3, 4)], 4), "Dense, layer 0 of a branch, reads 3"),
    "reads, list": (([0], [Dense(2, 4)], 4), "reads 2 .* the branch has 1"),
    "returns": ((slice(0, 3), [Dense(3, 4)], 5), "is to return 5 column.*Dense has 4"),
    "not there": (([0, 3], [], 2), r"Columns: a branch reads the columns \[0, 3\] of 3"),
    "passes on": ((slice(0, 3), [], 2), "is to return 2 column.*the branch has 3"),
}


@pytest.mark.parametrize("name", WRONG_BRANCHES)
def test_branches(name):
    branch, message = WRONG_BRANCHES[name]
    with pytest.raises(ValueError, match=message):
        Network([Columns([branch])], 3)


@pytest.mark.parametrize(
    "columns",
    [
        slice(1, None),
        slice(-2, None),
        slice(None, 0, -1),
        slice(1, 99),
        np.array([True, False, True]),
        [0, 0],
    ],
    ids=str,
)
def test_branches_of_two_columns(columns):
    assert Network([Columns([(columns, [Dense(2, 4)], 4)])], 3).n_outputs == 4


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.1, np.nan])
def test_rates_of_dropout(rate):
    with pytest.raises(ValueError, match="rate of Dropout must be from 0 to below 1, got"):
        Dropout(rate, 8)


def test_a_name_is_no_activation():
    layers = [Dense(3, 6), Activate("tanh", 6)]
    with pytest.raises(TypeError, match="Activate needs an Activation, got 'tanh'"):
        Network(layers, 3)
    with pytest.raises(TypeError, match="Activate needs an Activation, got 'tanh'"):
        Network([Chain(layers, 3)], 3)


@pytest.mark.parametrize(
    ("layer_sizes", "activations", "error", "message"),
    [
        ((3, 4, 5, 1), [TANH], ValueError, r"2 hidden layer\(s\) need as many .* got 1"),
        ((3, 4, 1), [TANH, TANH], ValueError, r"1 hidden layer\(s\) need as many .* got 2"),
        ((3, 4, 1), ["tanh"], TypeError, "Activate needs an Activation, got 'tanh'"),
        ((3, -4, 1), TANH, ValueError, "the shape of 'weights' must be whole numbers from 0 on"),
    ],
)
def test_dense_networks_of_other_activations(layer_sizes, activations, error, message):
    with pytest.raises(error, match=message):
        dense_network(layer_sizes, activations)


@pytest.mark.parametrize("dropout", [(0.5,), (0.5, 0.5, 0.5)])
def test_dense_networks_of_other_rates_of_dropout(dropout):
    with pytest.raises(ValueError, match=r"2 hidden layer\(s\) need as many rates of dropout"):
        dense_network((3, 4, 5, 1), TANH, dropout=dropout)


def test_parameters_that_nobody_fills():
    network = Network([NoInitialize()], 3)
    with pytest.raises(ValueError, match=r"NoInitialize\.initialize, layer 0 .* has to"):
        network.initialize(np.empty(3), np.random.RandomState(0))


class NoDerivative(Layer):
    n_inputs = n_outputs = 4

    def forward(self, arrays, x, buffers=None, random=None):
        return 2 * x

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        pass


def test_a_layer_that_returns_no_derivative():
    network = Network([Dense(3, 4), NoDerivative()], 3)
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, N)
    with pytest.raises(TypeError, match=r"NoDerivative\.backward, layer 1 .* got None"):
        objective.value_and_gradient(np.zeros(network.n_params), X, np.zeros((N, 4)))


# ---------------------------------------------------------------- data and states


def minimizer(members=(), **changes):
    network = dense_network((3, 1), ())
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, 5, members=members)
    train = MiniBatches(objective, X, Y, None, SGD(), Constant(), 0.1, 5, 3, shuffle=False)
    return replace(train, **changes)


def run_of(train, record=None, members=()):
    params = np.zeros((*members, 4))
    memory = train.optimizer.init_state(params.shape, float)
    state = TrainingState(params, memory, Record(learning_rate=0.1) if record is None else record)
    run = Run(state, EarlyStopping(1e-4, 10), max_iter=3)
    return drive(train, run), run


WRONG_DATA = {
    "fewer y": ({"y": Y[:10]}, r"y must have the shape .* \(20, n_targets\), got \(10, 1\)"),
    "flat y": ({"y": Y[:, 0]}, r"y must have the shape .* got \(20,\)"),
    "weights": ({"sample_weight": np.ones(5)}, r"sample_weight must have the shape \(20,\)"),
    "negative": ({"rows": np.array([-1, 2])}, "numbers of rows from 0 to 19, got some from -1"),
    "beyond": ({"rows": np.array([500, 2])}, "got some from 2 to 500"),
    "two targets": ({"y": np.hstack([Y, Y])}, r"needs 2 output\(s\) for y of 2 .* network has 1"),
    "a column less": ({"X": X[:, :2]}, "The network has 3 inputs, and the rows have 2 columns"),
    "two axes": (
        {"rows": np.argwhere(X[:, 0] > 0)},
        r"in one axis, got an array of shape \(\d+, 1",
    ),
    "no rows": ({"rows": np.arange(0)}, r"in one axis, got an array of shape \(0,\)"),
    "mask": ({"rows": X[:, 0] > 0}, "numbers of rows from 0 to 19, got an array of bool"),
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_data(name):
    changes, message = WRONG_DATA[name]
    with pytest.raises(ValueError, match=message):
        run_of(minimizer(**changes))


@pytest.mark.parametrize("minimize", [MiniBatches, LBFGS])
@pytest.mark.parametrize("loss", [("log_loss", "softmax"), ("squared_error", "identity")])
def test_a_single_column_is_not_compared_with_all_outputs(minimize, loss):
    """Codes of classes, say, where a softmax needs an indicator of each."""
    network = dense_network((3, 2), ())
    objective = Objective(network, LOSSES[loss], 0.0, N)
    codes = (X[:, :1] > 0).astype(float)
    if minimize is MiniBatches:
        train = MiniBatches(objective, X, codes, None, SGD(), Constant(), 0.1, N, 3)
    else:
        train = LBFGS(objective, X, codes, None, 1e-4, 100)
    run = Run(TrainingState(np.zeros(8), {}, Record()), EarlyStopping(1e-4, 10), max_iter=3)
    with pytest.raises(ValueError, match=r"for y of 1 column\(s\), and the network has 2"):
        drive(train, run)


def test_rows_that_are_no_floating_point_numbers():
    """Weights would be gathered in their dtype: .9 as 0."""
    whole, weight = np.round(3 * X).astype(int), np.full(N, 0.9)
    with pytest.raises(TypeError, match="X must be floating point, got int64"):
        run_of(minimizer(X=whole, sample_weight=weight))


def test_a_state_without_what_rows_are_shuffled_by():
    with pytest.raises(ValueError, match="need a RandomState 'shuffle'"):
        run_of(minimizer(shuffle=True))
    train = minimizer(members=(K,), shuffle=True)
    with pytest.raises(ValueError, match="need a RandomState 'shuffle 0'"):
        run_of(train, Record.of_members(K, 0.1), members=(K,))


def trained_by(optimizer, memory, network):
    """The state after three epochs that begin with this state of the optimizer."""
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, 5)
    train = MiniBatches(objective, X, Y, None, optimizer, Constant(), 0.1, 5, 3, shuffle=False)
    state = TrainingState(np.ones(network.n_params), memory, Record(learning_rate=0.1))
    run = Run(state, EarlyStopping(1e-4, 10), max_iter=3)
    drive(train, run)
    return run.state


@pytest.mark.parametrize(
    ("optimizer", "other", "missing"),
    [
        (Adam(), SGD(), r"lacks 'first_moment', 'scratch_factors', 'second_moment', 'step', which"),
        (
            SGD(averaging=0.9),
            SGD(),
            r"lacks 'average', 'n_averaged', which SGD\(averaging=0\.9\) n",
        ),
    ],
    ids=["another class", "another setting"],
)
def test_the_state_of_another_optimizer(optimizer, other, missing):
    network = Network([Scale(3), Dense(3, 1)], 3)
    memory = other.init_state(network.n_params, float, None, network.rates)
    with pytest.raises(ValueError, match=missing):
        trained_by(optimizer, memory, network)


def test_moments_alone_are_a_state_where_nothing_is_penalised():
    network = dense_network([3, 1], TANH)
    memory = SGD().init_moments(network.n_params, float)
    assert trained_by(SGD(), dict(memory), network).record.n_iter == 3
    with pytest.raises(ValueError, match="lacks 'n_penalised', which SGD"):
        trained_by(SGD(weight_decay=0.1), memory, network)


def test_a_state_without_memory_for_factors_of_the_rate():
    network = Network([Scale(3), Dense(3, 1)], 3)
    memory = SGD().init_state(network.n_params, float)
    with pytest.raises(ValueError, match=r"lacks 'scratch_rates'.* network\.n_penalised, network"):
        trained_by(SGD(), memory, network)


@dataclass(repr=False, eq=False)
class WithoutMemory(SGD):
    """A right one: its factors need no memory."""

    def init_factors(self, shape, dtype, rates):
        return {}

    def update_by_factors(self, params, gradient, learning_rate, state, rates, decay, decays):
        for place, rate in rates:
            gradient[..., place] *= rate
        params -= learning_rate * gradient


def test_factors_that_need_no_memory():
    network = Network([Scale(3), Dense(3, 1)], 3)
    optimizer = WithoutMemory()
    memory = optimizer.init_state(network.n_params, float, None, network.rates)
    state = trained_by(optimizer, memory, network)
    assert state.record.n_iter == 3
    assert not np.any(state.params == 1)


def test_more_rows_than_the_objective_is_for():
    with pytest.raises(ValueError, match=r"at most 5 row\(s\) at a time, got 8: n_rows of an Obj"):
        run_of(minimizer(batch_size=8))


def test_lbfgs_is_for_one_network():
    network = dense_network([3, 4, 1], TANH)
    params = np.zeros((K, network.n_params))
    state = TrainingState(params, record=Record.of_members(K, 0.1))
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, N, members=(K,))
    run = Run(state, EarlyStopping(1e-4, 10), max_iter=2)
    with pytest.raises(ValueError, match=r"trains one network, .* members=\(2,\), the state para"):
        drive(LBFGS(objective, X, Y, None, 1e-4, 10), run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y[:-1]}, r"y must have the shape .* \(20, n_targets\)"),
        ({"sample_weight": np.ones(N - 1)}, r"sample_weight must have the shape \(20,\)"),
        ({"X": X.astype(int)}, "X must be floating point, got int64"),
        ({"X": X[:, 0]}, "Rows must have two axes"),
    ],
)
def test_lbfgs_looks_at_rows_too(changes, message):
    network = dense_network([3, 4, 1], TANH)
    rows = {"X": X, "y": Y, "sample_weight": None, **changes}
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, N)
    run = Run(TrainingState(np.zeros(network.n_params)), EarlyStopping(1e-4, 10), max_iter=2)
    with pytest.raises((TypeError, ValueError), match=message):
        drive(LBFGS(objective, *rows.values(), 1e-4, 10), run)


class Triple(Schedule):
    def factor(self, epoch, max_iter):
        return 3.0


@pytest.mark.parametrize("name", ["decay_schedule", "dropout_schedule"])
def test_factors_of_decay_and_dropout_are_from_0_to_1(name):
    with pytest.raises(ValueError, match=f"{name} must be a schedule of time"):
        run_of(minimizer(**{name: InverseScaling()}))
    with pytest.raises(ValueError, match="a number from 0 to 1 to be a factor of weight decay"):
        run_of(minimizer(**{name: Triple()}))


def test_weights_of_any_dtype():
    """Each step is the same as with floating point numbers."""
    found = []
    for dtype in (float, int, np.float32):
        rows = np.random.RandomState(0).permutation(N)  # gathered, not as they stand
        train = minimizer(sample_weight=np.arange(N).astype(dtype), rows=rows)
        found.append(run_of(train)[1].state.params)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_lbfgs_is_not_for_layers_that_draw():
    network = dense_network((3, 4, 1), TANH, dropout=(0.5,))
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, N)
    state = TrainingState(np.zeros(network.n_params), {}, Record())
    run = Run(state, EarlyStopping(1e-4, 10), max_iter=3)
    with pytest.raises(ValueError, match="a layer of the network draws at random, such as Drop"):
        drive(LBFGS(objective, X, Y, None, 1e-4, 100), run)


def test_scores_that_nobody_gives():
    with pytest.raises(ValueError, match="goes by scores: say how to validate"):
        Run(TrainingState(np.zeros(4)), EarlyStopping(1e-4, 10, by_score=True), max_iter=3)


@pytest.mark.parametrize("n_rows", [1, 2])
def test_predictions_of_rows_of_other_columns(n_rows):
    """A single row would be broadcast."""
    network = Network([Scale(3)], 3)
    with pytest.raises(ValueError, match="The network has 3 inputs, and the rows have 1 columns"):
        network.predict_raw(np.ones(3), np.ones((n_rows, 1)))


class OfItsOwn(ClassificationLoss):
    """Probabilities that no classifier would make of the outputs."""

    link = Link("of its own", np.exp)

    def with_link(self, link):
        return self

    def value_and_gradient(self, raw, y, buffers):
        np.subtract(raw, y, out=buffers.gradient)
        return 0.5 * np.sum(buffers.gradient**2, axis=1)


@pytest.mark.parametrize("n_columns", [1, 2], ids=["labels", "columns of labels"])
def test_a_classifier_makes_probabilities_itself(n_columns):
    y = np.column_stack([np.arange(N) % 3] * n_columns)
    y = y[:, 0] if n_columns == 1 else y
    with pytest.raises(
        ValueError, match=r"has the link 'of its own', .* probabilities by 'softmax"
    ):
        ScratchMLPClassifier((2,), loss=OfItsOwn(), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match=r"has the link 'of its own', .* by 'logistic'"):
        check_loss(OfItsOwn())


class Temperature(Layer):
    """A single number, of shape ()."""

    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("temperature", ()),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = 2.0

    def forward(self, arrays, x, buffers=None, random=None):
        return x / arrays[0][..., np.newaxis, np.newaxis]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        temperature = arrays[0][..., np.newaxis, np.newaxis]
        gradients[0][...] = -np.sum(delta * x, axis=(-2, -1)) / arrays[0] ** 2
        return delta / temperature


def test_a_parameter_that_is_a_single_number():
    check_layer(Temperature())
    network = Network([Temperature()], 3)
    params = np.empty(1)
    network.initialize(params, np.random.RandomState(0))
    objective = Objective(network, LOSSES["squared_error", "identity"], 0.0, N)
    y = np.zeros((N, 3))
    _, gradient, _ = objective.value_and_gradient(params, X, y)
    found = gradient.copy()
    values = [objective.value_and_gradient(params + e, X, y)[0] for e in (1e-6, -1e-6)]
    np.testing.assert_allclose(found, (values[0] - values[1]) / 2e-6, rtol=1e-6)


def test_members_have_a_record_each():
    with pytest.raises(ValueError, match=r"Record.of_members\(K, learning_rate\)"):
        run_of(minimizer(members=(K,)), members=(K,))
    with pytest.raises(ValueError, match=r"with parameters of shape \(2, 4\)"):
        run_of(minimizer(), members=(K,))
    run_of(minimizer(members=(K,)), Record.of_members(K, 0.1), members=(K,))


def test_a_record_without_a_rate_has_that_of_the_minimiser():
    _, with_rate = run_of(minimizer())
    _, without = run_of(minimizer(), Record())
    np.testing.assert_array_equal(with_rate.state.params, without.state.params)
    assert np.all(without.state.params != 0)


@pytest.mark.parametrize("reason", [None, "done"])
def test_a_minimiser_says_why_it_has_ended(reason):
    with pytest.raises(ValueError, match=f"one of .*'max_iter'.*, got {reason!r}"):
        drive(lambda run: reason, run_of(minimizer())[1])


# ---------------------------------------------------------------- parts passed to estimators


class Rates(Schedule):
    def __init__(self, share=1.0, after=None, slower=None):
        self.share, self.after, self.slower = share, after, slower

    def factor(self, epoch, max_iter):
        return self.share

    def after_epoch(self, rate, initial_rate, n_samples_seen, n_stalled):
        return rate if self.after is None else self.after

    def on_plateau(self, rate):
        return self.slower


class Returning(SGD):
    def update(self, params, gradient, learning_rate, state):
        return params - learning_rate * gradient


class InList(Optimizer):
    def init_moments(self, n_params, dtype):
        return {"last": []}

    def update(self, params, gradient, learning_rate, state):
        state["last"].append(gradient)


class VariableSettings(RegressionLoss):
    def __init__(self, *weights):
        self.weights = weights

    def value_and_gradient(self, raw, y, buffers):
        raise NotImplementedError


class NoDataclass(SGD):
    beta: float = number(0.9, 0, 1)


@dataclass(repr=False, eq=False)
class Scored(RegressionLoss):
    found: object = None

    def value_and_gradient(self, raw, y, buffers):
        buffers.gradient[...] = raw - y
        return ((raw - y) ** 2).sum(axis=1) / 2

    def score(self, y, predicted, sample_weight=None):
        return self.found


def returned(z, mask):
    return np.tanh(z)


def nothing(delta, a, mask):
    pass


PARTS = {
    "factor": ({"learning_rate": Rates(-1.0)}, r"Rates\(share=-1.0\).factor must return a number"),
    "factor None": ({"learning_rate": Rates(None)}, "factor must return a number from 0 on"),
    "factor NaN": ({"learning_rate": Rates(np.nan)}, "factor must return a number from 0 on"),
    "after": ({"learning_rate": Rates(after=-1.0)}, "after_epoch must return a number from 0 on"),
    "plateau": (
        {"learning_rate": Rates(slower=-1.0), "tol": 1e9, "n_iter_no_change": 1},
        "on_plateau must return a number from 0 on, got -1.0",
    ),
    "returning": ({"solver": Returning()}, "Returning.update must change params in place"),
    "list": ({"solver": InList()}, "init_moments of InList must return a dict of arrays"),
    "variable": ({"loss": VariableSettings(1)}, r"VariableSettings.__init__ takes \*weights"),
    "no dataclass": ({"solver": NoDataclass()}, "beta of NoDataclass is no setting yet: put @data"),
    "activation": (
        {"activation": Activation("mine", returned, nothing)},
        r"forward of Activation\('mine'\) must be a function .* It returns another array",
    ),
    "score": (
        {"loss": Scored(), "early_stopping": True},
        r"Scored.score must return a number, got None \(NoneType\)",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts(name):
    settings, message = PARTS[name]
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0, **settings)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, Y.ravel())
    assert not hasattr(model, "coefs_")


def test_activations_of_tables_are_tried_too():
    model = TabularMLPClassifier(activation=Activation("mine", returned, nothing), max_iter=2)
    with pytest.raises(TypeError, match=r"forward of Activation\('mine'\) must be"):
        model.fit(X, X[:, 0] > 0)


@pytest.mark.parametrize("kind", [ScratchMLPClassifier, TabularMLPClassifier])
def test_metrics_are_no_scorers(kind):
    settings = {"early_stopping": True} if kind is ScratchMLPClassifier else {"cv": 2}
    model = kind(early_stopping_metric=accuracy_score, max_iter=2, random_state=0, **settings)
    y = (X[:, 0] > 0).astype(int)
    with pytest.raises(ValueError, match=r"make_scorer\(accuracy_score\) makes one of it"):
        model.fit(X, y)
    model.set_params(early_stopping_metric=make_scorer(accuracy_score)).fit(X, y)


@pytest.mark.parametrize(
    ("base", "name"),
    [(Schedule, "ends_with_max_iter"), (RegressionLoss, "is_smooth"), (Schedule, "is_timed")],
)
def test_a_method_in_the_place_of_a_property(base, name):
    with pytest.raises(TypeError, match=rf"Mine.{name} must be a property or a value"):
        type("Mine", (base,), {name: lambda self: False})


# ---------------------------------------------------------------- what is right, and unusual


class SmallestGradient(SGD):
    """Remembers infinity, and returns what is not the parameters."""

    def init_moments(self, n_params, dtype):
        return {**super().init_moments(n_params, dtype), "smallest": np.full(n_params, np.inf)}

    def update(self, params, gradient, learning_rate, state):
        super().update(params, gradient, learning_rate, state)
        return params[:1]


class Ordinal(Scored):
    def predict(self, raw):
        return np.rint(raw).astype(int)

    def score(self, y, predicted, sample_weight=None):
        return np.float32(1)


class OfArrays(Schedule):
    def factor(self, epoch, max_iter):
        return np.where(epoch < 3, 1.0, 0.1)


def doubled(z, mask):
    z *= 2
    return z[:]


def doubled_backward(delta, a, mask):
    delta *= 2


@functools.wraps(accuracy_score)
def scorer(estimator, rows, y):
    return -np.mean((estimator.predict(rows) - y) ** 2)


RIGHT = {
    "infinity": {"solver": SmallestGradient()},
    "integers": {"loss": Ordinal()},
    "arrays without an axis": {"learning_rate": OfArrays()},
    "a view": {"activation": Activation("doubled", doubled, doubled_backward)},
    "an integer of NumPy": {
        "activation": Activation("doubled", doubled, doubled_backward, n_saved=np.int64(0))
    },
    "a scorer that wraps a metric": {"early_stopping_metric": scorer, "early_stopping": True},
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_parts(name):
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0, **RIGHT[name])
    assert model.fit(X, Y.ravel()).n_iter_ == 5


# ---------------------------------------------------------------- gradients beyond the dtype


@pytest.mark.parametrize("solver", ["adam", "rmsprop", "adagrad", "nadam"])
def test_gradients_whose_squares_are_not_finite(solver):
    """A parameter that is divided by infinity would never move again, and nobody would know."""
    rows, y = X.astype(np.float32), (X[:, 0] > 0).astype(int)
    model = ScratchMLPClassifier((4,), solver=solver, random_state=0, max_iter=2)
    model.partial_fit(rows, y, classes=[0, 1])
    before = [weights.copy() for weights in model.coefs_]
    bad = rows.copy()
    bad[:4] = 1e25 * np.array([[1, -1, 1], [-1, 1, 1], [1, 1, -1], [-1, -1, 1]])
    with pytest.raises(ValueError, match="gradients up to epoch 1 are not finite in float32"):
        model.partial_fit(bad, y)
    for weights, earlier in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(weights, earlier)
    model.partial_fit(rows, y)


# ---------------------------------------------------------------- what a fit has found


def test_fitted_attributes_are_neither_set_nor_deleted():
    model = ScratchMLPRegressor(max_iter=1, random_state=0).fit(X, Y.ravel())
    with pytest.raises(AttributeError, match="n_features_in_ cannot be set: it says what a fit"):
        model.n_features_in_ = 2
    with pytest.raises(AttributeError, match="n_features_in_ cannot be deleted: it says what"):
        del model.n_features_in_
    assert model.n_features_in_ == 3


def test_rows_in_a_list():
    found = [
        run_of(minimizer(rows=rows))[1].state.params for rows in ([0, 3, 5], np.array([0, 3, 5]))
    ]
    np.testing.assert_array_equal(*found)


def test_an_objective_of_another_dtype():
    network = dense_network((3, 1), ())
    loss = LOSSES["squared_error", "identity"]
    objective = Objective(network, loss, 0.0, 5, dtype=np.float32)
    with pytest.raises(TypeError, match="X is float64, and the objective is for float32"):
        run_of(minimizer(objective=objective))


@pytest.mark.parametrize("n_params", [3, 5])
def test_a_state_of_another_network(n_params):
    train = minimizer()
    state = TrainingState(np.zeros(n_params), SGD().init_state(n_params, float))
    with pytest.raises(
        ValueError, match=f"The state has {n_params} parameters, and the network has 4"
    ):
        drive(train, Run(state, EarlyStopping(1e-4, 10), max_iter=1))


def test_parameters_that_cannot_be_changed_in_place():
    params = np.asfortranarray(np.ones((3, 4)))
    optimizer = SGD()
    with pytest.raises(ValueError, match="Parameters of members must be in C order"):
        optimizer.step(params, np.ones((3, 4)), 0.1, optimizer.init_state(params.shape, float))


def test_an_embedding_of_no_column():
    with pytest.raises(ValueError, match="PeriodicEmbedding needs at least one column"):
        Columns([(slice(0, 0), [PeriodicEmbedding(0, 0.1)], 0), (slice(0, 3), [], 3)])
