"""The versions of skneural and of scikit-learn in every pickle."""

from __future__ import annotations

import re
import sys
import warnings
from typing import Any

import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from skneural._version import __version__

#: What scikit-learn's callbacks keep on an estimator as long as it is being fitted.
FIT_ONLY_ATTRIBUTES = ("_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")


class SkneuralVersionWarning(InconsistentVersionWarning):
    """A pickle was made by another minor version of skneural.

    Parameters
    ----------
    estimator_name : str
        The class of the pickled estimator.
    current : str
        This version of skneural.
    original : str
        The version that made the pickle.

    See Also
    --------
    sklearn.exceptions.InconsistentVersionWarning : The same about scikit-learn's versions.

    Examples
    --------
    Refuse such pickles:

    >>> import pickle, warnings
    >>> from skneural import ScratchPerceptron, SkneuralVersionWarning
    >>> file = pickle.dumps(ScratchPerceptron())
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", SkneuralVersionWarning)
    ...     model = pickle.loads(file)
    """

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


def check_format(found: int, newest: int) -> None:
    """Raise ValueError for the format of a file that only a later version can read.

    Parameters
    ----------
    found : int
    newest : int
        That this version can read.
    """
    if found > newest:
        raise ValueError(
            f"This model was saved by a later version of skneural, in format {found}: this version "
            f"reads formats up to {newest}. Update skneural."
        )


def with_versions(state: dict[str, Any]) -> dict[str, Any]:
    """The state of an estimator, and the versions of skneural and scikit-learn."""
    return dict(state, _skneural_version=__version__, _sklearn_version=sklearn.__version__)


def without_versions(estimator_name: str, state: dict[str, Any]) -> dict[str, Any]:
    """The state without them; warns where they are others than these."""
    state = dict(state)
    original = state.pop("_skneural_version", None)
    sklearn_original = state.pop("_sklearn_version", None)
    _warn_of_other_versions(estimator_name, __version__, original, sklearn_original)
    return state


def _warn_of_other_versions(
    estimator_name: str, current: str, original: str | None, sklearn_original: str | None
) -> None:
    """Warn where a pickle of an estimator was made by other versions than these.

    Of skneural another minor version counts, which may compute something else; of scikit-learn any
    other, as for its own estimators. A file of skops is read in silence: it holds plain data of
    known types, with a format number, which stays what it is in every version.

    Parameters
    ----------
    estimator_name : str
    current : str
        The version of skneural.
    original : str or None
        The one in the pickle; None for a pickle without.
    sklearn_original : str or None
        The version of scikit-learn in the pickle, likewise.
    """
    level, reader = _reader()
    if reader == "skops":
        return
    if original is not None and _minor(original) != _minor(current):
        warnings.warn(
            SkneuralVersionWarning(estimator_name, current, original), stacklevel=level + 1
        )
    if sklearn_original is not None and sklearn_original != sklearn.__version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=estimator_name,
                current_sklearn_version=sklearn.__version__,
                original_sklearn_version=sklearn_original,
            ),
            stacklevel=level + 1,
        )


def _minor(version: str) -> list[str]:
    """Major and minor number: ['0', '2'] of '0.2.0rc1'."""
    return re.findall(r"\d+", version)[:2]


def _reader() -> tuple[int, str]:
    """Who reads a pickle: the frames from the caller of this up to there, and the package."""
    level, frame, package = 0, sys._getframe(1), ""
    while frame.f_back is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        of_a_class = frame.f_code.co_name == "__setstate__"  # of a subclass, in any module
        if package not in ("skneural", "sklearn", "joblib", "pickle") and not of_a_class:
            break
        level, frame = level + 1, frame.f_back
    return level, package
