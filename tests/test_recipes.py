"""The recipes: their code runs, prints what the pages show, and does what they say of it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
import sklearn
from pages import DOCS, blocks_by_heading, run_block_of_page
from sklearn.base import clone

pytestmark = [
    pytest.mark.documentation,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
PAGES = ("recipes.rst", "recipes_predictions.rst")
BLOCKS = {
    heading: (page, blocks)
    for page in PAGES
    for heading, blocks in blocks_by_heading(page).items()
    if blocks
}
#: Those with packages that the test extra does not bring: tests/integration runs them.
OF_OTHER_PACKAGES = {"Tuning with Optuna", "Conformal intervals", "SHAP values"}


def run(heading, number=0):
    """The names that a block leaves behind, which is run alone; with what it prints."""
    page, blocks = BLOCKS[heading]
    names = {"__name__": "page"}
    names["__printed__"] = run_block_of_page(page, blocks[number], names)
    return names


def numbers_after(text, printed):
    """The numbers of the line that begins so."""
    (line,) = re.findall(f"^ *{re.escape(text)}(.*)$", printed, re.MULTILINE)
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", line)]


def test_every_block_shows_what_it_prints():
    shown = [block.output for _, blocks in BLOCKS.values() for block in blocks]
    assert len(shown) >= 14
    assert all(shown)


def test_every_recipe_is_tested():
    tests = set(re.findall(r'run\("([^"]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert tests | OF_OTHER_PACKAGES == set(BLOCKS)


def test_imbalanced_classes():
    names = run("Imbalanced classes")
    rows = ("default", "class weights", "threshold")
    recall, precision, average, probability = np.transpose(
        [numbers_after(row, names["__printed__"]) for row in rows]
    )
    assert np.all(recall[1:] > recall[0] + 0.1)
    assert np.all(precision[1:] < precision[0])
    assert np.ptp(average) < 0.03
    share = names["y_test"].mean()
    assert np.all(np.abs(probability[[0, 2]] - share) < 0.01)
    assert probability[1] > 2 * share
    accuracy = [model.score(names["X_test"], names["y_test"]) for model in names["models"].values()]
    assert accuracy[0] > max(accuracy[1:])


def test_features_on_different_scales():
    names = run("Features on different scales")
    printed = names["__printed__"]
    [network], [scaled], [linear], _ = (numbers_after(name, printed) for name in names["models"])
    assert scaled > network + 0.05
    assert linear > network + 0.05


def test_target_on_its_scale():
    names = run("Features on different scales", 1)
    printed = names["__printed__"]
    assert numbers_after("target as it is  R2", printed)[0] < 0
    assert numbers_after("target scaled    R2", printed)[0] > 0.4
    scaled, y = names["scaled"], names["y"]
    assert abs(np.mean(scaled.fit(names["X"], y).predict(names["X"])) - y.mean()) < 5


def test_streams():
    names = run("Streams")
    goes_on, stopped = (np.array(names[key]) for key in ("scores", "scores_of_copy"))
    np.testing.assert_array_equal(goes_on[:39], stopped[:39])
    assert goes_on[40:50].mean() < goes_on[30:39].mean() - 0.1
    assert goes_on[-10:].mean() > 0.9
    assert stopped[-10:].mean() < 0.7
    assert names["network"].t_ == 80 * 200


def test_sparse_text():
    names = run("Sparse text")
    network, X = names["model"][-1], names["X"]
    assert scipy.sparse.issparse(X)
    assert network.coefs_[0].shape == (4096, 32)
    np.testing.assert_allclose(scipy.sparse.linalg.norm(X, axis=1), 1)
    np.testing.assert_allclose(
        network.predict_proba(X[:50]), network.predict_proba(X[:50].toarray()), rtol=1e-12
    )


def test_grid_search():
    names = run("Tuning with GridSearchCV")
    best = names["search"].best_estimator_["mlp"]
    chosen = names["search"].best_params_
    assert best.learning_rate_init == chosen["mlp__learning_rate_init"]
    assert best.solver.weight_decay == chosen["mlp__solver__weight_decay"]
    assert chosen["mlp__learning_rate_init"] == min(names["grid"]["mlp__learning_rate_init"])
    results = names["search"].cv_results_
    first_four = np.sort(results["mean_test_score"])[-4:]
    assert np.ptp(first_four) < results["std_test_score"].min()


def test_halving():
    """The epochs that the page counts, and what it says of warm starts."""
    names = run("Tuning with HalvingGridSearchCV")
    search = names["search"]
    spent = np.dot(search.n_candidates_, search.n_resources_)
    whole = search.n_candidates_[0] * search.n_resources_[-1]
    text = (DOCS / "recipes.rst").read_text(encoding="utf-8")
    assert f"= {spent} epochs a fold, where the whole grid takes 12 · 45 = {whole}" in text
    longest = search.best_estimator_
    assert longest.n_iter_ == search.n_resources_[-1]
    for warm_start in (False, True):
        shorter = clone(longest).set_params(max_iter=5, warm_start=warm_start)
        shorter.fit(names["X"], names["y"])
        assert shorter.loss_curve_ == longest.loss_curve_[:5]
        again = clone(shorter).fit(names["X"], names["y"])
        assert again.loss_curve_ == shorter.loss_curve_


@pytest.mark.skipif(
    VERSION < (1, 8), reason="reference: temperature scaling begins with scikit-learn 1.8"
)
def test_calibration():
    names = run("Calibrated probabilities")
    before, after = names["losses"].values()
    assert after < 0.6 * before
    far, near = (np.abs(observed - predicted) for observed, predicted in names["curves"].values())
    assert far.shape == near.shape == (5,)
    assert np.mean(near) < 0.5 * np.mean(far)
    assert np.all(near < far + 0.1)
    predictions = [names[name].predict(names["X_new"]) for name in ("network", "calibrated")]
    np.testing.assert_array_equal(*predictions)
    printed = names["__printed__"]
    assert f"before: log loss {before:.2f}\n" in printed
    assert f"after: log loss {after:.2f}\n" in printed
    assert printed.count("predicted") == 10


def test_quantiles():
    names = run("Quantiles")
    printed = names["__printed__"]
    [long], [early] = (numbers_after(f"{name}, new rows", printed) for name in names["trainings"])
    assert long < 0.87
    assert abs(early - 0.9) < 0.02
    assert np.all(np.diff(names["network"].predict(names["X"]), axis=1) >= 0)


def test_autoencoder():
    names = run("An autoencoder for features")
    printed = names["__printed__"]
    assert numbers_after("autoencoder", printed)[0] > numbers_after("PCA", printed)[0] + 0.03
    # The code is what the decoder, the two layers behind it, makes the image of.
    network = names["autoencoder"]
    X = names["X_test"][:5]
    codes = names["encoders"]["autoencoder"].transform(X)
    hidden = np.maximum(codes @ network.coefs_[2] + network.intercepts_[2], 0)
    np.testing.assert_allclose(
        hidden @ network.coefs_[3] + network.intercepts_[3], network.predict(X), atol=1e-12
    )


def test_input_gradients():
    names = run("Input gradients")
    network, rows, gradients = names["pipe"][-1], names["rows"], names["gradients"]
    assert gradients.shape == rows.shape
    for j in range(rows.shape[1]):
        step = np.where(np.arange(rows.shape[1]) == j, 1e-6, 0.0)
        above, below = (network.predict_proba(rows + s)[:, 0] for s in (step, -step))
        np.testing.assert_allclose(gradients[:, j], (above - below) / 2e-6, rtol=1e-4, atol=1e-8)
    assert names["__printed__"].startswith("proline: ")
