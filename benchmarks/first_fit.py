"""Seconds of a fit that comes first: after installing, in a process, and of the one that follows.

Each row is a fit in processes of their own, with compiled kernels never, when it pays (auto) and
always. Processes of the three modes take turns, and all figures are medians.

- *installed*: the first fit with an empty cache, importing numba and compiling included
- *process*: the first fit of a process which finds compiled kernels in the cache
- *second*: the next fit of that process

Usage: python benchmarks/first_fit.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from _pairs import environment

MODES = {"never": "0", "auto": "", "always": "1"}
FITS = {
    "iris": "from sklearn.datasets import load_iris; X, y = load_iris(return_X_y=True)\n"
    "params = {}",
    "digits": "from sklearn.datasets import load_digits; X, y = load_digits(return_X_y=True)\n"
    "params = {}",
    "10,000 x 784, (256, 256)": "rng = np.random.RandomState(0)\n"
    "X = rng.standard_normal((10000, 784)); y = rng.randint(10, size=10000)\n"
    "params = {'hidden_layer_sizes': (256, 256), 'max_iter': 10}",
}
CODE = """
import time, warnings
import numpy as np
from skneural import ScratchMLPClassifier
{data}
warnings.simplefilter("ignore")
for _ in range({n}):
    start = time.process_time()
    ScratchMLPClassifier(random_state=0, **params).fit(X, y)
    print(time.process_time() - start)
"""


def fits(name, mode, cache, n):
    """The processor seconds of the first fits of a process."""
    code = CODE.format(data=FITS[name], n=n)
    variables = {**os.environ, "SKNEURAL_COMPILED": MODES[mode], "NUMBA_CACHE_DIR": cache}
    run = [sys.executable, "-c", code]
    out = subprocess.run(run, env=variables, capture_output=True, text=True, check=True).stdout
    return [float(line) for line in out.splitlines()]


def measured(name, rounds):
    """Of each mode and kind of fit: the seconds of all rounds."""
    seconds = {mode: {"installed": [], "process": [], "second": []} for mode in MODES}
    for i in range(rounds):
        for mode in list(MODES)[:: 1 if i % 2 else -1]:
            own = seconds[mode]
            with tempfile.TemporaryDirectory() as cache:
                own["installed"] += fits(name, mode, cache, 1)
                first, second = fits(name, mode, cache, 2)
            own["process"].append(first)
            own["second"].append(second)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fits", nargs="*", default=[*FITS], choices=[*FITS])
    arguments = parser.parse_args()
    print(environment())
    print(
        "\nProcessor seconds; in brackets the median of the ratios to 'never' of the same round.\n"
    )
    print("| fit | mode | installed | process | second |\n|---|---|---|---|---|")
    for name in arguments.fits:
        seconds = measured(name, arguments.rounds)
        for mode, own in seconds.items():
            cells = []
            for kind, values in own.items():
                pairs = zip(values, seconds["never"][kind], strict=True)
                ratio = statistics.median(ours / never for ours, never in pairs)
                cells.append(f"{statistics.median(values):.2f} ({ratio:.2f})")
            print(f"| {name} | {mode} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
