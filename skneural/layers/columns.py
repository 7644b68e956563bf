"""Input in parts: branches of layers, each for some of the columns, joined side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

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


class Branch(NamedTuple):
    """Some of the columns, and the layers that read them.

    Attributes
    ----------
    columns : slice or sequence of int
        Which columns of the input. A slice is the fast way: a list copies them in every pass.
    layers : sequence of Layer
        Without layers the columns are passed on as they are.
    n_outputs : int
        Number of columns that come out.
    """

    columns: Any
    layers: Sequence[Layer]
    n_outputs: int


class Columns(Layer):
    """Splits rows into branches and joins what the branches make of them.

    X is one floating point matrix. Integer codes are floats in it, exact up to 2**24 in float32.

    Parameters
    ----------
    branches : sequence of (columns, layers, n_outputs)
        See `Branch`. The outputs are joined in this order.

    Raises
    ------
    ValueError
        If a layer of a branch works in place where the one before it has made no array of its own.
        When a network is made of it, also if a layer reads another number of columns than it is
        given, or `n_outputs` of a branch is not what comes out of it.
    """

    def __init__(self, branches: Sequence[tuple[Any, Sequence[Layer], int]]) -> None:
        self.branches = [Branch(*branch) for branch in branches]
        self.n_outputs = sum(branch.n_outputs for branch in self.branches)
        for branch in self.branches:
            check_chain(branch.layers, "branch")
        # The places of the arrays of every layer among those of all.
        self._places: list[list[slice]] = []
        stop = 0
        for branch in self.branches:
            starts = [stop]
            starts += [stop := stop + len(layer.parameters()) for layer in branch.layers]
            self._places.append([slice(*ends) for ends in pairwise(starts)])
        inside = [layer for branch in self.branches for layer in branch.layers]
        self.draws = any(layer.draws for layer in inside)
        self.widest_inside = max(
            (max(layer.n_outputs, layer.widest_inside) for layer in inside), default=0
        )

    def check_inputs(self, n_inputs: int) -> None:
        for branch in self.branches:
            try:
                n_columns = np.arange(n_inputs)[branch.columns].size
            except IndexError as error:
                raise ValueError(
                    f"Columns: a branch reads the columns {branch.columns!r} of {n_inputs} "
                    f"({error})."
                ) from None
            check_chain(branch.layers, "branch", n_columns, branch.n_outputs)

    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(
            parameter._replace(name=f"{i}_{j}_{parameter.name}")
            for i, branch in enumerate(self.branches)
            for j, layer in enumerate(branch.layers)
            for parameter in layer.parameters()
        )

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        for branch, of_layers in self._split(arrays):
            below = _part_of(inputs, branch)
            for layer, own in zip(branch.layers, of_layers, strict=True):
                if own:
                    layer.initialize(own, rng, below)
                below = _output_of(layer, own, below)

    def buffers(self, memory: PassMemory) -> Buffers:
        of_branches = [
            ([layer.buffers(memory) for layer in branch.layers], [None] * len(branch.layers))
            for branch in self.branches
        ]
        deltas = [memory.kept(branch.n_outputs) for branch in self.branches]
        return memory.kept(self.n_outputs), of_branches, deltas

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        outputs: list[FloatArray] = []
        for i, (branch, of_layers) in enumerate(self._split(arrays)):
            part = x[..., branch.columns]
            for j, (layer, own) in enumerate(zip(branch.layers, of_layers, strict=True)):
                own_buffers = None
                if buffers is not None:
                    own_buffers, inputs = buffers[1][i][0][j], buffers[1][i][1]
                    inputs[j] = part
                part = layer.forward(own, part, own_buffers, random)
            outputs.append(part)
        joined: FloatArray | None = None if buffers is None else buffers[0]
        largest = max(outputs, key=np.ndim) if joined is None else joined
        if any(output.ndim < largest.ndim for output in outputs):
            # Members share the rows of a branch that learns nothing.
            members = largest.shape[:1]
            outputs = [np.broadcast_to(each, (*members, *each.shape[-2:])) for each in outputs]
        return np.concatenate(outputs, axis=-1, out=joined)

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        below = None
        if needs_input:
            below = np.zeros((*delta.shape[:-1], x.shape[-1]), dtype=delta.dtype)
        # All at once: the layers of a branch may overwrite the memory of `delta`.
        start = 0
        for own in buffers[2]:
            np.copyto(own, delta[..., start : start + own.shape[-1]])
            start += own.shape[-1]
        split_gradients = list(self._split(gradients))
        for i, (branch, of_layers) in enumerate(self._split(arrays)):
            part: FloatArray | None = buffers[2][i]
            for j in reversed(range(len(branch.layers))):
                assert part is not None
                part = branch.layers[j].backward(
                    of_layers[j],
                    split_gradients[i][1][j],
                    buffers[1][i][1][j],
                    buffers[1][i][0][j],
                    part,
                    needs_input or j > 0,
                )
            if below is not None and part is not None:
                _add_to_columns(below, branch.columns, part)
        return below

    def _split(self, arrays: Arrays) -> Iterator[tuple[Branch, list[Arrays]]]:
        """The arrays of every branch, layer by layer."""
        for branch, places in zip(self.branches, self._places, strict=True):
            yield branch, [arrays[place] for place in places]


def _add_to_columns(matrix: FloatArray, columns: Any, part: FloatArray) -> None:
    if isinstance(columns, slice):
        matrix[..., columns] += part
    else:
        # One at a time: a column may be named twice.
        for j, column in enumerate(columns):
            matrix[..., column] += part[..., j]


def _part_of(inputs: Callable[[], Matrix], branch: Branch) -> Callable[[], Matrix]:
    return lambda: inputs()[..., branch.columns]


def _output_of(layer: Layer, arrays: Arrays, inputs: Callable[[], Matrix]) -> Callable[[], Matrix]:
    return lambda: layer.forward(arrays, np.array(inputs()))
