"""`partial_fit` and `resume`, which an ensemble over folds cannot have."""

from __future__ import annotations

from typing import Any


class NotOffered:
    """A method of other estimators: asking for it is an AttributeError that says what to use."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, estimator: Any, owner: type) -> Any:
        raise AttributeError(
            f"{owner.__name__} has no {self._name}: its folds, encodings and schedules are those "
            "of all rows and all epochs. Call fit with all rows, and with max_iter or max_time for "
            "a shorter training; ScratchMLPClassifier and ScratchMLPRegressor have partial_fit "
            "and resume."
        )
