"""The same training in torch: eager, on the CPU, as its users write it.

Weights, order of the rows and settings are those of `ScratchMLPClassifier`, so that both walk
the same way.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from skneural.activations import ACTIVATIONS
from skneural.network import dense_arrays, dense_network


def network_and_generator(n_features, hidden, n_outputs, dtype, seed=0):
    """The initial network of our estimator, and the generator that goes on to shuffle."""
    relu = ACTIVATIONS["relu"]
    layer_sizes = (n_features, *hidden, n_outputs)
    network = dense_network(layer_sizes, relu, initialization="glorot_uniform")
    generator = np.random.RandomState(seed)
    params = np.empty(network.n_params, dtype)
    network.initialize(params, generator)
    modules = []
    for weights, intercepts in dense_arrays(network, params):
        linear = nn.Linear(*weights.shape, dtype=torch.from_numpy(weights).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T))
            linear.bias.copy_(torch.from_numpy(intercepts))
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1]), generator


def optimizer_for(model, solver, alpha, batch_size):
    """Adam or SGD in one fused step; only the weights are penalised."""
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    groups = [
        {"params": weights, "weight_decay": alpha / batch_size},
        {"params": biases, "weight_decay": 0.0},
    ]
    if solver == "adam":
        return torch.optim.Adam(groups, lr=1e-3, fused=True)
    return torch.optim.SGD(groups, lr=1e-3, momentum=0.9, nesterov=True, fused=True)


def train(X, y, hidden, *, solver, batch_size, max_iter, alpha, n_threads):
    """Train on arrays; return the mean loss of every epoch, without the penalty."""
    torch.set_num_threads(n_threads)
    n_outputs = 1 if y.max() == 1 else y.max() + 1
    model, generator = network_and_generator(X.shape[1], hidden, n_outputs, X.dtype)
    optimizer = optimizer_for(model, solver, alpha, batch_size)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    if n_outputs == 1:
        y = y.to(X.dtype)
    rows = np.arange(len(X))
    curve = []
    for _ in range(max_iter):
        rows = rows[generator.permutation(len(rows))]
        order = torch.from_numpy(rows)
        total = torch.zeros((), dtype=X.dtype)
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            targets = y[batch]
            raw = model(X[batch])
            if n_outputs == 1:
                loss = functional.binary_cross_entropy_with_logits(raw[:, 0], targets)
            else:
                loss = functional.cross_entropy(raw, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        curve.append(total.item() / len(rows))
    return curve
