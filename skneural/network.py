r"""The multilayer perceptron: forward pass, backward pass, and where its numbers lie.

A network with layer sizes :math:`n_0, n_1, \ldots, n_L` maps a row :math:`x` to raw
outputs by

.. math::

    a_0 = x, \qquad z_i = a_{i-1} W_i + b_i, \qquad a_i = f_i(z_i) \quad (i < L),

and :math:`z_L` is the result: the output activation belongs to the loss. With
:math:`\delta_i` the derivative of the loss in :math:`z_i`, the chain rule gives

.. math::

    \frac{\partial}{\partial W_i} = a_{i-1}^\top \delta_i, \qquad
    \frac{\partial}{\partial b_i} = \sum_{\text{rows}} \delta_i, \qquad
    \delta_{i-1} = \delta_i W_i^\top \odot f_{i-1}'(z_{i-1}),

which is backpropagation (D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning
representations by back-propagating errors", Nature 323, 1986).

Memory layout
-------------
All parameters lie in one flat vector: the weights of every layer first, each matrix of
shape (fan in, fan out) in C order, then the intercepts of every layer. Layers are views of
that vector. So an optimizer step is a handful of vector operations however deep the
network is, and the penalised part (the weights) is one slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skneural._arrays import (
    FloatArray,
    Matrix,
    product,
    row_chunks,
    spread,
    transposed_product,
)
from skneural.activations import Activation
from skneural.dropout import Dropout


class Layer(NamedTuple):
    """The parameters of one layer, or their gradient: views of a flat vector."""

    weights: FloatArray
    intercepts: FloatArray


@dataclass(frozen=True)
class Network:
    """The architecture of a multilayer perceptron. It owns no arrays.

    Parameters
    ----------
    layer_sizes : tuple of int
        Number of inputs, of units in each hidden layer, and of outputs.
    activation : Activation or tuple of Activation
        Activation function of the hidden layers: of all, or one for each.
    fit_intercept : bool, default=True
        Whether the layers have intercepts. Without, those of every layer are empty.
    """

    layer_sizes: tuple[int, ...]
    activation: Activation | tuple[Activation, ...]
    fit_intercept: bool = True

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation function of every hidden layer."""
        n_hidden = len(self.layer_sizes) - 2
        if isinstance(self.activation, tuple):
            return self.activation
        return (self.activation,) * n_hidden

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """(fan in, fan out) of every layer of weights."""
        return list(pairwise(self.layer_sizes))

    @cached_property
    def n_weights(self) -> int:
        """Length of the penalised part of the parameter vector."""
        return sum(fan_in * fan_out for fan_in, fan_out in self.shapes)

    @cached_property
    def n_params(self) -> int:
        """Length of the parameter vector."""
        return self.n_weights + sum(self.n_intercepts)

    @cached_property
    def n_intercepts(self) -> tuple[int, ...]:
        """Number of intercepts of every layer."""
        sizes = self.layer_sizes[1:]
        return sizes if self.fit_intercept else (0,) * len(sizes)

    def layers(self, vector: FloatArray) -> list[Layer]:
        """The layers of a flat vector of length `n_params`, as views."""
        return [
            Layer(vector[weights].reshape(shape), vector[intercepts])
            for weights, shape, intercepts in self._places
        ]

    @cached_property
    def _places(self) -> list[tuple[slice, tuple[int, int], slice]]:
        """Where the weights and intercepts of every layer lie, and the shape of the weights."""
        places = []
        start, first_intercept = 0, self.n_weights
        for (fan_in, fan_out), n in zip(self.shapes, self.n_intercepts, strict=True):
            weights = slice(start, start + fan_in * fan_out)
            intercepts = slice(first_intercept, first_intercept + n)
            places.append((weights, (fan_in, fan_out), intercepts))
            start, first_intercept = weights.stop, intercepts.stop
        return places

    def forward(
        self,
        layers: Sequence[Layer],
        X: Matrix,
        workspace: Workspace,
        dropout: Dropout | None = None,
    ) -> FloatArray:
        """Raw outputs of the rows of `X`, in the last buffer of the workspace."""
        a = X
        for i, (layer, z) in enumerate(zip(layers, workspace.outputs, strict=True)):
            workspace.inputs[i] = a
            product(a, layer.weights, out=z)
            if self.fit_intercept:
                z += spread(layer.intercepts, out=workspace.scratch[i])
            if i < len(layers) - 1:
                self.activations[i].forward(z, *workspace.activation_buffers[i])
                a = z if dropout is None else dropout.forward(i, z)
        return workspace.outputs[-1]

    def backward(
        self,
        layers: Sequence[Layer],
        gradients: Sequence[Layer],
        workspace: Workspace,
        dropout: Dropout | None = None,
    ) -> None:
        """Fill `gradients` with the derivative of the loss in every parameter.

        Parameters
        ----------
        layers, gradients : sequence of Layer
            Parameters, and what to fill: views of two flat vectors.
        workspace : Workspace
            As the forward pass left it, with the derivative of the loss in the raw outputs
            in its last delta. Its outputs are overwritten.
        dropout : Dropout or None, default=None
            As the forward pass left it.
        """
        for i in reversed(range(len(layers))):
            delta = workspace.deltas[i]
            transposed_product(workspace.inputs[i], delta, out=gradients[i].weights)
            if self.fit_intercept:
                # A product with ones is the sum over the rows, by BLAS.
                np.dot(workspace.ones, delta, out=gradients[i].intercepts)
            if i > 0:
                a, delta_below = workspace.outputs[i - 1], workspace.deltas[i - 1]
                np.dot(delta, layers[i].weights.T, out=delta_below)
                if dropout is not None:
                    dropout.backward(i - 1, delta_below)
                buffers = workspace.activation_buffers[i - 1]
                self.activations[i - 1].backward(delta_below, a, *buffers)

    def predict_raw(self, params: FloatArray, X: Matrix) -> FloatArray:
        """Raw outputs of shape (n_samples, n_outputs).

        Nothing but local arrays is written to: safe to call from several threads. The memory
        used beyond the result does not depend on the number of rows.
        """
        raw: FloatArray = np.empty((X.shape[0], self.layer_sizes[-1]), dtype=params.dtype)
        for rows, chunk in self.raw_chunks(params, X):
            raw[rows] = chunk
        return raw

    def raw_chunks(self, params: FloatArray, X: Matrix) -> Iterator[tuple[slice, FloatArray]]:
        """The same in runs of rows.

        Yields
        ------
        rows : slice
        raw : ndarray of shape (n_rows, n_outputs)
            A buffer that the next run overwrites.
        """
        if X.shape[0] == 1 and isinstance(X, np.ndarray):
            return iter([(slice(0, 1), self._raw_of_row(params, X[0])[np.newaxis])])
        return self._raw_in_chunks(self.layers(params), X)

    def hidden_chunks(
        self, params: FloatArray, X: Matrix, layer: int
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Outputs of a hidden layer in runs of rows. Nothing above that layer is computed.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        layer : int
            Which one, from 0 for the first.

        Yields
        ------
        rows : slice
        activations : ndarray of shape (n_rows, n_units)
            A buffer that the next run overwrites.
        """
        # Up to that layer it is a network by itself, whose raw outputs lack their activation.
        below = Network(self.layer_sizes[: layer + 2], self.activations[:layer], self.fit_intercept)
        activation = self.activations[layer]
        for rows, z in below._raw_in_chunks(self.layers(params)[: layer + 1], X):
            activation.forward(z, *_activation_buffers(activation, z.shape, z.dtype))
            yield rows, z

    def _raw_in_chunks(
        self, layers: Sequence[Layer], X: Matrix
    ) -> Iterator[tuple[slice, FloatArray]]:
        dtype = layers[0].weights.dtype
        workspace: Workspace | None = None
        for rows, chunk in row_chunks(X, self.layer_sizes, dtype):
            if workspace is None:  # the first chunk is the largest
                workspace = Workspace(self, chunk.shape[0], dtype)
            yield rows, self.forward(layers, chunk, workspace.rows(chunk.shape[0]))

    def _raw_of_row(self, params: FloatArray, x: FloatArray) -> FloatArray:
        """The forward pass of one row without buffers: they would take longer than the rest."""
        a = x.astype(params.dtype, copy=False)
        for i, (weights, shape, intercepts) in enumerate(self._places):
            if i > 0:
                activation, row = self.activations[i - 1], a[np.newaxis]
                activation.forward(row, *_activation_buffers(activation, row.shape, row.dtype))
            a = a.dot(params[weights].reshape(shape))
            if self.fit_intercept:
                a += params[intercepts]
        return a


class Workspace:
    """The buffers of passes over at most `n_rows` rows.

    It lives as long as one fit or one prediction and is never stored on an estimator.

    Attributes
    ----------
    outputs : list of ndarray of shape (n_rows, layer size)
        What each layer put out; the raw outputs last.
    inputs : list of {ndarray, sparse matrix} of shape (n_rows, fan in)
        What each layer read in the last forward pass: the rows, then outputs of the layer below.
    activation_buffers : list of tuple of ndarray of shape (n_rows, layer size)
        What the activation function of each hidden layer may write to, see `Activation`.
    scratch : list of ndarray of shape (n_rows, layer size)
    deltas : list of ndarray of shape (n_rows, layer size)
        Derivatives of the loss in the input of each layer's activation; those in the raw
        outputs last. They share the memory of `scratch`, which only the forward pass needs.
    column : ndarray of shape (n_rows, 1)
        Scratch for the loss.
    weight, spare : ndarray of shape (n_rows, n_outputs)
        The sample weights, spread over the outputs; scratch for the loss.
    ones : ndarray of shape (n_rows,)
    """

    def __init__(self, network: Network, n_rows: int, dtype: npt.DTypeLike) -> None:
        sizes = network.layer_sizes[1:]
        self.outputs: list[FloatArray] = [np.empty((n_rows, n), dtype=dtype) for n in sizes]
        self.inputs: list[Matrix] = [None] * len(sizes)
        self.activation_buffers: list[tuple[npt.NDArray[Any], ...]] = [
            _activation_buffers(activation, (n_rows, n), dtype)
            for activation, n in zip(network.activations, sizes[:-1], strict=True)
        ]
        self.scratch: list[FloatArray] = [np.empty_like(output) for output in self.outputs]
        self.deltas = self.scratch
        self.column: FloatArray = np.empty((n_rows, 1), dtype=dtype)
        self.weight: FloatArray = np.empty_like(self.outputs[-1])
        self.spare: FloatArray = np.empty_like(self.outputs[-1])
        self.ones: FloatArray = np.ones(n_rows, dtype=dtype)
        self._cut: dict[int, Workspace] = {n_rows: self}

    def rows(self, n_rows: int) -> Workspace:
        """The first `n_rows` rows of these buffers: views of the same memory."""
        if n_rows not in self._cut:
            cut = Workspace.__new__(Workspace)
            for name, value in vars(self).items():
                if name == "activation_buffers":
                    cut.activation_buffers = [
                        tuple(buffer[:n_rows] for buffer in buffers) for buffers in value
                    ]
                elif name == "inputs":
                    cut.inputs = [None] * len(value)
                elif isinstance(value, list):
                    setattr(cut, name, [buffer[:n_rows] for buffer in value])
                elif isinstance(value, np.ndarray):
                    setattr(cut, name, value[:n_rows])
            self._cut[n_rows] = cut
        return self._cut[n_rows]


def _activation_buffers(
    activation: Activation, shape: tuple[int, ...], dtype: npt.DTypeLike
) -> tuple[npt.NDArray[Any], ...]:
    """What an activation function may write to besides its input."""
    kept = (np.empty(shape, dtype=dtype) for _ in range(activation.n_kept))
    return (np.empty(shape, dtype=bool), *kept)
