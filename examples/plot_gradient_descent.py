r"""
Gradient descent, step by step
==============================

Logistic regression as the tutorials train it. The cost F is the mean log loss of n rows plus a
penalty, here of strength C = 1. Its gradient says how F changes with the weights w and the
intercept b, and every step goes a little against it, for all rows at once:

.. math::

    p &= \frac{1}{1 + \exp(-(X w + b))}, \\
    \frac{\partial F}{\partial w} &= \frac{X^T (p - y)}{n} + \frac{w}{C n}, \qquad
    \frac{\partial F}{\partial b} = \operatorname{mean}(p - y),

.. math::

    w \leftarrow w - \eta \, \frac{\partial F}{\partial w}, \qquad
    b \leftarrow b - \eta \, \frac{\partial F}{\partial b}.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)


def cost(model, X, y):
    """Mean log loss plus penalty, for C = 1: what all these models minimise."""
    z = X @ model.coef_[0] + model.intercept_[0]
    return np.mean(np.logaddexp(0, z) - y * z) + np.sum(model.coef_**2) / (2 * len(y))


# %%
# How long may a step be?
# -----------------------
#
# If F curves by no more than L in any direction, then :math:`\eta = 1 / L` is short enough for F to
# fall at every step. The log loss of a row curves by :math:`p (1 - p)` in its :math:`X w + b`, and
# that is 1/4 at most. So L is a quarter of the largest eigenvalue of :math:`X^T X / n`, with a
# column of ones in X for b, plus :math:`1 / (C n)` for the penalty.


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
        tol=0,  # Go on while there is any progress.
        max_iter=n_steps,
    )
    with warnings.catch_warnings():
        # That it has not converged is what this example is about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


# %%
# Thousands of steps, or ten iterations
# -------------------------------------
#
# In its flattest direction this F curves nearly 2000 times less than in its steepest. Steps that
# are safe for the steepest make little progress there: they need thousands to be where
# scikit-learn's ``LogisticRegression`` stops. ``solver="lbfgs"`` estimates how F curves, and goes
# the further the flatter it is. Its iterations do more work each, but it ends at the same optimum
# after far fewer.

descent, lbfgs = descend(X, y, n_steps=10_000), ScratchLogisticRegression().fit(X, y)
theirs = LogisticRegression().fit(X, y)
newton = ScratchLogisticRegression(solver="newton-cholesky", tol=1e-8).fit(X, y)
cost_of_theirs, optimum = cost(theirs, X, y), cost(newton, X, y)

# Costs after 0, 1, 2, ... iterations. The loss of an epoch is the one before its step, that of an
# iteration of lbfgs the one after it; with zero weights it is log 2.
descent_costs = np.array([*descent.loss_curve_, cost(descent, X, y)])
lbfgs_costs = np.array([np.log(2), *lbfgs.loss_curve_])

print("                  iterations  cost above the optimum")
for n_steps in (1, 10, 100, 1000, 10_000):
    print(f"gradient descent {n_steps:11d} {descent_costs[n_steps] - optimum:23.1e}")
print(f"lbfgs {lbfgs.n_iter_[0]:22d} {lbfgs_costs[-1] - optimum:23.1e}")
print(f"scikit-learn {theirs.n_iter_[0]:15d} {cost_of_theirs - optimum:23.1e}")
n_steps = np.argmax(descent_costs <= cost_of_theirs)
print(f"\nGradient descent takes {n_steps} steps to be where scikit-learn stops.")
difference = np.abs(descent.coef_ - lbfgs.coef_).max()
print(f"In the end, its weights are those of lbfgs but for {difference:.1e}.")

# %%
# Left, the cost in the first 40 iterations: gradient descent soon slows down. Right, how far the
# cost is above the optimum, along logarithmic axes.

figure, (start, excess) = plt.subplots(1, 2, figsize=(6.4, 3.1), layout="constrained")
for costs, name, color, line in (
    (descent_costs, "gradient descent", "#D55E00", "--"),
    (lbfgs_costs, "lbfgs", "#0072B2", "-"),
):
    start.plot(costs[:41], line, color=color, label=name)
    excess.loglog(np.arange(1, len(costs)), costs[1:] - optimum, line, color=color)
for panel, height in ((start, cost_of_theirs), (excess, cost_of_theirs - optimum)):
    panel.axhline(height, color="black", linestyle=":", label="scikit-learn")
start.set(xlabel="iteration", title="cost", ylim=(0, None))
start.legend(frameon=False)
excess.set(xlabel="iteration", title="cost above the optimum")
plt.show()
