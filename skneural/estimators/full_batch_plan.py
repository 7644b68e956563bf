"""The plan of a training whose every step sees all rows at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from skneural.arrays.matrices import FloatArray
from skneural.arrays.threads import largest_product
from skneural.estimators.data import Data
from skneural.estimators.model import Model, Origin
from skneural.estimators.plan import TRAINING_LOSS, Plan, Selection, Start
from skneural.estimators.validation import selection_criterion, validator_of
from skneural.kernels.use import training_work
from skneural.losses import Loss
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.run import Run
from skneural.minimizers.state import Record, TrainingState
from skneural.network import Network


def full_batch_plan(
    estimator: Any,
    data: Data,
    start: Start,
    template: Model,
    network: Network,
    loss: Loss,
    selection: Selection,
    minimize: Callable[[Run], str],
    stopping: EarlyStopping,
    convergence_warning: Callable[[Run, str], str],
    params: FloatArray,
    drawn: tuple[str, ...],
) -> Plan:
    """The plan of a training by a minimiser that sees all rows at once.

    Parameters
    ----------
    estimator, data, start, template, network, loss, selection, convergence_warning
        As for `mini_batch_plan`.
    minimize : callable
        See `Plan`.
    stopping : EarlyStopping
    params : ndarray of shape (n_params,)
        To begin with.
    drawn : tuple of str
        What has been drawn at random.
    """
    validate, criterion = None, TRAINING_LOSS
    if selection.own is not None:
        metric = selection.metric
        validate = validator_of(estimator, metric, template, network, loss, selection.own)
        criterion = selection_criterion(metric, loss, selection.own)
    record = Record()
    if start.earlier is not None:
        record = start.record(criterion, restores_best=selection.restores_best)
    minimizer: dict[str, Any] = {}
    if start.mode == "resume" and start.earlier is not None and start.earlier.state is not None:
        minimizer = start.earlier.state.minimizer
    earlier = start.earlier.origin if start.earlier is not None else Origin()
    n_rows = len(data.rows.target)
    return Plan(
        template,
        network,
        minimize,
        TrainingState(params, {}, record, {"shuffle": start.generator}, minimizer),
        Origin(
            seed=start.seed,
            criterion=criterion,
            n_rows=n_rows,
            total_weight=data.rows.total_weight,
            validation_generator=earlier.validation_generator,
            drawn=drawn,
        ),
        stopping,
        validate,
        selection.restores_best,
        estimator.max_iter,
        largest_product(n_rows, list(pairwise(template.layer_sizes))),
        training_work(0, sum(template.layer_sizes[1:]), n_rows, n_rows, estimator.max_iter),
        convergence_warning,
    )
