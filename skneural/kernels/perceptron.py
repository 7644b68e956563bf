"""Rosenblatt's rule over all rows of an epoch, one after another.

`skneural.perceptron.rule` looks at a block of rows at a time, which a compiled loop need not do.
Each sum has its terms in the same order, so that every bit of the model and of its objective is the
same. Where `number` is float32, numbers that are float64 in the rule are so here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.kernels.prefetch import CACHE_LINE, MOST_LINES, prefetch

#: Rows by which what is fetched is ahead of what is computed.
ROWS_AHEAD = 2


def stores_an_element_twice(
    columns: npt.NDArray[np.integer],
    starts: npt.NDArray[np.integer],
    last_row: npt.NDArray[np.integer],
) -> bool:
    """See `skneural.perceptron.row_access.stores_an_element_twice`."""
    for row in range(len(starts) - 1):
        for k in range(starts[row], starts[row + 1]):
            if last_row[columns[k]] == row:
                return True
            last_row[columns[k]] = row
    return False


def learn_from_dense_rows(
    X: FloatArray,
    order: IndexArray,
    sign: FloatArray,
    updates: npt.NDArray[np.float64],
    weights: FloatArray,
    pulled: FloatArray,
    state: tuple[float, ...],
    settings: tuple[float, ...],
    bounds: tuple[float, ...],
) -> tuple[float, ...]:
    """See `skneural.perceptron.row_by_row.learn_from_dense_rows`."""
    objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull = state
    shrinkage, smallest_scale, alpha, half_l2, l1_ratio, pull, intercept_rate = settings
    slack, largest_doubt, longest, reach = bounds
    number, zero, n = weights.dtype.type, np.float64(0), len(weights)
    has_penalty = alpha != 0.0 or pull != 0.0
    elements, last = X.reshape(-1), len(order) - 1
    n_lines = min(n * X.itemsize // CACHE_LINE + 1, MOST_LINES)
    for i in range(len(order)):
        row, ahead = order[i], order[min(i + ROWS_AHEAD, last)]
        prefetch(elements, n * ahead, n_lines)
        is_right, doubt = False, slack * reach
        if doubt < largest_doubt:
            # Four sums side by side do not wait for each other, and need not be exact.
            a, b, c, d = number(0), number(0), number(0), number(0)
            for j in range(0, n - n % 4, 4):
                a += X[row, j] * weights[j]
                b += X[row, j + 1] * weights[j + 1]
                c += X[row, j + 2] * weights[j + 2]
                d += X[row, j + 3] * weights[j + 3]
            for j in range(n - n % 4, n):
                a += X[row, j] * weights[j]
            is_right = sign[row] * (((a + b) + (c + d)) * scale + intercept) > doubt
        margin = zero + 1.0
        if not is_right:
            output = zero
            for j in range(n):
                output += X[row, j] * weights[j]
            margin = sign[row] * (np.float64(number(output * scale)) + intercept)
        if margin > 0.0 and not has_penalty:
            continue
        if margin <= 0.0:
            objective -= margin
            n_mistakes += 1.0
        if alpha != 0.0:
            norm = number(np.sqrt(square_norm))
            square, absolute = np.float64(norm * norm), np.float64(number(absolute_norm))
            objective += alpha * (half_l2 * square + l1_ratio * absolute)
            square_norm *= np.float64(number(shrinkage) * number(shrinkage))
            absolute_norm *= shrinkage
            scale *= shrinkage
            if scale < smallest_scale:
                for j in range(n):
                    weights[j] *= number(scale)
                scale = 1.0
        update = updates[row]
        if margin <= 0.0 and update != 0.0:
            step = np.float64(number(update) / number(scale))
            for j in range(n):
                weights[j] = number(weights[j] + X[row, j] * step)
            intercept += update * intercept_rate
            reach += abs(update) * (longest + intercept_rate)
            if alpha != 0.0:
                square_norm, absolute_norm = zero, zero
                for j in range(n):
                    square_norm += weights[j] * weights[j]
                    absolute_norm += abs(weights[j])
                square_norm *= np.float64(number(scale) * number(scale))
                absolute_norm *= np.float64(number(scale))
        if pull != 0.0:
            full_pull += pull
            for j in range(n):
                before, own = np.float64(weights[j]), np.float64(pulled[j])
                down, up = before - (full_pull + own) / scale, before + (full_pull - own) / scale
                down, up = (zero if down <= 0.0 else down), (zero if up >= 0.0 else up)
                weights[j] = number(down if before > 0.0 else (up if before < 0.0 else before))
                pulled[j] = number(own + scale * (np.float64(weights[j]) - before))
    return objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull


def learn_from_sparse_rows(
    values: FloatArray,
    columns: npt.NDArray[np.unsignedinteger],
    starts: npt.NDArray[np.integer],
    order: IndexArray,
    sign: FloatArray,
    updates: npt.NDArray[np.float64],
    weights: FloatArray,
    pulled: FloatArray,
    state: tuple[float, ...],
    settings: tuple[float, ...],
) -> tuple[float, ...]:
    """See `skneural.perceptron.row_by_row.learn_from_sparse_rows`."""
    objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull = state
    shrinkage, smallest_scale, alpha, half_l2, l1_ratio, pull, intercept_rate = settings
    number, zero, last = weights.dtype.type, np.float64(0), len(order) - 1
    has_penalty = alpha != 0.0 or pull != 0.0
    mean_length = len(values) // (len(starts) - 1)
    value_lines = min(mean_length * values.itemsize // CACHE_LINE + 1, MOST_LINES)
    column_lines = min(mean_length * columns.itemsize // CACHE_LINE + 1, MOST_LINES)
    for i in range(len(order)):
        row, ahead = order[i], order[min(i + ROWS_AHEAD, last)]
        prefetch(values, starts[ahead], value_lines)
        prefetch(columns, starts[ahead], column_lines)
        # Places without a sign are not asked whether they count from the end.
        start, end = np.uint64(starts[row]), np.uint64(starts[row + 1])
        output = zero
        for k in range(start, end):
            output += values[k] * weights[columns[k]]
        margin = sign[row] * (np.float64(number(output * scale)) + intercept)
        if margin > 0.0 and not has_penalty:
            continue
        if margin <= 0.0:
            objective -= margin
            n_mistakes += 1.0
        if alpha != 0.0:
            norm = number(np.sqrt(square_norm))
            square, absolute = np.float64(norm * norm), np.float64(number(absolute_norm))
            objective += alpha * (half_l2 * square + l1_ratio * absolute)
            square_norm *= np.float64(number(shrinkage) * number(shrinkage))
            absolute_norm *= shrinkage
            scale *= shrinkage
            if scale < smallest_scale:
                for j in range(len(weights)):
                    weights[j] *= number(scale)
                scale = 1.0
        update = updates[row]
        if margin <= 0.0 and update != 0.0:
            step = np.float64(number(update) / number(scale))
            square_norm, absolute_norm = zero, zero
            for k in range(start, end):
                weight = number(weights[columns[k]] + values[k] * step)
                weights[columns[k]] = weight
                square_norm += weight * weight
                absolute_norm += abs(weight)
            square_norm *= np.float64(number(scale) * number(scale))
            absolute_norm *= np.float64(number(scale))
            intercept += update * intercept_rate
        if pull != 0.0:
            full_pull += pull
            for k in range(start, end):
                j = columns[k]
                before, own = np.float64(weights[j]), np.float64(pulled[j])
                down, up = before - (full_pull + own) / scale, before + (full_pull - own) / scale
                down, up = (zero if down <= 0.0 else down), (zero if up >= 0.0 else up)
                weights[j] = number(down if before > 0.0 else (up if before < 0.0 else before))
                pulled[j] = number(own + scale * (np.float64(weights[j]) - before))
    return objective, n_mistakes, intercept, scale, square_norm, absolute_norm, full_pull
