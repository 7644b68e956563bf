"""Models in ONNX, run by onnxruntime."""

from functools import lru_cache

import numpy as np

from skneural.onnx import to_onnx

#: How far the outputs may be from ours, absolutely or relatively.
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def session_of(onnx_model):
    """What runs a model."""
    return session_of_content(onnx_model.SerializeToString())


@lru_cache(maxsize=1)  # some tests run a graph several times, and to set it up takes longest
def session_of_content(content):
    """The same, of a model in bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # others would mostly wait, and busily
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(onnx_model, X):
    """The outputs for a matrix, or for a data frame: one input for each column."""
    session = session_of(onnx_model)
    if not hasattr(X, "columns"):
        return session.run(None, {"X": X})
    inputs = [each.name for each in session.get_inputs()]
    columns = [X[[name]].to_numpy() for name in X.columns]
    return session.run(None, dict(zip(inputs, columns, strict=True)))


def converted(model, X, **settings):
    """The outputs of a model in ONNX, converted for rows like the first."""
    return run(to_onnx(model, X[:1], **settings), X)


def largest_difference(found, expected):
    """The largest difference, absolute or relative, whichever is smaller for an element."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    if not found.size:
        return 0.0
    distance = np.abs(found.astype(np.float64) - expected)
    return float(np.max(distance / np.maximum(1, np.abs(expected.astype(np.float64)))))


def logits_of(estimator, X):
    """Scores of every class, also where there are two."""
    scores = estimator.decision_function(X)
    return np.column_stack([-scores, scores]) if np.ndim(scores) == 1 else scores
