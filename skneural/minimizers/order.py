"""The order in which a training by mini-batches visits the rows, epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skneural.arrays.matrices import IndexArray
from skneural.minimizers.state import Generator

#: The rows of a network; of members that have their own, of each.
Rows = IndexArray | Sequence[IndexArray]


class RowOrder:
    """The order of the rows: each epoch shuffles that of the epoch before.

    Members may have unequal numbers of rows. They take the same steps: an epoch is as long as that
    of the longest, and the others go through their rows once more, in a further order that they
    draw, until they have as many.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,) or None
        The rows to train on; None for all. Of members with rows of their own, an array of shape
        (K, n_rows), or K arrays of shape (n_rows_of_member,).
    n_samples : int
        All rows there are.
    members : tuple of int, default=()
        (K,) for K members.
    generators : sequence of RandomState or Generator, default=()
        What draws a permutation for every pass over the rows, one for each member; empty to leave
        the rows as they are.
    n_drawn : sequence of int, default=()
        Epochs that each generator is to draw at once, because they lie behind.
    whole_batches_of : int or None, default=None
        Rows of a batch: an epoch leaves out those that do not fill a last one, unless it is the
        only one. None for all rows.
    is_per_member : bool, default=False
        Whether each member needs an order of its own, even if all are the same.

    Attributes
    ----------
    n_rows : int
        Rows of an epoch; of members, of each.
    is_per_member : bool
        Whether the order is one for each member.

    Raises
    ------
    ValueError
        If there are rows for another number of members, or none for one of them.
    """

    def __init__(
        self,
        rows: Rows | None,
        n_samples: int,
        members: tuple[int, ...] = (),
        generators: Sequence[Generator] = (),
        n_drawn: Sequence[int] = (),
        whole_batches_of: int | None = None,
        is_per_member: bool = False,
    ) -> None:
        leaves_out = (
            whole_batches_of is not None and _whole_batches(n_samples, whole_batches_of) < n_samples
        )
        if rows is None and (generators or is_per_member or leaves_out):
            rows = np.arange(n_samples)
        self._rows: list[IndexArray] = []
        self.is_per_member = False
        if rows is not None:
            of_each = len(rows) == 0 or np.ndim(rows[0]) > 0
            self.is_per_member = bool(members) and (bool(generators) or of_each or is_per_member)
            n_orders = members[0] if self.is_per_member else 1
            self._rows = list(map(np.asarray, rows)) if of_each else [np.asarray(rows)] * n_orders
        lengths = list(map(len, self._rows))
        if self.is_per_member and (len(lengths) != members[0] or min(lengths) == 0):
            raise ValueError(
                f"Each of the {members[0]} members needs rows to train on: there are {lengths}."
            )
        n_longest = max(lengths, default=n_samples)
        self.n_rows = n_longest
        if whole_batches_of is not None:
            self.n_rows = _whole_batches(n_longest, whole_batches_of)
        self._generators = generators
        for k, n_epochs in enumerate(n_drawn if generators else ()):
            for _ in range(n_epochs):
                self.next_epoch([k])

    def next_epoch(self, active: Sequence[int] | None) -> IndexArray | None:
        """The rows of the next epoch.

        Parameters
        ----------
        active : sequence of int or None
            The members that take part: no other generator is drawn from. None for a single network.

        Returns
        -------
        rows : ndarray of shape (n_rows,) or (n_active, n_rows), or None
            None for all rows, as they stand.
        """
        if not self._rows:
            return None
        members = active if active is not None and self.is_per_member else (0,)
        orders = []
        for k in members:
            # Pass after pass over the rows, until there are enough.
            n_passes = math.ceil(self.n_rows / len(self._rows[k]))
            passes = []
            for _ in range(n_passes):
                if self._generators:
                    permutation = self._generators[k].permutation(len(self._rows[k]))
                    self._rows[k] = self._rows[k][permutation]
                passes.append(self._rows[k])
            visited = passes[0] if n_passes == 1 else np.concatenate(passes)
            orders.append(visited[: self.n_rows])
        return np.stack(orders) if members is active else orders[0]


def _whole_batches(n_rows: int, batch_size: int) -> int:
    """So many of the rows fill batches; all if they do not fill one."""
    return n_rows if n_rows < batch_size else n_rows - n_rows % batch_size
