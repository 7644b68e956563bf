"""A study of Optuna that several processes share, for beyond_one_machine.py."""

import sys
import warnings

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from sklearn.datasets import load_digits

from skneural import ScratchMLPClassifier
from skneural.callbacks import OnEpochEnd

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
X, y = load_digits(return_X_y=True)
X = X / 16


def storage_at(place):
    if place.startswith("sqlite"):
        return place
    return optuna.storages.JournalStorage(JournalFileBackend(place))


def network_of(trial):
    return ScratchMLPClassifier(
        hidden_layer_sizes=(trial.suggest_int("units", 4, 64, log=True),),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-4, 1e-1, log=True),
        early_stopping=True,
        max_iter=15,
        random_state=0,
    )


def objective(trial):
    def report(epoch):
        trial.report(epoch.metrics["validation_score"], epoch.number)
        if trial.should_prune():
            raise optuna.TrialPruned

    network = network_of(trial).set_callbacks(OnEpochEnd(report))
    return network.fit(X, y).best_validation_score_


def run(place, seed, n_trials):
    study = optuna.load_study(
        study_name="digits",
        storage=storage_at(place),
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    )
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    study.optimize(objective, callbacks=[MaxTrialsCallback(n_trials, states=ended)])


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
