"""The multilayer perceptron for numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.neural_network import MLPRegressor
from sklearn.utils import check_array, check_consistent_length

from skneural.arrays.matrices import FloatArray, as_dense
from skneural.checks.losses import check_own_outputs, is_own
from skneural.estimators.base import store_parameters
from skneural.estimators.columns import check_targets
from skneural.estimators.conversion.mlp import network_from_sklearn, network_to_sklearn
from skneural.estimators.data import Rows, checked_weight
from skneural.estimators.fit_context import fit_context
from skneural.estimators.input_gradients import input_gradients
from skneural.estimators.method_examples import networks, with_examples
from skneural.estimators.mlp.base import MultilayerPerceptron, has_epochs
from skneural.estimators.mlp.documentation import share_documentation
from skneural.estimators.mlp.parameter_table import REGRESSOR, constraints_of
from skneural.estimators.mlp.parameters import check_settings, loss_of, loss_to_score_by
from skneural.estimators.model import Model
from skneural.estimators.plan import Start
from skneural.estimators.sklearn_private import InvalidParameterError, available_if
from skneural.estimators.target_contract import Targets
from skneural.estimators.targets import Numbers
from skneural.losses import Loss


@share_documentation(
    REGRESSOR,
    split="It is drawn without regard to y.",
    score="R^2, for quantiles D^2 of the pinball loss",
    output="'identity'; 'exp' for Poisson and gamma loss; 'increasing' for several quantiles.",
)
@with_examples(networks.REGRESSOR)
class ScratchMLPRegressor(MultilayerPerceptron, RegressorMixin, BaseEstimator):
    r"""Multilayer perceptron regressor.

    The network of scikit-learn's MLPRegressor, parameter by parameter: the same seed gives
    the same model, apart from the differences that the documentation lists. It
    minimises the mean over the rows of

    .. math:: \ell(\hat y, y) + \frac{\alpha}{2 n} \lVert W \rVert^2

    with half the squared error or another `loss` for :math:`\ell`.

    Parameters
    ----------
    <PARAMETERS>

    Attributes
    ----------
    <ATTRIBUTES>

    See Also
    --------
    ScratchMLPClassifier : The same network for class labels.

    References
    ----------
    <REFERENCES>

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skneural import ScratchMLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regressor = ScratchMLPRegressor(max_iter=2000, tol=0.1, random_state=1).fit(X, y)
    >>> regressor.predict(X[:2]).shape
    (2,)
    """

    _y_numeric: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, Any]] = constraints_of(REGRESSOR)

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
        store_parameters(self, locals())

    @available_if(has_epochs)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on the given rows, going on from all earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The numbers to predict.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, relative to the mean over all calls.

        Returns
        -------
        ScratchMLPRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            As for fit; also with `early_stopping`.
        """
        self._validate_params()  # scikit-learn leaves that out for a fitted estimator
        check_settings(self)
        return self._fit(X, y, sample_weight, mode="partial_fit")

    @classmethod
    def from_weights(cls, coefs: Any, intercepts: Any, **params: Any) -> Self:
        """A network of given weights, which predicts without having been fitted.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan in, fan out)
            Weights of each layer, as in `coefs_`. If all arrays are float32, so is the network,
            unless `dtype` says otherwise.
        intercepts : sequence of array-like of shape (fan out,)
            Intercepts of each layer, as in `intercepts_`.
        **params : dict
            Parameters of the constructor, `activation` and `loss` above all;
            `hidden_layer_sizes` follows from the weights.

        Returns
        -------
        ScratchMLPRegressor
            It can be trained further, by `partial_fit` or with ``warm_start=True``.

        Raises
        ------
        ValueError
            If the layers do not fit onto each other, or the last of them not to `loss`.
        """

        def numbers_of(estimator: Any, n_outputs: int) -> Numbers:
            loss = loss_of(estimator)
            n_targets = _n_targets(loss, n_outputs)
            if n_targets == 0 or (n_targets > 1 and not loss.accepts_several_targets):
                raise ValueError(
                    f"The last of coefs puts out {n_outputs} columns, {loss!r} needs "
                    f"{loss.n_outputs(1)}"
                    f"{' for each target' if loss.accepts_several_targets else ''}."
                )
            return Numbers(loss, n_targets)

        return cls._from_layers(coefs, intercepts, numbers_of, params)

    def to_sklearn(self) -> MLPRegressor:
        """The same model as a fitted MLPRegressor of scikit-learn.

        It predicts the same, to rounding. The optimizer's moments, the learning rate and the loss
        curve go along, so that `partial_fit` goes on as ours would; a model made by
        `for_prediction` or `from_weights` has none of them, and goes on with new ones.

        Returns
        -------
        MLPRegressor
            It shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        TypeError
            For a subclass with methods of its own, other than `fit`.
        ValueError
            If scikit-learn cannot predict the same: with an activation other than 'identity',
            'logistic', 'tanh' and 'relu', with different ones for the layers, and for a loss that
            predicts neither the outputs themselves nor their exponential (which scikit-learn has
            from 1.7 on): several quantiles.

        Warns
        -----
        UserWarning
            If scikit-learn lacks settings that this model was trained with: its own defaults take
            their place in further training. Optimizers, schedules and losses that it has too are
            carried over, also from objects.
        """
        model: MLPRegressor = network_to_sklearn(self, MLPRegressor, ScratchMLPRegressor)
        return model

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Adopt a fitted MLPRegressor of scikit-learn.

        It predicts the same, to rounding, and has the same parameters. `partial_fit` and
        ``warm_start=True`` go on from it as scikit-learn would, with the optimizer's moments and
        the learning rate; `resume` has no fit to continue.

        Parameters
        ----------
        model : MLPRegressor
            Fitted by scikit-learn 1.6 or newer, or unpickled. It stays as it is.

        Returns
        -------
        ScratchMLPRegressor
            It shares no array with the model given.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it is no MLPRegressor, or of a subclass with methods of its own.
        """
        adopted: Self = network_from_sklearn(cls, model, MLPRegressor)
        return adopted

    def predict(self, X: Any) -> FloatArray:
        """Predicted values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For ``loss=Quantile([...])`` of several levels, one column for each.
        """
        predicted: FloatArray = self._predict(X, _decoded)
        return predicted.ravel() if predicted.shape[1] == 1 else predicted

    def input_gradients(self, X: Any, of: str = "predict", output: int | None = None) -> FloatArray:
        """Derivatives of predictions in each feature: the sensitivity of a prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        of : {'predict', 'raw_outputs'}, default='predict'
            What to differentiate.
        output : int or None, default=None
            Which of its columns; None for all.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)
            Of shape (n_samples, n_features) for one `output`. In the dtype of the model, and dense
            where X is sparse.

        Raises
        ------
        IndexError
            If there is no such output.
        ValueError
            If `of` is none of the two, or X is not valid.

        References
        ----------
        K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks: Visualising
        image classification models and saliency maps", ICLR workshop 2014.
        """
        model = self._model
        choices = ("predict", "raw_outputs")
        gradients: FloatArray = input_gradients(model, self._checked(X, model), of, output, choices)
        return gradients

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """How much of the loss of a constant prediction is explained: 1 is perfect.

        That is R^2, or for the quantile loss D^2 of the pinball loss, averaged over the levels
        (`sklearn.metrics.d2_pinball_score`).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            At most 1; 0 for the best constant, below that for what is worse.

        Raises
        ------
        ValueError
            If X, y or the weights are not valid; if `loss` is another than in the fit and needs
            another number of outputs.
        """
        numbers = self._model.targets
        assert isinstance(numbers, Numbers)
        predicted = self.predict(X)
        y = as_dense(y)
        check_targets(y, are_numbers=True)
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        check_consistent_length(y, predicted)
        if sample_weight is not None:
            sample_weight = checked_weight(sample_weight, predicted)
        return loss_to_score_by(self, numbers).score(y, predicted, sample_weight)

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            if "'loss'" not in str(error) or not isinstance(self.loss, int | list | tuple):
                raise
            raise InvalidParameterError(
                f"{error} The first parameter is the loss, as in scikit-learn from 1.7 on: sizes "
                f"of layers are passed by name, hidden_layer_sizes={self.loss!r}."
            ) from None

    def _targets(self, rows: Rows, start: Start, classes: Any) -> Targets:
        loss = loss_of(self)
        numbers = Numbers.from_targets(rows.y, loss)
        _check_n_targets(numbers)
        if start.earlier is not None:
            earlier = start.earlier.model.targets
            assert isinstance(earlier, Numbers)
            earlier.check_same(rows.y, loss, self.loss)
        return numbers


def _decoded(model: Model, raw: FloatArray) -> FloatArray:
    predicted: FloatArray = model.targets.decode(raw)
    return predicted


def _n_targets(loss: Loss, n_outputs: int) -> int:
    """For how many targets a network of so many outputs is; 0 if for no number of them."""
    counts = (n for n in range(1, n_outputs + 1) if loss.n_outputs(n) == n_outputs)
    return next(counts, 0)


def _check_n_targets(numbers: Numbers) -> None:
    if is_own(numbers.loss):
        check_own_outputs(numbers.loss, numbers.n_targets)
    if numbers.n_targets > 1 and not numbers.loss.accepts_several_targets:
        raise ValueError(
            f"loss={numbers.loss!r} is for one target, y has {numbers.n_targets} columns: fit one "
            "regressor for each column."
        )
