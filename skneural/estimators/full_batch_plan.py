"""The plan of a training whose every step sees all rows at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from skneural.arrays.matrices import FloatArray
from skneural.arrays.threads import largest_product
from skneural.estimators.model import Origin
from skneural.estimators.plan import Plan
from skneural.estimators.problem import TRAINING_LOSS, Problem
from skneural.kernels.use import training_work
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.run import Run
from skneural.minimizers.state import TrainingState


def full_batch_plan(
    problem: Problem,
    minimize: Callable[[Run], str],
    stopping: EarlyStopping,
    params: FloatArray,
    drawn: tuple[str, ...],
    convergence_warning: Callable[[Run, str], str],
) -> Plan:
    """The plan of a training by a minimiser that sees all rows at once.

    Parameters
    ----------
    problem : Problem
        Of an estimator with the parameter `max_iter`.
    minimize : callable
        See `Plan`.
    stopping : EarlyStopping
    params : ndarray of shape (n_params,)
        To begin with.
    drawn : tuple of str
        What has been drawn at random.
    convergence_warning : callable
        See `Plan`.
    """
    rows, start, layer_sizes = problem.data.rows, problem.start, problem.template.layer_sizes
    max_iter, restores_best = problem.estimator.max_iter, problem.selection.restores_best
    validate, criterion = None, TRAINING_LOSS
    if problem.selection.own is not None:
        validate, criterion = problem.judged_by(problem.selection.own)
    record = start.record(criterion, restores_best=restores_best)
    minimizer: dict[str, Any] = {}
    if start.mode == "resume" and start.earlier is not None and start.earlier.state is not None:
        minimizer = start.earlier.state.minimizer
    earlier = start.earlier.origin if start.earlier is not None else Origin()
    n_rows = len(rows.target)
    return Plan(
        problem.template,
        problem.network,
        minimize,
        TrainingState(params, {}, record, {"shuffle": start.generator}, minimizer),
        Origin(
            seed=start.seed,
            criterion=criterion,
            n_rows=n_rows,
            total_weight=problem.data.total_weight,
            validation_generator=earlier.validation_generator,
            drawn=drawn,
        ),
        stopping,
        validate,
        restores_best,
        max_iter,
        largest_product(n_rows, list(pairwise(layer_sizes))),
        training_work(0, sum(layer_sizes[1:]), n_rows, n_rows, max_iter),
        convergence_warning,
    )
