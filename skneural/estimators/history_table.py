"""`history_`: what is known of every epoch, a record each."""

from __future__ import annotations

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
    def of(cls, history: History) -> HistoryTable:
        """The table of the epochs of a training."""
        columns = {name: history.column(field) for name, field in COLUMNS.items()}
        first = history.n_rows if history.validated_from is None else history.validated_from
        for name in ("validation_loss", "validation_score"):
            # Scores by another criterion, from before, do not compare.
            columns[name][:first] = [None] * first
        return cls(
            {"epoch": i + 1, **{name: _known(column[i], name) for name, column in columns.items()}}
            for i in range(history.n_rows)
        )

    @classmethod
    def of_joint(cls, history: JointHistory, prefix: str) -> HistoryTable:
        """The table of members that are judged together.

        Parameters
        ----------
        history : JointHistory
        prefix : {'oof', 'validation'}
            Of the columns that say what the rows they are judged by have come to.
        """
        names = {"validation_loss": f"{prefix}_loss", "validation_score": f"{prefix}_score"}
        names |= {"error": f"{prefix}_error"}
        columns = {names.get(name, name): history.column(name) for name in history.names}
        return cls(
            {"epoch": i + 1, **{name: _known(column[i], name) for name, column in columns.items()}}
            for i in range(history.n_rows)
        )


def _known(value: float | None, name: str) -> float | None:
    # A diverged loss is known to be infinite; NaN stands for what there is none of. Every epoch has
    # taken some time, which is not known of those that come from a file.
    return None if value != value and name != "seconds" else value
