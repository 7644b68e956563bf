"""Logistic regression: the network without a hidden layer, trained to its optimum."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgWarning
from sklearn.utils.metaestimators import available_if

from skneural._arrays import FloatArray, Matrix, rows_as_csr
from skneural._sklearn import (
    Hidden,
    Interval,
    Options,
    StrOptions,
    fit_context,
    with_callbacks,
)
from skneural.conditioning import conditioner
from skneural.estimators._base import COMPUTING_DTYPES
from skneural.estimators._class_weight import refuse_balanced, weights_by_class
from skneural.estimators._classifier import NetworkClassifier
from skneural.estimators._linear_attributes import LinearAttributesMixin, linear_network
from skneural.estimators._memory import Memory
from skneural.estimators._outcome import OUT_OF_EPOCHS
from skneural.estimators._penalty import (
    penalty_name,
    penalty_strengths,
    warn_of_old_parameters,
)
from skneural.estimators._validation import LabelledRows
from skneural.estimators._warnings import warn_user
from skneural.losses import LOSSES, Loss
from skneural.monitoring import Watcher
from skneural.network import Network
from skneural.newton import minimize_newton
from skneural.objective import Objective
from skneural.optimizers import SGD, Adam, Optimizer
from skneural.proximal import minimize_fista
from skneural.quasi_newton import minimize_conditioned
from skneural.schedules import Adaptive, Constant, InverseScaling, Schedule
from skneural.training import Training

#: Coordinates up to which factorising the second derivative beats conjugate gradients.
MOST_NEWTON_COORDINATES = 2000

STOCHASTIC = ("sgd", "adam")

#: scikit-learn's 'sag' and 'saga' stop when no weight changes any more by the share `tol`, which
#: asks for more than a gradient of `tol`: who sets it in their sense still gets what they expect.
TOLERANCE_SHARES = {"sag": 0.1, "saga": 0.1}

#: scikit-learn's solvers that pass over the rows at random, and ours that does their work.
OVER_ROWS = ("sag", "saga", "fista")


def _has_epochs(estimator: ScratchLogisticRegression) -> bool:
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            "partial_fit learns from mini-batches, which is for solver='sgd' and 'adam': "
            f"solver={estimator.solver!r} needs all rows at once."
        )
    return True


class ScratchLogisticRegression(LinearAttributesMixin, NetworkClassifier):
    r"""Logistic regression: a network without a hidden layer, trained to its optimum.

    The model of scikit-learn's LogisticRegression, parameter by parameter. It minimises

    .. math::

        C \sum_i s_i \, \ell(x_i W + b, y_i)
        + \frac{1 - \rho}{2} \lVert W \rVert_2^2 + \rho \lVert W \rVert_1

    over weights W and intercepts b, where :math:`s_i` are the sample weights, :math:`\rho` is
    `l1_ratio` and :math:`\ell` the log loss: :math:`-\log p` of the true class, by a logistic
    function for two classes and by a softmax for more (multinomial, not one against the rest).
    Intercepts are not penalised.

    Features may be on any scale: the full-batch solvers change the variables in which they
    work, not the problem, so that the optimum is that of the data as given.

    Parameters
    ----------
    penalty : {'l2', 'l1', 'elasticnet', None}, default='deprecated'
        Use `l1_ratio` and `C` instead, as in scikit-learn since 1.8; a FutureWarning says how.

    C : float, default=1.0
        Inverse of the strength of the penalty, above 0; ``np.inf`` for no penalty.

    l1_ratio : float, default=0.0
        Share :math:`\rho` of the L1 penalty, from 0 to 1. Above 0 with solver='fista' or
        'saga' only: these make weights exactly zero.

    dual : bool, default=False
        Only False is possible: the dual problem belongs to scikit-learn's 'liblinear'.

    tol : float, default=1e-4
        The full-batch solvers stop where no element of the gradient of the objective, divided
        by the sum of C times the weights, is larger, and the objective can fall by no more
        than about ``tol**2 / 100`` (estimated from the second derivative); 'sag' and 'saga' do
        so at a tenth of it. For 'sgd' and 'adam': the least decrease of the loss that counts as
        progress.

    fit_intercept : bool, default=True
        Whether there are intercepts.

    intercept_scaling : float, default=1
        Without effect, as in scikit-learn for all solvers but 'liblinear'.

    class_weight : dict or 'balanced', default=None
        Weights of the classes, which multiply those of their rows; classes that are not in the
        dict count 1. 'balanced' gives all classes the same total weight,
        ``total / (n_classes * total of the class)``, sample weights included.

    random_state : int, RandomState instance or None, default=None
        Draws the order of rows and the validation rows of 'sgd' and 'adam'. The other solvers
        use no random numbers.

    solver : {'lbfgs', 'newton-cholesky', 'newton-cg', 'sag', 'saga', 'fista', 'sgd', 'adam'}, \
            default='lbfgs'
        How to minimise. All but the last two arrive at the same optimum:

        - 'lbfgs': SciPy's quasi-Newton method in variables in which the objective is nearly
          round. For data of any size and kind, hardly ever beaten.
        - 'newton-cholesky': Newton's method with all second derivatives. To high precision on
          few features and classes: its cost grows with the square of their product (memory)
          and the cube (time). Where the matrix is singular, 'lbfgs' takes over with a warning.
        - 'fista': accelerated proximal gradient, with steps of Newton's method in between. For
          L1 and elastic net.
        - 'sgd', 'adam': mini-batches through the engine of the multilayer perceptrons, without
          a change of variables: scale the features. With a decaying `learning_rate` they reach
          the optimum too. Only these have partial_fit and early stopping.
        - 'newton-cg': Newton's method with conjugate gradients. For text and the like: sparse
          rows of very many features. Up to 2000 parameters it is 'newton-cholesky'.
        - 'sag', 'saga': scikit-learn's names, served by ours that reach the same optimum: 'sag'
          by 'lbfgs', 'saga' by 'fista', and for an L2 penalty by 'lbfgs' too.

        'liblinear' is refused: it penalises the intercept, which has another optimum.

    max_iter : int, default=100
        Most iterations, or epochs of 'sgd' and 'adam'.

    verbose : bool or int, default=0
        1 prints every iteration, an integer k > 1 the first, every k-th and the last.

    warm_start : bool, default=False
        Whether fit goes on from the fitted weights instead of from zero.

    n_jobs : int, default=None
        Without effect, as in scikit-learn since 1.8.

    batch_size : int or 'auto', default='auto'
        Rows in a mini-batch; 'auto' is ``min(200, n_samples)``. This and all that follow are
        for 'sgd' and 'adam', and not in scikit-learn.

    shuffle : bool, default=True
        Whether to put the rows in a new order for every epoch.

    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        How the learning rate follows the training, also for 'adam':

        - 'constant': it stays at `learning_rate_init`;
        - 'invscaling': ``learning_rate_init / sqrt(t + 1)`` after t rows;
        - 'adaptive': it is divided by 5 at every plateau, see `n_iter_no_change`.

    learning_rate_init : float, default=0.001
        The learning rate at the start.

    momentum : float, default=0.9
        Nesterov's momentum of 'sgd', from 0 to 1; 0 is plain gradient descent.

    early_stopping : bool, default=False
        Whether to hold out rows, to stop when their accuracy no longer improves, and to keep
        the weights of the best epoch.

    validation_fraction : float, default=0.1
        Share of the rows held out by `early_stopping`, stratified by class.

    n_iter_no_change : int or inf, default=10
        Epochs without progress to put up with.

    dtype : {'auto', 'float32', 'float64'}, default='auto'
        What to compute in: 'auto' keeps the float32 or float64 of X (anything else becomes
        float64), as scikit-learn does; 'float32' takes half the memory, also on the float64
        columns of a data frame, and finds the optimum to about five digits. Predictions come
        in the same dtype.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights; one row for two classes. A view of the model: ``coef_[...] = W`` and
        ``coef_ = W`` both change it. A CSR matrix after `sparsify`.

    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts, likewise; zeros with ``fit_intercept=False``.

    n_iter_ : ndarray of shape (1,)
        Iterations (epochs) of the last call.

    loss_ : float
        The objective, divided by C times the sum of the weights, at the end. With 'sgd' and
        'adam': its mean over the batches of the last epoch.

    loss_curve_ : list of float
        The same after every iteration (epoch), going on over warm starts.

    best_loss_ : float or None
        The lowest of them; None with `early_stopping`.

    best_iteration_ : int or None
        The iteration (epoch), counted from 1, of the highest validation score; without
        `early_stopping`, of the lowest loss.

    stop_reason_ : str
        Why the last call ended: 'converged', 'max_iter', 'early_stopping', 'callback' (one of
        scikit-learn's callbacks asked for it), 'not_finite' (with `early_stopping` alone, else
        it is an error), 'interrupted' or 'no_progress' (rounding leaves no way further down).

    validation_scores_, validation_loss_curve_ : list of float or None
        Accuracy and mean log loss of the held-out rows after every epoch; None without
        `early_stopping`.

    history_ : list of dict
        A record of every iteration (epoch): 'epoch', 'loss', 'validation_loss',
        'validation_score', 'learning_rate', 'gradient_norm' and 'seconds'; None for what there is
        none of. ``history_.to_frame()`` is a DataFrame.

    best_validation_score_ : float or None
        The highest score.

    t_ : int
        Rows trained on by 'sgd' or 'adam', each as often as it was visited.

    out_activation_ : str
        'logistic' for two classes, 'softmax' for more.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X had names that are all strings.

    See Also
    --------
    ScratchMLPClassifier : The same with hidden layers.
    ScratchPerceptron : The same network under the perceptron loss.

    Notes
    -----
    `partial_fit` minimises the same objective over all rows it has been given so far: in a
    batch the penalty weighs :math:`1 / (C n)` with n the sum of all weights seen.

    References
    ----------
    - C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 4.3.2 to 4.3.4.
    - R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
      constrained optimization", SIAM Journal on Scientific Computing 16, 1995 ('lbfgs').
    - S. Boyd and L. Vandenberghe, *Convex Optimization*, 2004, chapter 9 ('newton-cholesky').
    - A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
      inverse problems", SIAM Journal on Imaging Sciences 2, 2009 ('fista').
    - D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skneural import ScratchLogisticRegression
    >>> X, y = load_wine(return_X_y=True)
    >>> classifier = ScratchLogisticRegression().fit(X, y)
    >>> classifier.coef_.shape
    (3, 13)
    >>> round(classifier.score(X, y), 2)
    1.0
    """

    _takes_several_outputs: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [
            StrOptions({"l1", "l2", "elasticnet"}),
            None,
            Hidden(StrOptions({"deprecated"})),
        ],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [
            StrOptions({"lbfgs", "newton-cholesky", "newton-cg", *OVER_ROWS, *STOCHASTIC}),
            Hidden(StrOptions({"liblinear"})),
        ],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {math.inf}),
        ],
        "dtype": [StrOptions(set(COMPUTING_DTYPES))],
    }

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: int | np.random.RandomState | None = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: bool | int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        momentum: float = 0.9,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        dtype: str = "auto",
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.dtype = dtype

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ScratchLogisticRegression:
        """Find the optimum for rows and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With dtype='auto', float32 is computed in float32, everything else in float64.
            Sparse rows are never made dense.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, zero or positive: a weight of 2 counts as the row twice.

        Returns
        -------
        self : ScratchLogisticRegression

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not valid or do not go together, if there
            is only one class, or if the training diverges. What was fitted before stays as it
            was.
        KeyboardInterrupt
            Raised again with the model of the last whole iteration (epoch) in place.
        """
        fitted: ScratchLogisticRegression = self._fit(X, y, sample_weight)
        return fitted

    @available_if(_has_epochs)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> ScratchLogisticRegression:
        """Train for one epoch on the given rows, going on from all earlier calls.

        For solver='sgd' and 'adam'.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels; those of a call need not be all there are.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, relative to the mean over all calls.
        classes : array-like of shape (n_classes,), default=None
            All labels that may ever come. Required in the first call.

        Returns
        -------
        self : ScratchLogisticRegression

        Raises
        ------
        ValueError
            As for fit; also for a label that is not in `classes_`, with `early_stopping`, and
            with class_weight='balanced', for which the labels of all calls would be needed.
        """
        refuse_balanced(self.class_weight)
        fitted: ScratchLogisticRegression = self._fit(
            X, y, sample_weight, incremental=True, classes=classes
        )
        return fitted

    # ---------------------------------------------------------------- settings

    def _check_settings(self) -> None:
        warn_of_old_parameters(self)
        penalty, solver = penalty_name(self), self.solver
        if solver == "liblinear":
            raise ValueError(
                "solver='liblinear' penalises the intercept too, which has another optimum. Use "
                "'lbfgs' or 'newton-cholesky' for an L2 penalty, 'fista' for L1 and elastic net."
            )
        if solver not in ("fista", "saga") and penalty not in ("l2", None):
            raise ValueError(
                f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty. "
                "Use solver='fista' for l1_ratio > 0."
            )
        if self.dual:
            raise ValueError(f"Solver {solver} supports only dual=False, got dual=True")
        if penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        if self.early_stopping and solver not in STOCHASTIC:
            raise ValueError(
                f"early_stopping=True is for solver='sgd' and 'adam', got solver={solver!r}, "
                "which goes to the optimum: use early_stopping=False."
            )

    # ---------------------------------------------------------------- parts of a training

    @property
    def _trained_network(self) -> Network:
        return linear_network(self._linear_sizes, bool(self.fit_intercept))

    def _describe(self, n_features: int, n_outputs: int, *, continuing: bool) -> None:
        if continuing:
            self.densify()
        self._linear_sizes = (n_features, n_outputs)

    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        target = super()._encode_target(
            y, continuing=continuing, incremental=incremental, classes=classes
        )
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {self.classes_[0]!r}"
            )
        return target

    def _weights_by_class(
        self, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray | None:
        return weights_by_class(self.class_weight, self.classes_, target, sample_weight)

    def _initial_params(
        self, random_state: np.random.RandomState, dtype: npt.DTypeLike
    ) -> FloatArray:
        # There is one optimum, wherever the way begins.
        return np.zeros(self._trained_network.n_params, dtype=dtype)

    def _objective(
        self, n_rows: int, mean_weight: float, dtype: npt.DTypeLike, *, n_rows_seen: int
    ) -> Objective:
        l2, _ = penalty_strengths(self)
        return Objective(
            self._trained_network,
            self._loss(),
            l2,
            n_rows=n_rows,
            mean_weight=mean_weight,
            dtype=dtype,
            n_penalty_rows=n_rows_seen,
        )

    def _loss(self) -> Loss:
        return LOSSES["log_loss", self.out_activation_]

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
        if self.solver in STOCHASTIC:
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
            self._go_to_the_optimum(
                self._full_batch_objective(rows),
                training,
                rows_as_csr(rows.X),
                rows.target.astype(rows.X.dtype, copy=False),
                rows.weight,
                watcher,
            )

    def _go_to_the_optimum(
        self,
        objective: Objective,
        training: Training,
        X: Matrix,
        y: FloatArray,
        sample_weight: FloatArray | None,
        watcher: Watcher | None,
    ) -> None:
        problem = (objective, training, X, y, sample_weight)
        rule: dict[str, Any] = {
            "monitor": self._monitor(None, watcher, np.inf),
            "tol": self.tol * TOLERANCE_SHARES.get(self.solver, 1.0),
            "max_iter": self.max_iter,
        }
        l2, l1 = penalty_strengths(self)
        solver = self._solver_at_work(objective.network, l1)
        if solver == "fista":
            scale = conditioner(objective.network, X, sample_weight, l2, separable=True)
            minimize_fista(*problem, l1=l1, conditioning=scale(training.params), **rule)
            return
        if solver == "newton-cholesky":
            minimize_newton(*problem, **rule)
            if training.stop_reason != "singular":
                return
            warn_user(
                "The matrix of second derivatives is singular, or too nearly so, in iteration "
                f"{training.n_epochs + 1} of solver={self.solver!r}: features are copies or sums "
                "of others without a penalty that tells them apart, or all predictions are "
                "certain. solver='lbfgs' takes over.",
                LinAlgWarning,
            )
            training.message = "lbfgs"
            rule["max_iter"] = self.max_iter - 1  # the iteration that failed
        minimize_conditioned(
            *problem,
            method="Newton-CG" if solver == "newton-cg" else "L-BFGS-B",
            condition=conditioner(objective.network, X, sample_weight, l2),
            **rule,
        )

    def _solver_at_work(self, network: Network, l1: float) -> str:
        """The minimiser that serves the solver asked for."""
        if self.solver == "newton-cg":
            n_features, n_outputs = network.layer_sizes
            n_coordinates = (n_features + network.fit_intercept) * max(n_outputs - 1, 1)
            return "newton-cholesky" if n_coordinates <= MOST_NEWTON_COORDINATES else "newton-cg"
        if self.solver == "saga":
            return "fista" if l1 > 0 else "lbfgs"
        return "lbfgs" if self.solver == "sag" else str(self.solver)

    def _optimizer(self) -> Optimizer:
        return SGD(self.momentum) if self.solver == "sgd" else Adam()

    def _schedule(self) -> Schedule:
        # For both optimizers: a mini-batch method comes to rest only where its steps get smaller.
        schedules: dict[str, Schedule] = {
            "constant": Constant(),
            "invscaling": InverseScaling(),
            "adaptive": Adaptive(),
        }
        return schedules[self.learning_rate]

    def _complaint(self, training: Training) -> str:
        if self.solver in STOCHASTIC:
            return OUT_OF_EPOCHS.format(max_iter=self.max_iter)
        solver, n_iter = training.message or self.solver, training.n_epochs
        advice = f"Increase the number of iterations. max_iter is now {self.max_iter}."
        if training.stop_reason == "no_progress":
            advice = "Rounding leaves no way further down: features may be on extreme scales."
        if solver in OVER_ROWS:
            return (
                "The max_iter was reached which means the coef_ did not converge within "
                f"{n_iter} iteration(s) of solver={solver!r}. {advice}"
            )
        if solver == "newton-cholesky":
            return f"Newton solver did not converge after {n_iter} iterations. {advice}"
        return f"{solver} failed to converge after {n_iter} iteration(s). {advice}"

    def _publish(self, training: Training, params: FloatArray, memory: Memory) -> None:
        super()._publish(training, params, memory)
        if not self.fit_intercept:
            no_intercepts = np.zeros(self._linear_sizes[1], dtype=params.dtype)
            self._params = np.concatenate([params, no_intercepts])
        self._sparse_coef = None
        self.n_iter_ = np.array([training.n_epochs], dtype=np.int32)
