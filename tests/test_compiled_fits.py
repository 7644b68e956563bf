"""Whole fits with compiled kernels give the same models, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skneural.activations import ACTIVATIONS
from skneural.kernels.compilation import numba_or_none
from skneural.optimizers import OPTIMIZERS, SGD, Adam, RMSprop

pytestmark = [
    pytest.mark.skipif(numba_or_none() is None, reason="optional: numba is not installed"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

FITS = {
    "table, two classes": (TabularMLPClassifier, load_breast_cancer, {}),
    "table, three classes": (TabularMLPClassifier, load_wine, {"preset": "accurate"}),
    "table, numbers": (TabularMLPRegressor, load_diabetes, {}),
    "table, selu": (TabularMLPRegressor, load_diabetes, {"activation": "selu", "dropout": 0.2}),
    "dropout": (ScratchMLPClassifier, load_iris, {"dropout": 0.3}),
    "float32, dropout": (ScratchMLPClassifier, load_iris, {"dropout": 0.3, "dtype": "float32"}),
    "two classes": (ScratchMLPClassifier, load_breast_cancer, {"early_stopping": True}),
    "logistic": (ScratchLogisticRegression, load_wine, {"solver": "adam", "C": 0.1}),
    "L1": (ScratchMLPClassifier, load_iris, {"l1_ratio": 1.0, "alpha": 0.1}),
    "decay": (ScratchMLPClassifier, load_iris, {"solver": Adam(weight_decay=0.1, averaging=0.9)}),
    "clipping": (ScratchMLPClassifier, load_iris, {"solver": SGD(max_grad_norm=0.1)}),
    "momentum": (ScratchMLPRegressor, load_diabetes, {"solver": RMSprop(momentum=0.5)}),
    "lbfgs": (ScratchMLPRegressor, load_diabetes, {"solver": "lbfgs"}),
    **{name: (ScratchMLPClassifier, load_iris, {"solver": name}) for name in OPTIMIZERS},
    **{name: (ScratchMLPClassifier, load_iris, {"activation": name}) for name in ACTIVATIONS},
}


@pytest.mark.parametrize("name", FITS)
def test_compiled_fits_give_the_same_models(name):
    kind, load, params = FITS[name]
    X, y = load(return_X_y=True)
    results = []
    try:
        for compiled in (True, False):
            skneural.set_compiled(compiled)
            model = kind(max_iter=3, random_state=0, **params).fit(X, y)
            predict = getattr(model, "predict_proba", model.predict)
            results.append(predict(X))
    finally:
        skneural.set_compiled(None)
    np.testing.assert_array_equal(*results)
    assert np.ptp(results[0]) > 0
