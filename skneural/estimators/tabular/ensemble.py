"""What a fit on a table leaves: an ensemble of networks that predicts, and its out-of-fold figures.

All of it is one object in one attribute of the estimator, replaced by a single assignment, as for
the other estimators (`skneural.estimators.model`). In a pickle it is plain data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skneural.activations import Activation, activation_named
from skneural.arrays.lazy_property import lazy_property
from skneural.arrays.matrices import FloatArray
from skneural.estimators.data import stand_in
from skneural.estimators.table.fitted import plain_data, row_runs, run_length
from skneural.estimators.table.reading import CheckedTable, about_all_rows
from skneural.estimators.tabular.inputs import Inputs, Layout, MemberTable
from skneural.estimators.tabular.outputs import (
    Classes,
    NumbersOfMembers,
    SinglePrecision,
    outputs_from_dict,
)
from skneural.estimators.version import check_format
from skneural.layers import Arrays
from skneural.minimizers.joint import JointHistory
from skneural.network import Network
from skneural.table_network import table_network
from skneural.workspace import PredictionMemory

#: Of the dicts in a pickle. A later version that changes them reads the earlier ones.
FORMAT = 3


@dataclass(frozen=True)
class Shape:
    """What the network of every member is made of.

    Attributes
    ----------
    layout : Layout
    n_outputs : int
    hidden_layer_sizes : tuple of int
    activation : str or Activation
    is_parametric : bool
    frequency_scale : float
        0 for no embedding.
    n_frequencies, n_sums : int
        Of the embedding, for each column.
    """

    layout: Layout
    n_outputs: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str | Activation
    is_parametric: bool
    frequency_scale: float
    n_frequencies: int
    n_sums: int

    def network(self, dropout: float = 0.0) -> Network:
        """The network, with dropout for training."""
        layout = self.layout if self.frequency_scale else self.layout.without_embedding()
        activation = self.activation
        if not isinstance(activation, Activation):
            activation = activation_named(activation)
        return table_network(
            layout.numbers,
            layout.others,
            self.n_outputs,
            activation,
            hidden=self.hidden_layer_sizes,
            sigma=self.frequency_scale,
            n_frequencies=self.n_frequencies,
            n_sums=self.n_sums,
            dropout=dropout,
            is_parametric=self.is_parametric,
        )


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What predicts.

    Attributes
    ----------
    table : MemberTable
        From raw columns to inputs.
    shape : Shape
    params : ndarray of shape (n_checkpoints, K, n_params)
        In float32.
    outputs : Classes or NumbersOfMembers
    """

    table: MemberTable
    shape: Shape
    params: FloatArray
    outputs: Classes | NumbersOfMembers

    @property
    def n_features(self) -> int:
        """Number of columns of the table."""
        return self.table.n_features

    @property
    def feature_names(self) -> npt.NDArray[Any] | None:
        """Their names, if all are strings."""
        return self.table.feature_names

    @lazy_property
    def network(self) -> Network:
        """That of every member."""
        return self.shape.network()

    @lazy_property
    def _arrays(self) -> dict[str, list[Arrays]]:
        """The arrays of the layers in single and in double precision."""
        flat = self.params.reshape(-1, self.params.shape[-1])
        return {
            dtype: self.network.arrays(flat.astype(dtype, copy=False))
            for dtype in ("float32", "float64")
        }

    def value_chunks(
        self, estimator: Any, X: Any
    ) -> tuple[int, str, Iterator[tuple[slice, FloatArray]]]:
        """The number of rows, the dtype of results, and what each network says of runs of rows.

        Parameters
        ----------
        estimator : estimator
            For its name.
        X : data frame, array or list

        Returns
        -------
        n_rows : int
        dtype : {'float32', 'float64'}
            The former if X is an array of it.
        chunks : iterator of (slice, ndarray)
            Values of shape (n_checkpoints, K, n_rows, n_outputs), see `Outputs.of_networks`.
        """
        n_rows, dtype, chunks = self.raw_chunks(estimator, X)
        values = ((rows, self.outputs.of_networks(raw)) for rows, raw in chunks)
        return n_rows, dtype, values

    def raw_chunks(
        self, estimator: Any, X: Any
    ) -> tuple[int, str, Iterator[tuple[slice, FloatArray]]]:
        """The same for raw outputs."""
        n_networks = math.prod(self.params.shape[:2])
        width = self.n_features + n_networks * self.network.n_outputs
        table = CheckedTable(
            estimator, stand_in(estimator, self), X, reset=False, n_first=run_length(width)
        )
        is_single = isinstance(X, np.ndarray) and X.dtype == np.float32
        dtype = "float32" if is_single else "float64"
        return table.shape[0], dtype, self._raw_chunks(table, width, dtype)

    def _raw_chunks(
        self, table: CheckedTable, width: int, dtype: str
    ) -> Iterator[tuple[slice, FloatArray]]:
        for rows in row_runs(table.shape[0], width):
            with about_all_rows(lambda: self.table.columns.read(table.columns())):
                inputs = self.table.transform(table.columns(rows)).astype(dtype)
            yield rows, self.raw_outputs(inputs, dtype)

    def raw_outputs(self, inputs: Inputs, dtype: str) -> FloatArray:
        """Raw outputs of all networks for these inputs, of that dtype."""
        n_checkpoints, n_members = self.params.shape[:2]
        n_rows, arrays = len(inputs.shared), self._arrays[dtype]
        shape = (n_checkpoints, n_members, n_rows, self.network.n_outputs)
        raw = np.empty(shape, dtype=dtype)
        if inputs.own is None:
            flat = raw.reshape(-1, n_rows, self.network.n_outputs)
            chunks = self.network.raw_chunks(arrays, inputs.shared, dtype, (len(flat),))
            for rows, chunk in chunks:
                flat[:, rows] = chunk
            return raw
        memory = PredictionMemory(self.network, dtype, (n_checkpoints,))
        for k in range(n_members):
            X = inputs.of_member(k)
            of_member = [tuple(each[k::n_members] for each in own) for own in arrays]
            chunks = self.network.raw_chunks(of_member, X, dtype, (n_checkpoints,), memory)
            for rows, chunk in chunks:
                raw[:, k, rows] = chunk
        return raw

    def to_dict(self) -> dict[str, Any]:
        """The ensemble as plain data."""
        # The layout is what the table says; the activation may be an object of the user's.
        shape = {name: value for name, value in vars(self.shape).items() if name != "layout"}
        return {
            "table": plain_data(self.table),
            "shape": shape,
            "params": self.params,
            "outputs": self.outputs.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        table = MemberTable.from_dict(plain["table"])
        return cls(
            table,
            Shape(layout=table.layout, **plain["shape"]),
            plain["params"],
            outputs_from_dict(plain["outputs"]),
        )


@dataclass(frozen=True)
class TableOutcome:
    """How a fit ended, in numbers: kept by `for_prediction` too.

    Attributes
    ----------
    n_iter : int
    best_iteration : ndarray of int of shape (n_checkpoints,)
        The epoch of each checkpoint, counted from 1.
    score : float
        Of single members, for rows that they were not trained on.
    is_out_of_fold : bool
        Whether these are their folds; otherwise validation rows of the user's own.
    stop_reason : str
    settings : dict
        Of the training, by the names of the parameters.
    """

    n_iter: int
    best_iteration: npt.NDArray[np.intp]
    score: float
    is_out_of_fold: bool
    stop_reason: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """All that a fit leaves.

    Attributes
    ----------
    model : Ensemble
    outcome : TableOutcome
    history : JointHistory or None
        None for a copy that only predicts.
    out_of_fold : SinglePrecision or None
        Numbers, of shape (n_rows,), or logits, as `Outputs.predictions` takes them. None likewise,
        and if validation rows were given.
    """

    model: Ensemble
    outcome: TableOutcome
    history: JointHistory | None = None
    out_of_fold: SinglePrecision | None = None

    @property
    def oof_predictions(self) -> FloatArray | None:
        """What is predicted out of fold, of shape (n_rows,) or (n_rows, n_classes), in float64."""
        if self.out_of_fold is None:
            return None
        return self.model.outputs.predictions(self.out_of_fold.in_double_precision())

    def copy(self) -> Self:
        """A copy that shares no parameters."""
        model = self.model
        model = Ensemble(model.table, model.shape, model.params.copy(), model.outputs)
        return replace(self, model=model)

    def to_dict(self) -> dict[str, Any]:
        """All as plain data."""
        data = {
            "format": FORMAT,
            "model": self.model.to_dict(),
            "outcome": dict(vars(self.outcome)),
        }
        if self.history is not None:
            data["history"] = self.history.to_dict()
        if self.out_of_fold is not None:
            data["out_of_fold"] = dict(vars(self.out_of_fold))
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` has been made from.

        Raises
        ------
        ValueError
            If a later version of skneural has made it.
        """
        check_format(data["format"], FORMAT)
        model, history = Ensemble.from_dict(data["model"]), data.get("history")
        out_of_fold = data.get("out_of_fold")
        if "oof_predictions" in data:  # in files of before
            out_of_fold = {"values": model.outputs.of_predictions(data["oof_predictions"])}
        return cls(
            model,
            TableOutcome(**data["outcome"]),
            None if history is None else JointHistory.from_dict(history),
            None if out_of_fold is None else SinglePrecision(**out_of_fold),
        )


def with_all_rows(fitted: FittedEnsemble, kept: npt.NDArray[np.bool_] | None) -> FittedEnsemble:
    """The same with out-of-fold predictions for all rows of the user: NaN for those not kept."""
    if fitted.out_of_fold is None or kept is None:
        return fitted
    return replace(fitted, out_of_fold=fitted.out_of_fold.among(kept))
