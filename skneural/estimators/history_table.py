"""`history_`: what is known of every epoch, a record each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from skneural.minimizers.history import History
from skneural.minimizers.joint import JointHistory

#: The columns of the table, and the fields of `skneural.minimizers.history.Epoch` in them.
COLUMNS = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_score": "validation_score",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "seconds": "seconds",
}


class HistoryTable(list[dict[str, Any]]):
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
        columns = list(self[0]) if self else ["epoch", *COLUMNS]
        return pandas.DataFrame.from_records(self, columns=columns)

    @classmethod
    def of(cls, history: History, begin: int = 0) -> HistoryTable:
        """The table of the epochs of a training.

        Parameters
        ----------
        history : History
        begin : int, default=0
            Of which epoch the first record is; -1 for the last epoch alone.
        """
        first = history.n_rows if history.validated_from is None else history.validated_from

        def number(i: int, name: str, column: str) -> Any:
            # Scores by another criterion, from before, do not compare.
            is_hidden = i < first and name in ("validation_loss", "validation_score")
            return None if is_hidden else getattr(history.rows[i], column)

        return cls._from(number, COLUMNS, range(history.n_rows)[begin:])

    @classmethod
    def of_joint(cls, history: JointHistory, prefix: str, begin: int = 0) -> HistoryTable:
        """The table of members that are judged together.

        Parameters
        ----------
        history : JointHistory
        prefix : {'oof', 'validation'}
            Of the columns that say what the rows they are judged by have come to.
        begin : int, default=0
            As in `of`.
        """
        names = {"validation_loss": f"{prefix}_loss", "validation_score": f"{prefix}_score"}
        names |= {"error": f"{prefix}_error"}
        columns = {names.get(column, column): column for column in history.names}

        def number(i: int, name: str, column: str) -> Any:
            return history.number(i, column)

        return cls._from(number, columns, range(history.n_rows)[begin:])

    @classmethod
    def _from(
        cls, number: Callable[[int, str, str], Any], columns: dict[str, str], epochs: range
    ) -> HistoryTable:
        return cls(
            {
                "epoch": i + 1,
                **{name: _known(number(i, name, column), name) for name, column in columns.items()},
            }
            for i in epochs
        )


def no_history(estimator: Any) -> AttributeError:
    """The error of an estimator that has no `history_`, to be raised."""
    return AttributeError(
        f"{type(estimator).__name__!r} object has no attribute 'history_': it is not fitted "
        "yet, or for_prediction() has left the history out."
    )


def _known(value: float | None, name: str) -> float | None:
    # A diverged loss is known to be infinite; NaN stands for what there is none of. Every epoch has
    # taken some time, which is not known of those that come from a file.
    return None if value != value and name != "seconds" else value
