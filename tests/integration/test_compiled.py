"""Kernels compiled by numba: wherever and however a fit runs, the same bits, and no error.

The table of tests/test_kernels.py compares every kernel with NumPy; these are whole fits, most of
them in processes of their own, with a cache that the module shares.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from extras import need
from forked import Forked, run_new

need("fast", "numba")

from sklearn.model_selection import GridSearchCV

import skneural
from skneural import ScratchMLPClassifier
from skneural.kernels import compilation, use

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).standard_normal((60, 3))
Y = (X[:, 0] > 0).astype(int)

WITHOUT_NUMBA = Forked("import sklearn.neural_network")
#: With all that numba sets up for the first function that it compiles, but for caches.
WITH_NUMBA = Forked("""
import sklearn.neural_network, numba
numba.njit(lambda x: x + 1)(1.0)
""")

#: A fit with one small kernel; prints what it comes to, and how the kernel was made.
FIT = """
import sys, warnings
import numpy as np
from sklearn.exceptions import ConvergenceWarning
warnings.filterwarnings("ignore", category=ConvergenceWarning)
if "numba" in sys.modules:
    sys.modules["numba.core.config"].reload_config()  # from the variables of this process
import skneural
from skneural.kernels import use, compilation
X = np.random.RandomState(0).standard_normal((60, 3))
Y = (X[:, 0] > 0).astype(int)
class One(compilation.Compiled):
    def __missing__(self, kernel):
        is_chosen = kernel.__name__ == "adam_step"
        return super().__missing__(kernel) if is_chosen else self.setdefault(kernel, None)
use._compiled = One()
def fit():
    params = {"activation": "identity", "max_iter": 2, "random_state": 0}
    return skneural.ScratchMLPClassifier(4, **params).fit(X, Y)
def said():
    words = list(fit().loss_curve_)
    for function in filter(None, use._compiled.values()):
        words += ["kept" if function.stats.cache_path else "anew"]
        words += ["loaded"] if function.stats.cache_hits else []
    print(*words, flush=True)
"""


@pytest.fixture(autouse=True)
def _as_before():
    yield
    skneural.set_compiled(None)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def run(code, cache, *, by=WITH_NUMBA.run, warn="default", **variables):
    """What a process prints whose warnings are shown; it must end well and say nothing else."""
    environment = {**os.environ, "SKNEURAL_COMPILED": "1", "NUMBA_CACHE_DIR": str(cache)}
    environment.update(variables)
    path = [*filter(None, [variables.get("PYTHONPATH")]), str(Path(skneural.__file__).parents[1])]
    done = by(FIT + code, path, environment, warn)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def curve(cache):
    """The loss curve of NumPy, and kernels compiled in the cache that tests share."""
    losses = run("print(*fit().loss_curve_)", cache, SKNEURAL_COMPILED="0").split()
    assert len(losses) == 2
    assert run("said()", cache).split() == [*losses, "kept"]
    return losses


def test_the_next_process_loads_what_is_kept(cache, curve):
    out = run("said()", cache, by=run_new)
    assert out.split() == [*curve, "kept", "loaded"]


def test_warnings_as_errors(tmp_path, curve):
    # Also of the import of numba, and of the compilation itself.
    out = run("said()", tmp_path, by=WITHOUT_NUMBA.run, warn="error")
    assert out.split()[:3] == [*curve, "kept"]


def test_numba_is_imported_when_it_pays_and_not_before(cache, curve):
    code = """
fit()
assert "numba" not in sys.modules
use._Process.work_done = use.WORTH_IMPORTING
said()
"""
    out = run(code, cache, by=WITHOUT_NUMBA.run, SKNEURAL_COMPILED="")
    assert out.split() == [*curve, "kept", "loaded"]


def test_numba_that_is_told_not_to_compile(cache, curve):
    code = "use._Process.work_done = 1e12; said()"
    variables = {"SKNEURAL_COMPILED": "", "NUMBA_DISABLE_JIT": "1"}
    out = run(code, cache, by=WITHOUT_NUMBA.run, **variables)
    assert out.split() == curve


# ---------------------------------------------------------------- no place for compiled code


@pytest.fixture
def elsewhere(tmp_path):
    """A copy of the package beside which nothing can be written, not even by root."""
    package = tmp_path / "site" / "skneural"

    def kept_by_numba(folder, names):
        return {"__pycache__"} if Path(folder).name == "kernels" else set()

    # With the other modules that Python has compiled, or each process would compile them anew.
    shutil.copytree(Path(skneural.__file__).parent, package, ignore=kept_by_numba)
    (package / "kernels" / "__pycache__").write_text("a file, where a folder would have to be")
    return package


def nowhere(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    # Also for a user's home: no folder can be made in a file.
    return {name: str(file / "x") for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")}


@pytest.mark.parametrize("given", ["", "a file", "in a file"])
def test_where_nothing_can_be_written_kernels_are_compiled_anew(given, elsewhere, tmp_path, curve):
    variables = nowhere(tmp_path)
    given = {"": "", "a file": tmp_path / "file", "in a file": tmp_path / "file" / "x"}[given]
    path = str(elsewhere.parent)
    out = run("print(skneural.__file__); said()", given, PYTHONPATH=path, **variables)
    assert out.split() == [str(elsewhere / "__init__.py"), *curve, "anew"]


def test_a_cache_in_the_home_of_a_user(elsewhere, tmp_path, curve):
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "caches")}
    for loaded in ([], ["loaded"]):
        out = run("said()", "", PYTHONPATH=str(elsewhere.parent), **variables)
        assert out.split() == [*curve, "kept", *loaded]


def test_a_package_in_a_zip_file(tmp_path, cache, curve):
    source = Path(skneural.__file__).parent
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", source.parent, source.name)
    code = f"assert skneural.__file__.startswith({archive!r}); said()"
    assert run(code, cache, PYTHONPATH=archive).split()[:2] == curve


def test_a_package_without_its_sources(elsewhere, tmp_path, curve):
    (elsewhere / "kernels" / "__pycache__").unlink()
    compile_kernels = [sys.executable, "-m", "compileall", "-q", "-b", str(elsewhere / "kernels")]
    subprocess.run(compile_kernels, check=True)
    for source in (elsewhere / "kernels").glob("*.py"):
        source.unlink()
    out = run("said()", tmp_path / "cache", PYTHONPATH=str(elsewhere.parent))
    assert out.split() == [*curve, "anew"]


def test_a_full_disk(tmp_path, curve):
    pytest.importorskip("resource", reason="optional: limits of Unix")
    code = """
import contextlib, io, resource
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
with contextlib.redirect_stdout(io.StringIO()) as out: said()
# What is printed goes into a file.
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
print(out.getvalue())
"""
    assert run(code, tmp_path).split() == [*curve, "anew"]
    assert not [*tmp_path.rglob("*.nbc")]


def test_a_damaged_cache(cache, curve, tmp_path):
    damaged = tmp_path / "cache"
    shutil.copytree(cache, damaged)
    code = f"""
from pathlib import Path
for suffix in ("nbi", "nbc"):
    (file,) = Path({str(damaged)!r}).rglob("*adam_step-*." + suffix)
    whole = file.read_bytes()
    for content in (b"", bytes(100), b"no pickle", whole[:-20]):
        file.write_bytes(content)
        use._compiled = One()
        said()
    file.write_bytes(whole)
use._compiled = One()
said()
"""
    lines = run(code, damaged, warn="error").splitlines()
    # Compiled anew, also where a damaged index is taken for an empty one and written anew.
    assert [line.split()[:2] for line in lines] == [curve] * 9
    assert lines[-1].split()[2:] == ["kept", "loaded"]


def test_a_cache_of_another_version_or_processor_is_not_used(cache, curve, tmp_path):
    other = tmp_path / "cache"
    shutil.copytree(cache, other)
    out = run("said()", other, by=WITHOUT_NUMBA.run, NUMBA_CPU_NAME="generic")
    assert out.split() == [*curve, "kept"]
    for file in other.rglob("*.nbi"):
        content = file.read_bytes()
        version = compilation.required_numba().__version__.encode()
        assert version in content
        file.write_bytes(content.replace(version, b"9" * len(version), 1))
    assert run("said()", other).split() == [*curve, "kept"]


def test_two_processes_that_compile_into_one_cache(tmp_path, curve):
    outs = []
    threads = [
        threading.Thread(target=lambda: outs.append(run("said()", tmp_path).split()[:3]))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outs == [[*curve, "kept"]] * 2
    assert run("said()", tmp_path).split() == [*curve, "kept", "loaded"]


# ---------------------------------------------------------------- threads, processes, interrupts


def test_threads_that_compile_the_same_at_the_same_time(cache, curve):
    code = """
import threading
curves = []
threads = [threading.Thread(target=lambda: curves.append(fit().loss_curve_)) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
assert len(curves) == 4 and all(each == curves[0] for each in curves)
said()
"""
    assert run(code, cache).split() == [*curve, "kept", "loaded"]


FORKED = """
import os, signal, warnings
# From Python 3.12 on; the process has the threads of BLAS.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
def in_child(action):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        try:
            action()
            sys.stdout.flush()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="optional: only Unix forks")
@pytest.mark.parametrize("before", ["", "fit()"])
def test_children_compile_before_and_after_their_parent(before, cache, curve):
    out = run(FORKED + before + "\nin_child(said)\nsaid()", cache)
    assert out.split() == [*curve, "kept", "loaded"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="optional: only Unix forks")
def test_a_child_of_a_process_that_is_compiling_does_without(cache, curve):
    code = """
import threading
numba = compilation.required_numba()
from numba.core import event
may_end, is_compiling = threading.Event(), threading.Event()
class Listener(event.Listener):
    def on_start(self, what):
        if threading.current_thread() is not threading.main_thread():
            is_compiling.set()
            may_end.wait()
    def on_end(self, what): pass
event.register("numba:compile", Listener())
thread = threading.Thread(target=lambda: numba.njit(lambda x: x + 1)(1.0))
thread.start()
is_compiling.wait()
def child():
    said()
    assert use._Process.is_cut_off
in_child(child)
may_end.set()
thread.join()
said()
"""
    # Python 3.12 warns of every fork beside a thread.
    out = run(FORKED + "warnings.simplefilter('ignore', DeprecationWarning)\n" + code, cache)
    assert out.split() == [*curve, *curve, "kept", "loaded"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="optional: only Unix forks")
def test_a_child_of_a_process_that_is_importing_numba_does_without(cache, curve):
    code = """
import importlib.machinery, threading
may_end, is_importing = threading.Event(), threading.Event()
class Finder:
    def find_spec(self, name, path, target=None):
        if name != "numba.core.config": return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def wait_and_execute(module):
            is_importing.set()
            may_end.wait()
            execute(module)
        spec.loader.exec_module = wait_and_execute
        return spec
sys.meta_path.insert(0, Finder())
thread = threading.Thread(target=compilation.numba_or_none)
thread.start()
is_importing.wait()
in_child(said)
may_end.set()
thread.join()
said()
"""
    code = FORKED + "warnings.simplefilter('ignore', DeprecationWarning)\n" + code
    out = run(code, cache, by=WITHOUT_NUMBA.run)
    assert out.split() == [*curve, *curve, "kept", "loaded"]


def test_an_interrupt_while_compiling(tmp_path, curve):
    code = """
numba = compilation.required_numba()
from numba.core import event
class Listener(event.Listener):
    def on_start(self, what): raise KeyboardInterrupt
    def on_end(self, what): pass
model = skneural.ScratchMLPClassifier(4, activation="identity", max_iter=2, random_state=0)
with event.install_listener("numba:compile", Listener()):
    try: model.fit(X, Y)
    except KeyboardInterrupt: assert not hasattr(model, "coefs_")
    else: raise AssertionError
said()
"""
    assert run(code, tmp_path).split() == [*curve, "kept"]


def test_searches_in_processes(cache, curve, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    monkeypatch.setenv("SKNEURAL_COMPILED", "1")
    scores = []
    for setting, n_jobs in ((False, 1), (True, 2)):
        skneural.set_compiled(setting)
        network = ScratchMLPClassifier(4, activation="identity", max_iter=2, random_state=0)
        search = GridSearchCV(network, {"alpha": [1e-4, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, Y)
        scores.append(search.cv_results_["mean_test_score"].tolist())
    assert scores[0] == scores[1]


# ---------------------------------------------------------------- the same in this process


def test_models_predictions_and_pickles_are_those_of_numpy():
    found = []
    for setting in (False, True):
        skneural.set_compiled(setting)
        model = ScratchMLPClassifier(50, max_iter=2, random_state=0).fit(X, Y)
        found.append((pickle.dumps(model), model.predict_proba(np.tile(X, (50, 1))).tobytes()))
    assert use._compiled
    assert found[0] == found[1]
    assert b"numba" not in found[1][0]


def test_errors_of_numbers_do_not_come_out_of_kernels():
    skneural.set_compiled(True)
    with np.errstate(all="raise", under="ignore"):
        ScratchMLPClassifier(50, max_iter=2, random_state=0).fit(1e4 * X, Y)


def test_show_versions_names_numba(capsys):
    skneural.show_versions()
    out = capsys.readouterr().out
    assert f"\nnumba: {compilation.required_numba().__version__}\n" in out
    assert "\nCompiled kernels: from enough work on" in out
