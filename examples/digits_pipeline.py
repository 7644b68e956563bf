"""
Digits in a pipeline, beside scikit-learn's MLPClassifier
=========================================================

The usual way to a model, on scikit-learn's images of handwritten digits: hold out test images,
scale the pixels and classify them in one pipeline, and choose parameters by cross-validated
grid search. `ScratchMLPClassifier` stands where `MLPClassifier` could stand; that both come to
the same model is then shown by fitting each with the parameters found.

To compare their times they are fitted in turns, so that whatever else the machine is doing
meets both alike: what counts is the median of the ratios. Both have one thread for their matrix
products: on a busy machine several threads mostly wait for each other, and the ratio would say more
about the machine than about the classifiers.
"""

from time import perf_counter

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skneural import ScratchMLPClassifier

GRID = {"network__hidden_layer_sizes": [(32,), (64,)], "network__alpha": [0.0001, 0.1]}


def pipeline(network):
    """Scale the pixels, then classify; with epochs enough for the training to converge."""
    network.set_params(learning_rate_init=0.01, max_iter=500, random_state=0)
    return Pipeline([("scale", StandardScaler()), ("network", network)])


def fit_in_turns(models, X, y, n_turns=7):
    """Fit all models, again and again; return the seconds of shape (n_turns, n_models)."""
    seconds = np.empty((n_turns, len(models)))
    for turn in range(n_turns):
        for place, model in enumerate(models):
            start = perf_counter()
            model.fit(X, y)
            seconds[turn, place] = perf_counter() - start
    return seconds


def print_table(models, seconds, X_test, y_test):
    """Print what the two fitted models have in common, and what not."""
    theirs, ours = (model["network"] for model in models)
    accuracies = [model.score(X_test, y_test) for model in models]
    print(f"{'':18}{'MLPClassifier':>15}{'ScratchMLPClassifier':>23}")
    print(f"{'test accuracy':18}{accuracies[0]:15.4f}{accuracies[1]:23.4f}")
    print(f"{'epochs':18}{theirs.n_iter_:15d}{ours.n_iter_:23d}")
    print(f"{'final loss':18}{theirs.loss_:15.6f}{ours.loss_:23.6f}")
    print("{:18}{:15.3f}{:23.3f}".format("seconds to fit", *np.median(seconds, axis=0)))

    ratio = np.median(seconds[:, 0] / seconds[:, 1])
    probabilities = [model.predict_proba(X_test) for model in models]
    difference = np.abs(probabilities[0] - probabilities[1]).max()
    print(f"\nMLPClassifier takes {ratio:.1f} times as long, both on one thread.")
    print(f"The largest difference of their predicted probabilities is {difference:.0e}.")


def main():
    """Search for parameters, and compare the two classifiers with those found."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

    with threadpool_limits(1):
        search = GridSearchCV(pipeline(ScratchMLPClassifier()), GRID, cv=3).fit(X_train, y_train)
    print(f"Grid search: {search.best_params_}, {search.best_score_:.1%} right in 3 folds\n")

    models = [
        pipeline(network).set_params(**search.best_params_)
        for network in (MLPClassifier(), ScratchMLPClassifier())
    ]
    with threadpool_limits(1):
        seconds = fit_in_turns(models, X_train, y_train)
    print_table(models, seconds, X_test, y_test)
    return models


if __name__ == "__main__":
    main()
