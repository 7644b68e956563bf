"""`coefs_` and `intercepts_`: views of the one vector that holds all parameters."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from skneural._arrays import FloatArray
from skneural.activations import ACTIVATIONS
from skneural.network import LayerArrays, Network, assign_layers


class LayerAttributesMixin:
    """Keeps a network as plain data, and shows its layers as scikit-learn does.

    `_params`, `_layer_sizes` and `_hidden_activation` are all there is to a fitted network.
    The views are made when asked for, so that no copy or pickle can take them apart.
    """

    _params: FloatArray
    _layer_sizes: tuple[int, ...]
    _hidden_activation: str

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


@cache
def _network(layer_sizes: tuple[int, ...], activation: str) -> Network:
    # Describing a network again for every row of a web service would cost more than the row.
    return Network(layer_sizes, ACTIVATIONS[activation])
