"""The training of an ensemble: from rows and a recipe to a run, and what is left of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from skneural.arrays.matrices import FloatArray
from skneural.arrays.threads import largest_product
from skneural.estimators.data import in_units
from skneural.estimators.finish import NOT_FINITE
from skneural.estimators.scales import LEARNT_SHARE
from skneural.estimators.tabular.ensemble import Ensemble, FittedEnsemble, Shape, TableOutcome
from skneural.estimators.tabular.folds import Fold
from skneural.estimators.tabular.inputs import Inputs, MemberTable
from skneural.estimators.tabular.judging import Judge
from skneural.estimators.tabular.outputs import Classes, NumbersOfMembers
from skneural.estimators.tabular.recipe import Recipe
from skneural.estimators.user_warnings import warn_user
from skneural.initialization import row_sample
from skneural.kernels.use import training_work
from skneural.losses import Loss
from skneural.minimizers.checkpoints import Checkpoints
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.joint import CycleStop
from skneural.minimizers.minibatch import MiniBatches
from skneural.minimizers.run import EpochListener, Run
from skneural.minimizers.state import Record, TrainingState, seeded_generator
from skneural.network import Network
from skneural.objective import Objective
from skneural.optimizers import AdamW
from skneural.schedules import CosLog, FlatCos

BETA_1, BETA_2 = 0.9, 0.95

#: Of the weights of a member's rows, beside one of the largest: it has an inverse in float32.
SMALLEST_MEAN = 1e-30


@dataclass(frozen=True, eq=False)
class Training:
    """A training that can be run.

    Attributes
    ----------
    recipe : Recipe
    shape : Shape
    table : MemberTable
    inputs : Inputs
        Of the rows to train on, in float32.
    folds : list of Fold
    loss : Loss
    target : ndarray of shape (n_rows, n_outputs), or (K, n_rows, n_outputs)
        As the loss takes it.
    weight : ndarray of shape (n_rows,) or None
    judge : Judge
    criteria : tuple of str
        What checkpoints are selected by: columns of the history, the lower the better.
    outputs_of : callable
        ``outputs_of(temperatures)`` is what the outputs stand for.
    """

    recipe: Recipe
    shape: Shape
    table: MemberTable
    inputs: Inputs
    folds: list[Fold]
    loss: Loss
    target: npt.NDArray[Any]
    weight: FloatArray | None
    judge: Judge
    criteria: tuple[str, ...]
    outputs_of: Callable[[FloatArray], Classes | NumbersOfMembers]

    def run(
        self,
        rng: np.random.RandomState,
        listener: EpochListener | None,
        verbose: bool | int,
        deadline: float,
    ) -> tuple[Callable[[Run], str], Run]:
        """What minimises, and the run that it is given; draws what members begin with."""
        recipe, network, n_members = self.recipe, self.judge.network, len(self.folds)
        optimizer = AdamW(beta_1=BETA_1, beta_2=BETA_2, weight_decay=recipe.weight_decay)
        params = _initial_params(network, self.inputs, n_members, rng)
        weight, mean_weight = _in_single_precision(self.weight, self.folds)
        objective = Objective(
            network,
            self.loss,
            0.0,
            recipe.batch_size,
            mean_weight,
            np.float32,
            members=(n_members,),
        )
        minimize = MiniBatches(
            objective,
            self.inputs.shared,
            self.target,
            weight,
            optimizer,
            CosLog(),
            recipe.learning_rate_init,
            recipe.batch_size,
            recipe.max_iter,
            rows=[fold.train for fold in self.folds],
            decay_schedule=FlatCos(),
            dropout_schedule=FlatCos(),
            drop_last=True,
            own_columns=self.inputs.own,
            check_input=False,
        )
        state = TrainingState(
            params,
            optimizer.init_state(params.shape, params.dtype, network.n_penalised, network.rates),
            Record.of_members(n_members, recipe.learning_rate_init),
            _generators(n_members, rng),
            checkpoints=Checkpoints.of(self.criteria),
        )
        run = Run(
            state,
            # No patience: schedules end with the last epoch, and the best ones are kept.
            EarlyStopping(0.0, math.inf, by_score=True, jointly=True),
            max_iter=recipe.max_iter,
            validate_together=self.judge,
            listener=listener,
            verbose=verbose,
            deadline=deadline,
            cycle_stop=self._cycle_stop(),
            restores_start=False,  # nothing was there before
        )
        return minimize, run

    def _cycle_stop(self) -> CycleStop | None:
        first, second, third, *_ = CosLog().cycle_ends(self.recipe.max_iter)
        if not first < second < third:
            return None
        learnt = (1 - LEARNT_SHARE) * self.judge.loss_of_constant()
        return CycleStop((first, second, third), self.criteria[0], learnt)

    @property
    def largest_product(self) -> int:
        """Multiplications of the largest matrix product, see `skneural.arrays.threads`."""
        n_inputs = self.table.n_shared + self.table.n_own
        widths = (n_inputs, *self.shape.hidden_layer_sizes, self.shape.n_outputs)
        return largest_product(self.recipe.batch_size, list(pairwise(widths)))

    @property
    def work(self) -> float:
        """Elements that all steps go through, see `skneural.kernels.use`."""
        network, n_members = self.judge.network, len(self.folds)
        return training_work(
            n_members * network.n_params,
            n_members * sum(layer.n_outputs for layer in network.layers),
            max(len(fold.train) for fold in self.folds),
            self.recipe.batch_size,
            self.recipe.max_iter,
        )


def _initial_params(
    network: Network, inputs: Inputs, n_members: int, rng: np.random.RandomState
) -> FloatArray:
    """What each member begins with, drawn from one sample of all rows."""
    sample = row_sample(np.arange(len(inputs.shared))[:, np.newaxis], rng)[:, 0]
    params: FloatArray = np.empty((n_members, network.n_params), dtype=np.float32)
    own = seeded_generator(0)
    for k in range(n_members):
        own.seed(rng.randint(2**31 - 1))
        network.initialize(params[k], own, inputs.of_member(k, sample))
    return params


def _generators(n_members: int, rng: np.random.RandomState) -> dict[str, Any]:
    """What each member draws the order of its rows and its dropout from."""
    generators: dict[str, Any] = {}
    for k in range(n_members):
        generators[f"shuffle {k}"] = seeded_generator(rng.randint(2**31 - 1))
        seed = rng.randint(2**31 - 1)
        generators[f"dropout {k}"] = np.random.Generator(np.random.PCG64(seed))
    return generators


def _in_single_precision(
    weight: FloatArray | None, folds: Sequence[Fold]
) -> tuple[FloatArray | None, Any]:
    """Weights in float32, and their mean among the rows of each member."""
    if weight is None:
        return None, 1.0
    weight, _ = in_units(weight, np.dtype(np.float32))
    means = [float(weight[fold.train].mean(dtype=np.float64)) for fold in folds]
    # Where nearly all the weight is of rows that a member leaves out, it has no more than this.
    return weight, np.maximum(means, SMALLEST_MEAN)


def fitted_ensemble(
    training: Training, run: Run, reason: str, n_rows: int | None
) -> FittedEnsemble:
    """What is left of a training that is over, or of its state amid a fit.

    Parameters
    ----------
    training : Training
    run : Run
    reason : str
        Why it ended; '' if it has not.
    n_rows : int or None
        Rows to have out-of-fold predictions for; None if validation rows were given.

    Raises
    ------
    ValueError
        If no epoch had a finite loss.
    """
    record, judge = run.state.record, training.judge
    joint, checkpoints = record.joint, run.state.checkpoints
    assert joint is not None
    assert checkpoints is not None
    best = checkpoints.epochs()
    losses = joint.column("validation_loss")
    if not best or reason == "not_finite" or not math.isfinite(losses[best[0].epoch - 1]):
        raise ValueError(
            f"{NOT_FINITE} The loss of epoch {record.n_iter} was {record.loss}: the learning rate "
            "may be too high."
        )
    epochs = np.array([each.epoch for each in best], dtype=np.intp)
    temperatures = np.ones(len(best))
    if "temperature" in joint.names:
        temperatures = np.array(joint.column("temperature"))[epochs - 1]
    params = np.stack([each.params for each in best if each.params is not None])
    outputs = training.outputs_of(temperatures)
    score, predictions = judge.final(outputs, n_rows, joint.n_rows)
    outcome = TableOutcome(
        record.n_iter, epochs, score, n_rows is not None, reason, training.recipe.settings()
    )
    model = Ensemble(training.table, training.shape, params, outputs)
    return FittedEnsemble(model, outcome, joint, predictions)


def warn_of_end(run: Run) -> None:
    """Warn of members that have diverged, and of a metric that was never a number."""
    stopped = run.state.record.stopped
    diverged = [k for k, why in enumerate(stopped) if why == "not_finite"]
    if diverged:
        warn_user(
            f"The training loss of {len(diverged)} of {len(stopped)} members is no longer finite: "
            "they are kept as they were before. The learning rate may be too high.",
            ConvergenceWarning,
        )
    checkpoints = run.state.checkpoints
    if checkpoints is not None and not any(math.isfinite(each.value) for each in checkpoints.best):
        warn_user(
            "No epoch had an early_stopping_metric that is a finite number: the last one is taken."
        )
