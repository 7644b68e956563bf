"""Latency of one row: ours, scikit-learn's and onnxruntime's, and over HTTP; memory of a process.

    python benchmarks/serving.py [calls]

Needs ``skneural[onnx,skops]``, fastapi and uvicorn. The models take turns, call by call, so that
whatever else the machine does meets all alike; each has one thread. The network is the same in all
three: scikit-learn's is fitted with the same data and seed, onnxruntime runs what ours is converted
to. On a busy machine the 99th percentile is how long a call has waited for a core, so that of the
processor's time is given too. Over HTTP one client asks on a connection that stays open
(examples/serve.py); /health predicts nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import skops.io
from _pairs import environment, markdown_table
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skneural import ScratchLogisticRegression, ScratchMLPClassifier
from skneural.onnx import to_onnx

EXAMPLE = Path(__file__).parents[1] / "examples" / "serve.py"
X, Y = load_digits(return_X_y=True)
X = X / 16
SETTINGS = {"max_iter": 3, "random_state": 0}
MODELS = {
    "network, (100,)": (ScratchMLPClassifier, MLPClassifier, {}),
    "network, (256, 256)": (
        ScratchMLPClassifier,
        MLPClassifier,
        {"hidden_layer_sizes": (256, 256)},
    ),
    "logistic regression": (ScratchLogisticRegression, LogisticRegression, {}),
}

MEMORY = """
from pathlib import Path
{imports}
{load}
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024)
"""
LOADS = {
    "NumPy alone": ("import numpy", ""),
    "skneural, skops": (
        "import skneural, skops.io",
        "skops.io.load({skops!r}, trusted=skneural.TRUSTED_TYPES).predict([[0.0] * 64])",
    ),
    "onnxruntime": (
        "import numpy as np, onnxruntime",
        "onnxruntime.InferenceSession({onnx!r}).run(None, {{'X': np.zeros((1, 64))}})",
    ),
}


def session_of(model, dtype):
    """One row to probabilities, by onnxruntime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = to_onnx(model, X[:1].astype(dtype)).SerializeToString()
    session = onnxruntime.InferenceSession(content, options)
    return lambda row: session.run(["probabilities"], {"X": row})[0]


def microseconds(tasks, n_calls):
    """Wall-clock and processor's time of every call, (2, n_calls, n_tasks), after a warm-up."""
    times = np.empty((2, n_calls, len(tasks)))
    for i in range(n_calls):
        for j in np.roll(np.arange(len(tasks)), i):
            start, start_of_thread = time.perf_counter_ns(), time.thread_time_ns()
            tasks[j]()
            times[1, i, j] = time.thread_time_ns() - start_of_thread
            times[0, i, j] = time.perf_counter_ns() - start
    return times[:, n_calls // 10 :] / 1000


def quantiles(times):
    """p50 and p99 of each task, as text."""
    return [f"{p50:.0f} / {p99:.0f}" for p50, p99 in np.quantile(times, [0.5, 0.99], axis=0).T]


def rows_of_models(n_calls):
    rows = []
    for name, (our_class, their_class, settings) in MODELS.items():
        for dtype in (np.float64, np.float32):
            ours, theirs = (
                kind(**SETTINGS, **settings).fit(X.astype(dtype), Y)
                for kind in (our_class, their_class)
            )
            methods = ours.predict_proba, theirs.predict_proba, session_of(ours, dtype)
            row = X[:1].astype(dtype)
            if "network" in name:
                assert max(abs(method(row) - methods[0](row)).max() for method in methods) < 1e-4
            tasks = [lambda method=method, row=row: method(row) for method in methods]
            times = microseconds(tasks, n_calls)
            for clock, each in zip(("wall", "processor"), times, strict=True):
                rows.append([name, np.dtype(dtype).name, clock, *quantiles(each)])
    return rows


@contextmanager
def running(file):
    """A connection to the example, with this model."""
    command = [sys.executable, EXAMPLE, file, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = next(found[1] for line in process.stderr if (found := re.search(r":(\d+) ", line)))
        with closing(http.client.HTTPConnection("127.0.0.1", int(port))) as connection:
            yield connection, process.pid
    finally:
        process.terminate()
        process.wait()


def ask(connection, path, body=None):
    method = "GET" if body is None else "POST"
    connection.request(method, path, body, {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def processor_time(pid):
    """Seconds that a process has had of a core, as Linux counts them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def over_http(file, rows, n_calls):
    """Times of requests and processor's time of the service, as text, and its memory in MB."""
    one, batch = json.dumps({"row": rows[0]}), json.dumps({"rows": rows[:100]})
    with running(file) as (connection, pid):
        tasks = [
            lambda: ask(connection, "/health"),
            lambda: ask(connection, "/predict", one),
            lambda: ask(connection, "/predict_batch", batch),
        ]
        cells = quantiles(microseconds(tasks, n_calls)[0])
        for i, task in enumerate(tasks):
            start = processor_time(pid)
            for _ in range(n_calls):
                task()
            cells[i] += f" / {(processor_time(pid) - start) / n_calls * 1e6:.0f}"
        status = Path(f"/proc/{pid}/status").read_text()
    return cells, int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def memory_of(files):
    """Megabytes that a process takes which has predicted one row."""
    for name, (imports, load) in LOADS.items():
        code = MEMORY.format(imports=imports, load=load.format(**files))
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        yield name, float(run.stdout)


def main():
    warnings.simplefilter("ignore")
    n_calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # of the processes that are started
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        print(environment() + f"; onnxruntime {onnxruntime.__version__}; {n_calls} calls\n")
        print("predict_proba of one row of digits, microseconds, p50 / p99:\n")
        header = ["model", "dtype", "clock", "skneural", "scikit-learn", "onnxruntime"]
        print(markdown_table(header, rows_of_models(n_calls)))

        frame = pd.DataFrame(X).rename(columns="pixel {}".format)
        http_rows = []
        for name, data, rows in (
            ("lists", X, X.tolist()),
            ("objects with names", frame, frame.to_dict("records")),
        ):
            model = ScratchMLPClassifier(**SETTINGS).fit(data, Y)
            skops.io.dump(model, f"{folder}/{name}.skops")
            cells, memory = over_http(f"{folder}/{name}.skops", rows, n_calls // 4)
            http_rows.append([name, *cells])
        files = {"skops": f"{folder}/lists.skops", "onnx": f"{folder}/model.onnx"}
        Path(files["onnx"]).write_bytes(to_onnx(model, X[:1]).SerializeToString())
        print("\nThe network (100,) over HTTP, microseconds:")
        print("p50 / p99 by the clock / processor's time of the service:\n")
        print(markdown_table(["rows as", "/health", "/predict", "/predict_batch, 100"], http_rows))
        print("\nMemory of a process that has predicted, MB:\n")
        memories = [*memory_of(files), ("examples/serve.py", memory)]
        print(markdown_table(["process", "MB"], [[n, f"{each:.0f}"] for n, each in memories]))


if __name__ == "__main__":
    main()
