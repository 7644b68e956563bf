"""`history_`: what is known of every epoch, a record each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sklearn.base import BaseEstimator

#: The columns of the history, and the attributes that hold them.
COLUMNS = {
    "loss": "loss_curve_",
    "validation_loss": "validation_loss_curve_",
    "validation_score": "validation_scores_",
    "learning_rate": "_learning_rates",
    "gradient_norm": "_gradient_norms",
    "seconds": "_seconds",
}


class History(list[dict[str, Any]]):
    """A record (dict) for every epoch, in order."""

    def to_frame(self) -> Any:
        """The same as a pandas DataFrame, a row for every epoch.

        Returns
        -------
        frame : pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ImportError(
                "to_frame makes a pandas DataFrame, and pandas is not installed: pip install "
                "pandas. The history itself is a list of dicts."
            ) from error
        return pandas.DataFrame.from_records(self, columns=["epoch", *COLUMNS])


class HistoryMixin(BaseEstimator):
    """Shows the curves of a training as one table."""

    @property
    def history_(self) -> History:
        """A record of every epoch: its number, and what is known of it; None for what is not.

        The losses, scores and so on are those of the curves of the same training. Validation may
        have come later than the training: its numbers belong to the last epochs.
        """
        if not hasattr(self, "loss_curve_"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'history_': it is not fitted "
                "yet, or for_prediction() has left the history out."
            )
        n_epochs = len(self.loss_curve_)
        columns: dict[str, list[float | None]] = {}
        for name, attribute in COLUMNS.items():
            curve = getattr(self, attribute) or []
            columns[name] = [*[None] * (n_epochs - len(curve)), *map(_known, curve)]
        return History(
            {"epoch": i + 1, **{name: column[i] for name, column in columns.items()}}
            for i in range(n_epochs)
        )


def _known(value: float) -> float | None:
    # A diverged loss is known to be infinite; NaN stands for what there is none of.
    return None if value != value else value
