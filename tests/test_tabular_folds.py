"""Which rows members are trained on and judged by: cv, groups, validation rows, weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from raw_tables import (
    MANY_CLASSES,
    N_ROWS,
    NUMBERS,
    PROBLEMS,
    TABLE,
    THREE,
    TWO,
    answer,
    classifier,
    everything,
    fitted,
    outputs,
    raw_table,
    regressor,
)
from scipy.special import log_softmax, softmax
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from skneural import TableEncoder, TabularMLPRegressor
from skneural.estimators.table.reading import RawColumn
from skneural.estimators.table.weights import weight_and_rows
from skneural.estimators.tabular import inputs
from skneural.estimators.tabular.copies import copies_in
from skneural.estimators.tabular.folds import default_folds, folds_of

each_problem = pytest.mark.parametrize(("make", "y"), PROBLEMS.values(), ids=PROBLEMS)
NEW = raw_table(20, seed=5)
GROUPS = np.arange(N_ROWS) % 5
HALVES = (np.arange(45), np.arange(45, N_ROWS))


def n_members(model):
    return model.raw_outputs(NEW[:1]).shape[1]


class Halves:
    """A splitter of a user's own, that says nothing of what it looks at."""

    def split(self, X, y=None, groups=None):
        half = len(X) // 2
        yield np.arange(half), np.arange(half, len(X))
        yield np.arange(half, len(X)), np.arange(half)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2

    def __repr__(self):
        return "Halves()"


# ------------------------------------------------------------------ cv

#: cv, the number of members, and the rows that are never left out.
SPLITS = {
    "None": (None, 16, []),
    "int": (2, 2, []),
    "an int of NumPy": (np.int64(3), 3, []),
    "as many as rows": (N_ROWS, N_ROWS, []),
    "more than rows": (1000, N_ROWS, []),
    "KFold": (KFold(4), 4, []),
    "StratifiedKFold": (StratifiedKFold(3), 3, []),
    "repeated": (RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), 6, []),
    "series": (TimeSeriesSplit(4), 4, range(18)),
    "shuffles": (ShuffleSplit(2, test_size=0.1, random_state=0), 2, None),
    "predefined": (PredefinedSplit(np.where(GROUPS == 4, -1, GROUPS)), 4, range(4, N_ROWS, 5)),
    "list": (list(KFold(3).split(TABLE)), 3, []),
    "one split": ([(np.arange(60), np.arange(60, N_ROWS))], 1, range(60)),
    "lists of lists": ([(list(range(60)), list(range(60, N_ROWS)))], 1, range(60)),
    "from the end": ([(np.arange(60), -1 - np.arange(30))], 1, range(60)),
    "masks": ([(k > GROUPS, k == GROUPS) for k in (1, 2, 3)], 3, None),
    "one that leaves nothing out": ([(np.arange(N_ROWS), []), (np.arange(60), [61, 65])], 2, None),
    "unequal": (
        [(np.arange(9), np.arange(9, 90)), (np.arange(20, 90), np.arange(20))],
        2,
        [],
    ),
    "rows twice": ([(np.tile(np.arange(60), 2), np.arange(60, N_ROWS))], 1, range(60)),
    "of a user": (Halves(), 2, []),
}


@pytest.mark.parametrize(("make", "y"), [(classifier, THREE), (regressor, NUMBERS)], ids=["c", "r"])
@pytest.mark.parametrize("name", SPLITS)
def test_splits(make, y, name):
    cv, expected, never = SPLITS[name]
    if make is regressor and isinstance(cv, StratifiedKFold):
        with pytest.raises(ValueError, match="Got 'continuous' instead"):
            make(cv=cv).fit(TABLE, y)
        y = np.asarray(TWO[0] == TWO, dtype=float)
    model = make(cv=cv, max_iter=1).fit(TABLE, y)
    assert n_members(model) == expected
    unknown = np.isnan(model.oof_predictions_.reshape(N_ROWS, -1))
    assert np.array_equal(unknown.all(axis=1), unknown.any(axis=1))
    if never is not None:
        assert np.flatnonzero(unknown[:, 0]).tolist() == list(never)
    else:
        assert 0 < np.count_nonzero(unknown[:, 0]) < N_ROWS
    assert np.isfinite(model.oof_score_)


class ByLabel:
    """A splitter of a user's own, which looks at a column of X and at y."""

    def split(self, X, y, groups=None):
        rank = np.argsort(np.argsort(X["number"].to_numpy(), kind="stable"))
        is_judged = (rank % 2 == 0) & (y == "yes")
        yield np.flatnonzero(~is_judged), np.flatnonzero(is_judged)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1


@pytest.mark.parametrize("weight", [None, np.arange(N_ROWS) % 3], ids=["", "weights"])
def test_a_splitter_is_given_the_rows_and_the_labels_that_count(weight):
    y = np.where(np.median(NUMBERS) < NUMBERS, "yes", "no")
    X = pd.DataFrame({"number": NUMBERS, "other": np.arange(N_ROWS)})
    model = classifier(cv=ByLabel(), max_iter=2).fit(X, y, weight)
    kept = np.flatnonzero(np.ones(N_ROWS) if weight is None else weight)
    _, judged = next(ByLabel().split(X.iloc[kept], y[kept]))
    known = np.flatnonzero(~np.isnan(model.oof_predictions_[:, 0]))
    assert known.tolist() == kept[judged].tolist()


def test_a_stratified_splitter_sees_the_numbers():
    """Rows sorted by y: without y its folds would be blocks of one number."""
    y = np.sort(np.repeat([0.0, 1.0], [60, 30]))[::-1]
    splitter = StratifiedKFold(5)
    of_splitter, of_list = (
        regressor(cv=cv).fit(TABLE, y) for cv in (splitter, list(splitter.split(TABLE, y)))
    )
    assert of_splitter.oof_score_ == of_list.oof_score_


def test_pairs_in_one_array():
    pairs = list(KFold(2).split(TABLE))
    model, expected = (classifier(cv=cv).fit(TABLE, TWO) for cv in (np.array(pairs), pairs))
    assert model.oof_score_ == expected.oof_score_


def test_a_generator():
    make = lambda: classifier(cv=(pair for pair in KFold(3).split(TABLE)))  # noqa: E731
    model = make().fit(TABLE, TWO)
    expected = classifier(cv=list(KFold(3).split(TABLE))).fit(TABLE, TWO)
    np.testing.assert_array_equal(outputs(model, NEW), outputs(expected, NEW))
    with pytest.raises(ValueError, match="A generator has them once only"):
        model.fit(TABLE, TWO)
    np.testing.assert_array_equal(outputs(model, NEW), outputs(expected, NEW))


@pytest.mark.parametrize(
    "name", ["KFold", "StratifiedKFold", "series", "predefined", "from the end"]
)
def test_a_splitter_is_its_list(name):
    """A splitter, its splits as a list, and these as masks."""
    cv = SPLITS[name][0]
    pairs = list(cv.split(TABLE, TWO)) if hasattr(cv, "split") else cv
    rows = np.arange(N_ROWS)
    masks = [tuple(np.isin(rows, rows[side]) for side in pair) for pair in pairs]
    models = [classifier(cv=each, max_iter=2).fit(TABLE, TWO) for each in (cv, pairs, masks)]
    for model in models[1:]:
        if name != "from the end":
            np.testing.assert_array_equal(everything(model, NEW), everything(models[0], NEW))
        np.testing.assert_array_equal(model.raw_outputs(NEW), models[0].raw_outputs(NEW))


def test_rows_that_are_left_out_several_times():
    """The mean of the log-probabilities of their members; of numbers, the mean."""
    cv = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(TABLE))
    # One metric, which selects one epoch for all folds.
    model = classifier(cv=cv, early_stopping_metric="neg_log_loss").fit(TABLE, THREE)
    raw, t = model.raw_outputs(TABLE), model.temperature_[:, None, None, None]
    log_probability = log_softmax(raw / t, axis=-1).mean(axis=0)
    sums = np.zeros((N_ROWS, 3))
    for k, (_, test) in enumerate(cv):
        sums[test] += log_probability[k, test]
    np.testing.assert_allclose(model.oof_predictions_, softmax(sums / 2, axis=1), rtol=1e-4)
    model = regressor(cv=cv).fit(TABLE, NUMBERS)
    sums = np.zeros(N_ROWS)
    for k, (train, test) in enumerate(cv):
        y = NUMBERS[train]
        own = model.raw_outputs(TABLE)[0, k, test, 0] * y.std() + y.mean()
        sums[test] += np.clip(own, y.min(), y.max())
    np.testing.assert_allclose(model.oof_predictions_, sums / 2, rtol=1e-5)


#: Splits that are refused, with what the error says.
BAD_SPLITS = {
    "none": ([], "has no splits"),
    "nothing left out": ([(np.arange(N_ROWS), [])], "leaves no row out"),
    "nothing to train on": ([([], np.arange(N_ROWS))], "no row to train on"),
    "both sides": ([(np.arange(40), np.arange(30, 60))], "trains on rows that it judges by.* 30"),
    "both sides, from the end": ([(np.arange(90), [-1])], "trains on rows that it judges by.* 89"),
    "beyond": ([(np.arange(40), [90])], "Split 0 of cv, test: there is no row 90 among 90"),
    "before": ([(np.arange(40), [50]), ([-91], [3])], "Split 1 of cv, train: there is no row -91"),
    "floats": ([(np.arange(40.0), np.arange(40, 60))], "expected one axis of integers"),
    "two axes": ([(np.arange(40)[:, None], np.arange(40, 60))], r"of shape \(40, 1\)"),
    "text": ([(["a"], ["b"])], "expected one axis of integers"),
    "short mask": ([(np.arange(80) < 40, np.arange(80) >= 40)], "mask has 80 entries for 90 rows"),
    "triples": ([([1], [2], [3])], r"is not a pair \(train, test\)"),
    "no pairs": ([np.arange(90)], r"is not a pair \(train, test\)"),
}


@pytest.mark.parametrize("weight", [None, np.tile([1.0, 1, 0], 30)], ids=["all", "some"])
@pytest.mark.parametrize("name", BAD_SPLITS)
def test_bad_splits(name, weight):
    cv, message = BAD_SPLITS[name]
    if weight is not None and name.startswith("both sides"):
        message = "trains on rows that it judges by"
        cv = [(rows, rows[:1]) for rows, _ in cv]
    with pytest.raises(ValueError, match=message) as caught:
        regressor(cv=cv).fit(TABLE, NUMBERS, weight)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("counts", "n_folds", "is_stratified"),
    [([10, 10], 8, True), ([8, 50], 8, True), ([7, 50], 8, False), ([1, 2], 3, False)],
)
def test_folds_of_an_integer(counts, n_folds, is_stratified):
    """Stratified where each class has as many rows; never more folds than rows."""
    codes = np.repeat([0, 1], counts)
    folds = folds_of(8, codes[:, np.newaxis], codes, codes, None, None, seed=0)
    assert len(folds) == n_folds
    assert sorted(np.concatenate([fold.judged for fold in folds])) == list(range(len(codes)))
    for fold in folds:
        assert not set(fold.train) & set(fold.judged)
        assert len(fold.train) + len(fold.judged) == len(codes)
    smallest = [np.bincount(codes[fold.judged], minlength=2)[0] for fold in folds]
    if is_stratified:
        assert min(smallest) >= counts[0] // 8
        assert max(smallest) <= counts[0] // 8 + 1


@pytest.mark.parametrize(
    ("n_rows", "rarest", "n_folds"),
    [
        (2, None, 16),
        (1500, None, 16),
        (1501, None, 15),
        (2000, None, 12),
        (3000, None, 8),
        (10**6, None, 8),
        (100, 20, 16),
        (100, 10, 10),
        (100, 8, 8),
        (100, 7, 16),
        (5000, 20, 8),
    ],
)
def test_folds_where_nothing_is_said(n_rows, rarest, n_folds):
    codes = None if rarest is None else np.repeat([0, 1], [rarest, n_rows - rarest])
    assert default_folds(n_rows, codes) == n_folds


# ------------------------------------------------------------------ copies


def columns_of(frame):
    columns = []
    for name in frame:
        values = frame[name].to_numpy()
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            codes, levels = frame[name].cat.codes.to_numpy(), frame[name].cat.categories
            columns.append(RawColumn(name, codes, list(levels), "categories"))
        else:
            columns.append(RawColumn(name, values))
    return columns


RNG = np.random.RandomState(0)
DRAWN = RNG.randint(300, size=300)
FRAME = pd.DataFrame(
    {
        "number": np.where(RNG.uniform(size=300) < 0.1, np.nan, RNG.standard_normal(300)),
        "whole": RNG.randint(40, size=300),
        "text": RNG.choice([*"abcdefghij", None], 300),
        "category": pd.Categorical(RNG.choice([*"uvwx"], 300), categories=[*"uvwxyz"]),
    }
)
LABELS = RNG.choice(["no", "yes"], 300)
FLIPPED = np.where(np.arange(300) < 60, np.where(LABELS == "no", "yes", "no"), LABELS)

NUMBERS_ALONE = FRAME[["number", "whole"]].fillna(0.5)
RARE = np.r_[:200, np.repeat(np.arange(200, 209), 20)]
WHOLE = pd.DataFrame(RNG.randint(8, size=(300, 10)))
#: Ten pictures of digits by seven lines each, and products with a price of their own.
LINES = pd.DataFrame(RNG.randint(2, size=(10, 7)).astype(float))
PRODUCTS = pd.DataFrame({"price": RNG.exponential(size=20), "weight": RNG.exponential(size=20)})
DIGIT, PRODUCT = RNG.randint(10, size=300), RNG.randint(20, size=300)
DESIGN = pd.get_dummies(FRAME[["text", "category"]]).astype(float)

#: Four answers of ten kinds, of which a few are the same by chance.
QUESTIONS = pd.DataFrame(RNG.randint(10, size=(400, 4))).drop_duplicates(ignore_index=True)
DRAWN_OFTEN = RNG.randint(len(QUESTIONS), size=800)
FIRST_OF_QUESTIONS = np.arange(len(QUESTIONS))

#: A table and y, and the numbers of the rows that are the same; None where they are not looked at.
COPIES = {
    "drawn with replacement": (FRAME.iloc[DRAWN], LABELS[DRAWN], DRAWN),
    "numbers": (FRAME.iloc[DRAWN], RNG.standard_normal(300)[DRAWN], DRAWN),
    "a class drawn more often": (
        FRAME.iloc[np.r_[:300, np.repeat(np.flatnonzero(LABELS == "no"), 4)]],
        LABELS[np.r_[:300, np.repeat(np.flatnonzero(LABELS == "no"), 4)]],
        np.r_[:300, np.repeat(np.flatnonzero(LABELS == "no"), 4)],
    ),
    "a rare class drawn more often": (FRAME.iloc[RARE], np.where(RARE < 200, "no", "yes"), RARE),
    "numbers alone": (
        NUMBERS_ALONE.assign(other=RNG.standard_normal(300)).iloc[DRAWN],
        RNG.standard_normal(300)[DRAWN],
        DRAWN,
    ),
    "whole numbers": (WHOLE.iloc[RARE], np.where(RARE < 200, "no", "yes"), RARE),
    "categories": (WHOLE.astype(str).iloc[DRAWN], LABELS[DRAWN], DRAWN),
    "numbers of a few columns": (
        WHOLE[[0, 1, 2]].iloc[DRAWN],
        RNG.standard_normal(300)[DRAWN],
        DRAWN,
    ),
    "few values in few columns": (
        QUESTIONS.iloc[DRAWN_OFTEN],
        RNG.choice(list("abcde"), 400)[DRAWN_OFTEN],
        FIRST_OF_QUESTIONS[DRAWN_OFTEN],
    ),
    "five times": (
        FRAME.iloc[np.tile(np.arange(300), 5)],
        np.tile(LABELS, 5),
        np.arange(1500) % 300,
    ),
    "twice, but for a class of five rows": (
        pd.concat([FRAME, FRAME]),
        np.tile(np.where(np.arange(300) < 5, "rare", LABELS), 2),
        np.where(np.arange(600) % 300 < 5, 1000 + np.arange(600), np.arange(600) % 300),
    ),
    "twice, but for one of a hundred rows": (
        FRAME.iloc[np.r_[:300, :300, [0] * 98]],
        LABELS[np.r_[:300, :300, [0] * 98]],
        np.r_[1000, 1:300, 1001, 1:300, 1002:1100],
    ),
    "none": (FRAME, LABELS, None),
    "all rows of a class the same": (
        NUMBERS_ALONE.mask(pd.Series(LABELS == "yes"), 0.0),
        LABELS,
        None,
    ),
    "many rows the same": (
        NUMBERS_ALONE.mask(pd.Series(LABELS == "yes"), 0.0),
        np.where(LABELS == "no", RNG.standard_normal(300), -20.0),
        None,
    ),
    "pictures of ten digits": (LINES.iloc[DIGIT], DIGIT.astype(str), None),
    "products, classes": (PRODUCTS.iloc[PRODUCT], PRODUCT.astype(str), None),
    "products, numbers": (PRODUCTS.iloc[PRODUCT], np.sqrt(PRODUCT), None),
    "indicators": (DESIGN, DESIGN.to_numpy() @ np.arange(DESIGN.shape[1]), None),
    "few": (FRAME.iloc[np.r_[:300, :20]], LABELS[np.r_[:300, :20]], None),
    "another y": (pd.concat([FRAME, FRAME]), np.r_[LABELS, FLIPPED], None),
    "few values": (FRAME[["category"]].iloc[DRAWN], LABELS[DRAWN], None),
    "one row": (FRAME[:1], LABELS[:1], None),
    "one row many times": (FRAME.iloc[[0] * 50], LABELS[[0] * 50], None),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found(name):
    frame, y, expected = COPIES[name]
    codes = np.unique(y, return_inverse=True)[1] if y.dtype.kind == "U" else None
    columns = columns_of(frame)
    is_categorical = np.array([column.is_categorical for column in columns])
    found = copies_in(columns, is_categorical, y, codes)
    if expected is None:
        assert found is None
        return
    pairs = set(zip(found.tolist(), expected.tolist(), strict=True))
    assert len(pairs) == len(set(found)) == len(set(expected))
    folds = folds_of(8, frame, y, codes, None, None, 0, found)
    assert len(folds) == 8
    assert sorted(np.concatenate([fold.judged for fold in folds])) == list(range(len(y)))
    for train, judged in folds:
        assert len(train) + len(judged) == len(y)
        assert not set(expected[train]) & set(expected[judged])


def test_no_more_folds_than_different_rows_of_the_rarest_class():
    codes = np.repeat([0, 1], [300, 180])
    copies = np.r_[:300, np.repeat(np.arange(300, 309), 20)]
    assert default_folds(480, codes) == 16
    assert default_folds(480, codes, copies) == 9


@pytest.mark.parametrize("cv", [2, None])
def test_few_different_rows_are_all_there_is_to_learn(cv):
    model = classifier(cv=cv, max_iter=16).fit(LINES.drop_duplicates().iloc[DIGIT % 8], DIGIT % 8)
    assert model.oof_score_ > 0.8


@pytest.mark.parametrize("level", [np.inf, 1e301])
def test_categories_of_any_size(level):
    X = np.c_[RNG.choice([1.0, 2.0, level], 100), RNG.standard_normal(100)]
    y = X[:, 0] == level
    assert classifier(categorical_features=[0], cv=3, max_iter=16).fit(X, y).score(X, y) == 1


def test_copies_are_not_learned_by_heart():
    """y is chance: who is judged by copies of what it was trained on seems to know it."""
    labels = RNG.choice(["no", "yes"], 300)[DRAWN]
    settings = {"hidden_layer_sizes": (64, 64), "max_iter": 40, "dropout": 0.0, "weight_decay": 0.0}
    model = classifier(cv=4, **settings).fit(FRAME.iloc[DRAWN], labels)
    apart = classifier(cv=KFold(4, shuffle=True, random_state=0), **settings)
    apart.fit(FRAME.iloc[DRAWN], labels)
    assert model.oof_score_ < 0.6 < apart.oof_score_


@each_problem
@pytest.mark.parametrize("n_rows", [2, 3, 5, 7])
def test_few_rows(make, y, n_rows):
    X, y = TABLE[:n_rows], np.array(y[:n_rows])
    if y.dtype.kind != "f":
        y = np.resize(["a", "b", "c"], n_rows)
    model = make(cv=8).fit(X, y)
    assert n_members(model) == n_rows
    assert not np.any(np.isnan(model.oof_predictions_))


def test_one_row():
    with pytest.raises(ValueError, match="1 row cannot be split"):
        regressor().fit(TABLE[:1], NUMBERS[:1])
    with pytest.raises(ValueError, match="1 class only: 'yes'"):
        classifier().fit(TABLE[:1], TWO[:1])


@MANY_CLASSES
@pytest.mark.parametrize("y", [np.arange(N_ROWS), np.arange(N_ROWS) // 2], ids=["1", "2"])
def test_a_row_or_two_of_each_class(y):
    model = classifier(max_iter=2, cv=4).fit(TABLE, y)
    assert model.oof_predictions_.shape == (N_ROWS, len(np.unique(y)))
    np.testing.assert_allclose(model.predict_proba(NEW).sum(axis=1), 1)


def test_a_class_of_one_row():
    y = TWO.copy()
    y[5] = "some"  # shorter than the others would cut it off
    model = classifier(cv=8).fit(TABLE, y)
    assert model.classes_.tolist() == ["no", "som", "yes"]
    assert n_members(model) == 8


# ------------------------------------------------------------------ groups


@pytest.mark.parametrize(
    ("cv", "n_folds"),
    [
        (8, 5),
        (None, 5),
        (3, 3),
        (GroupKFold(3), 3),
        (LeaveOneGroupOut(), 5),
        (StratifiedGroupKFold(3), 3),
        (Halves(), 2),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "groups",
    [GROUPS, GROUPS.astype(str), GROUPS.tolist(), pd.Series(GROUPS).astype("category")],
    ids=["int", "str", "list", "category"],
)
def test_groups_are_kept_together(cv, n_folds, groups):
    """What members say of a group tells nothing of its targets."""
    is_stratified = isinstance(cv, StratifiedGroupKFold)
    make, y = (classifier, TWO) if is_stratified else (regressor, NUMBERS)
    model = make(cv=cv, max_iter=2).fit(TABLE, y, groups=groups)
    assert n_members(model) == n_folds
    folds = folds_of(8 if cv is None else cv, TABLE, y, None, groups, None, seed=0)
    assert len(folds) == n_folds
    if not isinstance(cv, Halves):
        for fold in folds:
            assert not set(GROUPS[fold.train]) & set(GROUPS[fold.judged])


#: Arguments with groups that are refused.
BAD_GROUPS = {
    "one": ({}, np.zeros(N_ROWS), "groups has one group only"),
    "none": ({}, [None, *GROUPS[1:]], "groups has missing values"),
    "NaN": ({}, [np.nan, *GROUPS[1:]], "groups has missing values"),
    "mixed": ({}, np.array(["a", *GROUPS[1:]], dtype=object), "groups has to hold either numbers"),
    "short": ({}, GROUPS[1:], "groups has to hold one group for each of 90 rows"),
    "two columns": ({}, np.c_[GROUPS, GROUPS], r"groups has to hold .* shape \(90, 2\)"),
    "a number": ({}, 3, "groups has to hold one group"),
    "KFold": ({"cv": KFold(3)}, GROUPS, r"groups has no effect with cv=KFold\("),
    "list": ({"cv": SPLITS["list"][0]}, GROUPS, "groups has no effect with cv=a list of splits"),
    "predefined": ({"cv": PredefinedSplit(GROUPS)}, GROUPS, "groups has no effect"),
    "series": ({"cv": TimeSeriesSplit(3)}, GROUPS, "groups has no effect"),
    "predefined, short": ({"cv": PredefinedSplit([0, 1] * 40)}, None, "each of 80 rows, and X has"),
    "not given": ({"cv": StratifiedGroupKFold(3)}, None, "'groups' parameter should not be None"),
    "not given, either": ({"cv": GroupKFold(3)}, None, "'groups' parameter should not be None"),
    "one, leave one out": ({"cv": LeaveOneOut()}, GROUPS, "groups has no effect"),
}


@each_problem
@pytest.mark.parametrize("name", BAD_GROUPS)
def test_bad_groups(make, y, name):
    params, groups, message = BAD_GROUPS[name]
    with pytest.raises(ValueError, match=message):
        make(**params).fit(TABLE, y, groups=groups)


@each_problem
def test_groups_and_validation_rows(make, y):
    with pytest.raises(ValueError, match="groups has no effect with X_val"):
        make().fit(TABLE, y, groups=GROUPS, X_val=TABLE, y_val=y)
    with pytest.raises(ValueError, match="groups' parameter should not be None"):
        make(cv=GroupKFold(3)).fit(TABLE, y)


# ------------------------------------------------------------------ validation rows


@each_problem
@pytest.mark.parametrize("cv", [3, 8, None])
def test_validation_rows(make, y, cv):
    rows = np.arange(N_ROWS) < 60
    own = {"X_val": TABLE[~rows], "y_val": y[~rows]}
    model = make(cv=cv).fit(TABLE[rows], y[rows], **own)
    assert n_members(model) == (cv or 16)
    assert not hasattr(model, "oof_score_")
    assert not hasattr(model, "oof_predictions_")
    assert np.isfinite(model.validation_score_)
    best = model.history_[model.best_iteration_[0] - 1]
    if y is NUMBERS:
        assert best["validation_loss"] == min(each["validation_loss"] for each in model.history_)


@pytest.mark.parametrize("cv", [3, 8])
def test_score_of_validation_rows(cv):
    """It is that of single members, all of which predict every row."""
    rows, y = np.arange(N_ROWS) < 60, NUMBERS
    # The last epoch, whichever rows select.
    model = regressor(cv=cv, early_stopping_metric=lambda *_: 1.0)
    model.fit(TABLE[rows], y[rows], X_val=TABLE[~rows], y_val=y[~rows])
    y_train = y[rows]
    raw = model.raw_outputs(TABLE[~rows])[-1, :, :, 0] * y_train.std() + y_train.mean()
    each = np.clip(raw, y_train.min(), y_train.max())
    error = np.mean((each - y[~rows]) ** 2) / np.var(y[~rows])
    assert model.validation_score_ == pytest.approx(1 - error, rel=1e-4)


def test_members_are_trained_on_all_rows():
    """The same as a list of splits that train on all rows, but for what they are judged by."""
    rows = np.arange(N_ROWS) < 60
    kept = {"early_stopping_metric": lambda *_: 1.0}  # the last epoch
    model = regressor(**kept).fit(
        TABLE[rows], NUMBERS[rows], X_val=TABLE[~rows], y_val=NUMBERS[~rows]
    )
    other = regressor(**kept).fit(
        TABLE[rows], NUMBERS[rows], X_val=TABLE[~rows], y_val=-NUMBERS[~rows]
    )
    np.testing.assert_array_equal(model.raw_outputs(NEW), other.raw_outputs(NEW))


#: Validation rows that are refused.
BAD_VALIDATION = {
    "no y": ({"X_val": TABLE}, "X_val and y_val go together"),
    "no X": ({"y_val": NUMBERS}, "X_val and y_val go together"),
    "weights alone": ({"sample_weight_val": NUMBERS}, "X_val and y_val go together"),
    "order": ({"X_val": TABLE[TABLE.columns[::-1]], "y_val": NUMBERS}, "same order"),
    "missing": ({"X_val": TABLE[["size"]], "y_val": NUMBERS}, "yet now missing:\n- age"),
    "new": ({"X_val": TABLE.assign(z=1), "y_val": NUMBERS}, "unseen at fit time:\n- z"),
    "infinite": ({"X_val": TABLE.assign(size=np.inf), "y_val": NUMBERS}, "Column 'size' of X"),
    "no rows": ({"X_val": TABLE[:0], "y_val": NUMBERS[:0]}, r"0 sample\(s\)"),
    "weights zero": (
        {"X_val": TABLE, "y_val": NUMBERS, "sample_weight_val": np.zeros(N_ROWS)},
        "at least one non-zero",
    ),
    "short": ({"X_val": TABLE, "y_val": NUMBERS[1:]}, "inconsistent numbers of samples"),
    "text": ({"X_val": TABLE, "y_val": np.full(N_ROWS, "a")}, "could not convert string to float"),
    "NaN": ({"X_val": TABLE, "y_val": np.full(N_ROWS, np.nan)}, "contains NaN"),
}


@pytest.mark.parametrize("name", BAD_VALIDATION)
def test_bad_validation_rows(name):
    arguments, message = BAD_VALIDATION[name]
    with pytest.raises(ValueError, match=message) as caught:
        regressor().fit(TABLE, NUMBERS, **arguments)
    if "go together" not in message:
        assert str(caught.value).startswith(
            "In the validation rows (X_val, y_val, sample_weight_val)"
        )


@pytest.mark.parametrize("cv", [KFold(3), SPLITS["list"][0]], ids=["splitter", "list"])
def test_cv_is_the_number_of_members(cv):
    with pytest.raises(ValueError, match="with X_val there is nothing to split"):
        regressor(cv=cv).fit(TABLE, NUMBERS, X_val=TABLE, y_val=NUMBERS)


def test_classes_of_validation_rows():
    with pytest.raises(ValueError, match=r"In the validation rows .* has \['maybe'\]"):
        classifier().fit(TABLE, TWO, X_val=TABLE, y_val=np.full(N_ROWS, "maybe"))
    model = classifier().fit(TABLE, TWO, X_val=TABLE, y_val=np.full(N_ROWS, "yes"))
    assert model.classes_.tolist() == ["no", "yes"]
    shares = [row["validation_score"] for row in model.history_]
    assert all(0 <= share <= 1 for share in shares)


def test_a_single_validation_row():
    # After many steps, so that the members agree.
    model = classifier(batch_size=None).fit(TABLE, TWO, X_val=TABLE[:1], y_val=TWO[:1])
    assert model.validation_score_ in (0, 1)
    # R^2 is not defined, nor is D^2 elsewhere: the loss selects.
    model = regressor().fit(TABLE, NUMBERS, X_val=TABLE[:1], y_val=NUMBERS[:1])
    assert model.best_iteration_[0] >= 1


# ------------------------------------------------------------------ weight zero

SOME = np.random.RandomState(3).uniform(size=N_ROWS) < 0.7
WEIGHT = np.where(SOME, np.random.RandomState(4).choice([1.0, 2.0, 0.5], N_ROWS), 0.0)


def restricted(cv):
    """Splits of all rows as splits of those that count."""
    new = np.cumsum(SOME) - 1
    return [tuple(new[side[SOME[side]]] for side in pair) for pair in cv]


#: Settings, and arguments of fit, for all rows; those of the rows that count are made of them.
ABSENT = {
    "plain": ({}, {}),
    "cv of an int": ({"cv": 5}, {}),
    "splitter": ({"cv": KFold(3)}, {}),
    "repeated": ({"cv": RepeatedKFold(n_splits=2, n_repeats=2, random_state=1)}, {}),
    "list": ({"cv": list(KFold(3).split(TABLE))}, {}),
    "predefined": ({"cv": PredefinedSplit(GROUPS)}, {}),
    "groups": ({}, {"groups": GROUPS}),
    "splitter of groups": ({"cv": GroupKFold(4)}, {"groups": GROUPS}),
    "balanced": ({"class_weight": "balanced"}, {}),
    "metric": ({"early_stopping_metric": "score"}, {}),
    "metric of a name": ({"early_stopping_metric": "neg_log_loss"}, {}),
    "own rows": ({}, {"X_val": TABLE, "y_val": None}),
    "weights of own rows": ({}, {"X_val": TABLE, "y_val": None, "sample_weight_val": WEIGHT}),
}


@each_problem
@pytest.mark.parametrize("ones", [False, True], ids=["weights", "ones"])
@pytest.mark.parametrize("name", ABSENT)
def test_weight_zero_is_no_row(make, y, name, ones):
    params, arguments = {"max_iter": 2, **ABSENT[name][0]}, {**ABSENT[name][1]}
    if y is NUMBERS:
        params.pop("class_weight", None)
        if "neg_log_loss" in params.values():
            params["early_stopping_metric"] = "r2"
    if "y_val" in arguments:
        arguments["y_val"] = y
    weight = SOME.astype(float) if ones else WEIGHT
    model = make(**params).fit(TABLE, y, weight, **arguments)
    cv = params.get("cv")
    if isinstance(cv, list):
        params["cv"] = restricted(cv)
    if isinstance(cv, PredefinedSplit):
        params["cv"] = PredefinedSplit(GROUPS[SOME])
    own_weight = None if ones else weight[SOME]
    if "groups" in arguments:
        arguments["groups"] = GROUPS[SOME]
    if "sample_weight_val" in arguments:
        arguments |= {"X_val": TABLE[SOME], "y_val": y[SOME], "sample_weight_val": WEIGHT[SOME]}
    expected = make(**params).fit(TABLE[SOME], y[SOME], own_weight, **arguments)
    np.testing.assert_array_equal(answer(model, NEW), answer(expected, NEW))
    np.testing.assert_array_equal(model.best_iteration_, expected.best_iteration_)
    if hasattr(expected, "oof_score_"):
        assert model.oof_score_ == expected.oof_score_
        found = model.oof_predictions_
        np.testing.assert_array_equal(found[SOME], expected.oof_predictions_)
        assert np.all(np.isnan(found[~SOME]))
    else:
        assert model.validation_score_ == expected.validation_score_


def test_what_rows_of_weight_zero_hold():
    """Numbers, levels and classes that occur nowhere else are not there."""
    X = TABLE.copy()
    X.loc[~SOME, "size"] = 1e200
    X["city"] = X["city"].where(SOME, "nowhere")
    y = np.where(SOME, TWO, "zero")
    model = classifier().fit(X, y, WEIGHT)
    expected = classifier().fit(TABLE[SOME], TWO[SOME], WEIGHT[SOME])
    np.testing.assert_array_equal(outputs(model, NEW), outputs(expected, NEW))
    assert model.classes_.tolist() == ["no", "yes"]


class OnlyAnArray:
    """Targets of another library: of a length, and made an array by NumPy's protocol."""

    def __init__(self, values):
        self._values = np.asarray(values)

    def __len__(self):
        return len(self._values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self._values, dtype=dtype)


#: Targets with values for all rows but those of weight zero, in several forms.
UNLABELLED = {
    "protocol": OnlyAnArray,
    "array": lambda y: y,
    "list": list,
    "series": pd.Series,
    "polars": pl.Series,
    "pyarrow": pa.array,
    "frame": lambda y: pd.DataFrame({"target": y})["target"],
}


@cache
def where_all_have_targets(problem):
    """What a fit says of new rows, and an encoder of the old ones, whatever form others are in."""
    make, y = PROBLEMS[problem]
    return (
        answer(make(max_iter=1).fit(TABLE, y, WEIGHT), NEW),
        TableEncoder(random_state=0).fit_transform(TABLE, y, WEIGHT),
    )


@cache
def score_of_own_rows(problem, targets):
    """By a fit whose validation rows are all, with these targets, which may be missing."""
    make, y = PROBLEMS[problem]
    own = {"X_val": TABLE, "y_val": targets_without(problem, targets), "sample_weight_val": WEIGHT}
    return make(max_iter=1).fit(TABLE, y, WEIGHT, **own).validation_score_


def targets_without(problem, targets):
    """All of a problem, or without those of weight zero: in a list, or in an array."""
    _, y = PROBLEMS[problem]
    if targets == "all":
        return y
    if targets == "list":
        return [value if counts else None for value, counts in zip(y.tolist(), SOME, strict=True)]
    if y is NUMBERS:
        return np.where(SOME, y, np.nan)
    return np.where(SOME, y, y[SOME][0])  # labels of an array cannot be missing


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("form", UNLABELLED)
def test_rows_of_weight_zero_need_no_target(problem, form):
    make, y = PROBLEMS[problem]
    expected, encoded = where_all_have_targets(problem)
    in_array = form in ("array", "protocol") or (form in ("series", "frame") and y is NUMBERS)
    targets = "array" if in_array else "list"
    unlabelled = targets_without(problem, targets)
    model = make(max_iter=1).fit(TABLE, UNLABELLED[form](unlabelled), WEIGHT)
    np.testing.assert_array_equal(answer(model, NEW), expected)
    assert score_of_own_rows(problem, targets) == score_of_own_rows(problem, "all")
    kind = "regression" if y is NUMBERS else "classification"
    encoder = TableEncoder(target_type=kind, random_state=0)
    found = encoder.fit_transform(TABLE, UNLABELLED[form](unlabelled), WEIGHT)
    np.testing.assert_array_equal(found, encoded)


# ------------------------------------------------------------------ other weights


@cache
def answers_of_a_half_and_one(problem, factor):
    """Of fits to these weights times a factor: without validation rows, and with weighted ones."""
    make, y = PROBLEMS[problem]
    weight = np.where(SOME, 0.5, 1.0)
    own = {"X_val": TABLE, "y_val": y, "sample_weight_val": weight}
    fits = [make().fit(TABLE, y, factor * weight, **each) for each in ({}, own)]
    return [answer(model, NEW) for model in fits]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("factor", [0.5, 2.0**-40, 2.0**-900])
def test_only_ratios_of_weights_below_one_count(problem, factor):
    """Larger ones are numbers of rows: of many rows, levels of a category are known better."""
    found, expected = (answers_of_a_half_and_one(problem, each) for each in (factor, 1.0))
    np.testing.assert_array_equal(found, expected)


@each_problem
@pytest.mark.parametrize("value", [0.1, 1 / N_ROWS, 1e-6])
def test_equal_weights_below_one_are_none(make, y, value):
    """Divided by their mean they are ones but for rounding, which must not part equal ranks."""
    weighted = make().fit(TABLE, y, np.full(N_ROWS, value))
    np.testing.assert_array_equal(answer(weighted, NEW), answer(fitted(make, y), NEW))
    assert weight_and_rows(np.full(N_ROWS, value), N_ROWS) == (None, None)


@each_problem
@pytest.mark.parametrize(
    "weight",
    [
        np.full(N_ROWS, 1e300),
        np.full(N_ROWS, 1e-300),
        np.full(N_ROWS, 5e-324),
        10.0 ** np.linspace(-200, 200, N_ROWS)[np.random.RandomState(0).permutation(N_ROWS)],
        np.r_[1e300, np.ones(N_ROWS - 1)],
        np.r_[np.full(30, 1e-300), np.full(60, 1e10)],
        np.full(N_ROWS, 3),
        2.5,
    ],
    ids=["huge", "tiny", "least", "wide", "one", "a fold", "int", "a number"],
)
def test_extreme_weights(make, y, weight):
    model = make(cv=KFold(3)).fit(TABLE, y, weight)
    assert np.all(np.isfinite(outputs(model, NEW)))
    assert np.isfinite(model.oof_score_)


@each_problem
def test_extreme_weights_of_extreme_numbers(make, y):
    X = TABLE.assign(size=1e299 * TABLE["size"], age=1e-299 * TABLE["age"])
    weight = 10.0 ** np.random.RandomState(0).uniform(-300, 300, N_ROWS)
    model = make(cv=KFold(3)).fit(X, y, weight)
    assert np.all(np.isfinite(outputs(model, X)))


@pytest.mark.parametrize("class_weight", ["balanced", {"yes": 1e300, "no": 1e-300}], ids=str)
def test_weights_beyond_all_numbers(class_weight):
    weight = np.where(TWO == "yes", 1e200, 1e-200)
    with pytest.raises(ValueError, match="sample_weight times class_weight adds up to more than"):
        classifier(class_weight=class_weight).fit(TABLE, TWO, weight)


@each_problem
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(N_ROWS), "at least one non-zero number"),
        (-np.ones(N_ROWS), "Negative values in data passed to `sample_weight`"),
        (np.full(N_ROWS, np.nan), "sample_weight contains NaN"),
        (np.full(N_ROWS, np.inf), "sample_weight contains infinity"),
        (np.full(N_ROWS, 1e301), "sample_weight is too large: 1e"),
        (np.ones(N_ROWS - 1), r"sample_weight.shape == \(89,\), expected \(90,\)"),
        (np.ones((N_ROWS, 2)), "Sample weights must be 1D"),
    ],
    ids=["zero", "negative", "NaN", "infinite", "too large", "short", "2-D"],
)
def test_bad_weights(make, y, weight, message):
    with pytest.raises(ValueError, match=message):
        make().fit(TABLE, y, weight)


@each_problem
def test_one_row_of_positive_weight(make, y):
    with pytest.raises(ValueError, match=r"1 row cannot be split|1 class only.*positive weight"):
        make().fit(TABLE, y, np.eye(N_ROWS)[0])


def test_a_class_without_weight():
    message = "1 class only: 'yes', in the rows of positive weight"
    with pytest.raises(ValueError, match=message):
        classifier().fit(TABLE, TWO, (TWO == "yes").astype(float))


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_weight_two_is_a_row_twice(kind):
    """On average over seeds; dropout, initial weights and the order of rows are drawn by row."""
    random = np.random.RandomState(7)
    n = 60
    X = pd.DataFrame({"a": random.standard_normal(n), "b": random.choice(list("uvwxyz"), n)})
    noise = random.standard_normal(n)
    target = X["a"].to_numpy() + (X["b"] < "w") + noise
    twice = noise > 0.25  # so that weights raise what is predicted
    rows = np.repeat(np.arange(n), 1 + twice)
    new = pd.DataFrame({"a": random.standard_normal(50), "b": random.choice(list("uvwxyz"), 50)})
    # The same rows are left out, whether once or twice, and an epoch has four steps.
    groups = np.arange(n) % 3
    settings = {"max_iter": 12, "cv": GroupKFold(3)}
    make, y = (regressor, target) if kind == "numbers" else (classifier, target > 0.5)

    def statistics(model):
        values = model.predict(new) if kind == "numbers" else model.predict_proba(new)[:, 1]
        return [values.mean(), values.std()]

    differences = []
    for seed in range(10):
        weighted = make(**settings, batch_size=10, random_state=seed)
        weighted.fit(X, y, 1.0 + twice, groups=groups)
        repeated = make(**settings, batch_size=14, random_state=100 + seed)
        repeated.fit(X.iloc[rows], y[rows], groups=groups[rows])
        differences.append(np.subtract(statistics(weighted), statistics(repeated)))
    mean = np.mean(differences, axis=0)
    error = np.std(differences, axis=0, ddof=1) / np.sqrt(10)
    assert np.all(np.abs(mean) <= 2 * error), (mean, error)


# ------------------------------------------------------------------ weights of classes


def test_balanced_is_what_it_says():
    y = np.where(np.arange(N_ROWS) % 4 == 0, "rare", "often")
    weight = {
        "rare": N_ROWS / (2 * np.sum(y == "rare")),
        "often": N_ROWS / (2 * np.sum(y == "often")),
    }
    models = [classifier(class_weight=each).fit(TABLE, y) for each in ("balanced", weight)]
    np.testing.assert_allclose(*(outputs(model, NEW) for model in models), rtol=1e-6)
    plain = classifier().fit(TABLE, y)
    rare = list(plain.classes_).index("rare")
    means = [m.predict_proba(NEW)[:, rare].mean() for m in (models[0], plain)]
    assert means[0] > means[1] + 0.1


def test_weights_of_classes_multiply_those_of_rows():
    weight = np.where(np.arange(N_ROWS) % 2, 1.0, 2.0)
    of_class = {"yes": 4.0, "no": 1.0}
    folds = list(KFold(3, shuffle=True, random_state=1).split(TABLE))
    model = classifier(class_weight=of_class, max_one_hot=20, quantile_inputs=False, cv=folds)
    model.fit(TABLE, TWO, weight)
    both = weight * np.where(TWO == "yes", 4.0, 1.0)
    # The selection: the weighted error of the chosen epoch is the lowest of the history.
    errors = [row["oof_error"] for row in model.history_]
    assert errors[model.best_iteration_[-1] - 1] == min(errors)
    raw = model.raw_outputs(TABLE)[-1]
    wrong = np.empty(N_ROWS, dtype=bool)
    for own, (_, test) in zip(raw, folds, strict=True):
        wrong[test] = model.classes_[own[test].argmax(axis=1)] != TWO[test]
    assert min(errors) == pytest.approx(np.average(wrong, weights=both))
    # The score is weighted by the rows alone, as scikit-learn's would be.
    wrong = model.classes_[model.oof_predictions_.argmax(axis=1)] != TWO
    assert model.oof_score_ == pytest.approx(1 - np.average(wrong, weights=weight))


@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_a_class_of_weight_zero(y):
    first = np.unique(y)[0]
    model = classifier(class_weight={first: 0.0}, max_iter=8).fit(TABLE, y)
    assert first in model.classes_
    probability = model.predict_proba(NEW)[:, 0]
    plain = classifier(max_iter=8).fit(TABLE, y)
    assert probability.mean() < plain.predict_proba(NEW)[:, 0].mean()
    own = classifier(class_weight={first: 0.0}).fit(TABLE, y, X_val=TABLE, y_val=y)
    assert np.isfinite(own.validation_score_)
    with pytest.raises(ValueError, match="class_weight is zero for the classes of all rows that"):
        classifier(class_weight={first: 0.0}).fit(
            TABLE, y, X_val=TABLE, y_val=np.full(N_ROWS, first)
        )
    with pytest.raises(ValueError, match="class_weight is zero for every class"):
        classifier(class_weight=dict.fromkeys(np.unique(y).tolist(), 0.0)).fit(TABLE, y)
    model = classifier(class_weight={first: 0.0}, cv=[HALVES, (y == first, y != first)])
    with pytest.raises(ValueError, match="Split 1 of cv has no row to train on: class_weight is"):
        model.fit(TABLE, y)


@pytest.fixture
def inner_folds(monkeypatch):
    """The training rows of each member that is encoded from now on, and their inner folds."""
    seen = []
    fit_member = inputs._fit_member

    def spied(columns, values, targets, weight, train, inner, quantile_inputs):
        seen.append((train, inner))
        return fit_member(columns, values, targets, weight, train, inner, quantile_inputs)

    monkeypatch.setattr(inputs, "_fit_member", spied)
    return seen


def test_groups_are_kept_together_in_the_encoding_by_target(inner_folds):
    """A category that says which group a row is from tells nothing of another group."""
    table = TABLE.assign(place=GROUPS.astype(str), one=np.arange(N_ROWS) % 30).astype({"one": str})
    regressor(max_iter=1).fit(table, NUMBERS, groups=GROUPS)
    assert len(inner_folds) > 1
    for train, inner in inner_folds:
        pairs = set(zip(GROUPS[train].tolist(), inner.tolist(), strict=True))
        assert len(pairs) == len(set(GROUPS[train].tolist()))


@pytest.mark.parametrize("n_groups", [2, 3])
def test_few_groups_leave_something_to_encode(n_groups):
    """A member that is trained on one group, or two, still learns what levels tell."""
    rng = np.random.RandomState(0)
    means = 3 * rng.standard_normal(40)
    levels, groups = rng.randint(40, size=600), rng.randint(n_groups, size=600)
    y = means[levels] + 0.1 * rng.standard_normal(600)
    table = pd.DataFrame({"level": levels.astype(str), "number": rng.standard_normal(600)})
    model = TabularMLPRegressor("fast", hidden_layer_sizes=(16,), random_state=0)
    model.fit(table[:400], y[:400], groups=groups[:400])
    assert model.score(table[400:], y[400:]) > 0.8


@pytest.mark.parametrize("kind", ["cv", "splitter", "list", "validation rows"])
def test_copies_are_kept_together_in_the_encoding_by_target(kind, inner_folds):
    table = TABLE.assign(one=(np.arange(N_ROWS) % 30).astype(str))
    drawn = np.random.RandomState(0).randint(N_ROWS, size=2 * N_ROWS)
    rows, y, validation = table.iloc[drawn], NUMBERS[drawn], {}
    halves = [(np.arange(N_ROWS), np.arange(N_ROWS, 2 * N_ROWS))]
    cv = {"splitter": KFold(3), "list": halves}.get(kind, 3)
    if kind == "validation rows":
        validation = {"X_val": table, "y_val": NUMBERS}
    regressor(max_iter=1, cv=cv).fit(rows, y, **validation)
    assert len(inner_folds) > 0
    for train, inner in inner_folds:
        pairs = set(zip(drawn[train].tolist(), inner.tolist(), strict=True))
        assert len(pairs) == len(set(drawn[train].tolist()))


def test_five_levels_that_differ_in_a_slope():
    """As many rows of each, the same mean of y: only a column of each tells them apart."""
    rng = np.random.RandomState(2)

    def table(n_each):
        shops, numbers = np.tile(list("abcde"), n_each), rng.standard_normal(5 * n_each)
        slopes = pd.Series(shops).map(dict(zip("abcde", (-2, -1, 0, 1, 2), strict=True)))
        return pd.DataFrame({"shop": shops, "number": numbers}), slopes.to_numpy() * numbers

    model = TabularMLPRegressor("fast", hidden_layer_sizes=(16,), cv=3, random_state=0)
    model.fit(*table(120))
    assert model.score(*table(400)) > 0.9
