"""The version of skneural in every pickle."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skneural._version import __version__

#: What scikit-learn's callbacks keep on an estimator as long as it is being fitted.
OF_A_FIT = ("_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")


class SkneuralVersionWarning(InconsistentVersionWarning):
    """A pickle was made by another version of skneural."""

    def __init__(self, estimator_name: str, current: str, original: str) -> None:
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=current,
            original_sklearn_version=original,
        )

    def __str__(self) -> str:
        return (
            f"Trying to unpickle estimator {self.estimator_name} from skneural "
            f"{self.original_sklearn_version} when using skneural "
            f"{self.current_sklearn_version}. Check its predictions before relying on them, or "
            "train it again."
        )


class VersionStampMixin(BaseEstimator):
    """Stamps the state that is pickled, and compares the stamp when it is loaded.

    scikit-learn stamps its own classes only.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__(), _skneural_version=__version__)
        # A copy that is made amid a fit is no part of it.
        return {name: value for name, value in state.items() if name not in OF_A_FIT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_skneural_version", "unknown")
        if version != __version__:
            warnings.warn(
                SkneuralVersionWarning(type(self).__name__, __version__, version), stacklevel=2
            )
        super().__setstate__(state)
