"""What a file of skops may name: our public types, and nothing that a changed file puts there."""

from extras import need

need("skops", "skops")

import inspect
import json
import pickle
import sys
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import skops.io
from exact_values import exact
from saved_models import (
    CODES,
    IS_LARGE,
    OWN_ACTIVATIONS,
    POSITIVE,
    TABLE,
    X,
    answers,
    classifier,
    encoder,
    logistic,
    perceptron,
    raw,
    regressor,
    tabular,
)
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from skops.cli import _update
from skops.cli.entrypoint import main_cli
from stopped_fits import SINCE_1_9
from test_persistence import VERSIONED, versioned, warnings_by

import skneural
from skneural import (
    TRUSTED_TYPES,
    HiddenLayerTransformer,
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    activations,
    losses,
    optimizers,
    schedules,
)
from skneural.activations import ACTIVATIONS, Activation
from skneural.callbacks import Checkpoint, HistoryLogger
from skneural.initialization import INITIALIZATIONS
from skneural.optimizers import Adam
from skneural.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
    pytest.mark.filterwarnings("ignore:The validation rows of early_stopping are not stratified"),
]


# ------------------------------------------------------------------------------ what is trusted

#: What the constructors of public types need.
ARGUMENTS = {
    Activation: ["own", None, None],
    HiddenLayerTransformer: [ScratchMLPClassifier()],
    losses.SumOverTargets: [losses.SquaredError(), (1, 1)],
}


def public_types():
    """The estimators and settings objects that users import, if there can be objects of them."""
    found = [Activation]
    for module in (skneural, optimizers, schedules, losses, activations):
        names = getattr(module, "__all__", [])
        types = [each for name in names if isinstance(each := getattr(module, name), type)]
        found += [each for each in types if issubclass(each, BaseEstimator | Settings)]
    return [each for each in found if not getattr(each, "__abstractmethods__", None)]


def test_the_trusted_types_are_what_skops_reports_of_the_public_types():
    reported = set()
    for kind in public_types():
        model = kind(*ARGUMENTS.get(kind, []))
        reported |= set(skops.io.get_untrusted_types(data=skops.io.dumps(model)))
    assert list(TRUSTED_TYPES) == sorted(reported)


def test_the_trusted_types_are_public_and_ours():
    public = {(each.__module__, each.__name__): each for each in public_types()}
    assert isinstance(TRUSTED_TYPES, tuple)
    for name in TRUSTED_TYPES:
        module, _, last = name.rpartition(".")
        kind = getattr(sys.modules[module], last)
        assert public[module, last] is kind
        assert module.startswith("skneural.")
        assert not last.startswith("_")
        assert issubclass(kind, BaseEstimator | Settings)


class Doubled(losses.SquaredError):
    """A loss of the user's."""


def halved(fan_in, fan_out, random_state):
    return np.full((fan_in, fan_out), 0.5)


def scored(estimator, X, y):
    return estimator.score(X, y)


#: What users write themselves, and what they then have to trust.
OF_USERS = {
    "loss": (lambda: regressor(loss=Doubled()), {f"{__name__}.Doubled"}),
    "initialization": (lambda: regressor(initialization=halved), {f"{__name__}.halved"}),
    "metric": (lambda: regressor(early_stopping_metric=scored), {f"{__name__}.scored"}),
    "activation": (
        lambda: regressor(activation=Activation("own", np.negative, halved)),
        {f"{__name__}.halved"},
    ),
}


@pytest.mark.parametrize("name", OF_USERS)
def test_what_users_write_is_theirs_to_trust(name):
    make, expected = OF_USERS[name]
    content = skops.io.dumps(make())
    assert set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES) == expected
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=__name__):
        skops.io.loads(content, trusted=TRUSTED_TYPES)
    loaded = skops.io.loads(content, trusted=[*TRUSTED_TYPES, *expected])
    assert exact(loaded.get_params()) == exact(make().get_params())


@SINCE_1_9
@pytest.mark.parametrize("callback", [Checkpoint, HistoryLogger])
def test_callbacks_are_not_trusted(callback, tmp_path):
    """They write to the path that a file names."""
    path = tmp_path / "history.csv"
    model = classifier().set_callbacks(callback(path)).fit(X, CODES)
    content = skops.io.dumps(model)
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=callback.__name__):
        skops.io.loads(content, trusted=TRUSTED_TYPES)
    for without in (model.for_prediction(), model.set_callbacks()):
        assert answers(skops.io.loads(skops.io.dumps(without), trusted=TRUSTED_TYPES)) == answers(
            model
        )


# ------------------------------------------------------------------------------ changed files


def with_schema(content, change):
    """A file whose JSON has been changed in place by a function."""
    changed = BytesIO()
    with ZipFile(BytesIO(content)) as file, ZipFile(changed, "w") as written:
        for name in file.namelist():
            data = file.read(name)
            if name == "schema.json":
                schema = json.loads(data)
                change(schema)
                data = json.dumps(schema)
            written.writestr(name, data)
    return changed.getvalue()


def nodes(node):
    """All dicts of a schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from nodes(part)


def with_text(old, new):
    """A change of one text into another value, wherever it is."""

    def change(schema):
        found = [each for each in nodes(schema) if each.get("content") == json.dumps(old)]
        assert found
        for each in found:
            each["content"] = json.dumps(new)

    return change


WRONG_NAMES = ["os.system", "__class__", "__init__", "system", "", "Relu", 3, None, ["relu"]]
#: Files that name something, and the name that is changed.
NAMING = {
    "activation": (lambda: classifier(activation="gelu").fit(X, CODES), "gelu"),
    "activation of a list": (lambda: classifier(activation=["gelu", "relu"]).fit(X, CODES), "gelu"),
    "activation object": (lambda: classifier(activation=ACTIVATIONS["mish"]), "mish"),
    "changed activation": (lambda: classifier(activation=OWN_ACTIVATIONS["mish, name"]), "mish"),
    "activation of a table": (lambda: raw(tabular(activation="gelu"), CODES), "gelu"),
    "loss": (lambda: regressor(loss="poisson").fit(X, POSITIVE), "poisson"),
    "generator": (lambda: classifier().fit(X, CODES), "MT19937"),
    "generator of the user's": (
        lambda: classifier(random_state=np.random.RandomState(np.random.PCG64(1))),
        "PCG64",
    ),
    "kind of a value": (lambda: classifier(class_weight={True: 1.0}), "dict"),
    "splitter": (lambda: tabular(cv=model_selection.KFold(2)), "KFold"),
    "scorer": (lambda: classifier(early_stopping_metric=get_scorer("roc_auc")), "roc_auc"),
    "initialization": (
        lambda: classifier(initialization=INITIALIZATIONS["orthogonal"]),
        "orthogonal",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_NAMES, ids=repr)
@pytest.mark.parametrize("name", NAMING)
def test_a_name_in_a_file_is_looked_up_in_a_table(name, wrong):
    make, old = NAMING[name]
    content = with_schema(skops.io.dumps(make()), with_text(old, wrong))
    with pytest.raises((ValueError, TypeError)) as caught:  # noqa: PT012
        model = skops.io.loads(content, trusted=TRUSTED_TYPES)
        model.predict(TABLE if name == "activation of a table" else X)
    assert "none of" in str(caught.value) or "There is no" in str(caught.value)


#: Types and functions that a changed file names in the place of ours.
FOREIGN = [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("numpy", "load")]


@pytest.mark.parametrize("loader", ["ObjectNode", "FunctionNode", "TypeNode", "JsonNode"])
@pytest.mark.parametrize("foreign", FOREIGN, ids=".".join)
def test_foreign_types_are_refused_or_not_made(foreign, loader):
    """Wherever skops takes a type from a file it asks whether that is trusted."""

    def change(schema):
        for each in nodes(schema):
            if each.get("__class__") == "Adam":
                each["__module__"], each["__class__"] = foreign
                each["__loader__"] = loader
                if loader == "JsonNode":  # JSON is JSON, whatever it says that it is
                    each["content"] = json.dumps("adam")

    content = with_schema(skops.io.dumps(classifier(solver=Adam())), change)
    if loader == "JsonNode":
        assert skops.io.loads(content, trusted=TRUSTED_TYPES).solver == "adam"
        return
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException, match=".".join(foreign)):
        skops.io.loads(content, trusted=TRUSTED_TYPES)


@pytest.mark.parametrize("name", TRUSTED_TYPES)
def test_making_a_trusted_type_does_nothing(name, tmp_path, monkeypatch):
    """A file may have any of them made of any text: no constructor opens or runs anything."""
    target = tmp_path / "written.csv"
    module, _, kind = name.rpartition(".")

    def change(schema):
        schema.update(__module__=module, __class__=kind, __loader__="ConstructorFromReduceNode")

    for arguments in [(), (str(target),), (str(target), "w"), ("os.system", "touch", str(target))]:
        content = skops.io.dumps(arguments)
        with ZipFile(BytesIO(content)) as file:
            of_arguments = json.loads(file.read("schema.json"))

        def wrapped(schema, of_arguments=of_arguments):
            change(schema)
            schema["content"] = of_arguments
            del schema["__id__"]

        content = with_schema(content, wrapped)
        try:
            made = skops.io.loads(content, trusted=TRUSTED_TYPES)
        except (TypeError, ValueError):
            continue  # so many arguments it does not have
        assert f"{type(made).__module__}.{type(made).__name__}" == name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("indices", [[10**6], [-1]], ids=repr)
def test_sparse_weights_that_lead_out_of_memory(indices):
    """SciPy would read and write wherever they point to."""
    model = logistic(l1_ratio=1.0, solver="saga", C=1.0).fit(X, IS_LARGE).sparsify()
    state = model.__getstate__()
    wrong = state["_fitted"]["model"]["sparse_coef"]["indices"].copy()
    wrong[: len(indices)] = indices
    state["_fitted"]["model"]["sparse_coef"]["indices"] = wrong
    with pytest.raises(ValueError, match="ind"):
        ScratchLogisticRegression.__new__(ScratchLogisticRegression).__setstate__(state)


@pytest.mark.parametrize(
    "make",
    [
        lambda: classifier().fit(X, CODES),
        lambda: logistic().fit(X, CODES),
        lambda: perceptron().fit(X, CODES),
        lambda: raw(encoder(), CODES),
        lambda: raw(tabular(), CODES),
        lambda: HiddenLayerTransformer(classifier()).fit(X, CODES),
    ],
)
def test_a_file_of_a_later_format(make):
    def change(schema):
        for each in nodes(schema):
            content = each.get("content")
            if isinstance(content, dict) and "format" in content:
                content["format"].update(content="99", __id__=99)

    content = with_schema(skops.io.dumps(make()), change)
    with pytest.raises(ValueError, match=r"saved by a later version of skneural, in format 99"):
        skops.io.loads(content, trusted=TRUSTED_TYPES)


# ------------------------------------------------------------------------------ versions


def by_skops(model):
    content = skops.io.dumps(model)
    return content, lambda content: skops.io.loads(content, trusted=TRUSTED_TYPES)


@pytest.mark.parametrize("name", VERSIONED)
@pytest.mark.parametrize(
    "versions", [{"skneural": "0.2.0", "sklearn": "1.5.2"}, {"skneural": "9.8.7"}], ids=repr
)
def test_a_file_of_skops_is_read_in_silence(name, versions, monkeypatch):
    assert warnings_by(monkeypatch, by_skops, versions, versioned(name)) == []


class OwnClassifier(ScratchMLPClassifier):
    """A subclass of the user's, which does something of its own with the state."""

    def __setstate__(self, state):
        super().__setstate__(state)


def test_a_file_with_a_class_of_the_user_s_is_read_in_silence(monkeypatch):
    def by_skops_with_it(model):
        trusted = [*TRUSTED_TYPES, f"{__name__}.OwnClassifier"]
        return skops.io.dumps(model), lambda content: skops.io.loads(content, trusted=trusted)

    versions = {"skneural": "9.8.7", "sklearn": "9.8.7"}
    model = OwnClassifier((3,), max_iter=2).fit(X, CODES)
    assert warnings_by(monkeypatch, by_skops_with_it, versions, model) == []


# ------------------------------------------------------------------------------ skops' tools


def test_a_deflated_file_is_small(tmp_path):
    model = ScratchMLPClassifier((10,), max_iter=3, random_state=0).fit(X, CODES).for_prediction()
    skops.io.dump(model, tmp_path / "stored")
    skops.io.dump(model, tmp_path / "deflated", compression=ZIP_DEFLATED)
    assert (tmp_path / "deflated").stat().st_size < 4000
    assert (tmp_path / "stored").stat().st_size > 8000
    assert answers(skops.io.load(tmp_path / "deflated", trusted=TRUSTED_TYPES)) == answers(model)


def in_old_protocol(path):
    """Make a file say that it has the protocol before that of today, which skops can read."""

    def change(schema):
        schema["protocol"] -= 1

    path.write_bytes(with_schema(path.read_bytes(), change))


def test_what_skops_shows_converts_and_updates(tmp_path, capsys):
    model = classifier(solver=Adam(), class_weight={True: 1.0, False: 2.0}).fit(X, IS_LARGE)
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    skops.io.visualize(path, trusted=TRUSTED_TYPES)
    assert "[UNSAFE]" not in capsys.readouterr().out
    skops.io.visualize(path)
    assert "Adam [UNSAFE]" in capsys.readouterr().out

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    converted, updated = tmp_path / "converted.skops", tmp_path / "updated.skops"
    main_cli(["convert", str(tmp_path / "model.pkl"), "-o", str(converted)])
    assert exact(skops.io.load(converted, trusted=TRUSTED_TYPES)) == exact(model)
    if "--trusted" not in inspect.getsource(_update):  # of an early version
        return
    in_old_protocol(path)
    main_cli(["update", str(path), "-o", str(updated), "--trusted", *TRUSTED_TYPES])
    assert exact(skops.io.load(updated, trusted=TRUSTED_TYPES)) == exact(model)
