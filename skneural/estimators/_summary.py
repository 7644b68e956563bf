"""`summary()`: the layers of a fitted network as a small table."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

HEADER = ("layer", "shape", "activation", "parameters")


@dataclass(frozen=True)
class Summary:
    """Prints as a table; in a notebook it is one.

    Attributes
    ----------
    rows : list of tuple (layer, shape, activation, number of parameters)
        A row for each layer of weights.
    n_params : int
        All parameters.
    notes : dict
        What else is to be known: the final loss, why the training ended, and so on.
    title : str
    """

    title: str
    rows: list[tuple[str, tuple[int, int], str, int]]
    notes: dict[str, str]

    @property
    def n_params(self) -> int:
        return sum(row[-1] for row in self.rows)

    def __str__(self) -> str:
        table = [HEADER, *self._cells()]
        widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
        lines = [self.title]
        for row in table:
            name, *others = row
            cells = [name.ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        lines.append(f"{self.n_params:,} parameters")
        lines += [f"{name}: {value}" for name, value in self.notes.items()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def row(cells: tuple[str, ...], tag: str) -> str:
            inner = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
            return f"<tr>{inner}</tr>"

        body = "".join(row(cells, "td") for cells in self._cells())
        notes = "".join(
            f"<br>{escape(name)}: {escape(value)}" for name, value in self.notes.items()
        )
        return (
            f"<table><caption>{escape(self.title)}</caption>"
            f"<thead>{row(HEADER, 'th')}</thead><tbody>{body}</tbody></table>"
            f"<p>{self.n_params:,} parameters{notes}</p>"
        )

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (name, f"{shape[0]} x {shape[1]}", activation, f"{n_params:,}")
            for name, shape, activation, n_params in self.rows
        ]


class SummaryMixin(BaseEstimator):
    """Sums a fitted network up."""

    def summary(self) -> Summary:
        """Layers, shapes and parameters, the final loss, and why the training ended.

        Returns
        -------
        summary : Summary
            Prints as a small table, and is shown as one in a notebook.

        Raises
        ------
        NotFittedError
            If there is nothing to sum up yet.
        """
        check_is_fitted(self)
        network = self._network
        names = [activation.name for activation in network.activations] + [self.out_activation_]
        shapes = network.shapes
        kinds = [f"hidden {i + 1}" for i in range(len(shapes) - 1)] + ["output"]
        rows = [
            (kind, shape, name, shape[0] * shape[1] + n_intercepts)
            for kind, shape, name, n_intercepts in zip(
                kinds, shapes, names, network.n_intercepts, strict=True
            )
        ]
        return Summary(f"{type(self).__name__} ({self._params.dtype})", rows, self._notes())

    def _notes(self) -> dict[str, str]:
        notes: dict[str, Any] = {}
        if self.stop_reason_:
            iterations = "iterations" if self.t_ == 0 else "epochs"
            notes["training"] = f"{self.n_iter_} {iterations}, ended by {self.stop_reason_!r}"
            notes["loss"] = f"{self.loss_:.6g}"
        if self.best_validation_score_ is not None:
            score, best = self.best_validation_score_, self.best_iteration_
            notes["best validation score"] = f"{score:.4f}, in epoch {best}"
        return notes
