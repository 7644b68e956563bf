"""
Gradient descent, step by step
==============================

Logistic regression as the tutorials train it. The cost F is the mean log loss of n rows plus a
penalty, here of strength C = 1. Its gradient says how F changes with the weights w and the
intercept b, and every step goes a little against it, for all rows at once::

    p = 1 / (1 + exp(-(X w + b)))
    dF/dw = X^T (p - y) / n + w / (C n)
    dF/db = mean of (p - y)
    w <- w - eta dF/dw
    b <- b - eta dF/db

How long may a step be? If F curves by no more than L in any direction, then eta = 1 / L is
short enough for F to fall at every step. The log loss of a row curves by p (1 - p) in its
X w + b, and that is 1/4 at most. So L is a quarter of the largest eigenvalue of X^T X / n, with
a column of ones in X for b, plus 1 / (C n) for the penalty.

In its flattest direction, though, this F curves nearly 2000 times less, and there such steps
get nowhere: they need thousands to be where scikit-learn's LogisticRegression stops.
solver='lbfgs' finds out how F curves and goes the further the flatter it is. Its iterations do
more work each, but it ends at the same optimum after far fewer of them.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression

PICTURE = Path(__file__).with_suffix(".png")


def load_tumours():
    """Measurements of 569 tumours, standardised, and whether each is benign."""
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def cost(model, X, y):
    """Mean log loss plus penalty, for C = 1: what all these models minimise."""
    z = X @ model.coef_[0] + model.intercept_[0]
    return np.mean(np.logaddexp(0, z) - y * z) + np.sum(model.coef_**2) / (2 * len(y))


def safe_learning_rate(X):
    """1 / L, where L is no less than the largest curvature of the cost."""
    largest_singular_value = np.linalg.norm(np.column_stack([X, np.ones(len(X))]), ord=2)
    return 1 / (largest_singular_value**2 / (4 * len(X)) + 1 / len(X))


def descend(X, y, n_steps):
    """Make this many steps of plain gradient descent from zero weights."""
    model = ScratchLogisticRegression(
        solver="sgd",
        learning_rate_init=safe_learning_rate(X),
        momentum=0,
        batch_size=len(X),  # One step an epoch, on all rows ...
        shuffle=False,  # ... the order of which does not matter.
        tol=0,  # Any progress is worth going on for.
        max_iter=n_steps,
    )
    with warnings.catch_warnings():
        # That it has not converged is what this example is about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def draw(descent, lbfgs, cost_of_theirs, optimum):
    """Draw the cost in the first iterations, and how much of it there is to lose in all."""
    figure, (start, excess) = plt.subplots(1, 2, figsize=(6.4, 3.1), layout="constrained")
    curves = [
        (descent, "gradient descent", "#D55E00", "--"),
        (lbfgs, "lbfgs", "#0072B2", "-"),
    ]
    for costs, name, color, line in curves:
        start.plot(costs[:41], line, color=color, label=name)
        excess.loglog(np.arange(1, len(costs)), costs[1:] - optimum, line, color=color)
    for panel, height in ((start, cost_of_theirs), (excess, cost_of_theirs - optimum)):
        panel.axhline(height, color="black", linestyle=":", label="scikit-learn")
    start.set(xlabel="iteration", title="cost", ylim=(0, None))
    start.legend(frameon=False)
    excess.set(xlabel="iteration", title="cost above the optimum")
    return figure


def main(picture=PICTURE):
    """Descend, print the way, and draw it beside lbfgs and scikit-learn's model."""
    X, y = load_tumours()
    descent = descend(X, y, n_steps=10_000)
    lbfgs = ScratchLogisticRegression().fit(X, y)
    theirs = LogisticRegression().fit(X, y)
    newton = ScratchLogisticRegression(solver="newton-cholesky", tol=1e-8).fit(X, y)
    cost_of_theirs, optimum = cost(theirs, X, y), cost(newton, X, y)

    # Costs after 0, 1, 2, ... iterations. The loss of an epoch is the one before its step, that of
    # an iteration of lbfgs the one after it; with zero weights it is log 2.
    descent_costs = np.array([*descent.loss_curve_, cost(descent, X, y)])
    lbfgs_costs = np.array([np.log(2), *lbfgs.loss_curve_])

    print(f"cost at zero weights {descent_costs[0]:.6f}, at the optimum {optimum:.6f}\n")
    print("                  iterations  above the optimum")
    for n_steps in (1, 10, 100, 1000, 10_000):
        print(f"gradient descent {n_steps:11d} {descent_costs[n_steps] - optimum:18.1e}")
    print(f"lbfgs {lbfgs.n_iter_[0]:22d} {lbfgs_costs[-1] - optimum:18.1e}")
    print(f"scikit-learn {theirs.n_iter_[0]:15d} {cost_of_theirs - optimum:18.1e}")
    n_steps = np.argmax(descent_costs <= cost_of_theirs)
    print(f"\nGradient descent takes {n_steps} steps to be where scikit-learn stops.")
    difference = np.abs(descent.coef_ - lbfgs.coef_).max()
    print(f"In the end, its weights are those of lbfgs but for {difference:.1e}.")
    draw(descent_costs, lbfgs_costs, cost_of_theirs, optimum).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
