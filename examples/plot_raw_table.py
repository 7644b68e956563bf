"""
A raw table: an ensemble of networks beside boosted trees
=========================================================

A table of customers with numbers on several scales, categories as text, and missing values. Both
models take it as it is:

- `TabularMLPClassifier` trains eight networks side by side, each on seven eighths of the rows. The
  rows that each has left out say which epoch is the best, and how far to trust the probabilities.
- scikit-learn's `HistGradientBoostingClassifier` adds up trees. It wants the category dtype.

Both are as by default. The customers are drawn: whether one leaves depends smoothly on age, price
and city, by a probability that is known here. So the log loss is known that no model can beat. On
rules with sharp steps, and on many thousands of rows, trees would do better than here.

Left: the out-of-fold log loss after every epoch. The learning rate rises and falls in cycles, each
about twice as long as the one before; a training whose third cycle is worse than the second ends
there. Two epochs are kept and averaged, that of the lowest log loss and that of the lowest error;
both are marked. Right: the share of customers who have left, for each predicted probability. On the
diagonal both are equal.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skneural import TabularMLPClassifier

PICTURE = Path(__file__).with_suffix(".png")
N_TRAIN, N_TEST = 800, 5000


def draw_customers(seed=0):
    """A frame of customers, whether each has left, and how probable it was."""
    rng = np.random.RandomState(seed)
    n = N_TRAIN + N_TEST
    age, price = rng.uniform(18, 80, n), rng.lognormal(3, 1, n)
    city, contract = rng.randint(30, size=n), rng.randint(3, size=n)
    has_paid_late = rng.uniform(size=n) < 0.2
    logit = (
        2 * np.cos(age / 10)
        + 0.7 * (np.log(price) - 3) * (contract - 1)
        + rng.standard_normal(30)[city]
        + has_paid_late
    )
    probability = 1 / (1 + np.exp(-1.5 * logit))
    X = pd.DataFrame(
        {
            "age": np.where(rng.uniform(size=n) < 0.1, np.nan, age),
            "price": price,
            "city": pd.Categorical([f"city {i}" for i in city]),
            "contract": pd.Categorical(np.array(["month", "year", None], dtype=object)[contract]),
            "has paid late": has_paid_late,
        }
    )
    return X, rng.uniform(size=n) < probability, probability


def train(X, y):
    """Fit both models as they are by default."""
    models = (
        TabularMLPClassifier(random_state=0),
        HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0),
    )
    return [model.fit(X, y) for model in models]


def draw(models, X, y):
    """Draw the out-of-fold log loss of every epoch, and both reliability curves."""
    figure, (losses, reliability) = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained")

    history = models[0].history_.to_frame()
    losses.plot(history["epoch"], history["oof_loss"], color="#0072B2")
    kept = models[0].best_iteration_
    losses.plot(kept, history["oof_loss"][kept - 1], "o", color="#0072B2")
    losses.set(xlabel="epoch", title="out-of-fold log loss")

    reliability.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1)
    for model, name, color in zip(
        models, ("networks", "trees"), ("#0072B2", "#D55E00"), strict=True
    ):
        probability = model.predict_proba(X)[:, 1]
        observed, predicted = calibration_curve(y, probability, n_bins=10)
        reliability.plot(predicted, observed, "o-", markersize=4, color=color, label=name)
    reliability.set(xlabel="predicted", title="observed share", aspect="equal")
    reliability.legend(frameon=False)
    return figure


def main(picture=PICTURE):
    """Train both models, print how good they are, and draw why."""
    X, y, probability = draw_customers()
    train_rows, test_rows = np.arange(len(y)) < N_TRAIN, np.arange(len(y)) >= N_TRAIN
    models = train(X[train_rows], y[train_rows])
    X_test, y_test = X[test_rows], y[test_rows]
    print(f"{N_TRAIN} customers to train on, {N_TEST} to test on, {y.mean():.0%} have left")
    print(f"{models[0].oof_score_:.1%} right out of fold (single networks)\n")
    for model in models:
        loss = log_loss(y_test, model.predict_proba(X_test))
        accuracy = model.score(X_test, y_test)
        print(f"{type(model).__name__}: {accuracy:.1%} right, log loss {loss:.3f}")
    best = np.mean((probability[test_rows] > 0.5) == y_test)
    print(f"The probabilities themselves: {best:.1%} right, ", end="")
    print(f"log loss {log_loss(y_test, probability[test_rows]):.3f}")
    draw(models, X_test, y_test).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
