"""The perceptron, trained by Rosenblatt's rule: `ScratchPerceptron`."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import fitted_attribute, store_parameters
from skneural.estimators.classifier import (
    decision_of,
    label_accuracy,
    labels_of,
    labels_to_train_on,
    predicted,
)
from skneural.estimators.conversion.perceptron import (
    perceptron_from_sklearn,
    perceptron_to_sklearn,
)
from skneural.estimators.data import Data, Rows
from skneural.estimators.fit_context import fit_context
from skneural.estimators.linear_attributes import LinearModelMixin
from skneural.estimators.method_examples import linear, with_examples
from skneural.estimators.network import TrainedEstimator
from skneural.estimators.perceptron.parameters import CONSTRAINTS
from skneural.estimators.perceptron.plan import perceptron_plan
from skneural.estimators.plan import Plan, Start
from skneural.estimators.sklearn_private import with_callbacks
from skneural.estimators.targets import Labels


@with_examples(linear.PERCEPTRON)
class ScratchPerceptron(LinearModelMixin, TrainedEstimator, ClassifierMixin, BaseEstimator):
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

    stop_reason_ : str
        Why the last training ended: 'converged' when no unit made progress any more
        ('early_stopping' if that was seen in validation scores), 'max_iter', 'callback', or
        'interrupted' for KeyboardInterrupt.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    ScratchLogisticRegression : A linear model with probabilities, trained to its optimum.
    sklearn.linear_model.Perceptron : The same rule, by the same seed the same model.

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

    #: The weight of a class counts in the unit of that class, not for its rows in other units.
    _weights_rows_by_class: ClassVar[bool] = False
    _weights_are_relative: ClassVar[bool] = False
    _multi_output: ClassVar[bool] = False

    n_iter_ = fitted_attribute(
        "Epochs of the unit that trained the longest, in the last call of fit or partial_fit.",
        lambda fitted: fitted.outcome.n_iter,
    )
    t_ = fitted_attribute(
        "``1 + n_iter_ * n_samples``, added up over calls of partial_fit.",
        lambda fitted: 1.0 + fitted.outcome.n_samples_seen,
    )
    classes_ = fitted_attribute(
        "The labels, sorted.", lambda fitted: labels_of(fitted.model).classes_of_model
    )

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

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
        store_parameters(self, locals())

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
    ) -> Self:
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
        object
            The fitted estimator.

        Raises
        ------
        ValueError
            For data, weights or parameters that are not as described here, and where weights
            overflow in training.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs were not enough, unless `tol` is None.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            plan_of=partial(self._plan, coef_init=coef_init, intercept_init=intercept_init),
        )

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def resume(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue a fit that ended before its plan: by Ctrl-C, a callback or a crash.

        The model, `n_iter_`, `t_` and `stop_reason_` become those of the fit that was not
        interrupted, bit for bit. After a fit that ended by `max_iter`,
        ``set_params(max_iter=m)`` first continues it to m epochs.

        Parameters
        ----------
        X, y, sample_weight : array-like
            The same as in the fit: shape, dtype, classes and total weight are checked.

        Returns
        -------
        ScratchPerceptron
            The fitted estimator.

        Raises
        ------
        NotFittedError
            If there was no fit.
        ValueError
            If the rows, or a parameter other than `max_iter`, are not those of the fit, if the
            last training was by partial_fit, or as for fit.
        KeyboardInterrupt
            As for fit.

        Warns
        -----
        UserWarning
            If the fit has come to its end: nothing is changed then.
        ConvergenceWarning
            As for fit.
        """
        return self._fit(X, y, sample_weight, mode="resume")

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch over a batch of rows, from the weights as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels; those of a call need not be all there are.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in fit.

        Returns
        -------
        object
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
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y) "
                "with the labels of all the data, or of a large sample, for y, and pass the "
                "result, as a dict of the classes' weights, as class_weight."
            )
        return self._fit(X, y, sample_weight, mode="partial_fit", classes=classes)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In the dtype of the labels.
        """
        labels: npt.NDArray[Any] = self._predict(X, predicted)
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of rows whose label is predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If X is not valid, or a label is missing (NaT, NA, None, NaN).
        """
        return label_accuracy(self, X, y, sample_weight)

    def decision_function(self, X: Any) -> FloatArray:
        """The outputs of the units: ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one column: positive where the second is predicted.
        """
        scores: FloatArray = self._predict(X, decision_of)
        return scores

    # ---------------------------------------------------------------- scikit-learn's own

    def to_sklearn(self) -> Any:
        """The same fitted model as an estimator of scikit-learn.

        Returns
        -------
        sklearn.linear_model.Perceptron
            It shares no array with this one, and learns further by partial_fit, or by fit with
            ``warm_start=True``, as this one does.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        TypeError
            For a subclass with methods of its own, other than `fit`.
        """
        return perceptron_to_sklearn(self, ScratchPerceptron)

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """The model of a Perceptron of scikit-learn, to predict with and to train further.

        Parameters
        ----------
        model : sklearn.linear_model.Perceptron
            Fitted, also by an earlier version, from 1.6 on.

        Returns
        -------
        ScratchPerceptron
            Its `stop_reason_` is empty.

        Raises
        ------
        TypeError
            For any other class; NotFittedError if it is not fitted.
        """
        return perceptron_from_sklearn(cls, model)

    # ---------------------------------------------------------------- the plan

    def _targets(self, rows: Rows, start: Start, classes: Any) -> Labels:
        labels = labels_to_train_on(self, rows, start, classes)
        assert isinstance(labels, Labels)
        if len(labels.classes) < 2:
            raise ValueError(
                "The number of classes has to be greater than one; got 1 class: "
                f"{labels.classes.tolist()[0]!r}"
            )
        return labels

    def _plan(
        self, data: Data, start: Start, *, coef_init: Any = None, intercept_init: Any = None
    ) -> Plan:
        return perceptron_plan(self, data, start, coef_init, intercept_init)
