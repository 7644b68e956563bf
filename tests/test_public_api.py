"""The public surface, what importing it loads, and what its signatures promise."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neural_network import MLPClassifier, MLPRegressor

import skneural
from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

PUBLIC_NAMES = [
    "HiddenLayerTransformer",
    "ScratchLogisticRegression",
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "ScratchPerceptron",
    "SkneuralVersionWarning",
    "TRUSTED_TYPES",
    "TableEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "__version__",
    "from_sklearn",
    "set_compiled",
    "show_versions",
]
MODULES = [
    "activations",
    "arrays",
    "callbacks",
    "checks",
    "convex",
    "environment",
    "estimators",
    "initialization",
    "inspection",
    "kernels",
    "layers",
    "learning_rate_finder",
    "losses",
    "minimizers",
    "network",
    "objective",
    "onnx",
    "optimizers",
    "optional",
    "perceptron",
    "plain_values",
    "schedules",
    "settings",
    "table_network",
    "temperature",
    "workspace",
]
#: Those that may import scikit-learn; the others are the core.
OF_SCIKIT_LEARN = ["callbacks", "estimators", "learning_rate_finder", "onnx"]
TWINS = [
    (ScratchMLPClassifier, MLPClassifier),
    (ScratchMLPRegressor, MLPRegressor),
    (ScratchLogisticRegression, LogisticRegression),
    (ScratchPerceptron, Perceptron),
]
OF_BOTH_NETWORKS = [
    "dropout",
    "l1_ratio",
    "early_stopping_metric",
    "restore_best_weights",
    "initialization",
    "max_time",
]
#: Parameters that scikit-learn's twin does not have.
OURS_ALONE = {
    ScratchMLPClassifier: ["loss", "dtype", "class_weight", *OF_BOTH_NETWORKS],
    ScratchMLPRegressor: ["dtype", *OF_BOTH_NETWORKS],
    ScratchLogisticRegression: [
        "batch_size",
        "shuffle",
        "learning_rate",
        "learning_rate_init",
        "momentum",
        "early_stopping",
        "validation_fraction",
        "n_iter_no_change",
        "dtype",
    ],
}
#: Arguments that scikit-learn's method does not have: by name only, after its own.
ARGUMENTS_OURS_ALONE = {
    (ours, "fit"): ["X_val", "y_val", "sample_weight_val"]
    for ours in (ScratchMLPClassifier, ScratchMLPRegressor)
}
FITTED = {
    ScratchMLPClassifier: {"hidden_layer_sizes": 2, "max_iter": 1, "tol": 1e9, "solver": "lbfgs"},
    ScratchMLPRegressor: {"hidden_layer_sizes": 2, "max_iter": 1, "tol": 1e9, "solver": "lbfgs"},
    ScratchLogisticRegression: {},
    ScratchPerceptron: {},
    TabularMLPClassifier: {"hidden_layer_sizes": 2, "max_iter": 1},
    TabularMLPRegressor: {"hidden_layer_sizes": 2, "max_iter": 1},
}
EXTRAS = (
    *("pandas", "polars", "matplotlib", "torch", "rich", "skops", "pyarrow", "numba"),
    *("onnx", "skl2onnx", "onnxruntime"),
)
#: What can be imported without any extra, though some of it does nothing without one.
WITHOUT_EXTRAS = ["skneural", "skneural.inspection", "skneural.onnx"]


def test_names():
    assert sorted(skneural.__all__) == PUBLIC_NAMES == sorted(PUBLIC_NAMES)
    assert all(hasattr(skneural, name) for name in PUBLIC_NAMES)


def test_modules():
    names = [module.name for module in pkgutil.iter_modules(skneural.__path__)]
    assert [name for name in names if not name.startswith("_")] == sorted(MODULES)


def test_version():
    assert version("skneural") == skneural.__version__


def core_modules():
    """The modules of the core, those inside its packages included."""
    names = [module.name for module in pkgutil.walk_packages(skneural.__path__, "skneural.")]
    private = ("skneural._",)
    return [
        name
        for name in names
        if name.split(".")[1] not in OF_SCIKIT_LEARN and not name.startswith(private)
    ]


@cache
def loaded():
    """What imports load in a new process: of the core alone, then one after the other."""
    # Importing the package runs its __init__, which has the estimators: an empty stand-in
    # in its place shows what the modules of the core themselves need. Then they go again.
    # What scikit-learn itself loads (1.6 has a look at pandas) is not ours to judge.
    code = (
        "import importlib, sys, types\n"
        "package = types.ModuleType('skneural')\n"
        f"package.__path__ = {list(skneural.__path__)!r}\n"
        "sys.modules['skneural'] = package\n"
        f"for name in {core_modules()!r}: importlib.import_module(name)\n"
        "print(*sys.modules)\n"
        "for name in list(sys.modules):\n"
        "    if name.partition('.')[0] == 'skneural': del sys.modules[name]\n"
        "import sklearn.model_selection, sklearn.metrics, sklearn.utils.metaestimators\n"
        f"for name in {WITHOUT_EXTRAS}:\n"
        "    before = set(sys.modules)\n"
        "    importlib.import_module(name)\n"
        "    print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = [line.split() for line in run.stdout.splitlines()]
    return dict(zip(["the core", *WITHOUT_EXTRAS], names, strict=True))


@pytest.mark.parametrize("name", ["the core", *WITHOUT_EXTRAS])
def test_import_pulls_in_no_extra(name):
    assert name == "the core" or name in loaded()[name]
    assert not {each.partition(".")[0] for each in loaded()[name]} & set(EXTRAS)


def test_the_core_does_without_scikit_learn():
    names = loaded()["the core"]
    assert {"skneural.minimizers.run", "skneural.convex.newton"} < set(names)
    assert not any(name.partition(".")[0] == "sklearn" for name in names)


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="reference: the signatures compared with are those of scikit-learn 1.9",
)
@pytest.mark.parametrize(("ours", "theirs"), TWINS)
def test_constructor_is_scikit_learns(ours, theirs):
    our_parameters = list(inspect.signature(ours).parameters.values())
    their_parameters = list(inspect.signature(theirs).parameters.values())
    assert [(p.name, p.kind, p.default) for p in our_parameters[: len(their_parameters)]] == [
        (p.name, p.kind, p.default) for p in their_parameters
    ]
    extra = our_parameters[len(their_parameters) :]
    assert [p.name for p in extra] == OURS_ALONE.get(ours, [])
    for method in {"fit", "partial_fit"} & set(dir(theirs)):
        arguments = inspect.signature(getattr(ours, method)).parameters
        our_own = ARGUMENTS_OURS_ALONE.get((ours, method), [])
        assert list(arguments) == [
            *inspect.signature(getattr(theirs, method)).parameters,
            *our_own,
        ]
        assert all(arguments[name].kind is inspect.Parameter.KEYWORD_ONLY for name in our_own)


@pytest.mark.parametrize("estimator", FITTED)
def test_every_parameter_and_attribute_is_documented(estimator):
    document = inspect.getdoc(estimator)
    assert not re.search(r"<[a-zA-Z]+>", document), "a placeholder was left unfilled"
    names = [
        name.strip()
        for line in document.splitlines()
        if " : " in line
        for name in line.split(" : ")[0].split(",")
    ]
    for parameter in inspect.signature(estimator).parameters:
        assert parameter in names, parameter
    fitted = estimator(**FITTED[estimator]).fit([[0.0], [1.0]], [0, 1])
    public = [name for name in dir(estimator) if re.fullmatch("[a-z].*[a-z]_", name)]
    assert {"n_features_in_", "feature_names_in_", "stop_reason_"} < set(public)
    assert not [name for name in vars(fitted) if re.fullmatch("[a-z].*_", name)], "not a property"
    for attribute in public:
        assert attribute in names, attribute


# ------------------------------------------------------------------ errors about arguments

TRAINING_METHODS = [
    pytest.param(estimator, name, id=f"{estimator.__name__}.{name}")
    for estimator in FITTED
    for name in ("fit", "partial_fit", "resume")
    if hasattr(estimator(), name)
]


@pytest.mark.parametrize(("estimator", "method"), TRAINING_METHODS)
def test_errors_about_arguments_name_the_class(estimator, method):
    model = estimator(**({"solver": "adam"} if hasattr(estimator(), "solver") else {}))
    message = rf"^{estimator.__name__}\.{method}\(\) "
    with pytest.raises(TypeError, match=message + "takes .* positional"):
        getattr(model, method)(*range(12))
    with pytest.raises(TypeError, match=message + "got an unexpected keyword argument 'wrong'"):
        getattr(model, method)(wrong=1)


def test_errors_about_arguments_name_a_users_class():
    class Own(ScratchMLPClassifier):
        pass

    with pytest.raises(TypeError, match=r"^Own\.fit\(\) missing 1 required .* argument: 'y'"):
        Own().fit([[0.0], [1.0]])


@pytest.mark.parametrize("method", ["fit", "resume"])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_validation_rows_are_passed_by_name(estimator, method):
    X, y = [[0.0], [1.0]], [0, 1]
    message = (
        rf"^{estimator.__name__}\.{method}\(\) takes from 3 to 4 positional arguments but 6 were "
        "given: X_val, y_val and sample_weight_val have to be passed by name, as in X_val=X_val$"
    )
    with pytest.raises(TypeError, match=message):
        getattr(estimator(), method)(X, y, None, X, y)


def test_errors_within_a_method_stay_as_they_are():
    """It is called with the right arguments, and a user's own loss is not."""

    def scorer(estimator, X, y, wrong):
        return 0.0

    model = ScratchMLPClassifier(2, early_stopping=True, early_stopping_metric=scorer)
    with pytest.raises(TypeError, match=r"scorer\(\) missing 1 required positional argument"):
        model.fit([[0.0], [1.0]] * 20, [0, 1] * 20)


def test_fit_can_be_pickled_and_inspected():
    function = ScratchMLPClassifier.fit
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__doc__.startswith("Train on rows")
    parameters = list(inspect.signature(ScratchMLPClassifier.fit).parameters)
    assert parameters[:4] == ["self", "X", "y", "sample_weight"]


@pytest.mark.parametrize("module", ["layers", "losses", "optimizers", "schedules"])
def test_the_documentation_lists_every_public_class(module):
    """On the page of the engine."""
    docs = Path(__file__).parents[1] / "docs"
    listed = (docs / "engine.rst").read_text()
    package = importlib.import_module(f"skneural.{module}")
    classes = [name for name in package.__all__ if isinstance(getattr(package, name), type)]
    assert classes
    missing = [name for name in classes if not re.search(rf"^ +(\w+\.)*{name}$", listed, re.M)]
    # What `with_link` makes of a loss of classes stands beside it.
    assert [name for name in missing if not name.startswith(("Binary", "Multinomial"))] == []
