"""The plan of a training by mini-batches: what it goes on from, and what is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray, IndexArray
from skneural.arrays.threads import largest_product
from skneural.estimators.data import Data, LabelledRows
from skneural.estimators.finish import OUT_OF_EPOCHS
from skneural.estimators.model import Fitted, Origin, is_view_of
from skneural.estimators.plan import Plan, Start
from skneural.estimators.problem import TRAINING_LOSS, Problem
from skneural.estimators.scales import LearningCheck
from skneural.estimators.user_warnings import warn_user
from skneural.estimators.validation import split_rows
from skneural.kernels.use import training_work
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.state import TrainingState, generator_from_state, generator_state
from skneural.objective import Objective
from skneural.optimizers import RESERVED, Optimizer, State
from skneural.schedules import Schedule

#: Rows in a mini-batch of batch_size='auto', if there are so many.
LARGEST_AUTO_BATCH = 200


@dataclass(frozen=True)
class MiniBatchSettings:
    """What is special to a plan for mini-batches.

    Attributes
    ----------
    optimizer : Optimizer
    schedule : Schedule
    alpha, l1 : float
        Strengths of the penalties, divided by the unit of the weights.
    shares_penalty : bool
        Whether all rows share the penalty, as in logistic regression; else each batch has all of
        it, as in scikit-learn's multilayer perceptrons.
    """

    optimizer: Optimizer
    schedule: Schedule
    alpha: float
    l1: float = 0.0
    shares_penalty: bool = False


def mini_batch_plan(problem: Problem, settings: MiniBatchSettings) -> Plan:
    """The plan of a training by mini-batches.

    Parameters
    ----------
    problem : Problem
        Of an estimator with the parameters `batch_size`, `shuffle`, `tol`, `max_iter`,
        `n_iter_no_change`, `learning_rate_init`, `early_stopping` and `validation_fraction`.
    settings : MiniBatchSettings
    """
    estimator, data, start = problem.estimator, problem.data, problem.start
    network, selection = problem.network, problem.selection
    learning_rate_init = float(estimator.learning_rate_init)
    rows = data.rows

    params, is_initial = start.params(network, rows.X.dtype, rows.X)
    split = split_of(problem, rows)
    generators: dict[str, Any] = {"shuffle": start.generator}
    drawn = ["initial weights"] if is_initial else []
    if split.is_new:
        drawn.append("split")
    if network.draws:
        add_dropout_generator(generators, drawn, start)

    validate, criterion = None, TRAINING_LOSS
    if split.validation is not None:
        validate, criterion = problem.judged_by(split.validation)
    record = start.record(criterion, restores_best=selection.restores_best)
    optimizer, rate = settings.optimizer, learning_rate_init
    memory = optimizer.init_state(params.shape, params.dtype, network.n_penalised, network.rates)
    if start.earlier is not None and start.mode in ("partial_fit", "resume"):
        params, rate = continued(start.earlier, start.mode, optimizer, memory, params, rate)

    max_iter = 1 if start.mode == "partial_fit" else estimator.max_iter
    n_outputs = sum(map(attrgetter("n_outputs"), network.layers))
    n_rows, total = split.n_rows, float(split.n_rows)
    if rows.weight is not None or start.mode == "partial_fit":
        n_rows, total = total_weight(data, split.train, start)
    stops_early = bool(estimator.early_stopping) and validate is not None
    return Plan(
        problem.template,
        network,
        _minimizer(problem, settings, rows, split.train, split.batch_size, n_rows, total),
        TrainingState(params, memory, replace(record, learning_rate=rate), generators),
        Origin(
            optimizer=type(optimizer).__name__,
            learning_rate_init=learning_rate_init,
            seed=start.seed,
            criterion=criterion,
            n_rows=n_rows,
            total_weight=total,
            validation_generator=split.generator_state,
            drawn=tuple(drawn),
        ),
        EarlyStopping(
            estimator.tol, estimator.n_iter_no_change, stops_early, selection.restores_best
        ),
        validate,
        selection.restores_best,
        max_iter,
        largest_product(split.batch_size, list(pairwise(problem.template.layer_sizes))),
        training_work(network.n_params, n_outputs, split.n_rows, split.batch_size, max_iter),
        "" if settings.schedule.ends_with_max_iter else OUT_OF_EPOCHS.format(max_iter=max_iter),
        learning_check=LearningCheck(
            rows, split.train, network, problem.loss, data.feature_names, learning_rate_init
        ),
    )


def _minimizer(
    problem: Problem,
    settings: MiniBatchSettings,
    rows: LabelledRows,
    train: IndexArray | None,
    batch_size: int,
    n_rows: int,
    total_weight: float,
) -> MiniBatches:
    """Of these rows; number and weight are those of earlier calls of partial_fit too."""
    estimator = problem.estimator
    objective = Objective(
        problem.network,
        problem.loss,
        settings.alpha,
        batch_size,
        total_weight / rows.weight_unit / n_rows,
        rows.X.dtype,
        n_rows if settings.shares_penalty else None,
        settings.l1,
    )
    return MiniBatches(
        objective,
        rows.X,
        rows.target,
        rows.weight,
        settings.optimizer,
        settings.schedule,
        float(estimator.learning_rate_init),
        batch_size,
        estimator.max_iter,
        train,
        estimator.shuffle,
        check_input=False,
    )


def continued(
    earlier: Fitted,
    mode: str,
    optimizer: Optimizer,
    memory: State,
    params: FloatArray,
    learning_rate_init: float,
) -> tuple[FloatArray, float]:
    """Put what the optimizer remembers into its new `memory`; where it stands, and its rate."""
    assert earlier.state is not None
    rate = learning_rate_init
    if earlier.origin.optimizer == type(optimizer).__name__:
        # What a setting has been switched on for since then begins anew.
        for key, value in earlier.state.optimizer.items():
            if not key.startswith("scratch") and (key in memory or key not in RESERVED):
                memory[key] = np.array(value) if isinstance(value, np.ndarray) else value
        if earlier.origin.learning_rate_init == learning_rate_init:
            rate = earlier.state.record.learning_rate
    if "average" in memory and mode == "partial_fit":
        params = _iterate(earlier, memory, params)
    return params, rate


def _iterate(earlier: Fitted, state: State, params: FloatArray) -> FloatArray:
    """Resume from the raw iterate if the fitted weights are still its running average."""
    assert earlier.state is not None
    is_apart = not is_view_of(earlier.state.params, earlier.model.params)
    if is_apart and np.array_equal(state["average"], params):
        return np.array(earlier.state.params)
    # The best epoch, or what somebody has made of the weights: the average starts from there.
    state["n_averaged"] = 0
    return params


@dataclass(frozen=True)
class Split:
    """The rows to train on and those to validate on.

    Attributes
    ----------
    n_rows : int
        How many to train on.
    train : ndarray of int or None
        Their numbers; None for all.
    validation : LabelledRows or None
        Held out, or of the user's own.
    generator_state : dict or None
        That of the generator that has drawn the rows held out.
    is_new : bool
        Whether they were drawn just now. A training that goes on holds out the same as before.
    batch_size : int
        Rows to train on in a batch, of which there cannot be more than there are.
    """

    n_rows: int
    train: IndexArray | None
    validation: LabelledRows | None
    generator_state: dict[str, Any] | None
    is_new: bool
    batch_size: int


def split_of(problem: Problem, rows: LabelledRows) -> Split:
    """The rows held out by a training that goes on, or new ones, if any are to be; the batches."""
    estimator, start, selection = problem.estimator, problem.start, problem.selection
    state = None if start.earlier is None else start.earlier.origin.validation_generator
    n_rows, train, validation, is_new = rows.X.shape[0], None, selection.own, False
    if selection.holds_out:
        # A fit is resumed by drawing the same once more, if it is known where its generator stood.
        is_repeated = start.mode == "resume" and start.drew("split") and start.draws_the_same
        is_new = state is None or is_repeated
        generator = start.generator if state is None or is_new else generator_from_state(state)
        if is_new:
            state = generator_state(generator)
        train, held_out = split_rows(
            problem.data.targets, rows.target, estimator.validation_fraction, generator
        )
        n_rows, validation = len(train), rows.take(held_out)
    batch_size = estimator.batch_size
    if batch_size == "auto":
        batch_size = LARGEST_AUTO_BATCH
    elif batch_size > n_rows:
        warn_user(
            f"batch_size={batch_size} is larger than the {n_rows} rows to train on: "
            "all of them make one batch."
        )
    batch_size = min(int(batch_size), n_rows)
    return Split(n_rows, train, validation, state, is_new, batch_size)


def total_weight(data: Data, train: IndexArray | None, start: Start) -> tuple[int, float]:
    """The number of rows trained on, by earlier calls of partial_fit too, and their weight.

    Raises
    ------
    ValueError
        If the weights of all rows to train on are zero.
    """
    rows = data.rows
    n_rows = len(rows.target) if train is None else len(train)
    total = float(n_rows)
    if rows.weight is not None:
        total = data.total_weight
        if train is not None:
            total = float(np.sum(rows.weight[train], dtype=np.float64)) * rows.weight_unit
    if start.mode == "partial_fit" and start.earlier is not None:
        earlier = start.earlier.origin
        total, n_rows = earlier.total_weight + total, earlier.n_rows + n_rows
    if total == 0:
        raise ValueError(
            "sample_weight is zero for every row left to train on after early_stopping has held "
            "out its validation rows."
        )
    return n_rows, total


def add_dropout_generator(generators: dict[str, Any], drawn: list[str], start: Start) -> None:
    """Add what layers draw from, remembered or seeded anew; note whether a seed was drawn."""
    state = None if start.earlier is None else start.earlier.state
    remembered = None if state is None else state.generators.get("dropout")
    is_continued = start.mode in ("partial_fit", "resume") and remembered is not None
    is_seeded = not is_continued or (start.mode == "resume" and start.drew("dropout"))
    if is_seeded:
        drawn.append("dropout")
        seed = start.generator.randint(2**31 - 1)
        generators["dropout"] = np.random.Generator(np.random.PCG64(seed))
    if is_continued and remembered is not None:
        generators["dropout"] = generator_from_state(
            generator_state(remembered), np.random.Generator
        )
