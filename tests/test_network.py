"""The flat vector and its layers, initial parameters, prediction in chunks, layer lists."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from memory import peak_beyond_the_result
from networks import initial_params, layers_of, network_of
from scipy import sparse

from skneural.activations import ACTIVATIONS
from skneural.arrays.matrices import chunk_rows
from skneural.network import dense_network
from skneural.workspace import PredictionMemory, Workspace

NETWORK = network_of((4, 5, 3, 2), "tanh")


def params_of(network=NETWORK, dtype=np.float64):
    return initial_params(network, 0, dtype)


def test_layers_are_views_weights_first():
    vector = np.arange(float(NETWORK.n_params))
    layers = layers_of(NETWORK, vector)
    assert [weights.shape for weights, _ in layers] == [(4, 5), (5, 3), (3, 2)]
    assert [intercepts.shape for _, intercepts in layers] == [(5,), (3,), (2,)]
    assert NETWORK.n_penalised == 20 + 15 + 6
    packed = [weights.ravel() for weights, _ in layers] + [intercepts for _, intercepts in layers]
    np.testing.assert_array_equal(np.concatenate(packed), vector)
    layers[1][0][...] = -1
    assert (vector == -1).sum() == 15


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_initial_parameters_are_drawn_layer_by_layer(name):
    network = network_of((4, 5, 2), name)
    rng = np.random.RandomState(0)
    factor = 2 if name == "logistic" else 6
    for weights, intercepts in layers_of(network, params_of(network)):
        bound = np.sqrt(factor / sum(weights.shape))
        np.testing.assert_array_equal(weights, rng.uniform(-bound, bound, weights.shape))
        np.testing.assert_array_equal(intercepts, rng.uniform(-bound, bound, len(intercepts)))


@pytest.mark.parametrize(
    "kind", [np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csc_array]
)
def test_prediction_in_chunks_is_the_forward_pass(kind):
    X = np.random.RandomState(1).randn(3 * chunk_rows(10**9, 5) + 7, 4)
    params = params_of()
    workspace = Workspace(NETWORK, len(X), np.float64)
    expected = NETWORK.forward(NETWORK.arrays(params), X, workspace)
    raw = NETWORK.predict_raw(params, kind(X))
    np.testing.assert_allclose(raw, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_predictions_that_follow_one_another_share_their_memory(kind):
    params = params_of()
    memory = PredictionMemory(NETWORK, np.float64)
    buffers = []
    for n_rows in (5, 3 * chunk_rows(10**9, 5) + 7, 5, 1, 8):
        X = np.random.RandomState(n_rows).randn(n_rows, 4)
        raw = NETWORK.predict_raw(params, kind(X), memory)
        np.testing.assert_array_equal(raw, NETWORK.predict_raw(params, kind(X)))
        buffers.append(memory.rows(5).buffers[0][0])
    is_shared = [np.shares_memory(buffer, buffers[-1]) for buffer in buffers]
    assert is_shared == [False, True, True, True, True]


def test_prediction_needs_no_more_memory_for_more_rows():
    network = network_of((20, 50, 2), "relu")
    params = params_of(network)
    peaks = []
    for n_rows in (20_000, 200_000):
        X = np.zeros((n_rows, 20))
        peaks.append(peak_beyond_the_result(partial(network.predict_raw, params, X)))
    assert peaks[1] < 1.1 * peaks[0]


def test_cut_workspaces_share_memory():
    workspace = Workspace(NETWORK, 10, np.float64)
    cut = workspace.rows(4)
    assert workspace.rows(10) is workspace
    assert workspace.rows(4) is cut
    buffers = [[array for layer in each.buffers for array in layer] for each in (workspace, cut)]
    buffers.append([workspace.delta, workspace.spare, workspace.column])
    buffers.append([cut.delta, cut.spare, cut.column])
    for wholes, parts in (buffers[:2], buffers[2:]):
        for whole, part in zip(wholes, parts, strict=True):
            assert (whole is None) == (part is None)
            if whole is not None:
                assert len(part) == 4
                assert np.shares_memory(whole, part)


def test_no_rows_and_a_row_without_its_axis():
    network = dense_network([3, 4, 2], ACTIVATIONS["tanh"])
    params = np.ones(network.n_params)
    assert network.predict_raw(params, np.empty((0, 3))).shape == (0, 2)
    assert network.predict_raw(np.stack([params] * 3), np.empty((0, 3))).shape == (3, 0, 2)
    with pytest.raises(ValueError, match=r"two axes, got an array of shape \(3,\)"):
        network.predict_raw(params, np.ones(3))
