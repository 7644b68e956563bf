r"""Activation functions as nodes of a graph.

Runtimes differ in which operators they have in double precision: onnxruntime has no double `Erf`,
`Softplus`, `Elu`, `Selu`, `LeakyRelu`, `Mish` or `Gelu`. Its float32 `Sigmoid` moreover has no
right digits where it is small. So all functions are written with elementary operators, which exist
in both precisions, in forms that neither overflow to NaN nor lose digits: :math:`\exp` of a large
number may be infinite only where it stands in a denominator.

The names, and the definitions, are those of `skneural.activations`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import erfcx

from skneural.activations import (
    ACTIVATIONS,
    LARGE,
    LEAKY_RELU_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    Activation,
)
from skneural.arrays.matrices import FloatArray
from skneural.onnx.graph import Graph

#: A function that adds nodes for f(z), and returns the name of the result.
Nodes = Callable[[Graph, str], str]

#: Maps 0 to -1 and infinity to 1 by (x - CENTRE) / (x + CENTRE), see `_erfcx_polynomial`.
CENTRE = 3.75

#: At this degree the polynomial is exact to 2e-15.
DEGREE = 20


def activation_nodes(graph: Graph, activation: Activation, value: str) -> str:
    """Add the nodes of an activation function.

    Parameters
    ----------
    graph : Graph
    activation : Activation
    value : str
        Name of z.

    Returns
    -------
    name : str
        Of f(z).

    Raises
    ------
    ValueError
        If it is not one of this package: what its functions compute cannot be read from them.
    """
    known = ACTIVATIONS.get(activation.name)
    if known is None or activation.forward is not known.forward:
        raise ValueError(
            f"{activation!r} cannot be converted to ONNX: it is not one of the activation "
            f"functions of skneural, which are {', '.join(map(repr, ACTIVATIONS))}."
        )
    return NODES[activation.name](graph, value)


def sigmoid(graph: Graph, z: str) -> str:
    """Add 1 / (1 + exp(-z)), which keeps its digits where it is tiny."""
    return graph.node("Reciprocal", _plus(graph, graph.node("Exp", graph.node("Neg", z)), 1))


def softplus(graph: Graph, z: str) -> str:
    """Add log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|))."""
    decay = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    return graph.node("Add", _positive(graph, z), graph.node("Log", _plus(graph, decay, 1)))


def _identity(graph: Graph, z: str) -> str:
    return z


def _tanh(graph: Graph, z: str) -> str:
    return graph.node("Tanh", z)


def _positive(graph: Graph, z: str) -> str:
    return graph.node("Relu", z)


def _leaky_relu(graph: Graph, z: str) -> str:
    return graph.node("Max", z, _times(graph, z, LEAKY_RELU_SLOPE))


def _elu(graph: Graph, z: str) -> str:
    return graph.node("Add", _positive(graph, z), _exponential_below_zero(graph, z))


def _selu(graph: Graph, z: str) -> str:
    above = _times(graph, _positive(graph, z), SELU_SCALE)
    below = _times(graph, _exponential_below_zero(graph, z), SELU_SCALE * SELU_ALPHA)
    return graph.node("Add", above, below)


def _exponential_below_zero(graph: Graph, z: str) -> str:
    """Add exp(z) - 1 where z is negative, 0 elsewhere."""
    negative = graph.node("Min", z, graph.constant(0))
    return _plus(graph, graph.node("Exp", negative), -1)


def _silu(graph: Graph, z: str) -> str:
    return graph.node("Mul", z, sigmoid(graph, z))


def _mish(graph: Graph, z: str) -> str:
    # z tanh(softplus(z)) = z w / (w + 2) with w = e (e + 2) and e = exp(z); from LARGE on the
    # factor is 1.
    e = graph.node("Exp", graph.node("Min", z, graph.constant(LARGE)))
    w = graph.node("Mul", e, _plus(graph, e, 2))
    return graph.node("Mul", z, graph.node("Div", w, _plus(graph, w, 2)))


def _gelu(graph: Graph, z: str) -> str:
    # z Phi(z) = max(z, 0) - |z| Phi(-|z|), and with x = |z| / sqrt(2) the tail of the normal
    # distribution is Phi(-|z|) = erfc(x) / 2 = exp(-x^2) erfcx(x) / 2.
    size = graph.node("Abs", z)
    x = _times(graph, size, 1 / sqrt(2))
    u = graph.node("Div", _plus(graph, x, -CENTRE), _plus(graph, x, CENTRE))
    first, *others = _erfcx_polynomial()[::-1]
    polynomial = graph.constant(first)
    for coefficient in others:  # Horner's scheme
        polynomial = graph.node("Mul", polynomial, u)
        polynomial = _plus(graph, polynomial, coefficient)
    decay = graph.node("Exp", graph.node("Neg", graph.node("Mul", x, x)))
    tail = graph.node("Div", polynomial, _plus(graph, _times(graph, x, 4), 2))
    tail = graph.node("Mul", decay, tail)
    return graph.node("Sub", _positive(graph, z), graph.node("Mul", size, tail))


@cache
def _erfcx_polynomial() -> FloatArray:
    r"""Coefficients, lowest first, of :math:`(1 + 2x) e^{x^2} \mathrm{erfc}(x)` from 0 on.

    The function is smooth up to infinity in :math:`u = (x - 3.75) / (x + 3.75)`, so that one
    polynomial in u serves all x: M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of
    (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", Mathematics of Computation 36, 1981.
    """

    def function(u: FloatArray) -> Any:
        x = CENTRE * (1 + u) / (1 - u)
        return (1 + 2 * x) * erfcx(x)

    # None of its points is 1. All coefficients are below 1.3: powers of u lose no digits.
    coefficients: FloatArray = chebyshev.cheb2poly(chebyshev.chebinterpolate(function, DEGREE))
    return coefficients


def _plus(graph: Graph, value: str, number: float | np.floating) -> str:
    return graph.node("Add", value, graph.constant(number))


def _times(graph: Graph, value: str, number: float) -> str:
    return graph.node("Mul", value, graph.constant(number))


#: For every activation function of `skneural.activations`, by name.
NODES: dict[str, Nodes] = {
    "identity": _identity,
    "logistic": sigmoid,
    "tanh": _tanh,
    "relu": _positive,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "softplus": softplus,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
}
