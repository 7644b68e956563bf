"""`coefs_` and `intercepts_`: views of the one vector that holds all parameters."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from skneural._arrays import FloatArray
from skneural.activations import ACTIVATIONS, Activation
from skneural.estimators._layer_arrays import LayerArrays, assign_layers
from skneural.network import Network


class LayerAttributesMixin:
    """Keeps a network as plain data, and shows its layers as scikit-learn does.

    `_params`, `_layer_sizes` and `_hidden_activation` are all there is to a fitted network.
    The views are made when asked for, so that no copy or pickle can take them apart.
    """

    _params: FloatArray
    _layer_sizes: tuple[int, ...]
    _hidden_activation: str | Activation | tuple[str | Activation, ...]

    @property
    def coefs_(self) -> list[FloatArray]:
        """Weights of each layer, of shape (fan in, fan out): views of the model."""
        return self._arrays("coefs_", self._fitted_params("coefs_"))

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        self._assign("coefs_", values)

    @property
    def intercepts_(self) -> list[FloatArray]:
        """Intercepts of each layer, of shape (fan out,): views of the model."""
        return self._arrays("intercepts_", self._fitted_params("intercepts_"))

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        self._assign("intercepts_", values)

    def _fitted_params(self, name: str) -> FloatArray:
        if not hasattr(self, "_params"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: it is not fitted yet."
            )
        return self._params

    def _arrays(self, name: str, params: FloatArray) -> LayerArrays:
        part = 0 if name == "coefs_" else 1
        return LayerArrays(layer[part] for layer in self._network.layers(params))

    def _assign(self, name: str, values: Any) -> None:
        # A new vector: the old one may be a read-only memory map, or in use by a prediction.
        params = np.array(self._fitted_params(name))
        assign_layers(self._arrays(name, params), values, name)
        self._params = params

    @property
    def _network(self) -> Network:
        return _network(self._layer_sizes, self._hidden_activation)


@lru_cache(maxsize=128)
def _network(
    layer_sizes: tuple[int, ...], activation: str | Activation | tuple[str | Activation, ...]
) -> Network:
    # Describing a network again for every row of a web service would cost more than the row.
    if isinstance(activation, tuple):
        return Network(layer_sizes, tuple(_found(each) for each in activation))
    return Network(layer_sizes, _found(activation))


def _found(activation: str | Activation) -> Activation:
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def stacked_layers(coefs: Any, intercepts: Any, dtype: type | None) -> tuple[Any, FloatArray]:
    """Layer sizes and one vector from the weights and intercepts of a network.

    Parameters
    ----------
    coefs : sequence of array-like of shape (fan in, fan out)
    intercepts : sequence of array-like of shape (fan out,)
    dtype : type or None
        None for float32 where all arrays are, else float64.

    Returns
    -------
    layer_sizes : tuple of int
    params : ndarray of shape (n_params,)

    Raises
    ------
    ValueError
        If the layers do not fit onto each other, or are not finite numbers.
    """
    coefs, intercepts = [[np.asarray(array) for array in arrays] for arrays in (coefs, intercepts)]
    if not coefs or any(weights.ndim != 2 for weights in coefs):
        shapes = [weights.shape for weights in coefs]
        raise ValueError(
            f"coefs must hold one matrix of shape (fan in, fan out) for each layer: got {shapes}."
        )
    for i, (below, above) in enumerate(pairwise(coefs)):
        if below.shape[1] != above.shape[0]:
            raise ValueError(
                f"coefs[{i}] puts out {below.shape[1]} units, coefs[{i + 1}] reads "
                f"{above.shape[0]}: expected the same number."
            )
    if dtype is None:
        are_single = all(array.dtype == np.float32 for array in (*coefs, *intercepts))
        dtype = np.float32 if are_single else np.float64
    layer_sizes = (coefs[0].shape[0], *(weights.shape[1] for weights in coefs))
    network = _network(layer_sizes, ())
    params: FloatArray = np.empty(network.n_params, dtype=dtype)
    layers = network.layers(params)
    assign_layers([layer.weights for layer in layers], coefs, "coefs")
    assign_layers([layer.intercepts for layer in layers], intercepts, "intercepts")
    return layer_sizes, params
