"""The buffers of passes through a network, allocated once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skneural.arrays.matrices import FloatArray, Matrix
from skneural.layers.contract import PassMemory
from skneural.losses import LossBuffers

if TYPE_CHECKING:
    from skneural.network import Network


class Workspace:
    """The buffers of passes over at most `n_rows` rows.

    It lives as long as one fit or one prediction and is never stored on an estimator.

    Parameters
    ----------
    network : Network
        Whose layers ask for the buffers.
    n_rows : int
        Largest number of rows.
    dtype : dtype
        Of the buffers.
    members : tuple of int, default=()
        (K,) for K members.
    owned : list of ndarray or None, default=None
        The memory of an earlier workspace for as many rows or more; None allocates.

    Attributes
    ----------
    buffers : list of object
        What each layer has asked for.
    inputs : list of {ndarray, sparse matrix}
        What each layer read in the last forward pass.
    delta : ndarray of shape (n_rows, n_outputs)
        For the derivative of the loss in the raw outputs.
    spare : ndarray of shape (n_rows, n_outputs)
    column : ndarray of shape (n_rows, 1)
        Scratch for the loss. Of members, the rows come one after another in both.
    of_loss : LossBuffers
        All three as a loss takes them: `delta` too with the rows of members one after another.
    ones : ndarray of shape (n_rows,)
    """

    def __init__(
        self,
        network: Network,
        n_rows: int,
        dtype: npt.DTypeLike,
        members: tuple[int, ...] = (),
        owned: list[npt.NDArray[Any]] | None = None,
    ) -> None:
        self._network = network
        self._largest = (n_rows, dtype, members)
        self._cuts: dict[int, Workspace] = {}
        memory = PassMemory(n_rows, dtype, network.widest, members, owned)
        self._owned = memory.owned
        self.buffers: list[Any] = []
        for layer in network.layers:
            memory.has_delta = False
            self.buffers.append(layer.buffers(memory))
        memory.has_delta = False
        self.inputs: list[Matrix] = [None] * len(network.layers)
        delta = memory.delta(network.n_outputs)
        assert delta is not None
        self.delta = delta
        self.spare: FloatArray = memory.kept(network.n_outputs).reshape(-1, network.n_outputs)
        self.column: FloatArray = memory.kept(1).reshape(-1, 1)
        self.of_loss = LossBuffers(delta.reshape(self.spare.shape), self.column, self.spare)
        self.ones = memory.ones

    def rows(self, n_rows: int) -> Workspace:
        """The same memory for fewer rows.

        Parameters
        ----------
        n_rows : int
            How many, at most those of this one.

        Returns
        -------
        Workspace
            One with views of the same buffers.

        Raises
        ------
        ValueError
            If they are more.
        """
        if n_rows == self._largest[0]:
            return self
        if n_rows > self._largest[0]:
            raise ValueError(
                f"These buffers are for at most {self._largest[0]} row(s) at a time, got {n_rows}: "
                "n_rows of an Objective has to be as large as a batch."
            )
        if n_rows not in self._cuts:
            _, dtype, members = self._largest
            self._cuts[n_rows] = Workspace(self._network, n_rows, dtype, members, self._owned)
        return self._cuts[n_rows]

    def content(self) -> list[npt.NDArray[Any]]:
        """What is in the buffers now, to be set again: a backward pass overwrites it.

        Returns
        -------
        list of ndarray
            Copies.
        """
        return [array.copy() for array in self._owned]

    def set_content(self, content: list[npt.NDArray[Any]]) -> None:
        """Set the buffers to what has been in them.

        Parameters
        ----------
        content : list of ndarray
            What `content` has returned.
        """
        for array, values in zip(self._owned, content, strict=True):
            np.copyto(array, values)


class PredictionMemory:
    """The workspace of predictions that follow one another, such as those after every epoch.

    It is not for several threads at a time.

    Parameters
    ----------
    network : Network
        That predicts.
    dtype : dtype
        Of the parameters.
    members : tuple of int, default=()
        (K,) for K members.
    """

    def __init__(
        self, network: Network, dtype: npt.DTypeLike, members: tuple[int, ...] = ()
    ) -> None:
        self._network, self._dtype, self._members = network, dtype, members
        self._n_rows = 0
        self._workspace: Workspace | None = None

    def rows(self, n_rows: int) -> Workspace:
        """A workspace for so many rows, in the memory of the largest before.

        Parameters
        ----------
        n_rows : int
            How many.

        Returns
        -------
        Workspace
            Its buffers hold whatever has been in them.
        """
        if self._workspace is None or n_rows > self._n_rows:
            # The smaller one is given up first.
            self._workspace = None
            self._workspace = Workspace(self._network, n_rows, self._dtype, self._members)
            self._n_rows = n_rows
        return self._workspace.rows(n_rows)
