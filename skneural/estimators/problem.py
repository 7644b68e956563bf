"""What a plan is made for: the rows, what is trained on them, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skneural.arrays.matrices import FloatArray
from skneural.estimators.data import Data, LabelledRows
from skneural.estimators.model import Model
from skneural.estimators.plan import Start
from skneural.estimators.validation import as_stored, selection_criterion, validator_of
from skneural.losses import Loss
from skneural.minimizers.history import Validation
from skneural.network import Network

#: What the best epoch is selected by where there are no validation rows.
TRAINING_LOSS = "training loss"


@dataclass(frozen=True)
class Selection:
    """How the best epoch is selected, and what for.

    Attributes
    ----------
    metric : str or callable
        See `validator_of`.
    own : LabelledRows or None
        Validation rows of the user's own.
    holds_out : bool
        Whether rows are held out for validation.
    restores_best : bool
    """

    metric: Any
    own: LabelledRows | None
    holds_out: bool
    restores_best: bool


@dataclass(frozen=True)
class Problem:
    """A network to be trained, whatever the minimiser.

    Attributes
    ----------
    estimator : estimator
        With the parameters of its training.
    data : Data
    start : Start
    template, network
        See `skneural.estimators.plan.Plan`.
    loss : Loss
        For the outputs of the network.
    selection : Selection
    """

    estimator: Any
    data: Data
    start: Start
    template: Model
    network: Network
    loss: Loss
    selection: Selection

    def judged_by(self, rows: LabelledRows) -> tuple[Callable[[FloatArray], Validation], str]:
        """What evaluates parameters by these validation rows, and what selects the best epoch."""
        metric, own = self.selection.metric, self.selection.own
        validate = validator_of(
            self.estimator, metric, self.template, self.network, self.loss, rows
        )
        criterion = selection_criterion(metric, self.loss, own)
        if own is not None and self.start.earlier is not None:
            criterion = as_stored(criterion, self.start.earlier.origin.criterion, own)
        return validate, criterion
