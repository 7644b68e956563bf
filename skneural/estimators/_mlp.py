"""The multilayer perceptrons: `ScratchMLPClassifier` and `ScratchMLPRegressor`."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from skneural._arrays import FloatArray, Matrix
from skneural._sklearn import Interval, Options, StrOptions, fit_context
from skneural.activations import ACTIVATIONS
from skneural.estimators._base import COMPUTING_DTYPES, BaseNetwork
from skneural.estimators._checks import checked_layer_sizes
from skneural.estimators._classifier import NetworkClassifier
from skneural.estimators._layer_attributes import LayerAttributesMixin
from skneural.estimators._memory import Memory
from skneural.estimators._mlp_documentation import share_documentation
from skneural.estimators._outcome import OUT_OF_EPOCHS
from skneural.losses import INVERSE_LINKS, LOSSES
from skneural.monitoring import Monitor
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam, Optimizer
from skneural.schedules import Adaptive, Constant, InverseScaling, Schedule
from skneural.training import Training, minimize_lbfgs


def _has_epochs(estimator: _MultilayerPerceptron) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. solver='lbfgs' is not "
            "stochastic: use 'adam' or 'sgd'."
        )
    return True


class _MultilayerPerceptron(LayerAttributesMixin, BaseNetwork):
    """The constructor that both estimators share, in the order of scikit-learn's regressor."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "loss": [StrOptions({"squared_error", "poisson"})],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
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
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
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

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
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
        return self._fit(X, y, sample_weight)

    # ---------------------------------------------------------------- parts of a training

    def _check_settings(self) -> None:
        checked_layer_sizes(self.hidden_layer_sizes, type(self).__name__)

    def _describe(self, n_features: int, n_outputs: int, *, continuing: bool) -> None:
        hidden = checked_layer_sizes(self.hidden_layer_sizes, type(self).__name__)
        layer_sizes = (n_features, *hidden, n_outputs)
        wanted = (layer_sizes, self.activation)
        if continuing and wanted != (self._layer_sizes, self._hidden_activation):
            raise ValueError(
                f"The fitted network has layers of {self._layer_sizes} units and "
                f"activation={self._hidden_activation!r}, parameters and data now ask for "
                f"{layer_sizes} and {self.activation!r}. Training can go on only with the "
                "same: call fit with warm_start=False to start anew."
            )
        self._layer_sizes, self._hidden_activation = wanted

    def _objective(
        self, n_rows: int, mean_weight: float, dtype: npt.DTypeLike, *, n_rows_seen: int
    ) -> Objective:
        # As in scikit-learn, each batch has the whole penalty, whatever its share of the rows.
        return Objective(
            self._network,
            LOSSES[self.loss, self.out_activation_],
            float(self.alpha),
            n_rows=n_rows,
            mean_weight=mean_weight,
            dtype=dtype,
        )

    def _minimise(
        self,
        training: Training,
        X: Matrix,
        target: npt.NDArray[Any],
        sample_weight: FloatArray | None,
        *,
        random_state: np.random.RandomState,
        memory: Memory,
    ) -> None:
        if self.solver != "lbfgs":
            data = (training, X, target, sample_weight)
            self._run_minibatch(*data, random_state=random_state, memory=memory)
            return
        with self._blas_threads(X.shape[0]):
            minimize_lbfgs(
                self._full_batch_objective(X, sample_weight),
                training,
                X,
                target.astype(X.dtype, copy=False),
                sample_weight,
                monitor=Monitor(tol=self.tol, n_iter_no_change=np.inf, verbose=self.verbose),
                tol=self.tol,
                max_iter=self.max_iter,
                max_fun=self.max_fun,
            )

    def _optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(self.momentum, self.nesterovs_momentum)
        return Adam(self.beta_1, self.beta_2, self.epsilon)

    def _schedule(self) -> Schedule:
        # As in scikit-learn, Adam keeps to a constant rate.
        if self.solver == "adam" or self.learning_rate == "constant":
            return Constant()
        if self.learning_rate == "invscaling":
            return InverseScaling(self.power_t)
        return Adaptive()

    def _complaint(self, training: Training) -> str:
        if self.solver != "lbfgs":
            return OUT_OF_EPOCHS.format(max_iter=self.max_iter)
        return (
            f"lbfgs failed to converge after {training.n_epochs} iteration(s) "
            f"({training.message}). Increase max_iter (now {self.max_iter}) or max_fun (now "
            f"{self.max_fun}), or scale the data."
        )

    def _publish(self, training: Training, memory: Memory) -> None:
        super()._publish(training, memory)
        self.n_layers_ = len(self._layer_sizes)
        self.n_outputs_ = self._layer_sizes[-1]


@share_documentation(
    split="The split is stratified by class (not for multilabel).",
    score="Accuracy",
    output="'softmax' or 'logistic'.",
)
class ScratchMLPClassifier(_MultilayerPerceptron, NetworkClassifier):
    r"""Multilayer perceptron classifier.

    The network of scikit-learn's MLPClassifier, parameter by parameter: the same seed gives
    the same model, apart from the differences that the documentation lists. It
    minimises the log loss, the mean over the rows of

    .. math:: -\sum_k y_k \log p_k + \frac{\alpha}{2 n} \lVert W \rVert^2,

    with probabilities :math:`p` from a softmax for several classes, and from a logistic
    function for two classes or for each of several labels (multilabel). With labels of a
    single class it is a constant model.

    Parameters
    ----------
    <PARAMETERS>

    loss : {'log_loss', 'squared_error'}, default='log_loss'
        What to minimise: the log loss (cross-entropy), or half the squared error of the
        probabilities, summed over the classes (half the Brier score). Not in scikit-learn.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel the numbers of the columns.

    <ATTRIBUTES>

    See Also
    --------
    ScratchMLPRegressor : The same network for numbers.

    References
    ----------
    <REFERENCES>

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skneural import ScratchMLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> classifier = ScratchMLPClassifier(max_iter=300, random_state=1).fit(X, y)
    >>> classifier.predict(X[:5]).shape
    (5,)
    >>> classifier.predict_proba(X[:1]).shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_error"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
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
        loss: str = "log_loss",
        dtype: str = "auto",
    ) -> None:
        super().__init__(
            loss=loss,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            dtype=dtype,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(_has_epochs)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> ScratchMLPClassifier:
        """Train for one epoch on the given rows, going on from all earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels; those of a call need not be all there are.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, relative to the mean over all calls.
        classes : array-like of shape (n_classes,), default=None
            All labels that may ever come. Required in the first call.

        Returns
        -------
        self : ScratchMLPClassifier

        Raises
        ------
        ValueError
            As for fit; also for a label that is not in `classes_`, and with
            `early_stopping`.
        """
        fitted: ScratchMLPClassifier = self._fit(
            X, y, sample_weight, incremental=True, classes=classes
        )
        return fitted


@share_documentation(
    split="It is drawn without regard to y.",
    score="R^2",
    output="'identity', or 'exp' for the Poisson loss.",
)
class ScratchMLPRegressor(RegressorMixin, _MultilayerPerceptron):
    r"""Multilayer perceptron regressor.

    The network of scikit-learn's MLPRegressor, parameter by parameter: the same seed gives
    the same model, apart from the differences that the documentation lists. It
    minimises the mean over the rows of

    .. math:: \ell(\hat y, y) + \frac{\alpha}{2 n} \lVert W \rVert^2

    with half the squared error or half the Poisson deviance for :math:`\ell`.

    Parameters
    ----------
    loss : {'squared_error', 'poisson'}, default='squared_error'
        What to minimise. 'squared_error' is half the squared error; several outputs are
        added up in training, and averaged in the losses reported, as in scikit-learn.
        'poisson' is half the Poisson deviance of targets that are zero or positive, with
        ``exp`` as output activation.

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

    @available_if(_has_epochs)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> ScratchMLPRegressor:
        """Train for one epoch on the given rows, going on from all earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, relative to the mean over all calls.

        Returns
        -------
        self : ScratchMLPRegressor

        Raises
        ------
        ValueError
            As for fit; also with `early_stopping`.
        """
        fitted: ScratchMLPRegressor = self._fit(X, y, sample_weight, incremental=True)
        return fitted

    def predict(self, X: Any) -> FloatArray:
        """Predicted values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        predicted: FloatArray = self._predict(X, self._through_link)
        return predicted.ravel() if self.n_outputs_ == 1 else predicted

    def _through_link(self, raw: FloatArray) -> FloatArray:
        INVERSE_LINKS[self.out_activation_](raw)
        return raw

    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        if y.dtype.kind not in "fiub":
            y = y.astype(np.float64)
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(
                f"loss='poisson' needs targets that are zero or positive: the smallest y is "
                f"{np.min(y)}."
            )
        link = "exp" if self.loss == "poisson" else "identity"
        if continuing and link != self.out_activation_:
            raise ValueError(
                f"The fitted network ends in {self.out_activation_!r}, loss={self.loss!r} needs "
                f"{link!r}: call fit with warm_start=False to start anew."
            )
        self.out_activation_ = link
        dtype = self._params.dtype if continuing else None
        target: npt.NDArray[Any] = np.asarray(y, dtype=dtype)
        return target.reshape(-1, 1) if target.ndim == 1 else target

    def _validation_score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        INVERSE_LINKS[self.out_activation_](raw)
        if not np.all(np.isfinite(raw)):
            return math.nan
        return float(r2_score(target, raw, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
