"""The page on production: how it saves, replaces and restores a model."""

from extras import need

need("skops", "skops")

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchLogisticRegression, ScratchMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAGE = Path(__file__).parents[2] / "docs" / "production.rst"
SAVE = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text())[1]


def test_a_model_is_deployed_and_rolled_back(tmp_path):
    names = {}
    exec(re.sub("^   ", "", SAVE, flags=re.MULTILINE), names)
    deploy, load, roll_back = names["deploy"], names["load"], names["roll_back"]
    X, y = load_iris(return_X_y=True)
    models = [
        make_pipeline(StandardScaler(), ScratchMLPClassifier(max_iter=2)).fit(X, y),
        ScratchLogisticRegression().fit(X, y),
    ]
    path = tmp_path / "model.skops"
    first, second = (deploy(model, path) for model in models)
    assert first != second == sha256(path.read_bytes()).hexdigest()[:12]
    np.testing.assert_array_equal(load(path).predict_proba(X), models[1].predict_proba(X))
    assert roll_back(path) == first
    np.testing.assert_array_equal(load(path).predict_proba(X), models[0].predict_proba(X))
    with pytest.raises(FileNotFoundError):
        roll_back(path)
