"""`summary()`: the layers of a fitted network as a small table."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from skneural.activations import Activation
from skneural.estimators.model import Model, Outcome

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
        The final loss, why the training ended, and so on.
    title : str
    """

    title: str
    rows: list[tuple[str, tuple[int, int], str, int]]
    notes: dict[str, str]

    @property
    def n_params(self) -> int:
        """All parameters."""
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


def summary_of(name: str, model: Model, outcome: Outcome) -> Summary:
    """The summary of a fitted network.

    Parameters
    ----------
    name : str
        Of the class of the estimator.
    model : Model
    outcome : Outcome
    """
    sizes = model.layer_sizes
    names = (
        [model.activation.name] * (len(sizes) - 2)
        if isinstance(model.activation, Activation)
        else [each.name for each in model.activation]
    )
    names.append(model.targets.link.name)
    kinds = [f"hidden {i + 1}" for i in range(len(sizes) - 2)] + ["output"]
    rows = [
        (kind, (fan_in, fan_out), activation, fan_in * fan_out + fan_out)
        for kind, fan_in, fan_out, activation in zip(kinds, sizes, sizes[1:], names, strict=False)
    ]
    return Summary(f"{name} ({model.dtype})", rows, _notes(outcome))


def _notes(outcome: Outcome) -> dict[str, str]:
    notes: dict[str, str] = {}
    if outcome.stop_reason:
        iterations = "iterations" if outcome.n_samples_seen == 0 else "epochs"
        notes["training"] = f"{outcome.n_iter} {iterations}, ended by {outcome.stop_reason!r}"
        notes["loss"] = f"{outcome.loss:.6g}"
    if outcome.best_validation_score is not None:
        score, best = outcome.best_validation_score, outcome.best_iteration
        notes["best validation score"] = f"{score:.4f}, in epoch {best}"
    return notes
