"""What the optimizer of a network remembers: one vector here, an array for each layer there.

Our moments of Adam lack the factors 1 - beta, see `skneural.optimizers.Adam`; scikit-learn's have
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray
from skneural.estimators.conversion.mlp_settings import SOLVERS
from skneural.estimators.mlp.parameters import optimizer_of
from skneural.estimators.model import Fitted
from skneural.estimators.sklearn_private import AdamOptimizer, SGDOptimizer
from skneural.network import Network, dense_arrays
from skneural.optimizers import State


def split_by_layer(
    network: Network, vector: FloatArray, factor: float = 1.0
) -> tuple[list[FloatArray], list[FloatArray]]:
    """A vector over all parameters as arrays of weights and of intercepts, times a factor.

    Returns
    -------
    weights, intercepts : list of ndarray
        New arrays.
    """
    layers = dense_arrays(network, np.asarray(vector))  # no memory map
    return [factor * weights for weights, _ in layers], [factor * own for _, own in layers]


def joined_layers(network: Network, arrays: Iterable[Any], dtype: npt.DTypeLike) -> FloatArray:
    """The vector over all parameters of arrays of weights, then of intercepts."""
    vector: FloatArray = np.empty(network.n_params, dtype=dtype)
    layers = dense_arrays(network, vector)
    places = [weights for weights, _ in layers] + [intercepts for _, intercepts in layers]
    for place, array in zip(places, arrays, strict=True):
        place[...] = array
    return vector


def optimizer_to_sklearn(twin: Any, estimator: Any, fitted: Fitted) -> Any:
    """scikit-learn's optimizer, where ours stands if it is the same.

    Parameters
    ----------
    twin : MLPClassifier or MLPRegressor
        With its parameters, `coefs_` and `intercepts_`.
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        That it is made of.
    fitted : Fitted
    """
    arrays = [*twin.coefs_, *twin.intercepts_]
    rate = float(twin.learning_rate_init)
    optimizer: Any
    if twin.solver == "adam":
        optimizer = AdamOptimizer(arrays, rate, twin.beta_1, twin.beta_2, twin.epsilon)
    else:
        optimizer = SGDOptimizer(
            arrays,
            rate,
            twin.learning_rate,
            twin.momentum,
            twin.nesterovs_momentum,
            twin.power_t,
        )
    ours, origin = optimizer_of(estimator), fitted.origin
    is_same = SOLVERS.get(type(ours)) == twin.solver and origin.optimizer == type(ours).__name__
    if fitted.state is None or not is_same or not fitted.state.optimizer:
        return optimizer
    state, network = fitted.state.optimizer, fitted.model.network

    def moments(name: str, factor: float = 1.0) -> list[FloatArray]:
        weights, intercepts = split_by_layer(network, state[name], factor)
        return weights + intercepts

    if twin.solver == "sgd":
        optimizer.velocities = moments("velocity")
        if origin.learning_rate_init == rate:
            optimizer.learning_rate = float(fitted.state.record.learning_rate)
        return optimizer
    beta_1, beta_2 = float(twin.beta_1), float(twin.beta_2)
    optimizer.ms = moments("first_moment", 1 - beta_1)
    optimizer.vs = moments("second_moment", 1 - beta_2)
    t = optimizer.t = int(state["step"])
    if t > 0:
        optimizer.learning_rate = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return optimizer


def optimizer_from_sklearn(
    twin: Any, network: Network, dtype: npt.DTypeLike
) -> tuple[str, State, float]:
    """What scikit-learn's optimizer remembers, for ours.

    Parameters
    ----------
    twin : MLPClassifier or MLPRegressor
    network : Network
    dtype : dtype

    Returns
    -------
    name : str
        Of the class of our optimizer; empty if there is none, as after 'lbfgs'.
    state : dict
    learning_rate : float
        Of the next epoch.
    """
    theirs = getattr(twin, "_optimizer", None)
    if isinstance(theirs, AdamOptimizer):
        state = {
            "step": int(theirs.t),
            "first_moment": joined_layers(network, theirs.ms, dtype) / (1 - float(theirs.beta_1)),
            "second_moment": joined_layers(network, theirs.vs, dtype) / (1 - float(theirs.beta_2)),
        }
        return "Adam", state, float(theirs.learning_rate_init)
    if not isinstance(theirs, SGDOptimizer):
        return "", {}, float(twin.learning_rate_init)
    rate, momentum = float(theirs.learning_rate), float(theirs.momentum)
    velocity = joined_layers(network, theirs.velocities, dtype)
    # That of a steady gradient after many steps, which an L1 penalty would go by.
    steady = rate / (1 - momentum) if momentum < 1 and velocity.any() else 0.0
    return "SGD", {"velocity": velocity, "velocity_of_unit_gradient": steady}, rate
