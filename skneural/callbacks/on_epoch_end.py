"""A function that is called after every epoch, for tools that follow experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skneural.callbacks.fit_names import epoch_number, fit_name, last_record


@dataclass(frozen=True)
class EpochReport:
    """What the function of `OnEpochEnd` is told of an epoch.

    Attributes
    ----------
    number : int
        Of the epoch, from 1 on along `loss_curve_`: a warm start goes on counting.
    metrics : dict of str to float
        What a record of `history_` has, as far as it is known and finite: ``loss``, with validation
        rows ``validation_loss`` and ``validation_score``, with mini-batches ``learning_rate``,
        ``gradient_norm``, and ``seconds``, the time of this epoch. `TabularMLPClassifier` and
        `TabularMLPRegressor` have ``oof_loss`` and ``oof_score`` (out of fold) instead of the
        validation's. Empty for the perceptron.
    fit : str
        A name for the fit, such as ``3f2a9c1d``. Inside a search the place among its tasks follows:
        ``3f2a9c1d-0-5``, see `Checkpoint`.
    model : estimator
        Fitted, as it is after the epoch. It shares nothing with the one under training.

    See Also
    --------
    OnEpochEnd : Calls a function with it.

    Examples
    --------
    The function of this callback ends a training at a loss below 0.1:

    >>> from skneural.callbacks import OnEpochEnd
    >>> callback = OnEpochEnd(lambda epoch: epoch.metrics["loss"] < 0.1)
    """

    number: int
    metrics: dict[str, float]
    fit: str
    model: Any


class OnEpochEnd:
    """Calls a function after every epoch.

    Parameters
    ----------
    function : callable
        Is given an `EpochReport`. If it returns True the training ends, and ``stop_reason_`` is
        ``"callback"``; whatever else it returns, the training goes on. An exception that it raises,
        of any kind, ends the fit and comes out of it; the estimator is what it was before the fit,
        and after a KeyboardInterrupt the model of the epochs so far, as after Ctrl-C.

    Raises
    ------
    TypeError
        If it is not callable.

    See Also
    --------
    HistoryLogger : Writes a line to a file after every epoch.
    Checkpoint : Saves the model.

    Notes
    -----
    After an epoch whose loss is not finite the function is not called: there is no model of it.

    Copies of an estimator share the function, and copies in the worker processes of a search have
    a copy of it. A fitted estimator is pickled with its callbacks. Where the function cannot be
    pickled, as lambdas and functions within functions cannot, save ``model.for_prediction()``,
    which has no callbacks, or take them off before: ``model.set_callbacks()``.

    Examples
    --------
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.callbacks import OnEpochEnd
    >>> def show(epoch):
    ...     print(f"epoch {epoch.number}: loss {epoch.metrics['loss']:.3f}")
    >>> network = ScratchMLPClassifier(random_state=0)
    >>> network.set_callbacks(OnEpochEnd(show)).fit(X, y)  # doctest: +SKIP
    """

    def __init__(self, function: Callable[[EpochReport], Any]) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable, got {function!r}.")
        self.function = function

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.function!r})"

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool:
        """Call the function, if an epoch has ended."""
        if context.task_name != "epoch" or fitted_estimator is None:
            return False
        report = EpochReport(
            number=epoch_number(context, fitted_estimator),
            metrics=_known_metrics(fitted_estimator),
            fit=fit_name(context.parent),
            model=fitted_estimator,
        )
        # What loggers return, an object that stands for a request under way say, may count as true.
        is_over = self.function(report)
        return isinstance(is_over, bool | np.bool_) and bool(is_over)


def _known_metrics(model: Any) -> dict[str, float]:
    record = last_record(model)
    record.pop("epoch", None)
    return {
        name: float(value)
        for name, value in record.items()
        if value is not None and math.isfinite(value)
    }
