"""The flat vector and its layers, initial parameters, prediction in chunks, layer lists."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skneural._arrays import chunk_rows
from skneural.activations import ACTIVATIONS
from skneural.initialization import initial_params
from skneural.network import Network, Workspace

NETWORK = Network((4, 5, 3, 2), ACTIVATIONS["tanh"])


def params_of(network=NETWORK, dtype=np.float64):
    return initial_params(network, "glorot_uniform", np.random.RandomState(0), dtype)


def test_layers_are_views_weights_first():
    vector = np.arange(float(NETWORK.n_params))
    layers = NETWORK.layers(vector)
    assert [layer.weights.shape for layer in layers] == [(4, 5), (5, 3), (3, 2)]
    assert [layer.intercepts.shape for layer in layers] == [(5,), (3,), (2,)]
    assert NETWORK.n_weights == 20 + 15 + 6
    packed = [layer.weights.ravel() for layer in layers] + [layer.intercepts for layer in layers]
    np.testing.assert_array_equal(np.concatenate(packed), vector)
    layers[1].weights[...] = -1
    assert (vector == -1).sum() == 15


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_initial_parameters_are_drawn_layer_by_layer(name):
    network = Network((4, 5, 2), ACTIVATIONS[name])
    rng = np.random.RandomState(0)
    factor = 2 if name == "logistic" else 6
    for layer in network.layers(params_of(network)):
        bound = np.sqrt(factor / sum(layer.weights.shape))
        np.testing.assert_array_equal(
            layer.weights, rng.uniform(-bound, bound, layer.weights.shape)
        )
        np.testing.assert_array_equal(
            layer.intercepts, rng.uniform(-bound, bound, len(layer.intercepts))
        )


@pytest.mark.parametrize(
    "kind", [np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csc_array]
)
def test_prediction_in_chunks_is_the_forward_pass(kind):
    X = np.random.RandomState(1).randn(3 * chunk_rows(10**9, 5) + 7, 4)
    params = params_of()
    workspace = Workspace(NETWORK, len(X), np.float64)
    expected = NETWORK.forward(NETWORK.layers(params), X, workspace)
    raw = NETWORK.predict_raw(params, kind(X))
    np.testing.assert_allclose(raw, expected, rtol=1e-12, atol=1e-14)


def test_prediction_needs_no_more_memory_for_more_rows():
    network = Network((20, 50, 2), ACTIVATIONS["relu"])
    params = params_of(network)
    peaks = []
    for n_rows in (20_000, 200_000):
        X = np.zeros((n_rows, 20))
        tracemalloc.start()
        raw = network.predict_raw(params, X)
        peaks.append(tracemalloc.get_traced_memory()[1] - raw.nbytes)
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_cut_workspaces_share_memory():
    workspace = Workspace(NETWORK, 10, np.float64)
    cut = workspace.rows(4)
    assert workspace.rows(10) is workspace
    assert workspace.rows(4) is cut
    masks = [[memory[0] for memory in each.activation_buffers] for each in (workspace, cut)]
    others = [(workspace.outputs, cut.outputs), (workspace.deltas, cut.deltas)]
    for wholes, parts in [masks, *others]:
        for whole, part in zip(wholes, parts, strict=True):
            assert len(part) == 4
            assert np.shares_memory(whole, part)
