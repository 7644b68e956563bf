"""What a training prints: scikit-learn's lines, all of them or every k-th."""

from __future__ import annotations

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
