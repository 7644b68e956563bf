"""What the features that are off by default do on real data: recall, coverage, variance.

    SKNEURAL_DATA=folder python benchmarks/effects.py

Numbers are of rows that were not trained on.
"""

from __future__ import annotations

import warnings

import _data
import numpy as np
from _pairs import environment, markdown_table
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.losses import Focal, Quantile
from skneural.optimizers import SGD, Adam

SEEDS = range(5)
LEVELS = [0.05, 0.1, 0.5, 0.9, 0.95]
REGRESSION = ["abalone", "airfoil", "ames_housing", "beijing_pm25"]


def unequal_classes() -> str:
    """Recall of the rare class of mammography, by what is done about its rarity."""
    X, y = _data.load("mammography")
    y = (y == np.unique(y)[np.argmin(np.unique(y, return_counts=True)[1])]).astype(int)
    ways = {
        "nothing": {},
        "class_weight={1: 5}": {"class_weight": {1: 5.0}},
        "class_weight='balanced'": {"class_weight": "balanced"},
        "loss=Focal(gamma=2)": {"loss": Focal(gamma=2.0)},
    }
    rows = []
    for name, params in ways.items():
        found = []
        for seed in SEEDS:
            parts = train_test_split(X, y, random_state=seed, stratify=y)
            X_train, X_test, y_train, y_test = parts
            model = ScratchMLPClassifier(max_iter=50, random_state=seed, **params)
            predicted = model.fit(X_train, y_train).predict(X_test)
            found.append(
                [
                    recall_score(y_test, predicted),
                    precision_score(y_test, predicted),
                    roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]),
                ]
            )
        rows.append([name, *(f"{value:.3f}" for value in np.mean(found, axis=0))])
    return markdown_table(["mammography", "recall", "precision", "ROC AUC"], rows)


def coverage() -> str:
    """Share of rows at or below each predicted quantile, in five-fold cross-validation."""
    rows = []
    for name in REGRESSION:
        X, y = _data.load(name)
        y = StandardScaler().fit_transform(y.astype(float)[:, np.newaxis]).ravel()
        regressor = ScratchMLPRegressor(
            loss=Quantile(LEVELS),
            solver=Adam(averaging=0.99),
            learning_rate_init=0.01,
            alpha=5.0,
            early_stopping=True,
            early_stopping_metric="loss",
            validation_fraction=0.2,
            random_state=0,
        )
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(regressor, X, y, cv=folds)
        assert np.all(np.diff(predicted, axis=1) >= 0)
        shares = (y[:, np.newaxis] <= predicted).mean(axis=0)
        worst = np.abs(shares - LEVELS).max()
        rows.append([name, *(f"{100 * share:.1f}" for share in shares), f"{100 * worst:.1f}"])
    header = ["% of rows below the quantile", *(f"{100 * level:g} %" for level in LEVELS)]
    return markdown_table([*header, "worst"], rows)


def variance() -> str:
    """Variance of the logits over seeds, and accuracy, with and without averages."""
    rows = []
    for name in ("breast_cancer", "digits", "spambase", "satimage"):
        X, y = _data.load(name)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
        base = None
        for averaging in (None, 0.99, 1.0):
            models = [
                ScratchMLPClassifier(
                    hidden_layer_sizes=(),
                    solver=SGD(0.0, averaging=averaging),
                    learning_rate_init=0.5,
                    batch_size=10,
                    max_iter=20,
                    alpha=1.0,
                    random_state=seed,
                ).fit(X_train, y_train)
                for seed in SEEDS
            ]
            spread = np.var([m.decision_function(X_test) for m in models], axis=0).mean()
            base = spread if base is None else base
            accuracy = np.mean([model.score(X_test, y_test) for model in models])
            rows.append([name, str(averaging), f"{spread / base:.3f}", f"{accuracy:.4f}"])
    return markdown_table(["data", "averaging", "variance over seeds", "accuracy"], rows)


def main() -> None:
    """Print all tables."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(environment(), f"{len(SEEDS)} seeds", sep="; ")
    for table in (unequal_classes, coverage, variance):
        print(f"\n{table.__doc__}\n\n{table()}")


if __name__ == "__main__":
    main()
