"""Models that were saved by every release load without a warning, and predict what they did.

The files are made by `tests/golden/make.py`, a folder for each release. One that no longer loads,
or predicts something else, is a promise to users that is broken: never make it anew.
"""

from extras import need

need("skops", "skops")

import json
import warnings
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import sklearn
import skops.io
from golden import make

import skneural
from skneural.estimators import version as versions_of_files

FOLDERS = sorted(
    each for each in Path(make.__file__).parent.iterdir() if (each / "expected.npz").exists()
)
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.skops"))]
each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name} {path.stem}"
)

#: Versions that may read a file one day.
LATER = {"skneural": "7.8.9", "sklearn": "9.8.7"}
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}


def expected_of(folder):
    with np.load(folder / "expected.npz", allow_pickle=False) as file:
        return dict(file)


def load(path, trusted=skneural.TRUSTED_TYPES):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return skops.io.load(path, trusted=trusted)


def check_predictions(model, name, expected):
    """Compare all that a model predicts, with the rows that are among the arrays."""
    rows = make.rows_for(model, expected["rows"], make.rows_of_table(expected))
    found = make.predictions(model, rows)
    known = {key.partition("/")[2]: expected[key] for key in expected if key.startswith(f"{name}/")}
    assert found.keys() == known.keys()
    assert known
    for method, numbers in known.items():
        assert found[method].shape == numbers.shape
        assert found[method].dtype.kind == numbers.dtype.kind
        if numbers.dtype.kind == "f":
            assert found[method].dtype == numbers.dtype
            tolerance = TOLERANCES[numbers.dtype.name]
            np.testing.assert_allclose(found[method], numbers, tolerance, tolerance)
        else:
            np.testing.assert_array_equal(found[method], numbers)


@each_file
@pytest.mark.parametrize("later", [(), ("skneural",), ("skneural", "sklearn")], ids=str)
def test_golden_files(path, later, monkeypatch):
    if "skneural" in later:
        monkeypatch.setattr(versions_of_files, "__version__", LATER["skneural"])
    if "sklearn" in later:
        monkeypatch.setattr(sklearn, "__version__", LATER["sklearn"])
    check_predictions(load(path), path.stem, expected_of(path.parent))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_has_predictions_and_they_a_file(folder):
    names = {key.partition("/")[0] for key in expected_of(folder)} - {"rows", make.TABLE_KEY}
    assert names == {path.stem for path in folder.glob("*.skops")}


def test_this_release_has_golden_files():
    """Fails once the version has been raised: run tests/golden/make.py, and commit its folder."""
    assert skneural.__version__ in [folder.name for folder in FOLDERS]


def test_the_files_of_this_release_name_every_trusted_type():
    """A new one needs a line in tests/golden/make.py."""
    folder = FOLDERS[0].parent / skneural.__version__
    named = [skops.io.get_untrusted_types(file=path) for path in folder.glob("*.skops")]
    assert sorted(set().union(*named)) == list(skneural.TRUSTED_TYPES)


def test_the_folder_is_small():
    sizes = [path.stat().st_size for folder in FOLDERS for path in folder.iterdir()]
    assert sum(sizes) <= 200_000 * len(FOLDERS)


@each_file
def test_nothing_in_a_file_is_of_one_version_of_numpy(path):
    """Arrays and generators, but no scalars of NumPy: the names of their types have changed."""
    named = set()

    def look(node):
        if isinstance(node, dict):
            if node.get("__loader__") == "NdArrayNode":
                named.add(f"{node['__module__']}.{node['__class__']}")
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                look(part)

    with ZipFile(path) as file:
        look(json.loads(file.read("schema.json")))
    assert named == {"numpy.ndarray"} or not named


def test_the_script_writes_such_a_folder(tmp_path):
    folder = tmp_path / "next"
    make.write(folder)
    expected = expected_of(folder)
    names = [path.stem for path in folder.glob("*.skops")]
    assert sorted(names) == sorted(make.MODELS)
    for name in names:
        check_predictions(load(folder / f"{name}.skops"), name, expected)
    with pytest.raises(FileExistsError):
        make.write(folder)
