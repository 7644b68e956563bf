"""Nodes and constants that converters add."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import numpy as np
import onnxruntime
import pytest
from skl2onnx import to_onnx, update_registered_converter
from sklearn.base import BaseEstimator, TransformerMixin

from skneural.onnx.graph import Graph

WEIGHTS = np.array([[1.0, -2.0], [0.5, 3.0]])


class Product(TransformerMixin, BaseEstimator):
    """X times the weights, where that is positive."""

    def fit(self, X, y=None):
        return self


def shape(operator):
    kind = type(operator.inputs[0].type)
    operator.outputs[0].type = kind([None, 2])


def convert(scope, operator, container):
    graph = Graph(scope, container, "float64")
    product = graph.node("MatMul", operator.inputs[0].full_name, graph.constant(WEIGHTS))
    graph.node("Relu", product, out=operator.outputs[0].full_name)


def test_a_converter_written_with_a_graph_is_run():
    update_registered_converter(Product, "TestProduct", shape, convert)
    X = np.random.RandomState(0).standard_normal((5, 2))
    onnx_model = to_onnx(Product().fit(X), X)
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString())
    [result] = session.run(None, {"X": X})
    assert result == pytest.approx(np.maximum(X @ WEIGHTS, 0), abs=1e-15)
