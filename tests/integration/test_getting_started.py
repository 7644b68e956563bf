"""The page "Getting started": its code runs from a data set to files and an ONNX graph."""

from extras import need

need("skops", "skops")
need("onnx", "onnx", "onnxruntime", "skl2onnx")

import numpy as np
import onnxruntime
from pages import code_of, run_page


def test_getting_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_page("getting_started.rst")
    assert names["model"].score(names["X_test"], names["y_test"]) > 0.95
    assert names["search"].score(names["X_test"], names["y_test"]) > 0.95
    assert names["wines"].oof_score_ > 0.9
    assert names["by_hand"].best_score_ > 0.9
    # What the two files hold is the model that was found.
    rows = names["X_test"]
    expected = names["search"].predict(rows)
    np.testing.assert_array_equal(names["loaded"].predict(rows), expected)
    session = onnxruntime.InferenceSession(str(tmp_path / "digits.onnx"))
    (entry,) = session.get_inputs()
    labels, *_ = session.run(None, {entry.name: rows})
    np.testing.assert_array_equal(labels, expected)


def test_every_block_is_at_most_a_screen():
    assert all(len(block.splitlines()) <= 20 for block in code_of("getting_started.rst"))
