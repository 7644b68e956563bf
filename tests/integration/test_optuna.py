"""Optuna prunes trials, with callbacks and in loops of partial_fit."""

from extras import need

need("integration", "optuna")

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from pages import blocks_by_heading, code_by_heading, is_alike, run_block, run_block_of_page
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
)
from skneural.callbacks import OnEpochEnd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WITH_CALLBACKS, IN_A_LOOP = code_by_heading("integrations.rst")["Optuna: trials that are pruned"]
X, Y = load_digits(return_X_y=True)
X = X[:900] / 16
Y = Y[:900]


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def outcomes(study):
    return [(trial.state.name, trial.params, trial.intermediate_values) for trial in study.trials]


@pytest.mark.parametrize("code", [WITH_CALLBACKS, IN_A_LOOP], ids=["callbacks", "loop"])
def test_a_study_whose_trials_are_pruned(code):
    study = run_block(code, X=X, y=Y)["study"]
    assert len(study.trials) == 15
    pruned = study.get_trials(states=[TrialState.PRUNED])
    complete = study.get_trials(states=[TrialState.COMPLETE])
    assert len(pruned) + len(complete) == 15
    assert min(len(pruned), len(complete)) >= 3
    for trial in study.trials:
        epochs = sorted(trial.intermediate_values)
        assert epochs == list(range(1, len(epochs) + 1))
        assert len(epochs) == 20 or trial.state is TrialState.PRUNED or code is WITH_CALLBACKS
    assert all(len(trial.intermediate_values) < 20 for trial in pruned)
    assert study.best_value > 0.9
    assert study.best_value == max(trial.value for trial in complete)
    again = run_block(code, X=X, y=Y)["study"]
    assert outcomes(again) == outcomes(study)


def test_the_recipe_of_a_study():
    """What is proposed depends on the last digits of the scores: the score alone is compared."""
    (block,) = blocks_by_heading("recipes.rst")["Tuning with Optuna"]
    names = {"__name__": "page"}
    printed = run_block_of_page("recipes.rst", block._replace(output=None), names)
    assert is_alike(printed.splitlines()[0], block.output.splitlines()[0])
    study, network = names["study"], names["model"][-1]
    assert len(study.trials) == 12
    # Built from the best trial: the same settings, and a layer for each width.
    found = study.best_params
    widths = [found[f"units_{i}"] for i in range(found["n_layers"])]
    assert list(network.hidden_layer_sizes) == widths
    assert network.learning_rate_init == found["learning_rate_init"]
    assert names["objective"](study.best_trial) == study.best_value


def pruned_after(n_epochs, values):
    """A function for `OnEpochEnd` that has its trial pruned; it notes what it reports."""
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(lower=np.inf))
    trial = study.ask()

    def report(epoch):
        value = epoch.metrics.get("validation_score", epoch.metrics.get("oof_score"))
        values.append(epoch.model.score(X[:99], Y[:99]) if value is None else value)
        if epoch.number == n_epochs:
            trial.report(values[-1], epoch.number)
            if trial.should_prune():
                raise optuna.TrialPruned("of the objective")

    return report


@pytest.mark.parametrize(
    "estimator",
    [
        ScratchMLPClassifier(early_stopping=True, max_iter=9),
        ScratchMLPClassifier(solver="lbfgs", max_iter=9),
        ScratchMLPRegressor(early_stopping=True, max_iter=9),
        ScratchLogisticRegression(max_iter=9),
        ScratchLogisticRegression(solver="sgd", early_stopping=True, max_iter=9),
        ScratchPerceptron(max_iter=9),
        TabularMLPClassifier(cv=2, max_iter=9, hidden_layer_sizes=8),
    ],
    ids=repr,
)
def test_the_exception_comes_out_of_fit(estimator):
    values = []
    estimator.set_callbacks(OnEpochEnd(pruned_after(3, values)))
    with pytest.raises(optuna.TrialPruned, match="of the objective"):
        estimator.fit(X[:300], Y[:300])
    assert len(values) == 3
    assert all(np.isfinite(values))
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
