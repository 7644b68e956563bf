"""What the displays read from fitted estimators, scikit-learn's own included."""

from __future__ import annotations

from typing import Any

import numpy as np

from skneural.arrays.matrices import FloatArray


def check_fitted(estimator: Any) -> None:
    """Raise a NotFittedError for an estimator that is not fitted."""
    # Imported here: drawing given arrays needs no scikit-learn.
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)


def has_epochs(estimator: Any) -> bool:
    """Whether the iterations of its solver are epochs of mini-batches."""
    # Optimizers passed as objects always are; of the named solvers, those of the two lines below.
    solver = getattr(estimator, "solver", "sgd")
    if hasattr(estimator, "coef_"):
        return solver in ("sgd", "adam")
    return not (isinstance(solver, str) and solver == "lbfgs")


def layers_of(estimator: Any) -> list[FloatArray]:
    """The weights of a fitted estimator, of shape (fan in, fan out) for each layer."""
    check_fitted(estimator)
    if hasattr(estimator, "coefs_"):
        return [np.asarray(weights) for weights in estimator.coefs_]
    if not hasattr(estimator, "coef_"):
        raise ValueError(
            f"{type(estimator).__name__} has neither coefs_ nor coef_: there are no weights."
        )
    coef = estimator.coef_
    if hasattr(coef, "toarray"):
        coef = coef.toarray()
    return [np.atleast_2d(coef).T]


def names_of_outputs(estimator: Any, n_outputs: int) -> list[str]:
    """The class of each output unit, with its column if there are several (y0: a, y0: b, y1: c).

    For the targets of a regressor y0, y1, ...
    """
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return ["y"] if n_outputs == 1 else [f"y{output}" for output in range(n_outputs)]
    if isinstance(classes, list):  # a unit for each class of each column
        return [f"y{i}: {label}" for i, labels in enumerate(classes) for label in labels]
    # With two classes, the single unit gives the probability of the second.
    return [str(label) for label in list(classes)[-n_outputs:]]
