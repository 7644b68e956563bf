"""`to_onnx`: from a fitted estimator, or a pipeline of some, to an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skneural.estimators.containers import is_frame, names_of_frame
from skneural.onnx.frames import input_dtype, input_types
from skneural.onnx.limits import check_convertible
from skneural.onnx.registration import register_converters
from skneural.optional import optional_module

Options = dict[Any, Any] | None


def to_onnx(
    model: Any,
    X_sample: Any,
    *,
    target_opset: int | dict[str, int] | None = None,
    options: Mapping[Any, Any] | None = None,
    **settings: Any,
) -> Any:
    """Convert a fitted estimator to ONNX, to be run without Python.

    Parameters
    ----------
    model : estimator
        A `ScratchMLPClassifier`, `ScratchMLPRegressor`, `ScratchLogisticRegression`,
        `ScratchPerceptron`, `HiddenLayerTransformer`, `TabularMLPClassifier`,
        `TabularMLPRegressor` or `TableEncoder`, or an estimator of scikit-learn that has one inside
        and that skl2onnx converts: `Pipeline`, `ColumnTransformer`, `CalibratedClassifierCV`,
        `VotingClassifier` and others. Of `GridSearchCV`, `RandomizedSearchCV` and other searches,
        alone or at the end of a pipeline, the best estimator.
    X_sample : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Rows like those to predict for; one is enough. They say how many columns of what type the
        inputs have: one input of the name 'X', or one of shape (n_rows, 1) for every column of a
        data frame, of its name. Integers of 16 bits are declared as int32, unsigned ones of more
        as int64, float16 as float32: convert rows to what the inputs say. The graph takes dense
        rows, and any number of them. Of a frame with missing values pass rows that have some: where
        a column is of objects, of categories or nullable, its input can then express them. Or a
        list of names and skl2onnx's types: ``[("X", FloatTensorType([None, 4]))]``.
    target_opset : int or dict of {str: int}, default=None
        The version of ONNX's operators, 11 or later; with domains, ``{"": 17, "ai.onnx.ml": 3}``.
        None for the latest that skl2onnx is tested with.
    options : dict, default=None
        Options of converters by the id of an estimator, by class or by the name of a step, as
        skl2onnx takes them. For classifiers of skneural:

        - ``'zipmap'``: False for probabilities as a matrix, True for a dictionary for each row (in
          float32, since ONNX has it in no other type), 'columns' for an output for each class. By
          default False for `model`, unlike skl2onnx.
        - ``'raw_scores'``: True for logits in place of probabilities; for two classes -z and z.
        - ``'nocl'``: True for the numbers of the classes in place of labels.
        - ``'output_class_labels'``: True for a further output that holds all classes.

        For `TabularMLPRegressor` ``{'return_std': True}`` adds an output 'std', the standard
        deviation of the members' predictions.
    **settings : dict
        Passed on to ``skl2onnx.to_onnx``: `name`, `final_types`, `naming` and others.

    Returns
    -------
    onnx.ModelProto
        ``onnx_model.SerializeToString()`` are the bytes of a file.

        A model of ours computes in its own dtype, that in which it was trained, whatever the type
        of the inputs, which are converted; predictions are of that dtype too, as those of the
        estimator are. Features that a `HiddenLayerTransformer` puts out are float64 if `X_sample`
        is, and float32 otherwise: that is how skl2onnx treats transformers. The estimators for
        tables compute in float64, but the ensembles in float32 for one matrix of it.

        Outputs of a classifier: 'label', int64 or strings, and 'probabilities', of shape (n_rows,
        n_classes). Multilabel: both of shape (n_rows, n_labels). For several columns of labels the
        probabilities are a sequence with a matrix for each column. Of a perceptron, which has no
        probabilities, the scores. Outputs of a regressor and of a transformer: 'variable', of shape
        (n_rows, n_columns), also for one column.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install "skneural[onnx]"``.
    NotFittedError
        If the model is not fitted.
    ValueError
        If `X_sample` has another number or order of columns than the model was fitted with, or
        what predicts cannot be expressed: a user's activation function, link or `predict` of a
        loss, labels that are neither strings nor integers, a column whose levels its input cannot
        tell apart, a `target_opset` below 11. For estimators of scikit-learn that skl2onnx would
        convert wrongly without saying so: calibration other than by sigmoid and tuned thresholds,
        inside of others too, and labels of a meta-estimator beyond 32 bits.

    See Also
    --------
    register_converters : For pipelines that skl2onnx converts.
    skneural.ScratchMLPClassifier.to_sklearn : The model as one of scikit-learn.

    Notes
    -----
    Where `X_sample` has integers of 16 bits the input is int32, for unsigned ones of more bits
    int64, for float16 float32: convert rows to what the inputs of the graph say.

    The graph checks nothing: rows that the estimator refuses, with NaN for instance, give numbers
    that mean nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import ScratchMLPClassifier
    >>> from skneural.onnx import to_onnx
    >>> X, y = np.random.RandomState(0).standard_normal((50, 3)), np.repeat(["no", "yes"], 25)
    >>> network = ScratchMLPClassifier(random_state=0, max_iter=5).fit(X, y)  # doctest: +SKIP
    >>> with open("network.onnx", "wb") as file:  # doctest: +SKIP
    ...     file.write(to_onnx(network, X[:1]).SerializeToString())
    """
    skl2onnx = optional_module("skl2onnx", "onnx", "skneural.onnx.to_onnx")
    register_converters()
    check_is_fitted(model)
    model, options = _found_by_search(model, options)
    check_convertible(model)
    _check_names(model, X_sample)
    small, options = _without_history(model, _with_matrices(model, options))
    return skl2onnx.to_onnx(
        small, _sample(X_sample), target_opset=target_opset, options=options, **settings
    )


def _found_by_search(model: Any, options: Mapping[Any, Any] | None) -> tuple[Any, Options]:
    """What a search has found, in its place: skl2onnx takes no search but GridSearchCV."""
    given = None if options is None else dict(options)
    if isinstance(model, Pipeline) and hasattr(model.steps[-1][1], "cv_results_"):
        name, search = model.steps[-1]
        best, given = _found_by_search(search, given)
        pipeline = copy(model)
        pipeline.steps = [*model.steps[:-1], (name, best)]
        if given is not None:
            given = {id(pipeline) if key == id(model) else key: each for key, each in given.items()}
        return pipeline, given
    if not hasattr(model, "cv_results_"):
        return model, given
    if not hasattr(model, "best_estimator_"):
        raise ValueError(
            f"This {type(model).__name__} has no best_estimator_, which would be converted: fit "
            "it with refit=True."
        )
    if isinstance(model, GridSearchCV):
        return model, given
    best = model.best_estimator_
    if given is not None:
        last = best.steps[-1][1] if isinstance(best, Pipeline) else best
        given = {id(last) if key == id(model) else key: each for key, each in given.items()}
    return best, given


def _check_names(model: Any, X: Any) -> None:
    """Refuse a frame whose columns the model was not fitted with, or not in this order."""
    expected = getattr(model, "feature_names_in_", None)
    first = model.steps[0][1] if isinstance(model, Pipeline) else model
    # These look for each column by its name: our own converters, too.
    by_name = isinstance(first, ColumnTransformer) or type(first).__module__.startswith("skneural.")
    if expected is None or by_name or not is_frame(X):
        return
    found = names_of_frame(X)
    if found != list(expected):
        raise ValueError(
            f"X_sample must have the columns that the {type(model).__name__} was fitted with, in "
            f"that order: {list(expected)}, got {found}."
        )


def _sample(X: Any) -> Any:
    """The first row in a dtype that skl2onnx reads types from; of a frame names and types."""
    if sparse.issparse(X):
        X = sparse.csr_array(X)[:1].toarray()
    if is_frame(X) and 0 not in X.shape:
        return input_types(X)
    is_list_of_types = isinstance(X, list) and len(X) > 0 and isinstance(X[0], tuple)
    if is_list_of_types and isinstance(X[0][0], str):
        return X
    array = np.asarray(X)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"X_sample must have rows and columns, at least one of each: its shape is "
            f"{array.shape}."
        )
    row = array[:1]
    if row.dtype == object and all(isinstance(each, Real) for each in row.ravel()):
        return row.astype(np.float64)
    dtype = input_dtype(row.dtype)
    return row if dtype is None else row.astype(dtype)


def _without_history(model: Any, options: Options) -> tuple[Any, Options]:
    """A copy without the history of the training, and options for it.

    Given options, skl2onnx looks for estimators in every attribute, and in each number of a
    history: for one of 5000 epochs that takes seconds.
    """
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not hasattr(last, "for_prediction"):
        return model, options
    small = last.for_prediction()
    copies = {id(last): id(small)}
    if last is not model:
        pipeline = copy(model)
        pipeline.steps = [*model.steps[:-1], (model.steps[-1][0], small)]
        copies[id(model)] = id(pipeline)
        small = pipeline
    if options is not None:
        options = {copies.get(key, key): value for key, value in options.items()}
    return small, options


def _with_matrices(model: Any, options: Mapping[Any, Any] | None) -> Options:
    """Options with probabilities as a matrix, if `model` is a classifier and they do not say."""
    given = dict(options or {})
    says_so = any(
        (isinstance(key, str) and key.endswith("zipmap"))
        or (isinstance(value, Mapping) and "zipmap" in value)
        for key, value in given.items()
    )
    if says_so or not is_classifier(model):
        return given or None
    if any(isinstance(key, str) for key in given):
        return {**given, "zipmap": False}
    return {**given, id(model): {**given.get(id(model), {}), "zipmap": False}}
