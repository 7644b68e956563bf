"""The version of skneural in every pickle."""

from __future__ import annotations

from sklearn.exceptions import InconsistentVersionWarning

#: What scikit-learn's callbacks keep on an estimator as long as it is being fitted.
FIT_ONLY_ATTRIBUTES = ("_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")


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
