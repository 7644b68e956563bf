"""What the two multilayer perceptrons share: parameters, and how they become a training."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.metrics import get_scorer_names

from skneural._arrays import FloatArray
from skneural._sklearn import Interval, Options, StrOptions, fit_context, with_callbacks
from skneural.activations import ACTIVATIONS, Activation
from skneural.dropout import Dropout
from skneural.estimators._base import COMPUTING_DTYPES, BaseNetwork
from skneural.estimators._checks import checked_layer_sizes
from skneural.estimators._hidden_layer import HiddenActivationsMixin
from skneural.estimators._layer_attributes import LayerAttributesMixin, stacked_layers
from skneural.estimators._memory import Memory, dropout_generator
from skneural.estimators._mlp_settings import (
    check_objects,
    checked_activation,
    detach_shared_activation,
    dropout_rates,
    loss_of,
    optimizer_of,
    refuse_settings_of_names,
    require_gradient_everywhere,
    require_lasting_steps,
    schedule_of,
)
from skneural.estimators._outcome import OUT_OF_EPOCHS
from skneural.estimators._summary import SummaryMixin
from skneural.estimators._validation import LabelledRows
from skneural.initialization import INITIALIZATIONS, initial_params
from skneural.lbfgs import minimize_lbfgs
from skneural.losses import REGRESSION_LOSSES, Loss
from skneural.monitoring import Watcher
from skneural.objective import Objective
from skneural.optimizers import OPTIMIZERS, Optimizer
from skneural.schedules import SCHEDULES, Schedule
from skneural.training import Training


def has_epochs(estimator: MultilayerPerceptron) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. solver='lbfgs' is not "
            "stochastic: use 'adam' or another optimizer."
        )
    return True


class MultilayerPerceptron(LayerAttributesMixin, HiddenActivationsMixin, SummaryMixin, BaseNetwork):
    """The constructor that both estimators share, in the order of scikit-learn's regressor."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), Activation, list, tuple],
        "solver": [StrOptions({"lbfgs", *OPTIMIZERS}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES)), Schedule],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {math.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dtype": [StrOptions(set(COMPUTING_DTYPES))],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "early_stopping_metric": [
            StrOptions({"score", "loss", *get_scorer_names()}),
            callable,
        ],
        "restore_best_weights": ["boolean", StrOptions({"auto"})],
        "initialization": [StrOptions(set(INITIALIZATIONS)), callable],
        "max_time": [Interval(Real, 0, None, closed="right"), None],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dtype: str = "auto",
        dropout: Any = 0.0,
        l1_ratio: float = 0.0,
        early_stopping_metric: Any = "score",
        restore_best_weights: bool | str = "auto",
        initialization: Any = "glorot_uniform",
        max_time: float | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dtype = dtype
        self.dropout = dropout
        self.l1_ratio = l1_ratio
        self.early_stopping_metric = early_stopping_metric
        self.restore_best_weights = restore_best_weights
        self.initialization = initialization
        self.max_time = max_time

    def set_params(self, **params: Any) -> Any:
        """Set parameters, also of objects inside: ``solver__weight_decay`` and the like.

        Parameters
        ----------
        **params : dict
            By name.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such parameter, or it is a name where an object has settings.
        """
        refuse_settings_of_names(self, params)
        detach_shared_activation(self, params)
        return super().set_params(**params)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train on rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With dtype='auto', float32 is computed in float32, everything else in float64. CSR
            and CSC are never made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: numbers for a regressor, labels for a classifier, or an indicator
            matrix of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, zero or positive: a weight of 2 counts as the row twice.
        X_val, y_val, sample_weight_val : array-like of the same kinds, default=None
            Validation rows of your own. `validation_scores_` and `validation_loss_curve_` follow
            them, for 'lbfgs' too, and with `early_stopping` they decide when to stop, instead of
            rows held out of X. Not in scikit-learn's networks; the names are those of its
            gradient boosting.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not valid, or if the training diverges.
            What was fitted before stays as it was.
        KeyboardInterrupt
            Raised again with the model of the last whole epoch in place.
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))

    # ---------------------------------------------------------------- parts of a training

    def _check_settings(self) -> None:
        n_hidden = len(checked_layer_sizes(self.hidden_layer_sizes, type(self).__name__))
        checked_activation(self, n_hidden)
        dropout_rates(self, n_hidden)
        check_objects(self)
        loss = loss_of(self)
        if self.solver == "lbfgs":
            require_gradient_everywhere(self, loss)
        elif self.l1_ratio > 0:
            require_lasting_steps(self._optimizer())

    def _describe(self, n_features: int, n_outputs: int, *, continuing: bool) -> None:
        hidden = checked_layer_sizes(self.hidden_layer_sizes, type(self).__name__)
        layer_sizes = (n_features, *hidden, n_outputs)
        wanted = (layer_sizes, checked_activation(self, len(hidden)))
        if continuing and wanted != (self._layer_sizes, self._hidden_activation):
            raise ValueError(
                f"The fitted network has layers of {self._layer_sizes} units and "
                f"activation={self._hidden_activation!r}, parameters and data now ask for "
                f"{layer_sizes} and {self.activation!r}. Training can go on only with the "
                "same: call fit with warm_start=False to start anew."
            )
        self._layer_sizes, self._hidden_activation = wanted
        self.n_layers_ = len(layer_sizes)
        self.n_outputs_ = layer_sizes[-1]

    def _initial_params(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> FloatArray:
        return initial_params(self._network, self.initialization, random_state, dtype)

    def _objective(
        self, n_rows: int, mean_weight: float, dtype: npt.DTypeLike, *, n_rows_seen: int
    ) -> Objective:
        # As in scikit-learn, each batch has the whole penalty, whatever its share of the rows.
        alpha, l1_ratio = float(self.alpha), float(self.l1_ratio)
        return Objective(
            self._network,
            self._loss(),
            (1 - l1_ratio) * alpha,
            n_rows=n_rows,
            mean_weight=mean_weight,
            dtype=dtype,
            l1=l1_ratio * alpha,
        )

    def _dropout(
        self,
        n_rows: int,
        dtype: npt.DTypeLike,
        random_state: np.random.RandomState,
        memory: Memory,
    ) -> Dropout | None:
        sizes = self._layer_sizes[1:-1]
        rates = dropout_rates(self, len(sizes))
        if not any(rates):
            return None
        return Dropout(rates, sizes, n_rows, dropout_generator(random_state, memory), dtype)

    def _minimise(
        self,
        training: Training,
        rows: LabelledRows,
        validation: LabelledRows | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
        watcher: Watcher | None,
    ) -> None:
        if self.solver != "lbfgs":
            self._run_minibatch(
                training,
                rows,
                validation,
                random_state=random_state,
                memory=memory,
                watcher=watcher,
            )
            return
        with self._blas_threads(rows.X.shape[0]):
            minimize_lbfgs(
                self._full_batch_objective(rows),
                training,
                rows.X,
                rows.target.astype(rows.X.dtype, copy=False),
                rows.weight,
                monitor=self._monitor(validation, watcher, self.n_iter_no_change),
                tol=self.tol,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
            )

    @property
    def _metric(self) -> Any:
        return self.early_stopping_metric

    def _is_judged(self, own_validation: LabelledRows | None) -> bool:
        # As in scikit-learn, 'lbfgs' holds no rows out.
        holds_out = bool(self.early_stopping) and self.solver != "lbfgs"
        return own_validation is not None or holds_out

    def _restores_best(self, own_validation: LabelledRows | None) -> bool:
        if self.restore_best_weights != "auto":
            return bool(self.restore_best_weights)
        return super()._restores_best(own_validation)

    @property
    def _most_seconds(self) -> float:
        return math.inf if self.max_time is None else float(self.max_time)

    def _optimizer(self) -> Optimizer:
        return optimizer_of(self)

    def _schedule(self) -> Schedule:
        return schedule_of(self)

    def _complaint(self, training: Training) -> str:
        if self.solver != "lbfgs":
            if self._schedule().ends_with_max_iter:
                return ""
            return OUT_OF_EPOCHS.format(max_iter=self.max_iter)
        return (
            f"lbfgs failed to converge after {training.n_epochs} iteration(s) "
            f"({training.message}). Increase max_iter (now {self.max_iter}) or max_fun (now "
            f"{self.max_fun}), or scale the data."
        )

    @classmethod
    def _from_layers(cls, coefs: Any, intercepts: Any, params: dict[str, Any]) -> Any:
        """An estimator of these layers, without what goes with its targets."""
        dtype = {"float32": np.float32, "float64": np.float64}.get(params.get("dtype", "auto"))
        layer_sizes, vector = stacked_layers(coefs, intercepts, dtype)
        model = cls(hidden_layer_sizes=layer_sizes[1:-1], **params)
        model._validate_params()
        model._check_settings()
        model.n_features_in_ = layer_sizes[0]
        model._describe(layer_sizes[0], layer_sizes[-1], continuing=False)
        model._publish(Training(vector), vector, {})
        return model
