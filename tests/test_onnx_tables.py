"""What conversion to ONNX promises without its packages: complete tables, a clear error."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import skneural
from skneural import ScratchLogisticRegression
from skneural.activations import ACTIVATIONS
from skneural.losses import LINKS
from skneural.onnx import activations, links, normal_quantiles, register_converters, to_onnx
from skneural.onnx.labels import labels_of_graph
from skneural.onnx.registration import CONVERTERS

ROWS = np.eye(3)


def test_every_activation_and_link_can_be_converted():
    assert list(activations.NODES) == list(ACTIVATIONS)
    assert set(links.NODES) == set(LINKS)


def test_operators_have_names_of_their_own():
    aliases = [converter.alias for converter in CONVERTERS.values()]
    assert len(set(aliases)) == len(aliases)
    assert {kind.__name__ for kind in CONVERTERS} <= set(skneural.__all__)


def test_every_estimator_has_a_converter():
    public = (getattr(skneural, name) for name in skneural.__all__)
    estimators = {
        each for each in public if isinstance(each, type) and issubclass(each, BaseEstimator)
    }
    assert set(CONVERTERS) == estimators


def test_without_skl2onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    model = ScratchLogisticRegression().fit(ROWS, [0, 1, 1])
    for call in (lambda: to_onnx(model, ROWS), register_converters):
        with pytest.raises(ImportError, match=r'needs skl2onnx.* pip install "skneural\[onnx\]"'):
            call()


def test_the_normal_distribution_of_gelu():
    """The polynomial gives erfc with all digits: compared with SciPy's, far out too."""
    from scipy.special import erfc

    x = np.concatenate([np.linspace(0, 8, 1000), np.logspace(-9, 1.4, 200)])
    u = (x - activations.CENTRE) / (x + activations.CENTRE)
    polynomial = np.polynomial.polynomial.polyval(u, activations._erfcx_polynomial())
    assert polynomial * np.exp(-x * x) / (1 + 2 * x) == pytest.approx(erfc(x), rel=3e-13, abs=0)


def test_the_inverse_normal_distribution_of_tables():
    """The polynomials give all digits: compared with SciPy's."""
    from scipy.special import ndtri

    probability = np.concatenate([np.linspace(0.0005, 0.9995, 1000), [0.075, 0.5, 0.925]])
    q = probability - 0.5
    r = np.sqrt(-np.log(np.minimum(probability, 1 - probability))) - 1.6
    central, tail = (
        np.polynomial.polynomial.polyval(x, above) / np.polynomial.polynomial.polyval(x, below)
        for x, (above, below) in (
            (0.180625 - q * q, normal_quantiles.CENTRAL),
            (r, normal_quantiles.TAIL),
        )
    )
    found = np.where(np.abs(q) <= 0.425, q * central, np.sign(q) * tail)
    assert found == pytest.approx(ndtri(probability), rel=2e-15, abs=1e-300)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([False, True], [0, 1]),
        ([-1.0, 2.0], [-1, 2]),
        (np.array([3, 200], dtype=np.uint8), [3, 200]),
        (np.array([-(2**63) + 1, 2**63 - 1]), [-(2**63) + 1, 2**63 - 1]),
        (np.array([1, True, 2.0], dtype=object), [1, 1, 2]),
        (np.array(["a", "é"], dtype=object), ["a", "é"]),
    ],
    ids=["bool", "whole", "small", "large", "objects", "strings"],
)
def test_labels_of_a_graph(classes, expected):
    labels = labels_of_graph(np.asarray(classes))
    assert labels.dtype.kind in "iU"
    assert labels.tolist() == expected


@pytest.mark.parametrize(
    "classes",
    [
        np.array([0.5, 1.5]),
        np.array([0.0, np.inf]),
        np.array([1, 2**63], dtype=np.uint64),
        np.array([1, "a"], dtype=object),
        np.array([b"a", b"b"]),
        np.array(["2024-01-01"], dtype="M8[D]"),
    ],
    ids=["fractions", "infinity", "too large", "mixed", "bytes", "dates"],
)
def test_labels_that_a_graph_cannot_have(classes):
    with pytest.raises(ValueError, match="strings or integers of 64 bits"):
        labels_of_graph(classes)
