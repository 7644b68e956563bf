r"""The derivative of what a network predicts in each feature of each row.

By the chain rule it is

.. math:: \frac{\partial p_k}{\partial x} = \sum_j \frac{\partial p_k}{\partial z_j}
          \frac{\partial z_j}{\partial x},

for an output :math:`p_k` that is a function of the raw outputs :math:`z`. Backpropagation that
begins with the first factor goes on to the input as it does to the weights.
"""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, Matrix, row_chunks
from skneural.estimators.model import Model
from skneural.estimators.target_contract import ClassTargets
from skneural.estimators.targets import Numbers
from skneural.losses import Link, Loss
from skneural.workspace import Workspace

#: Step of central differences where a link has no `backward`, times the size of z.
STEP = 1e-5


def input_gradients(model: Model, X: Matrix, of: str, output: Any, choices: tuple[str, ...]) -> Any:
    """Derivatives of predictions in the features.

    Parameters
    ----------
    model : Model
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Validated.
    of : str
        One of `choices`.
    output : int or None
        Which output; None for all.
    choices : tuple of str

    Returns
    -------
    gradients : ndarray of shape (n_samples, n_outputs, n_features) or (n_samples, n_features)
    """
    if of not in choices:
        raise ValueError(f"of must be one of {', '.join(map(repr, choices))}: got {of!r}.")
    model = model.dense()
    n_outputs = _n_outputs(model, of)
    chosen = range(n_outputs) if output is None else [_number(output, n_outputs)]
    network, dtype = model.network, model.dtype
    result: FloatArray = np.empty((X.shape[0], len(chosen), model.n_features), dtype=dtype)
    scratch = network.arrays(np.empty_like(model.params))
    sizes = (model.n_features, *model.layer_sizes)
    workspace: Workspace | None = None
    # A chunk is dense in the end, whatever the rows are.
    for rows, chunk in row_chunks(X, sizes, dtype, as_dense=True):
        if workspace is None:  # the first chunk is the largest
            workspace = Workspace(network, chunk.shape[0], dtype)
        buffers = workspace.rows(chunk.shape[0])
        raw = network.forward(model.arrays, chunk, buffers).copy()
        kept = buffers.content()
        for i, k in enumerate(chosen):
            if i > 0:
                # The backward pass overwrites what it reads.
                buffers.set_content(kept)
            buffers.delta[...] = _derivative(model, of, raw, k)
            result[rows, i] = network.backward(
                model.arrays, scratch, buffers, buffers.delta, needs_input=True
            )
    return result if output is None else result[:, 0]


def _number(output: Any, n_outputs: int) -> int:
    number = index(output)
    if not -n_outputs <= number < n_outputs:
        raise IndexError(
            f"output={number} is none of the {n_outputs} outputs: it has to be from {-n_outputs} "
            f"to {n_outputs - 1}, or None for all."
        )
    return number % n_outputs


def _n_outputs(model: Model, of: str) -> int:
    """Columns of what is differentiated."""
    targets = model.targets
    if of == "predict_proba" and isinstance(targets, ClassTargets):
        return targets.n_probabilities
    if of == "predict":
        zeros: FloatArray = np.zeros((2, model.layer_sizes[-1]), dtype=model.dtype)
        return int(targets.decode(zeros).shape[1])
    return model.layer_sizes[-1]


def _derivative(model: Model, of: str, raw: FloatArray, k: int) -> FloatArray:
    """Derivative of output k in the raw outputs, for every row."""
    targets = model.targets
    if of in ("decision_function", "raw_outputs"):
        return _one_hot(raw, k)
    if isinstance(targets, ClassTargets):
        if targets.is_binary:  # one raw output, whose link gives the second probability of two
            derivative = _through(targets.link, raw, 0)
            return derivative if k == 1 else -derivative
        return _through(targets.link, raw, k)
    assert isinstance(targets, Numbers)
    if type(targets.loss).predict is Loss.predict and targets.link.backward is not None:
        return _through(targets.link, raw, k)
    return _numerical(model, raw, k)


def _one_hot(raw: FloatArray, k: int) -> FloatArray:
    derivative = np.zeros_like(raw)
    derivative[:, k] = 1
    return derivative


def _through(link: Link, raw: FloatArray, k: int) -> FloatArray:
    """Derivative of prediction k."""
    derivative = _one_hot(raw, k)
    assert link.backward is not None
    link.backward(derivative, raw.copy())
    return derivative


def _numerical(model: Model, raw: FloatArray, k: int) -> FloatArray:
    """By central differences, in float64: what a user's loss predicts may be any function."""
    derivative = np.empty_like(raw)
    z = raw.astype(np.float64)
    for j in range(raw.shape[1]):
        step = STEP * np.maximum(1, np.abs(z[:, j]))
        above, below = z.copy(), z.copy()
        above[:, j] += step
        below[:, j] -= step
        rise = model.targets.decode(above)[:, k] - model.targets.decode(below)[:, k]
        derivative[:, j] = rise / (2 * step)
    return derivative
