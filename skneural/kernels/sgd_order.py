"""The order of rows in stochastic gradient descent."""

from __future__ import annotations

from skneural.arrays.matrices import IndexArray


def shuffle(order: IndexArray, seed: int) -> None:
    """See `skneural.estimators.perceptron.sgd_order.shuffle`."""
    state, n_rows = seed, len(order)
    for place in range(n_rows - 1):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        partner = place + (state & 0x7FFFFFFF) % (n_rows - place)
        row = order[place]
        order[place] = order[partner]
        order[partner] = row
