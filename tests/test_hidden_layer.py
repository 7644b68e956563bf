"""Hidden layers as features: their numbers, and the transformer as a citizen of scikit-learn."""

from __future__ import annotations

import pickle
from collections import deque
from functools import partial

import numpy as np
import pytest
from memory import peak_beyond_the_result, peak_of
from networks import layers_of, network_of
from scipy import sparse
from scipy.special import erf, expit
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_global_output_transform_pandas,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
)

from skneural import HiddenLayerTransformer, ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(n_samples=120, n_features=6, n_informative=4, random_state=0)
SIZES = (7, 5, 3)
SHORT = {"hidden_layer_sizes": SIZES, "max_iter": 5, "random_state": 0}
NETWORKS = [ScratchMLPClassifier, ScratchMLPRegressor]
BY_HAND = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * expit(z),
}


def by_hand(model, X, n_layers, activations):
    a = X
    for weights, intercepts, name in zip(
        model.coefs_[:n_layers], model.intercepts_[:n_layers], activations, strict=False
    ):
        a = BY_HAND[name](a @ weights + intercepts)
    return a


def fitted_classifier(**params):
    return ScratchMLPClassifier(**{**SHORT, **params}).fit(X, Y)


# ------------------------------------------------------------------- hidden_activations


@pytest.mark.parametrize("layer", range(-3, 3))
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("activation", [*BY_HAND, ["tanh", "gelu", "relu"]], ids=str)
def test_the_numbers_are_those_of_the_forward_pass(network, activation, layer):
    model = network(**SHORT, activation=activation).fit(X, Y)
    names = activation if isinstance(activation, list) else [activation] * 3
    found = model.hidden_activations(X, layer=layer)
    assert found.shape == (120, SIZES[layer])
    expected = by_hand(model, X, layer % 3 + 1, names)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_output_layer_makes_the_predictions_of_the_last(network):
    model = network(**SHORT).fit(X, Y)
    raw = (model.hidden_activations(X) @ model.coefs_[-1] + model.intercepts_[-1]).ravel()
    if network is ScratchMLPClassifier:
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], expit(raw), rtol=1e-10)
    else:
        np.testing.assert_allclose(model.predict(X), raw, rtol=1e-10)


@pytest.mark.parametrize("layer", [0, 1, -1])
def test_one_row_is_a_row_of_all(layer):
    model = fitted_classifier(activation="gelu")
    together = model.hidden_activations(X, layer)
    one_by_one = [model.hidden_activations(x[np.newaxis], layer) for x in X]
    np.testing.assert_allclose(np.vstack(one_by_one), together, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(model.hidden_activations([list(X[0])], layer), one_by_one[0])


@pytest.mark.parametrize("layer", [0, -1])
def test_many_rows_come_in_several_chunks(layer):
    model = fitted_classifier(hidden_layer_sizes=(200, 30))
    many = np.random.RandomState(0).normal(size=(5000, 6))
    expected = by_hand(model, many, [1, 2][layer], ["relu"] * 2)
    np.testing.assert_allclose(
        model.hidden_activations(many, layer), expected, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        model.hidden_activations(sparse.csc_matrix(many), layer), expected, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_rows(kind):
    model = fitted_classifier()
    for layer in range(3):
        found = model.hidden_activations(kind(X), layer)
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, model.hidden_activations(X, layer), rtol=1e-10)


def test_sparse_rows_are_never_made_dense():
    rng = np.random.default_rng(0)  # a RandomState would permute all elements of the matrix
    rows = sparse.random(2000, 50_000, density=1e-4, format="csr", random_state=rng)
    model = ScratchMLPClassifier((4,), max_iter=1, random_state=0).fit(rows, np.arange(2000) % 2)
    assert model.hidden_activations(rows).shape == (2000, 4)
    assert peak_of(lambda: model.hidden_activations(rows)) < 2000 * 50_000 * 8 / 100


@pytest.mark.parametrize("fitted_to", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float32, np.float64, int])
def test_the_dtype_is_that_of_the_model(fitted_to, given):
    model = ScratchMLPClassifier(**SHORT).fit(X.astype(fitted_to), Y)
    for rows in (X, X[:1]):
        for kind in (np.array, sparse.csr_matrix):
            found = model.hidden_activations(kind(rows.astype(given)))
            assert found.dtype == fitted_to
            expected = model.hidden_activations(rows.astype(given).astype(float))
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_float32_is_close_to_float64():
    single, double = fitted_classifier(dtype="float32"), fitted_classifier()
    assert single.hidden_activations(X).dtype == np.float32
    np.testing.assert_allclose(
        single.hidden_activations(X), double.hidden_activations(X), rtol=1e-3, atol=1e-4
    )


def test_no_unit_is_dropped():
    model = fitted_classifier(dropout=0.5)
    expected = by_hand(model, X, 3, ["relu"] * 3)
    for _ in range(2):
        np.testing.assert_allclose(model.hidden_activations(X), expected, rtol=1e-10, atol=1e-12)


def test_nothing_is_written_to_and_nothing_shared():
    model, rows = fitted_classifier(activation="identity"), X.copy()
    before = pickle.dumps(model)
    first = model.hidden_activations(rows)
    kept = first.copy()
    model.hidden_activations(rows + 1)[...] = np.nan
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(rows, X)
    assert pickle.dumps(model) == before
    # A view of an array of its own size, if at all: nothing else is kept in memory by it.
    owner = first if first.base is None else first.base
    assert owner.nbytes == first.nbytes


@pytest.mark.parametrize(("sizes", "layer"), [((20, 50, 2), 0), ((20, 50, 30, 2), 1)])
def test_more_rows_need_no_more_memory(sizes, layer):
    network = network_of(sizes, "gelu")
    params = np.random.RandomState(0).uniform(-1, 1, network.n_params)
    below = network.arrays(params)[: 2 * (layer + 1)]  # dense layers and their activations
    peaks = []
    for n_rows in (20_000, 200_000):
        rows = np.zeros((n_rows, 20))
        peaks.append(peak_of(lambda rows=rows: deque(network.raw_chunks(below, rows, float), 0)))
    assert peaks[1] < 1.1 * peaks[0]


def test_the_estimator_needs_no_more_memory_for_more_rows():
    model = ScratchMLPClassifier((50, 4), max_iter=1, random_state=0).fit(X, Y)
    peaks = []
    for n_rows in (20_000, 200_000):
        rows = np.zeros((n_rows, 6))
        peaks.append(peak_beyond_the_result(partial(model.hidden_activations, rows)))
    assert peaks[1] < 1.1 * peaks[0]


def test_layers_above_are_not_computed():
    network = network_of((2, 3, 2, 1), ("relu", "tanh"))
    params = np.ones(network.n_params)
    for weights, intercepts in layers_of(network, params)[1:]:
        weights[...] = intercepts[...] = np.nan
    below = network.arrays(params)[:2]
    [(_, found)] = network.raw_chunks(below, np.ones((4, 2)), np.float64)
    np.testing.assert_array_equal(found, np.full((4, 3), 3.0))


@pytest.mark.parametrize("layer", ["x", 1.0, None])
def test_a_layer_that_is_no_integer(layer):
    model = fitted_classifier()
    with pytest.raises(TypeError, match=f"layer must be an integer, got {layer!r}"):
        model.hidden_activations(X, layer)
    transformer = HiddenLayerTransformer(model, prefit=True).fit(X).set_params(layer=layer)
    for ask in (transformer.transform, transformer.get_feature_names_out):
        with pytest.raises(TypeError, match="layer must be an integer"):
            ask(X) if ask == transformer.transform else ask()


@pytest.mark.parametrize("layer", [3, -4, 100])
def test_a_layer_that_does_not_exist(layer):
    model = fitted_classifier()
    with pytest.raises(IndexError, match=rf"no hidden layer {layer}\. The network has 3"):
        model.hidden_activations(X, layer)
    with pytest.raises(IndexError, match="from 0 to 2, or from -3 to -1"):
        HiddenLayerTransformer(ScratchMLPClassifier(**SHORT), layer).fit(X, Y)
    with pytest.raises(IndexError, match="from 0 to 2, or from -3 to -1"):
        HiddenLayerTransformer(FrozenEstimator(model), layer).fit(X, Y)


def test_layers_have_whole_numbers():
    model = fitted_classifier()
    with pytest.raises(TypeError, match="integer"):
        model.hidden_activations(X, 1.0)
    np.testing.assert_array_equal(
        model.hidden_activations(X, np.int64(1)), model.hidden_activations(X, 1)
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_without_hidden_layer(network):
    linear = network(hidden_layer_sizes=(), max_iter=5)
    fitted = clone(linear).fit(X, Y)
    with pytest.raises(ValueError, match="no hidden layer"):
        fitted.hidden_activations(X)
    for estimator in (linear, FrozenEstimator(fitted)):
        with pytest.raises(ValueError, match="no hidden layer"):
            HiddenLayerTransformer(estimator).fit(X, Y)


def test_rows_are_validated_as_for_predict():
    with pytest.raises(NotFittedError):
        ScratchMLPClassifier().hidden_activations(X)
    model = fitted_classifier()
    bad = X.copy()
    bad[3, 2] = np.nan
    wrong = [bad, X[:, :5], X[0], X[:0], np.ma.masked_less(X, 0), X.astype(complex)]
    for rows in wrong:
        with pytest.raises(ValueError) as by_predict:  # noqa: PT011
            model.predict(rows)
        with pytest.raises(ValueError) as found:  # noqa: PT011
            model.hidden_activations(rows)
        assert str(found.value) == str(by_predict.value)


def test_a_network_of_given_weights_and_a_lean_one():
    model = ScratchMLPRegressor.from_weights(
        [[[1.0, -1.0]], [[1.0], [1.0]]], [[0.0, 0.5], [0.0]], activation="relu"
    )
    expected = [[2, 0], [0, 1.5]]
    for each in (model, model.for_prediction()):
        np.testing.assert_array_equal(each.hidden_activations([[2.0], [-1.0]]), expected)


# ---------------------------------------------------------------- HiddenLayerTransformer


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("layer", [0, -1])
def test_it_transforms_into_hidden_activations(network, layer):
    model = network(**SHORT)
    transformer = HiddenLayerTransformer(model, layer)
    found = transformer.fit_transform(X, Y)
    assert not hasattr(model, "coefs_")
    expected = clone(model).fit(X, Y).hidden_activations(X, layer)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(transformer.transform(X), expected)
    np.testing.assert_allclose(transformer.transform(sparse.csr_matrix(X)), expected, rtol=1e-9)
    assert transformer.n_features_in_ == 6
    assert not hasattr(transformer, "feature_names_in_")


def test_fit_params_reach_the_network():
    weight = np.linspace(0, 1, len(X))
    validation = {"X_val": X[:20], "y_val": Y[:20]}
    found = HiddenLayerTransformer(ScratchMLPClassifier(**SHORT))
    found.fit(X, Y, sample_weight=weight, **validation)
    expected = ScratchMLPClassifier(**SHORT).fit(X, Y, sample_weight=weight, **validation)
    np.testing.assert_array_equal(found.estimator_._model.params, expected._model.params)
    assert len(found.estimator_.validation_scores_) == 5
    pipeline = make_pipeline(HiddenLayerTransformer(ScratchMLPClassifier(**SHORT)), None)
    pipeline.fit(X, Y, hiddenlayertransformer__sample_weight=weight)
    expected = ScratchMLPClassifier(**SHORT).fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(pipeline[0].estimator_._model.params, expected._model.params)


def test_metadata_are_routed():
    weight = np.linspace(0, 1, len(X))
    expected = ScratchMLPClassifier(**SHORT).fit(X, Y, sample_weight=weight)
    without = ScratchMLPClassifier(**SHORT).fit(X, Y)
    with config_context(enable_metadata_routing=True):
        asking = HiddenLayerTransformer(
            ScratchMLPClassifier(**SHORT).set_fit_request(sample_weight=True)
        )
        declining = HiddenLayerTransformer(
            ScratchMLPClassifier(**SHORT).set_fit_request(sample_weight=False)
        )
        by_another_name = HiddenLayerTransformer(
            ScratchMLPClassifier(**SHORT).set_fit_request(sample_weight="importance")
        )
        found = clone(asking).fit(X, Y, sample_weight=weight).estimator_
        np.testing.assert_array_equal(found._model.params, expected._model.params)
        found = clone(by_another_name).fit(X, Y, importance=weight).estimator_
        np.testing.assert_array_equal(found._model.params, expected._model.params)
        activations = clone(asking).fit_transform(X, Y, sample_weight=weight)
        np.testing.assert_array_equal(activations, expected.hidden_activations(X))
        np.testing.assert_array_equal(
            clone(declining).fit_transform(X, Y), without.hidden_activations(X)
        )
        head = LogisticRegression().set_fit_request(sample_weight=True)
        for first, model in ((asking, expected), (declining, without)):
            for flow in ("fit", "search"):
                pipeline = make_pipeline(clone(first), clone(head))
                if flow == "search":
                    scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
                    grid = {"hiddenlayertransformer__layer": [-1]}
                    search = GridSearchCV(pipeline, grid, cv=2, scoring=scorer)
                    fitted = search.fit(X, Y, sample_weight=weight).best_estimator_
                else:
                    fitted = pipeline.fit(X, Y, sample_weight=weight)
                np.testing.assert_array_equal(
                    fitted[0].estimator_._model.params, model._model.params
                )
        with pytest.raises(ValueError, match="sample_weight"):
            HiddenLayerTransformer(ScratchMLPClassifier(**SHORT)).fit(X, Y, sample_weight=weight)
        with pytest.raises(TypeError, match=r"HiddenLayerTransformer\.fit got unexpected argument"):
            clone(asking).fit(X, Y, nonsense=weight)


def test_the_router_copies_no_network():
    transformer = HiddenLayerTransformer(ScratchMLPClassifier(**SHORT)).fit(X, Y)
    assert transformer.get_metadata_routing().owner == "HiddenLayerTransformer"


@pytest.mark.parametrize("prefit", [False, True])
def test_a_frozen_network_is_taken_as_it_is(prefit):
    model = fitted_classifier()
    expected = model.hidden_activations(X)
    transformer = HiddenLayerTransformer(FrozenEstimator(model), prefit=prefit)
    # Usable at once, cloned too, and a fit to whatever else changes nothing.
    for each in (transformer, clone(transformer), clone(transformer).fit(X[:3], Y[:3])):
        np.testing.assert_array_equal(each.transform(X), expected)
        assert each.n_features_in_ == 6
        assert len(each.get_feature_names_out()) == 3
    np.testing.assert_array_equal(clone(transformer).fit(X).transform(X), expected)
    np.testing.assert_array_equal(transformer.fit_transform(X, sample_weight=None), expected)


def test_a_fitted_network_is_not_used_unless_told_to():
    model = fitted_classifier()
    transformer = HiddenLayerTransformer(model)
    with pytest.raises(NotFittedError):
        transformer.transform(X)
    before = model._model.params.copy()
    transformer.fit(X[:60], Y[:60])
    np.testing.assert_array_equal(model._model.params, before)
    assert np.any(transformer.estimator_._model.params != before)


def test_prefit_copies_the_network():
    model = fitted_classifier()
    expected = model.hidden_activations(X)
    transformer = HiddenLayerTransformer(model, prefit=True)
    np.testing.assert_array_equal(transformer.transform(X), expected)
    assert transformer.fit(X) is transformer
    model.fit(X, 1 - Y)
    np.testing.assert_array_equal(transformer.transform(X), expected)
    assert np.any(model.hidden_activations(X) != expected)
    assert not hasattr(transformer.estimator_, "loss_curve_")


@pytest.mark.parametrize(
    ("estimator", "prefit"),
    [
        (ScratchMLPClassifier(), True),
        (FrozenEstimator(ScratchMLPClassifier()), False),
        (FrozenEstimator(ScratchMLPClassifier()), True),
    ],
)
def test_what_should_be_fitted_has_to_be(estimator, prefit):
    transformer = HiddenLayerTransformer(estimator, prefit=prefit)
    with pytest.raises(NotFittedError, match="estimator has to be fitted"):
        transformer.fit(X, Y)
    with pytest.raises(NotFittedError, match="HiddenLayerTransformer instance is not fitted"):
        transformer.transform(X)


def test_clones_of_a_prefit_one_say_what_to_do():
    transformer = HiddenLayerTransformer(fitted_classifier(), prefit=True)
    with pytest.raises(NotFittedError, match="unless it is one of a FrozenEstimator"):
        clone(transformer).fit(X, Y)


def test_before_a_fit():
    transformer = HiddenLayerTransformer(ScratchMLPClassifier(**SHORT))
    for call in (lambda: transformer.transform(X), transformer.get_feature_names_out):
        with pytest.raises(NotFittedError):
            call()
    assert not hasattr(transformer, "n_features_in_")
    assert not hasattr(transformer, "feature_names_in_")


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        (LogisticRegression(), {}),
        (FrozenEstimator(LogisticRegression()), {}),
        (None, {}),
        ("ScratchMLPClassifier", {}),
        (ScratchMLPClassifier(), {"layer": "last"}),
        (ScratchMLPClassifier(), {"layer": 0.5}),
        (ScratchMLPClassifier(), {"prefit": "yes"}),
    ],
)
def test_parameters_are_validated(estimator, params):
    name = next(iter(params), "estimator")
    with pytest.raises(ValueError, match=f"The '{name}' parameter of HiddenLayerTransformer"):
        HiddenLayerTransformer(estimator, **params).fit(X, Y)


def test_a_failed_fit_leaves_what_was_fitted():
    transformer = HiddenLayerTransformer(ScratchMLPClassifier(**SHORT)).fit(X, Y)
    before = transformer.transform(X)
    with pytest.raises(ValueError, match="NaN"):
        transformer.fit(np.full_like(X, np.nan), Y)
    np.testing.assert_array_equal(transformer.transform(X), before)
    with pytest.raises(ValueError, match="requires y"):
        transformer.fit(X)


def test_names_and_data_frames():
    pandas = pytest.importorskip("pandas")
    names = [f"column {i}" for i in range(6)]
    frame = pandas.DataFrame(X, columns=names, index=np.arange(120) + 1000)
    transformer = HiddenLayerTransformer(ScratchMLPClassifier(**SHORT))
    transformer.set_output(transform="pandas").fit(frame, Y)
    assert list(transformer.feature_names_in_) == names
    out = [f"hiddenlayertransformer{i}" for i in range(3)]
    assert list(transformer.get_feature_names_out()) == out
    assert list(transformer.get_feature_names_out(names)) == out
    with pytest.raises(ValueError, match="input_features"):
        transformer.get_feature_names_out(names[::-1])
    found = transformer.transform(frame)
    assert list(found.columns) == out
    assert list(found.index) == list(frame.index)
    np.testing.assert_array_equal(found, transformer.estimator_.hidden_activations(frame))
    with pytest.raises(ValueError, match="feature names"):
        transformer.transform(frame[names[::-1]])
    assert len(transformer.set_params(layer=0).get_feature_names_out()) == 7


def test_names_in_a_union():
    union = FeatureUnion(
        [
            ("small", HiddenLayerTransformer(ScratchMLPClassifier(2, max_iter=3))),
            (
                "large",
                HiddenLayerTransformer(ScratchMLPRegressor(hidden_layer_sizes=3, max_iter=3)),
            ),
        ]
    ).fit(X, Y)
    names = list(union.get_feature_names_out())
    assert len(names) == len(set(names)) == 5
    assert names[0] == "small__hiddenlayertransformer0"


@pytest.mark.parametrize("head", [LogisticRegression(), KNeighborsClassifier()])
def test_in_a_pipeline_and_a_search(head):
    steps = [("hidden", HiddenLayerTransformer(ScratchMLPClassifier(**SHORT))), ("head", head)]
    grid = {
        "hidden__estimator__alpha": [1e-4, 1e-1],
        "hidden__estimator__hidden_layer_sizes": [(8, 4)],
        "hidden__layer": [0, 1],
    }
    search = GridSearchCV(Pipeline(steps), grid, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 4
    assert search.score(X, Y) > 0.5
    best = search.best_estimator_
    assert best["hidden"].estimator_.alpha == search.best_params_["hidden__estimator__alpha"]
    by_hand = clone(head).fit(best[:-1].transform(X), Y)
    np.testing.assert_array_equal(by_hand.predict(best[:-1].transform(X)), search.predict(X))


def test_a_frozen_network_in_a_cross_validation():
    model = fitted_classifier()
    pipeline = make_pipeline(HiddenLayerTransformer(FrozenEstimator(model)), LogisticRegression())
    found = cross_val_score(pipeline, X, Y, cv=3, error_score="raise")
    expected = cross_val_score(LogisticRegression(), model.hidden_activations(X), Y, cv=3)
    np.testing.assert_array_equal(found, expected)


def test_the_features_are_worth_their_price():
    angle, radius = np.random.RandomState(0).uniform(size=(2, 600))
    rings = (radius > 0.5).astype(int)
    points = np.column_stack([radius * np.cos(7 * angle), radius * np.sin(7 * angle)])
    network = ScratchMLPClassifier((16,), max_iter=200, random_state=0, solver="lbfgs")
    hidden = make_pipeline(HiddenLayerTransformer(network), LogisticRegression(C=100, max_iter=500))
    linear = cross_val_score(LogisticRegression(), points, rings, cv=3).mean()
    assert linear < 0.7
    assert cross_val_score(hidden, points, rings, cv=3).mean() > 0.95


@pytest.mark.parametrize("frozen", [False, True])
def test_copies(frozen):
    network = fitted_classifier()
    transformer = HiddenLayerTransformer(FrozenEstimator(network) if frozen else network, layer=1)
    transformer.set_output(transform="pandas").fit(X, Y)
    found = pickle.loads(pickle.dumps(transformer))
    assert found.get_feature_names_out().tolist() == transformer.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found.transform(X), transformer.transform(X))
    again = clone(transformer)
    assert again.layer == 1
    assert not hasattr(again, "estimator_")
    np.testing.assert_array_equal(again.fit(X, Y).transform(X), transformer.transform(X))
    assert "HiddenLayerTransformer(estimator=" in repr(transformer)
    assert transformer._repr_html_()


def test_tags():
    network = ScratchMLPClassifier()
    tags = get_tags(HiddenLayerTransformer(network))
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert tags.estimator_type is None
    tags = get_tags(HiddenLayerTransformer(ScratchMLPRegressor(dtype="float32")))
    assert tags.transformer_tags.preserves_dtype == ["float32"]
    for taken_over in (
        HiddenLayerTransformer(FrozenEstimator(network)),
        HiddenLayerTransformer(network, prefit=True),
    ):
        tags = get_tags(taken_over)
        assert tags.input_tags.sparse
        assert not tags.target_tags.required
        assert tags.transformer_tags.preserves_dtype == []
    assert get_tags(network).target_tags.required


TRANSFORMERS = [
    HiddenLayerTransformer(ScratchMLPClassifier(random_state=0, max_iter=10)),
    HiddenLayerTransformer(ScratchMLPRegressor(random_state=0, max_iter=10)),
    HiddenLayerTransformer(
        ScratchMLPClassifier((20, 5), random_state=0, max_iter=10, solver="lbfgs"), layer=0
    ),
    HiddenLayerTransformer(
        ScratchMLPRegressor(
            hidden_layer_sizes=(20, 5),
            random_state=0,
            dtype="float32",
            activation="gelu",
            max_iter=10,
        )
    ),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_check_estimator(transformer):
    results = check_estimator(transformer, legacy=True, on_fail=None, on_skip=None)
    others = [
        (result["check_name"], result["status"], result["exception"])
        for result in results
        if result["status"] != "passed"
    ]
    assert not others
    assert len(results) >= 47


# Some of these fit to arrays and transform data frames, or the other way round.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("transformer", TRANSFORMERS[:2])
@pytest.mark.parametrize(
    "check",
    [
        check_dataframe_column_names_consistency,
        check_global_output_transform_pandas,
        check_set_output_transform,
        check_set_output_transform_pandas,
        check_set_output_transform_polars,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_that_scikit_learn_keeps_for_itself(check, transformer):
    check(type(transformer).__name__, clone(transformer))
