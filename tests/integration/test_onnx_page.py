"""The page "Run a model without Python": its code runs as it stands."""

from extras import need

need("onnx", "onnx", "onnxruntime", "skl2onnx")

import re
from pathlib import Path

import numpy as np
import pytest
from onnx_runs import largest_difference

from skneural.activations import ACTIVATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "onnx.rst").read_text()
BLOCKS = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_code_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    wine, flats, options, table = [re.sub("^   ", "", each, flags=re.MULTILINE) for each in BLOCKS]
    exec(wine, names)
    model, X = names["model"], names["X"]
    assert np.array_equal(names["label"], model.predict(X))
    assert largest_difference(names["probabilities"], model.predict_proba(X)) < 1e-12
    exec(options, names)
    expected = list(model.predict_proba(X).T)
    assert largest_difference(names["probability_of_class"], expected) < 1e-12
    assert largest_difference(names["logits"], model.decision_function(X)) < 1e-12
    exec(flats, names)
    expected = names["rents"].predict(names["flats"])
    assert largest_difference(names["predicted"].ravel(), expected) < 1e-12
    exec(table, names)
    expected = names["let"].predict_proba(names["flats"])
    assert largest_difference(names["let_probabilities"], expected) < 1e-12


def test_the_table_has_every_activation():
    for dtype in ("float32", "float64"):
        heading = next(line for line in PAGE.splitlines() if line.strip().startswith(f"{dtype}  "))
        assert heading.split()[1:] == list(ACTIVATIONS)
