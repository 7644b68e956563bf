"""Searches, studies, passes over data and scoring by engines that use many machines, tried on one.

    python benchmarks/beyond_one_machine.py [engine ...]

Runs those of dask, ray, dask-ml, optuna and spark that are installed (dask needs distributed, spark
needs pyspark, pandas and Java), each in a process of its own, and prints a table: is the result the
one that this process has without the engine, bit for bit, and what else was counted? Memory is the
resident set of a worker as Linux counts it: before, and at its peak.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

# What workers do not need is imported in functions: processes that are spawned import this module.
import numpy as np

#: Of the array that does not fit: 1 GB in 100 blocks, and what a worker may use.
N_BLOCKS, BLOCK_SHAPE, MEMORY_LIMIT = 100, (12_500, 100), "500MB"
N_TRIALS, N_STUDY_PROCESSES = 60, 3


def digits():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def searches():
    """By name: a search over settings objects, its X and its y."""
    import pandas as pd
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import skneural
    from skneural.losses import Huber, LogLoss
    from skneural.optimizers import AdamW
    from skneural.schedules import Cosine, LinearWarmUp

    solvers = [AdamW(weight_decay=0.01), AdamW(weight_decay=0.1), "sgd"]
    shared = {"hidden_layer_sizes": (16,), "max_iter": 5, "random_state": 0}
    schedule = LinearWarmUp(n_epochs=2, then=Cosine())
    classifier = skneural.ScratchMLPClassifier(
        **shared, loss=LogLoss(label_smoothing=0.1), learning_rate=schedule, early_stopping=True
    )
    regressor = skneural.ScratchMLPRegressor(**shared, loss=Huber())
    logistic = skneural.ScratchLogisticRegression(max_iter=10)
    tabular = skneural.TabularMLPClassifier(cv=2, max_iter=3, random_state=0)
    X, y = digits()
    numbers, targets = load_diabetes(return_X_y=True)
    table = pd.DataFrame(numbers).add_prefix("c")
    table["kind"] = np.where(table["c0"] > 0, "high", "low")
    of_network = {"model__solver": solvers, "model__alpha": [1e-4, 1e-2]}

    def piped(model, grid):
        pipeline = make_pipeline(StandardScaler(), model)
        pipeline.steps[-1] = ("model", model)
        return GridSearchCV(pipeline, grid, cv=2, n_jobs=-1)

    return {
        "network": (piped(classifier, of_network), X, y),
        "regressor": (piped(regressor, of_network), numbers, targets),
        "logistic": (
            piped(logistic, {"model__C": [0.1, 1], "model__solver": ["lbfgs", "newton-cg"]}),
            X,
            y,
        ),
        "perceptron": (piped(skneural.ScratchPerceptron(), {"model__alpha": [0, 0.1]}), X, y),
        "raw table": (
            GridSearchCV(tabular, {"hidden_layer_sizes": [8, 16]}, cv=2, n_jobs=-1),
            table,
            targets > np.median(targets),
        ),
    }


def result(search):
    """Scores of all candidates and the best model, as one hash of all their bytes."""
    import joblib

    scores = {k: v for k, v in search.cv_results_.items() if "test_score" in k}
    best = search.best_estimator_
    model = best[-1] if hasattr(best, "steps") else best
    return joblib.hash((scores, model.for_prediction()))


def with_callbacks(search, *callbacks):
    """The same search over a pipeline, whose network is given these callbacks."""
    search.estimator[-1].set_callbacks(*callbacks)
    return search


def row(what, equal="", note=""):
    return {"what": what, "equal": {True: "yes", False: "NO"}.get(equal, equal), "counted": note}


def by_joblib(backend, **options):
    """Rows of a table: searches by a backend of joblib, and what happens when fits fail."""
    import joblib

    expected = {}
    for name, (search, X, y) in searches().items():
        with joblib.parallel_config("sequential"):
            expected[name] = result(search.fit(X, y))
        with joblib.parallel_config(backend, **options):
            equal = result(search.fit(X, y)) == expected[name]
        n_fits = 2 * len(search.cv_results_["params"])
        yield row(f"GridSearchCV, {name}", equal, f"{n_fits} fits in workers")
    yield _two_threads(backend, options)

    def equals_expected(*callbacks):
        search, X, y = searches()["network"]
        with joblib.parallel_config(backend, **options):
            return result(with_callbacks(search, *callbacks).fit(X, y)) == expected["network"]

    yield _with_callbacks(equals_expected)
    yield from _failures(equals_expected)
    yield row("the same search, after all that", equals_expected())


def _with_callbacks(equals_expected):
    """A search whose fits write down their epochs, and keep checkpoints."""
    from skneural.callbacks import Checkpoint, OnEpochEnd

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "lines")

        def write(epoch):
            from threadpoolctl import threadpool_info

            threads = [each["num_threads"] for each in threadpool_info() if _is_blas(each)]
            with lines.open("a") as file:
                print(os.getpid(), epoch.fit, epoch.number, max(threads), file=file)

        equal = equals_expected(OnEpochEnd(write), Checkpoint(Path(folder, "network.checkpoint")))
        epochs = [line.split() for line in lines.read_text().splitlines()]
        in_workers = [epoch for epoch in epochs if int(epoch[0]) != os.getpid()]
        return row(
            "with OnEpochEnd and Checkpoint",
            equal,
            f"{len(epochs)} epochs of {len({epoch[1] for epoch in epochs})} fits in"
            f" {len({epoch[0] for epoch in in_workers})} workers and here,"
            f" {len(list(Path(folder).glob('*.checkpoint')))} files,"
            f" {max(int(epoch[3]) for epoch in in_workers)} thread of BLAS",
        )


def _failures(equals_expected):
    """A search of which one worker dies, one whose fits all fail, and one that is interrupted."""
    from skneural.callbacks import OnEpochEnd

    def end_one_process(epoch):
        try:
            Path(folder, "to be renamed").rename(Path(folder, "renamed"))  # succeeds once
        except FileNotFoundError:
            return
        os._exit(3)

    def fail(epoch):
        raise ValueError("of the callback")

    def wait(epoch):
        time.sleep(0.2)

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "to be renamed").touch()
        outcome = _what_comes_of(lambda: equals_expected(OnEpochEnd(end_one_process)))
        yield row("a worker dies in a fit", *outcome)
    yield row("every fit fails", *_what_comes_of(lambda: equals_expected(OnEpochEnd(fail))))
    interrupt = threading.Timer(2, os.kill, [os.getpid(), signal.SIGINT])
    interrupt.start()
    yield row("Ctrl-C here", *_what_comes_of(lambda: equals_expected(OnEpochEnd(wait))))


def _two_threads(backend, options):
    """A network whose products are shared by two threads of BLAS here, and by none in a worker."""
    import joblib
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_info, threadpool_limits

    from skneural import ScratchMLPClassifier

    X, y = digits()
    network = ScratchMLPClassifier((256, 128), batch_size=300, max_iter=5, random_state=0)
    search = GridSearchCV(network, {"alpha": [1e-4, 1e-2]}, cv=2, n_jobs=-1)
    hashes = []
    for name, n_threads in [(backend, 1), ("sequential", 1), ("sequential", None)]:
        settings = options if name == backend else {}
        with threadpool_limits(n_threads), joblib.parallel_config(name, **settings):
            hashes.append(result(search.fit(X, y)))
    threads = max(each["num_threads"] for each in threadpool_info() if _is_blas(each))
    apart = "the same too" if hashes[0] == hashes[2] else "not the same bits"
    note = f"compared with a limit of 1 thread; with the {threads} that are here: {apart}"
    return row("network of long products", hashes[0] == hashes[1], note)


def _what_comes_of(function):
    started = time.perf_counter()
    try:
        outcome, note = function(), "the search went on"
    except BaseException as error:
        outcome, note = "", f"{type(error).__name__} came out of fit"
    return outcome, f"{note}, after {time.perf_counter() - started:.0f} s"


def _is_blas(library):
    return library["user_api"] == "blas"


def local_cluster(n_workers, memory_limit="auto"):
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        memory_limit=memory_limit,
        dashboard_address=None,
        silence_logs="CRITICAL",
    )


def dask():
    from distributed import Client

    with local_cluster(2) as cluster, Client(cluster):
        yield from by_joblib("dask", wait_for_workers_timeout=60)


def ray():
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    yield from by_joblib("ray")
    ray.shutdown()


def block(i):
    return np.random.default_rng(i).standard_normal(BLOCK_SHAPE)


def labels_of(X):
    return (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def memory(forget=False):
    """Megabytes of this process: now, and at its peak since it was told to forget."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    return int(values["VmRSS"]) / 1000, int(values["VmHWM"]) / 1000


def learn(model, X, y):
    """A copy that has learnt more: a task of dask must leave alone what it is given."""
    return copy.deepcopy(model).partial_fit(X, y, classes=[0, 1])


def dask_ml():
    """Passes over an array of dask that does not fit into the memory of the one worker."""
    import dask.array as da
    import joblib
    from dask import delayed
    from distributed import Client

    from skneural import ScratchMLPClassifier

    made = delayed(block)
    X = da.concatenate([da.from_delayed(made(i), BLOCK_SHAPE, float) for i in range(N_BLOCKS)])
    y = X.map_blocks(labels_of, drop_axis=1, dtype=int)
    network = ScratchMLPClassifier(hidden_layer_sizes=(16,), batch_size=500, random_state=0)
    by_hand = copy.deepcopy(network)
    for i in range(N_BLOCKS):
        rows = block(i)
        by_hand.partial_fit(rows, labels_of(rows), classes=[0, 1])
    predicted = np.concatenate([by_hand.predict(block(i)) for i in range(N_BLOCKS)])
    yield row("the array", "", f"{X.nbytes / 1e6:.0f} MB in blocks of {block(0).nbytes / 1e6:.0f}")

    def chained():
        model = delayed(network)
        for rows, labels in zip(X.to_delayed()[:, 0], y.to_delayed(), strict=True):
            model = delayed(learn)(model, rows, labels)
        return joblib.hash(model.compute()) == joblib.hash(by_hand)

    def incremental():
        from dask_ml.wrappers import Incremental

        model = Incremental(network, shuffle_blocks=False).fit(X, y, classes=[0, 1])
        return joblib.hash(model.estimator_) == joblib.hash(by_hand)

    def mapped():
        classes = X.map_blocks(by_hand.predict, drop_axis=1, dtype=int)
        return np.array_equal(classes.compute(), predicted)

    def parallel_post_fit():
        from dask_ml.wrappers import ParallelPostFit

        return np.array_equal(ParallelPostFit(by_hand).predict(X).compute(), predicted)

    tasks = {"partial_fit in a chain of dask.delayed": chained, "predict by map_blocks": mapped}
    if _is_installed("dask-ml"):
        tasks["dask-ml, Incremental"] = incremental
        tasks["dask-ml, ParallelPostFit"] = parallel_post_fit
    for name, task in tasks.items():
        # A new worker each: what an earlier task has left in one is not the question.
        with local_cluster(1, MEMORY_LIMIT) as cluster, Client(cluster) as client:
            client.submit(learn, network, np.eye(4), [0, 1, 0, 1]).result()  # imports
            ((before, _),) = client.run(memory, forget=True).values()
            equal = task()
            ((_, peak),) = client.run(memory).values()
        yield row(
            name, equal, f"worker of {MEMORY_LIMIT}: {before:.0f} MB, then at most {peak:.0f}"
        )


def optuna():
    """One study in some processes, by way of a database and by way of a file."""
    import _study
    import optuna

    with tempfile.TemporaryDirectory() as folder:
        for kind, place in [
            ("sqlite", f"sqlite:///{folder}/study.db"),
            ("journal file", f"{folder}/study.log"),
        ]:
            storage = _study.storage_at(place)
            optuna.create_study(study_name="digits", storage=storage, direction="maximize")
            processes = [
                subprocess.Popen([sys.executable, _study.__file__, place, str(i), str(N_TRIALS)])
                for i in range(N_STUDY_PROCESSES)
            ]
            codes = [process.wait() for process in processes]
            study = optuna.load_study(study_name="digits", storage=_study.storage_at(place))
            trials = study.trials
            states = [trial.state.name for trial in trials]
            again = _study.network_of(optuna.trial.FixedTrial(study.best_params))
            again.fit(_study.X, _study.y)
            epochs = sum(len(trial.intermediate_values) for trial in trials)
            yield row(
                f"a study in {N_STUDY_PROCESSES} processes, {kind}",
                again.best_validation_score_ == study.best_value,
                f"{len(trials)} trials: {states.count('COMPLETE')} complete,"
                f" {states.count('PRUNED')} pruned; {epochs} epochs of"
                f" {again.max_iter * len(trials)}; exit codes {codes}",
            )


def spark():
    """A model that scores a frame of Spark, in processes of Python beside Java's."""
    import pandas as pd
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import pandas_udf, struct

    from skneural import ScratchMLPClassifier

    X, y = digits()
    frame = pd.DataFrame(X).add_prefix("pixel")
    network = ScratchMLPClassifier(hidden_layer_sizes=(16,), max_iter=20, random_state=0)
    network.fit(frame, y)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = session.config("spark.driver.memory", "512m")
    session = session.config("spark.ui.showConsoleProgress", "false")
    session = session.config("spark.driver.host", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    rows = session.createDataFrame(frame.assign(row=range(len(frame)))).repartition(4)
    model = session.sparkContext.broadcast(network.for_prediction())

    # Without the annotations of this module, which are text: Spark reads them.
    def predict(parts):
        for part in parts:
            yield pd.Series(model.value.predict(part))

    def predict_proba(parts):
        for part in parts:
            yield pd.Series(list(model.value.predict_proba(part)))

    columns = struct(*frame.columns)
    for function in (predict, predict_proba):
        function.__annotations__ = {
            "parts": Iterator[pd.DataFrame],
            "return": Iterator[pd.Series],
        }
    scored = rows.select(
        "row",
        pandas_udf(predict, "long")(columns).alias("predicted"),
        pandas_udf(predict_proba, "array<double>")(columns).alias("probability"),
    )
    scored = scored.toPandas().sort_values("row")
    yield row("pandas_udf, classes", np.array_equal(scored["predicted"], network.predict(frame)))
    probability = np.stack(scored["probability"])
    error = np.abs(probability - network.predict_proba(frame)).max()
    yield row("pandas_udf, probabilities", f"to {error:.0e}")
    session.stop()


PACKAGES = ["scikit-learn", "joblib", "dask", "distributed", "dask-ml", "ray", "optuna", "pyspark"]

#: By name: what makes the rows of the table, and what it needs.
ENGINES = {
    "dask": (dask, ["distributed"]),
    "ray": (ray, ["ray"]),
    "dask-ml": (dask_ml, ["distributed"]),
    "optuna": (optuna, ["optuna"]),
    "spark": (spark, ["pyspark", "pandas"]),
}


def _is_installed(package):
    return find_spec(package.replace("scikit-learn", "sklearn").replace("-", "_")) is not None


def main(names):
    if names[:1] == ["--rows"]:
        warnings.simplefilter("ignore")
        for each in ENGINES[names[1]][0]():
            print(json.dumps(each), flush=True)
        return
    print(", ".join(f"{each} {version(each)}" for each in PACKAGES if _is_installed(each)) + "\n")
    print("| engine | what | equal? | counted |\n|---|---|---|---|", flush=True)
    for name in names or ENGINES:
        needed = ENGINES[name][1]
        if not all(map(_is_installed, needed)):
            print(f"| {name} | not installed | | |", flush=True)
            continue
        with subprocess.Popen(
            [sys.executable, __file__, "--rows", name],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stdout:
                if line.startswith('{"what"'):
                    cells = json.loads(line)
                    print("|", " | ".join([name, *cells.values()]), "|", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
