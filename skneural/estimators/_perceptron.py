"""The perceptron, trained by Rosenblatt's rule: `ScratchPerceptron`."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import validate_data

from skneural._arrays import BoolArray, FloatArray, IndexArray, Matrix
from skneural._rows import Rows, rows_of
from skneural._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    with_callbacks,
)
from skneural._threads import blas_threads
from skneural.estimators._callbacks import EpochTasks, epoch_tasks
from skneural.estimators._checks import naming_the_column, native, refuse_masked
from skneural.estimators._labels import Labels
from skneural.estimators._linear_attributes import LinearAttributesMixin
from skneural.estimators._outcome import all_or_nothing
from skneural.estimators._raw_outputs import RawOutputsMixin
from skneural.estimators._sgd_order import epoch_orders, held_out_and_seeds
from skneural.estimators._version_stamp import VersionStampMixin
from skneural.estimators._warnings import warn_user
from skneural.lessons import Lesson, Patience, Snapshot, train
from skneural.perceptron import OnlinePerceptron, Rule

#: How much of a step the intercept takes where the rows are sparse: it is in every row, and would
#: swing wildly beside weights that move once in a while. scikit-learn's number.
SPARSE_INTERCEPT_RATE = 0.01

#: The share of L1 in each penalty; None for `l1_ratio`.
L1_SHARE = {"l2": 0.0, "l1": 1.0, "elasticnet": None, None: 0.0}


class ScratchPerceptron(
    LinearAttributesMixin,
    ClassifierMixin,
    CallbackSupportMixin,
    RawOutputsMixin,
    VersionStampMixin,
):
    """Linear classifier trained by Rosenblatt's perceptron rule.

    One unit decides between two classes. Of three classes or more, each has a unit that tells
    it from all others, and the unit with the largest output wins. A unit looks at one row x
    after another, with y = 1 for its class and y = -1 otherwise. Where it is wrong, that is,
    where ``y * (w @ x + b) <= 0``, it learns::

        w += eta0 * weight_of_the_row * y * x
        b += eta0 * weight_of_the_row * y

    and elsewhere it does nothing. The same `random_state` gives the same model as
    `sklearn.linear_model.Perceptron`.

    Parameters
    ----------
    penalty : {'l2', 'l1', 'elasticnet'} or None, default=None
        Penalty on the weights, which acts at every row:
        ``alpha * ((1 - r) / 2 * sum(w**2) + r * sum(abs(w)))`` with r = 0 for 'l2', 1 for
        'l1', and `l1_ratio` for 'elasticnet'.

    alpha : float, default=0.0001
        Strength of the penalty.

    l1_ratio : float, default=0.15
        Share of L1 in the penalty, from 0 to 1. For 'elasticnet' only.

    fit_intercept : bool, default=True
        Whether to learn b. If not, the data should be centred.

    max_iter : int, default=1000
        Most epochs (passes over all rows) in one call of fit.

    tol : float or None, default=1e-3
        The least improvement of the mean objective, or of the validation score under
        `early_stopping`, that counts as progress. None trains for `max_iter` epochs.

    shuffle : bool, default=True
        Whether to put the rows in a new order for every epoch.

    verbose : int, default=0
        Whether to print a report of every epoch of every unit.

    eta0 : float, default=1.0
        Length of a step. Without a penalty it only scales the model.

    n_jobs : int or None, default=None
        Accepted and without effect: the units of all classes are trained side by side in one
        thread.

    random_state : int, RandomState instance or None, default=0
        Draws the order of the rows and the validation rows.

    early_stopping : bool, default=False
        Whether to hold out rows, the same share of every class, and to stop when their
        accuracy no longer improves. The weights of the last epoch are kept.

    validation_fraction : float, default=0.1
        Share of the rows to hold out, between 0 and 1.

    n_iter_no_change : int, default=5
        Epochs without progress, after which a unit stops.

    class_weight : dict, 'balanced' or None, default=None
        Weight of every class, to multiply the steps by. 'balanced' is
        ``n_samples / (n_classes * count of the class)``. Of three classes or more, the weight
        of a class counts in the unit of that class alone, for the rows of the class.

    warm_start : bool, default=False
        Whether fit goes on from the fitted weights instead of zeros.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights; one row for two classes. A view of the model.

    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts, a view of the model. Zeros where none are fitted.

    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    n_iter_ : int
        Epochs of the unit that trained the longest, in the last call of fit or partial_fit.

    t_ : float
        ``1 + n_iter_ * n_samples``, added up over calls of partial_fit.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    Notes
    -----
    A float32 model comes from float32 data. Sparse rows move the intercept by one hundredth of
    a step, as in scikit-learn.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
    organization in the brain", Psychological Review 65 (1958).

    Examples
    --------
    >>> from skneural import ScratchPerceptron
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> ScratchPerceptron().fit(X, y).predict(X)
    array([0, 0, 0, 1])
    """

    classes_: npt.NDArray[Any]
    n_iter_: int
    t_: float

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "shuffle": ["boolean"],
        "verbose": ["verbose"],
        "eta0": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start

    # ---------------------------------------------------------------- fit and predict

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        coef_init: Any = None,
        intercept_init: Any = None,
        sample_weight: Any = None,
    ) -> Any:
        """Train until the objective no longer falls, or for `max_iter` epochs.

        A fit that fails leaves the earlier model as it was; one that is interrupted
        (KeyboardInterrupt) leaves that of the last whole epoch, if there is one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of two classes or more.
        coef_init : array-like of shape (1 or n_classes, n_features), default=None
            Weights to start from; None for zeros.
        intercept_init : array-like of shape (1 or n_classes,), default=None
            Intercepts to start from; None for zeros.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors for the steps of every row, zero or positive; None for 1. They do not
            count in the objective that `tol` watches.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For data, weights or parameters that are not as described here, and where weights
            overflow in training.

        Warns
        -----
        ConvergenceWarning
            If all `max_iter` epochs were made, unless `tol` is None.
        """
        self._learn(
            X,
            y,
            sample_weight,
            coef_init=coef_init,
            intercept_init=intercept_init,
            max_iter=self.max_iter,
        )
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warn_user(
                f"Maximum number of iterations ({self.max_iter}) reached before convergence. "
                "Consider increasing max_iter to improve the fit.",
                ConvergenceWarning,
            )
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Train for one epoch over a batch of rows, from the weights as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in fit.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            As in fit; for labels that are not in `classes`; and where `early_stopping` or
            ``class_weight='balanced'`` would need all the data.
        """
        self._validate_params()  # scikit-learn leaves that out for a fitted estimator
        if self.early_stopping:
            raise ValueError(
                "early_stopping should be False with partial_fit: it never sees all the data."
            )
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y) "
                "with the labels of all the data, or of a large sample, for y, and pass the "
                "result, as a dict of the classes' weights, as class_weight."
            )
        return self._learn(X, y, sample_weight, classes=classes, incremental=True, max_iter=1)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        labels: npt.NDArray[Any] = self._predict(X, self._decoded)
        return labels

    def _decoded(self, raw: FloatArray) -> npt.NDArray[Any]:
        labels: npt.NDArray[Any] = Labels(self.classes_).decode(raw)
        return labels

    def decision_function(self, X: Any) -> FloatArray:
        """The outputs of the units: ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one column: positive where the second is predicted.
        """
        scores: FloatArray = self._predict(X, lambda raw: raw)
        return scores.ravel() if scores.shape[1] == 1 else scores

    # ---------------------------------------------------------------- training

    def _learn(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        max_iter: int,
        classes: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        incremental: bool = False,
    ) -> Any:
        refuse_masked(X=X, y=y, sample_weight=sample_weight)
        continuing = self.__sklearn_is_fitted__() and (incremental or self.warm_start)
        tasks = None if incremental else epoch_tasks(self, X, y, sample_weight)
        with all_or_nothing(self):
            X, y = self._validated(X, y, continuing)
            target = self._encoded(y, classes, continuing=continuing, incremental=incremental)
            start = self._start(X, target.shape[1], coef_init, intercept_init, continuing)
            lessons = self._lessons(X, y, target, check_sample_weight(sample_weight, X), *start)
            n_seen = self.t_ if incremental else 1.0
            interrupt = self._train(lessons, max_iter, n_seen=n_seen, tasks=tasks)
        if interrupt is not None:
            raise interrupt
        if tasks is not None:
            tasks.fit_ended()
        return self

    def _validated(self, X: Any, y: Any, continuing: bool) -> tuple[Matrix, npt.NDArray[Any]]:
        with naming_the_column(X):
            X, y = validate_data(
                self,
                native(X),
                native(y),
                accept_sparse="csr",
                dtype=self._params.dtype if continuing else (np.float64, np.float32),
                order="C",
                reset=not continuing,
            )
        return X, y

    def _encoded(
        self, y: npt.NDArray[Any], classes: Any, *, continuing: bool, incremental: bool
    ) -> BoolArray:
        """Whether each row is one of each unit's own; sets `classes_`."""
        if continuing:
            labels = Labels(self.classes_)
            labels.check_same(y, classes, incremental=incremental)
        else:
            if incremental and classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            labels = Labels.of(y, classes)
            self.classes_ = labels.classes
            self.t_ = 1.0
        if len(labels.classes) < 2:
            raise ValueError(
                "The number of classes has to be greater than one; got 1 class: "
                f"{labels.classes.tolist()[0]!r}"
            )
        return labels.encode(y)

    def _start(
        self, X: Matrix, n_units: int, coef_init: Any, intercept_init: Any, continuing: bool
    ) -> tuple[FloatArray, FloatArray]:
        """The weights and intercepts to start from; sets `_linear_sizes`."""
        shape = (n_units, X.shape[1])
        coef, intercept = np.zeros(shape, X.dtype), np.zeros(n_units, X.dtype)
        if continuing:
            coef = self.coef_ if self._sparse_coef is None else self._sparse_coef.toarray()
            intercept = self.intercept_
        if coef_init is not None:
            coef = _as_start("coef_init", coef_init, shape, X.dtype)
        if intercept_init is not None:
            intercept = _as_start("intercept_init", intercept_init, (n_units,), X.dtype)
        self._linear_sizes = (X.shape[1], n_units)
        return coef, intercept

    def _lessons(
        self,
        X: Matrix,
        y: npt.NDArray[Any],
        target: BoolArray,
        sample_weight: FloatArray | None,
        coef: FloatArray,
        intercept: FloatArray,
    ) -> list[Lesson]:
        """What each unit is to learn."""
        n_rows, n_units = target.shape
        class_weight = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        held_out, seeds = held_out_and_seeds(
            target,
            sample_weight,
            self.validation_fraction if self.early_stopping else None,
            self.random_state,
        )
        training_rows = None
        if held_out is not None:
            training_rows = np.ones(n_rows, dtype=bool)
            training_rows[held_out] = False
        rows = rows_of(X)
        rule = self._rule(rows)
        lessons = []
        for k in range(n_units):
            others, own = class_weight if n_units == 1 else (1.0, class_weight[k])
            weight = None
            if sample_weight is not None or self.class_weight is not None:
                weight = np.where(target[:, k], own, others).astype(X.dtype)
                weight *= 1 if sample_weight is None else sample_weight
            lessons.append(
                Lesson(
                    OnlinePerceptron(rows, target[:, k], weight, coef[k], intercept[k], rule),
                    epoch_orders(n_rows, seeds[k] if self.shuffle else None, training_rows),
                    Patience(-math.inf if self.tol is None else self.tol, self.n_iter_no_change),
                    _scorer(X, target[:, [k]], sample_weight, held_out),
                    name="" if n_units == 1 else f", class {self.classes_.tolist()[k]!r}",
                )
            )
        return lessons

    def _rule(self, rows: Rows) -> Rule:
        intercept_rate = SPARSE_INTERCEPT_RATE if rows.is_sparse else 1.0
        l1_share = L1_SHARE[self.penalty]
        return Rule(
            learning_rate=float(self.eta0),
            alpha=0.0 if self.penalty is None else float(self.alpha),
            l1_ratio=float(self.l1_ratio if l1_share is None else l1_share),
            intercept_rate=intercept_rate if self.fit_intercept else 0.0,
        )

    def _train(
        self,
        lessons: list[Lesson],
        max_iter: int,
        *,
        n_seen: float,
        tasks: EpochTasks | None,
    ) -> KeyboardInterrupt | None:
        """Train and publish. Returns the interrupt that ended the training, if one did."""
        X = lessons[0].unit.rows.X
        snapshot, interrupt = None, None
        try:
            # One thread: a product with a vector waits for memory, and more threads wait too.
            with np.errstate(over="ignore", invalid="ignore"), blas_threads(1):
                epochs = train(lessons, max_iter, verbose=int(self.verbose), watcher=tasks)
                for after_epoch in epochs:
                    snapshot = after_epoch
                    if tasks is not None:
                        tasks.attributes = partial(self._attributes_of, snapshot)
        except KeyboardInterrupt as error:
            if snapshot is None:
                raise
            interrupt = error
        assert snapshot is not None
        self._publish(snapshot, n_seen + snapshot.n_epochs * X.shape[0])
        return interrupt

    def _attributes_of(self, snapshot: Snapshot) -> dict[str, Any]:
        """What would change in the estimator if the training ended here."""
        would_be = copy(self)
        would_be._publish(snapshot, self.t_)
        names = ("_params", "_sparse_coef", "n_iter_", "t_")
        return {name: getattr(would_be, name) for name in names}

    def _publish(self, snapshot: Snapshot, n_seen: float) -> None:
        """Turn a finished training into fitted attributes."""
        self._params = np.concatenate([snapshot.weights.ravel(), snapshot.intercepts])
        self._sparse_coef = None
        self.n_iter_ = snapshot.n_epochs
        self.t_ = n_seen


def _as_start(
    name: str, values: Any, shape: tuple[int, ...], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """`values` in this shape, of which the first axis may be missing if it has length 1."""
    array = np.array(values, dtype=dtype)
    if array.shape != shape and not (shape[0] == 1 and array.shape == shape[1:]):
        raise ValueError(
            f"Provided {name} does not match dataset: it has shape {array.shape}, expected {shape}."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains NaN or infinity.")
    return array.reshape(shape)


def _scorer(
    X: Matrix, target: BoolArray, sample_weight: FloatArray | None, rows: IndexArray | None
) -> Callable[[FloatArray, float], float] | None:
    """The accuracy of one unit on the validation rows; None if there are none."""
    if rows is None:
        return None
    X, target, labels = X[rows], target[rows], Labels(np.array([-1, 1]))
    weight = None if sample_weight is None else sample_weight[rows]

    def accuracy(weights: FloatArray, intercept: float) -> float:
        raw = (X @ weights + intercept)[:, np.newaxis]
        return labels.accuracy(raw, target, weight)

    return accuracy
