"""Callbacks: checkpoints, a history that can be read meanwhile, a function after every epoch.

scikit-learn 1.9 tells *callbacks* of every epoch: objects that an estimator is given with
``set_callbacks``. Three of them are here::

    from skneural.callbacks import Checkpoint, HistoryLogger, OnEpochEnd, load_checkpoint

    network.set_callbacks(Checkpoint("network.checkpoint"), HistoryLogger("history.csv"))
    network.fit(X, y)
    network.set_callbacks(OnEpochEnd(lambda epoch: print(epoch.number, epoch.metrics))).fit(X, y)
    network = load_checkpoint("network.checkpoint")  # in another process, after a crash

They belong on the network itself, not on the search or the pipeline around it, and follow every
training of every copy of it, also in the worker processes of a search: scikit-learn's `clone`
hands on the callbacks.
"""

from skneural.callbacks.checkpoint import Checkpoint, load_checkpoint
from skneural.callbacks.history_logger import HistoryLogger
from skneural.callbacks.on_epoch_end import EpochReport, OnEpochEnd

__all__ = ["Checkpoint", "EpochReport", "HistoryLogger", "OnEpochEnd", "load_checkpoint"]
