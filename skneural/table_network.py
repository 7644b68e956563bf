"""The network for tables of RealMLP, made of the layers of `skneural.layers`."""

from __future__ import annotations

from collections.abc import Sequence

from skneural.activations import Activation
from skneural.layers import (
    Activate,
    Columns,
    Dropout,
    Layer,
    NTPDense,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from skneural.network import Network


def table_network(
    numbers: Sequence[slice],
    others: Sequence[slice],
    n_outputs: int,
    activation: Activation,
    *,
    hidden: Sequence[int] = (128, 128, 128),
    sigma: float = 0.3,
    n_frequencies: int = 16,
    n_sums: int = 3,
    dropout: float = 0.0,
    is_parametric: bool = False,
) -> Network:
    r"""Embedded numbers and plain columns, a scale for each, hidden layers, a linear output.

    .. code-block:: text

        numbers ── PeriodicEmbedding ──┐
                                       ├─ Columns ─ Scale ─ 3 x [NTPDense, f, Dropout] ─ NTPDense
        others ────────────────────────┘

    Parameters
    ----------
    numbers : sequence of slice
        The columns to embed, each run of them by its start and stop: that of numbers which all
        members share, say, and that of each member's own (see
        `skneural.minimizers.minibatch.MiniBatches`). An empty run is left out.
    others : sequence of slice
        The columns to pass on as they are: zeros and ones, numbers that are embedded too.
    n_outputs : int
    activation : Activation
        f.
    hidden : sequence of int, default=(128, 128, 128)
        Units of every hidden layer.
    sigma : float, default=0.3
        Standard deviation of the frequencies, see `PeriodicEmbedding`.
    n_frequencies, n_sums : int, default=16, 3
        Their number for each column, and that of the sums of waves.
    dropout : float, default=0.0
        Rate after every hidden layer, in steps of 1/256; 0 for none.
    is_parametric : bool, default=False
        Whether units learn how much of f they take, see `ParametricActivation`.

    Returns
    -------
    network : Network
        ``network.initialize`` needs rows, see `skneural.initialization.row_sample`.

    Raises
    ------
    ValueError
        If there are no columns.

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024, section 3. Their networks embed a number in 4
    outputs, with sigma = 0.1; have three layers of 256 units; for classes selu and a dropout of
    0.15, for numbers mish and 0.15; and always parametric activations.
    """
    branches: list[tuple[slice, list[Layer], int]] = []
    for columns in numbers:
        embedding = PeriodicEmbedding(columns.stop - columns.start, sigma, n_frequencies, n_sums)
        branches.append((columns, [embedding], embedding.n_outputs))
    branches += [(columns, [], columns.stop - columns.start) for columns in others]
    branches = [branch for branch in branches if branch[-1]]
    if not branches:
        raise ValueError("A network for a table needs columns: there are none.")
    layers: list[Layer] = [Columns(branches)]
    width = layers[0].n_outputs
    layers.append(Scale(width))
    for n_units in hidden:
        layers.append(NTPDense(width, n_units))
        kind = ParametricActivation if is_parametric else Activate
        layers.append(kind(activation, n_units))
        if dropout:
            layers.append(Dropout(dropout, n_units, by_bytes=True))
        width = n_units
    layers.append(NTPDense(width, n_outputs))
    return Network(layers, max(columns.stop for columns, *_ in branches))
