"""Data sets to measure on: scikit-learn's own, and those that SKNEURAL_DATA points to."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BUNDLED = {
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
FOLDER = os.environ.get("SKNEURAL_DATA")


def is_available(name):
    return name in BUNDLED or (FOLDER is not None and _path(name).is_file())


def load(name, scaled=True, most_rows=None):
    """X and y: numbers scaled or as they are, categories one-hot, text as sparse tf-idf."""
    if name in BUNDLED:
        X, y = BUNDLED[name](return_X_y=True)
        return (StandardScaler().fit_transform(X) if scaled else X), y
    frame = pd.read_csv(_path(name))
    if most_rows is not None and len(frame) > most_rows:
        frame = frame.sample(most_rows, random_state=0)
    y = frame.pop("target").astype(str).to_numpy()
    if list(frame) == ["text"]:
        return TfidfVectorizer(min_df=2).fit_transform(frame["text"].fillna("")), y
    numbers = [SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])]
    columns = make_column_transformer(
        (make_pipeline(*numbers), make_column_selector(dtype_include=np.number)),
        (
            OneHotEncoder(drop="if_binary", min_frequency=5, handle_unknown="infrequent_if_exist"),
            make_column_selector(dtype_exclude=np.number),
        ),
        sparse_threshold=0,
    )
    return columns.fit_transform(frame), y


def digits():
    """Pixels from 0 to 1."""
    X, y = datasets.load_digits(return_X_y=True)
    return X / 16, y


def narrow():
    """10,000 x 20, two classes."""
    return datasets.make_classification(n_samples=10_000, n_features=20, random_state=0)


def wide():
    """10,000 x 784, ten classes."""
    return datasets.make_classification(
        n_samples=10_000, n_features=784, n_informative=50, n_classes=10, random_state=0
    )


def mnist():
    """The 60,000 images to train on; pixels from 0 to 1."""
    with np.load(Path(FOLDER) / "mnist.npz") as archive:
        return archive["X"][:60_000] / 255, archive["y"][:60_000].astype(int)


def text():
    """Sparse tf-idf of text messages, two classes."""
    X, y = load("sms_spam")
    return X, (y == "spam").astype(int)


def _path(name):
    return Path(FOLDER) / f"{name}.csv.gz"
