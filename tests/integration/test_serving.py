"""The service in examples/: answers of one whole model, whatever becomes of its file meanwhile."""

from extras import need

need("integration", "fastapi", "pandas", "skops", "uvicorn")

import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skneural import (
    ScratchLogisticRegression,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchPerceptron,
    TabularMLPClassifier,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve.py"
N_THREADS, N_SWAPS = 16, 60
#: At least so many; threads ask until all models are swapped, and what comes later shows less.
N_REQUESTS = 800
NAMES = ["length", "width", "petal length", "petal width"]
X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=NAMES)
#: What is asked: one row, and batches of several sizes.
BATCHES = [
    FRAME[start : start + size].to_dict("records")
    for start, size in zip(range(0, 120, 5), [1, 1, 7, 30] * 6, strict=True)
]


ROW = BATCHES[0][0]


@pytest.fixture(scope="module")
def serve():
    """The example as a module, without what it does to the environment."""
    spec = importlib.util.spec_from_file_location("serve", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        patch.setitem(sys.modules, "serve", module)  # pydantic looks there for its types
        spec.loader.exec_module(module)
        yield module


# ------------------------------------------------------------------------- one process of it


class Service:
    """The example in a process of its own."""

    def __init__(self, file, log):
        self.log = log
        command = [sys.executable, EXAMPLE, file, "--port", "0", "--watch", "0.002"]
        with log.open("w") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=stream)
        address = self.wait_for(lambda: re.search(r"http://127.0.0.1:(\d+)", log.read_text()))
        self.port = int(address[1])

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            if found := condition():
                return found
            time.sleep(0.005)
        raise TimeoutError(self.log.read_text())

    def connection(self):
        return closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))

    def ask(self, path, body=None, connection=None):
        """Status and answer."""
        if connection is None:
            with self.connection() as connection:
                return self.ask(path, body, connection)
        content = body if isinstance(body, bytes | None) else json.dumps(body)
        method = "GET" if body is None else "POST"
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def health(self):
        return self.ask("/health")[1]


def deploy(content, file):
    """As the example says: write beside the file, rename over it."""
    new = file.with_name("new.skops")
    new.write_bytes(content)
    new.replace(file)


@pytest.fixture(scope="module")
def models(serve):
    """Content of the file, and the model that it holds, by version."""
    fitted = [
        make_pipeline(StandardScaler(), ScratchMLPClassifier((16,), max_iter=20, random_state=0)),
        make_pipeline(StandardScaler(), ScratchMLPClassifier((5, 4), max_iter=9, random_state=1)),
        ScratchLogisticRegression(),
    ]
    contents = [skops.io.dumps(model.fit(FRAME, Y)) for model in fitted]
    loaded = [skops.io.loads(content, trusted=serve.TRUSTED_TYPES) for content in contents]
    return dict(
        zip(map(serve.version_of, contents), zip(contents, loaded, strict=True), strict=True)
    )


@pytest.fixture(scope="module")
def service(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    file = folder / "model.skops"
    deploy(next(iter(models.values()))[0], file)
    running = Service(file, folder / "log")
    running.file = file
    yield running
    running.process.kill()
    running.process.wait()


def expected_answers(models):
    """What each model answers to each batch, by version.

    The table is made of the rows as the service does it: the last bits of a product depend on the
    order of its numbers in memory.
    """
    tables = [pd.DataFrame(rows, columns=NAMES) for rows in BATCHES]
    with threadpool_limits(1):
        return {
            version: [
                {
                    "version": version,
                    "predictions": model.predict(X).tolist(),
                    "classes": [0, 1, 2],
                    "probabilities": model.predict_proba(X).tolist(),
                }
                for X in tables
            ]
            for version, (_, model) in models.items()
        }


def test_every_answer_is_that_of_one_whole_model_while_models_are_swapped(service, models):
    expected = expected_answers(models)
    requests = [
        ("/predict_batch", json.dumps({"rows": rows}).encode())
        if len(rows) > 1
        else ("/predict", json.dumps({"row": rows[0]}).encode())
        for rows in BATCHES
    ]
    all_swapped = threading.Event()

    def ask(thread):
        seen = Counter()
        with service.connection() as connection:
            while seen.total() < N_REQUESTS // N_THREADS or not all_swapped.is_set():
                index = (thread + seen.total()) % len(BATCHES)
                status, answer = service.ask(*requests[index], connection)
                assert status == 200, answer
                assert answer == expected[answer["version"]][index]
                seen[answer["version"]] += 1
        return seen

    def swap():
        versions = [list(models)[i % len(models)] for i in range(1, N_SWAPS + 1)]
        try:
            for version in versions:
                deploy(models[version][0], service.file)
                service.wait_for(lambda version=version: service.health()["version"] == version)
        finally:
            all_swapped.set()

    with ThreadPoolExecutor(N_THREADS + 1) as pool:
        swapping = pool.submit(swap)
        seen = sum(pool.map(ask, range(N_THREADS)), Counter())
        swapping.result()
    assert seen.total() >= N_REQUESTS
    assert min(seen[version] for version in models) > 50
    assert service.log.read_text().count("Now serving version") == N_SWAPS


def test_health_says_which_model_is_served(service, models):
    version = service.health()["version"]
    health = service.health()
    assert health["status"] == "ok"
    assert health["error"] is None
    assert health["model"] == type(models[version][1]).__name__
    assert health["columns"] == NAMES


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"no model", "BadZipFile"),
        (skops.io.dumps(os.path.join), "Untrusted"),
        (skops.io.dumps(ScratchLogisticRegression().fit(X, Y)), "takes other columns: 4"),
        (skops.io.dumps({"no": "model"}), "AttributeError"),
    ],
    ids=["broken", "not trusted", "other columns", "no model"],
)
def test_a_file_that_cannot_be_served_changes_nothing(service, models, content, error):
    before = service.health()["version"]
    deploy(content, service.file)
    service.wait_for(lambda: service.health()["error"] is not None)
    health = service.health()
    assert error in health["error"]
    assert health["status"] == "the file could not be loaded"
    assert health["version"] == before
    assert service.ask("/predict", {"row": ROW})[0] == 200
    deploy(models[before][0], service.file)
    service.wait_for(lambda: service.health()["error"] is None)


def test_a_file_that_is_away_for_a_while_is_served_again(service):
    before, aside = service.health()["version"], service.file.with_name("aside")
    service.file.rename(aside)
    service.wait_for(lambda: service.health()["error"] is not None)
    assert service.health()["error"].startswith("FileNotFoundError")
    assert service.ask("/predict", {"row": ROW})[1]["version"] == before
    aside.rename(service.file)
    service.wait_for(lambda: service.health()["error"] is None)
    assert service.health()["version"] == before


BAD_REQUESTS = [
    ("/predict", {"row": {**ROW, "width": float("nan")}}, "Input X contains NaN"),
    ("/predict", {"row": {**ROW, "width": None}}, "Input X contains NaN"),
    ("/predict", {"row": {**ROW, "width": "wide"}}, "could not convert string to float: 'wide'"),
    ("/predict", {"row": {**ROW, "width": [1]}}, "sequence|'list'"),
    ("/predict", {"row": {**ROW, "width": 10**400}}, "int too large to convert to float"),
    ("/predict", {"row": {"width": 1}}, r"missing columns \['length', 'petal length', "),
    ("/predict", {"row": {**ROW, "x": 1}}, r"missing columns \[\], unknown columns \['x'\]"),
    ("/predict", {"row": {**ROW, "\ud800": 1}}, "unknown columns"),
    ("/predict", {"row": [5, 3, 1, 0]}, r"Row 0 must be an object with the columns \['length'"),
    ("/predict", {"row": float("nan")}, "Input should be a valid"),
    ("/predict", {"rows": [ROW]}, "body.row: Field required"),
    ("/predict", b'{"row', "JSON"),
    ("/predict_batch", {"rows": []}, "rows must be 1 to 1000 rows, got 0"),
    ("/predict_batch", {"rows": [ROW] * 1001}, "rows must be 1 to 1000 rows, got 1001"),
    ("/predict_batch", {"rows": [ROW, 5]}, "Row 1 must be an object"),
    ("/predict_batch", {"rows": [ROW, {}]}, "Row 1: missing columns"),
    ("/predict_batch", {"rows": float("nan")}, "Input should be a valid list"),
]


@pytest.mark.parametrize(("path", "body", "message"), BAD_REQUESTS)
def test_a_bad_request_is_answered_with_what_is_wrong(service, path, body, message):
    status, answer = service.ask(path, body)
    assert status == 422
    assert re.search(message, answer["detail"])


def test_a_request_that_is_too_long_is_not_read(service):
    status, answer = service.ask("/predict", b'"' + 5_000_000 * b"a" + b'"')
    assert status == 413
    assert "at most 4000000 bytes" in answer["detail"]


def test_a_request_of_unknown_length_is_not_read(service):
    with service.connection() as connection:
        connection.request("POST", "/predict", iter([b"{}"]))
        assert connection.getresponse().status == 411


def test_it_shuts_down_when_told_to(service):
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(30) in (0, -signal.SIGTERM)
    assert "Application shutdown complete" in service.log.read_text()
    assert "Exception in ASGI application" not in service.log.read_text()


# ------------------------------------------------------------------------- other models


TWO_TARGETS = np.column_stack([Y, Y > 0])
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2}
MODELS = {
    "network": (ScratchMLPClassifier(**SMALL), Y),
    "several targets": (ScratchMLPClassifier(**SMALL), TWO_TARGETS),
    "words": (ScratchLogisticRegression(max_iter=5), np.array(["a", "b", "c"])[Y]),
    "perceptron": (ScratchPerceptron(max_iter=5), Y),
    "numbers": (ScratchMLPRegressor(**SMALL), X[:, 0]),
    "several numbers": (ScratchMLPRegressor(**SMALL), X[:, :2]),
    "raw table": (TabularMLPClassifier(**SMALL, cv=2), Y),
}


def assert_same(answered, expected):
    """Several targets with classes each have a list of arrays."""
    if isinstance(expected, list):
        for each, array in zip(answered, expected, strict=True):
            np.testing.assert_array_equal(each, array)
    else:
        np.testing.assert_array_equal(answered, expected)


@pytest.mark.parametrize("name", MODELS)
def test_models_that_were_fitted_without_names_take_lists(serve, name):
    estimator, y = MODELS[name]
    model = estimator.fit(X, y)
    answer = json.loads(serve.answer(serve.Served(model, "1", "now"), X[:3].tolist()).body)
    assert answer.pop("version") == "1"
    assert_same(answer.pop("predictions"), model.predict(X[:3]))
    if hasattr(model, "predict_proba"):
        assert_same(answer.pop("probabilities"), model.predict_proba(X[:3]))
        assert_same(answer.pop("classes"), model.classes_)
    assert answer == {}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2, 3]], "X has 3 features, but .* is expecting 4 features as input"),
        ([[1, 2, 3, "red"]], "Column 3 of X is not numeric: it holds 'red'"),
        ([[1, 2, 3, float("inf")]], "Input X contains infinity"),
        ([[1, 2, 3, 10**400]], "Column 3 of X holds an integer that is too large for float64"),
        ([[1, 2, 3, 4], [1]], "'list'|inhomogeneous"),
        ([{"a": 1}], "Row 0 must be a list of numbers"),
        ([[]], r"0 feature\(s\)"),
        ([], "rows must be 1 to 1000 rows, got 0"),
    ],
)
def test_what_these_models_refuse(serve, name, rows, message):
    estimator, y = MODELS[name]
    served = serve.Served(estimator.fit(X, y), "1", "now")
    with pytest.raises(serve.HTTPException) as refusal:
        serve.answer(served, rows)
    assert refusal.value.status_code == 422
    assert re.search(message, refusal.value.detail)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_that_is_no_number_is_refused(serve):
    model = ScratchLogisticRegression().fit(X, Y)
    assert np.isnan(model.predict_proba([[1e308] * 4])).any()
    with pytest.raises(serve.HTTPException, match="Out of range float values"):
        serve.answer(serve.Served(model, "1", "now"), [[1e308] * 4])


def test_a_raw_table_is_asked_by_names_with_categories_and_missing_values(serve):
    frame = FRAME.assign(color=pd.Categorical(np.array(["red", "blue"])[Y % 2]))
    model = TabularMLPClassifier(**SMALL, cv=2, random_state=0).fit(frame, Y)
    served = serve.Served(model, "1", "now")
    rows = [{**ROW, "color": color} for color in ("red", "blue", "never seen", None)]
    rows[0]["width"] = None
    answer = json.loads(serve.answer(served, [dict(reversed(row.items())) for row in rows]).body)
    expected = model.predict_proba(pd.DataFrame(rows)[list(frame)])
    np.testing.assert_array_equal(answer["probabilities"], expected)
    with pytest.raises(serve.HTTPException, match="Column 'width' of X is not numeric"):
        serve.answer(served, [{**rows[0], "width": "wide"}])
