"""The arrays of a fitted network as a list, whose elements can be written but not removed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from skneural.activations import ACTIVATIONS
from skneural.arrays.matrices import FloatArray, as_shape_of
from skneural.network import dense_arrays, dense_network


class LayerArrays(list[Any]):
    """The arrays of a fitted network, one per layer: a list of views that cannot come loose.

    Writing into an element changes the network, and so does assigning to an element: the
    values are copied in. Whatever would change the number of layers raises TypeError.
    Copies and pickles are plain lists.

    Parameters
    ----------
    arrays : iterable of ndarray
    name : str
        What the list is called in errors.
    """

    def __init__(self, arrays: Iterable[FloatArray], name: str) -> None:
        super().__init__(arrays)
        self._name = name

    def __setitem__(self, index: Any, value: Any) -> None:
        layers = range(len(self))[index]
        if isinstance(layers, range):
            values = list(value)
            if len(layers) != len(values):
                self._refuse()
        else:
            layers, values = [layers], [value]
        arrays = [
            as_shape_of(self[i], new, f"{self._name}[{i}]")
            for i, new in zip(layers, values, strict=True)
        ]
        for i, array in zip(layers, arrays, strict=True):
            self[i][...] = array

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"The network has {len(self)} layers of weights: their number cannot change. "
            "Assign to an element to replace a layer's values, or work on list(...)."
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


def assign_layers(targets: Iterable[FloatArray], values: Iterable[Any], name: str) -> None:
    """Copy `values` into `targets`, one array a layer, all or nothing."""
    targets, values = list(targets), list(values)
    if len(targets) != len(values):
        raise ValueError(
            f"{name} must hold one array per layer: expected {len(targets)}, got {len(values)}."
        )
    LayerArrays(targets, name)[:] = values


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
    network = dense_network(layer_sizes, (ACTIVATIONS["identity"],) * (len(coefs) - 1))
    params: FloatArray = np.empty(network.n_params, dtype=dtype)
    layers = dense_arrays(network, params)
    assign_layers([arrays[0] for arrays in layers], coefs, "coefs")
    assign_layers([arrays[1] for arrays in layers], intercepts, "intercepts")
    return layer_sizes, params
