"""The pages on extensions and on training: their code runs as it stands."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import sklearn
from pages import code_of
from scipy import sparse
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.activations import ACTIVATIONS
from skneural.losses import LOSSES, LossBuffers
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import Record, TrainingState
from skneural.network import dense_network
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam, NAdam, RMSprop
from skneural.schedules import Constant, LinearWarmUp

pytestmark = [
    pytest.mark.documentation,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

BLOCKS = code_of("extending.rst")
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
SQUARED_ERROR = LOSSES["squared_error", "identity"]
NUMBERS = X @ np.linspace(-1, 1, 13)
SMALL = {"hidden_layer_sizes": 8, "max_iter": 30, "random_state": 0, "learning_rate_init": 0.01}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The code of the page as a module that can be imported, as for a pickle."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "page_of_extensions.py").write_text("\n\n".join(BLOCKS))
    sys.path.insert(0, str(folder))
    yield importlib.import_module("page_of_extensions")
    sys.path.remove(str(folder))
    del sys.modules["page_of_extensions"]


def test_page_on_training():
    names = {
        "GridSearchCV": GridSearchCV,
        "Pipeline": Pipeline,
        "StandardScaler": StandardScaler,
        "sklearn": sklearn,
        **dict(zip(("X", "y"), (X[::2], Y[::2]), strict=True)),
        **dict(zip(("X_later", "y_later"), (X[1::2], Y[1::2]), strict=True)),
    }
    with sklearn.config_context():
        for block in code_of("training.rst"):
            exec(block, names)
    assert names["classifier"].score(X, Y) > 0.9
    xor = names["xor"].predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(xor, [0, 1, 1, 0])


def test_pieces_of_at_most_twenty_lines():
    assert len(BLOCKS) == 14
    lengths = [len(block.splitlines()) for block in BLOCKS]
    assert lengths.pop() <= 65  # the last one, which is on the engine itself
    assert max(lengths) <= 22


def assert_works(model, y):
    """In a search over copies, in a pickle, and going on."""
    model.fit(X, y)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    copied.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    twice = [clone(model).fit(X, y).predict(X) for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert repr(model).startswith("ScratchMLP")


def test_activation(page):
    z = np.linspace(-3, 3, 21)[:, np.newaxis]
    a, kept, mask, step = z.copy(), np.empty_like(z), np.empty(z.shape, dtype=bool), 1e-6
    page.SNAKE.forward(a, mask, kept)
    np.testing.assert_allclose(a, z + np.sin(z) ** 2)
    delta = np.ones_like(z)
    page.SNAKE.backward(delta, a, mask, kept)
    difference = [x + np.sin(x) ** 2 for x in (z + step, z - step)]
    np.testing.assert_allclose(delta, (difference[0] - difference[1]) / (2 * step), rtol=1e-6)
    assert_works(ScratchMLPClassifier(**SMALL, activation=page.SNAKE), Y)
    both = ScratchMLPClassifier(**{**SMALL, "hidden_layer_sizes": (8, 5)}, dropout=0.1)
    assert_works(both.set_params(activation=[page.SNAKE, "gelu"]), Y)


def losses_of_checked_gradient(loss, raw, y, step=1e-6):
    """The loss of each row, whose gradient is compared with finite differences."""
    column = np.empty((len(raw), 1))
    buffers = LossBuffers(np.empty_like(raw), column, np.empty_like(raw))
    losses = loss.value_and_gradient(raw.copy(), y, buffers).copy()
    gradient = buffers.gradient.copy()
    for row, output in np.ndindex(raw.shape):
        shift = np.zeros_like(raw)
        shift[row, output] = step
        above, below = (
            loss.value_and_gradient(raw + s, y, buffers)[row].copy() for s in (shift, -shift)
        )
        difference = (above - below) / (2 * step)
        assert gradient[row, output] == pytest.approx(difference, rel=1e-6, abs=1e-9)
    return losses


def test_loss(page):
    loss, rng = page.LogCosh(sharpness=2.0), np.random.RandomState(0)
    raw, y = rng.randn(6, 2), rng.randn(6, 2)
    losses = losses_of_checked_gradient(loss, raw, y)
    np.testing.assert_allclose(losses, np.sum(np.log(np.cosh(2 * (raw - y))) / 2, axis=1))
    assert_works(ScratchMLPRegressor(**SMALL, loss=loss), NUMBERS)
    search = GridSearchCV(ScratchMLPRegressor(**SMALL, loss=loss), {"loss__sharpness": [0.5, 5]})
    assert len(search.fit(X, NUMBERS).cv_results_["params"]) == 2
    with pytest.raises(ValueError, match="must be a classification loss"):
        ScratchMLPClassifier(loss=loss).fit(X, Y)


def test_loss_of_two_outputs_for_each_target(page):
    loss, rng = page.GaussianLikelihood(), np.random.RandomState(0)
    raw, y = rng.randn(6, 4), rng.randn(6, 2)
    losses = losses_of_checked_gradient(loss, raw, y)
    likelihood = norm.logpdf(y, raw[:, :2], np.exp(raw[:, 2:] / 2)).sum(axis=1)
    np.testing.assert_allclose(losses, -likelihood - np.log(2 * np.pi), rtol=1e-12)
    np.testing.assert_array_equal(loss.predict(raw), raw[:, :2])


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_network_of_means_and_variances(page, solver, n_targets):
    y = NUMBERS if n_targets == 1 else np.column_stack([NUMBERS, -2 * NUMBERS])
    model = ScratchMLPRegressor(**SMALL, solver=solver, loss=page.GaussianLikelihood())
    model.fit(X, y, X_val=X, y_val=y)
    assert model.n_outputs_ == 2 * n_targets
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
    assert model.validation_scores_[-1] == pytest.approx(model.score(X, y))
    assert model.validation_loss_curve_[-1] < model.validation_loss_curve_[0]
    given = ScratchMLPRegressor.from_weights(model.coefs_, model.intercepts_, loss=model.loss)
    np.testing.assert_array_equal(given.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=f"y has 3 columns, the training rows have {n_targets}"):
        model.fit(X, y, X_val=X, y_val=np.ones((len(X), 3)))
    with pytest.raises(ValueError, match=r"puts out 3 columns, .* needs 2 for each target"):
        ScratchMLPRegressor.from_weights([np.ones((2, 3))], [np.ones(3)], loss=model.loss)


def test_the_variance_is_learned(page):
    """Where the noise is three times as large the width is, too."""
    rng = np.random.RandomState(0)
    rows = rng.choice([0.0, 1.0], size=(2000, 1))
    y = rows[:, 0] + np.where(rows[:, 0] == 0, 0.5, 1.5) * rng.randn(2000)
    model = ScratchMLPRegressor(
        loss=page.GaussianLikelihood(), hidden_layer_sizes=(), solver="lbfgs", alpha=0.0
    )
    model.fit(rows, y)
    raw = np.array([[0.0], [1.0]]) @ model.coefs_[0] + model.intercepts_[0]
    groups = [y[rows[:, 0] == value] for value in (0.0, 1.0)]
    np.testing.assert_allclose(raw[:, 0], [group.mean() for group in groups], atol=1e-2)
    np.testing.assert_allclose(np.exp(raw[:, 1] / 2), [g.std() for g in groups], rtol=1e-2)


def test_optimizer(page):
    optimizer, w = page.Lion(beta_1=0.5, beta_2=0.75), np.array([1.0])
    state = optimizer.init_state(1, np.float64)
    # mean 0: ahead = 1, w = 0.9, mean = 0.5; ahead = 0.25 - 0.5 = -0.25, w = 1.0
    for gradient, expected in ((2.0, 0.9), (-1.0, 1.0)):
        optimizer.step(w, np.array([gradient]), 0.1, state)
        assert w[0] == pytest.approx(expected)
    assert_works(ScratchMLPClassifier(**SMALL, solver=page.Lion(weight_decay=0.1)), Y)
    assert_works(ScratchMLPClassifier(**SMALL, solver=page.Lion(averaging=0.9)), Y)


def test_schedule(page):
    assert [page.Polynomial().factor(epoch, 4) for epoch in (0, 1, 2, 4, 5)] == [
        1,
        0.75**2,
        0.25,
        0,
        0,
    ]
    assert_works(ScratchMLPClassifier(**SMALL, learning_rate=page.Polynomial(power=1.0)), Y)
    inside = LinearWarmUp(5, then=page.Polynomial())
    assert_works(ScratchMLPClassifier(**SMALL, learning_rate=inside), Y)


# ------------------------------------------------------------------------------ layers

#: Two numbers on different scales, and a code from 0 to 9 of which its remainder by 3 matters.
CODES = np.random.RandomState(0).randint(10, size=(1000, 1))
ROWS = np.hstack([np.random.RandomState(1).randn(1000, 2) * [1.0, 0.1], CODES])
TARGET = np.sin(3 * ROWS[:, :1]) + 10 * ROWS[:, 1:2] + (CODES % 3)


def test_network_of_the_page(page):
    """The gradient by finite differences, and rates where the page says that they are."""
    network, rng = page.network, np.random.RandomState(0)
    objective = Objective(network, SQUARED_ERROR, 0.1, 20)
    params, X, y = rng.randn(network.n_params), ROWS[:20], TARGET[:20]
    gradient = objective.value_and_gradient(params, X, y)[1].copy()
    for i in range(network.n_params):
        step = np.where(np.arange(network.n_params) == i, 1e-6, 0.0)
        above, below = (objective.value_and_gradient(params + s, X, y)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)
    (factors, table), *_ = network.arrays(params)
    ((place, rate),) = network.rates
    assert (rate, params[place].tolist()) == (6.0, factors.tolist())
    assert (table.shape, network.n_penalised) == ((10, 3), 10 * 3 + 5 * 8 + 8)
    assert network.predict_raw(params, ROWS).shape == (1000, 1)


@pytest.mark.parametrize("layer", ["Scale", "Embedding"])
def test_layer_passes_derivatives_on_to_its_input(page, layer):
    """An integer code has none."""
    made = page.Scale(1) if layer == "Scale" else page.Embedding(10, 2)
    array = np.full(made.parameters()[0].shape, 3.0)
    x, delta = np.array([[2.0], [7.0]]), np.ones((2, made.n_outputs))
    below = made.backward((array,), (np.empty_like(array),), x, None, delta, True)
    np.testing.assert_array_equal(below, np.full((2, 1), 3.0 if layer == "Scale" else 0.0))
    assert made.backward((array,), (np.empty_like(array),), x, None, delta, False) is None


def test_factors_learn_six_times_as_fast(page):
    """One step of gradient descent."""
    network, rng = page.network, np.random.RandomState(0)
    before, optimizer = np.empty(network.n_params), SGD(momentum=0.0)
    network.initialize(before, rng)
    arguments = (network, SQUARED_ERROR, optimizer, ROWS, TARGET)
    after = page.train(*arguments, n_epochs=1, rate=0.01, batch_size=1000)
    objective = Objective(network, SQUARED_ERROR, 1e-4, 1000)
    gradient = objective.value_and_gradient(before, ROWS, TARGET)[1]
    ((factors, _),) = network.rates
    rate = np.full(network.n_params, 0.01)
    rate[factors] *= 6
    np.testing.assert_allclose(after, before - rate * gradient, rtol=1e-10)


def test_training_of_the_page(page):
    """It fits, and has found out which codes stand for the same."""
    params = page.train(page.network, SQUARED_ERROR, Adam(), ROWS, TARGET)
    predicted = page.network.predict_raw(params, ROWS)
    assert r2_score(TARGET, predicted) > 0.95
    (_, table), *_ = page.network.arrays(params)
    groups = [table[code::3].mean(axis=0) for code in range(3)]
    within = max(np.ptp(table[code::3], axis=0).max() for code in range(3))
    assert min(np.abs(a - b).max() for a, b in combinations(groups, 2)) > within


def test_a_layer_of_layers_is_trained(page):
    inside = [page.Dense(8, 16, draw=page.draw), page.Activate(page.tanh, 16)]
    block = page.Residual([*inside, page.Dense(16, 8, draw=page.draw)])
    first, last = page.Dense(3, 8, draw=page.draw), page.Dense(8, 1, draw=page.draw)
    network = page.Network([first, block, last], n_inputs=3)
    params = page.train(network, SQUARED_ERROR, Adam(), ROWS, TARGET)
    # The third column holds codes, of which it makes what it can.
    assert r2_score(TARGET, network.predict_raw(params, ROWS)) > 0.6


def test_a_layer_that_does_something_else_in_training(page):
    """It adds noise, for which predictions are smoother; each of several members has its own."""
    rng = np.random.RandomState(0)
    network = page.Network([page.Noise(0.5, 3), page.Dense(3, 1, draw=page.draw)], n_inputs=3)
    params = rng.normal(scale=0.1, size=(2, network.n_params))
    params[1] = params[0]
    memory = Adam().init_state(params.shape, float, network.n_penalised)
    generators = {f"shuffle {k}": np.random.RandomState(0) for k in range(2)}
    generators |= {f"dropout {k}": np.random.default_rng(k) for k in range(2)}
    state = TrainingState(params, memory, Record.of_members(2, 0.01), generators)
    objective = Objective(network, SQUARED_ERROR, alpha=1e-4, n_rows=50, members=(2,))
    train = MiniBatches(objective, ROWS, TARGET, None, Adam(), Constant(), 0.01, 50, 99)
    run = Run(state, EarlyStopping(tol=-np.inf, n_iter_no_change=10), max_iter=20)
    drive(train, run)
    found = run.state.params
    assert np.abs(found[0] - found[1]).max() > 1e-3
    predicted = [network.predict_raw(found, rows) for rows in (ROWS, ROWS[:1], ROWS)]
    np.testing.assert_allclose(predicted[0][:, :1], predicted[1])
    np.testing.assert_array_equal(predicted[0], predicted[2])


def test_a_layer_of_layers_is_not_for_sparse_rows(page):
    """It adds its input, of which SciPy would make a matrix."""
    block = page.Residual([page.Dense(3, 5), page.Activate(page.tanh, 5), page.Dense(5, 3)])
    network = page.Network([block, page.Dense(3, 1)], n_inputs=3)
    with pytest.raises(TypeError, match="Residual, the first layer of the network, needs dense"):
        page.train(network, SQUARED_ERROR, Adam(), sparse.csr_matrix(ROWS), TARGET)
    with pytest.raises(AssertionError):
        page.Residual([page.Dense(3, 5)])
    with pytest.raises(ValueError, match="Dense, layer 1 of a chain, reads 4 column"):
        page.Residual([page.Dense(3, 5), page.Dense(4, 3)])


def test_a_training_that_is_not_finite_says_so(page):
    rows = ROWS.copy()
    rows[0, 0] = np.nan
    with pytest.raises(ValueError, match="The loss was nan in epoch 1"):
        page.train(page.network, SQUARED_ERROR, Adam(), rows, TARGET)


def test_networks_side_by_side(page):
    rng = np.random.RandomState(0)
    rows = rng.uniform(-2, 2, size=(200, 2))
    y = (np.sin(2 * rows[:, 0]) + rows[:, 1] ** 2 / 2)[:, np.newaxis]
    noisy = y + 0.3 * rng.randn(*y.shape)
    network, members, reasons = page.bagged(rows[:100], noisy[:100], 5)
    assert reasons == ("early_stopping",) * 5
    assert members.shape == (5, network.n_params)
    each = network.predict_raw(members, rows[100:])
    assert each.shape == (5, 100, 1)
    errors = np.mean((each - y[100:]) ** 2, axis=(1, 2))
    # The error of the mean is below the mean error, by the variance of the members.
    error = np.mean((each.mean(axis=0) - y[100:]) ** 2)
    assert error == pytest.approx(errors.mean() - each.var(axis=0).mean())
    assert error < 0.1 * np.var(y[100:])


def test_a_training_of_ones_own_that_goes_on(page):
    """From the state after three epochs, it ends as one of eight, with dropout and momentum."""
    network = dense_network([13, 6, 1], ACTIVATIONS["tanh"], dropout=(0.3,))
    y = NUMBERS[:, np.newaxis]

    def begun():
        params = np.random.RandomState(1).normal(scale=0.3, size=network.n_params)
        memory = Adam().init_state(len(params), float, network.n_penalised, network.rates)
        generators = {"shuffle": np.random.RandomState(0), "dropout": np.random.default_rng(0)}
        return TrainingState(params, memory, Record(learning_rate=0.01), generators)

    def minimize():
        objective = Objective(network, SQUARED_ERROR, alpha=1e-4, n_rows=20)
        return MiniBatches(objective, X, y, None, Adam(), Constant(), 0.01, 20, 8)

    patience = EarlyStopping(tol=1e-4, n_iter_no_change=10)
    whole = Run(begun(), patience, max_iter=8)
    drive(minimize(), whole)
    state = begun()
    before = copy.deepcopy(state.generators)
    first = Run(state, patience, max_iter=3)
    drive(minimize(), first)
    further = page.gone_on(minimize(), first, before, 8)
    assert further.state.record.n_iter == 8
    np.testing.assert_array_equal(further.state.params, whole.state.params)


@pytest.mark.parametrize("kind", [Adam, RMSprop, NAdam])
@pytest.mark.parametrize("members", [(), (3,)])
def test_a_state_that_trainings_begin_with_stays_as_it_is(members, kind):
    network = dense_network([13, 6, 1], ACTIVATIONS["tanh"])
    params = np.random.RandomState(1).normal(scale=0.3, size=(*members, network.n_params))
    optimizer = kind(averaging=0.9)
    memory = optimizer.init_state(params.shape, float, network.n_penalised)
    record = Record.of_members(3, 0.01) if members else Record(learning_rate=0.01)
    objective = Objective(network, SQUARED_ERROR, 1e-4, 20, members=members)
    y = NUMBERS[:, np.newaxis]

    def trained(state, max_iter):
        names = [f"shuffle {k}" for k in range(3)] if members else ["shuffle"]
        state = replace(state, generators={name: np.random.RandomState(0) for name in names})
        run = Run(state, EarlyStopping(-np.inf, np.inf), max_iter=max_iter)
        drive(MiniBatches(objective, X, y, None, optimizer, Constant(), 0.01, 20, 8), run)
        return run.state

    begun = TrainingState(params, memory, record)
    at_begin = copy.deepcopy((begun.params, begun.optimizer))
    first = trained(begun, 3)
    at_three = copy.deepcopy((first.params, first.optimizer))
    branches = [trained(first, 8) for _ in range(2)]
    for state, (its_params, its_memory) in ((begun, at_begin), (first, at_three)):
        np.testing.assert_array_equal(state.params, its_params)
        np.testing.assert_equal(state.optimizer, its_memory)
    np.testing.assert_array_equal(branches[0].params, branches[1].params)
    np.testing.assert_array_equal(branches[0].params, trained(begun, 8).params)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, ValueError])
def test_a_run_that_ends_in_its_first_epoch_can_begin_once_more(ending):
    """It comes back to what it began with, in arrays of its own."""
    network = dense_network([13, 6, 1], ACTIVATIONS["tanh"])
    params = np.random.RandomState(1).normal(scale=0.3, size=network.n_params)
    optimizer, y = RMSprop(), NUMBERS[:, np.newaxis]
    memory = optimizer.init_state(params.shape, float, network.n_penalised)

    class Broken(Objective):
        n_left = np.inf

        def value_and_gradient(self, *arguments):
            self.n_left -= 1
            if self.n_left == 0:
                raise ending
            return super().value_and_gradient(*arguments)

    def run_of(n_left):
        objective = Broken(network, SQUARED_ERROR, 1e-4, 20)
        objective.n_left = n_left
        generators = {"shuffle": np.random.RandomState(0)}
        state = TrainingState(params, memory, Record(learning_rate=0.01), generators)
        run = Run(state, EarlyStopping(-np.inf, np.inf), max_iter=4)
        return run, MiniBatches(objective, X, y, None, optimizer, Constant(), 0.01, 20, 8)

    before = params.copy()
    whole, minimize = run_of(np.inf)
    drive(minimize, whole)
    run, minimize = run_of(3)
    with pytest.raises(ending):
        drive(minimize, run)
    np.testing.assert_array_equal(run.state.params, before)
    assert not np.shares_memory(run.state.params, params)
    drive(minimize, run)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(run.state.params, whole.state.params)
