"""Layers one after another, as a layer: what blocks and branches of a network are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.layers.contract import (
    Arrays,
    Buffers,
    Layer,
    Parameter,
    PassMemory,
    check_chain,
)


def numbered_parameters(layers: Sequence[Layer]) -> tuple[Parameter, ...]:
    """What layers inside a layer learn, one after another: names begin with their numbers."""
    return tuple(
        parameter._replace(name=f"{i}_{parameter.name}")
        for i, layer in enumerate(layers)
        for parameter in layer.parameters()
    )


def places_of_arrays(layers: Sequence[Layer]) -> list[slice]:
    """Where the arrays of every layer are among those of all."""
    ends = [0]
    for layer in layers:
        ends.append(ends[-1] + len(layer.parameters()))
    return [slice(*place) for place in pairwise(ends)]


class Chain(Layer):
    """Layers one after another, which another layer holds as one.

    A subclass can do something before or after them, such as add its input to what comes out. It
    then says of itself what is no longer so: whether it takes sparse rows, may pass its input on or
    keeps its output.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.
    n_inputs : int or None, default=None
        Number of columns that go in; None for what the first layer says.
    name : str, default='chain'
        What they are, for errors.

    Raises
    ------
    ValueError
        If a layer reads another number of columns than the one before it returns, or works in place
        where that one has made no array of its own.
    """

    def __init__(
        self, layers: Sequence[Layer], n_inputs: int | None = None, name: str = "chain"
    ) -> None:
        self.layers = tuple(layers)
        if n_inputs is None and self.layers:
            n_inputs = getattr(self.layers[0], "n_inputs", None)
        if n_inputs is not None:
            self.n_inputs = n_inputs
        self._name = name
        check_chain(self.layers, name, n_inputs)
        self.n_outputs = self.layers[-1].n_outputs if self.layers else self.n_inputs
        self.widest_inside = max(
            (max(layer.n_outputs, layer.widest_inside) for layer in self.layers), default=0
        )
        self.passes_input_on = all(layer.passes_input_on for layer in self.layers)
        self.keeps_output = _keep_output(self.layers)
        self.takes_sparse = bool(self.layers) and self.layers[0].takes_sparse
        self.draws = any(layer.draws for layer in self.layers)
        self._places = places_of_arrays(self.layers)

    def check_inputs(self, n_inputs: int) -> None:
        check_chain(self.layers, self._name, n_inputs)

    def parameters(self) -> tuple[Parameter, ...]:
        return numbered_parameters(self.layers)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        for layer, own in self._each(arrays):
            if own:
                layer.initialize(own, rng, inputs)
            inputs = partial(_passed_on, layer, own, inputs)

    def buffers(self, memory: PassMemory) -> Buffers:
        # What each layer has asked for, and what it reads in the forward pass.
        return [layer.buffers(memory) for layer in self.layers], [None] * len(self.layers)

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        of_layers, inputs = ([None] * len(self.layers), None) if buffers is None else buffers
        for i, (layer, own) in enumerate(self._each(arrays)):
            if inputs is not None:
                inputs[i] = x
            x = layer.forward(own, x, of_layers[i], random)
        output: Any = x
        return output  # type: ignore[no-any-return]

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        below: FloatArray | None = delta
        of_layers, inputs = buffers
        for i in range(len(self.layers) - 1, -1, -1):
            assert below is not None
            place = self._places[i]
            below = self.layers[i].backward(
                arrays[place],
                gradients[place],
                inputs[i],
                of_layers[i],
                below,
                needs_input or i > 0,
            )
        return below

    def _each(self, arrays: Arrays) -> Iterator[tuple[Layer, Arrays]]:
        """Every layer with its arrays."""
        for layer, place in zip(self.layers, self._places, strict=True):
            yield layer, arrays[place]


def _keep_output(layers: Sequence[Layer]) -> bool:
    """Whether what comes out of the last layer is read again, in whichever layer it was made."""
    for layer in reversed(layers):
        if layer.works_in_place or layer.keeps_output:
            return True
        if not layer.passes_input_on:
            break
    return False


def _passed_on(layer: Layer, arrays: Arrays, inputs: Callable[[], Matrix]) -> FloatArray:
    return layer.forward(arrays, inputs())
