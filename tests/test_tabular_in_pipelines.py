"""The estimators for raw tables inside scikit-learn's tools, on a frame with categories."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from raw_tables import (
    N_ROWS,
    NUMBERS,
    PROBLEMS,
    TABLE,
    THREE,
    TWO,
    classifier,
    fitted,
    outputs,
    raw_table,
    regressor,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

each_problem = pytest.mark.parametrize(("make", "y"), PROBLEMS.values(), ids=PROBLEMS)
NEW = raw_table(20, seed=5)
GROUPS = np.arange(N_ROWS) % 6
FOLDS = list(KFold(2).split(TABLE))
#: Boosted trees for frames: text as categories.
BOOSTED = {"max_iter": 5, "min_samples_leaf": 5, "categorical_features": "from_dtype"}
as_categories = FunctionTransformer(lambda X: X.astype({"city": "category"}))


def of(model, train, y):
    return clone(model).fit(TABLE.iloc[train], y[train])


@each_problem
def test_grid_search(make, y):
    grid = [
        {"preset": ["auto"], "dropout": [None, 0.3], "hidden_layer_sizes": [(4,)]},
        {"preset": ["fast"], "dropout": [None, 0.3], "hidden_layer_sizes": [(8, 8)]},
    ]
    search = GridSearchCV(make(max_iter=2), grid, cv=FOLDS).fit(TABLE, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    train, test = FOLDS[0]
    by_hand = make(max_iter=2, **search.best_params_).fit(TABLE.iloc[train], y[train])
    expected = by_hand.score(TABLE.iloc[test], y[test])
    assert search.cv_results_["split0_test_score"][search.best_index_] == pytest.approx(expected)
    expected = make(max_iter=2, **search.best_params_).fit(TABLE, y)
    np.testing.assert_array_equal(outputs(search.best_estimator_, NEW), outputs(expected, NEW))


@each_problem
def test_pipeline(make, y):
    halved = FunctionTransformer(lambda X: X.assign(age=X["age"] / 2))
    model = make_pipeline(halved, make()).fit(TABLE, y)
    expected = make().fit(TABLE.assign(age=TABLE["age"] / 2), y)
    new = NEW.assign(age=NEW["age"] / 2)
    np.testing.assert_array_equal(model.predict(NEW), expected.predict(new))
    assert model.score(TABLE, y) > (0.2 if y is NUMBERS else 0.4)


@each_problem
def test_cross_validation(make, y):
    found = cross_val_score(make(), TABLE, y, cv=FOLDS)
    by_hand = [of(make(), train, y) for train, _ in FOLDS]
    scores = [
        model.score(TABLE.iloc[k], y[k]) for model, (_, k) in zip(by_hand, FOLDS, strict=True)
    ]
    np.testing.assert_allclose(found, scores, rtol=1e-12)
    predicted = cross_val_predict(make(), TABLE, y, cv=FOLDS)
    for model, (_, test) in zip(by_hand, FOLDS, strict=True):
        np.testing.assert_array_equal(predicted[test], model.predict(TABLE.iloc[test]))


@cache
def of_folds_of_two():
    return [of(classifier(), train, np.where(TWO == "yes", 1, 0)) for train, _ in FOLDS]


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc_ovr", "neg_brier_score", "f1_macro"])
def test_scorers(scoring):
    y = np.where(TWO == "yes", 1, 0)
    found = cross_val_score(classifier(), TABLE, y, cv=FOLDS, scoring=scoring)
    scorer = get_scorer(scoring)
    expected = [
        scorer(model, TABLE.iloc[b], y[b])
        for model, (_, b) in zip(of_folds_of_two(), FOLDS, strict=True)
    ]
    np.testing.assert_allclose(found, expected)


def test_learning_curve_in_two_processes():
    arguments = {"cv": 2, "train_sizes": [20, 40], "shuffle": True, "random_state": 0}
    one = learning_curve(regressor(), TABLE, NUMBERS, **arguments)
    two = learning_curve(regressor(), TABLE, NUMBERS, n_jobs=2, **arguments)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


@each_problem
def test_permutation_importance(make, y):
    model = make(max_iter=12, hidden_layer_sizes=(16, 16)).fit(TABLE, y)
    found = permutation_importance(model, TABLE, y, n_repeats=3, random_state=0)
    means = pd.Series(found.importances_mean, index=TABLE.columns)
    # The targets are made of these two.
    assert set(means.nlargest(2).index) == {"size", "colour"}


@each_problem
@pytest.mark.parametrize("feature", ["colour", "city", "size"])
def test_partial_dependence(make, y, feature):
    model = fitted(make, y)
    X = TABLE.dropna() if feature == "city" else TABLE
    is_category = feature in ("colour", "city")
    # Only boosted trees are asked for the kind of a column by scikit-learn: it is said.
    found = partial_dependence(
        model,
        X,
        [feature],
        categorical_features=["colour", "city"],
        grid_resolution=20,
        response_method="auto",
    )
    values = found["grid_values"][0]
    if is_category:
        assert sorted(values) == sorted(X[feature].unique())
    of_value = model.predict(X.assign(**{feature: values[0]}))
    if y is NUMBERS:
        assert found["average"][0, 0] == pytest.approx(of_value.mean())
    else:
        same = X.assign(**{feature: values[0]})
        expected = model.predict_proba(same)[:, -1].mean()
        assert found["average"][-1, 0] == pytest.approx(expected)


def test_tuned_threshold():
    settings = {"scoring": "balanced_accuracy", "cv": 3, "random_state": 0, "thresholds": 25}
    tuned = TunedThresholdClassifierCV(classifier(), **settings).fit(TABLE, TWO)
    assert 0 < tuned.best_threshold_ < 1
    above = tuned.estimator_.predict_proba(NEW)[:, 1] >= tuned.best_threshold_
    np.testing.assert_array_equal(tuned.predict(NEW), np.where(above, "yes", "no"))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    model = CalibratedClassifierCV(classifier(), method=method, cv=3).fit(TABLE, TWO)
    probability = model.predict_proba(NEW)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert log_loss(TWO, model.predict_proba(TABLE)) < np.log(2)


@each_problem
def test_stacking_with_boosted_trees(make, y):
    is_numbers = y is NUMBERS
    boosted = HistGradientBoostingRegressor if is_numbers else HistGradientBoostingClassifier
    stacking = StackingRegressor if is_numbers else StackingClassifier
    members = [
        ("network", make()),
        ("trees", make_pipeline(as_categories, boosted(**BOOSTED))),
    ]
    model = stacking(members, cv=2).fit(TABLE, y)
    assert model.score(TABLE, y) > (0.5 if is_numbers else 0.6)
    np.testing.assert_array_equal(
        outputs(model.named_estimators_["network"], NEW), outputs(fitted(make, y), NEW)
    )


def test_voting_and_bagging():
    members = [("a", classifier()), ("b", classifier(random_state=1))]
    model = VotingClassifier(members, voting="soft").fit(TABLE, THREE)
    expected = np.mean([m.fit(TABLE, THREE).predict_proba(NEW) for _, m in members], axis=0)
    np.testing.assert_allclose(model.predict_proba(NEW), expected)
    X = TABLE[["size", "age", "flag"]].astype(float)
    X = X.to_numpy()
    bag = BaggingRegressor(regressor(), n_estimators=3, random_state=0).fit(X, NUMBERS)
    expected = np.mean([member.predict(X) for member in bag.estimators_], axis=0)
    np.testing.assert_allclose(bag.predict(X), expected)


def test_several_columns_of_targets():
    y = np.column_stack([NUMBERS, -NUMBERS])
    model = MultiOutputRegressor(regressor()).fit(TABLE, y)
    found = model.predict(NEW)
    for j in range(2):
        expected = regressor().fit(TABLE, y[:, j]).predict(NEW)
        np.testing.assert_array_equal(found[:, j], expected)


def test_transformed_targets():
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp)
    found = model.fit(TABLE, NUMBERS).predict(NEW)
    expected = np.exp(regressor().fit(TABLE, np.log(NUMBERS)).predict(NEW))
    np.testing.assert_allclose(found, expected)


def test_feature_selection():
    X = TABLE[["size", "age", "flag"]].astype(float)
    selector = SequentialFeatureSelector(regressor(max_iter=8), n_features_to_select=1, cv=2)
    assert selector.fit(X, NUMBERS).get_feature_names_out().tolist() == ["size"]


# ------------------------------------------------------------------ metadata routing


@each_problem
def test_routing(make, y):
    """Groups and weights that are asked for reach both cross-validation and the folds within."""
    weight = np.linspace(0.5, 2, N_ROWS)
    cv = GroupKFold(2)
    with config_context(enable_metadata_routing=True):
        model = make().set_fit_request(groups=True, sample_weight=True)
        model.set_score_request(sample_weight=True)
        found = cross_validate(
            model,
            TABLE,
            y,
            cv=cv,
            params={"groups": GROUPS, "sample_weight": weight},
            return_estimator=True,
        )
        scores = found["test_score"]
    for k, (train, test) in enumerate(cv.split(TABLE, y, GROUPS)):
        by_hand = make().fit(TABLE.iloc[train], y[train], weight[train], groups=GROUPS[train])
        assert scores[k] == by_hand.score(TABLE.iloc[test], y[test], weight[test])
        np.testing.assert_array_equal(outputs(found["estimator"][k], NEW), outputs(by_hand, NEW))


@each_problem
@pytest.mark.parametrize("name", ["groups", "X_val", "y_val", "sample_weight_val", "sample_weight"])
def test_what_can_be_requested(make, y, name):
    with config_context(enable_metadata_routing=True):
        model = make()
        assert name in model.get_metadata_routing().fit.requests
        assert model.get_metadata_routing().fit.requests[name] is None
        model.set_fit_request(**{name: True})
        assert model.get_metadata_routing().fit.requests[name] is True
        if name in ("groups", "sample_weight"):
            with pytest.raises(UnsetMetadataPassedError, match=name):
                cross_validate(
                    make(), TABLE, y, cv=2, params={name: GROUPS + 1}, error_score="raise"
                )


@each_problem
def test_groups_in_a_grid_search(make, y):
    with config_context(enable_metadata_routing=True):
        model = make(max_iter=2).set_fit_request(groups=True)
        search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=GroupKFold(2))
        search.fit(TABLE, y, groups=GROUPS)
    expected = make(max_iter=2, **search.best_params_).fit(TABLE, y, groups=GROUPS)
    np.testing.assert_array_equal(outputs(search.best_estimator_, NEW), outputs(expected, NEW))


@each_problem
def test_validation_rows_in_a_pipeline(make, y):
    model = make_pipeline(make())
    name = model.steps[0][0]
    own = {f"{name}__X_val": TABLE[:30], f"{name}__y_val": y[:30]}
    model.fit(TABLE[30:], y[30:], **own)
    expected = make().fit(TABLE[30:], y[30:], X_val=TABLE[:30], y_val=y[:30])
    np.testing.assert_array_equal(model.predict(NEW), expected.predict(NEW))
