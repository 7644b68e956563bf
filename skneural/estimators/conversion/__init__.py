"""Fitted estimators of scikit-learn from ours, and ours from scikit-learn's."""

from __future__ import annotations

from typing import Any


def from_sklearn(model: Any) -> Any:
    """Adopt a fitted estimator of scikit-learn, for faster predictions and further training.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor, LogisticRegression or Perceptron
        A fitted one. It stays as it is.

    Returns
    -------
    object
        Our estimator of the same name, with the same parameters and predictions. It shares no
        array with `model`.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it is of another class, or of a subclass with methods of its own.
    ValueError
        If ours cannot predict what it predicts: see the method `from_sklearn` of each class.

    See Also
    --------
    ScratchMLPClassifier.from_sklearn : The same of a class, as each of ours has it.
    ScratchMLPClassifier.to_sklearn : The way back.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.neural_network import MLPRegressor
    >>> from skneural import from_sklearn
    >>> X, y = make_regression(n_samples=100, random_state=1)
    >>> theirs = MLPRegressor(solver="lbfgs", tol=10, random_state=1).fit(X, y)
    >>> from_sklearn(theirs)
    ScratchMLPRegressor(random_state=1, solver='lbfgs', tol=10)
    """
    twins = twin_classes()
    for kind, ours in twins.items():
        if isinstance(model, kind):
            return ours.from_sklearn(model)
    raise TypeError(
        f"from_sklearn takes a fitted {' or '.join(kind.__name__ for kind in twins)} of "
        f"scikit-learn, not {type(model).__name__}. Pass the estimator itself, such as the last "
        "step of a pipeline."
    )


def twin_classes() -> dict[Any, Any]:
    """Classes of scikit-learn, and ours that stand in for them."""
    # Not at the top: the classes import from this package, and scikit-learn's take a while.
    from sklearn.linear_model import LogisticRegression, Perceptron
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from skneural.estimators.logistic.classifier import ScratchLogisticRegression
    from skneural.estimators.mlp.classifier import ScratchMLPClassifier
    from skneural.estimators.mlp.regressor import ScratchMLPRegressor
    from skneural.estimators.perceptron.classifier import ScratchPerceptron

    return {
        MLPClassifier: ScratchMLPClassifier,
        MLPRegressor: ScratchMLPRegressor,
        LogisticRegression: ScratchLogisticRegression,
        Perceptron: ScratchPerceptron,
    }
