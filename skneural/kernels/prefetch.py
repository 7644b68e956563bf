"""Memory asked for before it is needed: of rows in random order, which the processor cannot guess.

Of rows one after another it fetches the next by itself. Of any other it learns the place only when
a loop gets there, and the loop then waits, for as long as a row of thirty multiplications takes. A
loop that knows where it will be next can say so.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

#: Bytes that a processor fetches together.
CACHE_LINE = 64
#: Of what comes behind so many lines in a row, the processor guesses that it will be needed.
MOST_LINES = 8


def prefetch(array: npt.NDArray[Any], place: Any, n_lines: Any) -> None:
    """Have the processor fetch elements while it goes on with something else.

    A hint, which changes no number, and does no harm beyond the end of the array. In Python there
    is nothing to do.

    Parameters
    ----------
    array : ndarray of shape (n,)
        In C order.
    place : int
        The first element.
    n_lines : int
        How many lines of the cache from there on. Best the same all the time: the end of a loop
        that cannot be foreseen costs as much as it brings.
    """


@cache
def register_prefetch() -> None:
    """Have numba compile `prefetch` to an instruction of the processor.

    Raises
    ------
    Exception
        Of any kind, if this numba goes about it in another way. Kernels with a `prefetch` in them
        cannot be compiled then.
    """
    extending, ir = import_module("numba.extending"), import_module("llvmlite.ir")
    cgutils, types = import_module("numba.core.cgutils"), import_module("numba.core.types")

    def hint_of(typing_context: Any, array: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            elements = context.make_array(array)(context, builder, arguments[0]).data
            number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            name = "llvm.prefetch.p0i8"
            instruction = cgutils.get_or_insert_function(builder.module, kind, name)
            address = builder.bitcast(builder.gep(elements, [arguments[1]]), byte)
            # LLVM's numbers for: to read, to be kept in all caches, data.
            builder.call(instruction, [address, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(array, types.intp), generate

    hint = extending.intrinsic(hint_of)

    def compiled(array: Any, place: Any, n_lines: Any) -> Any:
        def hints(array: Any, place: Any, n_lines: Any) -> None:
            for line in range(n_lines):
                hint(array, np.intp(place) + line * (CACHE_LINE // array.itemsize))

        return hints

    # Within the kernel: a call would take as long as what it saves. Numba keeps a compiled kernel
    # as long as the file of the kernel is the same, whatever has changed here.
    extending.overload(prefetch, inline="always")(compiled)
