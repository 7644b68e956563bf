"""Do our solvers of logistic regression arrive at the optimum? Objectives side by side.

For every data set and C, the best objective that scikit-learn's solvers reach at tol=1e-10 is
compared with that of 'lbfgs' and 'newton-cholesky' at tol=1e-10 (relative excess, and largest
difference of a coefficient relative to the largest), and the objectives of both default fits
with each other. A last table does the same for L1 and elastic net, with saga as the reference.

    SKNEURAL_DATA=folder python benchmarks/logistic_optimum.py
"""

from __future__ import annotations

import argparse
import warnings

import _data
import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from skneural import ScratchLogisticRegression

#: Name, scaled, and rows at most.
DATA = [
    ("iris", False, None),
    ("wine", False, None),
    ("breast_cancer", False, None),
    ("digits", True, None),
    ("pima_diabetes", True, None),
    ("spambase", True, None),
    ("churn", True, None),
    ("mammography", True, None),
    ("adult", True, 5000),
    ("vehicle", True, None),
    ("segment", True, None),
    ("satimage", True, 3000),
    ("page_blocks", True, None),
    ("letter", True, 4000),
    ("sms_spam", True, None),
    ("newsgroups20", True, 1500),
]
STRENGTHS = (1e-2, 1.0, 1e2)


def objective(model, X, y, weight=None, C=1.0, l1_ratio=0.0):
    """Mean loss and penalty, from coefficients: the same words for both sides."""
    raw = X @ model.coef_.T + model.intercept_
    index = np.searchsorted(model.classes_, y)
    if raw.shape[1] == 1:
        losses = np.logaddexp(0, np.where(index == 1, -1, 1) * raw[:, 0])
    else:
        losses = -log_softmax(raw, axis=1)[np.arange(len(y)), index]
    weight = np.ones(len(y)) if weight is None else weight
    penalty = (1 - l1_ratio) / 2 * np.sum(model.coef_**2) + l1_ratio * np.abs(model.coef_).sum()
    return float(np.average(losses, weights=weight) + penalty / (C * weight.sum()))


def difference(ours, theirs):
    return np.max(np.abs(ours.coef_ - theirs.coef_)) / max(np.max(np.abs(theirs.coef_)), 1e-300)


def l2_rows(name, X, y, weight):
    for C in STRENGTHS:
        settings = {"C": C, "tol": 1e-10, "max_iter": 3000}
        solvers = ["lbfgs", "newton-cg"]
        n_params = X.shape[1] * len(np.unique(y))
        if n_params < 2000:
            solvers.append("newton-cholesky")
        theirs = [
            LogisticRegression(solver=solver, **settings).fit(X, y, weight) for solver in solvers
        ]
        values = [objective(model, X, y, weight, C) for model in theirs]
        best = theirs[int(np.argmin(values))]
        cells = []
        for solver in ("lbfgs", "newton-cholesky"):
            if solver == "newton-cholesky" and n_params >= 2000:
                cells.append("-")
                continue
            ours = ScratchLogisticRegression(solver=solver, **settings).fit(X, y, weight)
            excess = objective(ours, X, y, weight, C) / min(values) - 1
            cells.append(f"{excess:.0e} / {difference(ours, best):.0e} ({ours.n_iter_[0]})")
        defaults = [
            objective(estimator(C=C).fit(X, y, weight), X, y, weight, C)
            for estimator in (ScratchLogisticRegression, LogisticRegression)
        ]
        ours_default, theirs_default = (value / min(values) - 1 for value in defaults)
        cells += [f"{ours_default:.0e}", f"{theirs_default:.0e}"]
        print(f"| {name} | {C:g} | " + " | ".join(cells) + " |", flush=True)


def l1_rows(name, X, y, weight):
    for C in (0.1, 1.0):
        for l1_ratio in (1.0, 0.5):
            settings = {"C": C, "l1_ratio": l1_ratio, "tol": 1e-10}
            saga = LogisticRegression(solver="saga", max_iter=20_000, random_state=0, **settings)
            theirs = saga.fit(X, y, weight)
            ours = ScratchLogisticRegression(solver="fista", max_iter=2000, **settings)
            ours.fit(X, y, weight)
            excess = objective(ours, X, y, weight, C, l1_ratio) / objective(
                theirs, X, y, weight, C, l1_ratio
            )
            n_other = np.count_nonzero((ours.coef_ != 0) != (theirs.coef_ != 0))
            print(
                f"| {name} | {C:g} | {l1_ratio:g} | {excess - 1:.0e} | "
                f"{difference(ours, theirs):.0e} | {np.count_nonzero(ours.coef_)} of "
                f"{ours.coef_.size} | {n_other} | {ours.n_iter_[0]} | {theirs.n_iter_[0]} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--only", choices=("l1", "l2"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = [
        row
        for row in DATA
        if _data.is_available(row[0]) and (not arguments.names or row[0] in arguments.names)
    ]
    random = np.random.RandomState(0)
    if arguments.only != "l1":
        print("Relative excess of the objective / of the coefficients (iterations)\n")
        print("| data | C | lbfgs | newton-cholesky | our default | scikit-learn's default |")
        print("|---|---|---|---|---|---|")
        for name, scaled, most_rows in wanted:
            X, y = _data.load(name, scaled, most_rows)
            l2_rows(name, X, y, None)
            l2_rows(f"{name}, weighted", X, y, random.randint(0, 4, len(y)).astype(float))
    if arguments.only != "l2":
        print("\n| data | C | l1_ratio | excess | coefficients | nonzero | support differs in | ")
        print("our iterations | saga's epochs |\n|---|---|---|---|---|---|---|---|---|")
        for name, _, most_rows in wanted:
            X, y = _data.load(name, True, most_rows)
            if X.shape[1] < 2000:
                l1_rows(name, X, y, None)


if __name__ == "__main__":
    main()
