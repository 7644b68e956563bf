"""Where the time of one batch goes, in shares of the whole.

    python benchmarks/anatomy.py

"Products" are the bare matrix products, timed by themselves between the batches; "forward" and
"backward" are what these passes take beyond their products. What is left to a perfect optimisation
of everything but BLAS is one over the share of the products.
"""

from __future__ import annotations

import time
from itertools import pairwise, product

import numpy as np
from _pairs import environment, installed, markdown_table
from _products import backward_products, forward_products

from skneural import set_compiled
from skneural.activations import ACTIVATIONS
from skneural.arrays.batches import Batches
from skneural.arrays.threads import blas_threads, largest_product
from skneural.kernels import compiled_kernels
from skneural.losses import LOSSES, LossBuffers
from skneural.network import dense_arrays, dense_network
from skneural.objective import Objective
from skneural.optimizers import Adam
from skneural.workspace import Workspace

CASES = [
    ("digits", (1797, 64, 100, 10), 200),
    ("digits", (1797, 64, 100, 10), 32),
    ("10,000 x 20", (10_000, 20, 64, 64, 1), 32),
    ("10,000 x 784", (10_000, 784, 100, 10), 32),
    ("10,000 x 784", (10_000, 784, 256, 256, 10), 200),
    ("10,000 x 784", (10_000, 784, 512, 512, 512, 10), 32),
]
PARTS = ("gather", "forward", "loss", "backward", "penalty", "step")
ENOUGH_BATCHES = 400


def problem(n_rows, layer_sizes, dtype):
    random = np.random.RandomState(0)
    X = random.standard_normal((n_rows, layer_sizes[0])).astype(dtype)
    classes = random.randint(max(layer_sizes[-1], 2), size=n_rows)
    y = classes[:, np.newaxis] == np.arange(1, 1 + layer_sizes[-1])
    return X, y


def medians(n_rows, layer_sizes, batch_size, dtype):
    """Microseconds of every part of a batch, and of the products in the two passes."""
    X, y = problem(n_rows, layer_sizes, dtype)
    network = relu_network(layer_sizes)
    order = np.random.RandomState(0).permutation(n_rows)
    order = np.resize(order[: n_rows // batch_size * batch_size], ENOUGH_BATCHES * batch_size)
    batches = Batches(X, y, None, batch_size).iter_batches(order)
    step = steps_of_a_batch(network, batch_size, dtype)
    seconds = []
    largest = largest_product(batch_size, pairwise(layer_sizes))
    with blas_threads(largest), compiled_kernels(0):
        for _ in range(ENOUGH_BATCHES):
            times = [time.perf_counter()]
            batch = next(batches)
            times.append(time.perf_counter())
            for part in step:
                part(batch)
                times.append(time.perf_counter())
            seconds.append(np.diff(times))
    parts = np.median(seconds, axis=0)
    # Small batches are gathered several at a time: most of them wait for nothing.
    parts[0] = np.mean(seconds, axis=0)[0]
    return 1e6 * parts


def relu_network(layer_sizes):
    relu = ACTIVATIONS["relu"]
    return dense_network(layer_sizes, relu, initialization="glorot_uniform")


def steps_of_a_batch(network, batch_size, dtype):
    """Functions of a gathered batch: its parts in order, then the products by themselves."""
    loss = LOSSES["log_loss", "logistic" if network.n_outputs == 1 else "softmax"]
    objective = Objective(network, loss, 1e-4, batch_size, dtype=dtype)
    params = np.empty(network.n_params, dtype)
    network.initialize(params, np.random.RandomState(0))
    optimizer = Adam()
    state = optimizer.init_state(len(params), dtype)
    arrays, gradients = network.arrays(params), network.arrays(objective.gradient)
    workspace = Workspace(network, batch_size, dtype)
    buffers = LossBuffers(workspace.delta, workspace.column, workspace.spare)
    raw = None

    def forward(batch):
        nonlocal raw
        raw = network.forward(arrays, batch[0], workspace)

    def value_and_gradient(batch):
        loss.value_and_gradient(raw, batch[1], buffers)
        workspace.delta[...] *= 1 / batch_size

    # The products write to arrays of their own.
    weights = [layer[0] for layer in dense_arrays(network, params)]
    of_weights = [W.copy() for W in weights]
    outputs = [np.zeros((batch_size, W.shape[1]), dtype) for W in weights]
    deltas = [z.copy() for z in outputs]
    return [
        forward,
        value_and_gradient,
        lambda batch: network.backward(arrays, gradients, workspace, workspace.delta),
        lambda batch: objective._add_penalty(params, objective.gradient, 1 / batch_size),
        lambda batch: optimizer.step(params, objective.gradient, 1e-3, state),
        lambda batch: forward_products(batch[0], weights, outputs),
        lambda batch: backward_products(batch[0], weights, outputs, deltas, of_weights),
    ]


def main():
    rows = []
    modes = ("NumPy", "compiled") if installed("numba") else ("NumPy",)
    for data, (n_rows, *layer_sizes), batch_size in CASES:
        for dtype, mode in product(("float64", "float32"), modes):
            set_compiled(mode == "compiled")
            found = medians(n_rows, tuple(layer_sizes), batch_size, np.dtype(dtype))
            parts, (forward, backward) = dict(zip(PARTS, found, strict=False)), found[-2:]
            total = sum(parts.values())
            parts["forward"] -= forward
            parts["backward"] -= backward
            shares = [forward + backward, *parts.values()]
            hidden = ", ".join(map(str, layer_sizes[1:-1]))
            rows.append([data, hidden, str(batch_size), dtype, mode])
            rows[-1] += [f"{share / total:.0%}" for share in shares]
    print(environment() + f"; Adam, medians of {ENOUGH_BATCHES} batches\n")
    header = ["data", "hidden", "batch", "dtype", "mode", "products", *PARTS]
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
