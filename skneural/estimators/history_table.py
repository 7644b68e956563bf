"""`history_`: what is known of every epoch, a record each."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
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

#: How many epochs are shown at either end of a long history.
EDGE = 5


class HistoryTable(list[dict[str, Any]]):
    """A record (dict) for every epoch, in order.

    It prints as a table of its first and last epochs, with the columns that hold something; in a
    notebook it is shown as one. Everything else is as with any list; slices are plain lists.
    """

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
        frame = pandas.DataFrame.from_records(self, columns=columns)
        # A number that no epoch has is None in all records.
        empty = frame.columns[frame.isna().all()]
        return frame.astype(dict.fromkeys(empty, float))

    def __repr__(self) -> str:
        if not self._has_records_only():
            return super().__repr__()
        header, rows = self._cells()
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        lines = [self._title()]
        for row in (header, *rows):
            cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells))
        return "\n".join(lines)

    __str__ = __repr__

    def _repr_html_(self) -> str | None:
        if not self._has_records_only():
            return None  # notebooks then show the text
        header, rows = self._cells()

        def row(cells: list[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        body = "".join(row(cells, "td") for cells in rows)
        return (
            f"<table><caption>{self._title()}</caption>"
            f"<thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"
        )

    def _has_records_only(self) -> bool:
        # It is a list, to which anything can be appended.
        return all(isinstance(record, dict) for record in self)

    def _title(self) -> str:
        return f"History of {len(self)} epoch{'' if len(self) == 1 else 's'}"

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """The header, and the rows that are shown; a row of dots stands for those left out."""
        names = list(dict.fromkeys(name for record in self for name in record))
        names = [name for name in names if any(_is_known(record.get(name)) for record in self)]
        shown = [[_cell(name, record.get(name)) for name in names] for record in self._edges()]
        if len(shown) < len(self):
            shown.insert(EDGE, ["..."] * len(names))
        return [str(name) for name in names], shown

    def _edges(self) -> list[dict[str, Any]]:
        return list(self) if len(self) <= 2 * EDGE + 1 else self[:EDGE] + self[-EDGE:]

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


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and value != value)


def _cell(name: str, value: Any) -> str:
    if not _is_known(value):
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if name == "seconds" else f"{value:.6g}"
