"""Loops that may be compiled, and when they are.

NumPy makes a pass over memory for every operation: an Adam step is ten of them. A loop that does
all of it for one element after another is one pass, if it is compiled. Each function of these
modules is such a loop, and stands for a function elsewhere that says the same in NumPy::

    @compiled_as(kernels.adam_step)
    def adam_step(w, g, m, v, ...):
        ...  # in NumPy: the definition, which runs unless the loop is compiled

With numba installed (``pip install "skneural[fast]"``), a fit that is long enough runs the loops;
see `skneural.kernels.use` for what long enough means. The results are the same to the last bit:

- A kernel holds additions, subtractions, multiplications, divisions, square roots, comparisons,
  rounding to whole numbers and nothing else, in the order of the definition: each is rounded as
  IEEE 754 says, whoever compiles it, and without "fastmath" no two of them become one. exp, tanh,
  log and erf stay NumPy's and SciPy's.
- Numbers beside an array are rounded to its dtype first, as NumPy does it:
  ``number = w.dtype.type``.
- Sums over rows stay with BLAS, whose order of additions nobody else has.

A kernel is a plain function, without numba: the tests run it as it stands, and compiled.
"""

from skneural.kernels.use import (
    compiled_as,
    compiled_kernels,
    compiled_prediction,
    in_use,
    set_compiled,
)

__all__ = ["compiled_as", "compiled_kernels", "compiled_prediction", "in_use", "set_compiled"]
