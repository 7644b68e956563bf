"""TabularMLPClassifier and TabularMLPRegressor: what a fit leaves, and what it predicts."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from raw_tables import (
    N_ROWS,
    NUMBERS,
    PROBLEMS,
    SHORT,
    TABLE,
    THREE,
    TWO,
    answer,
    classifier,
    fitted,
    outputs,
    raw_table,
    regressor,
)
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, d2_pinball_score, mean_pinball_loss, r2_score
from sklearn.model_selection import KFold

from skneural import TabularMLPClassifier, TabularMLPRegressor
from skneural.losses import AbsoluteError, Huber, Quantile, SquaredError
from skneural.temperature import cautious_temperature

each_problem = pytest.mark.parametrize(("make", "y"), PROBLEMS.values(), ids=PROBLEMS)
#: Folds that are known, so that out-of-fold figures can be calculated by hand.
FOLDS = list(KFold(3, shuffle=True, random_state=1).split(TABLE))
NEW = raw_table(40, seed=5)


# ------------------------------------------------------------------ out-of-fold figures, by hand


def raw_out_of_fold(model, X=TABLE, folds=FOLDS):
    """Raw outputs of each row by the member that has left it out, of shape (C, n, n_outputs)."""
    raw = model.raw_outputs(X)
    found = np.full((raw.shape[0], *raw.shape[2:]), np.nan)
    for k, (_, test) in enumerate(folds):
        found[:, test] = raw[:, k, test]
    return found


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.parametrize("metric", [None, "neg_log_loss"])
def test_out_of_fold_probabilities_by_hand(y, metric):
    model = classifier(cv=FOLDS, max_iter=8, early_stopping_metric=metric).fit(TABLE, y)
    codes = np.searchsorted(model.classes_, y)
    raw = raw_out_of_fold(model)
    temperatures = [cautious_temperature(own, codes) for own in raw]
    np.testing.assert_allclose(model.temperature_, [t.value for t in temperatures], rtol=1e-4)
    log_probability = np.mean(
        [log_softmax(own / t, axis=1) for own, t in zip(raw, model.temperature_, strict=True)],
        axis=0,
    )
    expected = softmax(log_probability, axis=1)
    if metric is not None:  # else the other folds select the epochs of each fold
        np.testing.assert_allclose(model.oof_predictions_, expected, rtol=1e-4, atol=1e-6)
    right = accuracy_score(y, model.classes_[model.oof_predictions_.argmax(axis=1)])
    assert model.oof_score_ == pytest.approx(right)
    history = model.history_
    for epoch, temperature in zip(model.best_iteration_, temperatures, strict=True):
        assert history[epoch - 1]["oof_loss"] == pytest.approx(temperature.loss, rel=1e-4)
        assert history[epoch - 1]["temperature"] == pytest.approx(temperature.value, rel=1e-4)
    if metric is not None:
        return
    # The lowest loss, the lowest error; the last of equal epochs.
    for name, epoch in (
        ("oof_loss", model.best_iteration_[0]),
        ("oof_error", model.best_iteration_[-1]),
    ):
        values = [each[name] for each in history]
        assert epoch == max(i for i, value in enumerate(values, start=1) if value == min(values))


@pytest.mark.parametrize(
    ("loss", "score", "mean_loss"),
    [
        ("squared_error", r2_score, lambda y, p: 0.5 * np.mean((y - p) ** 2)),
        ("absolute_error", r2_score, lambda y, p: np.mean(np.abs(y - p))),
        (
            Quantile(0.8),
            lambda y, p: d2_pinball_score(y, p, alpha=0.8),
            lambda y, p: mean_pinball_loss(y, p, alpha=0.8),
        ),
    ],
    ids=["squared", "absolute", "quantile"],
)
def test_out_of_fold_numbers_by_hand(loss, score, mean_loss):
    # After so many steps, what the other folds select for each is the epoch selected for all.
    model = regressor(cv=FOLDS, loss=loss, max_iter=8, batch_size=None).fit(TABLE, NUMBERS)
    raw = raw_out_of_fold(model)[0, :, 0]
    expected = np.empty(N_ROWS)
    scales = []
    for train, test in FOLDS:
        y = NUMBERS[train]
        expected[test] = np.clip(raw[test] * y.std() + y.mean(), y.min(), y.max())
        scales.append(y.std())
    np.testing.assert_allclose(model.oof_predictions_, expected, rtol=1e-5)
    assert model.oof_score_ == pytest.approx(score(NUMBERS, expected), rel=1e-4)
    best = model.history_[model.best_iteration_[0] - 1]
    unit = np.mean(scales)
    assert best["oof_loss"] == pytest.approx(mean_loss(NUMBERS / unit, expected / unit), rel=1e-4)
    assert best["oof_score"] == pytest.approx(model.oof_score_, rel=1e-4)
    assert best["oof_loss"] == min(each["oof_loss"] for each in model.history_)
    # And new rows: the mean over members of each one's numbers.
    by_member = [
        np.clip(own * NUMBERS[train].std() + NUMBERS[train].mean(), *lowest_and_highest(train))
        for own, (train, _) in zip(model.raw_outputs(NEW)[0, :, :, 0], FOLDS, strict=True)
    ]
    mean, deviation = model.predict(NEW, return_std=True)
    np.testing.assert_allclose(mean, np.mean(by_member, axis=0), rtol=1e-9)
    np.testing.assert_allclose(deviation, np.std(by_member, axis=0), rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(model.predict(NEW), mean)


def lowest_and_highest(rows):
    return NUMBERS[rows].min(), NUMBERS[rows].max()


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_probabilities_by_hand(y):
    model = classifier(max_iter=8).fit(TABLE, y)
    raw, t = model.raw_outputs(NEW), model.temperature_[:, None, None, None]
    averaged = log_softmax(raw / t, axis=-1).mean(axis=(0, 1))
    np.testing.assert_allclose(model.predict_proba(NEW), softmax(averaged, axis=1), rtol=1e-9)
    np.testing.assert_allclose(
        model.predict_log_proba(NEW), log_softmax(averaged, axis=1), rtol=1e-9
    )
    expected = averaged[:, 1] - averaged[:, 0] if len(model.classes_) == 2 else averaged
    np.testing.assert_allclose(model.decision_function(NEW), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.predict(NEW), model.classes_[averaged.argmax(axis=1)])


# ------------------------------------------------------------------ what a fit leaves

#: The columns of the history.
COLUMNS = {
    "classes": ["epoch", "loss", "oof_score", "oof_loss", "oof_error", "temperature"],
    "numbers": ["epoch", "loss", "oof_score", "oof_loss"],
}


@each_problem
def test_history(make, y):
    model = make().fit(TABLE, y)  # a copy has no seconds
    kind = "numbers" if y is NUMBERS else "classes"
    expected = [*COLUMNS[kind], "learning_rate", "gradient_norm", "seconds"]
    assert len(model.history_) == model.n_iter_ == SHORT["max_iter"]
    for number, row in enumerate(model.history_, start=1):
        assert sorted(row) == sorted(expected)
        assert row["epoch"] == number
        assert all(np.isfinite(value) for value in row.values())
    frame = model.history_.to_frame()
    assert sorted(frame.columns) == sorted(expected)
    assert frame["loss"].tolist() == [row["loss"] for row in model.history_]
    own = make().fit(TABLE, y, X_val=TABLE, y_val=y)
    names = [name.replace("oof_", "validation_") for name in expected]
    assert sorted(own.history_[0]) == sorted(names)


@each_problem
def test_fitted_attributes(make, y):
    model = fitted(make, y)
    assert model.n_features_in_ == 5
    assert model.feature_names_in_.tolist() == list(TABLE.columns)
    assert model.is_categorical_.tolist() == [False, False, False, True, True]
    assert model.stop_reason_ == "max_iter"
    assert np.all((model.best_iteration_ >= 1) & (model.best_iteration_ <= model.n_iter_))
    assert model.raw_outputs(NEW).shape[:3] == (len(model.best_iteration_), 3, len(NEW))
    assert model.fitted_settings_["hidden_layer_sizes"] == (8, 8)
    assert model.fitted_settings_["max_iter"] == SHORT["max_iter"]
    assert set(model.fitted_settings_) < set(model.get_params())
    assert not hasattr(model, "validation_score_")
    for method in ("n_features_in_", "oof_score_", "history_", "n_iter_", "fitted_settings_"):
        assert not hasattr(make(), method)
        with pytest.raises(AttributeError, match=f"object has no attribute '{method}'"):
            getattr(make(), method)
    for method in ("predict", "raw_outputs"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(TABLE)
    # Nothing that a user does to what they are handed changes the model.
    before = outputs(model, NEW)
    model.fitted_settings_["dropout"] = 1.0
    assert model.fitted_settings_["dropout"] != 1.0
    np.testing.assert_array_equal(outputs(model, NEW), before)


@each_problem
def test_same_seed_same_model(make, y):
    first = fitted(make, y)
    for other in (make().fit(TABLE, y), clone(first).fit(TABLE, y), copy.copy(first).fit(TABLE, y)):
        np.testing.assert_array_equal(outputs(other, NEW), outputs(first, NEW))
        np.testing.assert_array_equal(other.oof_predictions_, first.oof_predictions_)
    other = make(random_state=1).fit(TABLE, y)
    assert np.any(outputs(other, NEW) != outputs(first, NEW))
    anew = [make(random_state=None).fit(TABLE, y) for _ in range(2)]
    assert np.any(outputs(anew[0], NEW) != outputs(anew[1], NEW))


@each_problem
def test_members_differ_and_are_trained_on_their_rows(make, y):
    """A member's own rows count for it, and those that it has left out do not."""
    model = make(cv=FOLDS).fit(TABLE, y)
    raw = model.raw_outputs(NEW)
    assert np.any(raw[:, 0] != raw[:, 1])
    other = np.array(y)
    test = FOLDS[0][1]
    other[test] = np.roll(other[test], 1)
    changed = make(cv=FOLDS, early_stopping_metric=last_epoch).fit(TABLE, other)
    model = make(cv=FOLDS, early_stopping_metric=last_epoch).fit(TABLE, y)
    np.testing.assert_array_equal(model.raw_outputs(NEW)[:, 0], changed.raw_outputs(NEW)[:, 0])
    assert np.any(model.raw_outputs(NEW)[:, 1] != changed.raw_outputs(NEW)[:, 1])


class LastEpoch:
    """A metric that is the better the later it is asked."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        return self.n_calls


last_epoch = LastEpoch()


def test_presets():
    """What parameters that are None stand for; a value of the user's own comes first."""
    found = {}
    for make, y in PROBLEMS.values():
        for preset in ("auto", "fast", "accurate"):
            given = {"max_iter": 1, "hidden_layer_sizes": (4,), "preset": preset, "cv": 2}
            model = make(**{**given, "dropout": 0.25}).fit(TABLE, y)
            assert model.fitted_settings_["dropout"] == 0.25
            assert model.fitted_settings_["max_iter"] == 1
            settings = make(**given).fit(TABLE, y).fitted_settings_
            found[make.__name__, preset] = {
                name: settings[name] for name in ("activation", "dropout", "learning_rate_init")
            }
    expected = {"activation": "silu", "dropout": 0.15, "learning_rate_init": 0.06}
    assert all(found["classifier", preset] == expected for preset in ("auto", "fast", "accurate"))
    expected = {"activation": "mish", "dropout": 0.0, "learning_rate_init": 0.2}
    assert all(found["regressor", preset] == expected for preset in ("auto", "fast", "accurate"))


#: Parameters of both estimators, with another value than that of `SHORT` or of the preset.
EFFECTS = {
    "hidden_layer_sizes": (5,),
    "activation": "tanh",
    "max_iter": 2,
    "batch_size": 20,
    "learning_rate_init": 0.01,
    "dropout": 0.4,
    "weight_decay": 0.5,
    "frequency_scale": 0.0,
    "max_one_hot": 2,
    "cv": 4,
    "categorical_features": ["colour", "city", "flag"],
    "early_stopping_metric": last_epoch,
}


@each_problem
@pytest.mark.parametrize("name", [*EFFECTS, "quantile_inputs"])
def test_every_parameter_has_an_effect(make, y, name):
    model = fitted(make, y)
    value = EFFECTS.get(name, y is NUMBERS)
    if name == "early_stopping_metric":
        model = make(learning_rate_init=5.0, max_iter=6).fit(TABLE, y)
        other = clone(model).set_params(early_stopping_metric=value).fit(TABLE, y)
        assert other.best_iteration_.tolist() == [other.n_iter_]
        return
    other = make(**{name: value}).fit(TABLE, y)
    assert np.any(answer(other, NEW) != answer(model, NEW))


#: Values that are refused, and a part of the message beside the name of the parameter.
BAD_PARAMETERS = {
    "preset": ["best", None, 3],
    "cv": [1, 0, -3, 2.0, True, "five"],
    "categorical_features": ["all", 3],
    "hidden_layer_sizes": [0, (8, 0), (8, -1), (2.5,), "wide"],
    "activation": ["Relu", 3],
    "max_iter": [0, -1, 2.5],
    "batch_size": [0, 0.5, "auto"],
    "learning_rate_init": [0, -1, "fast"],
    "dropout": [-0.1, 1.0, "a"],
    "weight_decay": [-1, "a"],
    "frequency_scale": [-1, "a"],
    "quantile_inputs": ["yes", 2],
    "max_one_hot": [1, 2.5],
    "early_stopping_metric": ["good", 3],
    "max_time": [0, -1, "a"],
    "verbose": ["loud"],
    "random_state": ["a", -1],
}
BAD = [(name, value) for name, values in BAD_PARAMETERS.items() for value in values]


@pytest.mark.parametrize(("name", "value"), BAD, ids=repr)
@pytest.mark.parametrize(("make", "y"), [(classifier, TWO), (regressor, NUMBERS)], ids=["c", "r"])
def test_bad_parameters_are_named(make, y, name, value):
    model = make(**{name: value})
    with pytest.raises(ValueError, match=name):
        model.fit(TABLE, y)
    assert not hasattr(model, "n_iter_")


def test_all_parameters_are_in_the_tables():
    for kind in (TabularMLPClassifier, TabularMLPRegressor):
        own = {"class_weight", "loss"}
        assert set(kind().get_params()) - own == set(BAD_PARAMETERS)
        others = {"preset", "max_time", "verbose", "random_state", "quantile_inputs"}
        assert set(BAD_PARAMETERS) - others == set(EFFECTS)


@pytest.mark.parametrize(
    "value", [Huber(), "huber", "poisson", Quantile, None, Quantile([0.1, 0.9])]
)
def test_bad_losses(value):
    with pytest.raises(ValueError, match=r"'loss' parameter of TabularMLPRegressor"):
        regressor(loss=value).fit(TABLE, NUMBERS)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 2.0, np.nan])
def test_bad_levels(level):
    with pytest.raises(ValueError, match=r"quantile of Quantile must be a number in \(0, 1\)"):
        regressor(loss=Quantile(level)).fit(TABLE, NUMBERS)


@pytest.mark.parametrize(
    "value", ["sometimes", [1, 2], 3, {"no": -1}, {"other": 1.0}, {"no": np.nan}]
)
def test_bad_class_weights(value):
    with pytest.raises(ValueError, match="class_weight"):
        classifier(class_weight=value).fit(TABLE, TWO)


# ------------------------------------------------------------------ losses of the regressor


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("squared_error", SquaredError()),
        ("absolute_error", AbsoluteError()),
        ("quantile", Quantile()),
        (Quantile(np.float64(0.3)), Quantile(0.3)),
        (Quantile(np.float32(0.5)), Quantile(0.5)),
    ],
    ids=repr,
)
def test_losses_by_name_and_as_objects(name, loss):
    models = [regressor(loss=each).fit(TABLE, NUMBERS) for each in (name, loss)]
    np.testing.assert_array_equal(models[0].predict(NEW), models[1].predict(NEW))


def test_a_quantile_covers_its_share():
    random = np.random.RandomState(0)
    X = random.uniform(-1, 1, (600, 2))
    y = X[:, 0] + 0.5 * random.standard_normal(600)
    rows = random.uniform(-1, 1, (4000, 2))
    truth = rows[:, 0] + 0.5 * random.standard_normal(4000)
    settings = {"max_iter": 12, "hidden_layer_sizes": (16, 16), "cv": 4, "random_state": 0}
    shares = {}
    for level in (0.1, 0.5, 0.9):
        model = TabularMLPRegressor(loss=Quantile(level), **settings).fit(X, y)
        shares[level] = np.mean(truth <= model.predict(rows))
        assert shares[level] == pytest.approx(level, abs=0.06)
        assert model.score(rows, truth) == pytest.approx(
            d2_pinball_score(truth, model.predict(rows), alpha=level)
        )


def test_no_prediction_is_beyond_the_training_targets():
    model = fitted(regressor, NUMBERS)
    far = NEW.assign(size=1e9 * NEW["size"], age=-1e9)
    predicted = model.predict(far)
    assert np.all((predicted >= NUMBERS.min()) & (predicted <= NUMBERS.max()))


# ------------------------------------------------------------------ other training methods


@each_problem
@pytest.mark.parametrize("method", ["partial_fit", "resume"])
def test_what_to_use_instead(make, y, method):
    for model in (make(), fitted(make, y)):
        assert not hasattr(model, method)
        with pytest.raises(AttributeError, match=rf"has no {method}: .*Call fit.*ScratchMLP"):
            getattr(model, method)


def test_standard_deviation_is_only_for_numbers():
    assert fitted(regressor, NUMBERS).predict(NEW, return_std=True)[1].shape == (40,)
    with pytest.raises(TypeError, match="return_std"):
        fitted(classifier, TWO).predict(NEW, return_std=True)


@each_problem
def test_score(make, y):
    model = fitted(make, y)
    weight = np.linspace(0, 2, N_ROWS)
    metric = r2_score if y is NUMBERS else accuracy_score
    for own in (None, weight):
        expected = metric(y, model.predict(TABLE), sample_weight=own)
        assert model.score(TABLE, y, own) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(TABLE, y[1:])


def test_it_learns():
    """Short fits of the default recipe, against the error of the best constant."""
    X, new = raw_table(200, seed=2), raw_table(500, seed=3)
    target = {id(t): 2 * t["size"] + 3 * (t["colour"] == "red") for t in (X, new)}
    model = TabularMLPRegressor(max_iter=24, cv=3, random_state=0).fit(X, target[id(X)])
    assert model.score(new, target[id(new)]) > 0.97
    labels = {key: np.digitize(t, [0, 2]) for key, t in target.items()}
    model = TabularMLPClassifier(max_iter=16, cv=3, random_state=0).fit(X, labels[id(X)])
    assert model.score(new, labels[id(new)]) > 0.9


def test_categories_are_used():
    """What only a category of many levels tells is learned from it."""
    random = np.random.RandomState(0)
    level = random.randint(20, size=300)
    X = pd.DataFrame({"noise": random.standard_normal(300), "level": [f"l{i}" for i in level]})
    y = np.where(level % 2, 1.0, -1.0)
    model = TabularMLPRegressor(max_iter=12, cv=3, random_state=0).fit(X, y)
    assert model.oof_score_ > 0.8
    classes = TabularMLPClassifier(max_iter=12, cv=3, random_state=0).fit(X, y > 0)
    assert classes.oof_score_ > 0.95


# ------------------------------------------------------------------ what is missing


@pytest.mark.parametrize("levels", ["ab", "abcde"], ids=["two levels", "five levels"])
def test_what_is_missing_among_few_levels_counts(levels):
    """Where that they are missing is all that there is to know, as well as by another level."""
    rng = np.random.RandomState(0)
    share = [*np.full(len(levels), 0.8 / len(levels)), 0.2]
    values = np.array([*levels, None], dtype=object)
    chosen = rng.choice(len(values), size=(1000, 6), p=share)
    X = pd.DataFrame(values[chosen], columns=list("uvwxyz"))
    is_missing = X.isna().to_numpy()
    y = 4 * is_missing[:, 0] - 4 * is_missing[:, 1] + 3 * is_missing[:, 2] > 1
    new, n = slice(100, None), 100
    as_they_are = TabularMLPClassifier(hidden_layer_sizes=(16,), cv=3, max_iter=20, random_state=0)
    as_they_are.fit(X[:n], y[:n])
    assert as_they_are.score(X[new], y[new]) > 0.85
    if len(levels) > 2:
        filled = X.fillna("~missing")  # sorted last, as what is missing is
        other = clone(as_they_are).fit(filled[:n], y[:n])
        np.testing.assert_array_equal(
            as_they_are.predict_proba(X[new]), other.predict_proba(filled[new])
        )


@pytest.mark.parametrize("n_missing", [0, 1, 40], ids=["new rows only", "one", "some"])
@pytest.mark.parametrize("weight", [None, np.full(200, 2.0)], ids=["", "weights"])
def test_missing_numbers_beside_rows_far_away(n_missing, weight):
    """The median stands in for them, not the mean, which one row takes to where there is none."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((400, 2))
    y = X[:, 0] + X[:, 1] + 0.1 * rng.standard_normal(400)
    X[0, 0] = 1e12
    X[1 : 1 + n_missing, 0] = np.nan
    model = TabularMLPRegressor(hidden_layer_sizes=(16,), cv=3, max_iter=20, random_state=0)
    model.fit(X[:200], y[:200], sample_weight=weight)
    new = X[200:].copy()
    new[::3, 0] = np.nan
    assert model.score(new, y[200:]) > 0.5
    if n_missing == 0:
        filled = np.where(np.isnan(new), np.median(X[:200, 0]), new)
        np.testing.assert_allclose(model.predict(new), model.predict(filled), rtol=1e-12)
