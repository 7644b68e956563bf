"""Small networks, their initial parameters and short trainings, for the tests of the core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skneural.activations import ACTIVATIONS
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.run import Run, drive
from skneural.minimizers.state import TrainingState
from skneural.network import dense_arrays, dense_network


def network_of(
    layer_sizes,
    activation="tanh",
    initialization="glorot_uniform",
    *,
    fit_intercept=True,
    dropout=(),
):
    """A multilayer perceptron of activations by name (or objects), one for all or one each."""
    if isinstance(activation, tuple):
        functions = tuple(ACTIVATIONS.get(each, each) for each in activation)
    else:
        functions = ACTIVATIONS[activation]
    return dense_network(layer_sizes, functions, fit_intercept, dropout, initialization)


def initial_params(network, seed=0, dtype=np.float64, rows=None):
    """What a training of this network begins with, with rows for layers that look at them."""
    rng = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    params = np.empty(network.n_params, dtype=dtype)
    network.initialize(params, rng, rows)
    return params


def layers_of(network, params):
    """(weights, intercepts) of every dense layer."""
    return dense_arrays(network, params)


def train(minimize, state, *, max_iter=50, validate=None, listener=None, **rule):
    """Run a minimiser to its end: the run, and the reason."""
    stopping = EarlyStopping(**{"tol": 1e-4, "n_iter_no_change": np.inf, **rule})
    run = Run(state, stopping, max_iter=max_iter, validate=validate, listener=listener)
    return run, drive(minimize, run)


def state_of(params, optimizer=None, network=None, rate=0.0, seed=0):
    """The state in which a training by mini-batches begins."""
    state = TrainingState(params, generators={"shuffle": np.random.RandomState(seed)})
    if optimizer is not None:
        memory = optimizer.init_state(
            params.shape, params.dtype, network.n_penalised, network.rates
        )
        record = replace(state.record, learning_rate=rate)
        state = replace(state, optimizer=memory, record=record)
    return state
