"""The rule row by row in Python's own numbers, for dense rows of a few columns in float64.

Arithmetic on a number of Python takes a twentieth of what a call of NumPy does, whatever the length
of the vectors. Python's numbers are those of float64, and each sum has its terms in the order of
the columns, so that every bit of the model and of its objective is that of
`skneural.perceptron.rule`.
"""

from __future__ import annotations

import math

from skneural.arrays.matrices import FloatArray
from skneural.perceptron.row_by_row import Numbers, Vectors

#: Under an L1 penalty NumPy is called for each row: up to so many columns this takes longer.
MOST_COLUMNS_PULLED = 64
#: Without one, NumPy is called for each mistake, as long as this loop takes for so many columns.
COLUMNS_PER_MISTAKE = 150
#: What a row takes beside its columns, in columns.
COLUMNS_PER_ROW = 3
#: Elements that are turned into numbers of Python, of 32 bytes each, at a time.
MOST_NUMBERS = 1 << 13


def are_sooner(X: FloatArray, settings: Numbers, mistakes: float) -> bool:
    """Whether Python's numbers are there before NumPy is.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    settings : tuple of float
        As in `learn_in_plain_numbers`.
    mistakes : float
        The share of rows that are likely to be mistaken.

    Returns
    -------
    bool
    """
    n_columns: int = X.shape[1]
    pull = settings[5]
    if X.dtype.char != "d":
        return False
    if pull != 0.0:
        return n_columns <= MOST_COLUMNS_PULLED
    return COLUMNS_PER_ROW + n_columns < COLUMNS_PER_MISTAKE * mistakes


def learn_in_plain_numbers(
    X: FloatArray, vectors: Vectors, state: Numbers, settings: Numbers
) -> Numbers:
    """Learn from the rows of an array one by one.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    vectors, state, settings : tuple
        As in `skneural.perceptron.row_by_row.learn_from_dense_rows`.

    Returns
    -------
    state : tuple of float
        Likewise.
    """
    objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull = state
    shrinkage, smallest_scale, alpha, half_l2, l1_ratio, pull, intercept_rate = settings
    order, sign, updates, *arrays = vectors
    weights, pulled = (each.tolist() for each in arrays)
    n_at_a_time = max(MOST_NUMBERS // X.shape[1], 1)
    for start in range(0, len(order), n_at_a_time):
        numbers = order[start : start + n_at_a_time]
        of_rows = (each[numbers].tolist() for each in (X, sign, updates))
        for x, sign_of_row, update in zip(*of_rows, strict=True):
            output = 0.0
            for value, weight in zip(x, weights, strict=False):
                output += value * weight
            margin = sign_of_row * (output * scale + intercept)
            is_mistaken = margin <= 0.0
            if is_mistaken:
                objective -= margin
                n_mistakes += 1.0
            if alpha:
                norm = math.sqrt(square_norm)
                objective += alpha * (half_l2 * (norm * norm) + l1_ratio * absolute_norm)
                square_norm *= shrinkage * shrinkage
                absolute_norm *= shrinkage
                scale *= shrinkage
                if scale < smallest_scale:
                    weights = [weight * scale for weight in weights]
                    scale = 1.0
            if is_mistaken and update:
                step = update / scale
                weights = [w + value * step for w, value in zip(weights, x, strict=False)]
                intercept += update * intercept_rate
                if alpha:
                    square_norm, absolute_norm = _norms(weights, scale)
            if pull:
                full_pull += pull
                _pull_to_zero(weights, pulled, full_pull, scale)
    for array, values in zip(arrays, (weights, pulled), strict=True):
        array[:] = values
    return objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull


def _norms(weights: list[float], scale: float) -> tuple[float, float]:
    """The squared norm of the weights, and the sum of their absolute values."""
    square_norm = absolute_norm = 0.0
    for weight in weights:
        square_norm += weight * weight
        absolute_norm += abs(weight)
    return square_norm * (scale * scale), absolute_norm * scale


def _pull_to_zero(
    weights: list[float], pulled: list[float], full_pull: float, scale: float
) -> None:
    """Move the weights towards zero, each by what it still lacks of the full pull."""
    for j, before in enumerate(weights):
        after = before
        if before > 0.0:
            after = before - (full_pull + pulled[j]) / scale
            if after < 0.0:
                after = 0.0
        elif before < 0.0:
            after = before + (full_pull - pulled[j]) / scale
            if after > 0.0:
                after = 0.0
        weights[j] = after
        pulled[j] += scale * (after - before)
