"""Copies of frozen dataclasses with some fields changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from skneural.minimizers.changed import changed
from skneural.minimizers.checkpoints import Checkpoints
from skneural.minimizers.history import History
from skneural.minimizers.state import Record, TrainingState

CHANGES = [
    (History(), {"n_rows": 2, "best_loss": 0.5}),
    (Record(n_iter=1), {"n_iter": 2, "stopped": ("converged",)}),
    (Checkpoints.of(["loss"]), {"memory": (np.zeros(2),)}),
    (TrainingState(np.zeros(3)), {"minimizer": {"units": []}}),
]


@pytest.mark.parametrize(("before", "changes"), CHANGES, ids=lambda each: type(each).__name__)
def test_it_is_what_dataclasses_replace_gives(before, changes):
    fields = dict(vars(before))
    after, expected = changed(before, **changes), replace(before, **changes)
    assert type(after) is type(before)
    assert vars(after).keys() == vars(expected).keys()
    assert all(value is vars(expected)[name] for name, value in vars(after).items())
    assert vars(before) == fields
    with pytest.raises(FrozenInstanceError):
        after.n_iter = 5
