"""The estimators inside scikit-learn's tools: each gives what the same steps by hand give."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
)
from skneural.estimators import documentation_link
from skneural.estimators.documentation_link import documentation_address

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "max_iter": 20, "random_state": 0}
ESTIMATORS = {
    "classifier": ScratchMLPClassifier(**NETWORK),
    "classifier, adam": ScratchMLPClassifier(
        (8,), learning_rate_init=0.1, max_iter=25, random_state=0
    ),
    "logistic regression": ScratchLogisticRegression(),
    "logistic regression, L1": ScratchLogisticRegression(solver="fista", l1_ratio=1, tol=1e-8),
    "logistic regression, sgd": ScratchLogisticRegression(
        solver="sgd", learning_rate_init=0.03, random_state=0
    ),
    "regressor": ScratchMLPRegressor(**NETWORK),
    "regressor, adam": ScratchMLPRegressor(
        hidden_layer_sizes=(8,), learning_rate_init=0.3, max_iter=100, random_state=0
    ),
}
#: What every ensemble must reach; guessing gives 0.33 (accuracy) and 0 (R^2).
GOOD = 0.85
#: The third column of `X` says nothing about the targets.
INFORMATIVE = [0, 1, 3]
NAMES = list("abcd")

RANDOM = np.random.RandomState(0)
CENTRES = {"ant": (2, 0, 0, 0), "bee": (-1, 2, 0, 2), "cat": (-1, -2, 0, -2)}
LABELS = np.array(list(CENTRES) * 20)
X = np.array([CENTRES[label] for label in LABELS]) + 0.8 * RANDOM.standard_normal((60, 4))
LABELS[:3] = LABELS[1:4]  # nothing to boost where all is right at once
NUMBERS = 2 * X[:, 0] - X[:, 1] + 2 * X[:, 3] + 40
FOLDS = {"classifier": StratifiedKFold(3), "regressor": KFold(3)}


def kind_of(estimator):
    return "classifier" if is_classifier(estimator) else "regressor"


def target_of(estimator):
    return LABELS if is_classifier(estimator) else NUMBERS


def folds(estimator, y):
    return list(FOLDS[kind_of(estimator)].split(X, y))


def refit(estimator, X, y, **params):
    return clone(estimator).set_params(**params).fit(X, y)


def penalty(estimator, *strengths):
    """The name of the parameter that penalises, and values of these strengths."""
    if hasattr(estimator, "alpha"):
        return "alpha", list(strengths)
    return "C", [1 / strength for strength in strengths]


def penalised(estimator, strength):
    name, values = penalty(estimator, strength)
    return {name: values[0]}


def grid_search(estimator, cv=None):
    name, values = penalty(estimator, 1e6, 1e-3)
    return GridSearchCV(estimator, {name: values}, cv=KFold(2) if cv is None else cv)


def first_weights(model):
    return model.coefs_[0] if hasattr(model, "coefs_") else model.coef_


def twins(estimator):
    return [("a", clone(estimator)), ("b", clone(estimator).set_params(random_state=1))]


def scaled(X):
    return StandardScaler().fit_transform(X)


def assert_same(actual, expected):
    """Labels equal, numbers equal up to the order of additions; same shape and kind."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype.kind == expected.dtype.kind
    if actual.dtype.kind == "f":
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
    else:
        np.testing.assert_array_equal(actual, expected)


# ------------------------------------------------------------------------- the table


def predictions(build):
    """What the tool built around an estimator predicts for the rows it was fitted to."""
    return lambda e, X, y: build(clone(e)).fit(X, y).predict(X)


def mean_probability(e, X, y):
    return np.mean([member.fit(X, y).predict_proba(X) for _, member in twins(e)], axis=0)


def most_probable(probability):
    return lambda e, X, y: np.unique(y)[probability(e, X, y).argmax(axis=1)]


def one_against_the_rest(e, X, y):
    return np.column_stack([refit(e, X, y == c).decision_function(X) for c in np.unique(y)])


def mean_prediction(e, X, y):
    return np.mean([member.fit(X, y).predict(X) for _, member in twins(e)], axis=0)


def two_targets(y):
    return np.column_stack([y, y[::-1]])


def column_by_column(e, X, y):
    return np.column_stack([refit(e, X, column).predict(X) for column in two_targets(y).T])


def score_by_fold(e, X, y):
    return [refit(e, X[a], y[a]).score(X[b], y[b]) for a, b in folds(e, y)]


def held_out(method):
    def by_fold(e, X, y):
        parts = [(b, getattr(refit(e, X[a], y[a]), method)(X[b])) for a, b in folds(e, y)]
        rows, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        return values[np.argsort(rows)]

    return by_fold


def roc_auc_by_fold(e, X, y):
    is_ant = y == "ant"
    return [
        roc_auc_score(is_ant[b], refit(e, X[a], is_ant[a]).predict_proba(X[b])[:, 1])
        for a, b in folds(e, is_ant)
    ]


def scores_of_learning_curve(e, X, y):
    return learning_curve(e, X, y, cv=folds(e, y), train_sizes=[15, 40])[2]


def scores_by_size(e, X, y):
    return [
        [refit(e, X[a[:n]], y[a[:n]]).score(X[b], y[b]) for a, b in folds(e, y)] for n in (15, 40)
    ]


def important_columns(e, X, y):
    found = permutation_importance(refit(e, X, y), X, y, n_repeats=3, random_state=0)
    return np.sort(np.argsort(found.importances_mean)[1:])


def frame(X):
    """Three columns of numbers and one of words."""
    data = pd.DataFrame(X, columns=NAMES)
    return data.assign(d=np.where(data["d"] > 0.5, "high", "low"))


def from_frame(e, X, y):
    numbers = FeatureUnion([("as is", "passthrough"), ("scaled", StandardScaler())])
    columns = ColumnTransformer(
        [("numbers", numbers, NAMES[:3]), ("words", OneHotEncoder(), ["d"])], sparse_threshold=1
    )
    return make_pipeline(columns, clone(e)).fit(frame(X), y).predict(frame(X))


def frame_by_hand(e, X, y):
    high = X[:, 3:] > 0.5
    X = np.hstack([X[:, :3], scaled(X[:, :3]), high, ~high])
    return refit(e, X, y).predict(X)


def with_pandas_output(e, X, y):
    select = SelectKBest(f_classif if is_classifier(e) else f_regression, k=3)
    model = make_pipeline(StandardScaler(), select, clone(e)).set_output(transform="pandas")
    model.fit(pandas_frame(X), y)
    assert list(model[-1].feature_names_in_) == [NAMES[i] for i in INFORMATIVE]
    return model.predict(pandas_frame(X))


def self_trained(e, X, y):
    partly_labelled = y.astype(object)
    partly_labelled[30:] = -1
    return SelfTrainingClassifier(clone(e)).fit(X, partly_labelled).predict(X).astype(str)


def chained(e, X, y):
    classes, index = np.unique(y, return_inverse=True)
    indicator = ClassifierChain(clone(e)).fit(X, np.eye(len(classes))[index]).predict(X)
    return classes[indicator.argmax(axis=1)]


def boosted(build):
    """As `predictions`, where the second round must have been given other weights."""

    def fitted(e, X, y):
        model = build(clone(e)).fit(X, y)
        first, second = model.estimators_[:2]
        assert not np.array_equal(first_weights(first), first_weights(second))
        return model.predict(X)

    return fitted


THREE = {"n_estimators": 3, "random_state": 0}
BOTH, C, R = ("classifier", "regressor"), ("classifier",), ("regressor",)

#: Name, kinds of estimator, what the tool gives, and the same by hand. Where doing it by
#: hand would be writing the tool again, None: then the predictions must be good.
SURROUNDINGS = [
    ("Pipeline", BOTH, predictions(lambda e: make_pipeline(StandardScaler(), e)),
     lambda e, X, y: refit(e, scaled(X), y).predict(scaled(X))),
    ("GridSearchCV", BOTH, predictions(lambda e: grid_search(e, cv=3)),
     lambda e, X, y: refit(e, X, y, **penalised(e, 1e-3)).predict(X)),
    ("cross_val_score", BOTH, lambda e, X, y: cross_val_score(e, X, y, cv=folds(e, y)),
     score_by_fold),
    ("cross_val_score in processes", BOTH,
     lambda e, X, y: cross_val_score(e, X, y, cv=folds(e, y), n_jobs=2), score_by_fold),
    ("cross_val_predict", BOTH, lambda e, X, y: cross_val_predict(e, X, y, cv=folds(e, y)),
     held_out("predict")),
    ("cross_val_predict probabilities", C,
     lambda e, X, y: cross_val_predict(e, X, y, cv=folds(e, y), method="predict_proba"),
     held_out("predict_proba")),
    ("roc_auc", C,
     lambda e, X, y: cross_val_score(
         e, X, y == "ant", cv=folds(e, y == "ant"), scoring="roc_auc"),
     roc_auc_by_fold),
    ("learning_curve", BOTH, scores_of_learning_curve, scores_by_size),
    ("permutation_importance", BOTH, important_columns, lambda e, X, y: INFORMATIVE),
    ("VotingClassifier, soft", C,
     predictions(lambda e: VotingClassifier(twins(e), voting="soft")),
     most_probable(mean_probability)),
    ("VotingClassifier, hard", C, predictions(lambda e: VotingClassifier(twins(e))), None),
    ("VotingRegressor", R, predictions(lambda e: VotingRegressor(twins(e))), mean_prediction),
    ("StackingClassifier", C, predictions(lambda e: StackingClassifier(twins(e), e, cv=2)), None),
    ("StackingRegressor", R, predictions(lambda e: StackingRegressor(twins(e), cv=2)), None),
    ("BaggingClassifier", C, predictions(lambda e: BaggingClassifier(e, **THREE)), None),
    ("BaggingRegressor", R, predictions(lambda e: BaggingRegressor(e, **THREE)), None),
    ("AdaBoostClassifier", C,
     boosted(lambda e: AdaBoostClassifier(e.set_params(**penalised(e, 0.3)), **THREE)),
     None),
    ("AdaBoostRegressor", R,
     boosted(lambda e: AdaBoostRegressor(e, **THREE)), None),
    ("OneVsRestClassifier", C, predictions(OneVsRestClassifier),
     most_probable(one_against_the_rest)),
    ("OneVsOneClassifier", C, predictions(OneVsOneClassifier), None),
    ("MultiOutputClassifier", C,
     lambda e, X, y: MultiOutputClassifier(e).fit(X, two_targets(y)).predict(X),
     column_by_column),
    ("MultiOutputRegressor", R,
     lambda e, X, y: MultiOutputRegressor(e).fit(X, two_targets(y)).predict(X),
     column_by_column),
    ("ClassifierChain", C, chained, None),
    ("CalibratedClassifierCV", C, predictions(lambda e: CalibratedClassifierCV(e, cv=3)), None),
    ("SelfTrainingClassifier", C, self_trained, None),
    ("TransformedTargetRegressor", R,
     predictions(lambda e: TransformedTargetRegressor(e, func=np.log, inverse_func=np.exp)),
     lambda e, X, y: np.exp(refit(e, X, np.log(y)).predict(X))),
    ("ColumnTransformer and FeatureUnion", BOTH, from_frame, frame_by_hand),
    ("set_output", BOTH, with_pandas_output,
     lambda e, X, y: refit(e, scaled(X)[:, INFORMATIVE], y).predict(scaled(X)[:, INFORMATIVE])),
    ("sparse from a transformer", BOTH,
     predictions(lambda e: make_pipeline(OneHotEncoder(), e)),
     lambda e, X, y: refit(e, OneHotEncoder().fit_transform(X), y)
     .predict(OneHotEncoder().fit_transform(X))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("estimator", "around", "by_hand"),
    [
        pytest.param(estimator, around, by_hand, id=f"{surrounding}-{name}")
        for surrounding, kinds, around, by_hand in SURROUNDINGS
        for name, estimator in ESTIMATORS.items()
        if kind_of(estimator) in kinds
    ],
)
def test_surrounding(estimator, around, by_hand):
    y = target_of(estimator)
    result = around(clone(estimator), X, y)
    if by_hand is not None:
        assert_same(result, by_hand(clone(estimator), X, y))
        return
    assert result.shape == y.shape
    assert result.dtype == y.dtype
    if is_classifier(estimator):
        assert np.mean(result == y) > GOOD
    else:
        assert 1 - np.mean((result - y) ** 2) / np.var(y) > GOOD


# ------------------------------------------------------------------------- clone


parametrize_estimators = pytest.mark.parametrize(
    "estimator", ESTIMATORS.values(), ids=ESTIMATORS.keys()
)


def is_fitted(estimator):
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


@parametrize_estimators
def test_clone_has_the_parameters_and_nothing_else(estimator):
    fitted = refit(estimator, X, target_of(estimator), **penalised(estimator, 0.5))
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert vars(copy) == copy.get_params()
    assert not is_fitted(copy)
    with pytest.raises(NotFittedError):
        copy.predict(X)


@parametrize_estimators
def test_clone_is_independent(estimator):
    y = target_of(estimator)
    fitted = refit(estimator, X, y)
    before = fitted.predict(X)
    strong = penalised(fitted, 100.0)
    copy = clone(fitted).set_params(**strong).fit(X[::2], y[::2])
    assert not strong.items() <= fitted.get_params().items()
    assert not np.array_equal(first_weights(copy), first_weights(fitted))
    np.testing.assert_array_equal(fitted.predict(X), before)


# ------------------------------------------------------------------------- routing


WEIGHT = RANDOM.uniform(0.1, 3, len(X))
#: scikit-learn's own network where it takes weights, from 1.7 on.
PEERS = (
    {"classifier": MLPClassifier(), "regressor": MLPRegressor()}
    if has_fit_parameter(MLPClassifier, "sample_weight")
    else {"classifier": SGDClassifier(), "regressor": SGDRegressor()}
)


def pipeline(estimator):
    return make_pipeline(StandardScaler().set_fit_request(sample_weight=False), estimator)


def fit_weighted(build):
    return lambda e, y: build(e).fit(X, y, sample_weight=WEIGHT)


def cross_validate_weighted(e, y):
    result = cross_validate(
        e, X, y, cv=folds(e, y), params={"sample_weight": WEIGHT}, return_estimator=True
    )
    return result["estimator"], result["test_score"]


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize(
    "weighted",
    [fit_weighted(pipeline), fit_weighted(grid_search), cross_validate_weighted],
    ids=["Pipeline", "GridSearchCV", "cross_validate"],
)
@parametrize_estimators
def test_weights_nobody_requested_are_refused_as_by_scikit_learn(estimator, weighted):
    messages = []
    for each in (estimator, PEERS[kind_of(estimator)]):
        with pytest.raises(UnsetMetadataPassedError) as refusal:
            weighted(clone(each), target_of(each))
        messages.append(str(refusal.value).replace(type(each).__name__, "*"))
    assert messages[0] == messages[1]
    assert "sample_weight" in messages[0]


@pytest.mark.usefixtures("routing")
@parametrize_estimators
def test_requested_weights_reach_fit_in_pipeline(estimator):
    y = target_of(estimator)
    routed = pipeline(clone(estimator).set_fit_request(sample_weight=True))
    by_hand = clone(estimator).fit(scaled(X), y, sample_weight=WEIGHT)
    assert_same(first_weights(routed.fit(X, y, sample_weight=WEIGHT)[-1]), first_weights(by_hand))


@pytest.mark.usefixtures("routing")
@parametrize_estimators
def test_requested_weights_reach_fit_in_grid_search(estimator):
    y = target_of(estimator)
    requesting = clone(estimator).set_fit_request(sample_weight=True)
    requesting.set_score_request(sample_weight=True)
    search = grid_search(requesting).fit(X, y, sample_weight=WEIGHT)
    by_hand = (
        clone(estimator).set_params(**penalised(estimator, 1e-3)).fit(X, y, sample_weight=WEIGHT)
    )
    assert_same(first_weights(search.best_estimator_), first_weights(by_hand))


@pytest.mark.usefixtures("routing")
@parametrize_estimators
def test_requested_weights_reach_fit_and_score_in_cross_validate(estimator):
    y = target_of(estimator)
    requesting = clone(estimator).set_fit_request(sample_weight=True)
    requesting.set_score_request(sample_weight=True)
    models, scores = cross_validate_weighted(requesting, y)
    for model, score, (train, test) in zip(models, scores, folds(estimator, y), strict=True):
        by_hand = clone(estimator).fit(X[train], y[train], sample_weight=WEIGHT[train])
        assert_same(first_weights(model), first_weights(by_hand))
        assert score == pytest.approx(by_hand.score(X[test], y[test], WEIGHT[test]), rel=1e-9)


@pytest.mark.parametrize(
    ("estimator", "requestable"),
    [
        (ScratchMLPClassifier, ["sample_weight", "classes"]),
        (ScratchMLPRegressor, ["sample_weight"]),
    ],
)
def test_what_partial_fit_can_request(estimator, requestable):
    requests = estimator().get_metadata_routing().partial_fit.requests
    assert requests == dict.fromkeys(requestable)


# ------------------------------------------------------------------------- data frames


def pandas_frame(values, names=NAMES):
    return pd.DataFrame(values[:, : len(names)], columns=names)


FRAMES = {
    "pandas": pandas_frame,
    "pandas, nullable": lambda *args: pandas_frame(*args).astype("Float64"),
    "polars": lambda *args: pl.from_pandas(pandas_frame(*args)),
}
SERIES = {"pandas": pd.Series, "pandas, nullable": pd.Series, "polars": pl.Series}


@pytest.mark.parametrize("library", FRAMES)
@parametrize_estimators
def test_data_frames_are_their_values_with_names(estimator, library):
    y = target_of(estimator)
    data = FRAMES[library](X)
    named = clone(estimator).fit(data, SERIES[library](y))
    plain = clone(estimator).fit(X, y)
    assert list(named.feature_names_in_) == NAMES
    assert not hasattr(plain, "feature_names_in_")
    np.testing.assert_array_equal(first_weights(named), first_weights(plain))
    np.testing.assert_array_equal(named.predict(data), plain.predict(X))


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (list("bacd"), "must be in the same order"),
        (list("abce"), "unseen at fit time"),
        (list("abc"), "seen at fit time, yet now missing"),
    ],
)
@pytest.mark.parametrize("arguments", [("predict",), ("partial_fit", NUMBERS)], ids=lambda a: a[0])
def test_other_names_are_refused(library, names, message, arguments):
    method, *y = arguments
    estimator = ScratchMLPRegressor(max_iter=2).fit(FRAMES[library](X), NUMBERS)
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(FRAMES[library](X, names), *y)


@parametrize_estimators
def test_names_on_one_side_only_are_warned_of(estimator):
    y = target_of(estimator)
    data = pandas_frame(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        clone(estimator).fit(data, y).predict(X)
    with pytest.warns(UserWarning, match="X has feature names, but .* without feature names"):
        clone(estimator).fit(X, y).predict(data)


# ------------------------------------------------------------------------- representation


@pytest.mark.parametrize("build", [clone, make_pipeline, grid_search])
@pytest.mark.parametrize("fitted", [False, True])
@parametrize_estimators
def test_html_representation(estimator, fitted, build):
    shown = build(clone(estimator).set_params(tol=0.0123))
    if fitted:
        shown.fit(X, target_of(estimator))
    html = estimator_html_repr(shown)
    assert type(estimator).__name__ in html
    assert "0.0123" in html
    assert ("sk-estimator-doc-link fitted" in html) == fitted


@parametrize_estimators
def test_html_links_to_the_documentation_once_it_has_an_address(monkeypatch, estimator):
    assert estimator._get_doc_link() == documentation_address() == ""
    monkeypatch.setattr(documentation_link, "documentation_address", lambda: "https://x.org/en")
    name = type(estimator).__name__
    assert estimator._get_doc_link() == f"https://x.org/en/generated/skneural.{name}.html"
    html = estimator_html_repr(estimator)
    assert f'href="https://x.org/en/generated/skneural.{name}.html"' in html


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        (None, ""),
        (["Source, https://x.org/code"], ""),
        (["Source, https://x.org/code", "Documentation, https://x.org/en/"], "https://x.org/en"),
    ],
)
def test_address_of_the_documentation(monkeypatch, urls, address):
    found = type("Metadata", (), {"get_all": lambda self, name: urls})()
    monkeypatch.setattr(documentation_link, "metadata", lambda name: found)
    assert documentation_address.__wrapped__() == address


def test_html_links_by_the_metadata_of_an_installed_package(monkeypatch, tmp_path):
    """Every public estimator has the link, as soon as the installed package gives an address."""
    folder = tmp_path / "skneural-0.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: skneural\nVersion: 0.1\n"
        "Project-URL: Documentation, https://x.org/stable/\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        documentation_link, "documentation_address", documentation_address.__wrapped__
    )
    classes = [getattr(skneural, name) for name in skneural.__all__ if name[0].isupper()]
    classes = [each for each in classes if isinstance(each, type)]
    classes = [each for each in classes if issubclass(each, BaseEstimator)]
    assert len(classes) >= 8
    for each in classes:
        needed = [ScratchMLPClassifier()] if each.__name__ == "HiddenLayerTransformer" else []
        estimator = each(*needed)
        link = estimator._get_doc_link()
        assert link.startswith("https://x.org/stable/")
        assert f"skneural.{each.__name__}" in link
        html = estimator._repr_html_()
        assert f'href="{link}">?<span>Documentation for {each.__name__}</span>' in html


@parametrize_estimators
def test_text_representation_names_what_was_changed(estimator):
    text = repr(clone(estimator).set_params(tol=0.0123))
    assert text.startswith(type(estimator).__name__ + "(")
    assert "tol=0.0123" in text
    assert "momentum" not in text
