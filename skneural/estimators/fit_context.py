"""What goes around every fit: parameters are checked before it, and errors say what helps.

About a parameter: which value was probably meant. About the arguments: the class that the user has,
where Python says "MultilayerPerceptron.fit() takes from 3 to 4 positional arguments", of a base
that no page of the documentation shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from skneural.estimators.remedies import with_proposal
from skneural.estimators.sklearn_private import InvalidParameterError, checked_before

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """scikit-learn's decorator of a fit, with errors that say more.

    Parameters
    ----------
    prefer_skip_nested_validation : bool
        Whether estimators that are fitted within the fit leave out the check of their parameters.

    Returns
    -------
    callable
        The decorator of a method.
    """
    checked = checked_before(prefer_skip_nested_validation=prefer_skip_nested_validation)
    return lambda method: _with_helpful_errors(checked(method))


def _with_helpful_errors(method: Method) -> Method:
    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except InvalidParameterError as error:
            raise with_proposal(error, self) from error.__cause__
        except TypeError as error:
            if _accepts(method, self, *args, **kwargs):
                raise  # it is about something else
            text = str(error)
            if "." in method.__qualname__:
                public = f"{type(self).__name__}.{method.__name__}"
                text = text.replace(method.__qualname__, public)
            raise TypeError(text + _by_name_only(method, len(args))) from None

    return cast("Method", call)


@_with_helpful_errors
def check_parameters(estimator: Any) -> None:
    """The check alone, for an estimator that gets its model without a fit.

    Parameters
    ----------
    estimator : estimator
        Whose parameters to check.

    Raises
    ------
    InvalidParameterError
        For the first one that is not possible.
    """
    estimator._validate_params()


def _accepts(method: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(method).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _by_name_only(method: Callable[..., Any], n_positional: int) -> str:
    """What to add to an error about too many positional arguments."""
    parameters = inspect.signature(method).parameters.values()
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    n_allowed = sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters) - 1
    if not by_name or n_positional <= n_allowed:
        return ""
    *others, last = by_name
    listed = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    return f": {listed} to be passed by name, as in {by_name[0]}={by_name[0]}"
