"""What an estimator remembers between calls, so that training can go on.

The memory is a plain dict of numbers, strings and arrays: it pickles small, and holds
nothing that running code would have to be trusted for.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import check_random_state

from skneural._arrays import FloatArray, IndexArray
from skneural.monitoring import Record
from skneural.optimizers import RESERVED, Optimizer, State
from skneural.training import Training

Memory: TypeAlias = dict[str, Any]


def memory_to_go_on_from(memory: Memory, incremental: bool) -> Memory:
    """What of a memory counts: all of it in partial_fit, little in fit with warm_start.

    A warm-started fit keeps its patience and the rows held out for validation. As in
    scikit-learn, it begins a new sequence of random numbers and forgets the momentum.
    """
    if incremental:
        return dict(memory)
    kept = ("no_improvement_count", "validation_generator", "holds_best", "judge")
    return {name: memory[name] for name in kept if name in memory}


def resume_optimizer(
    training: Training,
    optimizer: Optimizer,
    learning_rate_init: float,
    n_weights: int,
    memory: Memory,
) -> None:
    """Give `training` the remembered state of the optimizer, copied, or a new one."""
    training.learning_rate = learning_rate_init
    params = training.params
    state = optimizer.initial_state(len(params), params.dtype, n_weights)
    training.optimizer_state = state
    name = type(optimizer).__name__
    if memory.get("optimizer_name") == name:
        # What a setting has been switched on for since then begins anew.
        for key, value in memory["optimizer"].items():
            if key in state or key not in RESERVED:
                state[key] = np.array(value) if isinstance(value, np.ndarray) else value
        if memory["learning_rate_init"] == learning_rate_init:
            training.learning_rate = memory["learning_rate"]
        if "average" in state:
            _resume_average(training, memory)
    memory["optimizer_name"] = name


def _resume_average(training: Training, memory: Memory) -> None:
    """Go on from where the optimizer stood, if what it stood at is an average still."""
    state = training.optimizer_state
    if "iterate" in memory and np.array_equal(state["average"], training.params):
        training.params = np.array(memory["iterate"])
    else:
        # The best epoch, or what somebody has made of the weights: it is to go on from there.
        state["n_averaged"] = 0


def iterate_memory(training: Training) -> Memory:
    """Where the optimizer stood, if that is not what predicts."""
    return {"iterate": training.params} if "average" in training.optimizer_state else {}


def without_scratch(state: State) -> State:
    """What of an optimizer's state is worth keeping."""
    return {name: value for name, value in state.items() if name != "scratch"}


def begin_search_for_best(
    record: Record, memory: Memory, judge: str, *, restores_best: bool
) -> None:
    """Forget the best epoch on record where it is of no use, and note who judges from now on.

    Parameters
    ----------
    record : Record
    memory : dict
    judge : str
        Names what the best epoch is told by.
    restores_best : bool
        Whether the parameters of the best epoch will be needed.
    """
    is_another = memory.get("judge") != judge
    if is_another or (restores_best and not memory.get("holds_best")):
        record.best_validation_score = record.best_loss = None
        record.best_iteration = record.best_params = None
        record.validation_scores = record.validation_loss_curve = None
    memory["judge"] = judge


def running_mean_weight(
    sample_weight: FloatArray | None, rows: IndexArray | None, n_rows: int, memory: Memory
) -> float:
    """Mean sample weight of all rows trained on, those of earlier partial_fit calls included.

    Brings the totals in `memory` up to date.

    Raises
    ------
    ValueError
        If the weights of all rows to train on are zero.
    """
    total = float(n_rows)
    if sample_weight is not None:
        counted = sample_weight if rows is None else sample_weight[rows]
        total = float(np.sum(counted, dtype=np.float64))
    memory["total_weight"] = memory.get("total_weight", 0.0) + total
    memory["n_rows"] = memory.get("n_rows", 0) + n_rows
    if memory["total_weight"] == 0:
        raise ValueError(
            "sample_weight is zero for every row left to train on after early_stopping has held "
            "out its validation rows."
        )
    return float(memory["total_weight"] / memory["n_rows"])


def generator_state(random_state: np.random.RandomState) -> dict[str, Any]:
    """The state of a generator, as plain data."""
    state: dict[str, Any] = random_state.get_state(legacy=False)
    return state


def generator_from_state(state: dict[str, Any]) -> np.random.RandomState:
    """A generator that goes on where the one of this state stood."""
    bit_generator = getattr(np.random, state["bit_generator"])()
    random_state = np.random.RandomState(bit_generator)
    random_state.set_state(state)
    return random_state


def seeded_generator(seed: Any, memory: Memory) -> np.random.RandomState:
    """The generator that a `random_state` parameter stands for.

    An integer seed starts a new sequence, except where a memory left by the same seed is
    given: then the sequence goes on. None and RandomState instances go on by themselves.
    """
    if is_seed(seed) and memory.get("seed") == seed:
        return generator_from_state(memory["generator"])
    generator: np.random.RandomState = check_random_state(seed)
    return generator


def generator_memory(seed: Any, random_state: np.random.RandomState) -> Memory:
    """What `seeded_generator` needs to go on."""
    if not is_seed(seed):
        return {}
    return {"seed": int(seed), "generator": generator_state(random_state)}


def dropout_generator(random_state: np.random.RandomState, memory: Memory) -> np.random.Generator:
    """What draws for dropout: a remembered generator that goes on, or a new one."""
    bits = np.random.PCG64(0)
    if "dropout_generator" in memory:
        bits.state = memory["dropout_generator"]
    else:
        bits = np.random.PCG64(random_state.randint(2**31 - 1))
    return np.random.Generator(bits)


def dropout_memory(training: Training) -> Memory:
    """The state of the generator for dropout, as plain data, if there is one."""
    generator = training.dropout_generator
    return {} if generator is None else {"dropout_generator": generator.bit_generator.state}


def is_seed(seed: Any) -> bool:
    """Whether a `random_state` is an integer."""
    return isinstance(seed, Integral)
