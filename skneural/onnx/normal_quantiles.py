"""Formulas of table columns as nodes: ranks, robust scaling, and normal quantiles.

All of them take and give a matrix of shape (n_rows, n_columns) in double precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skneural.arrays.matrices import FloatArray
from skneural.estimators.table.scaling import LOWEST_PROBABILITY, NormalScaling, RobustScaling
from skneural.onnx.graph import Graph

#: Coefficients of PPND16, from the constant on: the numerator and the denominator for
#: probabilities within 0.425 of one half, and those for the others down to exp(-25).
#: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
#: Statistics 37(3), 1988. Relative errors are about 1e-16.
CENTRAL = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
TAIL = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)


def add_count_below(graph: Graph, x: str, table: FloatArray) -> str:
    """How many numbers of a sorted list are at most x, by bisection.

    Parameters
    ----------
    graph : Graph
    x : str
        Of shape (n_rows, n_columns), without NaN.
    table : ndarray of shape (n_columns, n_numbers)
        The sorted numbers of each column.

    Returns
    -------
    count : str
        In int64, of the shape of `x`.
    """
    n_columns, n_numbers = table.shape
    n_steps = n_numbers.bit_length()
    width = 2**n_steps
    # What fills the table up is above all x.
    x = graph.node("Min", x, graph.constant(np.finfo(np.float64).max))
    padded = np.full((n_columns, width), np.inf)
    padded[:, :n_numbers] = table
    numbers = graph.constant(padded.ravel()) if n_steps > 1 else ""
    starts = np.arange(n_columns)[None] * width
    count = ""
    for step in (2**k for k in reversed(range(n_steps))):
        if count:
            place = graph.node("Add", count, graph.constant(starts + step - 1, "int64"))
            bound = graph.node("Gather", numbers, place)
        else:
            bound = graph.constant(padded[None, :, step - 1])
        # LessOrEqual is not in the oldest opset.
        is_more = graph.node("Not", graph.node("Greater", bound, x))
        more = graph.node("Mul", graph.cast(is_more, "int64"), graph.constant(step, "int64"))
        count = graph.node("Add", count, more) if count else more
    return count


def add_normal_quantiles(graph: Graph, x: str, scaling: NormalScaling) -> str:
    """`NormalScaling.transform`."""
    knots = scaling.knots
    x = _add_jumps(graph, x, scaling.jumps)
    probability = _add_interpolation(graph, x, knots)
    if np.any(knots[:, 1:] == knots[:, :-1]):
        reverse = _add_interpolation(graph, graph.node("Neg", x), -knots[:, ::-1])
        difference = graph.node("Sub", probability, reverse)
        total = graph.node("Add", difference, graph.constant(1.0))
        probability = graph.node("Mul", total, graph.constant(0.5))
    probability = add_clipped(graph, probability, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    return add_inverse_normal_cdf(graph, probability)


def add_robust_scaling(graph: Graph, x: str, scaling: RobustScaling) -> str:
    """`RobustScaling.transform`."""
    centred = graph.node("Sub", x, graph.constant(scaling.center[None]))
    scaled = graph.node("Div", centred, graph.constant(scaling.scale[None]))
    # The square of what is larger would be infinite.
    scaled = add_clipped(graph, scaled, -1e100, 1e100)
    third = graph.node("Div", scaled, graph.constant(3.0))
    square = graph.node("Mul", third, third)
    root = graph.node("Sqrt", graph.node("Add", square, graph.constant(1.0)))
    return graph.node("Div", scaled, root)


def add_clipped(graph: Graph, x: str, low: float, high: float) -> str:
    """Numbers from `low` to `high`: onnxruntime has no double Clip of opset 11."""
    return graph.node("Min", graph.node("Max", x, graph.constant(low)), graph.constant(high))


def add_inverse_normal_cdf(graph: Graph, probability: str) -> str:
    """The standard normal quantile of probabilities from exp(-25) to 1 - exp(-25)."""
    q = graph.node("Sub", probability, graph.constant(0.5))
    square = graph.node("Mul", q, q)
    r = graph.node("Sub", graph.constant(0.180625), square)
    central = graph.node("Mul", q, _add_ratio(graph, CENTRAL, r))
    other = graph.node("Sub", graph.constant(1.0), probability)
    log = graph.node("Log", graph.node("Min", probability, other))
    root = graph.node("Sqrt", graph.node("Neg", log))
    r = graph.node("Sub", root, graph.constant(1.6))
    tail = graph.node("Mul", graph.node("Sign", q), _add_ratio(graph, TAIL, r))
    is_central = graph.node("Less", graph.node("Abs", q), graph.constant(0.425))
    return graph.node("Where", is_central, central, tail)


def _add_interpolation(graph: Graph, x: str, knots: FloatArray) -> str:
    """`numpy.interp` with evenly spaced values from 0 to 1 at the knots of each column."""
    n_columns, n_knots = knots.shape
    values = np.linspace(0, 1, n_knots)
    slopes = np.zeros_like(knots)
    with np.errstate(divide="ignore", over="ignore"):
        slopes[:, :-1] = np.diff(values) / np.diff(knots)
    # Between equal knots there is no x.
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    # By the number of knots up to x: with none, it is zero everywhere.
    left, slopes = (np.concatenate([each[:, :1], each], axis=1) for each in (knots, slopes))
    slopes[:, 0] = 0
    count = add_count_below(graph, x, knots)
    starts = graph.constant(np.arange(n_columns)[None] * (n_knots + 1), "int64")
    place = graph.node("Add", count, starts)
    knot = graph.node("Gather", graph.constant(left.ravel()), place)
    slope = graph.node("Gather", graph.constant(slopes.ravel()), place)
    rise = graph.node("Mul", slope, graph.node("Sub", x, knot))
    value = graph.node("Gather", graph.constant(np.append(0.0, values)), count)
    return graph.node("Add", rise, value)


def _add_jumps(graph: Graph, x: str, jumps: Sequence[FloatArray]) -> str:
    """Numbers that equal a jump of their column in single precision, replaced by it."""
    n = max(map(len, jumps), default=0)
    if n == 0:
        return x
    padded = np.full((len(jumps), n), np.inf)
    for row, own in zip(padded, jumps, strict=True):
        row[: len(own)] = own
    singles = padded.astype(np.float32).astype(np.float64)
    single = graph.cast(graph.cast(x, "float32"), "float64")
    count = add_count_below(graph, single, singles)
    starts = graph.constant(np.arange(len(jumps))[None] * (n + 1), "int64")
    place = graph.node("Add", count, starts)
    # By the number of jumps up to x: with none, the first. What fills up equals nothing.
    closest, closest_single = (
        graph.node("Gather", graph.constant(np.insert(each, 0, each[:, 0], axis=1).ravel()), place)
        for each in (padded, np.where(np.isinf(padded), np.nan, singles))
    )
    return graph.node("Where", graph.node("Equal", closest_single, single), closest, x)


def _add_ratio(graph: Graph, coefficients: Sequence[Sequence[float]], r: str) -> str:
    """The ratio of two polynomials."""
    return graph.node("Div", *(_add_polynomial(graph, each, r) for each in coefficients))


def _add_polynomial(graph: Graph, coefficients: Sequence[float], r: str) -> str:
    """Horner's scheme, the constant being the first coefficient."""
    value = graph.constant(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = graph.node("Add", graph.node("Mul", value, r), graph.constant(coefficient))
    return value
