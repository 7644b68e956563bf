"""What scikit-learn's stochastic gradient descent leaves to chance: validation rows and order.

The same seed gives the same model only if the rows come in the same order. scikit-learn shuffles
with a generator of its own, once an epoch and with the same seed every time, so that every epoch
puts the order of the one before through one and the same permutation.

Sources: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003); R. A. Fisher
and F. Yates, "Statistical Tables" (1938), in R. Durstenfeld's form, Algorithm 235, Communications
of the ACM 7 (1964).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skneural.arrays.matrices import BoolArray, FloatArray, IndexArray
from skneural.estimators.split import drawn_split
from skneural.kernels import compiled_as
from skneural.kernels import sgd_order as kernels
from skneural.minimizers.state import seeded_generator

#: scikit-learn draws its seeds below this.
LARGEST_SEED = np.iinfo(np.int32).max


def epoch_orders(
    n_rows: int, seed: int | None, counted: BoolArray | None = None
) -> Iterator[IndexArray]:
    """The order of the rows in one epoch after another, without end.

    Parameters
    ----------
    n_rows : int
    seed : int or None
        None for the rows as they stand, in every epoch.
    counted : boolean ndarray of shape (n_rows,) or None, default=None
        Rows to train on. The others take part in the shuffling, and are left out afterwards.
    """
    order = np.arange(n_rows)
    permutation = None if seed is None else sgd_permutation(n_rows, seed)
    while True:
        if permutation is not None:
            order = order.take(permutation)
        yield order if counted is None else order[counted[order]]


def sgd_permutation(n_rows: int, seed: int) -> IndexArray:
    """The permutation that scikit-learn's shuffle with this seed puts the rows through.

    Parameters
    ----------
    n_rows : int
    seed : int
        From 0 to 2**32 - 1.

    Returns
    -------
    permutation : ndarray of shape (n_rows,)
        Where the row at each place comes from.
    """
    order = np.arange(n_rows)
    shuffle(order, seed or 1)  # from zero the generator would never move
    return order


@compiled_as(kernels.shuffle)
def shuffle(order: IndexArray, seed: int) -> None:
    """Shuffle as scikit-learn does.

    Place i is exchanged with one of the places i to n_rows - 1, for i = 0, 1, ...: the next
    number of Marsaglia's 32-bit xorshift generator (shifts 13, 17, 5) decides which.

    Parameters
    ----------
    order : ndarray of shape (n_rows,)
        Changed.
    seed : int
        From 1 to 2**32 - 1.
    """
    places = order.data  # in Python sooner read and written than an array
    state, n_rows = seed, len(order)
    for place in range(n_rows - 1):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        # scikit-learn keeps 31 bits, as many as C's rand_r is sure to have.
        partner = place + (state & LARGEST_SEED) % (n_rows - place)
        places[place], places[partner] = places[partner], places[place]


def held_out_and_seeds(
    target: BoolArray,
    sample_weight: FloatArray | None,
    validation_fraction: float | None,
    seed: int | None,
    generator: np.random.RandomState,
) -> tuple[IndexArray | None, list[int]]:
    """Validation rows, and the seed of each unit's shuffling, drawn as scikit-learn draws them.

    Parameters
    ----------
    target : boolean ndarray of shape (n_rows, n_units)
        Which rows are a unit's own; one unit for two classes.
    sample_weight : ndarray of shape (n_rows,) or None
    validation_fraction : float or None
        Share of the rows to hold out, the same of every class; None for no validation.
    seed : int or None
        Draws the validation rows; None for `generator`.
    generator : RandomState
        At the start of its sequence, if there is a `seed`.

    Raises
    ------
    ValueError
        If the rows cannot be split so, or those held out have no weight.
    """
    random_state = generator if seed is None else seed
    if target.shape[1] == 1:
        _skip_unused_seed(generator)
        held_out = _held_out(target[:, 0], sample_weight, validation_fraction, random_state)
        return held_out, [_drawn_seed(generator)]
    index = target.argmax(axis=1)
    held_out = _held_out(index, sample_weight, validation_fraction, random_state)
    seeds_of_units: Any = generator.randint(LARGEST_SEED, size=target.shape[1])
    seeds = []
    # To seed one generator anew takes a sixth of the time of making one.
    own = seeded_generator(0)
    for each in seeds_of_units:
        own.seed(each)
        _skip_unused_seed(own)
        seeds.append(_drawn_seed(own))
    return held_out, seeds


def _drawn_seed(generator: np.random.RandomState) -> int:
    return int(generator.randint(LARGEST_SEED))


def _skip_unused_seed(generator: np.random.RandomState) -> None:
    """Draw what scikit-learn keeps for taking rows at random, which the training never does."""
    generator.randint(1, LARGEST_SEED)


def _held_out(
    index: Any,
    sample_weight: FloatArray | None,
    validation_fraction: float | None,
    random_state: Any,
) -> IndexArray | None:
    if validation_fraction is None:
        return None
    _, held_out = drawn_split(len(index), index, validation_fraction, random_state)
    if sample_weight is not None and not np.any(sample_weight[held_out]):
        raise ValueError(
            "The sample weights for validation set are all zero, consider using a different "
            "random state."
        )
    return held_out
