"""scikit-learn's callbacks: told of every epoch, with the model as it then is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class EpochTasks:
    """Makes a task of every epoch (iteration), in the tree of tasks that callbacks look at.

    Parameters
    ----------
    estimator : estimator
        The one under training.
    max_iter : int
        Most epochs.
    data : dict
        X, y and metadata, as the user gave them to fit.
    has_empty_end : bool, default=False
        Whether there is at least one epoch and after the last one an empty task, as scikit-learn
        has it where the callback of an optimizer of SciPy's tells of the epochs.
    """

    def __init__(
        self, estimator: Any, max_iter: int, data: dict[str, Any], has_empty_end: bool = False
    ) -> None:
        self._estimator = estimator
        self._data = data
        self._has_empty_end = has_empty_end
        self._fit = estimator._init_callback_context(max_subtasks=max(max_iter, 1) + has_empty_end)
        self._fit.call_on_fit_task_begin(estimator=estimator, **data)
        self._epoch: Any = None
        self._n_begun = self._n_ended = 0
        #: What the model would be if the training ended here: attributes by name, or None.
        self.attributes: Callable[[], dict[str, Any] | None] = lambda: None

    def epoch_begins(self) -> None:
        """Open a task, if there is none open."""
        if self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._n_begun += 1
            self._epoch.call_on_fit_task_begin(
                estimator=self._estimator, reconstruction_attributes=self.attributes, **self._data
            )

    def epoch_ended(self) -> bool:
        """Close it; whether a callback wants the training to stop."""
        self.epoch_begins()
        epoch, self._epoch = self._epoch, None
        self._n_ended += 1
        return bool(
            epoch.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=self.attributes,
                **self._data,
            )
        )

    def training_ended(self) -> None:
        """Close a task that has come to nothing."""
        if self._epoch is not None:
            epoch, self._epoch = self._epoch, None
            epoch.call_on_fit_task_end(estimator=self._estimator)

    def fit_ended(self, attributes: dict[str, Any]) -> None:
        """Close the task of the whole fit, with what the estimator will be."""
        while self._has_empty_end and self._n_begun < max(self._n_ended, 1) + 1:
            self.epoch_begins()
            self.training_ended()
        self._fit.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=attributes, **self._data
        )


def epoch_tasks(estimator: Any, X: Any, y: Any, sample_weight: Any) -> EpochTasks:
    """The tasks of a fit that callbacks are to be told of."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    data = {"X": X, "y": y, "metadata": metadata}
    has_empty_end = getattr(estimator, "_tasks_have_empty_end", False)
    return EpochTasks(estimator, estimator.max_iter, data, has_empty_end)
