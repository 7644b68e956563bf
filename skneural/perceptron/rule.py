r"""Rosenblatt's perceptron: a linear unit that learns from its mistakes, and from nothing else.

For a row x with target y, -1 or +1, the unit computes :math:`p = w \cdot x + b` and predicts the
sign of p. It looks at one row after another. Where :math:`y p > 0` it is right, and nothing
changes; where :math:`y p \le 0` it is wrong, and the weights turn towards the row:

.. math:: w \leftarrow w + \eta y x, \qquad b \leftarrow b + \eta y,

which is a step of gradient descent on the loss :math:`\max(0, -y p)` of that one row.

If some unit vector u separates the rows, :math:`y \, u \cdot x \ge \gamma > 0` for all of them,
and no row is longer than R, then there are at most :math:`(R / \gamma)^2` mistakes, in whatever
order and however often the rows are seen: every mistake lengthens w by :math:`\gamma` or more in
the direction of u, while its squared length grows by :math:`R^2` or less (:math:`\eta = 1`, the
intercept counted as one more feature). If no such u exists, w never comes to rest.

Two penalties may be added, and act at every row, right or wrong: L2 shrinks the weights, L1
pulls those of the row's features towards zero by as much as they have escaped so far.

Only mistakes change the weights, and that is what makes it fast here. The outputs of a block of
rows come from one matrix product. After a mistake on row x the outputs of the rows behind it are
corrected by :math:`\eta y (X x)`, instead of being computed again. So the rule stays the exact
online rule, while Python's time goes with the number of mistakes rather than of rows. Where there
are many of them and few columns, a loop from row to row in Python's own numbers is faster, and
compiled it is faster everywhere: see `skneural.perceptron.plain_numbers` and
`skneural.perceptron.row_by_row`.

The objective of an epoch, which decides when training stops, is added up to the last bit as one
row after another would give it, see `skneural.perceptron.objective`.

Sources: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
organization in the brain", Psychological Review 65, 1958. A. Novikoff, "On convergence proofs
on perceptrons", Symposium on the Mathematical Theory of Automata, 1962. L1: Y. Tsuruoka,
J. Tsujii and S. Ananiadou, "Stochastic gradient descent training for L1-regularized log-linear
models with cumulative penalty", ACL 2009. L2 as one factor: L. Bottou, "Stochastic gradient
descent tricks", 2012.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import get_blas_funcs

from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import BoolArray, FloatArray, IndexArray, norm
from skneural.perceptron.objective import BlockObjective, sum_in_order, weights_log
from skneural.perceptron.row_access import ALL, Rows
from skneural.perceptron.row_by_row import Bounds, Epoch, Numbers

#: Rows whose outputs are computed together. The fewer mistakes, the longer a block may be.
FEWEST_BLOCK_ROWS = 16
MOST_BLOCK_ROWS = 512
#: A block with more mistakes is followed by a shorter one, with less than a quarter of them by a
#: longer one.
MANY_MISTAKES = 32

#: The share of mistakes to reckon with before the first epoch.
LIKELY_MISTAKES = 0.15

#: Below this scale the weights are multiplied out.
SMALLEST_SCALE = {"f": 1e-6, "d": 1e-9}


@dataclass(frozen=True)
class Rule:
    """The settings of the perceptron rule.

    Parameters
    ----------
    learning_rate : float, default=1.0
        eta, the length of a step. Without penalty and from zero weights it only scales the
        model.
    alpha : float, default=0.0
        Strength of the penalty ``alpha * ((1 - l1_ratio) / 2 * w . w + l1_ratio * sum |w|)``.
    l1_ratio : float, default=0.0
        Share of L1 in the penalty.
    intercept_rate : float, default=1.0
        How much of a step the intercept takes; 0 for none.
    """

    learning_rate: float = 1.0
    alpha: float = 0.0
    l1_ratio: float = 0.0
    intercept_rate: float = 1.0

    @property
    def shrinkage(self) -> float:
        """What the L2 penalty multiplies the weights by at every row."""
        return max(0.0, 1.0 - ((1.0 - self.l1_ratio) * self.learning_rate * self.alpha))

    @property
    def pull(self) -> float:
        """What the L1 penalty adds to the pull towards zero at every row."""
        return self.l1_ratio * self.learning_rate * self.alpha

    def penalty(self, norm: Any, absolute_norm: float) -> Any:
        """The penalty on weights with this norm and this sum of absolute values.

        As in scikit-learn the norm is squared in the dtype of the weights, and all else is computed
        in float64.
        """
        share, square = self.l1_ratio, (norm * norm).astype(np.float64)
        return self.alpha * ((1 - share) * 0.5 * square + share * absolute_norm)


class OnlinePerceptron:
    """One unit, and the rows it learns from.

    Parameters
    ----------
    rows : DenseRows or SparseRows
        See `rows_of`.
    target : boolean ndarray of shape (n_rows,)
        True for +1, False for -1.
    row_weight : ndarray of shape (n_rows,) or None
        What to multiply the steps of each row by; None for 1.
    weights : ndarray of shape (n_features,)
        Where to start; copied.
    intercept : float
    rule : Rule
    block_rows : int or None, default=None
        Rows to walk at a time; None for what is likely to be fastest: as many as there are few
        mistakes, or one after another. No result depends on it.

    Attributes
    ----------
    intercept : float
    n_mistakes : int
        Of all rows seen so far.
    """

    def __init__(
        self,
        rows: Rows,
        target: BoolArray,
        row_weight: FloatArray | None,
        weights: FloatArray,
        intercept: float,
        rule: Rule,
        *,
        block_rows: int | None = None,
    ) -> None:
        dtype = rows.dtype
        self.rows = rows
        self.rule = rule
        self.intercept = float(intercept)
        self.n_mistakes = 0
        self._sign = np.where(target, 1.0, -1.0).astype(dtype)
        self._updates = rule.learning_rate * self._sign.astype(np.float64)
        if row_weight is not None:
            self._updates *= row_weight
        # The weights are _scale * _weights: to shrink all of them is to change one number. As in
        # scikit-learn it is in float64, and so are the norms, whatever the dtype of the weights.
        self._weights: FloatArray = np.array(weights, dtype=dtype)
        self._number = dtype.type
        self._is_double = dtype.char == "d"
        self._scale = 1.0
        self._shrinkage = self._rounded(rule.shrinkage)
        self._smallest_scale = SMALLEST_SCALE[dtype.char]
        # Of the weights when they last took a step, shrunk since then; for a penalty.
        self._square_norm, self._absolute_norm = 0.0, 0.0
        if rule.alpha:
            dot, asum = get_blas_funcs(("dot", "asum"), dtype=dtype)
            self._square_norm = float(dot(self._weights, self._weights))
            self._absolute_norm = float(asum(self._weights))
        self._objective = 0.0
        # How far L1 has pulled every weight so far, and how far it would have pulled at most.
        self._pulled: FloatArray = np.zeros_like(self._weights)
        self._full_pull = 0.0
        self._fixed_block_rows = block_rows
        self._block_rows = FEWEST_BLOCK_ROWS if block_rows is None else block_rows
        # The share of the rows in the last epoch.
        self._mistakes = LIKELY_MISTAKES
        self._log = weights_log(0 if rows.is_sparse else len(weights), dtype)
        # A bound of the length of all that was added up to the weights and the intercept.
        self._reach = 0.0
        # Of the weights without their scale, before an epoch and after it.
        self._norm = norm(self._weights)

    @lazy_property
    def _bounds(self) -> Bounds:
        n_stored, longest = self.rows.longest
        # The weights are kept without their scale, which makes steps longer as it shrinks.
        step = float(np.abs(self._updates).max()) / (self._smallest_scale if self.rule.alpha else 1)
        bounds = Bounds.of(n_stored + MOST_BLOCK_ROWS, longest, step, self._number)
        # L1 may lengthen weights: by rounding, where they have been at zero.
        return bounds._replace(largest_doubt=0.0) if self.rule.pull else bounds

    @lazy_property
    def _settings(self) -> Numbers:
        """What a compiled loop needs of the rule, see `learn_from_dense_rows`."""
        rule, l1_ratio = self.rule, self.rule.l1_ratio
        shares = 0.5 * (1 - l1_ratio), l1_ratio if rule.pull else 0.0
        rates = rule.alpha, *shares, rule.pull, rule.intercept_rate
        return tuple(map(float, (self._shrinkage, self._smallest_scale, *rates)))

    @property
    def weights(self) -> FloatArray:
        """A copy of the weights, of shape (n_features,)."""
        scaled: FloatArray = self._weights * self._number(self._scale)
        return scaled

    def copy_weights(self, out: FloatArray) -> None:
        """Write the weights to an array of shape (n_features,)."""
        np.multiply(self._weights, self._number(self._scale), out=out)

    @property
    def unscaled_weights(self) -> FloatArray:
        """The weights before the L2 penalty's common factor: not to be written to."""
        return self._weights

    @property
    def is_finite(self) -> bool:
        """Whether the model still consists of finite numbers."""
        # Where all weights are finite, their norm is too, unless it overflows.
        are_finite = math.isfinite(self._norm) or bool(np.isfinite(self._weights).all())
        return are_finite and math.isfinite(self.intercept)

    def state(self) -> dict[str, Any]:
        """What the next epoch depends on, as plain numbers and arrays of its own.

        Without a penalty the weights are left out: `weights` has all of them.
        """
        state: dict[str, Any] = {
            "intercept": self.intercept,
            "n_mistakes": self.n_mistakes,
        }
        if self.rule.alpha:
            state.update(
                weights=self._weights.copy(),
                scale=self._scale,
                square_norm=self._square_norm,
                absolute_norm=self._absolute_norm,
            )
        if self.rule.pull:
            state.update(pulled=self._pulled.copy(), full_pull=self._full_pull)
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on where a unit with the same rule, and these `weights`, stood."""
        self.intercept = state["intercept"]
        self.n_mistakes = state["n_mistakes"]
        if self.rule.alpha:
            self._weights = np.array(state["weights"])
            self._norm = norm(self._weights)
            self._scale = state["scale"]
            self._square_norm = state["square_norm"]
            self._absolute_norm = state["absolute_norm"]
        if self.rule.pull:
            self._pulled = np.array(state["pulled"])
            self._full_pull = state["full_pull"]

    def learn(self, order: IndexArray) -> float:
        """Look at the rows of these numbers, one after another, and learn from the mistakes.

        Returns
        -------
        objective : float
            Mean of ``max(0, -y p)`` plus the penalty, each at the moment of the row. Row
            weights do not count in it.
        """
        self._objective, n_mistakes = 0.0, self.n_mistakes
        self._reach = self._norm * self._scale + abs(self.intercept)
        start = self._learn_row_by_row(order) if self._fixed_block_rows is None else 0
        if self.rule.pull:
            for row in order[start:].tolist():
                self._look_at(row)
        else:
            while start < len(order):
                start += self._walk(order[start : start + self._block_rows])
        self._norm = norm(self._weights)
        self._mistakes = (self.n_mistakes - n_mistakes) / len(order)
        return self._objective / len(order)

    def _learn_row_by_row(self, order: IndexArray) -> int:
        """Learn from all rows if a loop is sooner, from none if not, and return how many."""
        vectors = order, self._sign, self._updates, self._weights, self._pulled
        before = self._objective, self.n_mistakes, self.intercept, self._scale
        norms = self._square_norm, self._absolute_norm, self._full_pull
        state: Numbers = tuple(map(float, before + norms))

        def bounds() -> Numbers:
            return *self._bounds, self._reach

        state = self.rows.learn(Epoch(vectors, state, self._settings, bounds, self._mistakes))
        if not state:
            return 0
        state = tuple(map(float, state))
        self._objective, n_mistakes, self.intercept, self._scale, self._square_norm = state[:5]
        self.n_mistakes = int(n_mistakes)
        if self.rule.pull:
            self._absolute_norm, self._full_pull = state[5:]
        return len(order)

    # ------------------------------------------------------------ a block of rows

    def _walk(self, numbers: IndexArray) -> int:
        """Learn from the first of the rows with these numbers, and return how many they were.

        All of them, unless the scale becomes too small on the way.
        """
        scales, n_mistakes = self._scales(len(numbers)), self.n_mistakes
        n_rows = len(scales) - 1
        numbers = numbers[:n_rows]
        block, sign, updates = self.rows.taken(numbers), self._sign[numbers], self._updates[numbers]
        shrinks = self.rule.shrinkage != 1.0
        output: FloatArray = block.X @ self._weights
        if self.rule.alpha:
            output *= scales[:-1]
        output += self.intercept
        objective = BlockObjective(block, scales, self.rule, self._square_norm, self._log)
        first_mistake = partial(self._first_mistake, block, sign, scales, objective)
        row, row_of_last_step = first_mistake(sign * output, 0), -1
        while row < n_rows:
            self.n_mistakes += 1
            update = updates.item(row)
            if update:
                row_of_last_step = row
                self._shrink_to(scales.item(row + 1))
                change = block.products_with(row)
                change *= self._step(*block.entries(row), update)
                if shrinks:
                    change *= scales[row + 1 : -1]
                change += update * self.rule.intercept_rate
                output[row + 1 :] += change
                if self.rule.alpha:
                    objective.step(row, self._square_norm)
            row = first_mistake(sign * output, row + 1)
        if row_of_last_step < n_rows - 1:
            self._shrink_to(scales.item(n_rows))
        self._objective, self._square_norm = objective.added_to(self._objective)
        self._choose_block_rows(self.n_mistakes - n_mistakes)
        return n_rows

    def _scales(self, n_rows: int) -> npt.NDArray[np.float64]:
        """The scale before each of the next rows and after the last, up to the first tiny one."""
        factors = np.full(n_rows + 1, self._shrinkage)
        factors[0] = self._scale
        scales: npt.NDArray[np.float64] = np.multiply.accumulate(factors)
        if scales[-1] < self._smallest_scale:
            scales = scales[: np.argmax(scales < self._smallest_scale) + 1]
        return scales

    def _first_mistake(
        self,
        block: Rows,
        sign: FloatArray,
        scales: npt.NDArray[np.float64],
        objective: BlockObjective,
        margin: FloatArray,
        start: int,
    ) -> int:
        """The first row from `start` on with y p <= 0, entered in `objective`; n_rows without one.

        A margin too close to zero to be sure of its sign is computed again, term by term in the
        order of the columns. So the sign does not depend on how the rows are put into blocks,
        and is the same as in any implementation that adds in that order.
        """
        doubt = self._bounds.slack * self._reach
        # An output that overflows here may be a number where its terms are added in order.
        is_bounded = doubt < self._bounds.largest_doubt
        candidates: Any = range(len(margin) - start)
        if is_bounded:
            candidates = (margin[start:] <= doubt).nonzero()[0].tolist()
        for distance in candidates:
            row: int = start + distance
            if is_bounded and not block.is_sparse and margin.item(row) < -doubt:
                objective.mistake_at(row, self._weights, self.intercept)
                return row
            output = self._output(*block.entries(row), scales.item(row))
            value = sign.item(row) * output
            if value <= 0.0:
                objective.mistake(row, -value)
                return row
        return len(margin)

    def _choose_block_rows(self, n_mistakes: int) -> None:
        if self._fixed_block_rows is not None:
            return
        if n_mistakes > MANY_MISTAKES:
            self._block_rows = max(self._block_rows // 2, FEWEST_BLOCK_ROWS)
        elif 4 * n_mistakes < MANY_MISTAKES:
            self._block_rows = min(self._block_rows * 2, MOST_BLOCK_ROWS)

    # ------------------------------------------------------------ a single row

    def _look_at(self, row: int) -> None:
        """Learn from one row under an L1 penalty, which moves weights at every row."""
        values, columns = self.rows.entries(row)
        margin = float(self._sign[row]) * self._output(values, columns, self._scale)
        is_mistaken = margin <= 0.0
        if is_mistaken:
            self._objective -= margin
        norm = self._number(math.sqrt(self._square_norm))
        self._objective += float(self.rule.penalty(norm, self._rounded(self._absolute_norm)))
        self._shrink_to(self._scale * self._shrinkage)
        self._square_norm *= self._rounded(self._shrinkage * self._shrinkage)
        self._absolute_norm *= self._shrinkage
        if is_mistaken:
            self.n_mistakes += 1
            update = float(self._updates[row])
            if update:
                self._step(values, columns, update)
        self._pull_to_zero(columns)

    def _output(self, values: FloatArray, columns: Any, scale: Any) -> float:
        weights = self._weights if columns is ALL else self._weights[columns]
        output = sum_in_order(values * weights) * scale
        return (output if self._is_double else self._rounded(output)) + self.intercept

    def _step(self, values: FloatArray, columns: Any, update: float) -> np.floating[Any]:
        """Rosenblatt's rule: add ``update * x`` to the weights, and `update` to the intercept.

        Returns
        -------
        step : number of the dtype of the weights
            What the row has been multiplied by: the weights are kept without their scale.
        """
        step: np.floating[Any] = self._number(update) / self._number(self._scale)
        change = values * step if self._is_double else np.multiply(values, step, dtype=np.float64)
        if columns is ALL:
            self._weights += change
        else:
            self._weights[columns] += change
        self.intercept += update * self.rule.intercept_rate
        self._reach += abs(update) * (self._bounds.longest + self.rule.intercept_rate)
        if self.rule.alpha:
            self._renew_norms(columns)
        return step

    def _renew_norms(self, columns: Any) -> None:
        """The norms that the penalty is computed from, after a step.

        Of a sparse row only those of the weights it has moved: as in scikit-learn, whose stopping
        rule watches these norms.
        """
        touched, scale = self._weights[columns], self._number(self._scale)
        self._square_norm = sum_in_order(touched * touched) * float(scale * scale)
        if self.rule.l1_ratio:
            self._absolute_norm = sum_in_order(np.abs(touched)) * float(scale)

    def _rounded(self, value: float) -> float:
        """A number rounded to the dtype of the weights."""
        return float(self._number(value))

    def _shrink_to(self, scale: float) -> None:
        self._scale = scale
        if scale < self._smallest_scale:
            self._weights *= self._number(scale)
            self._scale = 1.0

    def _pull_to_zero(self, columns: Any) -> None:
        """Move the weights of a row's features towards zero, and never beyond it.

        Each by what it still lacks of the full pull since training began: features that are
        rare in sparse rows are pulled as far as frequent ones.
        """
        self._full_pull += self.rule.pull
        before = self._weights[columns].astype(np.float64)
        pulled, scale = self._pulled[columns].astype(np.float64), self._scale
        down = np.maximum(0, before - (self._full_pull + pulled) / scale)
        up = np.minimum(0, before + (self._full_pull - pulled) / scale)
        self._weights[columns] = np.where(before > 0, down, np.where(before < 0, up, before))
        self._pulled[columns] = pulled + scale * (self._weights[columns] - before)
