"""Callbacks for long trainings: checkpoints, and a history that can be read meanwhile.

scikit-learn 1.9 tells *callbacks* of every epoch: objects that an estimator is given with
``set_callbacks``. Two of them are here::

    from skneural.callbacks import Checkpoint, HistoryLogger, load_checkpoint

    network.set_callbacks(Checkpoint("network.checkpoint"), HistoryLogger("history.csv"))
    network.fit(X, y)
    network = load_checkpoint("network.checkpoint")  # in another process, after a crash

Both belong on the network itself, not on the search or the pipeline around it, and follow every
training of every copy of it, also in the worker processes of a search: scikit-learn's `clone`
hands on the callbacks.
"""

from skneural.callbacks.checkpoint import Checkpoint, load_checkpoint
from skneural.callbacks.history_logger import HistoryLogger

__all__ = ["Checkpoint", "HistoryLogger", "load_checkpoint"]
