"""What a training prints: scikit-learn's lines, all of them or every k-th."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier

from skneural import ScratchMLPClassifier

X, Y = make_classification(n_samples=120, random_state=0)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = [
    {"max_iter": 7},
    {"max_iter": 60, "tol": 0.05, "n_iter_no_change": 2},
    {"max_iter": 12, "early_stopping": True},
    {"max_iter": 60, "early_stopping": True, "n_iter_no_change": 2},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "max_iter": 300},
]


def printed(estimator, capsys):
    estimator.fit(X, Y)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("verbose", [True, 1])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_epoch_as_scikit_learn_prints_it(settings, verbose, capsys):
    settings = {"hidden_layer_sizes": 5, "random_state": 0, "verbose": verbose, **settings}
    theirs = printed(MLPClassifier(**settings), capsys)
    assert printed(ScratchMLPClassifier(**settings), capsys) == theirs


@pytest.mark.parametrize("verbose", [False, 0])
def test_silence(verbose, capsys):
    assert printed(ScratchMLPClassifier(max_iter=3, verbose=verbose), capsys) == []


@pytest.mark.parametrize(
    ("max_iter", "expected"),
    [(25, [1, 10, 20, 25]), (20, [1, 10, 20]), (1, [1]), (3, [1, 3])],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_first_every_tenth_and_the_last(max_iter, expected, early_stopping, capsys):
    classifier = ScratchMLPClassifier(
        hidden_layer_sizes=3,
        max_iter=max_iter,
        verbose=10,
        random_state=0,
        early_stopping=early_stopping,
        n_iter_no_change=1000,
    )
    lines = printed(classifier, capsys)
    iterations = [line for line in lines if line.startswith("Iteration")]
    assert [int(line.split()[1].rstrip(",")) for line in iterations] == expected
    for epoch, line in zip(expected, iterations, strict=True):
        assert line.endswith(f"{classifier.loss_curve_[epoch - 1]:.8f}")
    assert len(lines) == len(iterations) * (2 if early_stopping else 1)


def test_the_last_epoch_is_printed_before_the_reason_to_stop(capsys):
    classifier = ScratchMLPClassifier(
        hidden_layer_sizes=3, verbose=1000, tol=10.0, n_iter_no_change=2, random_state=0
    )
    lines = printed(classifier, capsys)
    assert [line.split()[0] for line in lines] == ["Iteration", "Iteration", "Training"]
    assert lines[1].startswith(f"Iteration {classifier.n_iter_},")
    assert lines[2].endswith("Stopping.")


def test_iterations_of_lbfgs(capsys):
    classifier = ScratchMLPClassifier(
        solver="lbfgs", hidden_layer_sizes=3, verbose=True, random_state=0, tol=1e-2
    )
    lines = printed(classifier, capsys)
    assert len(lines) == classifier.n_iter_ == len(classifier.loss_curve_)


#: Runs programs, each in a fork, with what all of them need imported and made; after each, how it
#: has ended.
PROGRAMS_IN_TURN = """
import gc, io, os, sys, warnings
from rich.progress import Progress
from sklearn.datasets import load_wine
from skneural import ScratchMLPClassifier

warnings.simplefilter("ignore")
X, y = load_wine(return_X_y=True)
gc.freeze()  # In each fork, the collector would look through all that has been imported.
for program in {programs}:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        exec(program)
        sys.stdout.flush()
        os._exit(0)  # Taking down what has been imported would take longer than most programs.
    print("{end}", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sep="")
"""
END = "status of the program: "


def fit(**params):
    """The beginning of a program that fits: a network that has these parameters."""
    return f"network = ScratchMLPClassifier(random_state=0, **{params})\n"


CAPTURED = """
sys.stdout = out = io.StringIO()
network.fit(X, y)
sys.stdout = sys.__stdout__
print(out.getvalue())
"""
LINE = {"verbose": 1, "max_iter": 30, "n_iter_no_change": 100}
DIVERGES = {"verbose": 1, "solver": "sgd", "learning_rate_init": 1.0, "alpha": 1e4}
#: What prints plainly on a terminal too.
PLAIN = {
    "every second epoch": "network.set_params(verbose=2).fit(X, y)",
    "partial_fit": "network.partial_fit(X, y, classes=[0, 1, 2])",
    "without rich": "sys.modules['rich.progress'] = None; network.fit(X, y)",
    "captured": CAPTURED,
}
PROGRAMS = {
    "adam": fit(**LINE, early_stopping=True) + "network.fit(X, y)",
    "lbfgs": fit(**LINE, solver="lbfgs") + "network.fit(X, y)",
    "stops": fit(verbose=1, tol=10.0, n_iter_no_change=2) + "network.fit(X, y)",
    **{name: fit(verbose=1, max_iter=3) + rest for name, rest in PLAIN.items()},
    "two lines": fit(verbose=1, max_iter=3) + "with Progress(): network.fit(X, y)",
    "diverges": fit(**DIVERGES, max_iter=500, n_iter_no_change=500)
    + (
        "try: network.fit(X, y)\nexcept ValueError: print('diverged')\n"
        "network.set_params(alpha=0, learning_rate_init=0.001, max_iter=2).fit(X, y)"
    ),
}


def printed_on_a_terminal(code):
    """What a program writes to a terminal 120 columns wide."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert program.wait() == 0, b"".join(pieces).decode()
    # Without the colours.
    return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(pieces).decode())


@pytest.fixture(scope="module")
def ended():
    """What each of the programs writes to a terminal, and its exit status."""
    code = PROGRAMS_IN_TURN.format(programs=list(PROGRAMS.values()), end=END)
    *found, rest = re.split(rf"{END}(-?\d+)\r?\n", printed_on_a_terminal(code))
    assert rest == ""
    return dict(zip(PROGRAMS, zip(found[::2], map(int, found[1::2]), strict=True), strict=True))


@pytest.fixture
def text_of(ended):
    """What a program writes, which must not have failed."""

    def text_of(name):
        text, status = ended[name]
        assert status == 0, text
        return text

    return text_of


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_line_that_follows_the_training_on_a_terminal(solver, text_of):
    text = text_of(solver)
    assert "Iteration" not in text
    last = re.findall(r"epoch \d+/30 .*", text)[-1]
    assert re.search(r"epoch 30/30 +loss \d+\.\d{6} ", last)
    assert ("validation 0." in last) == ("rate 0.001" in last) == (solver == "adam")
    assert re.search(r"\d:\d\d:\d\d left \d:\d\d:\d\d", last)
    # It is written over, not below, itself.
    assert text.count("\n") <= 3


def test_the_reason_to_stop_stands_above_the_line(text_of):
    reason = "Training loss did not improve more than tol=10.000000 for 2 consecutive epochs."
    assert text_of("stops").count(reason) == 1


@pytest.mark.parametrize("name", PLAIN)
def test_plain_lines(name, text_of):
    text = text_of(name)
    assert "Iteration 1, loss = " in text
    assert "epoch" not in text


def test_two_lines_at_a_time(text_of):
    """Where rich has room for one line only, the training prints plainly."""
    assert re.search("Iteration 3, loss = |epoch 3/3 +loss", text_of("two lines"))


def test_an_error_amid_the_training_gives_the_terminal_back(text_of):
    text = text_of("diverges")
    assert "diverged" in text
    assert "epoch 2/2" in text
