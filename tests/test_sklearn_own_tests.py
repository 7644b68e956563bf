"""scikit-learn's own tests of its multilayer perceptrons, run on ours.

The installed test module is loaded with our classes under the names of scikit-learn's. Left
out are only tests that reach into private state, each with its reason.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import sklearn.neural_network

from skneural import ScratchMLPClassifier, ScratchMLPRegressor

LEFT_OUT = {
    "test_fit": "builds a half-fitted estimator from private attributes; see test_worked_example",
    "test_gradient": "calls _loss_grad_lbfgs; see test_objective",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate; see test_schedules",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate; see test_training",
    "test_n_iter_no_change": "reads _no_improvement_count; see test_training",
    "test_n_iter_no_change_inf": "reads _no_improvement_count; see test_training",
}


def load_with_our_classes():
    """scikit-learn's test module, executed with our classes in place of its own."""
    path = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    stand_in = types.ModuleType("sklearn.neural_network")
    stand_in.MLPClassifier = ScratchMLPClassifier
    stand_in.MLPRegressor = ScratchMLPRegressor
    module = types.ModuleType("sklearn_tests_of_the_multilayer_perceptron")
    original = sys.modules["sklearn.neural_network"]
    sys.modules["sklearn.neural_network"] = stand_in
    try:
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), vars(module))
    finally:
        sys.modules["sklearn.neural_network"] = original
    assert module.MLPClassifier is ScratchMLPClassifier
    return module


THEIRS = {
    name: test for name, test in vars(load_with_our_classes()).items() if name.startswith("test_")
}
globals().update({name: test for name, test in THEIRS.items() if name not in LEFT_OUT})

# Their tests meet warnings that ours would turn into errors.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(params=[0, 42])
def global_random_seed(request):
    """The seed that some of scikit-learn's tests ask its own test suite for."""
    return request.param


def test_nothing_is_left_out_but_what_is_listed():
    assert set(LEFT_OUT) <= set(THEIRS)
    assert len(THEIRS) >= 30
    assert len(LEFT_OUT) == 6
