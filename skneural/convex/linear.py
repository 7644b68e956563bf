"""The parameters of a network without hidden layers: one weight matrix, and intercepts or none."""

from __future__ import annotations

from typing import NamedTuple

from skneural.arrays.matrices import FloatArray
from skneural.network import Network


class LinearArrays(NamedTuple):
    """The arrays of a linear model.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_outputs)
    intercepts : ndarray of shape (n_outputs,) or None
        None without intercepts.
    """

    weights: FloatArray
    intercepts: FloatArray | None


def linear_arrays(network: Network, vector: FloatArray) -> LinearArrays:
    """The arrays of a network without hidden layers: views of a vector of its parameters.

    Parameters
    ----------
    network : Network
    vector : ndarray of shape (n_params,)
        Parameters, a gradient, or a step.
    """
    n_weights = network.n_penalised
    weights = vector[:n_weights].reshape(-1, network.n_outputs)
    return LinearArrays(weights, vector[n_weights:] if network.n_params > n_weights else None)


def sum_to_zero(network: Network, vector: FloatArray) -> None:
    """Subtract from the parameters of every class of a softmax their mean over the classes.

    The loss is the same with and without, and the penalty is smaller without.
    """
    if network.n_outputs > 1:
        weights, intercepts = linear_arrays(network, vector)
        weights -= weights.mean(axis=1, keepdims=True)
        if intercepts is not None:
            intercepts -= intercepts.mean()
