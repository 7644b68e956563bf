"""What errors propose: what to do about a column, and which value of a parameter was meant."""

from __future__ import annotations

import re
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np

from skneural.estimators.sklearn_private import InvalidParameterError, StrOptions
from skneural.settings import Settings

#: About text in a column of X.
ENCODE = (
    "Encode it first: in a pipeline by OneHotEncoder or skneural.TableEncoder or, if it is numbers "
    "as text, by pandas.to_numeric. TabularMLPClassifier and TabularMLPRegressor take categories."
)
#: About text in y.
ENCODE_TARGET = "Encode it first; where these are classes, use a classifier."
#: About NaN in a column of X.
FILL_IN = (
    "Fill in missing values first: in a pipeline by SimpleImputer or skneural.TableEncoder. "
    "TabularMLPClassifier and TabularMLPRegressor take missing values."
)

#: What other libraries and books call values of our parameters.
SYNONYMS = {
    "binary_crossentropy": "log_loss",
    "bce": "log_loss",
    "categorical_crossentropy": "log_loss",
    "cross_entropy": "log_loss",
    "crossentropy": "log_loss",
    "linear": "identity",
    "lrelu": "leaky_relu",
    "mae": "absolute_error",
    "l1": "absolute_error",
    "mse": "squared_error",
    "l2": "squared_error",
    "sigmoid": "logistic",
    "swish": "silu",
}


def with_proposal(error: InvalidParameterError, estimator: Any) -> InvalidParameterError:
    """The error about a parameter, with what was probably meant.

    Parameters
    ----------
    error : InvalidParameterError
        Where scikit-learn raised it: "The 'name' parameter of ... must be ... Got ... instead.".
    estimator : estimator
        Whose fit it ended. The parameter may be that of another one within.
    """
    kind = type(estimator).__name__
    found = re.fullmatch(rf"The '(\w+)' parameter of {kind} must be .* instead\.", str(error), re.S)
    if found is None:
        return error
    name = found[1]
    proposal = _proposal(name, getattr(estimator, name), estimator._parameter_constraints[name])
    return InvalidParameterError(f"{error} {proposal}") if proposal else error


def _proposal(name: str, value: Any, constraints: Any) -> str:
    if name == "learning_rate" and isinstance(value, Real):
        return "The number is the parameter learning_rate_init; this one is how it changes."
    if isinstance(value, type) and issubclass(value, Settings):
        return f"This is a class: pass an object of it, {value.__name__}()."
    options = sorted(
        option
        for constraint in constraints
        if isinstance(constraint, StrOptions)
        for option in constraint.options
    )
    if not isinstance(value, str):
        named = _name_of_dtype(value)
        return f"Pass its name, {named!r}." if named in options else ""
    meant = _meant(value, options)
    if meant is not None:
        return f"Did you mean {meant!r}?"
    if _is_number(value):
        return "This is a string: pass the number."
    return ""


def _meant(value: str, options: list[str]) -> str | None:
    """The option that is spelled like this value, or means the same."""
    plain = re.sub(r"[\s-]+", "_", value.strip().lower())
    if SYNONYMS.get(plain) in options:
        return SYNONYMS[plain]
    by_letters = {option.replace("_", ""): option for option in options}
    close = get_close_matches(plain.replace("_", ""), by_letters, n=1)
    return by_letters[close[0]] if close else None


def _name_of_dtype(value: Any) -> str:
    return np.dtype(value).name if isinstance(value, type | np.dtype) else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
