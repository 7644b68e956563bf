"""The pages on extensions and on training: their code runs as it stands."""

from __future__ import annotations

import importlib
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ScratchMLPClassifier, ScratchMLPRegressor
from skneural.losses import LossBuffers
from skneural.schedules import LinearWarmUp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page):
    """The pieces of code on a page."""
    text = (DOCS / page).read_text()
    blocks = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", text)
    return [re.sub("^   ", "", block, flags=re.MULTILINE).strip() for block in blocks]


BLOCKS = code_of("extending.rst")
X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
NUMBERS = X @ np.linspace(-1, 1, 13)
SMALL = {"hidden_layer_sizes": 8, "max_iter": 30, "random_state": 0, "learning_rate_init": 0.01}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The code of the page as a module that can be imported, as for a pickle."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "page_of_extensions.py").write_text("\n\n".join(BLOCKS))
    sys.path.insert(0, str(folder))
    yield importlib.import_module("page_of_extensions")
    sys.path.remove(str(folder))
    del sys.modules["page_of_extensions"]


def test_page_on_training():
    names = {
        "GridSearchCV": GridSearchCV,
        "Pipeline": Pipeline,
        "StandardScaler": StandardScaler,
        "sklearn": sklearn,
        **dict(zip(("X", "y"), (X[::2], Y[::2]), strict=True)),
        **dict(zip(("X_later", "y_later"), (X[1::2], Y[1::2]), strict=True)),
    }
    with sklearn.config_context():
        for block in code_of("training.rst"):
            exec(block, names)
    assert names["classifier"].score(X, Y) > 0.9
    xor = names["xor"].predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(xor, [0, 1, 1, 0])


def test_four_pieces_of_less_than_twenty_lines():
    assert len(BLOCKS) == 4
    assert all(len(block.splitlines()) < 20 for block in BLOCKS)


def assert_works(model, y):
    """In a search over copies, in a pickle, and going on."""
    model.fit(X, y)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    copied.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    twice = [clone(model).fit(X, y).predict(X) for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert repr(model).startswith("ScratchMLP")


def test_activation(page):
    z = np.linspace(-3, 3, 21)[:, np.newaxis]
    a, kept, mask, step = z.copy(), np.empty_like(z), np.empty(z.shape, dtype=bool), 1e-6
    page.SNAKE.forward(a, mask, kept)
    np.testing.assert_allclose(a, z + np.sin(z) ** 2)
    delta = np.ones_like(z)
    page.SNAKE.backward(delta, a, mask, kept)
    difference = [x + np.sin(x) ** 2 for x in (z + step, z - step)]
    np.testing.assert_allclose(delta, (difference[0] - difference[1]) / (2 * step), rtol=1e-6)
    assert_works(ScratchMLPClassifier(**SMALL, activation=page.SNAKE), Y)
    both = ScratchMLPClassifier(**{**SMALL, "hidden_layer_sizes": (8, 5)}, dropout=0.1)
    assert_works(both.set_params(activation=[page.SNAKE, "gelu"]), Y)


def test_loss(page):
    loss, rng, step = page.LogCosh(sharpness=2.0), np.random.RandomState(0), 1e-6
    raw, y, weight = rng.randn(6, 2), rng.randn(6, 2), rng.rand(6, 2)
    buffers = LossBuffers(np.empty((6, 2)), np.empty((6, 1)), np.empty((6, 2)))
    value = loss.value_and_gradient(raw.copy(), y, weight, buffers)
    assert value == pytest.approx(np.sum(weight * np.log(np.cosh(2 * (raw - y))) / 2))
    gradient = buffers.gradient.copy()
    for index in np.ndindex(raw.shape):
        shift = np.zeros_like(raw)
        shift[index] = step
        ends = [loss.value_and_gradient(raw + s, y, None, buffers) for s in (shift, -shift)]
        assert gradient[index] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)
    assert_works(ScratchMLPRegressor(**SMALL, loss=loss), NUMBERS)
    search = GridSearchCV(ScratchMLPRegressor(**SMALL, loss=loss), {"loss__sharpness": [0.5, 5]})
    assert len(search.fit(X, NUMBERS).cv_results_["params"]) == 2
    with pytest.raises(ValueError, match="must be a loss of classes"):
        ScratchMLPClassifier(loss=loss).fit(X, Y)


def test_optimizer(page):
    optimizer, w = page.Lion(beta_1=0.5, beta_2=0.75), np.array([1.0])
    state = optimizer.initial_state(1, np.float64)
    # mean 0: ahead = 1, w = 0.9, mean = 0.5; ahead = 0.25 - 0.5 = -0.25, w = 1.0
    for gradient, expected in ((2.0, 0.9), (-1.0, 1.0)):
        optimizer.step(w, np.array([gradient]), 0.1, state)
        assert w[0] == pytest.approx(expected)
    assert_works(ScratchMLPClassifier(**SMALL, solver=page.Lion(weight_decay=0.1)), Y)
    assert_works(ScratchMLPClassifier(**SMALL, solver=page.Lion(averaging=0.9)), Y)


def test_schedule(page):
    assert [page.Polynomial().factor(epoch, 4) for epoch in (0, 1, 2, 4, 5)] == [
        1,
        0.75**2,
        0.25,
        0,
        0,
    ]
    assert_works(ScratchMLPClassifier(**SMALL, learning_rate=page.Polynomial(power=1.0)), Y)
    inside = LinearWarmUp(5, then=page.Polynomial())
    assert_works(ScratchMLPClassifier(**SMALL, learning_rate=inside), Y)
