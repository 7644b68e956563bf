"""Which fitted estimators can be converted: those that predict as their class does."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

#: What a subclass may have of its own: neither predictions nor training depend on it.
HARMLESS = ("_abc_impl", "_doc_link_module", "_doc_link_template", "_parameter_constraints")


def check_accepted(model: Any, kind: Any, ours: type) -> None:
    """Raise where a model is none that one of our classes can adopt.

    A subclass is adopted if all its methods are those of `kind`: what an own method predicts is
    not in the parameters.

    Parameters
    ----------
    model : object
    kind : type
        The class of scikit-learn that ours stands in for.
    ours : type

    Raises
    ------
    TypeError
        If it is no `kind`, or one with methods of its own.
    NotFittedError
        If it is not fitted.
    """
    if isinstance(model, type) or not isinstance(model, kind):
        given = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(
            f"{ours.__name__}.from_sklearn takes a fitted {kind.__name__} of scikit-learn, not "
            f"{given}."
        )
    own = own_methods(type(model), kind)
    if own:
        raise TypeError(
            f"{ours.__name__}.from_sklearn takes a {kind.__name__} of scikit-learn: "
            f"{type(model).__name__} has {', '.join(own)} of its own, which would be lost. Copy "
            f"its attributes to a {kind.__name__} if they do not matter."
        )
    check_is_fitted(model, "coef_" if hasattr(kind, "sparsify") else "coefs_")


def parameters_of(estimator: Any, ours: type) -> dict[str, Any]:
    """The constructor parameters that one of our classes has, of a fitted estimator of it.

    Parameters
    ----------
    estimator : object
        Of that class or a subclass, whose constructor may have others.
    ours : type

    Raises
    ------
    TypeError
        If it has methods of its own other than `fit`, which scikit-learn's would not have.
    NotFittedError
        If it is not fitted.
    """
    own = [name for name in own_methods(type(estimator), ours) if name != "fit"]
    if own:
        raise TypeError(
            f"{type(estimator).__name__} has {', '.join(own)} of its own, which an estimator of "
            f"scikit-learn would not have: to_sklearn converts {ours.__name__}, and subclasses "
            "that predict as it does. Make a subclass of scikit-learn's with the same methods."
        )
    check_is_fitted(estimator)
    names: list[str] = ours._get_param_names()  # type: ignore[attr-defined]
    return {name: getattr(estimator, name) for name in names}


def own_methods(subclass: type, kind: type) -> list[str]:
    """Names that a subclass, or a class between the two, defines anew."""
    return sorted(
        name
        for each in subclass.__mro__[: subclass.__mro__.index(kind)]
        for name in vars(each)
        if hasattr(kind, name) and name not in HARMLESS and not _is_written_by_itself(name)
    )


def _is_written_by_itself(name: str) -> bool:
    """Whether Python or scikit-learn give every class one; constructors among them."""
    is_request = name.startswith("set_") and name.endswith("_request")
    return is_request or (name.startswith("__") and name.endswith("__"))
