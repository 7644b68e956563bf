"""The order in which a training by mini-batches visits the rows, epoch after epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skneural.arrays.matrices import IndexArray
from skneural.minimizers.state import Generator


class RowOrder:
    """The order of the rows: each epoch shuffles that of the epoch before.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), or (K, n_rows) for members, or None
        The rows to train on; None for all.
    n_samples : int
        All rows there are.
    members : tuple of int, default=()
        (K,) for K members.
    generators : sequence of RandomState or Generator, default=()
        What draws a permutation for every epoch, one for each member; empty to leave the rows as
        they are.
    n_drawn : sequence of int, default=()
        Epochs that each generator is to draw at once, because they lie behind.

    Attributes
    ----------
    n_rows : int
        Rows of an epoch; of members, of each.
    is_per_member : bool
        Whether the order is one for each member.
    """

    def __init__(
        self,
        rows: IndexArray | None,
        n_samples: int,
        members: tuple[int, ...] = (),
        generators: Sequence[Generator] = (),
        n_drawn: Sequence[int] = (),
    ) -> None:
        if rows is None and generators:
            rows = np.arange(n_samples)
        self.n_rows = n_samples if rows is None else rows.shape[-1]
        self._rows: list[IndexArray] = [] if rows is None else [rows]
        self.is_per_member = False
        if members and rows is not None:
            self.is_per_member = bool(generators) or rows.ndim == 2
            if self.is_per_member:
                self._rows = list(np.broadcast_to(rows, (*members, self.n_rows)))
        self._generators = generators
        for k, n_epochs in enumerate(n_drawn if generators else ()):
            for _ in range(n_epochs):
                self._rows[k] = self._rows[k][generators[k].permutation(self.n_rows)]

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
        if self._generators:
            for k in (0,) if active is None else active:
                self._rows[k] = self._rows[k][self._generators[k].permutation(self.n_rows)]
        if active is None or not self.is_per_member:
            return self._rows[0]
        return np.stack([self._rows[k] for k in active])
