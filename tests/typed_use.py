"""What type checkers know of the methods that train: of which class is what they return.

mypy checks this file with the package; test_types.py runs it.
"""

from __future__ import annotations

import copy
import pickle
from typing import assert_type

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skneural import (
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

X = np.random.RandomState(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)


class Mine(ScratchMLPClassifier):
    """Of a user: methods return it, not the class that has them."""


def of_classifier() -> None:
    model = ScratchMLPClassifier((3,), max_iter=2, random_state=0)
    assert_type(model.fit(X, Y), ScratchMLPClassifier)
    assert_type(model.fit(X, Y, X_val=X, y_val=Y), ScratchMLPClassifier)
    assert_type(model.set_params(max_iter=3), ScratchMLPClassifier)
    if hasattr(model, "set_callbacks"):  # not before scikit-learn 1.9
        assert_type(model.set_callbacks().fit(X, Y, X_val=X, y_val=Y), ScratchMLPClassifier)
    assert_type(model.set_params(max_iter=4).resume(X, Y, X_val=X, y_val=Y), ScratchMLPClassifier)
    assert_type(model.partial_fit(X, Y), ScratchMLPClassifier)
    assert_type(model.for_prediction(), ScratchMLPClassifier)
    assert_type(copy.copy(model), ScratchMLPClassifier)
    made = ScratchMLPClassifier.from_weights(model.coefs_, model.intercepts_, classes=[0, 1])
    assert_type(made, ScratchMLPClassifier)
    adopted = ScratchMLPClassifier.from_sklearn(model.to_sklearn())
    assert_type(adopted, ScratchMLPClassifier)
    assert type(model.to_sklearn()) is MLPClassifier
    for each in (made, adopted, model.for_prediction(), copy.copy(model), model.fit(X, Y)):
        assert type(each) is ScratchMLPClassifier


def of_regressor() -> None:
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    assert_type(model.fit(X, X[:, 0]), ScratchMLPRegressor)
    assert_type(model.set_params(max_iter=3).resume(X, X[:, 0]), ScratchMLPRegressor)
    assert_type(model.partial_fit(X, X[:, 0]), ScratchMLPRegressor)
    assert_type(model.for_prediction(), ScratchMLPRegressor)
    made = ScratchMLPRegressor.from_weights(model.coefs_, model.intercepts_)
    assert_type(made, ScratchMLPRegressor)
    adopted = ScratchMLPRegressor.from_sklearn(model.to_sklearn())
    assert_type(adopted, ScratchMLPRegressor)
    assert type(model.to_sklearn()) is MLPRegressor
    assert type(made) is type(model.for_prediction()) is type(adopted) is ScratchMLPRegressor


def of_logistic_regression() -> None:
    model = ScratchLogisticRegression(solver="sgd", max_iter=2, random_state=0)
    assert_type(model.fit(X, Y), ScratchLogisticRegression)
    assert_type(model.set_params(max_iter=3), ScratchLogisticRegression)
    assert_type(model.resume(X, Y), ScratchLogisticRegression)
    assert_type(model.partial_fit(X, Y), ScratchLogisticRegression)
    assert_type(model.sparsify(), ScratchLogisticRegression)
    assert_type(model.densify(), ScratchLogisticRegression)
    assert_type(model.for_prediction(), ScratchLogisticRegression)
    assert type(model.fit(X, Y).sparsify().densify()) is ScratchLogisticRegression
    adopted = ScratchLogisticRegression.from_sklearn(
        ScratchLogisticRegression().fit(X, Y).to_sklearn()
    )
    assert_type(adopted, ScratchLogisticRegression)
    assert type(adopted) is ScratchLogisticRegression


def of_perceptron() -> None:
    model = ScratchPerceptron(max_iter=2, tol=None)
    assert_type(model.fit(X, Y), ScratchPerceptron)
    assert_type(model.set_params(max_iter=3).resume(X, Y), ScratchPerceptron)
    assert_type(model.partial_fit(X, Y), ScratchPerceptron)
    assert_type(model.sparsify().densify(), ScratchPerceptron)
    assert_type(model.for_prediction(), ScratchPerceptron)
    assert type(model.for_prediction()) is ScratchPerceptron
    adopted = ScratchPerceptron.from_sklearn(model.to_sklearn())
    assert_type(adopted, ScratchPerceptron)
    assert type(adopted) is ScratchPerceptron


def of_hidden_layer() -> None:
    model = HiddenLayerTransformer(ScratchMLPClassifier((3,), max_iter=2))
    assert_type(model.fit(X, Y), HiddenLayerTransformer)
    assert_type(model.set_params(layer=0), HiddenLayerTransformer)
    assert type(model.fit(X, Y)) is HiddenLayerTransformer


def of_table_encoder() -> None:
    encoder = TableEncoder(max_one_hot=4)
    assert_type(encoder.fit(X, Y), TableEncoder)
    assert_type(encoder.fit(X, Y, sample_weight=Y + 1.0), TableEncoder)
    assert_type(encoder.set_params(random_state=0), TableEncoder)
    assert type(encoder.fit(X)) is TableEncoder


def of_tabular_classifier() -> None:
    model = TabularMLPClassifier(hidden_layer_sizes=(3,), max_iter=1, cv=2, random_state=0)
    assert_type(model.fit(X, Y), TabularMLPClassifier)
    assert_type(model.fit(X, Y, Y + 1.0, groups=np.arange(40)), TabularMLPClassifier)
    assert_type(model.fit(X, Y, X_val=X, y_val=Y), TabularMLPClassifier)
    assert_type(model.set_params(max_iter=2), TabularMLPClassifier)
    assert_type(model.for_prediction(), TabularMLPClassifier)
    assert_type(copy.copy(model), TabularMLPClassifier)
    assert type(model.for_prediction()) is TabularMLPClassifier


def of_tabular_regressor() -> None:
    model = TabularMLPRegressor(hidden_layer_sizes=(3,), max_iter=1, cv=2, random_state=0)
    assert_type(model.fit(X, X[:, 0]), TabularMLPRegressor)
    assert_type(model.set_params(loss="quantile").fit(X, X[:, 0]), TabularMLPRegressor)
    assert_type(model.for_prediction(), TabularMLPRegressor)
    assert type(copy.copy(model)) is TabularMLPRegressor


def of_subclasses_of_users() -> None:
    model = Mine((3,), max_iter=2, random_state=0)
    assert_type(model.fit(X, Y), Mine)
    assert_type(model.set_params(max_iter=3).resume(X, Y).partial_fit(X, Y), Mine)
    assert_type(model.for_prediction(), Mine)
    made = Mine.from_weights(model.coefs_, model.intercepts_, classes=[0, 1])
    assert_type(made, Mine)
    assert_type(Mine.from_sklearn(model.to_sklearn()), Mine)
    assert type(Mine.from_sklearn(model.to_sklearn())) is Mine
    assert type(made) is type(pickle.loads(pickle.dumps(model.for_prediction()))) is Mine
