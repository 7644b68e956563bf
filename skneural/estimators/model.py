"""What a fit leaves: a model that predicts, numbers about the training, and its state.

All three are one object, `Fitted`, in one attribute of the estimator. A fit, or a setter, replaces
it by a single assignment, and a prediction reads it once: so no prediction sees half of one model
and half of another, whatever other threads do meanwhile.

In a pickle they are dicts of plain data with a format number, so that no class of ours but the
estimators and the settings objects that users pass is named in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot

from skneural.activations import ACTIVATIONS, Activation, activation_named
from skneural.arrays.matrices import FloatArray, Matrix, row_chunks
from skneural.estimators.digest import digest_of_settings
from skneural.estimators.label_columns import LabelColumns
from skneural.estimators.target_contract import Targets
from skneural.estimators.targets import Labels, Numbers
from skneural.estimators.version import check_format
from skneural.layers import Arrays
from skneural.minimizers.history import History
from skneural.minimizers.state import (
    Record,
    TrainingState,
    generator_from_state,
    generator_state,
)
from skneural.network import Network, dense_network

#: Of the dicts in a pickle. A later version that changes them reads the earlier ones.
FORMAT = 1

#: Fields of a `Record` that an `Outcome` has too.
IN_OUTCOME = ("n_iter", "n_samples_seen", "loss")

#: What an encoding of targets in a pickle is recognised by.
KINDS_OF_TARGETS: dict[str, type[Labels] | type[LabelColumns] | type[Numbers]] = {
    "classes": Labels,
    "columns": LabelColumns,
    "n_targets": Numbers,
}

#: What a sparse matrix is made of.
CSR_ARRAYS = ("data", "indices", "indptr")

#: The activation functions of a fitted network: that of all hidden layers, or one for each.
Activations = Activation | tuple[Activation, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """What predicts. Training never writes to it.

    Attributes
    ----------
    n_features : int
    feature_names : ndarray of str or None
        None if X had none that are all strings.
    layer_sizes : tuple of int
    activation : Activation or tuple of Activation
        Of the hidden layers.
    params : ndarray of shape (n_params,)
        Empty for a template.
    targets : Labels, LabelColumns or Numbers
        What raw outputs stand for.
    sparse_coef : CSR matrix of shape (n_outputs, n_features) or None, default=None
        The weights of a linear model, if they are kept so; `params` then has the intercepts alone.
    """

    n_features: int
    feature_names: npt.NDArray[Any] | None
    layer_sizes: tuple[int, ...]
    activation: Activations
    params: FloatArray
    targets: Targets
    sparse_coef: Any = None
    network: Network = field(init=False, repr=False)
    arrays: list[Arrays] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        network = dense_network(self.layer_sizes, self.activation, check_input=False)
        # Made once, since for a single row they would cost more than the prediction. None for a
        # template, whose parameters are still to come.
        is_whole = len(self.params) == network.n_params
        arrays = network.arrays(self.params) if is_whole else []
        self.__dict__.update(network=network, arrays=arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the parameters."""
        return self.params.dtype

    def raw_chunks(self, X: Matrix) -> Iterator[tuple[slice, FloatArray]]:
        """Raw outputs of validated rows, in runs of rows, in arrays that may be overwritten."""
        if self.sparse_coef is None:
            return self.network.raw_chunks(self.arrays, X, self.params.dtype)
        return self._raw_chunks_of_sparse(X)

    def _raw_chunks_of_sparse(self, X: Matrix) -> Iterator[tuple[slice, FloatArray]]:
        for rows, chunk in row_chunks(X, self.layer_sizes, self.params.dtype):
            raw: FloatArray = safe_sparse_dot(chunk, self.sparse_coef.T, dense_output=True)
            yield rows, raw + self.params

    def with_params(self, params: FloatArray, sparse_coef: Any = None) -> Model:
        """The same model with other parameters; intercepts that a linear one lacks are zero.

        Raises
        ------
        ValueError
            If they are not those of the network that the model is made of.
        """
        n_missing = self.network.n_params - len(params)
        if sparse_coef is None and self.layer_sizes[1:] == (n_missing,):
            params = np.concatenate([params, np.zeros(n_missing, dtype=params.dtype)])
        elif sparse_coef is None and len(params) not in (0, self.network.n_params):
            raise ValueError(
                f"A model with layers of {self.layer_sizes} units has {self.network.n_params} "
                f"parameters, got {len(params)}: what predicts is always a chain of dense layers "
                "and activation functions."
            )
        model = object.__new__(Model)
        is_whole = len(params) == self.network.n_params
        arrays = self.network.arrays(params) if is_whole else []
        model.__dict__.update(self.__dict__, params=params, sparse_coef=sparse_coef, arrays=arrays)
        return model

    def dense(self) -> Model:
        """The same model with all its weights, also those that are zero."""
        if self.sparse_coef is None:
            return self
        weights = self.sparse_coef.toarray().T.ravel()
        return self.with_params(np.concatenate([weights, self.params]))

    def to_dict(self) -> dict[str, Any]:
        """The model as plain data."""
        names = ("n_features", "feature_names", "layer_sizes", "params")
        data = {name: value for name in names if (value := getattr(self, name)) is not None}
        data["activation"] = names_of_activations(self.activation)
        if self.sparse_coef is not None:
            data["sparse_coef"] = {
                "shape": self.sparse_coef.shape,
                **{name: getattr(self.sparse_coef, name) for name in CSR_ARRAYS},
            }
        return {**data, "targets": self.targets.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Model:
        """The model that `to_dict` has been made from.

        Raises
        ------
        ValueError
            If it is none whole: of a file that is damaged, or was changed.
        """
        kinds = [kind for key, kind in KINDS_OF_TARGETS.items() if key in data["targets"]]
        if not kinds:
            raise ValueError("A file has a model without targets: it is damaged, or was changed.")
        kind = kinds[0]
        data = {"feature_names": None, **data, "targets": kind.from_dict(data["targets"])}
        activation = found_activations(data.get("activation", ()))
        data["activation"], sizes = activation, data["layer_sizes"]
        if isinstance(activation, tuple) and len(activation) != max(len(sizes) - 2, 0):
            raise ValueError(
                f"A file has a model of layers {sizes!r} with {len(activation)} activation "
                "function(s): it is damaged, or was changed."
            )
        if data.get("sparse_coef") is not None:
            data["sparse_coef"] = _csr_matrix(data["sparse_coef"])
        model = cls(**data)
        model._check_whole()
        return model

    def _check_whole(self) -> None:
        """Raise ValueError for parameters that are not those of the layers."""
        sizes, sparse_coef = self.layer_sizes, self.sparse_coef
        found: tuple[int, ...] = self.params.shape
        needed: tuple[int, ...] = (self.network.n_params,)
        if sparse_coef is not None and len(sizes) == 2:
            found, needed = (*found, *sparse_coef.shape), (sizes[1], sizes[1], sizes[0])
        widths = (sizes[0], sizes[-1])
        is_whole = found == needed and widths == (self.n_features, self.targets.n_outputs)
        if not is_whole or self.dtype.char not in "fd":
            raise ValueError(
                f"A file has a model of layers {sizes!r} for {self.n_features} features and "
                f"{self.targets.n_outputs} outputs, with parameters of shape {self.params.shape} "
                f"and dtype {self.dtype}: it is damaged, or was changed."
            )


def _csr_matrix(data: Any) -> sparse.csr_matrix:
    """A sparse matrix from its arrays; in earlier pickles it is one already.

    SciPy follows its indices without looking where they lead: they have to be in the matrix.
    """
    matrix = data
    if isinstance(data, Mapping):
        arrays = tuple(data[name] for name in CSR_ARRAYS)
        matrix = sparse.csr_matrix(arrays, shape=tuple(data["shape"]))
    matrix.check_format(full_check=True)
    return matrix


def found_activations(activation: Any) -> Activations:
    """Activation functions by their names."""
    if isinstance(activation, tuple):
        return tuple(map(activation_named, activation))
    return activation_named(activation)


def names_of_activations(activation: Activations) -> Any:
    """Names that `found_activations` finds; functions themselves where they have none."""
    if isinstance(activation, tuple):
        return tuple(map(names_of_activations, activation))
    is_in_table = ACTIVATIONS.get(activation.name) is activation
    return activation.name if is_in_table else activation


@dataclass(frozen=True)
class Outcome:
    """How the last call of a fit ended, in numbers: kept by `for_prediction` too."""

    n_iter: int = 0
    n_samples_seen: float = 0
    loss: float = np.nan
    best_loss: float | None = None
    best_iteration: int | None = None
    best_validation_score: float | None = None
    stop_reason: str = ""


@dataclass(frozen=True)
class Origin:
    """What a training was begun with, as far as its continuation depends on it.

    Attributes
    ----------
    optimizer : str
        Name of the class of the optimizer, whose state is of use to no other.
    learning_rate_init : float
    seed : int or None
        An integer `random_state`; None for anything else.
    criterion : str
        What the best epoch is selected by.
    holds_best : bool
        Whether the model is that of the best epoch, not of the last.
    n_rows : int
        Rows of all calls; of the only call, if it was a fit.
    total_weight : float
        Of all these rows.
    validation_generator : dict or None
        State of the generator that has drawn the rows held out.
    drawn : tuple of str
        What was drawn at random before the first epoch.
    generator_start : dict or None
        State of the generator when the fit began, for a fit that can be resumed and has no seed.
    settings : dict or bytes
        The constructor parameters, for a fit that can be resumed; in a file a digest of them.
    n_fit_rows : int
        Rows of the last fit, those held out included, likewise.
    fit_weight : float
        Their total weight, likewise.
    """

    optimizer: str = ""
    learning_rate_init: float = 0.0
    seed: int | None = None
    criterion: str = ""
    holds_best: bool = False
    n_rows: int = 0
    total_weight: float = 0.0
    validation_generator: dict[str, Any] | None = None
    drawn: tuple[str, ...] = ()
    generator_start: dict[str, Any] | None = None
    settings: Mapping[str, Any] | bytes = b""
    n_fit_rows: int = 0
    fit_weight: float = 0.0


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that a fit leaves.

    Attributes
    ----------
    model : Model
    outcome : Outcome
    state : TrainingState or None
        What a training goes on from; None for a copy that only predicts. Its parameters are a view
        of the model's, unless the model is an average or the best epoch.
    origin : Origin
    """

    model: Model
    outcome: Outcome
    state: TrainingState | None = None
    origin: Origin = Origin()

    @property
    def is_resumable(self) -> bool:
        """Whether the last fit can be continued to its planned end."""
        return bool(self.origin.settings) and self.state is not None

    def with_model(self, model: Model) -> Fitted:
        """The same with another model, to go on from that."""
        state = self.state
        if state is not None and is_view_of(state.params, self.model.params):
            state = replace(state, params=model.params)
        return replace(self, model=model, state=state)

    def copy(self) -> Fitted:
        """A copy that shares no array which anybody may write to."""
        sparse_coef = self.model.sparse_coef
        sparse_coef = None if sparse_coef is None else sparse_coef.copy()
        model, state = self.model.with_params(self.model.params.copy(), sparse_coef), self.state
        if state is not None:
            is_view = is_view_of(state.params, self.model.params)
            state = state.copy()
            if is_view:
                state = replace(state, params=model.params[: len(state.params)])
        return replace(self, model=model, state=state)

    def with_assigned(self, params: FloatArray, sparse_coef: Any = None) -> Fitted:
        """The same with parameters that the user has assigned: these are not what a fit reached."""
        fitted = self.with_model(self.model.with_params(params, sparse_coef))
        return replace(fitted, origin=replace(self.origin, settings=b""))

    def to_dict(self) -> dict[str, Any]:
        """All as plain data."""
        data: dict[str, Any] = {
            "format": FORMAT,
            "model": self.model.to_dict(),
            "outcome": tuple(vars(self.outcome).values()),
        }
        if self.state is not None:
            data["state"] = state_to_dict(self.state, self.model.params)
            settings = digest_of_settings(self.origin.settings)
            data["origin"] = _without_defaults(replace(self.origin, settings=settings), Origin())
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fitted:
        """What `to_dict` has been made from.

        Raises
        ------
        ValueError
            If a later version of skneural has made it.
        """
        check_format(data["format"], FORMAT)
        model, outcome = Model.from_dict(data["model"]), Outcome(*data["outcome"])
        state = None
        if "state" in data:
            state = state_from_dict(data["state"], model.params, outcome)
        return cls(model, outcome, state, Origin(**data.get("origin", {})))


def state_to_dict(state: TrainingState, model_params: FloatArray) -> dict[str, Any]:
    """A state as plain data; its parameters only if they are not the model's."""
    data: dict[str, Any] = {
        "record": _without_defaults(state.record, Record(), but=("histories", *IN_OUTCOME)),
        "history": {
            name: value
            for name, value in state.record.history.to_dict().items()
            if not (value is None or (name == "no_improvement_count" and value == 0))
        },
        "generators": {
            name: (isinstance(each, np.random.Generator), generator_state(each))
            for name, each in state.generators.items()
        },
    }
    data["optimizer"] = {
        name: value for name, value in state.optimizer.items() if not name.startswith("scratch")
    }
    data["minimizer"] = state.minimizer
    if not is_view_of(state.params, model_params):
        data["params"] = state.params
    # Not by comparing with an empty dict, which arrays do element by element.
    return {name: value for name, value in data.items() if isinstance(value, np.ndarray) or value}


def state_from_dict(
    data: Mapping[str, Any], model_params: FloatArray, outcome: Outcome
) -> TrainingState:
    """The state that `state_to_dict` has been made from."""
    known = {name: getattr(outcome, name) for name in IN_OUTCOME}
    history = History.from_dict(data.get("history", {}))
    generators = {
        name: generator_from_state(state, np.random.Generator if is_new else np.random.RandomState)
        for name, (is_new, state) in data.get("generators", {}).items()
    }
    return TrainingState(
        data.get("params", model_params),
        data.get("optimizer", {}),
        Record(**known, **data.get("record", {}), histories=(history,)),
        generators,
        data.get("minimizer", {}),
    )


def is_view_of(params: FloatArray, model_params: FloatArray) -> bool:
    """Whether these are the model's parameters, or the first of them."""
    return bool(np.may_share_memory(params, model_params))


def _without_defaults(values: Any, defaults: Any, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a dataclass that are not as by default."""
    mine, theirs = vars(values), vars(defaults)
    return {name: mine[name] for name in mine if name not in but and mine[name] != theirs[name]}
