"""The contract of a layer: what it learns, forward, backward, and the memory of a pass.

A layer holds settings and no arrays. The arrays of its parameters are views of one long vector
that belongs to the training (see `skneural.network`), and what it keeps between the forward and
the backward pass lies in buffers that belong to one fit or one prediction.

Members
-------
Several networks of the same layers, *members*, can be trained side by side. The arrays of a
layer then have one axis more, the first: a weight matrix of shape (K, fan in, fan out) for K
members. Rows are either shared by all members, of shape (n_rows, n_columns), or each member has
rows of its own, of shape (K, n_rows, n_columns). For a single network there is no such axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, Matrix

#: The arrays of the parameters of one layer, in the order of `Layer.parameters`.
Arrays: TypeAlias = tuple[FloatArray, ...]

#: What a layer has asked `PassMemory` for.
Buffers: TypeAlias = Any


class Draws(list[np.random.Generator]):
    """What layers draw from in training: a generator for each member.

    Parameters
    ----------
    iterable : iterable of Generator
        The generators, in the order of the members.

    Attributes
    ----------
    strength : float, default=1.0
        Factor of the rate of `Dropout`, from 0 to 1, which a schedule changes from step to step.
    """

    strength: float = 1.0


class Parameter(NamedTuple):
    """An array that a layer learns.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of a single network.
    penalised : bool, default=False
        Whether the penalty `alpha` (L2 and L1) and weight decay act on it.
    rate : float, default=1.0
        Factor of the learning rate. With 0 no step moves the array: it is what `initialize` or
        `forward` has filled it with, such as the means of the columns. `backward` may write zeros
        for it then. L-BFGS, which has no learning rate, follows a rate of 0 alone.
    decay : float, default=1.0
        Factor of the optimizer's decoupled weight decay of a penalised array, not of `alpha`.
        `rate` has no part in it, not even one of 0: a step takes away the learning rate times
        `weight_decay` times this.
    """

    name: str
    shape: tuple[int, ...]
    penalised: bool = False
    rate: float = 1.0
    decay: float = 1.0


class PassMemory:
    """Hands out the buffers of passes over a number of rows.

    The same requests in the same order get the same memory again for fewer rows, so that the
    last, smaller batch of an epoch needs none of its own.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    dtype : dtype
        Of the buffers.
    widest : int
        Columns of the widest output of a layer.
    members : tuple of int, default=()
        (K,) for K members side by side.
    owned : list of ndarray or None, default=None
        The memory of an earlier object for as many rows or more; None allocates.

    Attributes
    ----------
    ones : ndarray of shape (n_rows,)
        Ones, by which a product is a sum over the rows. Not to be written to.
    has_delta : bool
        Whether the layer whose turn it is has asked for a `delta`. Whoever asks the layers of a
        chain in turn sets it to False before each; layers inside of a layer do not, since only what
        the chain has between its layers is shared.
    """

    def __init__(
        self,
        n_rows: int,
        dtype: npt.DTypeLike,
        widest: int,
        members: tuple[int, ...] = (),
        owned: list[npt.NDArray[Any]] | None = None,
    ) -> None:
        self.n_rows = n_rows
        self.dtype = np.dtype(dtype)
        self.widest = widest
        self.members = members
        self._is_new = owned is None
        self.owned: list[npt.NDArray[Any]] = [] if owned is None else owned
        self._n_all_rows = math.prod(members) * n_rows
        self._n_requests = 0
        # The backward pass needs two derivatives at a time, and the forward pass none.
        self._shared = (self.kept(widest).reshape(-1), self.kept(widest).reshape(-1))
        self._n_deltas = 0
        self.has_delta = False
        self.ones: FloatArray = self.kept(1).reshape(-1)[:n_rows]
        self.ones[...] = 1

    def kept(self, n_columns: int, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
        """A buffer whose content stays from the forward to the backward pass.

        Parameters
        ----------
        n_columns : int
            Columns of the buffer.
        dtype : dtype or None, default=None
            None for that of the other buffers.

        Returns
        -------
        ndarray of shape (n_rows, n_columns) or (K, n_rows, n_columns)
            Not initialized.
        """
        n_elements = self._n_all_rows * n_columns
        if self._is_new:
            self.owned.append(np.empty(n_elements, self.dtype if dtype is None else dtype))
        memory = self.owned[self._n_requests]
        self._n_requests += 1
        return memory[:n_elements].reshape(*self.members, self.n_rows, n_columns)

    def scratch(self, n_columns: int) -> FloatArray:
        """A buffer for one forward pass of one layer: others overwrite it. As wide as an output.

        Parameters
        ----------
        n_columns : int
            Columns of the buffer.

        Returns
        -------
        ndarray of shape (n_rows, n_columns) or (K, n_rows, n_columns)
            Not initialized.

        Raises
        ------
        ValueError
            If it is wider than any output of a layer.
        """
        if n_columns > self.widest:
            raise ValueError(
                f"A layer asks for scratch of {n_columns} columns, and the widest output of a "
                f"layer has {self.widest}: kept({n_columns}) has memory of any width. A layer that "
                "holds others has to say how wide the widest of them is, by the attribute "
                "widest_inside."
            )
        memory = self._shared[0][: self._n_all_rows * n_columns]
        return memory.reshape(*self.members, self.n_rows, n_columns)

    def delta(self, n_columns: int) -> FloatArray | None:
        """A buffer for the derivative in the input of a layer, which the next one below reads.

        None if it is wider than any output of a layer: that is the derivative in the rows
        themselves, which no training needs. A layer that asks more than once, such as for layers
        inside of it, gets memory of its own from the second time on.

        Parameters
        ----------
        n_columns : int
            Columns of the buffer.

        Returns
        -------
        ndarray of shape (n_rows, n_columns) or (K, n_rows, n_columns), or None
            Not initialized.
        """
        if n_columns > self.widest:
            return None
        if self.has_delta:
            return self.kept(n_columns)
        self.has_delta = True
        self._n_deltas += 1
        memory = self._shared[self._n_deltas % 2][: self._n_all_rows * n_columns]
        return memory.reshape(*self.members, self.n_rows, n_columns)

    def spoil_shared(self) -> None:
        """Write NaN to what `scratch` and `delta` have handed out, as others may overwrite it."""
        for array in self._shared:
            array.fill(np.nan)


class Layer:
    """The contract. As it stands, a layer that learns nothing.

    A layer with parameters overrides `parameters` and `initialize`; every layer, `forward` and
    `backward`; one that needs memory between the two, `buffers`.

    Attributes
    ----------
    n_outputs : int
        Number of columns that `forward` returns.
    n_inputs : int, optional
        Number of columns that it reads. A layer that has this attribute is checked against the one
        before it when a network is made.
    widest_inside : int
        Columns of the widest output of a layer inside this one, where it has any.
    works_in_place : bool
        Whether `forward` overwrites its input. The layer before it has to make an array of its own
        then: neither the rows of the user nor what another layer has worked on in place are to be
        overwritten.
    passes_input_on : bool
        Whether `forward` may return its input as it is, as `Dropout` does in prediction.
    keeps_output : bool
        Whether `backward` reads what `forward` has returned, so that no layer may overwrite it. Of
        a layer that works in place this is taken for granted.
    takes_sparse : bool
        Whether the input may be a sparse matrix. That of the first layer may be one.
    draws : bool
        Whether `forward` does something else in training than in prediction, such as to draw at
        random, or to take means over the rows of a batch. Only then is it given generators.
    """

    n_outputs: int
    widest_inside: int = 0
    works_in_place: bool = False
    passes_input_on: bool = False
    keeps_output: bool = False
    takes_sparse: bool = False
    draws: bool = False

    def check_inputs(self, n_inputs: int) -> None:
        """Refuse a number of columns that the layer cannot read, beyond `n_inputs` of its own.

        Parameters
        ----------
        n_inputs : int
            Columns that it is given.
        """

    def parameters(self) -> tuple[Parameter, ...]:
        """What the layer learns.

        Returns
        -------
        tuple of Parameter
            In the order in which they come in the flat vector of all parameters.
        """
        return ()

    def initialize(
        self,
        arrays: Arrays,
        rng: np.random.RandomState,
        inputs: Callable[[], Matrix],
    ) -> None:
        """Fill the arrays of a single network with what a training begins with.

        Called only for a layer that has parameters.

        Parameters
        ----------
        arrays : tuple of ndarray
            What to fill.
        rng : RandomState
            What they are drawn from.
        inputs : callable
            ``inputs()`` gives what the layer reads of the rows to train on, computed by the layers
            below as they have been initialized. Only a layer that looks at data calls it. The array
            is not to be written to.
        """

    def buffers(self, memory: PassMemory) -> Buffers:
        """Ask for the memory of a pass; what is returned comes back in `forward` and `backward`.

        Parameters
        ----------
        memory : PassMemory
            What hands out the buffers.

        Returns
        -------
        object
            Whatever `forward` and `backward` want to have, such as a tuple of buffers.
        """
        return ()

    def forward(
        self,
        arrays: Arrays,
        x: Matrix,
        buffers: Buffers | None = None,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        """What the layer makes of rows.

        Parameters
        ----------
        arrays : tuple of ndarray
            The parameters.
        x : {ndarray, sparse matrix} of shape (n_rows, n_columns), or (K, n_rows, n_columns)
        buffers : object or None, default=None
            What `buffers` has returned; None to allocate, where the rows are so few that setting up
            buffers would take longer than the rest.
        random : sequence of Generator or None, default=None
            A generator for each member to draw from, in training: a list, or `Draws`. None in
            prediction, and for a layer without `draws`. What comes out for a row depends on this
            row alone then: predictions are made in runs of rows.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), or (K, n_rows, n_outputs)
            May be a buffer; `x` itself, or a view of it, only if the layer works in place or
            `passes_input_on`. The layer above may overwrite it, unless this one works in place or
            says `keeps_output`: `backward` must not rely on it otherwise.
        """
        raise NotImplementedError

    def backward(
        self,
        arrays: Arrays,
        gradients: Arrays,
        x: Matrix,
        buffers: Buffers,
        delta: FloatArray,
        needs_input: bool,
    ) -> FloatArray | None:
        """Fill the gradients of the parameters; return the derivative in the input.

        Parameters
        ----------
        arrays, gradients : tuple of ndarray
            Parameters, and what to fill.
        x : {ndarray, sparse matrix}
            The input of the last forward pass. Not to be written to, unless the layer works in
            place: it may be what the layer below has put out, or the rows of the user.
        buffers : object
            As the forward pass has left them. That may have been one without generators: a layer
            that does something else in training has to find here which it was.
        delta : ndarray of the shape of the output
            Derivative of the loss in the output. May be overwritten.
        needs_input : bool
            Whether the derivative in the input is asked for. The gradients always are.

        Returns
        -------
        ndarray of the shape of `x`, or None
            None if it is not asked for. May be `delta` itself.
        """
        raise NotImplementedError


def with_members(array: FloatArray, n_members: int) -> FloatArray:
    """Rows with an axis for members, as kernels want them: a view.

    Parameters
    ----------
    array : ndarray of shape (n_rows, n_columns) or (K, n_rows, n_columns)
        Without that axis those of a single network, or what all members share.
    n_members : int
        K; 1 for a single network.

    Returns
    -------
    ndarray of shape (K, n_rows, n_columns)
        Not to be written to where members share the rows.
    """
    if array.ndim == 3:
        return array
    view: FloatArray = array[np.newaxis]
    return view if n_members == 1 else np.broadcast_to(view, (n_members, *array.shape))


def check_chain(
    layers: Sequence[Layer], name: str, n_inputs: int | None = None, n_outputs: int | None = None
) -> None:
    """Refuse layers that do not fit each other, or would overwrite what is not theirs.

    Parameters
    ----------
    layers : sequence of Layer
        The first one reads the rows of the user.
    name : str
        What they are, for the message.
    n_inputs, n_outputs : int or None, default=None
        Columns of what goes in and comes out; None where that is not known.

    Raises
    ------
    ValueError
        If a layer reads another number of columns than the one before it returns, or works in place
        and the one before it does not make an array of its own.
    """
    is_own = False
    width, before = n_inputs, f"the {name}"
    for i, layer in enumerate(layers):
        here = f"{type(layer).__name__}, layer {i} of a {name},"
        reads = getattr(layer, "n_inputs", None)
        if reads is not None and width is not None and reads != width:
            gives = f"{before} has {width}" if i == 0 else f"{before} before it returns {width}"
            raise ValueError(f"{here} reads {reads} column(s), and {gives}.")
        if layer.works_in_place and not is_own:
            raise ValueError(
                f"{here} works in place: the layer before it must make an array of its own, or the "
                "rows of the user would be overwritten, or what a layer before needs for its "
                "gradient."
            )
        if layer.works_in_place or layer.keeps_output:
            is_own = False
        elif not layer.passes_input_on:
            is_own = True
        if width is not None:
            layer.check_inputs(width)
        width, before = layer.n_outputs, type(layer).__name__
    if n_outputs is not None and width is not None and width != n_outputs:
        raise ValueError(
            f"The {name} is to return {n_outputs} column(s), and {before} has {width}."
        )


def checked_parameters(layer: Layer) -> tuple[Parameter, ...]:
    """What a layer learns.

    Parameters
    ----------
    layer : Layer
        Whose `parameters` to ask for.

    Returns
    -------
    tuple of Parameter
        They.

    Raises
    ------
    TypeError
        If it names anything else than parameters with shapes.
    ValueError
        If a length, or a factor of the learning rate or of weight decay, is not valid, or if two
        parameters have one name.
    """
    parameters: Any = layer.parameters()
    where = f"{type(layer).__name__}.parameters()"
    names: set[str] = set()
    for each in [None] if isinstance(parameters, Parameter) else parameters:
        if not isinstance(each, Parameter):
            raise TypeError(f"{where} must return a tuple of Parameter, got {parameters!r}.")
        if not isinstance(each.shape, tuple):
            raise TypeError(
                f"{where}: the shape of {each.name!r} must be a tuple, such as (8,) for 8 numbers, "
                f"got {each.shape!r}."
            )
        if min(each.shape, default=0) < 0:
            raise ValueError(
                f"{where}: the shape of {each.name!r} must be whole numbers from 0 on, got "
                f"{each.shape!r}."
            )
        if each.name in names:
            raise ValueError(f"{where} has several parameters of the name {each.name!r}.")
        names.add(each.name)
        for name, factor in (("rate", each.rate), ("decay", each.decay)):
            if not 0 <= factor < math.inf:
                raise ValueError(
                    f"{where}: the {name} of {each.name!r} must be a number from 0 on, got "
                    f"{factor!r}."
                )
    checked: tuple[Parameter, ...] = tuple(parameters)
    return checked
