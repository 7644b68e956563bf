"""Failures, interrupts, odd inputs: what goes wrong goes wrong clearly and changes nothing."""

import copy
import inspect
import sys
import warnings
from contextlib import contextmanager
from functools import cache, partial
from itertools import count

import numpy as np
import pandas as pd
import pytest
from memory import peak_of
from scipy import sparse
from scipy.special import log_expit, log_softmax
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from snapshots import frozen, state
from threadpoolctl import threadpool_info

from skneural import ScratchLogisticRegression, ScratchMLPClassifier, ScratchMLPRegressor
from skneural.arrays.threads import blas_threads
from skneural.estimators import network, plan
from skneural.estimators.sklearn_private import InvalidParameterError
from skneural.losses import Huber, LogLoss, Quantile
from skneural.minimizers import minibatch, run
from skneural.minimizers.run import Run
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam
from skneural.schedules import Cosine, Exponential, LinearWarmUp

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((24, 3))
MARK = np.digitize(X[:, 0], [-0.5, 0.5])
SEVERAL = np.column_stack([MARK > 0, MARK < 2]).astype(int)
NUMBERS = X @ [1.0, -2.0, 0.5]
WEIGHT = RANDOM.randint(1, 4, size=24).astype(float)

SMALL = {"hidden_layer_sizes": (4,), "batch_size": 8, "max_iter": 4, "random_state": 0}
ESTIMATORS = {
    "classifier": ScratchMLPClassifier(**SMALL),
    "regressor": ScratchMLPRegressor(**SMALL),
}
parametrize_estimators = pytest.mark.parametrize(
    "estimator", ESTIMATORS.values(), ids=ESTIMATORS.keys()
)
PROBLEMS = {
    "two classes": (ESTIMATORS["classifier"], MARK > 0),
    "three classes": (ESTIMATORS["classifier"], MARK),
    "labels": (ESTIMATORS["classifier"], SEVERAL),
    "numbers": (ESTIMATORS["regressor"], NUMBERS),
    "two outputs": (ESTIMATORS["regressor"], X[:, :2] ** 2),
}
parametrize_problems = pytest.mark.parametrize(
    ("estimator", "y"), PROBLEMS.values(), ids=PROBLEMS.keys()
)
unstratified = pytest.mark.filterwarnings("ignore:The validation rows of early_stopping")
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def target_of(estimator):
    return MARK if is_classifier(estimator) else NUMBERS


def fit_quietly(estimator, X=X, y=None, *args, **params):
    """A new estimator with other parameters, fitted whether or not it converges."""
    estimator = clone(estimator).set_params(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, target_of(estimator) if y is None else y, *args)


# ------------------------------------------------------------------------- failed fits

HUGE = np.sign(X) * 1e308
WITH_NAN = np.where(np.arange(24)[:, np.newaxis] == 5, np.nan, X)
#: More columns, with other names: a fit that fails must not leave the new names behind.
OTHER_FRAME = pd.DataFrame(np.hstack([X, X]), columns=list("uvwxyz"))
DIVERGING = {"solver": "sgd", "learning_rate_init": 1e200, "max_iter": 20}

#: Methods, parameters, arguments that differ from the good ones, and the message.
FAILURES = {
    "NaN in X": ("fit partial_fit", {}, {"X": WITH_NAN}, "NaN"),
    "NaN in y": ("fit", {}, {"X": OTHER_FRAME, "y": WITH_NAN[:, 0]}, "NaN"),
    "negative weight": (
        "fit partial_fit",
        {},
        {"sample_weight": np.linspace(-1, 1, 24)},
        "Negative values in data passed to `sample_weight`",
    ),
    "zero weights": ("fit partial_fit", {}, {"sample_weight": np.zeros(24)}, "non-zero"),
    "too many weights": ("fit partial_fit", {}, {"sample_weight": np.ones(25)}, "sample_weight"),
    "NaN weight": ("fit partial_fit", {}, {"sample_weight": WITH_NAN[:, 0]}, "NaN"),
    "new frame, bad weights": (
        "fit",
        {},
        {"X": OTHER_FRAME, "sample_weight": np.ones(3)},
        "sample_weight",
    ),
    "new frame, divergence": ("fit", DIVERGING, {"X": OTHER_FRAME}, "non-finite parameter weights"),
    "divergence": ("fit partial_fit", DIVERGING, {}, "non-finite parameter weights"),
    "divergence, lbfgs": (
        "fit",
        {"solver": "lbfgs"},
        {"X": HUGE},
        "non-finite parameter weights",
    ),
    "divergence, large X": (
        "fit partial_fit",
        {"solver": "sgd"},
        {"X": X * 1e300},
        "non-finite parameter weights",
    ),
    "bad alpha": ("fit partial_fit", {"alpha": -1}, {}, "alpha"),
    "bad layers": ("fit partial_fit", {"hidden_layer_sizes": (3, 0)}, {}, "hidden_layer_sizes"),
    "early stopping": ("partial_fit", {"early_stopping": True}, {}, "early_stopping"),
    "nothing held out": (
        "fit",
        {"early_stopping": True, "validation_fraction": 0.01},
        {"X": OTHER_FRAME},
        "validation",
    ),
    "3-D": ("fit partial_fit", {}, {"X": X[:, :, np.newaxis]}, "dim"),
    "too few targets": ("fit partial_fit", {}, {"y": MARK[:-1]}, "inconsistent"),
}
#: As above, for a fitted estimator that is to go on.
FAILURES_OF_GOING_ON = {
    "columns": ("partial_fit", {}, {"X": X[:, :2]}, "features"),
    "columns, warm start": ("fit", {"warm_start": True}, {"X": X[:, :2]}, "features"),
    "layers": ("partial_fit", {"hidden_layer_sizes": (5,)}, {}, "layers"),
    "layers, warm start": (
        "fit",
        {"hidden_layer_sizes": (5,), "warm_start": True},
        {},
        "layers",
    ),
    "outputs": (
        "partial_fit",
        {},
        {"y": np.column_stack([NUMBERS, -NUMBERS])},
        r"layers|one label a row",
    ),
    "warm start, divergence": (
        "fit",
        {**DIVERGING, "warm_start": True},
        {},
        "non-finite parameter weights",
    ),
}
FAILURES_OF_CLASSES = {
    "unseen class": ("partial_fit", {}, {"y": MARK + 1}, "classes not in `self.classes_`"),
    "other classes": ("partial_fit", {}, {"classes": [0, 1, 5]}, "not the same as on last call"),
    "text": ("partial_fit", {}, {"y": MARK.astype(str)}, "classes not in `self.classes_`"),
    "indicator": ("partial_fit", {}, {"y": SEVERAL}, "one label a row"),
    "unseen class, warm start": ("fit", {"warm_start": True}, {"y": MARK + 1}, "same classes"),
    "class missing, warm start": ("fit", {"warm_start": True}, {"y": MARK // 2}, "same classes"),
}


def cases(*tables):
    return pytest.mark.parametrize(
        ("method", "params", "wrong", "message"),
        [
            pytest.param(method, params, wrong, message, id=f"{name}-{method}")
            for table in tables
            for name, (methods, params, wrong, message) in table.items()
            for method in methods.split()
        ],
    )


def assert_failure_changes_nothing(estimator, method, wrong, message):
    arguments = {"X": X, "y": target_of(estimator), **wrong}
    if is_classifier(estimator) and method == "partial_fit":
        arguments.setdefault("classes", [0, 1, 2])
    before = state(estimator)
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(**arguments)
    assert state(estimator) == before


@cases(FAILURES)
@unstratified
@parametrize_estimators
def test_failure_leaves_the_unfitted_unfitted(estimator, method, params, wrong, message):
    estimator = clone(estimator).set_params(**params)
    assert_failure_changes_nothing(estimator, method, wrong, message)
    assert vars(estimator) == estimator.get_params()
    with pytest.raises(NotFittedError):
        estimator.predict(X)


FRAME = pd.DataFrame(X, columns=list("abc"))


@cache
def fitted_to_a_frame(estimator, **earlier):
    """A model, and what it predicts before anything has failed."""
    model = fit_quietly(estimator, FRAME, validation_fraction=0.25, **earlier)
    return model, model.predict(FRAME)


@cases(FAILURES, FAILURES_OF_GOING_ON)
@pytest.mark.parametrize("earlier", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@unstratified
@parametrize_estimators
def test_failure_leaves_the_earlier_model(estimator, earlier, method, params, wrong, message):
    model, predicted = fitted_to_a_frame(estimator, **earlier)
    estimator = copy.copy(model)
    estimator.set_params(**{"solver": "adam", "early_stopping": False, **params})
    assert_failure_changes_nothing(estimator, method, wrong, message)
    np.testing.assert_array_equal(estimator.predict(FRAME), predicted)


@cases(FAILURES_OF_CLASSES)
def test_other_classes_leave_the_earlier_model(method, params, wrong, message):
    estimator = fit_quietly(ESTIMATORS["classifier"]).set_params(**params)
    assert_failure_changes_nothing(estimator, method, wrong, message)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("fitted", [False, True])
@parametrize_estimators
def test_warning_turned_into_an_error_changes_nothing(estimator, fitted, solver):
    y = target_of(estimator)
    estimator = fit_quietly(estimator) if fitted else clone(estimator)
    estimator.set_params(solver=solver, max_iter=2)
    before = state(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            estimator.fit(OTHER_FRAME, y)
    assert state(estimator) == before


def test_prediction_amid_a_failing_partial_fit():
    """At every line, the way back included, the earlier model is there for other threads."""
    estimator = fit_quietly(ESTIMATORS["classifier"])
    expected, seen = estimator.predict_proba(X), []

    def look(frame):
        seen.append(estimator.predict_proba(X))

    with at_every_line(look), pytest.raises(ValueError, match="NaN"):
        estimator.partial_fit(WITH_NAN, MARK)
    assert len(seen) > 10
    for each in seen:
        np.testing.assert_array_equal(each, expected)


#: The modules that train and publish.
TRAINING_FILES = {module.__file__ for module in (network, plan, minibatch, run)}


@contextmanager
def at_every_line(act):
    """Call ``act(frame)`` before every line of the modules that train and publish."""

    def trace(frame, event, _):
        if frame.f_code.co_filename not in TRAINING_FILES:
            return None
        if event == "line":
            act(frame)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


# ------------------------------------------------------------------------- interrupts

#: What trainings are made of, and how often each happens in an epoch (24 or 18 rows, by 8).
MOMENTS = {
    "step": {"adam": (Adam, "step", 3), "sgd": (SGD, "step", 3)},
    "gradient": dict.fromkeys(["adam", "sgd"], (Objective, "value_and_gradient", 3)),
    "epoch's end": dict.fromkeys(["adam", "sgd"], (Run, "end_epoch", 1)),
}
#: What a training that was interrupted does not share with one that was to be so short: the
#: digest of its settings has that of max_iter in it.
HOW_IT_ENDED = ("max_iter", "stop_reason", "settings")
PATIENT = {"max_iter": 4, "n_iter_no_change": 50, "validation_fraction": 0.25, "tol": 0.0}


def interrupt(monkeypatch, owner, name, k):
    """Ctrl-C as the k-th call of a method ends. Returns the list of all calls."""
    original, calls = getattr(owner, name), []

    def interrupted(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(name)
        if len(calls) == k:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(owner, name, interrupted)
    return calls


def fit_of_whole_epochs(estimator, n_epochs, before):
    """What a fit of so many epochs leaves behind: for none, what was there before."""
    return state(fit_quietly(estimator, max_iter=n_epochs), *HOW_IT_ENDED) if n_epochs else before


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fitted", [False, True])
@parametrize_estimators
def test_interrupt_leaves_the_last_whole_epoch(
    monkeypatch, estimator, fitted, moment, solver, early_stopping
):
    settings = {**PATIENT, "max_iter": 3, "solver": solver, "early_stopping": early_stopping}
    new = clone(estimator).set_params(**settings)
    owner, name, per_epoch = MOMENTS[moment][solver]
    earlier = fit_quietly(estimator, random_state=7) if fitted else clone(estimator)
    earlier.set_params(**new.get_params())
    whole = cache(partial(fit_of_whole_epochs, new, before=state(earlier, *HOW_IT_ENDED)))
    for k in range(1, 3 * per_epoch + 1):
        estimator = copy.copy(earlier)
        with monkeypatch.context() as patch:
            interrupt(patch, owner, name, k)
            with pytest.raises(KeyboardInterrupt):
                estimator.fit(X, target_of(estimator))
        # An epoch that has been recorded is whole.
        n_epochs = k if moment == "epoch's end" else (k - 1) // per_epoch
        assert state(estimator, *HOW_IT_ENDED) == whole(n_epochs), f"interrupted at {name} {k}"
        assert n_epochs == 0 or estimator.stop_reason_ == "interrupted"


#: What draws, remembers and counts besides.
FEATURES = {
    "dropout": 0.3,
    "solver": Adam(averaging=0.9, weight_decay=0.1, max_grad_norm=1.0),
    "learning_rate": LinearWarmUp(1, then=Exponential(0.5)),
    "l1_ratio": 0.5,
    "restore_best_weights": True,
}


@pytest.mark.parametrize("features", [{}, FEATURES, {**FEATURES, "early_stopping": True}], ids=len)
@parametrize_estimators
def test_interrupt_amid_all_features(monkeypatch, estimator, features):
    new = clone(estimator).set_params(**{**PATIENT, **features})
    whole = cache(partial(fit_of_whole_epochs, new, before=state(new, *HOW_IT_ENDED)))
    for k in range(1, 13):
        interrupted = clone(new)
        with monkeypatch.context() as patch:
            interrupt(patch, Adam, "step", k)
            with pytest.raises(KeyboardInterrupt):
                interrupted.fit(X, target_of(estimator))
        n_epochs = (k - 1) // 3
        assert state(interrupted, *HOW_IT_ENDED) == whole(n_epochs), f"interrupted at step {k}"
        assert n_epochs == 0 or interrupted.stop_reason_ == "interrupted"


@parametrize_estimators
def test_interrupted_training_goes_on_as_if_it_had_ended_there(monkeypatch, estimator):
    interrupted = clone(estimator).set_params(**PATIENT)
    with monkeypatch.context() as patch:
        interrupt(patch, Adam, "step", 8)
        with pytest.raises(KeyboardInterrupt):
            interrupted.fit(X, target_of(estimator))
    ended = fit_quietly(estimator, **{**PATIENT, "max_iter": 2})
    for each in (interrupted, ended):
        each.partial_fit(X, target_of(estimator)).partial_fit(X, target_of(estimator))
    assert state(interrupted, *HOW_IT_ENDED) == state(ended, *HOW_IT_ENDED)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("fitted", [False, True])
@parametrize_estimators
def test_interrupted_partial_fit_changes_nothing(monkeypatch, estimator, fitted, k):
    estimator = fit_quietly(estimator) if fitted else clone(estimator)
    before = state(estimator)
    classes = {"classes": [0, 1, 2]} if is_classifier(estimator) else {}
    interrupt(monkeypatch, Adam, "step", k)
    with pytest.raises(KeyboardInterrupt):
        estimator.partial_fit(X, target_of(estimator), **classes)
    assert state(estimator) == before


@pytest.mark.parametrize("fitted", [False, True])
@parametrize_estimators
def test_interrupted_lbfgs_leaves_the_last_whole_iteration(monkeypatch, estimator, fitted):
    new = clone(estimator).set_params(solver="lbfgs", max_iter=6)
    with monkeypatch.context() as patch:
        evaluations = interrupt(patch, Objective, "value_and_gradient", -1)
        fit_quietly(new)
    assert len(evaluations) > 6
    for k in range(1, len(evaluations) + 1):
        estimator = fit_quietly(estimator, random_state=7) if fitted else clone(estimator)
        estimator.set_params(**new.get_params())
        before = state(estimator, *HOW_IT_ENDED)
        with monkeypatch.context() as patch:
            iterations = interrupt(patch, Run, "end_epoch", -1)
            interrupt(patch, Objective, "value_and_gradient", k)
            with pytest.raises(KeyboardInterrupt):
                estimator.fit(X, target_of(estimator))
        expected = fit_of_whole_epochs(new, len(iterations), before)
        assert state(estimator, *HOW_IT_ENDED) == expected, f"interrupted at evaluation {k}"
    # The last evaluation belongs to the sixth iteration; at the end of one it is whole.
    assert len(iterations) == 5
    for k in range(1, 7):
        estimator = fit_quietly(estimator, random_state=7) if fitted else clone(estimator)
        estimator.set_params(**new.get_params())
        with monkeypatch.context() as patch:
            interrupt(patch, Run, "end_epoch", k)
            with pytest.raises(KeyboardInterrupt):
                estimator.fit(X, target_of(estimator))
        expected = fit_of_whole_epochs(new, k, None)
        assert state(estimator, *HOW_IT_ENDED) == expected, f"interrupted after iteration {k}"


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupt_at_any_line_leaves_a_whole_model(early_stopping):
    settings = {**PATIENT, "max_iter": 2, "batch_size": "auto", "early_stopping": early_stopping}
    new = clone(ESTIMATORS["classifier"]).set_params(**settings)
    earlier = fit_quietly(new, random_state=7).set_params(random_state=0)
    whole = [fit_of_whole_epochs(new, n, state(earlier, *HOW_IT_ENDED)) for n in range(3)]
    n_lines, reached = 0, set()
    while True:
        estimator = copy.copy(earlier)
        n_lines += 1
        if not interrupted_at_line(n_lines, estimator):
            break
        found = state(estimator, *HOW_IT_ENDED)
        assert found in whole, f"interrupted at line {n_lines}"
        reached.add(whole.index(found))
    assert n_lines > 100
    assert reached == {0, 1, 2}


def interrupted_at_line(n, estimator):
    """Fit, with Ctrl-C before the n-th line; whether there was such a line."""
    countdown = iter(range(n - 1))

    def stop_at_the_last(frame):
        if next(countdown, None) is None:
            sys.settrace(None)
            raise KeyboardInterrupt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            with at_every_line(stop_at_the_last):
                estimator.fit(X, MARK)
        except KeyboardInterrupt:
            return True
    return False


@unfinished
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_interrupt_ends_a_grid_search(monkeypatch, solver):
    search = GridSearchCV(
        clone(ESTIMATORS["regressor"]).set_params(solver=solver), {"alpha": [0.1, 1, 10]}, cv=2
    )
    calls = interrupt(monkeypatch, Objective, "value_and_gradient", 30)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, NUMBERS)
    assert len(calls) == 30
    assert not hasattr(search, "best_estimator_")


# ------------------------------------------------------------------------- divergence

#: A penalty so strong that every step overshoots more than the one before.
OVERSHOOTING = {
    "solver": "sgd",
    "alpha": 1e4,
    "learning_rate_init": 1.0,
    "max_iter": 500,
    "n_iter_no_change": np.inf,
}


@parametrize_estimators
def test_divergence_with_early_stopping_restores_the_best(estimator):
    settings = {**PATIENT, **OVERSHOOTING, "early_stopping": True}
    estimator = clone(estimator).set_params(**settings)
    with pytest.warns(ConvergenceWarning, match="weights of the best epoch are restored") as caught:
        estimator.fit(X, target_of(estimator))
    assert len(caught) == 1
    assert np.isnan(estimator.validation_scores_[-1])
    assert not np.isfinite(estimator.loss_curve_[-1])
    assert np.all(np.isfinite(estimator.validation_scores_[:-1]))
    best = int(np.argmax(estimator.validation_scores_[:-1]))
    assert estimator.best_validation_score_ == estimator.validation_scores_[best]
    expected = fit_quietly(estimator, max_iter=best + 1)
    assert frozen(list(estimator.coefs_)) == frozen(list(expected.coefs_))
    assert np.all(np.isfinite(estimator.coefs_[0]))


@pytest.mark.parametrize(
    ("params", "X"),
    [
        (OVERSHOOTING, X),
        (DIVERGING, X),
        ({"learning_rate_init": 1e308, "max_iter": 20}, X),
        ({"solver": "sgd", "max_iter": 20}, X * 1e300),
        ({"max_iter": 20}, HUGE),
        ({"solver": "lbfgs"}, HUGE),
    ],
    ids=["overshooting", "rate", "rate, adam", "X", "X, adam", "X, lbfgs"],
)
@parametrize_estimators
def test_divergence_is_an_error_in_the_words_of_scikit_learn(estimator, params, X):
    estimator = clone(estimator).set_params(**params)
    sentence = (
        "^Solver produced non-finite parameter weights. The input data may contain large "
        "values and need to be preprocessed."
    )
    with pytest.raises(ValueError, match=sentence):
        estimator.fit(X, target_of(estimator))


def test_trainings_at_once_leave_the_threads_of_blas_as_they_were():
    before = threadpool_info()
    first, second = blas_threads(1), blas_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert threadpool_info() == before


# ------------------------------------------------------------------------- layouts of X


def strided(array):
    wide = np.full([2 * n for n in array.shape], 9, dtype=array.dtype)
    wide[tuple(slice(None, None, 2) for _ in array.shape)] = array
    return wide[tuple(slice(None, None, 2) for _ in array.shape)]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    raw = np.empty(array.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of the files of all tests."""
    return tmp_path_factory.mktemp("arrays")


numbers_of_files = count()


def mapped(mode):
    def through_file(array, folder):
        # What another array is mapped to is not written over.
        path = folder / f"{next(numbers_of_files)}"
        file = np.memmap(path, array.dtype, "w+", shape=array.shape)
        file[...] = array
        file.flush()
        return np.memmap(path, array.dtype, mode, shape=array.shape)

    return through_file


LAYOUTS = {
    "Fortran order": lambda a, _: np.asfortranarray(a),
    "strided": lambda a, _: strided(a),
    "reversed": lambda a, _: a[::-1].copy()[::-1],
    "big-endian": lambda a, _: a.astype(a.dtype.newbyteorder(">")),
    "read-only": lambda a, _: read_only(a),
    "unaligned": lambda a, _: unaligned(a),
    "memory map": mapped("r+"),
    "read-only memory map": mapped("r"),
}
SOLVERS = {
    "adam": {},
    "in order": {"shuffle": False},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.25},
}


@cache
def plain_arrays(estimator, dtype):
    """X, y and weights as NumPy makes them."""
    return X.astype(dtype), target_of(estimator), WEIGHT.astype(dtype)


@cache
def fit_of_plain_arrays(estimator, dtype, solver):
    """All of a model, and what it predicts."""
    plain = plain_arrays(estimator, dtype)
    model = fit_quietly(estimator, *plain, **SOLVERS[solver])
    return state(model), frozen(model.predict(plain[0]))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@parametrize_estimators
def test_layout_does_not_matter_and_inputs_stay(estimator, dtype, solver, layout, folder):
    laid_out = [layout(array, folder) for array in plain_arrays(estimator, dtype)]
    before = frozen(laid_out)

    found = fit_quietly(estimator, *laid_out, **SOLVERS[solver])
    predicted = frozen(found.predict(laid_out[0]))
    assert (state(found), predicted) == fit_of_plain_arrays(estimator, dtype, solver)
    assert frozen(laid_out) == before


SPARSE_FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]
HOLLOW = np.where(RANDOM.uniform(size=X.shape) < 0.4, X, 0)


@cache
def fit_of_dense_rows(dtype, solver):
    """The rows, and their probabilities by a model fitted to them."""
    dense = HOLLOW.astype(dtype)
    return dense, fit_quietly(ESTIMATORS["classifier"], dense, **SOLVERS[solver]).predict_proba(
        dense
    )


@pytest.mark.parametrize("container", ["matrix", "array"])
@pytest.mark.parametrize("sparse_format", SPARSE_FORMATS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_formats(dtype, solver, sparse_format, container):
    dense, expected = fit_of_dense_rows(dtype, solver)
    X = getattr(sparse, f"{sparse_format}_{container}")(dense)
    found = fit_quietly(ESTIMATORS["classifier"], X, **SOLVERS[solver])
    assert found.coefs_[0].dtype == dtype
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(found.predict_proba(X), expected, rtol=tolerance, atol=tolerance)
    assert X.format == sparse_format
    np.testing.assert_array_equal(X.toarray(), dense)


@pytest.mark.parametrize("container", ["matrix", "array"])
@pytest.mark.parametrize("sparse_format", SPARSE_FORMATS)
def test_sparse_targets_of_a_regression(sparse_format, container):
    numbers = np.where(X[:, :2] > 0, X[:, :2], 0.0)
    y = getattr(sparse, f"{sparse_format}_{container}")(numbers)
    found = fit_quietly(ESTIMATORS["regressor"], X, y).predict(X)
    expected = fit_quietly(ESTIMATORS["regressor"], X, numbers).predict(X)
    np.testing.assert_array_equal(found, expected)


def with_long_indices(X):
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def with_unsorted_indices(X):
    X = X.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.indices[start:stop] = X.indices[start:stop][::-1].copy()
        X.data[start:stop] = X.data[start:stop][::-1].copy()
    X.has_sorted_indices = False
    return X


def with_halves(X):
    """Every entry twice, half of it each time."""
    return type(X)((np.repeat(X.data, 2) / 2, np.repeat(X.indices, 2), 2 * X.indptr), X.shape)


@cache
def usual_matrix(sparse_format):
    return sparse.csr_matrix(HOLLOW).asformat(sparse_format)


@cache
def coefs_of_usual_matrix(estimator, solver, sparse_format):
    return fit_quietly(estimator, usual_matrix(sparse_format), **SOLVERS[solver]).coefs_


@pytest.mark.parametrize("sparse_format", ["csr", "csc"])
@pytest.mark.parametrize("change", [with_long_indices, with_unsorted_indices, with_halves])
@pytest.mark.parametrize("solver", SOLVERS)
@parametrize_estimators
def test_unusual_sparse_matrices(estimator, solver, change, sparse_format):
    usual = usual_matrix(sparse_format)
    X = change(usual)
    parts = [X.data, X.indices, X.indptr]
    before = frozen(parts)
    found = fit_quietly(estimator, X, **SOLVERS[solver])
    expected = coefs_of_usual_matrix(estimator, solver, sparse_format)
    for ours, theirs in zip(found.coefs_, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.predict(X), found.predict(usual), rtol=1e-9)
    assert frozen([X.data, X.indices, X.indptr]) == before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("sparse_format", ["csr", "csc", "coo"])
@parametrize_estimators
def test_sparse_must_be_finite(estimator, sparse_format, bad):
    X = sparse.csr_matrix(HOLLOW)
    X.data[3] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit_quietly(estimator, X.asformat(sparse_format))


@pytest.mark.parametrize(
    ("sparse_format", "params", "n_columns"),
    [
        ("csr", {}, 500_000),
        ("csc", {}, 500_000),
        ("csr", {"early_stopping": True, "validation_fraction": 0.25}, 500_000),
        ("csr", {"solver": "lbfgs"}, 50_000),
        ("csc", {"solver": "lbfgs"}, 50_000),
    ],
    ids=str,
)
def test_sparse_is_never_made_dense(sparse_format, params, n_columns):
    rows = np.repeat(np.arange(2_000), 5)
    columns = np.random.RandomState(1).randint(n_columns, size=len(rows))
    entries = np.ones(len(rows)), (rows, columns)
    X = sparse.coo_matrix(entries, (2_000, n_columns)).asformat(sparse_format)
    dense = 8 * 2_000 * n_columns
    model = clone(ESTIMATORS["classifier"]).set_params(hidden_layer_sizes=(2,), batch_size=500)
    model.set_params(**{"max_iter": 1, **params})
    fitted = []
    fitting = peak_of(lambda: fitted.append(fit_quietly(model, X, np.arange(2_000) % 2)))
    predicting = peak_of(lambda: fitted[-1].predict(X))
    # L-BFGS remembers twenty gradients and more, none of them with a row for each of X's.
    assert fitting < dense / (10 if model.solver == "lbfgs" else 100)
    assert predicting < dense / 1_000


# ------------------------------------------------------------------------- values of X and y

MASKED = np.ma.masked_array(X, mask=np.arange(72).reshape(24, 3) == 7)
BAD_X = {
    "masked": (MASKED, "X is a masked array with 1 masked values"),
    "complex": (X + 0j, "Complex data not supported"),
    "3-D": (X[:, :, np.newaxis], "dim 3|3 dimensions|dim"),
    "1-D": (X[:, 0], "Expected 2D array, got 1D array"),
    "scalar": (np.float64(3), "Expected 2D array, got scalar"),
    "0 rows": (X[:0], "0 sample"),
    "0 columns": (X[:, :0], "0 feature"),
    "NaN": (WITH_NAN, "Input X contains NaN"),
    "infinity": (np.where(np.isnan(WITH_NAN), np.inf, X), "Input X contains infinity"),
    "NaN, float32": (WITH_NAN.astype(np.float32), "Input X contains NaN"),
    "text": (np.full((24, 3), "a"), "could not convert string to float|numeric"),
    "text objects": (np.full((24, 3), "a", dtype=object), "could not convert string to float"),
    "pandas NA": (pd.DataFrame(X).astype("Float64").mask(pd.DataFrame(X) > 2), "NaN"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_X.values(), ids=BAD_X.keys())
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
@parametrize_estimators
def test_bad_rows_are_refused(estimator, method, bad, message):
    model = fit_quietly(estimator)
    y = (target_of(estimator)[: len(bad) if np.ndim(bad) else 1],) if "fit" in method else ()
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(bad, *y)


BAD_Y = {
    "NaN": ("both", WITH_NAN[:, 0], "contains NaN"),
    "infinity": ("both", np.where(np.isnan(WITH_NAN), np.inf, X)[:, 0], "contains infinity"),
    "masked": ("both", MASKED[:, 1], "y is a masked array with 1 masked values"),
    "3-D": ("both", np.zeros((24, 1, 1)), "dim"),
    "none": ("both", None, "requires y to be passed"),
    "too short": ("both", MARK[:23], "inconsistent numbers of samples"),
    "0 rows": ("both", MARK[:0], "inconsistent numbers of samples|0 sample"),
    "complex": ("both", X[:, 0] + 1j, "Complex data not supported"),
    "pandas NA": ("both", pd.Series(MARK).astype("Int64").mask(MARK > 1), "NaN"),
    "text": ("regressor", np.full(24, "a"), "could not convert string to float|numeric"),
    "fractions": ("classifier", NUMBERS, "continuous"),
    "fractions in a column": (
        "classifier",
        np.column_stack([MARK, NUMBERS]),
        "In column 1 of y: Unknown label type: continuous",
    ),
    "NaN in a column": ("both", WITH_NAN, r"NaN(.|\n)*\nColumn \d of y has no value"),
    "no columns": ("both", np.empty((24, 0)), "columns|feature"),
    "text after numbers": ("classifier", np.array([1, 2, "a"] * 8, dtype=object), ""),
    "numbers after text": ("classifier", np.array(["a", 1, 2] * 8, dtype=object), ""),
    "None among text": ("classifier", np.array(["a", "b", None] * 8, dtype=object), ""),
}


@pytest.mark.parametrize(("kinds", "bad", "message"), BAD_Y.values(), ids=BAD_Y.keys())
@pytest.mark.parametrize("early_stopping", [False, True])
@parametrize_estimators
def test_bad_targets_are_refused(estimator, early_stopping, kinds, bad, message):
    name = "classifier" if is_classifier(estimator) else "regressor"
    model = clone(estimator).set_params(early_stopping=early_stopping)
    if kinds in ("both", name):
        with pytest.raises(ValueError, match=message or "."):
            model.fit(X, bad)
        assert vars(model) == model.get_params()


BAD_WEIGHTS = {
    "negative": (np.linspace(-1, 1, 24), "Negative values"),
    "all negative": (-np.ones(24), "Negative values"),
    "negative number": (-1.0, "Negative values"),
    "zero": (np.zeros(24), "at least one non-zero"),
    "zero number": (0, "at least one non-zero"),
    "NaN": (WITH_NAN[:, 0], "NaN"),
    "infinity": (np.full(24, np.inf), "infinity"),
    "masked": (MASKED[:, 1], "sample_weight is a masked array with 1 masked values"),
    "too long": (np.ones(25), "sample_weight.shape"),
    "too short": (np.ones(23), "sample_weight.shape"),
    "2-D": (np.ones((24, 1)), "must be 1D array or scalar"),
    "complex": (np.ones(24) + 1j, "Complex data not supported"),
    "text": (np.full(24, "a"), "could not convert string to float|numeric"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS.keys())
@parametrize_estimators
def test_bad_weights_are_refused(estimator, bad, message):
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(X, target_of(estimator), sample_weight=bad)


# ------------------------------------------------------------------------- dtypes


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("float16", "float64"),
        ("longdouble", "float64"),
        ("int64", "float64"),
        ("int8", "float64"),
        ("uint16", "float64"),
        ("bool", "float64"),
        ("object", "float64"),
    ],
)
@parametrize_problems
def test_dtype_of_a_model(estimator, y, given, computed, params):
    data = np.abs(np.round(4 * X)).astype(given)
    model = fit_quietly(estimator, data, y, **params)
    remembered = [a for a in model._fitted.state.optimizer.values() if isinstance(a, np.ndarray)]
    arrays = [*model.coefs_, *model.intercepts_, *remembered, *raw_and_predicted(model, data)]
    assert bool(remembered) == (params != {"solver": "lbfgs"})
    assert {array.dtype.name for array in arrays} == {computed}
    # The dtype is the model's, whatever it is asked about.
    for other in (np.float32, np.float64):
        arrays = raw_and_predicted(model, X.astype(other))
        assert {array.dtype.name for array in arrays} == {computed}


def raw_and_predicted(model, X):
    methods = ["decision_function", "predict_proba", "predict_log_proba"]
    return [getattr(model, name)(X) for name in (methods if is_classifier(model) else ["predict"])]


@unfinished
@pytest.mark.parametrize("method", ["partial_fit", "fit"])
@pytest.mark.parametrize(("first", "later"), [("float32", "float64"), ("float64", "float32")])
@parametrize_problems
def test_model_goes_on_in_its_own_dtype(monkeypatch, estimator, y, first, later, method):
    models = [fit_quietly(estimator, X.astype(first), y, warm_start=True) for _ in range(2)]
    computed = set()
    original = Objective.value_and_gradient

    def look(self, params, X, y, weight, random):
        computed.update(array.dtype.name for array in (params, X, y, weight))
        return original(self, params, X, y, weight, random)

    monkeypatch.setattr(Objective, "value_and_gradient", look)
    for model, dtype in zip(models, (first, later), strict=True):
        data = X.astype("float32").astype(dtype)
        getattr(model, method)(data, y, sample_weight=np.linspace(0, 1, 24))
    assert computed == {first}
    assert state(models[0]) == state(models[1])


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool, np.float16])
@parametrize_estimators
def test_other_dtypes_are_converted_once(estimator, dtype):
    data = np.round(4 * X).astype(dtype)
    y = target_of(estimator)
    assert state(fit_quietly(estimator, data, y)) == state(fit_quietly(estimator, data * 1.0, y))


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float32, np.float16, object])
def test_dtype_of_numbers_to_predict(dtype, loss, params):
    y = MARK.astype(dtype)
    model = fit_quietly(ESTIMATORS["regressor"], X, y, loss=loss, **params)
    plain = fit_quietly(ESTIMATORS["regressor"], X, y.astype(float), loss=loss, **params)
    assert state(model) == state(plain)


# ------------------------------------------------------------------------- labels

#: Classes so far apart that every solver tells them from each other at once.
APART = np.repeat(np.eye(3) * 9, 8, axis=0) + 0.1 * X
WHICH = np.repeat([0, 1, 2], 8)


def of(*values, dtype=None):
    return np.array(values, dtype=dtype)[WHICH % len(values)]


LABELS = {
    "int": of(0, 1, 2),
    "two ints": of(0, 1),
    "int with gaps": of(10, 3, 700),
    "int8": of(3, 1, 2, dtype=np.int8),
    "uint8": of(255, 0, 7, dtype=np.uint8),
    "negative": of(-1, 1),
    "three negative": of(-3, -1, -2),
    "big-endian": of(1, 2, 0, dtype=">i4"),
    "float": of(1.0, 2.0, -5.0),
    "float32": of(1, 2, dtype=np.float32),
    "bool": of(True, False),
    "text": of("b", "a", "ccc"),
    "two texts": of("yes", "no"),
    "bytes-like text": of("é", "z", "Z"),
    "objects": of("b", "a", "ccc", dtype=object),
    "two objects": of("yes", "no", dtype=object),
    "list": list(of("b", "a", "c")),
    "series": pd.Series(of(5, 6, 7), index=np.arange(24)[::-1]),
    "series of text": pd.Series(of("b", "a", "c", dtype=object)),
    "category": pd.Series(of("b", "a", "c")).astype("category"),
    "ordered category": pd.Series(
        pd.Categorical(of("low", "high", "mid"), ["low", "mid", "high"], ordered=True)
    ),
    "category of numbers": pd.Series(of(3, 1, 2)).astype("category"),
    "categorical": pd.Categorical(of("b", "a", "c")),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_labels_come_back_as_they_were(y, early_stopping, solver):
    settings = {"solver": solver, "early_stopping": early_stopping, "max_iter": 30}
    settings |= {"learning_rate_init": 0.1, "validation_fraction": 0.25}
    model = fit_quietly(ESTIMATORS["classifier"], APART, y, **settings)
    expected = np.asarray(y)
    assert model.classes_.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(model.classes_, np.unique(expected))
    predicted = model.predict(APART)
    assert predicted.dtype == model.classes_.dtype
    assert np.mean(predicted == expected) > 0.9
    assert model.score(APART, y) == np.mean(predicted == expected)
    assert model.predict_proba(APART).shape == (24, len(model.classes_))


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS.keys())
def test_labels_in_partial_fit(y):
    model = clone(ESTIMATORS["classifier"]).set_params(learning_rate_init=0.3)
    y = np.asarray(y)
    for _ in range(5):
        model.partial_fit(APART[::2], y[::2], classes=np.unique(y)[::-1])
        model.partial_fit(APART[1::2], y[1::2])
    assert model.classes_.dtype == y.dtype.newbyteorder("=")
    np.testing.assert_array_equal(model.predict(APART), y)


@unfinished
@pytest.mark.parametrize("early_stopping", [False, True])
@parametrize_estimators
def test_column_of_targets_warns(estimator, early_stopping):
    y = target_of(estimator)
    model = clone(estimator).set_params(early_stopping=early_stopping, validation_fraction=0.25)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed") as caught:
        model.fit(X, y[:, np.newaxis])
    if hasattr(model, "hidden_layer_sizes"):
        (found,) = (each for each in caught if each.category is DataConversionWarning)
        assert found.filename == __file__
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A column-vector", module="sklearn")
            fit_quietly(model, X, y[:, np.newaxis])
    assert state(model) == state(fit_quietly(model, X, y))
    assert model.predict(X).shape == (24,)


ONE_CLASS = {"int": 7, "text": "only", "bool": True, "float": -1.0}


def fit_one_class(model, y):
    return model.fit(X, y)


def partial_fit_one_class(model, y):
    return model.partial_fit(X, y, classes=[y[0]]).partial_fit(X, y)


@pytest.mark.parametrize("label", ONE_CLASS.values(), ids=ONE_CLASS.keys())
@pytest.mark.parametrize(
    ("fit", "params"),
    [
        (fit_one_class, {}),
        (fit_one_class, {"solver": "lbfgs"}),
        (fit_one_class, {"early_stopping": True, "validation_fraction": 0.25}),
        (fit_one_class, {"loss": "squared_error"}),
        (partial_fit_one_class, {}),
        (partial_fit_one_class, {"solver": "sgd"}),
    ],
)
@unfinished
def test_one_class_is_a_constant(fit, params, label):
    y = np.full(24, label)
    model = fit(clone(ESTIMATORS["classifier"]).set_params(**params), y)
    np.testing.assert_array_equal(model.classes_, [label])
    predicted = model.predict(X)
    np.testing.assert_array_equal(predicted, y)
    assert predicted.dtype == y.dtype
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((24, 1)))
    np.testing.assert_array_equal(model.predict_log_proba(X), np.zeros((24, 1)))


# ------------------------------------------------------------------------- parameters

BAD_PARAMETERS = {
    "hidden_layer_sizes": [(5.5,), 0, -1, 2.5, (3, 0), (3, -2), "a", ["a"], [[2]], None, {3}],
    "activation": ["ReLU", None, np.tanh, ["relu", "relu"], ["ReLU"], [], [None]],
    "solver": ["newton", "", None, Adam, Adam(beta_1=1.0), SGD(max_grad_norm=0)],
    "alpha": [-1e-9, np.nan, np.inf, "0", None],
    "batch_size": [0, -1, 2.5, "all", None],
    "learning_rate": ["optimal", 0.1, None, Cosine, Cosine(lowest=2.0), LinearWarmUp(-1)],
    "learning_rate_init": [0, -0.1, np.nan, np.inf, "0.1"],
    "power_t": [-1, "0.5", None],
    "max_iter": [0, -5, 1.5, "10", None],
    "shuffle": ["yes", None, 2],
    "random_state": ["0", -1, 1.5, np.random.default_rng(0)],
    "tol": [-1e-9, np.nan, "0", None],
    "verbose": ["yes", -1, 0.5, None],
    "warm_start": ["no", None],
    "momentum": [-0.1, 1.1, np.nan, None],
    "nesterovs_momentum": ["no", None],
    "early_stopping": ["no", None],
    "validation_fraction": [-0.1, 1, 1.5, np.nan, None],
    "beta_1": [-0.1, 1, np.nan],
    "beta_2": [-0.1, 1, np.nan],
    "epsilon": [0, -1e-8, np.nan],
    "n_iter_no_change": [0, -1, 2.5, np.nan, -np.inf, None],
    "max_fun": [0, 1.5, None],
    "dtype": ["float16", None, np.float32],
    "loss": ["hinge", None, LogLoss, Quantile(1.5), Quantile([0.9, 0.1]), Huber(delta=-1.0)],
    "dropout": [-0.1, 1, 1.0, np.nan, "0.5", None, [0.5, 0.5], [1.0], ["a"], []],
    "l1_ratio": [-0.1, 1.1, np.nan, "0.5", None],
    "early_stopping_metric": ["acuracy", None, 1],
    "restore_best_weights": ["yes", None, 2],
    "initialization": ["glorot", None, 0.1],
    "max_time": [0, -1, np.nan, "1"],
}
#: Of the classifier alone.
BAD_PARAMETERS_OF_CLASSES = {"class_weight": ["balance", 2.0, [1, 2], [{}, 1]]}


BAD_VALUES = [
    (kind, name, value)
    for kind in ESTIMATORS
    for table in (BAD_PARAMETERS, BAD_PARAMETERS_OF_CLASSES if kind == "classifier" else {})
    for name, values in table.items()
    for value in values
]


@pytest.mark.parametrize(("kind", "name", "value"), BAD_VALUES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_parameter_is_refused_by_name(kind, method, name, value):
    estimator = ESTIMATORS[kind]
    model = clone(estimator).set_params(**{name: value})
    with pytest.raises(InvalidParameterError, match=name) as refusal:
        getattr(type(model), method)(model, X, target_of(estimator))
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize(("kind", "name", "value"), BAD_VALUES)
def test_bad_parameter_of_a_fitted_estimator_is_refused_by_name(kind, name, value):
    model = copy.copy(fitted_once(kind))
    before = state(model)
    model.set_params(**{name: value})
    for method in ("fit", "partial_fit", "resume"):
        with pytest.raises(InvalidParameterError, match=name):
            getattr(type(model), method)(model, X, target_of(model))
    # What is fitted predicts as before, and shows what it is.
    predicted = raw_and_predicted(model, X)
    np.testing.assert_array_equal(predicted, raw_and_predicted(fitted_once(kind), X))
    dict(inspect.getmembers(model))
    model.set_params(**{name: getattr(ESTIMATORS[kind], name)})
    assert state(model) == before


@cache
def fitted_once(kind):
    return fit_quietly(ESTIMATORS[kind])


def test_every_parameter_is_checked():
    of_classes = {*BAD_PARAMETERS, *BAD_PARAMETERS_OF_CLASSES}
    assert of_classes == set(ScratchMLPClassifier().get_params())
    assert set(BAD_PARAMETERS) == set(ScratchMLPRegressor().get_params())


# ------------------------------------------------------------------------- prediction


@pytest.mark.parametrize("y", [MARK > 0, MARK, SEVERAL], ids=["two classes", "three", "labels"])
@pytest.mark.parametrize("factor", [1, 1e4, 1e12])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logarithms_of_probabilities_are_finite(y, factor, dtype):
    model = fit_quietly(ESTIMATORS["classifier"], X.astype(dtype), y)
    model.coefs_[-1][...] *= factor
    logits = model.decision_function(X)
    if logits.ndim == 1:
        expected = log_expit(np.column_stack([-logits, logits]))
    else:
        expected = log_expit(logits) if model.classes_.size == 2 else log_softmax(logits, axis=1)
    found = model.predict_log_proba(X)
    assert np.abs(logits).max() > factor / 10
    assert np.all(np.isfinite(found))
    assert np.all(found <= 0)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected, rtol=8 * eps, atol=8 * eps)
    probability = model.predict_proba(X)
    assert np.all((probability > 0) & (probability <= 1))
    likely = probability > 1e-30
    np.testing.assert_allclose(
        np.log(probability[likely]), found[likely], rtol=100 * eps, atol=8 * eps
    )


#: How far features are from those of the training, until logits come close to the largest number.
FAR = [("f", 1e12), ("f", 1e16), ("f", 1e30), ("f", 1e37), ("d", 1e22), ("d", 1e30), ("d", 1e300)]


@pytest.mark.parametrize("y", [MARK > 0, MARK, SEVERAL], ids=["two classes", "three", "labels"])
@pytest.mark.parametrize(("dtype", "factor"), FAR)
@pytest.mark.parametrize("kind", [ScratchMLPClassifier, ScratchLogisticRegression])
def test_no_probability_is_zero(kind, dtype, factor, y):
    """However far the logits are apart, and never against their order."""
    model = kind(random_state=0)
    if kind is ScratchMLPClassifier:
        model.set_params(**SMALL)
    elif y is SEVERAL:
        return
    model = fit_quietly(model, X.astype(dtype), y)
    rows = (factor * X).astype(dtype)
    logits = model.decision_function(rows)
    logits = np.column_stack([-logits, logits]) if logits.ndim == 1 else logits
    assert np.abs(logits).max() > factor / 10
    for part in (slice(None), slice(0, 1)):
        probability = model.predict_proba(rows[part])
        assert probability.dtype == dtype
        assert np.all((probability > 0) & (probability <= 1))
        rank = np.argsort(logits[part], axis=1)
        assert np.all(np.diff(np.take_along_axis(probability, rank, axis=1), axis=1) >= 0)
        log_probability = model.predict_log_proba(rows[part])
        assert np.all(np.isfinite(log_probability))
        assert np.all(log_probability <= 0)


def test_logits_further_apart_than_the_largest_number():
    largest = np.finfo(np.float32).max
    weights = np.array([[1, -1, 0.5]], dtype=np.float32) * largest
    zeros = np.zeros(3, dtype=np.float32)
    model = ScratchMLPClassifier.from_weights([weights], [zeros], classes=[0, 1, 2])
    smallest = np.finfo(np.float32).smallest_subnormal
    for n_rows in (1, 3):
        rows = np.ones((n_rows, 1), dtype=np.float32)
        np.testing.assert_array_equal(model.predict_proba(rows)[0], [1, smallest, smallest])
        np.testing.assert_array_equal(
            model.predict_log_proba(rows)[0], [0, -largest, -0.5 * largest]
        )


@parametrize_problems
@pytest.mark.parametrize("as_given", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_prediction_changes_nothing(estimator, y, as_given):
    model = fit_quietly(estimator, X, y)
    attributes, before, data = dict(vars(model)), state(model), as_given(X)
    raw_and_predicted(model, data)
    model.predict(data)
    model.score(data, y)
    assert state(model) == before
    assert all(vars(model)[name] is value for name, value in attributes.items())
    np.testing.assert_array_equal(data.toarray() if sparse.issparse(data) else data, X)


@parametrize_estimators
def test_unfitted_cannot_predict(estimator):
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(estimator, name):
            with pytest.raises(NotFittedError):
                getattr(clone(estimator), name)(X)


# ------------------------------------------------------------------------- sample weights

FULL_BATCH = {"batch_size": "auto", "max_iter": 10, "alpha": 0.1}


def assert_close_models(found, expected):
    for ours, theirs in zip(found.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def total_change(model, other):
    return sum(np.abs(a - b).max() for a, b in zip(model.coefs_, other.coefs_, strict=True))


@pytest.mark.parametrize("params", [{}, {"solver": "sgd"}, {"solver": "lbfgs", "max_iter": 3}])
@parametrize_estimators
def test_weight_counts_rows(estimator, params):
    """A weight of k is the row k times, a weight of 0 no row, where a batch is all rows."""
    y, weight = target_of(estimator), np.where(np.arange(24) % 5 == 0, 0, WEIGHT)
    rows = np.repeat(np.arange(24), weight.astype(int))
    params = {**FULL_BATCH, **params}
    weighted = fit_quietly(estimator, X, y, weight, **params)
    repeated = fit_quietly(estimator, X[rows], y[rows], **params)
    assert_close_models(weighted, repeated)
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=1e-9)
    assert total_change(weighted, fit_quietly(estimator, X, y, **params)) > 1e-4


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@pytest.mark.parametrize(
    ("dtype", "factor", "alpha"),
    [
        ("float64", 2.0**-6, 0.1),
        ("float64", 0.5, 0.1),
        ("float64", 1024.0, 0.1),
        # What the dtype cannot hold: larger than its largest number, smaller than its smallest.
        ("float32", 2.0**150, 0.1),
        ("float32", 2.0**-166, 0.0),
        ("float32", 2.0**1000, 0.1),
        ("float64", 2.0**1000, 0.1),
        ("float64", 2.0**-1074, 0.0),
    ],
)
@parametrize_estimators
def test_only_ratios_of_weights_count_but_for_the_penalty(estimator, dtype, factor, alpha, params):
    """Bit by bit, for powers of two: c times the weights, with alpha, is alpha / c."""
    y, params = target_of(estimator), {**params, "dtype": dtype}
    scaled = fit_quietly(estimator, X, y, factor * WEIGHT, alpha=alpha, **params)
    plain = fit_quietly(estimator, X, y, WEIGHT, alpha=alpha / factor, **params)
    ignored = ("alpha", "settings", "total_weight", "fit_weight")
    assert state(scaled, *ignored) == state(plain, *ignored)
    assert frozen(scaled._fitted.state.optimizer) == frozen(plain._fitted.state.optimizer)


@unfinished
@pytest.mark.parametrize("factor", [2.0**-166, 2.0**150])
@parametrize_estimators
def test_only_ratios_of_weights_count_in_partial_fit(estimator, factor):
    """Those of all calls: the second call has a hundredth of the weight of the first."""
    models = []
    for unit in (1.0, factor):
        model = clone(estimator).set_params(alpha=0, dtype="float32")
        y = target_of(estimator)
        first = {"classes": np.unique(y)} if is_classifier(model) else {}
        model.partial_fit(X, y, 100 * unit * WEIGHT, **first)
        models.append(model.partial_fit(X, y, unit * WEIGHT))
    for one, other in zip(models[0].coefs_, models[1].coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


@unfinished
@parametrize_estimators
def test_weights_of_validation_rows_and_classes_may_be_in_any_unit(estimator):
    y, params = target_of(estimator), {"dtype": "float32", "early_stopping": True}
    models = []
    for unit in (1.0, 2.0**150):
        model = clone(estimator).set_params(alpha=0, **params)
        weight = np.ones(24)
        if is_classifier(model):
            model.set_params(class_weight={label: unit * (1 + label) for label in set(y)})
        else:
            weight = unit * weight
        validation = {"X_val": X, "y_val": y, "sample_weight_val": unit * WEIGHT}
        models.append(model.fit(X, y, weight, **validation))
    for one, other in zip(models[0].coefs_, models[1].coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert models[0].validation_loss_curve_ == models[1].validation_loss_curve_
    assert models[0].validation_scores_ == models[1].validation_scores_


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@pytest.mark.parametrize(("dtype", "unit"), [("float32", 1e-50), ("float64", 1e-300)])
@parametrize_estimators
def test_a_penalty_that_outweighs_the_data_is_refused(estimator, dtype, unit, params):
    with pytest.raises(ValueError, match=r"alpha=0.0001 outweighs the data .* sample_weight"):
        fit_quietly(estimator, X, None, unit * WEIGHT, **{**params, "dtype": dtype})


@parametrize_estimators
def test_weights_without_a_finite_sum(estimator):
    with pytest.raises(ValueError, match=r"^sample_weight .* adds up to more than the largest"):
        fit_quietly(estimator, X, None, np.full(24, 1e308))


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@pytest.mark.parametrize("weight", [1.0, 2.0, 0.25])
@parametrize_estimators
def test_equal_weights_are_none(estimator, weight, params):
    y = target_of(estimator)
    weighted = fit_quietly(estimator, X, y, np.full(24, weight), alpha=0, **params)
    number = fit_quietly(estimator, X, y, weight, alpha=0, **params)
    plain = fit_quietly(estimator, X, y, alpha=0, **params)
    assert state(weighted) == state(number)
    assert_close_models(weighted, plain)


@parametrize_estimators
def test_batch_without_weight_moves_nothing(estimator):
    """Without momentum and penalty, only the first of three batches is learned from."""
    settings = {"solver": "sgd", "momentum": 0, "alpha": 0, "shuffle": False, "max_iter": 1}
    y, weight = np.arange(24) % 3, (np.arange(24) < 8) * 1.0
    model = fit_quietly(estimator, X, y, weight, learning_rate_init=0.001, **settings)
    # The mean weight is a third: what has weight counts three times as much.
    first = fit_quietly(estimator, X[:8], y[:8], learning_rate_init=0.003, **settings)
    assert_close_models(model, first)


@unfinished
@pytest.mark.parametrize("row", range(0, 24, 4))
@parametrize_estimators
def test_weight_must_be_on_both_sides_of_early_stopping(estimator, row):
    """The one row that has weight is either trained on or held out."""
    with pytest.raises(ValueError, match="sample_weight is zero for every row"):
        fit_quietly(estimator, X, None, (np.arange(24) == row) * 1.0, **SOLVERS["early stopping"])


@pytest.mark.parametrize("params", SOLVERS.values(), ids=SOLVERS.keys())
@parametrize_estimators
def test_batch_without_weight_divides_by_nothing(estimator, params):
    weight = (np.arange(24) % 3 == 0) * 1e-3
    model = fit_quietly(estimator, X, None, weight, **{**params, "batch_size": 2})
    assert np.all(np.isfinite(model.loss_curve_))
    assert np.all(np.isfinite(model.coefs_[0]))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@parametrize_estimators
def test_weights_constant_within_batches_do_not_cancel(estimator, solver):
    y = target_of(estimator)
    settings = {"solver": solver, "shuffle": False, "batch_size": 8}
    by_batch = np.repeat([0.1, 1.0, 5.0], 8)
    plain = fit_quietly(estimator, X, y, **settings)
    assert total_change(fit_quietly(estimator, X, y, by_batch, **settings), plain) > 1e-4
    one_by_one = {**settings, "batch_size": 1}
    plain = fit_quietly(estimator, X, y, **one_by_one)
    assert total_change(fit_quietly(estimator, X, y, WEIGHT, **one_by_one), plain) > 1e-4


@parametrize_estimators
def test_weight_is_relative_to_the_mean_over_all_calls(estimator):
    """Chunks of rows that partial_fit sees with weights 1 and 3 count as 1 to 3."""
    y = target_of(estimator)
    settings = {"solver": "sgd", "momentum": 0, "alpha": 0, "batch_size": 24}
    model = fit_quietly(estimator, max_iter=1, **settings)
    start = [array.copy() for array in model.coefs_]
    twice = copy.deepcopy(model).partial_fit(X, y, sample_weight=np.full(24, 3.0))
    once = copy.deepcopy(model).partial_fit(X, y)
    for begin, ours, theirs in zip(start, twice.coefs_, once.coefs_, strict=True):
        # Mean weight after both calls: 2.
        np.testing.assert_allclose(ours - begin, 1.5 * (theirs - begin), rtol=1e-6, atol=1e-12)


def test_a_fit_takes_seven_vectors_of_parameters():
    """Parameters and Adam's two moments, the same of the last whole epoch, and the gradient."""
    rows = np.random.RandomState(0).standard_normal((20, 500))
    model = ScratchMLPClassifier((500,), max_iter=2, random_state=0)
    peak = peak_of(lambda: fit_quietly(model, rows, np.arange(20) % 2))
    n_bytes = sum(array.nbytes for array in fit_quietly(model, rows, np.arange(20) % 2).coefs_)
    assert peak < 7.5 * n_bytes
