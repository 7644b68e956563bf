"""How far the same fits are apart with other threads, kernels and versions.

    python benchmarks/reproducibility.py [python-of-another-environment ...]

For every fit of tests/reproducible_fits.py, a hundred epochs of each: the norm of the difference of
all its numbers, over their norm; "=" for the same bits. Every column is compared with one thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _pairs import environment, markdown_table

ROOT = Path(__file__).parents[1]
FITS = ROOT / "tests" / "reproducible_fits.py"
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
VARIANTS = {
    "one thread, again": (["one-thread"], {}),
    "two threads": ([], {"OPENBLAS_NUM_THREADS": "2"}),
    "AVX2 kernels of BLAS": ([], {**ONE, "OPENBLAS_CORETYPE": "Haswell"}),
    "NumPy without AVX-512": ([], {**ONE, "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL"}),
}


def numbers(words, settings, python=sys.executable):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/numbers.npz"
        subprocess.run(
            [python, FITS, file, "long", *words],
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **settings},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return dict(np.load(file))


def difference(found, reference):
    if np.array_equal(found, reference):
        return "="
    if found.shape != reference.shape:
        return "other number of epochs"
    return f"{np.linalg.norm(found - reference) / np.linalg.norm(reference):.0e}"


def main():
    for name in ONE:
        os.environ.pop(name, None)
    reference = numbers([], ONE)
    columns = {name: numbers(*variant) for name, variant in VARIANTS.items()}
    for python in sys.argv[1:]:
        versions = "import numpy, sklearn; print('NumPy', numpy.__version__)"
        name = subprocess.check_output([python, "-c", versions], text=True).strip()
        columns[name] = numbers([], ONE, python)
    print(environment() + "\n")
    rows = [
        [name, *(difference(column[name], each) for column in columns.values())]
        for name, each in reference.items()
    ]
    print(markdown_table(["fit", *columns], rows))


if __name__ == "__main__":
    main()
