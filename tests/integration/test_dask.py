"""Arrays and frames of dask: computed where they are passed whole, or taken block by block."""

from extras import need

need("integration", "dask")

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from pages import code_by_heading, run_block
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from snapshots import frozen

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TableEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BY_PARTITIONS, BY_BLOCKS = code_by_heading("integrations.rst")["dask"]
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["barolo", "grignolino", "barbera"])
FRAME = pd.DataFrame(X).add_prefix("c")

NUMERIC = [
    ScratchMLPClassifier(max_iter=5, random_state=0),
    ScratchMLPRegressor(max_iter=5, random_state=0),
    ScratchLogisticRegression(),
    ScratchLogisticRegression(solver="sgd", max_iter=5, random_state=0),
    ScratchPerceptron(max_iter=5),
]
TABULAR = [
    TabularMLPClassifier(cv=2, max_iter=4, random_state=0),
    TabularMLPRegressor(cv=2, max_iter=4, random_state=0),
]
numeric = pytest.mark.parametrize("estimator", NUMERIC, ids=repr)
CLASSIFIERS = [estimator for estimator in NUMERIC + TABULAR if is_classifier(estimator)]
INCREMENTAL = [estimator for estimator in NUMERIC if hasattr(estimator, "partial_fit")]
each = pytest.mark.parametrize("estimator", NUMERIC + TABULAR, ids=repr)


def lazy(array, n_rows=50):
    return da.from_array(array, chunks=(n_rows, -1) if array.ndim == 2 else n_rows)


def lazy_frame(frame):
    return dd.from_pandas(frame, npartitions=4)


def assert_same_predictions(model, expected):
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(expected, method):
            result = getattr(model, method)(lazy(X))
            assert type(result) is np.ndarray
            np.testing.assert_array_equal(result, getattr(expected, method)(X))


@each
def test_arrays_are_computed(estimator):
    expected = clone(estimator).fit(X, Y, sample_weight=1.0 + Y)
    model = clone(estimator).fit(lazy(X), lazy(Y), sample_weight=lazy(1.0 + Y))
    assert_same_predictions(model, expected)


@numeric
def test_frames_are_computed(estimator):
    """Their columns have no names then, as with scikit-learn's estimators."""
    expected = clone(estimator).fit(X, Y)
    model = clone(estimator).fit(lazy_frame(FRAME), lazy_frame(pd.Series(Y)))
    assert_same_predictions(model, expected)
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        clone(estimator).fit(FRAME, Y).predict(lazy_frame(FRAME))


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=repr)
@pytest.mark.parametrize("kind", ["str", "category", "object"])
def test_labels_of_text(estimator, kind):
    labels = pd.Series(NAMES[Y]).astype(kind)
    model = clone(estimator).fit(X, lazy_frame(labels))
    np.testing.assert_array_equal(model.predict(X), clone(estimator).fit(X, labels).predict(X))
    assert sorted(model.classes_) == sorted(NAMES)


@pytest.mark.parametrize("estimator", [*TABULAR, TableEncoder()], ids=repr)
def test_raw_tables_have_to_be_computed(estimator):
    with pytest.raises(TypeError, match=r"X is a frame of dask.*pass X\.compute\(\)"):
        clone(estimator).fit(lazy_frame(FRAME), Y)
    model = clone(estimator).fit(lazy_frame(FRAME).compute(), lazy_frame(pd.Series(Y)))
    assert list(model.feature_names_in_) == list(FRAME.columns)
    predict = getattr(model, "predict", None) or model.transform
    with pytest.raises(TypeError, match=r"pass X\.compute\(\)"):
        predict(lazy_frame(FRAME))


@each
def test_partitions_are_predicted_as_the_whole(estimator):
    model = clone(estimator).fit(FRAME, Y)
    predicted = lazy_frame(FRAME).map_partitions(model.predict, meta=model.predict(FRAME[:1])[:0])
    expected = model.predict(FRAME)
    if is_classifier(estimator):
        np.testing.assert_array_equal(predicted.compute(), expected)
    else:
        np.testing.assert_allclose(predicted.compute(), expected, rtol=1e-12)


@pytest.mark.parametrize("estimator", INCREMENTAL, ids=repr)
def test_partial_fit_over_blocks(estimator):
    """The same as over slices of the array: nothing but the rows is looked at."""
    more = {"classes": np.unique(Y)} if is_classifier(estimator) else {}
    model, expected = clone(estimator), clone(estimator)
    rows, labels = lazy(X), lazy(Y)
    for i in range(rows.numblocks[0]):
        model.partial_fit(rows.blocks[i], labels.blocks[i], **more)
        part = slice(50 * i, 50 * (i + 1))
        expected.partial_fit(X[part], Y[part], **more)
    assert frozen(model._model.params) == frozen(expected._model.params)


def test_the_documented_partitions():
    order = np.random.RandomState(0).permutation(len(Y))
    frame = FRAME.assign(label=NAMES[Y]).iloc[order].reset_index(drop=True)
    labels = np.unique(frame["label"].to_numpy(dtype=object))
    names = run_block(BY_PARTITIONS, frame=frame, labels=labels)
    assert np.mean(names["predicted"] == frame["label"]) > 0.6
    whole = names["network"].predict(frame.drop(columns="label"))
    np.testing.assert_array_equal(names["predicted"], whole)
    assert names["network"].t_ == 5 * len(frame)


def test_the_documented_blocks():
    names = run_block(BY_BLOCKS, X=X, y=Y)
    expected = names["network"].predict_proba(X)
    np.testing.assert_allclose(names["probability"], expected, rtol=1e-12)
    assert names["rows"].numblocks == (4, 1)
