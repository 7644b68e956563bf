r"""The network: a chain of layers, its forward and backward pass, and where its numbers lie.

A multilayer perceptron with layer sizes :math:`n_0, n_1, \ldots, n_L` maps a row :math:`x` to raw
outputs by

.. math::

    a_0 = x, \qquad z_i = a_{i-1} W_i + b_i, \qquad a_i = f_i(z_i) \quad (i < L),

and :math:`z_L` is the result: the output activation belongs to the loss. Every step of it is a
layer, `Dense` or `Activate`; the forward pass calls them one after another. With :math:`\delta_i`
the derivative of the loss with respect to :math:`z_i` ("in", for short), the chain rule gives

.. math::

    \frac{\partial}{\partial W_i} &= a_{i-1}^\top \delta_i, \qquad
    \frac{\partial}{\partial b_i} = \sum_{\text{rows}} \delta_i, \\
    \delta_{i-1} &= \delta_i W_i^\top \odot f_{i-1}'(z_{i-1}),

from the last layer to the first, which is backpropagation (D. E. Rumelhart, G. E. Hinton and R. J.
Williams, "Learning representations by back-propagating errors", Nature 323, 1986): every layer
turns the derivative in its output into that in its input, and on the way fills in those in its
parameters. `Dense.backward` computes the first two formulas and the product
:math:`\delta_i W_i^\top`, `Activate.backward` the factor :math:`f_{i-1}'`; `Network.backward` calls
them from the last layer to the first.

Memory layout
-------------
All parameters lie in one flat vector: the penalised ones of every layer first (weight matrices of
shape (fan in, fan out) in C order), then the others (intercepts). The arrays of the layers are
views of that vector. So an optimizer step is a handful of vector operations however deep the
network is, and the penalised part is one slice. Of K networks trained side by side, *members*, the
vectors are the rows of a matrix of shape (K, n_params).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from skneural.activations import GLOROT_FACTOR, Activation
from skneural.arrays.matrices import FloatArray, Matrix, is_sparse, row_chunks
from skneural.initialization import Initialization, WeightDraw
from skneural.kernels import compiled_prediction
from skneural.layers import Activate, Arrays, Dense, Dropout, Layer
from skneural.layers.contract import Parameter, check_chain, checked_parameters
from skneural.workspace import PredictionMemory, Workspace

#: Parameters from one place to another, and a factor other than 1 for them.
Factors = tuple[tuple[slice, float], ...]


class Network:
    """A chain of layers. It owns no arrays.

    Parameters
    ----------
    layers : sequence of Layer
        From the rows to the raw outputs.
    n_inputs : int
        Columns of the rows.
    check_input : bool, default=True
        Whether to look at the layers: False where they are known to fit each other.

    Attributes
    ----------
    n_outputs : int
        Columns of the raw outputs.
    n_params : int
        Length of the parameter vector.
    n_penalised : int
        Length of its first part, on which penalties and weight decay act.
    draws : bool
        Whether a layer draws at random in training.
    only_multiplies : bool
        Whether products, see `skneural.arrays.matrices.product`, are all that the network makes of
        its rows: the first layer is `Dense`, or one whose passes are those of `Dense`.
    rates, decays : tuple of (slice, float)
        Where factors of the learning rate, and of weight decay, are other than 1.

    Raises
    ------
    ValueError
        If there is no layer, or one does not fit the one before it: it reads another number of
        columns, or works in place where that has made no array of its own, and the rows of the user
        would be overwritten. Also for a factor of the learning rate that is not valid.
    TypeError
        If `parameters` of a layer returns something else than a tuple of `Parameter`.
    """

    def __init__(self, layers: Sequence[Layer], n_inputs: int, *, check_input: bool = True) -> None:
        self.layers = tuple(layers)
        self.n_inputs = n_inputs
        if not self.layers:
            raise ValueError("A network needs at least one layer.")
        if check_input:
            check_chain(self.layers, "network", n_inputs)
        self.n_outputs = self.layers[-1].n_outputs
        self.draws, self.widest = False, 0
        first = type(self.layers[0])
        self.only_multiplies = (first.forward, first.backward) == (Dense.forward, Dense.backward)
        self._places: list[list[tuple[slice, tuple[int, ...]]]] = []
        penalised: list[tuple[int, int, Parameter]] = []
        others: list[tuple[int, int, Parameter]] = []
        for i, layer in enumerate(self.layers):
            self.draws = self.draws or layer.draws
            self.widest = max(self.widest, layer.n_outputs, layer.widest_inside)
            parameters = checked_parameters(layer) if check_input else layer.parameters()
            self._places.append([(slice(0), ())] * len(parameters))
            for j, parameter in enumerate(parameters):
                (penalised if parameter.penalised else others).append((i, j, parameter))
        stop, self.n_penalised = 0, 0
        rates, decays = [], []
        for i, j, parameter in penalised + others:
            start, stop = stop, stop + math.prod(parameter.shape)
            place = slice(start, stop)
            self._places[i][j] = place, parameter.shape
            if parameter.penalised:
                self.n_penalised = stop
            if parameter.rate != 1:
                rates.append((place, parameter.rate))
            if parameter.penalised and parameter.decay != 1:
                decays.append((place, parameter.decay))
        self.n_params = stop
        self.rates: Factors = tuple(rates)
        self.decays: Factors = tuple(decays)

    def arrays(self, params: FloatArray) -> list[Arrays]:
        """The arrays of every layer: views of a vector of length `n_params`.

        Parameters
        ----------
        params : ndarray of shape (n_params,), or (K, n_params) for K members
            The vector, or one for each member.

        Returns
        -------
        list of tuple of ndarray
            In the shape of the parameters, or with an axis of length K before it.
        """
        members = params.shape[:-1]
        arrays: list[Arrays] = []
        for places in self._places:
            own: list[FloatArray] = []
            for place, shape in places:
                own.append(params[..., place].reshape((*members, *shape)))
            arrays.append(tuple(own))
        return arrays

    def initialize(
        self, params: FloatArray, rng: np.random.RandomState, X: Matrix | None = None
    ) -> None:
        """Fill a vector of parameters with what a training begins with, layer by layer.

        Parameters
        ----------
        params : ndarray of shape (n_params,)
            What to fill.
        rng : RandomState
            What the parameters are drawn from.
        X : {ndarray, sparse matrix} of shape (n_samples, n_features) or None, default=None
            The rows to train on, or a sample of them, for layers that look at data: see
            `skneural.initialization.row_sample`.

        Raises
        ------
        ValueError
            If a layer looks at data, and there are no rows, or if one leaves parameters unfilled.
        """
        arrays = self.arrays(params)
        below = _Below(self.layers, arrays, X)
        params.fill(np.nan)
        for i, layer in enumerate(self.layers):
            if not arrays[i]:
                continue
            layer.initialize(arrays[i], rng, partial(below.outputs, i))
            for array, parameter in zip(arrays[i], layer.parameters(), strict=True):
                if np.isnan(array).any():
                    raise ValueError(
                        f"{type(layer).__name__}.initialize, layer {i} of the network, has to fill "
                        f"the array of {parameter.name!r}, in place: some of it is NaN."
                    )

    def check_rows(self, X: Matrix, n_further: int = 0) -> None:
        """Refuse sparse rows where the first layer needs dense ones, and rows of other columns.

        The passes do not look: whoever has rows to pass on does so once.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_rows, n_features)
            The rows.
        n_further : int, default=0
            Columns that members have of their own.

        Raises
        ------
        TypeError
            If `X` is sparse and the first layer does not take that.
        ValueError
            If there are more or fewer columns than the network has inputs, or other than two axes.
        """
        if len(X.shape) != 2:
            raise ValueError(
                f"Rows must have two axes, got an array of shape {X.shape}. X.reshape(1, -1) makes "
                "one row of a vector; rows that members have of their own, each predicts by itself."
            )
        if X.shape[-1] + n_further != self.n_inputs:
            raise ValueError(
                f"The network has {self.n_inputs} inputs, and the rows have "
                f"{X.shape[-1] + n_further} columns."
            )
        if not self.layers[0].takes_sparse and is_sparse(X):
            raise TypeError(
                f"{type(self.layers[0]).__name__}, the first layer of the network, needs dense "
                "rows: X is sparse. X.toarray() makes it dense."
            )

    # ---------------------------------------------------------------- the two passes

    def forward(
        self,
        arrays: Sequence[Arrays],
        X: Matrix,
        workspace: Workspace,
        random: Sequence[np.random.Generator] | None = None,
    ) -> FloatArray:
        """Raw outputs of the rows of `X`.

        Parameters
        ----------
        arrays : list of tuple of ndarray
            See `arrays`.
        X : {ndarray, sparse matrix} of shape (n_rows, n_features), or (K, n_rows, n_features)
        workspace : Workspace
            For as many rows.
        random : sequence of Generator or None, default=None
            What layers such as `Dropout` draw from in training, one for each member; None in
            prediction.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), or (K, n_rows, n_outputs)
            A buffer of the workspace.
        """
        x = X
        inputs, buffers = workspace.inputs, workspace.buffers
        for i, layer in enumerate(self.layers):
            inputs[i] = x
            x = layer.forward(arrays[i], x, buffers[i], random)
        raw: FloatArray = x
        return raw

    def backward(
        self,
        arrays: Sequence[Arrays],
        gradients: Sequence[Arrays],
        workspace: Workspace,
        delta: FloatArray,
        needs_input: bool = False,
    ) -> FloatArray | None:
        """Fill `gradients` with the derivative of the loss in every parameter.

        Parameters
        ----------
        arrays, gradients : sequence of tuple of ndarray
            Parameters, and what to fill: views of two flat vectors.
        workspace : Workspace
            As the forward pass has left it. Its buffers are overwritten.
        delta : ndarray of the shape of the raw outputs
            Derivative of the loss in the raw outputs. Overwritten.
        needs_input : bool, default=False
            Whether the derivative in the rows is asked for.

        Returns
        -------
        ndarray of the shape of the rows, or None
            The derivative in the rows; None unless `needs_input`.
        """
        below: FloatArray | None = delta
        inputs, buffers = workspace.inputs, workspace.buffers
        for i in range(len(self.layers) - 1, -1, -1):
            if below is None:
                raise TypeError(
                    f"{type(self.layers[i + 1]).__name__}.backward, layer {i + 1} of the network, "
                    "must return the derivative in its input where needs_input is True, got None."
                )
            below = self.layers[i].backward(
                arrays[i], gradients[i], inputs[i], buffers[i], below, needs_input or i > 0
            )
        return below

    # ---------------------------------------------------------------- prediction

    def predict_raw(
        self, params: FloatArray, X: Matrix, memory: PredictionMemory | None = None
    ) -> FloatArray:
        """Raw outputs of shape (n_samples, n_outputs).

        Nothing but local arrays and `memory` is written to: without it, safe to call from several
        threads. The memory used beyond the result does not depend on the number of rows.

        Parameters
        ----------
        params : ndarray of shape (n_params,), or (K, n_params) for K members
            The parameters.
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            The rows.
        memory : PredictionMemory or None, default=None
            That of predictions before, of the same network and dtype and as many members; None
            allocates.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (K, n_samples, n_outputs)
            In the dtype of the parameters.
        """
        members = params.shape[:-1]
        raw: FloatArray = np.empty((*members, X.shape[0], self.n_outputs), dtype=params.dtype)
        for rows, chunk in self.raw_chunks(self.arrays(params), X, params.dtype, members, memory):
            raw[..., rows, :] = chunk
        return raw

    def raw_chunks(
        self,
        arrays: Sequence[Arrays],
        X: Matrix,
        dtype: npt.DTypeLike,
        members: tuple[int, ...] = (),
        memory: PredictionMemory | None = None,
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Raw outputs in runs of rows.

        Parameters
        ----------
        arrays : sequence of tuple of ndarray
            Of all layers, or of the first ones: what the last of these puts out is then the result.
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        dtype : dtype
            Of the parameters.
        members : tuple of int, default=()
            (K,) for K members.
        memory : PredictionMemory or None, default=None
            See `predict_raw`.

        Yields
        ------
        rows : slice
        raw : ndarray of shape (n_rows, n_outputs), or (K, n_rows, n_outputs)
            A buffer that the next run overwrites.
        """
        self.check_rows(X)
        if X.shape[0] == 1 and isinstance(X, np.ndarray):
            # Setting up buffers would take longer than the rest.
            x = X.astype(dtype, copy=False)
            for layer, own in zip(self.layers, arrays, strict=False):
                x = layer.forward(own, x)
            yield slice(0, 1), x
            return
        if memory is None:
            memory = PredictionMemory(self, dtype, members)
        n_members = math.prod(members)
        widths = [n_members * layer.n_outputs for layer in self.layers]
        work = X.shape[0] * sum(widths)
        for rows, chunk in row_chunks(X, (self.n_inputs, *widths), dtype):
            x = chunk
            of_layers = memory.rows(chunk.shape[0]).buffers
            with compiled_prediction(work):
                for layer, own, buffers in zip(self.layers, arrays, of_layers, strict=False):
                    x = layer.forward(own, x, buffers)
            yield rows, x


@dataclass
class _Below:
    """What each layer reads of some rows, while the layers are initialized one after another."""

    layers: Sequence[Layer]
    arrays: list[Arrays]
    x: Matrix | None
    n_passed: int = 0

    def outputs(self, i: int) -> Matrix:
        """The input of layer i. Layers below that of an earlier call are not asked again."""
        if self.x is None:
            raise ValueError(
                f"{type(self.layers[i]).__name__}, layer {i} of the network, looks at the rows to "
                "train on before it begins: pass them to `initialize`."
            )
        for j in range(self.n_passed, i):
            self.x = self.layers[j].forward(self.arrays[j], self.x)
            self.n_passed = j + 1
        return self.x


def dense_network(
    layer_sizes: Sequence[int],
    activations: Activation | Sequence[Activation],
    fit_intercept: bool = True,
    dropout: Sequence[float] = (),
    initialization: str | Initialization | None = None,
    *,
    check_input: bool = True,
) -> Network:
    """A multilayer perceptron: dense layers with activation functions, and dropout, between them.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units in each hidden layer, and of outputs.
    activations : Activation or sequence of Activation
        Activation function of the hidden layers: of all, or one for each.
    fit_intercept : bool, default=True
        Whether the layers have intercepts.
    dropout : sequence of float, default=()
        Rate of dropout of each hidden layer; empty for none.
    initialization : str, callable or None, default=None
        What the initial weights are drawn by, see `WeightDraw`; None for zeros. The factor of
        Glorot's rule is that of the activation function of the layer; of the last layer, which has
        none, that of the layer below.
    check_input : bool, default=True
        See `Network`.

    Returns
    -------
    Network
        Without parameters: these are in a vector of length `n_params`.

    Raises
    ------
    TypeError
        If something else than an `Activation` is to be an activation function.
    ValueError
        If there is not one activation function, or rate of dropout, for each hidden layer, or a
        layer of less than no units.
    """
    n_hidden = len(layer_sizes) - 2
    if isinstance(activations, Activation):
        # Counts without a hidden layer too, as in scikit-learn.
        functions = (activations,) * (n_hidden + 1)
    else:
        functions = (*activations, *activations[-1:])
        if 0 <= n_hidden != len(activations):
            raise ValueError(
                f"{n_hidden} hidden layer(s) need as many activation functions, or one for all; "
                f"got {len(activations)}."
            )
    if dropout and len(dropout) != n_hidden:
        raise ValueError(
            f"{n_hidden} hidden layer(s) need as many rates of dropout, or none; got "
            f"{len(dropout)}."
        )
    layers: list[Layer] = []
    for i in range(n_hidden + 1):
        fan_in, fan_out = layer_sizes[i], layer_sizes[i + 1]
        draw = None
        if initialization is not None:
            factor = functions[i].glorot_factor if functions else GLOROT_FACTOR
            draw = WeightDraw(initialization, factor)
        layers.append(Dense(fan_in, fan_out, fit_intercept, draw))
        if i < n_hidden:
            layers.append(Activate(functions[i], fan_out))
            if dropout and dropout[i]:
                layers.append(Dropout(dropout[i], fan_out))
    return Network(layers, layer_sizes[0], check_input=check_input)


def dense_arrays(network: Network, params: FloatArray) -> list[Arrays]:
    """(weights, intercepts) of the layers of a multilayer perceptron: views.

    Parameters
    ----------
    network : Network
        A multilayer perceptron, of which only dense layers have parameters.
    params : ndarray of shape (n_params,)
        Its parameters.

    Returns
    -------
    list of tuple of ndarray
        The arrays of each dense layer: the weights alone where it has no intercepts.
    """
    return [arrays for arrays in network.arrays(params) if arrays]
