"""Try the installed package, in an environment with what it depends on and nothing else.

``python -I .ci/smoke.py``: with -I, neither this folder nor PYTHONPATH is where imports look.
"""

from __future__ import annotations

import pickle
import re
import sys
import sysconfig
from importlib.metadata import requires, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import skneural

imported = set(sys.modules)

# What is imported is what is installed, and types come with it.
site_packages = Path(sysconfig.get_path("purelib"))
assert Path(skneural.__file__).is_relative_to(site_packages), skneural.__file__
assert skneural.__version__ == version("skneural")
assert files(skneural).joinpath("py.typed").is_file()

# No package of an extra is imported, nor is one there that hides that it is needed.
of_extras = [re.match(r"[\w-]+", each)[0] for each in requires("skneural") if "extra ==" in each]
optional = {name.replace("-", "_") for name in of_extras}
assert {"matplotlib", "onnxruntime", "pandas", "skops"} < optional, optional
assert not imported & optional, imported & optional
installed = sorted(name for name in optional - {"pytest"} if find_spec(name))
assert not installed, f"needed by extras only, but installed: {installed}"

from sklearn.datasets import load_iris  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from skneural.inspection import ActivationDisplay  # noqa: E402

X, y = load_iris(return_X_y=True)
for estimator in (
    skneural.ScratchLogisticRegression(),
    skneural.ScratchMLPClassifier(hidden_layer_sizes=(10,), solver="lbfgs", random_state=0),
    skneural.ScratchMLPRegressor(
        hidden_layer_sizes=(10,), solver="lbfgs", max_iter=1000, random_state=0
    ),
    skneural.ScratchPerceptron(random_state=0),
    skneural.TabularMLPClassifier(cv=2, max_iter=20, random_state=0),
):
    model = make_pipeline(StandardScaler(), estimator).fit(X, y)
    assert model.score(X, y) > 0.85, estimator
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all(), estimator

# What needs an extra says which.
message = ""
try:
    ActivationDisplay.from_activation("relu")
except ImportError as error:
    message = str(error)
assert 'pip install "skneural[plot]"' in message

print(f"skneural {skneural.__version__} works in {site_packages}")
