"""The change of variables: its transpose, how near the Hessian is to the identity, hard columns."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, softmax

from skneural.convex import preconditioning
from skneural.convex.curvature import HessianProduct
from skneural.convex.linear import linear_arrays, sum_to_zero
from skneural.convex.preconditioning import joint_preconditioner, preconditioner
from skneural.convex.wide_preconditioning import MAX_ROWS, wide_preconditioner
from skneural.losses import LOSSES
from skneural.network import dense_network
from skneural.objective import Objective

N_ROWS, N_FEATURES = 120, 5
RNG = np.random.RandomState(0)
X = 1 + RNG.randn(N_ROWS, N_FEATURES) @ RNG.randn(N_FEATURES, N_FEATURES)
WEIGHT = RNG.exponential(size=N_ROWS) * (np.arange(N_ROWS) % 5 != 2)
ALPHA = 0.5
KINDS = {"dense": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_array}


def network_of(n_outputs, fit_intercept=True, n_features=N_FEATURES):
    return dense_network((n_features, n_outputs), (), fit_intercept)


@cache
def drawn(n_params):
    return np.random.RandomState(1).randn(n_params)


def params_of(network, scale=1.0):
    return scale * drawn(network.n_params)


#: Per name: options of `preconditioner`, constants of its module, whether the point is zero.
VARIANTS = {
    "a matrix for each output": ({}, {}, False),
    "one matrix, at zero": ({}, {}, True),
    "one matrix, for lack of memory": ({}, {"MAX_SEPARATE_ELEMENTS": 0}, False),
    "some of the rows": ({}, {"MAX_HESSIAN_PRODUCTS": 0}, False),
    "a diagonal, for a penalty on each weight": ({"separable": True}, {}, False),
    "a diagonal, of many features": (
        {},
        {"MAX_WHITENED_FEATURES": N_FEATURES - 1, "MAX_SEPARATE_ELEMENTS": 0},
        False,
    ),
}
DIAGONAL = [name for name in VARIANTS if "diagonal" in name]


@pytest.fixture
def condition(monkeypatch):
    """Makes the conditioning of a variant, and its network."""

    def make(variant, n_outputs, fit_intercept=True, *, rows=X, weight=WEIGHT):
        options, constants, at_zero = VARIANTS[variant]
        for name, value in constants.items():
            monkeypatch.setattr(preconditioning, name, value)
        network = network_of(n_outputs, fit_intercept)
        make_at = preconditioner(network, rows, weight, ALPHA, **options)
        return network, make_at(params_of(network, 0 if at_zero else 0.3))

    return make


def matrix_of(function, n):
    return np.transpose([function(e) for e in np.eye(n)])


every_variant = pytest.mark.parametrize("variant", VARIANTS)
every_network = pytest.mark.parametrize(
    ("n_outputs", "fit_intercept"), list(product((1, 3), (True, False)))
)


@every_network
@every_variant
def test_step_and_gradient_are_transposes(variant, n_outputs, fit_intercept, condition):
    network, conditioned = condition(variant, n_outputs, fit_intercept)
    step = matrix_of(conditioned.step, network.n_params)
    pull = matrix_of(conditioned.gradient, network.n_params)
    np.testing.assert_allclose(step, pull.T, rtol=1e-12, atol=1e-14)
    assert np.linalg.matrix_rank(step) >= network.n_params * (n_outputs - 1 or 1) // n_outputs


@every_network
@every_variant
def test_arguments_are_left_as_they_are(variant, n_outputs, fit_intercept, condition):
    network, conditioned = condition(variant, n_outputs, fit_intercept)
    for function in (conditioned.step, conditioned.gradient):
        vector = params_of(network)
        function(vector)
        np.testing.assert_array_equal(vector, params_of(network))


@pytest.mark.parametrize("kind", KINDS)
@every_network
@every_variant
def test_sparse_rows_make_the_same_variables(variant, n_outputs, fit_intercept, kind, condition):
    network, dense = condition(variant, n_outputs, fit_intercept)
    _, other = condition(variant, n_outputs, fit_intercept, rows=KINDS[kind](X))
    vector = params_of(network)
    np.testing.assert_allclose(other.step(vector), dense.step(vector), rtol=1e-8, atol=1e-10)


@every_network
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "some of the rows"])
def test_a_weight_is_a_repetition(variant, n_outputs, fit_intercept, condition):
    counts = np.arange(N_ROWS) % 3
    network, weighted = condition(variant, n_outputs, fit_intercept, weight=counts.astype(float))
    repeated = np.repeat(X, counts, axis=0)
    _, plain = condition(variant, n_outputs, fit_intercept, rows=repeated, weight=None)
    vector = params_of(network)
    np.testing.assert_allclose(weighted.step(vector), plain.step(vector), rtol=1e-8, atol=1e-10)


def second_derivative(network, rows, weight, params, step):
    """That of the objective, in the variables of which `step` gives the parameters."""
    n_outputs = network.n_outputs
    objective = Objective(
        network,
        LOSSES["log_loss", "logistic" if n_outputs == 1 else "softmax"],
        ALPHA,
        rows.shape[0],
        mean_weight=1.0 if weight is None else weight.mean(),
    )
    times = HessianProduct(objective, params, rows, weight).times
    steps = matrix_of(step, network.n_params)
    return steps.T @ np.transpose([times(column) for column in steps.T])


SCALES = np.array([1e-6, 1e6, 1e-3, 1.0, 1e3])
#: Data on which the second derivative in the parameters is anything but round.
COLUMNS = {
    "ordinary": X,
    "scaled": X * SCALES,
    "shifted": X + 1e4,
    "scaled and shifted": (X + 1e4) * SCALES,
    "nearly copies": np.hstack([X[:, :4], X[:, :1] + 1e-2 * X[:, 4:]]),
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_whitening_makes_the_second_derivative_the_identity(columns, weight, fit_intercept):
    rows = COLUMNS[columns]
    network = network_of(1, fit_intercept)
    for scale in (0.0, 1.0):
        # A point where the raw outputs are about one, whatever the scales of the features.
        params = params_of(network, scale)
        params[:N_FEATURES] /= np.abs(rows).max(axis=0)
        step = preconditioner(network, rows, weight, ALPHA)(params).step
        result = second_derivative(network, rows, weight, params, step)
        # Without an intercept, features far from zero are nearly copies: the ridge has a say.
        tolerance = 2e-2 if not fit_intercept and "shifted" in columns else 1e-6
        np.testing.assert_allclose(np.linalg.eigvalsh(result), 1, atol=tolerance)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("columns", ["ordinary", "scaled", "nearly copies"])
def test_matrices_for_each_class_make_the_second_derivative_nearly_round(columns, fit_intercept):
    rows = COLUMNS[columns]
    network = network_of(3, fit_intercept)
    params = params_of(network)
    layer = linear_arrays(network, params)
    layer.weights[...] /= np.abs(rows).max(axis=0)[:, np.newaxis]
    step = preconditioner(network, rows, None, ALPHA)(params).step
    result = np.linalg.eigvalsh(second_derivative(network, rows, None, params, step))
    before = np.linalg.eigvalsh(second_derivative(network, rows, None, params, np.asarray))
    # One direction of three is that in which all classes move together.
    n = network.n_params // 3
    np.testing.assert_allclose(result[:n], 0, atol=1e-10)
    assert result[-1] / result[n] < 10
    assert before[-1] / before[n] > 20


@every_network
def test_some_of_the_rows_are_nearly_as_good_as_all(n_outputs, fit_intercept, monkeypatch):
    rng = np.random.RandomState(0)
    rows = rng.randn(6000, N_FEATURES) @ rng.randn(N_FEATURES, N_FEATURES)
    network = network_of(n_outputs, fit_intercept)
    monkeypatch.setattr(preconditioning, "MAX_HESSIAN_PRODUCTS", 0)
    monkeypatch.setattr(preconditioning, "MIN_ROWS_PER_FEATURE", 40)  # of 6000, 200
    step = preconditioner(network, rows, None, ALPHA)(np.zeros(network.n_params)).step
    result = second_derivative(network, rows, None, np.zeros(network.n_params), step)
    eigenvalues = np.linalg.eigvalsh(result)[
        -network.n_params * (n_outputs - 1 or 1) // n_outputs :
    ]
    assert eigenvalues[-1] / eigenvalues[0] < 4


def test_rows_that_are_looked_at_do_not_all_have_zero_weight(monkeypatch):
    monkeypatch.setattr(preconditioning, "MAX_HESSIAN_PRODUCTS", 0)
    monkeypatch.setattr(preconditioning, "MIN_ROWS_PER_FEATURE", N_ROWS // N_FEATURES // 2)
    weight = (np.arange(N_ROWS) % 2 == 1).astype(float)  # every second row, and not the first
    network = network_of(1)
    sampled = preconditioner(network, X, weight, ALPHA)(np.zeros(6))
    whole = preconditioner(network, X[1::2], None, ALPHA)(np.zeros(6))
    vector = params_of(network)
    np.testing.assert_allclose(sampled.step(vector), whole.step(vector), rtol=1e-10)


HARD_COLUMNS = {
    "a constant": np.hstack([X[:, :4], np.full((N_ROWS, 1), 3.7)]),
    "a large constant": np.hstack([X[:, :4], np.full((N_ROWS, 1), 1e9 + 0.1)]),
    "zeros": np.hstack([X[:, :4], np.zeros((N_ROWS, 1))]),
    "all zeros": np.zeros((N_ROWS, N_FEATURES)),
    "all the same": np.ones((N_ROWS, N_FEATURES)) * 0.3,
    "copies": X[:, [0, 0, 1, 1, 0]],
    "sums": np.hstack([X[:, :4], X[:, :4].sum(axis=1, keepdims=True)]),
    "fewer rows than features": X[:3],
    "tiny": X * 1e-150,
    "huge": X * 1e100,
}


@cache
def hard_rows(columns, kind):
    return KINDS[kind](HARD_COLUMNS[columns])


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("kind", KINDS)
@every_network
@pytest.mark.parametrize("separable", [False, True], ids=["", "separable"])
@pytest.mark.parametrize("columns", HARD_COLUMNS)
def test_hard_columns(columns, separable, n_outputs, fit_intercept, kind, alpha):
    dense = HARD_COLUMNS[columns]
    rows = hard_rows(columns, kind)
    network = network_of(n_outputs, fit_intercept)
    weight = WEIGHT[: len(dense)]
    for scale in (0.0, 1e-3 / max(np.abs(dense).max(), 1e-3)):
        make = preconditioner(network, rows, weight, alpha, separable=separable)
        params = params_of(network, scale)
        conditioned = make(params)
        step = matrix_of(conditioned.step, network.n_params)
        assert np.isfinite(step).all()
        # In none of the variables steeper than in the round bowl, but for what classes share.
        curvature = diagonal_in_variables(network, dense, weight, params, step)
        assert curvature.max() < 1.01 * n_outputs


def diagonal_in_variables(network, rows, weight, params, steps):
    """Weighted mean of the second derivatives of the losses, along each of the steps."""
    n_outputs = network.n_outputs

    def raw_outputs(vector):
        layer = linear_arrays(network, vector)
        raw = rows @ layer.weights
        return raw if layer.intercepts is None else raw + layer.intercepts

    raw = raw_outputs(params)
    p = expit(raw) if n_outputs == 1 else softmax(raw, axis=1)
    change = np.array([raw_outputs(step) for step in steps.T])
    if n_outputs == 1:
        by_row = (p * (1 - p) * change**2)[..., 0]
    else:
        mean = np.sum(p * change, axis=-1, keepdims=True)
        by_row = np.sum(p * (change - mean) ** 2, axis=-1)
    return by_row @ weight / weight.sum()


def test_predictions_that_are_certain_still_have_a_scale():
    network = network_of(3)
    conditioned = preconditioner(network, X, None, 0.0)(params_of(network, 1e6))
    assert np.isfinite(conditioned.step(params_of(network))).all()
    assert np.isfinite(conditioned.gradient(params_of(network))).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("variant", DIAGONAL)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_diagonal_mixes_no_weights(variant, n_outputs, fit_intercept, condition):
    network, conditioned = condition(variant, n_outputs, fit_intercept)
    assert conditioned.transform.shape == (N_FEATURES,)
    for j, k in product(range(N_FEATURES), range(n_outputs)):
        variables = np.zeros(network.n_params)
        layer = linear_arrays(network, variables)
        layer.weights[j, k] = 1
        step = linear_arrays(network, conditioned.step(variables))
        assert step.weights[j, k] == conditioned.transform[j] > 0
        assert np.count_nonzero(step.weights) == 1
        if fit_intercept:
            assert np.count_nonzero(step.intercepts) == 1


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("variant", DIAGONAL)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_squared_length_is_that_of_the_variables(variant, n_outputs, fit_intercept, condition):
    network, conditioned = condition(variant, n_outputs, fit_intercept)
    variables = params_of(network)
    length = conditioned.squared_length(conditioned.step(variables))
    assert length == pytest.approx(variables @ variables, rel=1e-10)


def test_many_features_share_a_diagonal_whatever_the_memory(monkeypatch):
    monkeypatch.setattr(preconditioning, "MAX_WHITENED_FEATURES", N_FEATURES - 1)
    network = network_of(3)
    conditioned = preconditioner(network, X, None, ALPHA)(params_of(network))
    assert conditioned.step(params_of(network)).shape == (network.n_params,)


@pytest.mark.parametrize("n_features", [999, 1000, 1001, 1020])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_features_up_to_which_there_is_a_matrix(n_features, n_outputs):
    network = network_of(n_outputs, n_features=n_features)
    start = np.full(network.n_params, 1e-3)
    few_enough = n_features <= 1000
    for n_rows, alpha, is_matrix in (
        (600, ALPHA, few_enough),
        (3, ALPHA, False),
        (3, 0, few_enough),
    ):
        rows = np.random.RandomState(0).randn(n_rows, n_features)
        conditioned = preconditioner(network, rows, None, alpha)(start)
        assert (conditioned.transform.ndim > 1) == is_matrix
        assert conditioned.step(params_of(network)).shape == (network.n_params,)


# ------------------------------------------------------------------ few rows of many features

WIDE = 1 + RNG.randn(7, 3) @ RNG.randn(3, 20) + 0.1 * RNG.randn(7, 20)
WIDE_WEIGHT = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 1.0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [None, WIDE_WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("at_zero", [True, False])
@every_network
def test_few_rows_are_whitened_as_by_a_matrix(
    n_outputs, fit_intercept, at_zero, weight, kind, monkeypatch
):
    monkeypatch.setattr(preconditioning, "MIN_WIDE_FEATURES", WIDE.shape[1])
    network = network_of(n_outputs, fit_intercept, WIDE.shape[1])
    params = params_of(network, 0 if at_zero else 0.05)
    objective = Objective(network, LOSSES["log_loss", "logistic"], ALPHA, len(WIDE))
    wide = wide_preconditioner(objective, KINDS[kind](WIDE), weight)(params)
    step = matrix_of(wide.step, network.n_params)
    pull = matrix_of(wide.gradient, network.n_params)
    np.testing.assert_allclose(step, pull.T, rtol=1e-10, atol=1e-12)
    monkeypatch.setattr(preconditioning, "FEATURES_PER_WIDE_ROW", np.inf)
    matrix = preconditioner(network, WIDE, weight, ALPHA)(params)
    assert matrix.transform.ndim > 1
    # Roots of a matrix differ by a rotation; what they are the roots of does not.
    expected = matrix_of(matrix.step, network.n_params) @ matrix_of(
        matrix.gradient, network.n_params
    )
    np.testing.assert_allclose(step @ pull, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_where_there_are_few_rows_of_many_features():
    network = network_of(1, n_features=2 * MAX_ROWS)
    objective = Objective(network, LOSSES["log_loss", "logistic"], ALPHA, MAX_ROWS)
    rows = np.zeros((MAX_ROWS + 1, 2 * MAX_ROWS))
    assert wide_preconditioner(objective, rows[:-1], None) is not None
    assert wide_preconditioner(objective, rows, None) is None
    assert wide_preconditioner(objective, rows[:-1, 1:], None) is None
    assert wide_preconditioner(objective, rows[:9, :127], None) is None
    unpenalised = Objective(network, LOSSES["log_loss", "logistic"], 0.0, MAX_ROWS)
    assert wide_preconditioner(unpenalised, rows[:-1], None) is None


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("variant", [name for name in VARIANTS if "penalty" not in name])
def test_gradients_that_sum_to_zero_lead_to_steps_that_do(variant, fit_intercept, condition):
    network, conditioned = condition(variant, 3, fit_intercept)
    gradient = params_of(network)
    layer = linear_arrays(network, gradient)
    for part in layer[: 1 + fit_intercept]:
        part -= part.mean(axis=-1, keepdims=True)
    step = conditioned.step(conditioned.gradient(gradient))
    assert step @ gradient > 0
    for part in network.arrays(step)[0]:
        np.testing.assert_allclose(part.sum(axis=-1), 0, atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sum_to_zero_changes_the_penalty_only(fit_intercept):
    network = network_of(3, fit_intercept)
    y = np.eye(3)[RNG.randint(3, size=N_ROWS)]
    params = params_of(network)
    before, after = params, params.copy()
    sum_to_zero(network, after)
    for part in network.arrays(after)[0]:
        np.testing.assert_allclose(part.sum(axis=-1), 0, atol=1e-14)
    loss, penalised = (
        Objective(network, LOSSES["log_loss", "softmax"], alpha, N_ROWS) for alpha in (0.0, 1.0)
    )
    value = loss.value_and_gradient(before, X, y)[0]
    assert loss.value_and_gradient(after, X, y)[0] == pytest.approx(value, rel=1e-13)
    value = penalised.value_and_gradient(before, X, y)[0]
    assert penalised.value_and_gradient(after, X, y)[0] < value - 1e-3


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sum_to_zero_leaves_a_single_output_alone(fit_intercept):
    network = network_of(1, fit_intercept)
    params = params_of(network)
    sum_to_zero(network, params)
    np.testing.assert_array_equal(params, params_of(network))


def joint_setting(n_outputs=3, columns=X, fit_intercept=True):
    network = dense_network((columns.shape[1], n_outputs), (), fit_intercept)
    objective = Objective(network, LOSSES["log_loss", "softmax"], ALPHA, len(columns))
    return network, objective, joint_preconditioner(objective, columns, None)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_joint_whitening_is_one(fit_intercept):
    network, objective, condition = joint_setting(fit_intercept=fit_intercept)
    params = params_of(network)
    sum_to_zero(network, params)
    joint = condition(params)
    assert joint.n_variables == 2 * (N_FEATURES + fit_intercept)
    product_with = HessianProduct(objective, params, X, None).times
    whitened = np.array(
        [joint.gradient(product_with(joint.step(unit))) for unit in np.eye(joint.n_variables)]
    )
    np.testing.assert_allclose(whitened, np.eye(joint.n_variables), atol=1e-5)


def test_joint_step_and_gradient_are_transposes():
    network, _, condition = joint_setting()
    joint, random = condition(params_of(network)), np.random.RandomState(3)
    variables, gradient = random.randn(joint.n_variables), random.randn(network.n_params)
    sum_to_zero(network, gradient)
    assert variables @ joint.gradient(gradient) == pytest.approx(joint.step(variables) @ gradient)


def test_joint_whitening_is_for_few_coordinates_and_several_classes(monkeypatch):
    network = dense_network((N_FEATURES, 1), ())
    objective = Objective(network, LOSSES["log_loss", "logistic"], ALPHA, len(X))
    assert joint_preconditioner(objective, X, None) is None
    monkeypatch.setattr(preconditioning, "MAX_JOINT_COORDINATES", 2 * N_FEATURES + 1)
    assert joint_setting()[2] is None


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_certain_predictions_leave_the_variables_finite(n_outputs):
    network = dense_network((N_FEATURES, n_outputs), ())
    certain = 1e6 * params_of(network)
    step = preconditioner(network, X, None, 0.0)(certain).step(np.ones(network.n_params))
    assert np.abs(step).max() < 1e8
    if n_outputs > 1:
        objective = Objective(network, LOSSES["log_loss", "softmax"], 0.0, len(X))
        joint = joint_preconditioner(objective, X, None)(certain)
        assert np.abs(joint.step(np.ones(joint.n_variables))).max() < 1e10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_is_not_magnified(dtype):
    """Its gradient is rounding, which would move its weight by as much as it is magnified."""
    random = np.random.RandomState(0)
    rows = np.c_[np.full(200, 0.1), random.standard_normal((200, 2)) + 5, np.full(200, 3.0)]
    network = dense_network((4, 3), ())
    objective = Objective(network, LOSSES["log_loss", "softmax"], 0.0, 200, dtype=dtype)
    params = np.zeros(network.n_params, dtype=dtype)
    for precondition in (
        joint_preconditioner(objective, rows.astype(dtype), None),
        preconditioner(network, rows.astype(dtype), None, 0.0),
        preconditioner(network, rows.astype(dtype), None, 0.0, separable=True),
    ):
        change = precondition(params)
        for unit in np.eye(change.n_variables):
            assert np.abs(change.step(unit)).max() < 30
