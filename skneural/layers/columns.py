"""Input in parts: branches of layers, each for some of the columns, joined side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.layers.chain import Chain, numbered_parameters, places_of_arrays
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
    columns : slice, sequence of int, or sequence of bool
        Which columns of the input: their numbers, or whether each is one. A slice is the fast way:
        sequences copy the columns in every pass.
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
    TypeError
        If the columns of a branch are neither a slice, nor whole numbers, nor a mask.
    ValueError
        If a layer of a branch works in place where the one before it has made no array of its own.
        When a network is made of it, also if a layer reads another number of columns than it is
        given, or `n_outputs` of a branch is not what comes out of it.
    """

    def __init__(self, branches: Sequence[tuple[Any, Sequence[Layer], int]]) -> None:
        self.branches = [Branch(*branch) for branch in branches]
        self._columns = [_numbers(branch.columns) for branch in self.branches]
        self.n_outputs = sum(branch.n_outputs for branch in self.branches)
        self._chains = [
            Chain(branch.layers, None if branch.layers else branch.n_outputs, "branch")
            for branch in self.branches
        ]
        self._places = places_of_arrays(self._chains)
        self.draws = any(chain.draws for chain in self._chains)
        self.widest_inside = max((chain.widest_inside for chain in self._chains), default=0)

    def check_inputs(self, n_inputs: int) -> None:
        for branch in self.branches:
            try:
                of = branch.columns if isinstance(branch.columns, slice) else list(branch.columns)
                n_columns = np.arange(n_inputs)[of].size
            except IndexError as error:
                raise ValueError(
                    f"Columns: a branch reads the columns {branch.columns!r} of {n_inputs} "
                    f"({error})."
                ) from None
            check_chain(branch.layers, "branch", n_columns, branch.n_outputs)

    def parameters(self) -> tuple[Parameter, ...]:
        return numbered_parameters(self._chains)

    def initialize(
        self, arrays: Arrays, rng: np.random.RandomState, inputs: Callable[[], Matrix]
    ) -> None:
        for i in range(len(self.branches)):
            self._chains[i].initialize(
                arrays[self._places[i]], rng, _part_of(inputs, self._columns[i])
            )

    def buffers(self, memory: PassMemory) -> Buffers:
        of_branches = [chain.buffers(memory) for chain in self._chains]
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
        for i, columns in enumerate(self._columns):
            own, of_branch = arrays[self._places[i]], None if buffers is None else buffers[1][i]
            outputs.append(self._chains[i].forward(own, x[..., columns], of_branch, random))
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
        for i, columns in enumerate(self._columns):
            place, (_, of_branches, deltas) = self._places[i], buffers
            # The chain has kept what its first layer has read.
            part = self._chains[i].backward(
                arrays[place], gradients[place], x, of_branches[i], deltas[i], needs_input
            )
            if below is not None and part is not None:
                _add_to_columns(below, columns, part)
        return below


def _numbers(columns: Any) -> slice | list[int]:
    """A slice as it is, or the numbers of columns."""
    if isinstance(columns, slice):
        return columns
    indices = np.array(columns, dtype=None if np.size(columns) else np.intp)
    if indices.ndim != 1 or indices.dtype.kind not in "biu":
        raise TypeError(
            "Columns: a branch reads the columns of a slice, of a sequence of numbers or of a "
            f"mask, got {columns!r}."
        )
    if indices.dtype == bool:
        indices = np.flatnonzero(indices)
    numbers: list[int] = indices.tolist()
    return numbers


def _add_to_columns(matrix: FloatArray, columns: Any, part: FloatArray) -> None:
    if isinstance(columns, slice):
        matrix[..., columns] += part
    else:
        # One at a time: a column may be named twice.
        for j, column in enumerate(columns):
            matrix[..., column] += part[..., j]


def _part_of(inputs: Callable[[], Matrix], columns: slice | list[int]) -> Callable[[], Matrix]:
    return lambda: inputs()[..., columns]
