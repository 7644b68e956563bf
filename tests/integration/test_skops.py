"""Files of skops: every estimator with every setting, and nothing trusted but our public types."""

from extras import need

need("skops", "skops")

import copy
import warnings
from functools import cache

import numpy as np
import pytest
import skops.io
from exact_values import exact
from resumed_fits import FITS
from saved_models import (
    CODES,
    MODELS,
    NAMES,
    POSITIVE,
    ROWS,
    TABLE,
    X,
    answers,
    classifier,
    encoder,
    logistic,
    perceptron,
    regressor,
    tabular,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skneural import TRUSTED_TYPES, HiddenLayerTransformer
from skneural.activations import ACTIVATIONS
from skneural.optimizers import SGD, Adam

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
    pytest.mark.filterwarnings("ignore:The validation rows of early_stopping are not stratified"),
]


def round_trip(model, trusted=TRUSTED_TYPES, **how):
    """A model by way of a file, without a warning."""
    content = skops.io.dumps(model, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return skops.io.loads(content, trusted=trusted)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_loaded_as_it_was(name, request):
    model = MODELS[name]()
    if name.startswith("mapped"):
        model = model(request.getfixturevalue("tmp_path"))
    loaded = round_trip(model)
    assert exact(loaded) == exact(model)
    assert exact(loaded.get_params(deep=False)) == exact(model.get_params(deep=False))
    assert answers(loaded) == answers(model)


# ------------------------------------------------------------------------------ going on


@cache
def fitted_and_saved(name):
    model = FITS[name].fit()
    return model, skops.io.dumps(model)


def resumed(model, X, y, others):
    model.set_params(max_iter=model.max_iter + 3)
    return model.resume(X, y, **{name: rows for name, rows in others.items() if "init" not in name})


def warmly_started(model, X, y, others):
    others = {name: rows for name, rows in others.items() if "init" not in name}
    return model.set_params(warm_start=True, max_iter=2).fit(X, y, **others)


def partly_fitted(model, X, y, others):
    return model.partial_fit(X, y, others.get("sample_weight"))


def can_go_on(way, name):
    """Whether a fit of this name can go on in this way; partial_fit is not for every solver."""
    estimator = FITS[name].estimator
    if way is resumed:  # longer than planned
        return not any(part in name for part in ("cosine", "one cycle"))
    if way is warmly_started:
        return True
    takes_part = not getattr(estimator, "early_stopping", False)
    takes_part &= "balanced" not in repr(getattr(estimator, "class_weight", None))
    return takes_part and hasattr(estimator, "partial_fit")


@pytest.mark.parametrize(
    ("way", "name"),
    [
        pytest.param(way, name, id=f"{way.__name__}, {name}")
        for way in (resumed, warmly_started, partly_fitted)
        for name in FITS
        if can_go_on(way, name)
    ],
)
@pytest.mark.filterwarnings("ignore:There is nothing to resume")
def test_a_loaded_model_goes_on_as_the_original(way, name):
    fit = FITS[name]
    original, content = fitted_and_saved(name)
    model, loaded = copy.deepcopy(original), skops.io.loads(content, trusted=TRUSTED_TYPES)
    for each in (model, loaded):
        way(each, fit.X, fit.y, fit.others)
    assert exact(loaded) == exact(model)


# ------------------------------------------------------------------------------ around us

#: Models around an estimator of a kind: what skops does not trust of scikit-learn is not up to us.
AROUND = {
    "pipeline": lambda kind: make_pipeline(StandardScaler(), kind()),
    "union": lambda kind: make_pipeline(make_union(StandardScaler(), StandardScaler()), kind()),
    "grid search": lambda kind: GridSearchCV(kind(), {"class_weight": [None, {0: 2}]}, cv=2),
    "grid search of a pipeline": lambda kind: GridSearchCV(
        make_pipeline(StandardScaler(), kind()), {"standardscaler__with_mean": [True, False]}, cv=2
    ),
    "votes": lambda kind: VotingClassifier([("one", kind()), ("other", LogisticRegression())]),
    "stack": lambda kind: StackingClassifier([("one", kind())], kind(), cv=2),
    "bag": lambda kind: BaggingClassifier(kind(), n_estimators=2, random_state=0),
    "calibrated": lambda kind: CalibratedClassifierCV(kind(), cv=2),
    "one against the rest": lambda kind: OneVsRestClassifier(kind()),
    "frozen": lambda kind: FrozenEstimator(kind().fit(X, CODES)),
}


def untrusted_of_others(model):
    found = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    return [name for name in found if not name.startswith("skneural.")]


@cache
def untrusted_around_scikit_learn_s(name):
    return untrusted_of_others(AROUND[name](LogisticRegression).fit(X, CODES))


@pytest.mark.parametrize("kind", [classifier, logistic, perceptron, tabular])
@pytest.mark.parametrize("name", AROUND)
def test_models_around_ours_need_no_more_trust_than_around_scikit_learn_s(name, kind):
    model = AROUND[name](kind).fit(X, CODES)
    needed = untrusted_around_scikit_learn_s(name)
    assert untrusted_of_others(model) == needed
    loaded = round_trip(model, [*TRUSTED_TYPES, *needed])
    np.testing.assert_array_equal(loaded.predict(ROWS), model.predict(ROWS))


#: Whole models with parts of ours, for the table: nothing else is trusted.
WITH_OURS = {
    "columns": lambda: make_pipeline(
        ColumnTransformer(
            [("numbers", StandardScaler(), ["number"]), ("text", OneHotEncoder(), ["few", "many"])]
        ),
        classifier(solver=Adam(weight_decay=0.1), class_weight={"low": 1, "middle": 2, "high": 3}),
    ),
    "encoder": lambda: make_pipeline(
        ColumnTransformer([("ours", encoder(), ["few", "many", "number"])]), logistic()
    ),
    "hidden layer": lambda: make_pipeline(
        ColumnTransformer([("numbers", StandardScaler(), ["number"])]),
        make_union(HiddenLayerTransformer(classifier()), StandardScaler()),
        logistic(),
    ),
    "frames": lambda: make_pipeline(
        ColumnTransformer([("ours", encoder(), ["few", "number"])]), classifier()
    ).set_output(transform="pandas"),
}


@cache
def columns_alone():
    return ColumnTransformer([("numbers", StandardScaler(), ["number"])]).fit(TABLE)


@pytest.mark.parametrize("name", WITH_OURS)
def test_pipelines_with_ours(name):
    model = WITH_OURS[name]().fit(TABLE, NAMES)
    needed = untrusted_of_others(columns_alone())  # nothing, but in early versions of skops
    loaded = round_trip(model, [*TRUSTED_TYPES, *needed])
    assert exact(loaded.predict_proba(TABLE)) == exact(model.predict_proba(TABLE))
    again = loaded.fit(TABLE, NAMES)
    assert exact(again.predict_proba(TABLE)) == exact(model.predict_proba(TABLE))


def test_a_transformed_target():
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, POSITIVE)
    assert exact(round_trip(model).predict(ROWS)) == exact(model.predict(ROWS))
    assert not untrusted_of_others(TransformedTargetRegressor(LinearRegression()).fit(X, POSITIVE))


def test_a_search_over_settings_objects():
    grid = {"solver": [Adam(), SGD(averaging=0.9)], "activation": [ACTIVATIONS["mish"], "relu"]}
    model = GridSearchCV(classifier(), grid, cv=2).fit(X, CODES)
    loaded = round_trip(model, [*TRUSTED_TYPES, *untrusted_of_others(model)])
    assert loaded.best_params_ == model.best_params_
    assert exact(loaded.best_estimator_) == exact(model.best_estimator_)
    # That alone needs nothing else.
    assert exact(round_trip(model.best_estimator_)) == exact(model.best_estimator_)
