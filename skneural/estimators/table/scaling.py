"""Numbers on a common scale: around the median by the interquartile range, or by their ranks.

Statistics are computed in float64. Matrices here have one *row* for each column of the table,
which is then contiguous in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray
from skneural.estimators.table.packing import as_integers, pack, unpack

QUARTILES = np.array([0.25, 0.5, 0.75])

#: Where an end of a column is looked for that stands for something else, such as a missing number.
PERCENTILES = np.linspace(0, 1, 101)

#: It has at least so many percentiles, from 0 to 5 %, the others too, and is more than so many of
#: their interquartile ranges away.
MIN_EQUAL = 6
FAR = 10.0

#: Most quantiles of a column.
N_QUANTILES = 1000

#: A hundredth of the rows that takes less of the robust scale, which is from -3 to 3, can hardly be
#: told apart. A column with more than this share of such hundredths is scaled by its ranks.
SQUEEZED = 0.004
MOST_SQUEEZED = 0.2

#: A quantile that is no other one's is kept up to 1 / 512 of the distance to the closer neighbour.
BITS_OF_A_GAP = 8

#: Normal quantiles are those of probabilities from here to one minus it.
LOWEST_PROBABILITY = 1e-3

#: Knots that are closer have slopes between them that may be infinite.
SMALLEST_GAP = 1e-290

#: Exponent of 2 that the largest knot is brought to where knots are so close.
LARGEST_KNOT = 900

#: A weight that is smaller than another one by more than this has no part in a quantile.
MAX_RATIO = 1e100


class Quantiles:
    """Quantiles of columns, by linear interpolation between the sorted values.

    Row i of n in sorted order is the quantile at i / (n - 1), as for `numpy.quantile`. With weights
    w, a row takes the places from the sum W_i of the weights before it to W_i + w_i - u, and the
    whole table those from 0 to W - u, where u is one, or the smallest weight if that is less: of
    whole numbers this is the same as repeated rows.

    Parameters
    ----------
    columns : ndarray of shape (n_columns, n_rows)
        Finite.
    weight : ndarray of shape (n_rows,) or None, default=None
        All positive.
    """

    def __init__(self, columns: FloatArray, weight: FloatArray | None = None) -> None:
        self._ends: FloatArray | None = None
        self._unit = 1.0
        if weight is None:
            self._sorted = np.sort(columns, axis=1)
            self._total = float(columns.shape[1])
        else:
            order = np.argsort(columns, axis=1)
            self._sorted = np.take_along_axis(columns, order, axis=1)
            self._ends = np.cumsum(weight[order], axis=1)
            self._unit = min(1.0, float(weight.min()))
            # Beside the largest weights, much smaller ones are none.
            self._unit = max(self._unit, float(weight.max()) / MAX_RATIO)
            self._total = float(weight.sum())

    @property
    def n_rows(self) -> int:
        """Number of rows, repeated ones counted as often as their weights say."""
        return round(max(1.0, min(self._total / self._unit, 1e15)))

    def sorted_column(self, j: int) -> FloatArray:
        """The numbers of a column, from the smallest to the largest."""
        column: FloatArray = self._sorted[j]
        return column

    @property
    def lowest(self) -> FloatArray:
        """The smallest number of each column."""
        return self._sorted[:, 0]

    @property
    def highest(self) -> FloatArray:
        """The largest number of each column."""
        return self._sorted[:, -1]

    def __call__(self, at: FloatArray) -> FloatArray:
        """Quantiles at these probabilities, of shape (n_columns, n_probabilities)."""
        places = at * (self._total - self._unit)
        # A place that is a row's but for rounding: equal rows must give equal quantiles.
        nearest = np.rint(places)
        is_near = np.abs(places - nearest) <= 4 * np.finfo(np.float64).eps * self._total
        places = np.where(is_near, nearest, places)
        if self._ends is None:
            below = np.floor(places).astype(np.intp)
            return self._between(self._sorted, below, places - below)
        result = np.empty((len(self._sorted), len(at)))
        last = self._sorted.shape[1] - 1
        close = min(64 * np.finfo(np.float64).eps * (self._total / self._unit), 1e-6)
        for j, (values, ends) in enumerate(zip(self._sorted, self._ends, strict=True)):
            below = np.minimum(np.searchsorted(ends, places, side="right"), last)
            share = (places - (ends[below] - self._unit)) / self._unit
            # Likewise: a row's own number, where only rounding makes it another.
            share = np.where(share < close, 0.0, np.where(share > 1 - close, 1.0, share))
            result[j] = self._between(values, below, share)
        return result

    @staticmethod
    def _between(values: FloatArray, below: FloatArray, share: FloatArray) -> FloatArray:
        low = values[..., below]
        high = values[..., np.minimum(below + 1, values.shape[-1] - 1)]
        # Rounding must not take them out of order, nor make another number of the upper one.
        between = np.minimum(low + (high - low) * share, high)
        whole: FloatArray = np.where(share == 1, high, between)
        return whole


@dataclass(frozen=True)
class RobustScaling:
    r"""Around the median by the interquartile range, smoothly clipped to (-3, 3).

    .. math:: z = \frac{x - q_{50}}{q_{75} - q_{25}}, \qquad f(z) = \frac{z}{\sqrt{1 + (z / 3)^2}}

    Where the interquartile range is zero, half the range takes its place. A number such as -999,
    which stands for missing ones, would stretch the range: where the smallest or the largest number
    is that of many rows and far from all others, the quartiles are those of the others.

    Attributes
    ----------
    center, scale : ndarray of shape (n_columns,)

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024, https://arxiv.org/abs/2407.04491.
    """

    center: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, quantiles: Quantiles) -> Self:
        """Medians and ranges of columns, none of them constant."""
        low, center, high = quantiles(QUARTILES).T
        scale = high - low
        for j, knots in enumerate(quantiles(PERCENTILES)):
            others = _others_than_far_end(knots, quantiles.sorted_column(j))
            if others is not None:
                low[j], center[j], high[j] = np.quantile(others, QUARTILES)
                scale[j] = high[j] - low[j]
        half_range = (quantiles.highest - quantiles.lowest) / 2
        # Half of the smallest number is zero.
        half_range = np.maximum(half_range, np.finfo(np.float64).tiny)
        return cls(center, np.where(scale > 0, scale, half_range))

    def transform(self, columns: FloatArray) -> FloatArray:
        """The columns scaled and clipped, in new memory."""
        scaled = columns - self.center[:, None]
        with np.errstate(over="ignore"):
            scaled /= self.scale[:, None]
        # The square of what is larger would be infinite.
        np.clip(scaled, -1e100, 1e100, out=scaled)
        clipped: FloatArray = scaled / np.sqrt(1 + np.square(scaled / 3))
        return clipped


def are_of_many_magnitudes(quantiles: Quantiles, robust: RobustScaling) -> npt.NDArray[np.bool_]:
    """Whether robust scaling leaves a part of a column in next to no space.

    So it does where numbers of several orders of magnitude matter: log-normal ones, such as the
    sizes of companies, or a column in two units.

    Parameters
    ----------
    quantiles : Quantiles
    robust : RobustScaling
        Of the same columns.

    Returns
    -------
    are_of_many_magnitudes : ndarray of bool of shape (n_columns,)
    """
    knots = quantiles(PERCENTILES)
    differ = np.diff(knots) > 0
    are_squeezed = differ & (np.diff(robust.transform(knots)) < SQUEEZED)
    found: npt.NDArray[np.bool_] = are_squeezed.sum(axis=1) > MOST_SQUEEZED * differ.sum(axis=1)
    return found


def _others_than_far_end(knots: FloatArray, values: FloatArray) -> FloatArray | None:
    """The percentiles of a column without an end that stands for something else, if it has one.

    Parameters
    ----------
    knots : ndarray of shape (101,)
    values : ndarray of shape (n_rows,)
        Sorted.
    """
    # Percentiles between an end and its neighbour are interpolated, and of neither.
    above = values[min(np.searchsorted(values, values[0], side="right"), len(values) - 1)]
    below = values[max(np.searchsorted(values, values[-1], side="left") - 1, 0)]
    ends = (values[0], above, knots >= above), (values[-1], below, knots <= below)
    for end, neighbour, is_other in ends:
        others: FloatArray = knots[is_other]
        if np.count_nonzero(knots == end) < MIN_EQUAL or len(others) < MIN_EQUAL:
            continue
        low, high = np.quantile(others, QUARTILES[[0, 2]])
        if 0 < high - low < abs(neighbour - end) / FAR:
            return others
    return None


@dataclass(frozen=True)
class NormalScaling:
    r"""Normal quantiles of the ranks: what is left is the order, as a standard normal variable.

    The probability of a number x is read off its q training quantiles Q at the probabilities P =
    0, ..., 1, from both sides, since several of them may be equal:

    .. math:: p = (I(x; Q, P) + 1 - I(-x; -Q, P)) / 2, \qquad z = \Phi^{-1}(p)

    I is linear interpolation, in the second case between the quantiles in reverse order, and p is
    clipped to [0.001, 0.999]. It is that of `sklearn.preprocessing.QuantileTransformer`, but for
    the smallest and the largest number: several rows that have it share its ranks as others do.

    Equal quantiles are a jump of p: a number next to it has the rank of one side, and it itself
    that in the middle. So a number that equals it in single precision is taken for it, and 0.1 has
    the same rank as float32 and as float64. This is so in columns whose different quantiles stay
    different in single precision.

    Between the ranks of rows, quantiles are interpolated, and have digits that mean nothing. Files
    are smaller without them: see `rounded_quantiles`.

    Attributes
    ----------
    knots : ndarray of shape (n_columns, n_quantiles)
        Q, sorted.
    """

    knots: FloatArray

    @classmethod
    def fit(cls, quantiles: Quantiles, n_quantiles: int) -> Self:
        """Quantiles of columns, at most as many as there are rows."""
        knots = quantiles(np.linspace(0, 1, min(n_quantiles, quantiles.n_rows)))
        return cls(np.array([rounded_quantiles(each) for each in knots]).reshape(knots.shape))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return pack(self.knots)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(unpack(plain))

    @lazy_property
    def jumps(self) -> list[FloatArray]:
        """Of each column the knots that are equal, once each, if all different ones stay so."""
        found = []
        for knots in self.knots:
            distinct, counts = np.unique(knots, return_counts=True)
            singles = _in_single_precision(distinct)
            stay_apart = np.all(singles[1:] > singles[:-1]) and np.all(np.isfinite(singles))
            found.append(distinct[(counts > 1) & stay_apart])
        return found

    @lazy_property
    def _readable(self) -> list[tuple[FloatArray, int, bool]]:
        """Of each column its knots times a power of two, that power, and whether some are equal.

        Next to the smallest numbers, slopes between the knots as they are would be infinite.
        """
        gaps = np.diff(self.knots)
        is_steep = np.min(gaps, axis=1, where=gaps > 0, initial=1.0) < SMALLEST_GAP
        largest = np.max(np.abs(self.knots), axis=1)
        powers = np.where(is_steep, LARGEST_KNOT - np.frexp(largest)[1], 0)
        knots = np.ldexp(self.knots, powers[:, np.newaxis])
        return list(zip(knots, powers.tolist(), np.any(gaps == 0, axis=1).tolist(), strict=True))

    def transform(self, columns: FloatArray) -> FloatArray:
        """The normal quantiles, in new memory."""
        probability = np.linspace(0, 1, self.knots.shape[1])
        found = np.empty_like(columns)
        readable = zip(columns, self._readable, self.jumps, found, strict=True)
        for x, (knots, power, has_ties), jumps, p in readable:
            if len(jumps):
                x = _at_jumps(x, jumps)
            if power:
                with np.errstate(over="ignore"):  # of numbers far beyond the knots
                    x = np.ldexp(x, power)
            p[:] = np.interp(x, knots, probability)
            if has_ties:
                p += 1 - np.interp(-x, -knots[::-1], probability)
                p /= 2
        np.clip(found, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY, out=found)
        normal: FloatArray = ndtri(found, out=found)
        return normal


def rounded_quantiles(knots: FloatArray) -> FloatArray:
    """The quantiles of one column in fewer bits, where they are no short decimal fractions.

    Those that are equal stay equal, and become numbers of single precision if all stay different
    there: numbers that equal them are found in single precision. Another one becomes a multiple of
    a power of two, so small that its rank changes by at most 1 / 512 of that between two quantiles
    (sampling alone moves the median of 3,000 rows by about 9 of 1,000 quantiles). The smallest and
    the largest stay what they are, unless several rows have them.

    Parameters
    ----------
    knots : ndarray of shape (n_quantiles,)
        Sorted.
    """
    _, whole = as_integers(knots)
    if whole is not None or len(knots) < 3:
        return knots
    with np.errstate(over="ignore"):
        gaps = np.minimum(np.diff(knots), np.finfo(np.float64).max)
    is_single = np.r_[False, (gaps[1:] > 0) & (gaps[:-1] > 0), False]
    smaller = np.minimum(gaps[1:], gaps[:-1])[is_single[1:-1]]
    # frexp gives the exponent of the next power of two, not of the one below.
    exponents = np.frexp(smaller)[1] - 1 - BITS_OF_A_GAP
    exponents = np.maximum(exponents, np.finfo(np.float64).minexp - np.finfo(np.float64).nmant)
    rounded = knots.copy()
    rounded[is_single] = np.ldexp(np.rint(np.ldexp(knots[is_single], -exponents)), exponents)
    singles = _in_single_precision(knots)
    stay_apart = np.array_equal(singles[1:] > singles[:-1], gaps > 0)
    if stay_apart and np.all(np.isfinite(singles)):
        is_equal = np.r_[False, gaps == 0] | np.r_[gaps == 0, False]
        rounded[is_equal] = singles[is_equal]
    return rounded


def _at_jumps(x: FloatArray, jumps: FloatArray) -> FloatArray:
    """Numbers, those that equal a jump in single precision replaced by it."""
    singles, x_single = _in_single_precision(jumps), _in_single_precision(x)
    closest = np.minimum(np.searchsorted(singles, x_single), len(jumps) - 1)
    return np.where(singles[closest] == x_single, jumps[closest], x)


def _in_single_precision(numbers: FloatArray) -> FloatArray:
    """The closest numbers of float32, in float64."""
    with np.errstate(over="ignore", under="ignore"):
        return numbers.astype(np.float32).astype(np.float64)
