"""What the two multilayer perceptrons share: parameters, and how they become a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np

from skneural.arrays.matrices import FloatArray, concatenate_chunks
from skneural.checks.losses import check_own_loss, is_own
from skneural.estimators.base import fitted_attribute
from skneural.estimators.data import Data
from skneural.estimators.fit_context import check_parameters, fit_context
from skneural.estimators.full_batch_plan import full_batch_plan
from skneural.estimators.method_examples import networks, with_examples
from skneural.estimators.mini_batch_plan import MiniBatchSettings, mini_batch_plan, total_weight
from skneural.estimators.mlp.hidden_layer import hidden_layer_number
from skneural.estimators.mlp.layer_arrays import LayerArrays, assign_layers, stacked_layers
from skneural.estimators.mlp.parameters import (
    check_settings,
    detach_shared_activation,
    hidden_layers,
    invalid_parameter,
    loss_of,
    optimizer_of,
    refuse_settings_of_names,
    require_weight_beside_penalty,
    schedule_of,
)
from skneural.estimators.mlp.summary import Summary, summary_of
from skneural.estimators.model import Activations, Fitted, Model, Outcome, names_of_activations
from skneural.estimators.network import NetworkEstimator
from skneural.estimators.plan import Plan, Start
from skneural.estimators.problem import Problem, Selection
from skneural.estimators.scales import LearningCheck
from skneural.estimators.sklearn_private import with_callbacks
from skneural.estimators.target_contract import Targets
from skneural.estimators.targets import Numbers
from skneural.minimizers.history import EarlyStopping
from skneural.minimizers.lbfgs import LBFGS
from skneural.minimizers.run import Run
from skneural.minimizers.state import TrainingState
from skneural.network import dense_arrays, dense_network
from skneural.objective import Objective


def has_epochs(estimator: MultilayerPerceptron) -> bool:
    """True where partial_fit is possible; AttributeError where it is not, for `available_if`."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. solver='lbfgs' is not "
            "stochastic: use 'adam' or another optimizer."
        )
    return True


@with_examples(networks.BOTH)
class MultilayerPerceptron(NetworkEstimator):
    """What both estimators share; each has a constructor of its own, in scikit-learn's order."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also of objects inside: ``solver__weight_decay`` and the like.

        Parameters
        ----------
        **params : dict
            By name.

        Returns
        -------
        object
            The estimator itself.

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
    ) -> Self:
        """Train on rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With dtype='auto', float32 is computed in float32, everything else in float64. CSR
            and CSC are never made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: numbers for a regressor, labels for a classifier, an indicator matrix of
            zeros and ones (multilabel), or a label in each of several columns.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, zero or positive: a weight of 2 counts as the row twice.
        X_val, y_val, sample_weight_val : array-like of the same kinds, default=None
            Validation rows of your own. `validation_scores_` and `validation_loss_curve_` follow
            them, for 'lbfgs' too, and with `early_stopping` they decide when to stop, instead of
            rows held out of X. Not in scikit-learn's networks; the names are those of its
            gradient boosting.

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not valid, if `alpha` outweighs the weights by
            more than the dtype can compute with, or if the training diverges.
            What was fitted before stays as it was.
        KeyboardInterrupt
            Raised again with the model of the last whole epoch in place.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ended the training; if its loss is no better than that of a constant
            prediction, and columns of X are on a scale that explains it, which it names.
        """
        check_settings(self)
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def resume(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Continue a fit that ended before its plan: by Ctrl-C, `max_time`, a callback or a crash.

        The model, `n_iter_`, the curves and `stop_reason_` become those of the fit that was not
        interrupted, bit for bit (the seconds in `history_` excepted). `max_time` starts anew.

        With solver='lbfgs' the fit continues from the parameters reached with an empty memory of
        gradients: to the same `tol`, but not along the same path.

        After a fit that ended by `max_iter`, ``set_params(max_iter=m)`` first continues it to m
        epochs. Where a schedule spreads the learning rate over `max_iter`, the result differs from
        that of a fit of m epochs; a warning says so.

        Parameters
        ----------
        X, y, sample_weight, X_val, y_val, sample_weight_val : array-like
            The same as in the fit: shape, dtype, classes and total weight are checked.

        Returns
        -------
        object
            The fitted estimator.

        Raises
        ------
        NotFittedError
            If there was no fit.
        ValueError
            If the rows or a parameter other than `max_iter` are not those of the fit, if the last
            training was none by fit, or as for fit.
        KeyboardInterrupt
            As for fit.

        Warns
        -----
        UserWarning
            If the fit has come to its end: nothing is changed then.
        """
        check_settings(self)
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation=validation, mode="resume")

    # ---------------------------------------------------------------- fitted attributes

    n_layers_ = fitted_attribute(
        "Number of layers, input and output included.",
        lambda fitted: len(fitted.model.layer_sizes),
    )
    n_outputs_ = fitted_attribute("Number of outputs.", lambda fitted: fitted.model.layer_sizes[-1])

    @property
    def coefs_(self) -> list[FloatArray]:
        """Weights of each layer, of shape (fan in, fan out): views of the model."""
        return self._layer_arrays("coefs_", 0)

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        self._assign("coefs_", 0, values)

    @property
    def intercepts_(self) -> list[FloatArray]:
        """Intercepts of each layer, of shape (fan out,): views of the model."""
        return self._layer_arrays("intercepts_", 1)

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        self._assign("intercepts_", 1, values)

    def _layer_arrays(self, name: str, part: int) -> LayerArrays:
        fitted = self._fitted_or_attribute_error(name)
        return LayerArrays((arrays[part] for arrays in fitted.model.arrays if arrays), name)

    def _assign(self, name: str, part: int, values: Any) -> None:
        fitted = self._fitted_or_attribute_error(name)
        # A new vector: the old one may be a read-only memory map, or in use by a prediction.
        params = np.array(fitted.model.params)
        arrays = [each[part] for each in dense_arrays(fitted.model.network, params)]
        assign_layers(arrays, values, name)
        self._fitted = fitted.with_assigned(params)

    def hidden_activations(self, X: Any, layer: int = -1) -> FloatArray:
        """Outputs of the units of a hidden layer, without dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-1
            Which hidden layer: 0 is the first, -1 the last.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            In the dtype of the model.

        Raises
        ------
        IndexError
            If there is no such hidden layer.
        ValueError
            If there is none at all, or X is not valid.
        """
        model = self._model
        X = self._checked(X, model)
        number = hidden_layer_number(layer, len(model.layer_sizes) - 2)
        # A dense layer and its activation function for each hidden layer up to this one.
        below = model.arrays[: 2 * (number + 1)]
        chunks = model.network.raw_chunks(below, X, model.dtype)
        activations: FloatArray = concatenate_chunks(chunks, n_rows=X.shape[0])
        return activations

    def summary(self) -> Summary:
        """Layers, shapes and parameters, the final loss, and why the training ended.

        Returns
        -------
        Summary
            Prints as a small table, and is shown as one in a notebook.

        Raises
        ------
        NotFittedError
            If there is nothing to sum up yet.
        """
        model = self._model
        assert self._fitted is not None
        return summary_of(type(self).__name__, model, self._fitted.outcome)

    # ---------------------------------------------------------------- the plan

    def _plan(self, data: Data, start: Start) -> Plan:
        rows, loss = data.rows, data.targets.loss_of(loss_of(self))
        sizes, activation, dropout = hidden_layers(self)
        layer_sizes = (rows.X.shape[1], *sizes, data.targets.n_outputs)
        if start.earlier is not None:
            self._refuse_other_layers(start.earlier.model, layer_sizes, activation)
        # What will predict, and what is trained: the same with dropout.
        empty = np.empty(0, dtype=rows.X.dtype)
        template = Model(
            layer_sizes[0], data.feature_names, layer_sizes, activation, empty, data.targets
        )
        network = dense_network(
            layer_sizes,
            activation,
            dropout=dropout,
            initialization=self.initialization,
            check_input=False,
        )
        if not isinstance(self.loss, str) and is_own(loss):
            link = None if isinstance(data.targets, Numbers) else data.targets.link
            check_own_loss(loss, rows.target, network.n_outputs, rows.X.dtype, link)
        # As in scikit-learn, 'lbfgs' holds no rows out.
        stops_early = bool(self.early_stopping)
        holds_out = stops_early and self.solver != "lbfgs" and data.validation is None
        restores_best = stops_early and (holds_out or data.validation is not None)
        if self.restore_best_weights != "auto":
            restores_best = bool(self.restore_best_weights)
        selection = Selection(self.early_stopping_metric, data.validation, holds_out, restores_best)
        problem = Problem(self, data, start, template, network, loss, selection)
        # Strengths of the L2 and the L1 penalty, divided by the unit of the weights.
        alpha, l1_ratio = float(self.alpha), float(self.l1_ratio)
        if rows.weight is not None:
            n_rows, total = total_weight(data, None, start)
            require_weight_beside_penalty(alpha, total / n_rows, rows.X.dtype)
        alpha /= rows.weight_unit
        l2, l1 = (1 - l1_ratio) * alpha, l1_ratio * alpha
        if self.solver == "lbfgs":
            return self._lbfgs_plan(problem, l2, l1)
        settings = MiniBatchSettings(optimizer_of(self), schedule_of(self), l2, l1)
        return mini_batch_plan(problem, settings)

    def _lbfgs_plan(self, problem: Problem, l2: float, l1: float) -> Plan:
        network, loss, rows = problem.network, problem.loss, problem.data.rows
        X, weight, selection = rows.X, rows.weight, problem.selection
        params, is_drawn = problem.start.params(network, X.dtype, X)
        mean_weight = 1.0 if weight is None else float(np.mean(weight, dtype=float))
        objective = Objective(network, loss, l2, X.shape[0], mean_weight, X.dtype, None, l1)
        target = rows.target.astype(X.dtype, copy=False)
        stops_early = bool(self.early_stopping) and selection.own is not None
        plan = full_batch_plan(
            problem,
            LBFGS(objective, X, target, weight, self.tol, self.max_fun),
            EarlyStopping(self.tol, self.n_iter_no_change, stops_early, selection.restores_best),
            params,
            ("initial weights",) if is_drawn else (),
            self._lbfgs_warning,
        )
        check = LearningCheck(rows, None, network, loss, problem.data.feature_names)
        return replace(plan, learning_check=check)

    def _refuse_other_layers(
        self, earlier: Model, layer_sizes: tuple[int, ...], activation: Activations
    ) -> None:
        """Raise ValueError where training cannot go on with these layers."""
        if (layer_sizes, activation) != (earlier.layer_sizes, earlier.activation):
            raise ValueError(
                f"The fitted network has layers of {earlier.layer_sizes} units and "
                f"activation={names_of_activations(earlier.activation)!r}, parameters and data now "
                f"ask for {layer_sizes} and {self.activation!r}. Training can go on only with the "
                "same: call fit with warm_start=False to start anew."
            )

    def _lbfgs_warning(self, run: Run, reason: str) -> str:
        return (
            f"lbfgs failed to converge after {run.n_iter} iteration(s) "
            f"({run.message}). Increase max_iter (now {self.max_iter}) or max_fun (now "
            f"{self.max_fun}), or scale the data."
        )

    def _schedule_has_max_iter(self) -> bool:
        """Whether the schedule was to end with the last epoch."""
        return self.solver != "lbfgs" and schedule_of(self).ends_with_max_iter

    @classmethod
    def _from_layers(
        cls, coefs: Any, intercepts: Any, targets_of: Any, params: dict[str, Any]
    ) -> Self:
        """An estimator of these layers.

        ``targets_of(estimator, n_outputs)`` says what its outputs stand for.
        """
        if "hidden_layer_sizes" in params:
            raise invalid_parameter(
                cls,
                "hidden_layer_sizes",
                f"is not for from_weights, where it follows from the shapes of coefs. Got "
                f"{params['hidden_layer_sizes']!r}: leave it out.",
            )
        estimator = cls(**params)
        check_parameters(estimator)
        dtype = {"float32": np.float32, "float64": np.float64}.get(estimator.dtype)
        layer_sizes, vector = stacked_layers(coefs, intercepts, dtype)
        estimator.hidden_layer_sizes = layer_sizes[1:-1]
        check_settings(estimator)
        targets: Targets = targets_of(estimator, layer_sizes[-1])
        activation = hidden_layers(estimator).activation
        model = Model(layer_sizes[0], None, layer_sizes, activation, vector, targets)
        estimator._fitted = Fitted(model, Outcome(), TrainingState(vector))
        return estimator
