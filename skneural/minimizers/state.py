"""The state of a training: everything that its next epoch depends on.

One kind of state serves every continuation: the next epoch, ``partial_fit``, ``warm_start``,
``resume``, a checkpoint, and what a callback is shown.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.minimizers.changed import changed
from skneural.minimizers.checkpoints import Checkpoints
from skneural.minimizers.history import Epoch, History
from skneural.minimizers.joint import JointHistory
from skneural.optimizers import State

Generator: TypeAlias = np.random.RandomState | np.random.Generator


@dataclass(frozen=True)
class Record:
    """Where a training stands, in numbers. Replaced after every epoch, never changed.

    Attributes
    ----------
    n_iter : int
        Whole epochs, or iterations, of this fit.
    n_epochs : int
        The same with those of the calls of partial_fit before: for schedules.
    n_samples_seen : int
        Rows trained on, each as often as it was visited.
    learning_rate : float
        The base rate of the next epoch, see `skneural.schedules`. 0 before the first one stands for
        that of the minimiser.
    loss : float
        Training loss of the last epoch. Of several members, the mean of the last loss of each,
        without those that are not finite; NaN if none is.
    histories : tuple of History
        One for each member.
    stopped : tuple of str
        Of each member, why it takes no part in further epochs: 'converged', 'early_stopping' or
        'not_finite'; '' where it goes on.
    n_member_iter : tuple of int
        Of several members, the epochs of this fit that each has taken part in: as many orders of
        rows has it drawn. Empty for a single network.
    joint : JointHistory or None
        Of members that are judged as one: the numbers of all together.
    """

    n_iter: int = 0
    n_epochs: int = 0
    n_samples_seen: int = 0
    learning_rate: float = 0.0
    loss: float = np.nan
    histories: tuple[History, ...] = field(default_factory=lambda: (History(),))
    stopped: tuple[str, ...] = ("",)
    n_member_iter: tuple[int, ...] = ()
    joint: JointHistory | None = None

    @classmethod
    def of_members(cls, n_members: int, learning_rate: float) -> Record:
        """What a training of several members begins with."""
        histories = tuple(History() for _ in range(n_members))
        stopped = ("",) * n_members
        return cls(learning_rate=learning_rate, histories=histories, stopped=stopped)

    @property
    def ended(self) -> str:
        """Why no further epoch follows, if the last one has decided that; '' if it has not."""
        if "" in self.stopped:
            return ""
        return next((reason for reason in self.stopped if reason != "not_finite"), "not_finite")

    @property
    def last_epoch(self) -> Epoch:
        """The numbers of the last epoch: of all members together, or of the first."""
        if self.joint is not None:
            return self.joint.rows[self.joint.n_rows - 1].epoch
        return self.history.rows[self.history.n_rows - 1]

    @property
    def history(self) -> History:
        """That of the only member, or of the first."""
        return self.histories[0]

    def mark(self) -> dict[str, Any]:
        """What `cut` needs to come back to this record later: plain data, without the rows."""
        return {**vars(self), "histories": [history.mark() for history in self.histories]}

    def cut(self, mark: dict[str, Any]) -> Record:
        """The earlier record of this training that the mark was taken from.

        Parameters
        ----------
        mark : dict
            Of `mark`.
        """
        pairs = zip(self.histories, mark["histories"], strict=True)
        return Record(**{**mark, "histories": tuple(each.cut(its) for each, its in pairs)})


@dataclass(frozen=True)
class TrainingState:
    """What the next epoch starts from.

    A minimiser that works in place changes the arrays and generators; all else is replaced.

    Attributes
    ----------
    params : ndarray of shape (n_params,), or (K, n_params) for K members
    optimizer : dict
        What the optimizer remembers: arrays and numbers.
    record : Record
    generators : dict of RandomState and Generator
        'shuffle' draws the order of the rows, 'dropout' is for layers that draw. Of members,
        'shuffle 0', 'shuffle 1' and so on. A training that goes on draws the orders of the epochs
        behind it once more: those that shuffle have to stand where they stood before the first.
    minimizer : dict
        What a full-batch minimiser needs to go on: plain data.
    checkpoints : Checkpoints or None
        The best epochs by several criteria, if they are to be kept: of members that are judged as
        one, see `skneural.minimizers.run.Run`.
    """

    params: FloatArray
    optimizer: State = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    generators: Mapping[str, Generator] = field(default_factory=dict)
    minimizer: dict[str, Any] = field(default_factory=dict)
    checkpoints: Checkpoints | None = None

    @property
    def model(self) -> FloatArray:
        """What to predict with: the optimizer's average where it keeps one, else `params`."""
        average: FloatArray = self.optimizer.get("average", self.params)
        return average

    def copy(
        self, into: TrainingState | None = None, *, with_scratch: bool = False
    ) -> TrainingState:
        """A copy that shares no array that training writes to; the generators are the same.

        Arrays that are scratch are shared too, unless `with_scratch`: another training would write
        to them.

        With `into`, an earlier copy, its arrays are used again, and checkpoints are shared: they
        stay whole until the next epoch but one has ended, see `Checkpoints`.
        """
        params = np.empty_like(self.params) if into is None else into.params
        np.copyto(params, self.params)
        optimizer = dict(self.optimizer)
        for name, value in self.optimizer.items():
            is_scratch = name.startswith("scratch") and not with_scratch
            if isinstance(value, np.ndarray) and not is_scratch:
                mine = None if into is None else into.optimizer.get(name)
                optimizer[name] = np.empty_like(value) if mine is None else mine
                np.copyto(optimizer[name], value)
        checkpoints = self.checkpoints
        if checkpoints is not None and into is None:
            checkpoints = checkpoints.copy()
        return changed(self, params=params, optimizer=optimizer, checkpoints=checkpoints)


class _Zeros(np.random.SeedSequence):
    """Fills MT19937, which is then given a seed or a state in another way.

    To fill it with random numbers takes three times as long, a tenth of a millisecond.
    """

    generate_state = staticmethod(np.zeros)  # type: ignore[assignment]


_ZEROS = _Zeros(0)


def seeded_generator(seed: int) -> np.random.RandomState:
    """``numpy.random.RandomState(seed)``, sooner."""
    generator = np.random.RandomState(np.random.MT19937(_ZEROS))
    generator.seed(seed)
    return generator


def generator_state(generator: Generator) -> dict[str, Any]:
    """The state of a generator, as plain data."""
    if isinstance(generator, np.random.Generator):
        return dict(generator.bit_generator.state)
    state: dict[str, Any] = generator.get_state(legacy=False)
    return state


def set_generator_state(generator: Generator, state: dict[str, Any]) -> None:
    """Set a generator to where another one stood."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)


def rewinder(generator: Generator) -> Callable[[], None]:
    """A function that sets a generator back to where it stands now.

    A RandomState that has a normal number left for the next call keeps it: what is set back are
    the bits, of which an epoch draws the order of its rows.
    """
    bits = getattr(generator, "_bit_generator", None)
    if type(bits) is np.random.MT19937 and _is_in_memory():
        # NumPy makes 624 numbers of Python of this state, and the 45 microseconds of it are a
        # quarter of an epoch of 150 rows.
        memory = ctypes.string_at(bits.ctypes.state_address, _N_BYTES)
        return partial(_set_memory, bits, memory)
    return partial(set_generator_state, generator, generator_state(generator))


#: Of MT19937: 624 numbers of 32 bits, and the place of the next.
_N_BYTES = 625 * 4


def _set_memory(bits: np.random.BitGenerator, memory: bytes) -> None:
    ctypes.memmove(bits.ctypes.state_address, memory, _N_BYTES)


@cache
def _is_in_memory() -> bool:
    """Whether the memory of MT19937 holds its state, and so holds nothing else.

    NumPy tells the address and not what is there: a later release may have it otherwise.
    """
    bits = np.random.MT19937(0)
    bits.random_raw()
    state = bits.state["state"]
    memory = ctypes.string_at(bits.ctypes.state_address, _N_BYTES)
    found = np.frombuffer(memory, dtype=np.uint32)
    return np.array_equal(found, [*state["key"], state["pos"]])


#: The bit generators that a stored state may name: nothing else is looked up and called.
BIT_GENERATORS: dict[str, type[np.random.BitGenerator]] = {
    kind.__name__: kind
    for kind in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}


def generator_from_state(
    state: dict[str, Any], kind: type[Generator] = np.random.RandomState
) -> Any:
    """A generator of this kind that goes on where the one of this state stood.

    Raises
    ------
    ValueError
        If the state names a bit generator that NumPy does not have.
    """
    name = state.get("bit_generator")
    if not isinstance(name, str) or name not in BIT_GENERATORS:
        raise ValueError(
            f"The stored state of a generator names {name!r}, which is none of NumPy's bit "
            f"generators: {sorted(BIT_GENERATORS)}."
        )
    # Seeded, because drawing a seed from the operating system takes longer.
    if kind is np.random.Generator:
        bits = BIT_GENERATORS[name](0)
        bits.state = state
        return np.random.Generator(bits)
    if name == "MT19937":
        generator = seeded_generator(0)
    else:
        generator = np.random.RandomState(BIT_GENERATORS[name](0))
    generator.set_state(state)
    return generator
