"""When kernels are used, and what happens where they cannot be; with a numba that is none.

What the real one does is tested in tests/integration/test_compiled.py.
"""

from __future__ import annotations

import pickle
import sys
import threading
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from pages import code_of, run_page

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
)
from skneural.kernels import (
    compilation,
    compiled_as,
    compiled_kernels,
    compiled_prediction,
    use,
)
from skneural.kernels.use import training_work

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).standard_normal((60, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """What is kept for a process, as at its beginning."""
    beginning = {"setting": None, "work_done": 0.0, "misses_numba": False, "is_cut_off": False}
    for name, value in beginning.items():
        monkeypatch.setattr(use._Process, name, value)
    monkeypatch.setattr(use, "_compiled", compilation.Compiled())
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    caches = (compilation.numba_or_none, compilation.has_cache)
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


class StandIn(ModuleType):
    """A numba that calls the plain kernels, and notes for which it was asked."""

    def __init__(self):
        super().__init__("numba")
        self.config = SimpleNamespace(DISABLE_JIT=0)
        self.asked, self.called = [], []
        self.keeps = True
        #: Whether calls fail, by whether the function is kept in a cache.
        self.fails = {True: None, False: None}

    def njit(self, cache, **options):
        def decorate(kernel):
            if cache and not self.keeps:
                raise RuntimeError("cannot cache function: no locator available")

            def call(*args):
                self.called.append((kernel.__name__, cache))
                if self.fails[cache] is not None:
                    raise self.fails[cache]
                return kernel(*args)

            self.asked.append((kernel.__name__, cache))
            return call

        return decorate


@pytest.fixture
def numba(monkeypatch):
    module = StandIn()
    monkeypatch.setitem(sys.modules, "numba", module)
    return module


def doubled(array):
    for i in range(len(array)):
        array[i] *= 2


@compiled_as(doubled)
def double(array):
    array *= 2
    if array[0] > 1000:
        raise FloatingPointError("too large")


def is_used(numba):
    """Whether a function that has a kernel runs it now."""
    before = len(numba.called)
    numbers = np.array([1.0, 2.0])
    double(numbers)
    np.testing.assert_array_equal(numbers, [2, 4])
    return len(numba.called) > before


@pytest.mark.parametrize("setting", [None, True, False])
def test_a_setting_holds_for_what_follows(numba, setting):
    skneural.set_compiled(setting)
    for work, by_work in ((1, False), (use.WORTH_LOADING, True), (1, True)):
        with compiled_kernels(work):
            assert is_used(numba) is (by_work if setting is None else setting)
        assert not is_used(numba)


def test_the_page_on_performance(numba):
    run_page("performance.rst")
    assert [
        line.split("#")[0].strip() for line in code_of("performance.rst")[0].splitlines()[2:]
    ] == [f"skneural.set_compiled({setting})" for setting in (False, True, None)]
    assert use._Process.setting is None


@pytest.mark.parametrize("bad", ["yes", 1, 0, "1"])
def test_bad_settings(bad, monkeypatch):
    with pytest.raises(TypeError, match="when must be True, False or None, got"):
        skneural.set_compiled(bad)


def test_the_environment_variable(monkeypatch):
    for text, setting in (("1", True), ("0", False)):
        monkeypatch.setenv(use.VARIABLE, text)
        use._from_environment()
        assert use._Process.setting is setting
    monkeypatch.setenv(use.VARIABLE, "on")
    with pytest.raises(ValueError, match="SKNEURAL_COMPILED must be 0 or 1, got 'on'"):
        use._from_environment()


def missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "numba", None)


def broken_by(error):
    def break_it(monkeypatch, tmp_path):
        (tmp_path / "numba").mkdir()
        (tmp_path / "numba" / "__init__.py").write_text(f"import warnings\n{error}\n")
        monkeypatch.delitem(sys.modules, "numba", raising=False)
        monkeypatch.syspath_prepend(tmp_path)

    return break_it


def a_folder(monkeypatch, tmp_path):
    (tmp_path / "numba").mkdir()
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])


def told_not_to(monkeypatch, tmp_path):
    module = StandIn()
    module.config.DISABLE_JIT = 1
    monkeypatch.setitem(sys.modules, "numba", module)


UNUSABLE = {
    "missing": (missing, "numba, which is not installed"),
    "of another NumPy": (
        broken_by("raise ImportError('Numba needs NumPy 2.0 or less')"),
        r"cannot be imported here \(Numba needs NumPy 2.0 or less\)",
    ),
    "without llvmlite": (broken_by("import no_llvmlite"), "No module named 'no_llvmlite'"),
    "of another Python": (broken_by("raise SystemError('of _internal')"), "of _internal"),
    "warning": (broken_by("warnings.warn('old', DeprecationWarning)"), "old"),
    "a folder of that name": (a_folder, "what there is of that name is not it"),
    "NUMBA_DISABLE_JIT": (told_not_to, "NUMBA_DISABLE_JIT"),
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_where_numba_cannot_be_used_numpy_is_unless_it_is_asked_for(
    reason, monkeypatch, tmp_path, capsys
):
    expected = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit(X, Y)
    break_it, message = UNUSABLE[reason]
    break_it(monkeypatch, tmp_path)
    try:
        monkeypatch.setattr(use._Process, "work_done", 1e12)
        model = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit(X, Y)
        assert model.loss_curve_ == expected.loss_curve_
        assert not use._compiled
        with pytest.raises(ImportError, match=message) as caught:
            skneural.set_compiled(True)
        assert "skneural[fast]" in str(caught.value)
        # As the environment variable says it.
        monkeypatch.setattr(use._Process, "setting", True)
        with pytest.raises(ImportError, match=message):
            model.fit(X, Y)
        assert model.loss_curve_ == expected.loss_curve_
        skneural.show_versions()
        assert "Compiled kernels: never (numba is missing" in capsys.readouterr().out
    finally:
        sys.modules.pop("numba", None)


def test_numba_that_is_installed_later_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with compiled_kernels(1e12):
        pass
    module = StandIn()
    monkeypatch.setitem(sys.modules, "numba", module)
    skneural.set_compiled(True)
    skneural.set_compiled(None)
    with compiled_kernels(0):
        assert is_used(module)


@pytest.mark.parametrize(
    ("keeps", "words"), [(True, ""), (False, ", compiled anew in each process")]
)
def test_show_versions_says_when(numba, keeps, words, capsys):
    numba.keeps = keeps
    for setting, when in ((None, "from enough work on"), (True, "always"), (False, "never")):
        skneural.set_compiled(setting)
        skneural.show_versions()
        assert f"\nCompiled kernels: {when}{words}\n" in capsys.readouterr().out


# ---------------------------------------------------------------- when it pays


def test_importing_numba_has_to_pay_too(monkeypatch):
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    asked = []
    monkeypatch.setattr(use, "numba_or_none", lambda: asked.append(True))
    for work in (use.WORTH_LOADING, use.WORTH_IMPORTING - use.WORTH_LOADING - 1):
        with compiled_kernels(work):
            assert not asked
    with compiled_kernels(1):
        assert asked


def test_where_nothing_can_be_kept_compiling_has_to_pay(numba):
    numba.keeps = False
    for work, expected in ((use.WORTH_IMPORTING, False), (use.WORTH_COMPILING, True)):
        with compiled_kernels(work):
            assert is_used(numba) is expected
    assert numba.called == [("doubled", False)]


SMALL = {
    "classifier": ScratchMLPClassifier(4, max_iter=3),
    "regressor": ScratchMLPRegressor(hidden_layer_sizes=(3, 2), max_iter=3),
    "lbfgs": ScratchMLPClassifier(4, solver="lbfgs", max_iter=3),
    "logistic": ScratchLogisticRegression(solver="sgd", max_iter=3),
    "perceptron": ScratchPerceptron(max_iter=3),
    "table": TabularMLPClassifier(max_iter=2, hidden_layer_sizes=3),
}


@pytest.mark.parametrize("name", SMALL)
def test_fits_add_up(name, numba):
    estimator = SMALL[name]
    estimator.fit(X, Y)
    once = use._Process.work_done
    assert 0 < once < use.WORTH_LOADING / 100
    estimator.fit(X, Y)
    assert use._Process.work_done == 2 * once
    assert not numba.asked


@pytest.mark.parametrize("name", ["classifier", "regressor", "logistic", "perceptron"])
def test_streams_add_up_by_epoch_also_across_pickles(name, numba):
    estimator = SMALL[name]
    classes = {} if name == "regressor" else {"classes": [0, 1]}
    sums = [0.0]
    for _ in range(3):
        estimator = pickle.loads(pickle.dumps(estimator)).partial_fit(X, Y, **classes)
        sums.append(use._Process.work_done)
    assert len(set(np.diff(sums))) == 1
    use._Process.work_done = 0.0
    estimator.fit(X, Y)
    assert use._Process.work_done == estimator.max_iter * sums[1]


def test_the_work_of_a_training():
    # 5 steps over 30 parameters, and 45 rows of 7 outputs, 50 times of 1000.
    assert training_work(30, 7, 45, 10, 1000) == 50 * (5 * 30 + 45 * 7)
    assert training_work(30, 7, 45, 10, 2) == 2 * (5 * 30 + 45 * 7)


def test_networks_of_scikit_learns_tutorials_are_small(numba):
    # The first fit of such a network must not wait for numba.
    rng = np.random.RandomState(0)
    for shape, n_classes in (((150, 4), 3), ((1797, 64), 10)):
        rows, y = rng.standard_normal(shape), rng.randint(0, n_classes, shape[0])
        ScratchMLPClassifier(max_iter=1).fit(rows, y)
    assert use.LIKELY_EPOCHS * use._Process.work_done < use.WORTH_LOADING / 4


# ---------------------------------------------------------------- predictions


MODEL = ScratchMLPClassifier.from_weights(
    [np.ones((3, 50)), np.ones((50, 1))], [np.ones(50), np.ones(1)], classes=[0, 1]
)
LONG = np.random.RandomState(1).standard_normal((2500, 3))


def test_predictions_do_not_add_up_and_long_ones_use_what_is_there(numba, monkeypatch):
    expected = MODEL.predict_proba(LONG)
    work = len(LONG) * (50 + 50 + 1)  # A product, an activation, a product.
    assert work > use.WORTH_ENTERING
    contexts = []
    monkeypatch.setattr(
        "skneural.network.compiled_prediction",
        lambda *args: contexts.append(args) or compiled_prediction(*args),
    )
    for _ in range(2):
        np.testing.assert_array_equal(MODEL.predict_proba(LONG), expected)
    assert {work for (work,) in contexts} == {work}
    assert use._Process.work_done == 0
    assert not use._compiled
    with compiled_kernels(1e12):
        assert is_used(numba)
    assert use._are_worth_it_once(work)
    assert not use._are_worth_it_once(use.WORTH_ENTERING - 1)
    skneural.set_compiled(False)
    assert not use._are_worth_it_once(1e12)


def test_one_very_long_prediction_loads_kernels(numba):
    assert not use._are_worth_it_once(use.WORTH_LOADING - 1)
    assert use._are_worth_it_once(use.WORTH_LOADING)


def test_a_single_row_does_not_ask(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr("skneural.network.compiled_prediction", fail)
    assert MODEL.predict(X[:1]).shape == (1,)


def test_predictions_inside_a_training_do_as_it_does(numba):
    with compiled_kernels(0), compiled_prediction(1e12):
        assert is_used(numba)
    use._compiled.clear()
    skneural.set_compiled(True)
    with compiled_kernels(0):
        with compiled_prediction(0):
            assert is_used(numba)
        assert is_used(numba)


def test_a_training_inside_a_training_ends_with_what_was_used(numba):
    skneural.set_compiled(True)
    with compiled_kernels(0):
        skneural.set_compiled(False)
        with compiled_kernels(0):
            assert not is_used(numba)
        assert is_used(numba)


# ---------------------------------------------------------------- failures


FAILURES = [
    OSError(28, "No space left on device"),
    EOFError("Ran out of input"),
    pickle.UnpicklingError("invalid load key"),
    TypeError("can't unbox array"),
    UserWarning("a warning, where warnings are errors"),
    MemoryError(),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_with_the_cache_ends_without_one(numba, error):
    numba.fails[True] = error
    skneural.set_compiled(True)
    with compiled_kernels(0):
        for _ in range(2):
            assert is_used(numba)
    assert numba.called == [("doubled", True), ("doubled", False), ("doubled", False)]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_without_a_cache_ends_in_numpy(numba, error):
    numba.fails = {True: error, False: error}
    skneural.set_compiled(True)
    with compiled_kernels(0):
        for _ in range(2):
            is_used(numba)  # Has the right numbers.
    assert numba.called == [("doubled", True), ("doubled", False)]


def test_errors_of_the_definition_are_its_own(numba):
    numba.fails = {True: ValueError("not compiled"), False: ValueError("not compiled")}
    numbers = np.array([600.0])
    with compiled_kernels(1e12), pytest.raises(FloatingPointError, match="too large"):
        double(numbers)
    assert numbers == [1200]


def test_an_interrupt_while_compiling_is_one(numba):
    numba.fails[True] = KeyboardInterrupt()
    skneural.set_compiled(True)
    model = ScratchMLPClassifier(4, max_iter=2, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")
    numba.fails[True] = None
    model.fit(X, Y)
    assert numba.called[-1][1]
    skneural.set_compiled(False)
    expected = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit(X, Y)
    assert model.loss_curve_ == expected.loss_curve_


def test_threads_that_come_first_at_the_same_time_use_one_function(monkeypatch):
    compiled = compilation.Compiled()
    barrier = threading.Barrier(4)

    def to_compile(kernel, *, with_cache):
        barrier.wait()
        return lambda array: None

    monkeypatch.setattr(compilation, "_to_compile", to_compile)
    found = []
    threads = [threading.Thread(target=lambda: found.append(compiled[doubled])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_child_forked_while_others_import_or_compile_does_without(numba, monkeypatch, capsys):
    compiler = ModuleType("numba.core.compiler_lock")
    compiler.global_compiler_lock = SimpleNamespace(_lock=threading.RLock())
    monkeypatch.setitem(sys.modules, "numba.core.compiler_lock", compiler)
    assert not compilation.was_cut_off()
    for lock in (compilation._importing, compiler.global_compiler_lock._lock):
        is_held, may_end = threading.Event(), threading.Event()

        def hold(lock=lock, is_held=is_held, may_end=may_end):
            with lock:
                is_held.set()
                may_end.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        is_held.wait()
        assert compilation.was_cut_off()
        may_end.set()
        thread.join()
        assert not compilation.was_cut_off()
    monkeypatch.setattr(numba, "__spec__", SimpleNamespace(_initializing=True))
    skneural.set_compiled(True)
    with compiled_kernels(0):
        use._in_forked_child()
        assert not is_used(numba)
    for setting in (True, None):
        skneural.set_compiled(setting)
        with compiled_kernels(1e12), compiled_prediction(1e12):
            assert not is_used(numba)
    skneural.show_versions()
    assert "Compiled kernels: never (forked while" in capsys.readouterr().out


def test_a_lock_of_another_kind_is_not_waited_for(numba, monkeypatch):
    compiler = ModuleType("numba.core.compiler_lock")
    monkeypatch.setitem(sys.modules, "numba.core.compiler_lock", compiler)
    assert compilation.was_cut_off()


def test_pickles_hold_nothing_of_kernels(numba):
    skneural.set_compiled(True)
    model = ScratchMLPClassifier(4, max_iter=1, random_state=0).fit(X, Y)
    assert numba.called
    content = pickle.dumps(model)
    assert b"numba" not in content
    assert b"kernels" not in content
    skneural.set_compiled(False)
    assert content == pickle.dumps(ScratchMLPClassifier(4, max_iter=1, random_state=0).fit(X, Y))
