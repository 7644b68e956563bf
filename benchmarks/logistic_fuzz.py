"""Is what our solvers of logistic regression call 'converged' the optimum? On hostile data.

Random problems: columns on scales from 1e-6 to 1e13, single huge cells, sentinels such as -999,
constant columns and copies, weights with zeros, C from 1e-3 to infinity, L1, L2 and elastic net,
two to five classes. The best known objective is the lowest of ours and of a reference of this
script: Newton's method (with an L1 penalty, an interior-point method) with exact line searches, on
columns divided by their standard deviation. Objectives are per unit of weight.

    python benchmarks/logistic_fuzz.py --n 500 --seed 0
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.special import log_softmax, softmax

from skneural import ScratchLogisticRegression

SENTINELS = (-1, -9, -99, -999, 999, 9999, -9999, 1e6, 1e9, -1e9)

#: How far above the best known objective a fit may end that has converged.
ALLOWED_EXCESS = 1e-5


@dataclass
class Problem:
    """One random problem, and what it is made of."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    settings: dict
    kinds: tuple[str, ...]

    @property
    def scale(self):
        return np.abs(self.X).max()

    def strengths(self):
        """L2 and L1, per unit of weight."""
        C, l1_ratio = self.settings["C"], self.settings.get("l1_ratio", 0)
        total = float(C) * self.weight.sum()
        return (0.0, 0.0) if np.isinf(C) else ((1 - l1_ratio) / total, l1_ratio / total)


def random_problem(seed):
    random = np.random.RandomState(seed)
    n_rows, n_features = random.randint(20, 201), random.randint(1, 13)
    n_classes = random.choice([2, 2, 2, 3, 4, 5])
    X = random.standard_normal((n_rows, n_features))
    raw = X @ random.standard_normal((n_features, n_classes)) * random.choice([0.3, 1, 3])
    raw += random.gumbel(size=raw.shape) * random.choice([0.03, 1, 1, 3])
    y = raw.argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    kinds = []
    low, high = random.choice([-6, -3, 0]), random.choice([0, 3, 6, 6, 10, 13])
    X *= 10 ** random.uniform(low, high, n_features)
    if random.rand() < 0.3:
        kinds.append("shifted")
        X += random.standard_normal(n_features) * np.abs(X).max(axis=0) * random.choice([1, 30])
    if random.rand() < 0.3:
        kinds.append("outliers")
        for _ in range(random.randint(1, 4)):
            X[random.randint(n_rows), random.randint(n_features)] *= 10 ** random.uniform(2, 10)
    if random.rand() < 0.3:
        kinds.append("sentinels")
        for column in random.randint(n_features, size=random.randint(1, 3)):
            X[random.rand(n_rows) < random.choice([0.01, 0.1]), column] = random.choice(SENTINELS)
    if random.rand() < 0.2:
        kinds.append("constant")
        X[:, random.randint(n_features)] = random.choice([0, 1, 1e5])
    if random.rand() < 0.2:
        kinds.append("copies")
        X[:, random.randint(n_features)] = X[:, random.randint(n_features)] * random.choice([1, 7])
    weight = np.ones(n_rows)
    if random.rand() < 0.4:
        kinds.append("weighted")
        weight = random.exponential(size=n_rows) * 10 ** random.uniform(-3, 3)
        weight[random.rand(n_rows) < 0.2] = 0
        weight[:n_classes] = weight.max()
    C = random.choice([10 ** random.uniform(-3, 6), 1.0, 1e3, np.inf], p=[0.4, 0.2, 0.2, 0.2])
    settings = {"C": C, "fit_intercept": random.rand() < 0.9}
    penalty = random.choice(["l2", "l2", "l1", "elastic net"])
    if penalty == "l2" or np.isinf(C):
        solvers = ["lbfgs", "lbfgs", "newton-cholesky", "newton-cg", "fista"]
        settings["solver"] = str(random.choice(solvers))
    else:
        settings["solver"] = str(random.choice(["saga", "fista"]))
        settings["l1_ratio"] = 1.0 if penalty == "l1" else random.uniform(0.05, 0.95)
    return Problem(X, y, weight, settings, tuple(kinds))


# --------------------------------------------------------------------------- objective


def value(problem, coef, intercept):
    """Of a model of one row of weights for each class, in extended precision."""
    raw = problem.X.astype(np.longdouble) @ coef.T.astype(np.longdouble) + intercept
    if raw.shape[1] == 1:
        raw = np.hstack([np.zeros_like(raw), raw])
    raw -= raw.max(axis=1, keepdims=True)
    losses = np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(len(raw)), problem.y]
    l2, l1 = problem.strengths()
    penalty = l2 / 2 * np.sum(coef.astype(np.longdouble) ** 2) + l1 * np.abs(coef).sum()
    return float(np.average(losses, weights=problem.weight) + penalty)


# --------------------------------------------------------------------------- reference


class Reference:
    """The same objective in scaled columns, as a function of one vector.

    Two classes have one column of weights, as in both libraries: the penalty is of that one.
    """

    def __init__(self, problem):
        X, keep = problem.X, problem.weight > 0
        self.s = problem.weight[keep] / problem.weight.sum()
        self.has_intercept = problem.settings["fit_intercept"]
        self.centre = np.zeros(X.shape[1])
        if self.has_intercept:
            self.centre = self.s @ X[keep]
        tilde = X[keep] - self.centre
        tilde[:, np.abs(tilde).max(axis=0) < 1e-13 * np.abs(X).max(axis=0)] = 0
        self.scale = np.sqrt(np.mean(tilde**2, axis=0))
        self.scale[self.scale == 0] = 1
        tilde /= self.scale
        self.tilde = np.hstack([tilde, np.ones((len(tilde), int(self.has_intercept)))])
        self.y, self.n_classes = problem.y[keep], problem.y.max() + 1
        self.n_outputs = 1 if self.n_classes == 2 else self.n_classes
        l2, l1 = problem.strengths()
        by_column = np.append(1 / self.scale, np.zeros(int(self.has_intercept)))[:, np.newaxis]
        shape = (self.tilde.shape[1], self.n_outputs)
        self.l2 = np.broadcast_to(l2 * by_column**2, shape).ravel()
        self.l1 = np.broadcast_to(l1 * by_column, shape).ravel()

    def raw(self, v):
        raw = self.tilde @ v.reshape(self.tilde.shape[1], -1)
        return np.hstack([np.zeros_like(raw), raw]) if self.n_outputs == 1 else raw

    def smooth(self, v, raw):
        losses = -log_softmax(raw, axis=1)[np.arange(len(raw)), self.y]
        return self.s @ losses + 0.5 * self.l2 @ v**2

    def gradient(self, v, raw):
        change = softmax(raw, axis=1)
        change[np.arange(len(raw)), self.y] -= 1
        change = change[:, -self.n_outputs :] * self.s[:, np.newaxis]
        return (self.tilde.T @ change).ravel() + self.l2 * v

    def hessian(self, raw):
        p = softmax(raw, axis=1)[:, -self.n_outputs :]
        blocks = np.einsum("ik,kl->ikl", p, np.eye(p.shape[1])) - p[:, :, None] * p[:, None, :]
        if self.n_outputs == 1:  # p (1 - p) without cancellation
            blocks = np.prod(softmax(raw, axis=1), axis=1)[:, None, None]
        t = self.tilde
        matrix = np.einsum("i,ij,ia,ikl->jkal", self.s, t, t, blocks, optimize=True)
        return matrix.reshape(len(self.l2), -1) + np.diag(self.l2)

    def minimum(self):
        v = np.zeros(len(self.l2))
        # With |w| smoothed, ever less: the barrier method of interior points.
        for mu in 10.0 ** -np.arange(2, 12) if self.l1.any() else [0]:
            v = self._newton(v, mu)
        return v

    def _newton(self, v, mu):
        for _ in range(300):
            raw = self.raw(v)
            before = self.smooth(v, raw) + self.barrier(v, mu)[0]
            _, slope, curvature = self.barrier(v, mu)
            slope += self.gradient(v, raw)
            matrix = self.hessian(raw) + np.diag(curvature)
            for ridge in 10.0 ** np.arange(-14, 1, 2):
                step = -solve(matrix, slope, ridge)
                length, reached = self._line_search(v, raw, step, before, mu)
                if length > 0:
                    break
            if length == 0 or before - reached < 1e-13:
                break
            v = v + length * step
        return v

    def _line_search(self, v, raw, step, before, mu):
        """The best of the lengths 2^k."""
        change = self.raw(step)
        values = {}
        for length in 2.0 ** np.arange(-12, 40):
            there = v + length * step
            smooth = self.smooth(there, raw + length * change)
            values[length] = smooth + self.barrier(there, mu)[0]
        best = min(values, key=lambda length: values[length])
        return (best, values[best]) if values[best] < before else (0, before)

    def barrier(self, v, mu):
        """The least of l1 t - mu log(t^2 - w^2) over t, and its derivatives in w."""
        on = self.l1 > 0
        l1, w = self.l1[on], v[on]
        slope, curvature = np.zeros_like(v), np.zeros_like(v)
        root = np.hypot(mu, l1 * w)
        t = (mu + root) / l1
        slope[on] = l1 * w / t
        curvature[on] = l1 / t * mu / root
        return float(np.sum(l1 * t - mu * np.log(t))), slope, curvature

    def sparse(self, v):
        """With zeros where the slope says so."""
        slope = self.gradient(v, self.raw(v))
        return np.where((self.l1 > 0) & (np.abs(slope) < 0.999 * self.l1), 0, v)

    def model(self, v):
        v = v.reshape(self.tilde.shape[1], -1)
        coef = (v[: len(self.scale)] / self.scale[:, np.newaxis]).T
        intercept = np.zeros(len(coef))
        if self.has_intercept:
            intercept = v[-1] - coef @ self.centre
        return coef, intercept


def solve(matrix, vector, ridge):
    """With the diagonal scaled to one, and a little more of it, or more where it is singular."""
    unit = np.sqrt(np.where(matrix.diagonal() > 0, matrix.diagonal(), 1))
    scaled = matrix / unit / unit[:, np.newaxis]
    while True:
        try:
            factor = scipy.linalg.cho_factor(scaled + ridge * np.eye(len(unit)))
            return scipy.linalg.cho_solve(factor, vector / unit) / unit
        except np.linalg.LinAlgError:
            ridge *= 100


# --------------------------------------------------------------------------- one problem


def fit(problem, **changes):
    model = ScratchLogisticRegression(**problem.settings).set_params(**changes)
    return model.fit(problem.X, problem.y, problem.weight)


def judge(problem):
    """What has become of it, and how far above the best known objective it is."""
    try:
        model = fit(problem)
    except Exception as error:  # whatever it is, it is reported
        return f"{type(error).__name__}: {str(error)[:90]}", np.nan, 0
    ours = value(problem, model.coef_, model.intercept_)
    known = [ours, value(problem, np.zeros_like(model.coef_), 0.0)]
    reference = Reference(problem)
    minimum = reference.minimum()
    known += [value(problem, *reference.model(v)) for v in (minimum, reference.sparse(minimum))]
    excess = ours - np.nanmin(known)
    verdict = model.stop_reason_
    if verdict == "converged" and not excess <= ALLOWED_EXCESS:
        verdict = "WRONG"
    return verdict, excess, model.n_iter_[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    by_scale = {}
    start = time.perf_counter()
    for seed in range(arguments.seed, arguments.seed + arguments.n):
        problem = random_problem(seed)
        verdict, excess, n_iter = judge(problem)
        bucket = "up to 1e6" if problem.scale <= 1e6 else "above 1e6"
        by_scale.setdefault(bucket, Counter())[verdict] += 1
        if arguments.verbose and verdict != "converged":
            settings = " ".join(f"{k}={v}" for k, v in problem.settings.items())
            kinds = " ".join(problem.kinds)
            n, m, k = *problem.X.shape, problem.y.max() + 1
            print(
                f"{seed:6d} {verdict:12s} {excess:8.1e} it={n_iter} n={n} m={m} k={k} "
                f"max={problem.scale:.0e} {settings} {kinds}",
                flush=True,
            )
        if (seed + 1 - arguments.seed) % 100 == 0:
            report(arguments.seed, by_scale, time.perf_counter() - start)


def report(first_seed, by_scale, seconds):
    verdicts = sorted(set().union(*by_scale.values()))
    n = sum(sum(row.values()) for row in by_scale.values())
    print(f"\n{n} problems from seed {first_seed}, {seconds:.0f} s")
    print("| largest cell | " + " | ".join(verdicts) + " | converged |")
    print("|---" * (len(verdicts) + 2) + "|")
    for name, row in sorted(by_scale.items()):
        share = row["converged"] / sum(row.values())
        cells = " | ".join(str(row[verdict]) for verdict in verdicts)
        print(f"| {name} | {cells} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
