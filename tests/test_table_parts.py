"""The numbers of `TableEncoder`: a slow, literal calculation, and scikit-learn's transformers."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from raw_tables import MANY_CLASSES
from scipy.stats import norm
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, RobustScaler, TargetEncoder

from skneural import TableEncoder
from skneural.estimators.table.packing import pack, unpack
from skneural.estimators.table.scaling import (
    NormalScaling,
    Quantiles,
    RobustScaling,
    are_of_many_magnitudes,
    rounded_quantiles,
)
from skneural.estimators.table.target_encoding import TargetEncoding, log_counts, out_of_fold
from skneural.estimators.table.weights import frequencies

N = 150


def table(n=N, seed=0):
    """Every kind of column, with and without missing values."""
    rng = np.random.RandomState(seed)

    def some(values, missing=0.0):
        found = np.array(values, dtype=object)[rng.randint(len(values), size=n)]
        found[rng.uniform(size=n) < missing] = None
        return found

    number = rng.standard_normal(n)
    gaps = np.where(rng.uniform(size=n) < 0.2, np.nan, rng.exponential(size=n))
    return pd.DataFrame(
        {
            "number": number,
            "counts": rng.poisson(1.0, size=n),
            "gaps": gaps,
            "constant": 3.0,
            "bool": rng.uniform(size=n) < 0.1,
            "twos": rng.choice([2.0, 7.0], size=n),
            "sex": some(["f", "m"]),
            "sex?": some(["f", "m"], 0.2),
            "present": some(["yes"], 0.4),
            "colour": some(["red", "green", "blue"], 0.1),
            "eight": some(list("abcdefgh")),
            "eight?": some(list("abcdefgh"), 0.2),
            "city": some([f"city {i}" for i in range(30)], 0.1),
            "nothing": np.nan,
        }
    )


NUMBERS = ["number", "counts", "gaps", "constant", "bool", "twos", "nothing"]
NEW = table(60, seed=1)
NEW.loc[:3, "city"] = "elsewhere"
NEW.loc[2:6, ["sex", "colour"]] = None
NEW.loc[4, "counts"] = 90
RNG = np.random.RandomState(5)
CLASSES = {
    2: np.array(["no", "yes"])[RNG.randint(2, size=N)],
    3: RNG.randint(3, size=N),
    12: np.arange(N) % 12,
    13: np.arange(N) % 13,
}


# ------------------------------------------------------------------- the literal calculation


def robust(x, training):
    q25, q50, q75 = np.quantile(training, [0.25, 0.5, 0.75])
    s = 1 / (q75 - q25) if q75 > q25 else 2 / (max(training) - min(training))
    z = s * (x - q50)
    return z / np.sqrt(1 + (z / 3) ** 2)


def normal(x, training):
    q = min(1000, len(training))
    P = np.linspace(0, 1, q)
    Q = np.sort(training) if q == len(training) else np.quantile(training, P)
    # A number that equals repeated ones of the training rows in single precision stands for them,
    # unless different ones are equal there too.
    jumps = {np.float32(q): q for q in Q if np.sum(q == Q) > 1}
    if len(set(np.float32(Q))) < len(set(Q)):
        jumps = {}
    x = np.array([jumps.get(np.float32(each), each) for each in x])
    p = (np.interp(x, Q, P) + 1 - np.interp(-x, -Q[::-1], P)) / 2
    return norm.ppf(np.clip(p, 1e-3, 1 - 1e-3))


def columns_of_y(y, task):
    if task == "regression":
        return {"target": np.asarray(y)}
    classes = sorted(set(y.tolist()))
    if len(classes) == 2:
        return {"target": np.array([float(each == classes[1]) for each in y])}
    if len(classes) > 12:
        return {}
    return {f"target_{c}": np.array([float(each == c) for each in y]) for c in classes}


def literal(training, y, new, task, folds):
    """Columns by name for the training rows and for new ones, before they are scaled."""
    numbers, plain = {}, {}
    for name in training.columns:
        old, fresh = training[name].to_numpy(), new[name].to_numpy()
        if name in NUMBERS:
            old, fresh = old.astype(float), fresh.astype(float)
            known = old[~np.isnan(old)]
            stand_in = 0.0
            if len(known):
                stand_in = known.mean() if len(set(known)) == 2 else np.median(known)
            both = [np.where(np.isnan(each), stand_in, each) for each in (old, fresh)]
            if len(set(known)) == 2:
                low, high = sorted(set(known))
                plain[name] = [2 * (each - low) / (high - low) - 1 for each in both]
            else:
                numbers[name] = both
            plain[f"{name}_missing"] = [
                np.where(np.isnan(each), 1.0, -1.0) for each in (old, fresh)
            ]
            continue
        old = [None if pd.isna(each) else each for each in old]
        fresh = [None if pd.isna(each) else each for each in fresh]
        levels = sorted(set(old) - {None})
        n_levels = len(set(old))
        if len(levels) > 1 and (len(levels) == 2 or n_levels <= 8):
            plain[f"{name}_missing"] = [
                np.array([float(each is None) for each in rows]) for rows in (old, fresh)
            ]
        if len(levels) == 2 or n_levels == 2:
            sign = {levels[-1]: 1.0, (levels[0] if len(levels) == 2 else None): -1.0}
            plain[f"{name}_{levels[-1]}"] = [
                np.array([sign.get(each, 0.0) for each in rows]) for rows in (old, fresh)
            ]
        elif n_levels <= 8:
            for level in levels:
                plain[f"{name}_{level}"] = [
                    np.array([float(each == level) for each in rows]) for rows in (old, fresh)
                ]
        else:
            for target, values in columns_of_y(y, task).items():
                mean = values.mean()

                def encoded(level, rows, values=values, mean=mean, old=old):
                    mine = [values[i] for i in rows if old[i] == level]
                    return (sum(mine) - mean * len(mine)) / (len(mine) + 10)

                own = [
                    encoded(level, np.flatnonzero(folds != folds[i])) for i, level in enumerate(old)
                ]
                others = [encoded(level, range(N)) for level in fresh]
                numbers[f"{name}_{target}"] = [np.array(own), np.array(others)]
            numbers[f"{name}_log_count"] = [
                np.array([math.log(1 + old.count(level)) for level in rows])
                for rows in (old, fresh)
            ]
    return numbers, plain


def by_hand(training, y, new, task, folds):
    """The outputs by name for training rows and new ones, and which of them are periodic."""
    numbers, plain = literal(training, y, new, task, folds)
    outputs, periodic = {}, []
    for name, (old, fresh) in numbers.items():
        if len(set(old)) < 2:
            continue
        outputs[f"{name}_scaled"] = [robust(each, old) for each in (old, fresh)]
        if task != "regression":
            outputs[f"{name}_normal"] = [normal(each, old) for each in (old, fresh)]
        periodic.append(f"{name}_{'scaled' if task == 'regression' else 'normal'}")
    for name, (old, fresh) in plain.items():
        if len(set(old)) > 1:
            outputs[name] = [robust(each, old) for each in (old, fresh)]
    return outputs, periodic


TASKS = {
    **{f"{n} classes": ("classification", y) for n, y in CLASSES.items()},
    "numbers": ("regression", RNG.standard_normal(N)),
}


def assert_same_ranks(found, expected, n_quantiles, **kwargs):
    """Normal quantiles of probabilities that quantiles of few bits move by 1 / 512 of a gap."""
    atol = 1 / 512 / (n_quantiles - 1)
    np.testing.assert_allclose(norm.cdf(found), norm.cdf(expected), rtol=0, atol=atol, **kwargs)


@MANY_CLASSES
@pytest.mark.parametrize("task", TASKS)
def test_the_numbers_are_those_of_a_literal_calculation(task):
    kind, y = TASKS[task]
    training = table()
    # What stands for a level of many classes is tried too.
    encoder = TableEncoder(random_state=3, max_one_hot=8 if task == "13 classes" else "auto")
    old = encoder.fit_transform(training, y)
    fresh = encoder.transform(NEW)
    folds = np.random.RandomState(3).randint(5, size=N)
    expected, periodic = by_hand(training, y, NEW, kind, folds)
    names = encoder.get_feature_names_out().tolist()
    assert sorted(names) == sorted(expected)
    assert names[encoder.periodic_features_] == periodic
    assert len(names[encoder.plain_features_]) == len(names) - len(periodic)
    for j, name in enumerate(names):
        for found, wanted in zip((old[:, j], fresh[:, j]), expected[name], strict=True):
            if name.endswith("_normal"):
                assert_same_ranks(found, wanted, N, err_msg=name)
            else:
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=name)
    assert encoder.target_type_ == kind


# --------------------------------------------------------------- scikit-learn's transformers


@pytest.mark.parametrize("n", [2, 40, 1000, 2500])
def test_normal_quantiles_are_those_of_scikit_learn(n):
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.standard_normal(n), rng.poisson(2, n), rng.randint(2, size=n)])
    X[:2] = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    new = np.concatenate([X, X + 0.5, [[-50, -50, -50], [50, 50, 50]]])
    theirs = QuantileTransformer(n_quantiles=min(n, 1000), subsample=None).fit(X)
    # Errors of rounding in its quantiles take some of equal numbers apart.
    nearest = np.rint(theirs.quantiles_)
    near = np.abs(theirs.quantiles_ - nearest) < 1e-9
    theirs.quantiles_[near] = nearest[near]
    expected = norm.ppf(np.clip(theirs.transform(new), 1e-3, 1 - 1e-3))
    found = NormalScaling.fit(Quantiles(X.T.copy()), 1000).transform(new.T.copy()).T
    # Its smallest and largest numbers become those of probabilities 0 and 1, however many rows.
    between = (new != X.min(axis=0)) & (new != X.max(axis=0))
    assert between.sum() > n / 2
    assert_same_ranks(found[between], expected[between], min(n, 1000))
    # Columns of whole numbers keep their quantiles where none lies between two of them.
    if n <= 1000:
        whole = between[:, 1:]
        np.testing.assert_allclose(found[:, 1:][whole], expected[:, 1:][whole], atol=1e-9)


MAGNITUDES = {
    "normal": (RNG.standard_normal(1000), False),
    "exponential": (RNG.exponential(size=1000), False),
    "log-normal": (np.exp(RNG.standard_normal(1000)), False),
    "wide log-normal": (np.exp(3 * RNG.standard_normal(1000)), True),
    "in two units": (RNG.choice([1, 1000], 1000) * RNG.uniform(1, 2, 1000), True),
    "heavy tails": (RNG.standard_cauchy(1000), False),
    "zeros": (np.where(RNG.uniform(size=1000) < 0.4, 0, RNG.exponential(size=1000)), False),
    "a number for missing ones": (np.r_[[-999.0] * 200, RNG.standard_normal(800)], False),
    "whole numbers": (RNG.poisson(3, 1000).astype(float), False),
    "two": (RNG.randint(2, size=1000).astype(float), False),
}


@pytest.mark.parametrize("name", MAGNITUDES)
def test_columns_of_many_magnitudes(name):
    values, expected = MAGNITUDES[name]
    quantiles = Quantiles(values[None])
    assert are_of_many_magnitudes(quantiles, RobustScaling.fit(quantiles)).tolist() == [expected]


def test_columns_of_many_magnitudes_are_scaled_by_their_ranks():
    """In the place of the robust scaling, where a regression has no normal quantiles."""
    X = np.column_stack([MAGNITUDES[name][0] for name in ("normal", "wide log-normal", "zeros")])
    new = X[:50] * 1.001
    encoder = TableEncoder().fit(X, RNG.standard_normal(1000))
    assert encoder.get_feature_names_out().tolist() == ["x0_scaled", "x1_scaled", "x2_scaled"]
    found = encoder.transform(new)
    robust_ones = RobustScaling.fit(Quantiles(X.T.copy())).transform(new.T.copy()).T
    np.testing.assert_array_equal(found[:, [0, 2]], robust_ones[:, [0, 2]])
    ranks = QuantileTransformer(n_quantiles=1000, subsample=None).fit(X[:, 1:2])
    expected = norm.ppf(np.clip(ranks.transform(new[:, 1:2])[:, 0], 1e-3, 1 - 1e-3))
    assert_same_ranks(found[:, 1], expected, 1000)
    with_ranks = TableEncoder(quantile_inputs=True).fit(X, RNG.standard_normal(1000))
    np.testing.assert_array_equal(with_ranks.transform(new)[:, 3:], robust_ones)
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(new), found)


QUANTILES_TO_ROUND = {
    "normal": RNG.standard_normal(1000),
    "far from zero": 1.7e9 + np.cumsum(RNG.exponential(size=500)),
    "skewed": np.exp(8 * RNG.standard_normal(1000)),
    "equal ones": RNG.choice(RNG.standard_normal(30), 500),
    "equal ones beside others": np.r_[RNG.standard_normal(300), np.repeat([0.1, -0.7], 40)],
    "different in double precision only": np.r_[
        np.nextafter(0.1, 1), np.repeat(0.1, 3), RNG.standard_normal(40)
    ],
    "beyond single precision": np.r_[1e99, np.repeat([0.3, 1e199], 5), RNG.standard_normal(40)],
    "smallest": np.arange(1, 30) * 5e-324,
    "smallest beside largest": [-1.7e308, -5e-324, 5e-324, 0.1, 0.1, np.pi, 1.7e308],
    "neighbours": 1 + np.cumsum(np.tile([1, 2, 5], 9)) * np.finfo(np.float64).eps,
    "three": [0.1, np.pi, 5.0],
    "two": [0.1, np.pi],
    "one": [np.pi],
}


@pytest.mark.parametrize("name", QUANTILES_TO_ROUND)
def test_quantiles_in_fewer_bits(name):
    knots = np.sort(QUANTILES_TO_ROUND[name])
    rounded = rounded_quantiles(knots)
    # Order and ties are as before.
    np.testing.assert_array_equal(rounded[1:] > rounded[:-1], knots[1:] > knots[:-1])
    assert np.all(rounded[1:] >= rounded[:-1])
    np.testing.assert_array_equal(in_single(rounded)[[0, -1]], in_single(knots)[[0, -1]])
    distinct = np.unique(knots)
    singles = in_single(distinct)
    is_single = np.isin(knots, distinct[np.unique(knots, return_counts=True)[1] == 1])
    for i in np.flatnonzero(is_single[1:-1]) + 1:
        gap = min(knots[i + 1] - knots[i], knots[i] - knots[i - 1])
        assert abs(rounded[i] - knots[i]) <= gap / 512
    if len(np.unique(singles)) == len(distinct) and np.all(np.isfinite(singles)):
        np.testing.assert_array_equal(rounded[~is_single], in_single(knots)[~is_single])
    else:
        np.testing.assert_array_equal(rounded[~is_single], knots[~is_single])


def in_single(numbers):
    with np.errstate(over="ignore"):
        return np.asarray(numbers).astype(np.float32)


def test_equal_decimals_stay_decimals():
    knots = np.sort(np.repeat(np.arange(50) / 10, 3))
    np.testing.assert_array_equal(rounded_quantiles(knots), knots)


def test_numbers_that_equal_rounded_quantiles_have_their_ranks():
    """In both precisions, though the quantiles are those of one."""
    values = RNG.choice(RNG.standard_normal(20), 400)
    scaling = NormalScaling.fit(Quantiles(values[None]), 1000)
    single = values.astype(np.float32).astype(np.float64)
    below = np.array([np.sum(values < each) for each in values])
    up_to = np.array([np.sum(values <= each) for each in values])
    middle = np.clip((below + up_to - 1) / 2 / 399, 1e-3, 1 - 1e-3)
    found = scaling.transform(values[None])[0]
    np.testing.assert_allclose(norm.cdf(found), middle, atol=1e-12)
    np.testing.assert_array_equal(found, scaling.transform(single[None])[0])


def test_robust_scaling_is_that_of_scikit_learn_before_the_clip():
    X = np.random.RandomState(0).exponential(size=(50, 4))
    z = RobustScaler().fit_transform(X)
    found = RobustScaling.fit(Quantiles(X.T.copy())).transform(X.T.copy()).T
    np.testing.assert_allclose(found, z / np.sqrt(1 + z**2 / 9), rtol=1e-12)
    assert np.abs(found).max() < 3


def test_one_hot_is_that_of_scikit_learn():
    X = table()[["colour", "eight"]]
    ours = TableEncoder().fit(X)
    # Without rows that miss one there is no column for these; with them it comes last.
    theirs = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(X.fillna("~missing"))
    new = NEW[["colour", "eight"]].fillna("unknown")
    names = [name.replace("~", "") for name in theirs.get_feature_names_out()]
    assert ours.get_feature_names_out().tolist() == names
    for rows in (X, new):
        # Scaled, there are two numbers in each column.
        expected = theirs.transform(rows.fillna("~missing")) > 0
        found = ours.transform(rows)
        is_one = found > ours.transform(X).min(axis=0)
        np.testing.assert_array_equal(is_one, expected)


@pytest.mark.parametrize(
    ("target_type", "y"),
    [
        ("binary", CLASSES[2]),
        ("multiclass", CLASSES[3]),
        ("continuous", RNG.standard_normal(N)),
    ],
)
def test_target_encoding_is_that_of_scikit_learn_less_the_mean(target_type, y):
    codes = np.random.RandomState(0).randint(9, size=N)
    theirs = TargetEncoder(smooth=10.0, target_type=target_type).fit(codes[:, None], y)
    columns = np.stack(
        list(columns_of_y(y, "regression" if target_type == "continuous" else "").values()), axis=1
    )
    found = TargetEncoding.fit(codes, columns, None, 9, 10.0).transform(np.arange(10))
    expected = theirs.transform(np.arange(10)[:, None])
    np.testing.assert_allclose(found, expected - columns.mean(axis=0), atol=1e-12)


# ------------------------------------------------------------------- encoding out of fold


def test_out_of_fold_is_the_encoding_of_the_other_folds():
    rng = np.random.RandomState(1)
    codes, folds = rng.randint(7, size=N), rng.randint(4, size=N)
    targets, weight = rng.standard_normal((N, 3)), rng.uniform(0.5, 2, size=N)
    found = out_of_fold(codes, targets, weight, folds, 7, 10.0)
    centred = targets - np.average(targets, axis=0, weights=weight)
    for i in range(N):
        others = (folds != folds[i]) & (codes == codes[i])
        own = weight[others]
        np.testing.assert_allclose(found[i], own @ centred[others] / (own.sum() + 10), atol=1e-12)


def test_out_of_fold_does_not_depend_on_the_rows_own_y_but_by_the_mean():
    codes = np.arange(N) % 50
    y = np.zeros((N, 1))
    other = y.copy()
    other[7] = 1.0
    folds = np.random.RandomState(0).randint(5, size=N)
    difference = out_of_fold(codes, other, None, folds, 50, 10.0) - out_of_fold(
        codes, y, None, folds, 50, 10.0
    )
    assert abs(difference[7, 0]) < 2 / N
    same_level = (codes == 7) & (folds != folds[7])
    assert same_level.any()
    assert (difference[same_level] > 0.05).all()


@pytest.mark.parametrize("prior_weight", [0.0, 10.0])
def test_unknown_levels_and_empty_folds_are_zero(prior_weight):
    codes, y = np.array([0, 0, 1, 2]), np.array([[1.0], [0.0], [1.0], [0.0]])
    encoding = TargetEncoding.fit(codes, y, None, 4, prior_weight)
    assert encoding.transform(np.array([3, 4])).tolist() == [[0.0], [0.0]]
    alone = out_of_fold(codes, y, None, np.array([0, 1, 0, 0]), 4, prior_weight)
    assert alone[2:].tolist() == [[0.0], [0.0]]
    assert log_counts(np.array([0, 4, 4]), None, 4).tolist() == [math.log(2), 0, 0, 0, 0]


# ----------------------------------------------------------------------------- weights


@pytest.mark.parametrize("n_quantiles", [2, 5, 100])
def test_a_row_of_weight_three_is_a_row_three_times(n_quantiles):
    rng = np.random.RandomState(0)
    columns = np.stack([rng.standard_normal(30), rng.poisson(2, 30).astype(float)])
    weight = rng.randint(1, 4, size=30)
    repeated = Quantiles(np.repeat(columns, weight, axis=1))
    weighted = Quantiles(columns, weight.astype(float))
    at = np.linspace(0, 1, n_quantiles)
    assert weighted.n_rows == repeated.n_rows == weight.sum()
    np.testing.assert_allclose(weighted(at), repeated(at), rtol=1e-14)
    np.testing.assert_allclose(repeated(at).T, np.quantile(np.repeat(columns, weight, 1), at, 1))


@pytest.mark.parametrize("unit", [1.0, 0.1, 1 / 3, 0.8411214953271028, 1e-7])
def test_rounding_makes_no_new_quantiles(unit):
    """Where each quantile is that of a row, it is the row's number to the last bit."""
    random = np.random.RandomState(0)
    columns = random.standard_normal((1, 400))
    weight = random.choice([1.0, 2.0, 3.0], 400)
    at = np.linspace(0, 1, int(weight.sum()))
    found = Quantiles(columns, weight * unit)(at)
    np.testing.assert_array_equal(found, Quantiles(columns, weight)(at))
    assert np.all(np.isin(found, columns))


def test_quantiles_under_small_weights():
    columns = np.random.RandomState(0).standard_normal((3, 20))
    at = np.linspace(0, 1, 9)
    expected = np.quantile(columns, at, axis=1).T
    for size in (1 / 20, 1e-300, 1.0, 1e-3):
        weighted = Quantiles(columns, frequencies(np.full(20, size)))
        assert weighted.n_rows == 20
        np.testing.assert_allclose(weighted(at), expected, atol=1e-12)
    # One row that counts for nearly nothing is nearly not there.
    weight = np.ones(20)
    weight[3] = 1e-9
    found = Quantiles(columns, weight)(np.array([0.5]))
    rest = np.sort(np.delete(columns, 3, axis=1), axis=1)
    np.testing.assert_allclose(found[:, 0], rest[:, 9], atol=1e-6)


@pytest.mark.parametrize("task", ["2 classes", "3 classes", "numbers"])
def test_weights_of_whole_numbers_are_repeated_rows(task):
    """Up to the folds, which are drawn for each row: new rows only, and no encoding by target."""
    _, y = TASKS[task]
    X = table()
    weight = np.random.RandomState(2).randint(0, 3, size=N)
    params = {"random_state": 0, "max_one_hot": 40}
    weighted = TableEncoder(**params).fit(X, y, sample_weight=weight)
    again = np.repeat(np.arange(N), weight)
    repeated = TableEncoder(**params).fit(X.iloc[again], y[again])
    np.testing.assert_allclose(weighted.transform(NEW), repeated.transform(NEW), atol=1e-9)


@MANY_CLASSES
@pytest.mark.parametrize("task", TASKS)
def test_rows_of_weight_zero_are_as_if_absent(task):
    _, y = TASKS[task]
    X = table()
    weight = np.where(np.arange(N) % 4 == 1, 0.0, 1.0)
    kept = weight > 0
    X.loc[~kept, "city"] = "never"
    X.loc[~kept, "number"] = 1e200
    weighted, without = (TableEncoder(random_state=0) for _ in range(2))
    found = weighted.fit_transform(X, y, sample_weight=weight)
    expected = without.fit_transform(X[kept], y[kept])
    np.testing.assert_array_equal(found[kept], expected)
    np.testing.assert_array_equal(found[~kept], without.transform(X[~kept]))
    np.testing.assert_array_equal(weighted.transform(NEW), without.transform(NEW))


# ------------------------------------------------------------------ in files

RANDOM = np.random.RandomState(0)
PACKED = {
    "real": RANDOM.standard_normal((3, 50)),
    "whole": RANDOM.poisson(3, (4, 50)).astype(float),
    "decimal": np.round(RANDOM.standard_normal((3, 50)), 2),
    "six places": np.round(RANDOM.standard_normal((2, 50)), 6),
    "mixed": RANDOM.standard_normal((3, 50)).round(1) * [[1], [np.pi], [0]],
    "large": 1e7 * np.round(RANDOM.standard_normal((2, 50)), 1),
    "extreme": np.array([[-1e300, -5e-324, 5e-324, 1e300], [2.0**31, 2.0**31 + 1, 2.0**53, 1e22]]),
    "near decimals": np.nextafter(np.round(RANDOM.standard_normal((2, 50)), 1), 9),
    "zeros of both signs": np.array([[-1.0, -0.0, 0.0, 0.5]]),
    "one": np.ones((1, 1)),
    "none": np.zeros((0, 7)),
}


def test_rows_of_earlier_files_are_unpacked():
    numbers = {
        "places": np.array([-1, 1], dtype=np.int8),
        "integers": np.array([5, 15, 25], dtype=np.int16),
    }
    packed = {
        "n": 3,
        "repeats": np.array([1, 2, 1, 1, 1], dtype=np.uint16),
        **numbers,
        "others": np.array([np.pi, 4.0]),
    }
    np.testing.assert_array_equal(unpack(packed), [[np.pi, 4.0, 4.0], [0.5, 1.5, 2.5]])
    packed = {**packed, "repeats": None, "others": np.array([np.pi, 4.0, 5.0])}
    np.testing.assert_array_equal(unpack(packed), [[np.pi, 4.0, 5.0], [0.5, 1.5, 2.5]])


@pytest.mark.parametrize("name", PACKED)
def test_packed_rows_are_the_same(name):
    rows = np.sort(PACKED[name], axis=1)
    packed = pack(rows)
    np.testing.assert_array_equal(unpack(packed), rows)
    assert unpack(packed).shape == rows.shape
    size = sum(np.asarray(each).nbytes for each in packed.values() if each is not None)
    # A column of decimals takes two bytes for each of the different numbers, and up to two for the
    # count.
    per_number = {"real": 8, "whole": 1, "decimal": 4, "none": 0}.get(name, 10)
    assert size <= per_number * rows.size + 40


def test_numbers_beyond_single_precision_are_at_no_jump():
    """All of them are infinite there: none stands for another."""
    scaling = NormalScaling(np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1e99, 1e99]]))
    assert [jumps.tolist() for jumps in scaling.jumps] == [[0.0, 1.0], []]
    low, high = scaling.transform(np.array([[0.5, 0.5], [2e98, 9e98]]))[1]
    assert low < high
