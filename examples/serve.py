"""
A model behind HTTP: rows as JSON, answers of one whole model, and a new model without a restart
================================================================================================

    pip install "skneural[skops]" fastapi uvicorn pandas
    python examples/serve.py model.skops

Without a file, a model of iris flowers is trained and served. Then, in another terminal:

    curl http://127.0.0.1:8000/health
    curl -H "Content-Type: application/json" http://127.0.0.1:8000/predict -d '{"row": {
        "sepal length (cm)": 5.1, "sepal width (cm)": 3.5,
        "petal length (cm)": 1.4, "petal width (cm)": 0.2}}'

`/predict_batch` takes `{"rows": [...]}`. A row is an object if the model was fitted with names of
columns, else a list of numbers. What the model refuses is answered with 422 and its error message.

To bring a new model, write it beside the file and rename it over the file (`os.replace`): within
`WATCH_SECONDS` it is loaded and takes the place of the old one. A file that cannot be loaded, or
whose model takes other columns, changes nothing; `/health` then says what is wrong with it. If
skops finds untrusted types in the file, see what they are, and add their names to `TRUSTED_TYPES`
below.

One process answers one prediction at a time, more or less: for more cores, start one process each.
The address is that of this machine only. Authentication and TLS are the business of a proxy.
"""

import os

# One thread of BLAS: rows are few, and requests already run side by side. Before NumPy is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import hashlib
import logging
import tempfile
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural

#: Types that a model file may hold beside those of NumPy, SciPy and scikit-learn.
TRUSTED_TYPES = [*skneural.TRUSTED_TYPES]
HOST, PORT = "127.0.0.1", 8000
MAX_ROWS = 1000  # of a batch
MAX_BYTES = 4_000_000  # of a request
N_THREADS = 4  # requests that are worked on side by side; the others wait
WATCH_SECONDS = 1.0  # how often to look for a new file

log = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class Served:
    """A model and what is known of it: never changed, only replaced by another."""

    model: Any
    version: str
    loaded: str

    @property
    def columns(self):
        """Names of the columns or, if the model was fitted without, their number."""
        names = getattr(self.model, "feature_names_in_", None)
        return self.model.n_features_in_ if names is None else list(names)


def version_of(content):
    """The beginning of a file's SHA-256, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()[:12]


def load(path):
    """The model in a file."""
    content = Path(path).read_bytes()
    model = skops.io.loads(content, trusted=TRUSTED_TYPES)
    return Served(model, version_of(content), datetime.now(UTC).isoformat(timespec="seconds"))


class ModelFile:
    """A file, and the model that was last loaded from it."""

    def __init__(self, path):
        self.path, self.error = path, None
        self._stamp = self._look()
        self.served = load(path)

    def _look(self):
        try:
            status = os.stat(self.path)
        except OSError:  # there is none at the moment
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def watch(self, seconds, stop):
        """Until told to stop, load what is new. Requests under way finish with the old model."""
        while not stop.wait(seconds):
            stamp = self._look()
            if stamp == self._stamp:
                continue
            self._stamp = stamp
            try:
                new = load(self.path)
                if new.columns != self.served.columns:
                    raise ValueError(f"The new model takes other columns: {new.columns}")
                self.served, self.error = new, None  # one assignment swaps the model
                log.info("Now serving version %s", new.version)
            except Exception as error:  # whatever a broken file leads to, the old model serves
                self.error = f"{type(error).__name__}: {error}"
                log.exception("%s is not served", self.path)


class Row(BaseModel):
    row: dict[str, Any] | list[Any]


class Batch(BaseModel):
    rows: list[Any]


def table(columns, rows):
    """The rows as the model takes them: a frame in the order of its columns, or lists."""
    if not 0 < len(rows) <= MAX_ROWS:
        raise ValueError(f"rows must be 1 to {MAX_ROWS} rows, got {len(rows)}")
    is_named = isinstance(columns, list)
    for i, row in enumerate(rows):
        if not isinstance(row, dict if is_named else list):
            wanted = f"an object with the columns {columns}" if is_named else "a list of numbers"
            raise ValueError(f"Row {i} must be {wanted}")
        if is_named and row.keys() != set(columns):
            missing = [name for name in columns if name not in row]
            unknown = [name for name in row if name not in columns]
            raise ValueError(f"Row {i}: missing columns {missing}, unknown columns {unknown}")
    return pd.DataFrame(rows, columns=columns) if is_named else rows


def lists(values):
    """Arrays as JSON has them; several targets with classes each have a list of arrays."""
    if isinstance(values, list):
        return [lists(each) for each in values]
    return values.astype(str).tolist() if values.dtype.kind in "mM" else values.tolist()


def answer(served, rows):
    """Predictions, for classifiers with probabilities, and the version that they are from."""
    result = {"version": served.version}
    try:
        X = table(served.columns, rows)
        result["predictions"] = lists(served.model.predict(X))
        if hasattr(served.model, "predict_proba"):
            result["classes"] = lists(served.model.classes_)
            result["probabilities"] = lists(served.model.predict_proba(X))
        return JSONResponse(result)  # written here, in a thread, and refuses NaN
    except (ValueError, TypeError, OverflowError) as error:
        log.warning("Refused: %s", str(error).partition("\n")[0])
        raise HTTPException(422, str(error)) from error


@asynccontextmanager
async def lifespan(app):
    current_default_thread_limiter().total_tokens = N_THREADS
    stop = threading.Event()
    watcher = threading.Thread(target=app.state.file.watch, args=(app.state.watch_seconds, stop))
    watcher.start()
    yield
    stop.set()
    watcher.join()


app = FastAPI(title="A model of skneural", lifespan=lifespan)


@app.middleware("http")
async def refuse_long_requests(request: Request, call_next):
    length = request.headers.get("content-length")
    if request.method == "POST" and (length is None or int(length) > MAX_BYTES):
        detail = f"The body must have a Content-Length of at most {MAX_BYTES} bytes"
        return JSONResponse({"detail": detail}, 411 if length is None else 413)
    return await call_next(request)


@app.exception_handler(RequestValidationError)
async def explain(request, error):
    # Without the input, which may hold what JSON cannot say, such as NaN.
    problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return JSONResponse({"detail": "; ".join(problems)}, 422)


@app.get("/health")
def health():
    file = app.state.file
    served = file.served
    return {
        "status": "ok" if file.error is None else "the file could not be loaded",
        "error": file.error,
        "version": served.version,
        "loaded": served.loaded,
        "model": type(served.model).__name__,
        "columns": served.columns,
        "skneural": skneural.__version__,
    }


# Not `async`: FastAPI runs them in threads, so that a long prediction does not hold up the others.
# Each reads the model once.
@app.post("/predict")
def predict(body: Row):
    return answer(app.state.file.served, [body.row])


@app.post("/predict_batch")
def predict_batch(body: Batch):
    return answer(app.state.file.served, body.rows)


def save_iris(path):
    """Train a model to try the service with."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    network = skneural.ScratchMLPClassifier((16,), learning_rate_init=0.03, random_state=0)
    skops.io.dump(make_pipeline(StandardScaler(), network).fit(X, y), path)
    print("A model of iris flowers:", path)
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", help="a model, written by skops.io.dump")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--watch", type=float, default=WATCH_SECONDS, metavar="SECONDS")
    given = parser.parse_args()
    path = given.file or save_iris(Path(tempfile.mkdtemp()) / "model.skops")
    app.state.file, app.state.watch_seconds = ModelFile(path), given.watch
    uvicorn.run(app, host=given.host, port=given.port, access_log=False)


if __name__ == "__main__":
    main()
