"""Logistic regression: the network without a hidden layer, trained to its optimum."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from skneural.estimators.base import fitted_attribute, store_parameters
from skneural.estimators.class_weight import refuse_balanced
from skneural.estimators.classifier import NetworkClassifier
from skneural.estimators.conversion.logistic import logistic_from_sklearn, logistic_to_sklearn
from skneural.estimators.fit_context import fit_context
from skneural.estimators.linear_attributes import LinearModelMixin
from skneural.estimators.logistic.parameters import CONSTRAINTS, check_settings, has_epochs
from skneural.estimators.logistic.plan import logistic_plan
from skneural.estimators.method_examples import linear, with_examples
from skneural.estimators.sklearn_private import available_if, with_callbacks


@with_examples(linear.LOGISTIC)
class ScratchLogisticRegression(
    LinearModelMixin, NetworkClassifier, ClassifierMixin, BaseEstimator
):
    r"""Logistic regression: a network without a hidden layer, trained to its optimum.

    The model of scikit-learn's LogisticRegression, parameter by parameter. It minimises

    .. math::

        C \sum_i s_i \, \ell(x_i W + b, y_i)
        + \frac{1 - \rho}{2} \lVert W \rVert_2^2 + \rho \lVert W \rVert_1

    over weights W and intercepts b, where :math:`s_i` are the sample weights, :math:`\rho` is
    `l1_ratio` and :math:`\ell` the log loss: :math:`-\log p` of the true class, by a logistic
    function for two classes and by a softmax for more (multinomial, not one against the rest).
    Intercepts are not penalised, except with solver='liblinear'.

    Features may be on any scale: the full-batch solvers change the variables in which they
    work, not the problem, so that the optimum is that of the data as given.

    Parameters
    ----------
    penalty : {'l2', 'l1', 'elasticnet', None}, default='deprecated'
        Use `l1_ratio` and `C` instead, as in scikit-learn since 1.8; a FutureWarning says how.

    C : float, default=1.0
        Inverse of the strength of the penalty, above 0; ``np.inf`` for no penalty.

    l1_ratio : float, default=0.0
        Share :math:`\rho` of the L1 penalty, from 0 to 1. Above 0 with solver='fista', 'saga' or,
        for 1, 'liblinear' only: these make weights exactly zero.

    dual : bool, default=False
        With solver='liblinear' and an L2 penalty also True, without effect: the dual problem has
        the same optimum. Otherwise only False is possible.

    tol : float, default=1e-4
        The full-batch solvers stop where no element of the gradient of the objective, divided
        by the sum of C times the weights, is larger, and the objective can fall by no more
        than about ``tol**2 / 100`` (estimated from the second derivative); 'sag' and 'saga' do
        so at a tenth of it, 'liblinear' at a thousandth. Where single rows may mislead that
        estimate, a duality gap of at most ``tol / 100`` verifies it, in problems of up to 1000
        parameters (L1: 300) in which the rows times the square of the parameters are at most 2^26.
        For 'sgd' and 'adam': the least decrease of the loss that counts as progress.

    fit_intercept : bool, default=True
        Whether there are intercepts.

    intercept_scaling : float, default=1
        For solver='liblinear', and only there: the penalty on the intercept is that of
        ``intercept / intercept_scaling``.

    class_weight : dict or 'balanced', default=None
        Weights of the classes, which multiply those of their rows; classes that are not in the
        dict count 1. 'balanced' gives all classes the same total weight,
        ``total / (n_classes * total of the class)``, sample weights included.

    random_state : int, RandomState instance or None, default=None
        Draws the order of rows and the validation rows of 'sgd' and 'adam'. The other solvers
        use no random numbers.

    solver : str, default='lbfgs'
        How to minimise. All but 'sgd', 'adam' and 'liblinear' arrive at the same optimum:

        - 'lbfgs': SciPy's quasi-Newton method in preconditioned variables. For data of any size
          and kind, nearly always the fastest. Small problems are served by Newton's method.
        - 'newton-cholesky': Newton's method with all second derivatives. To high precision on
          few features and classes: its cost grows with the square of their product (memory)
          and the cube (time). Where the matrix is singular, 'lbfgs' takes over with a warning.
        - 'fista': accelerated proximal gradient, with steps of Newton's method in between. For
          L1 and elastic net.
        - 'sgd', 'adam': mini-batches through the engine of the multilayer perceptrons, without
          a change of variables: scale the features. With a decaying `learning_rate` they reach
          the optimum too. Only these have partial_fit and early stopping.
        - 'newton-cg': Newton's method with conjugate gradients. For text and the like: sparse
          rows of very many features. With up to 2000 parameters (those of K - 1 of K > 2 classes
          count), and either as many rows or up to 128 parameters, it is 'newton-cholesky', from
          which conjugate gradients take over where the matrix is singular.
        - 'sag', 'saga': scikit-learn's names, served by ours that reach the same optimum: 'sag'
          by 'lbfgs', 'saga' by 'fista', and for an L2 penalty by 'lbfgs' too.
        - 'liblinear': that of scikit-learn's solver of this name, whose intercept is penalised
          too: it is the weight of a constant feature of value `intercept_scaling`. For two classes
          and an L2 or L1 penalty, in float64; by 'lbfgs' or 'fista', whatever `dual` is.

    max_iter : int, default=100
        Most iterations, or epochs of 'sgd' and 'adam'.

    verbose : bool or int, default=0
        1 prints every iteration, an integer k > 1 the first, every k-th and the last.

    warm_start : bool, default=False
        Whether fit goes on from the fitted weights instead of from zero. Without effect for
        'liblinear', as in scikit-learn.

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
        Epochs that are allowed without progress.

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
        it is an error), 'interrupted' or 'no_progress' (rounding prevents any further decrease).

    validation_scores_, validation_loss_curve_ : list of float or None
        Accuracy and mean log loss of the held-out rows after every epoch; None without
        `early_stopping`.

    history_ : list of dict
        A record of every iteration (epoch): 'epoch', 'loss', 'validation_loss',
        'validation_score', 'learning_rate', 'gradient_norm' and 'seconds'; None for what there is
        none of, and NaN seconds for epochs that come from a pickle or a deep copy.
        ``history_.to_frame()`` is a DataFrame.

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
    - R.-E. Fan, K.-W. Chang, C.-J. Hsieh, X.-R. Wang and C.-J. Lin, "LIBLINEAR: A library for
      large linear classification", Journal of Machine Learning Research 9, 2008 ('liblinear').
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
    0.99
    """

    _multi_output: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

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
        store_parameters(self, locals())

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
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
        ScratchLogisticRegression
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not valid or do not go together, if there
            is only one class, or if the training diverges. What was fitted before stays as it
            was.
        KeyboardInterrupt
            Raised again with the model of the last whole iteration (epoch) in place.
        """
        check_settings(self)
        # As in scikit-learn, 'liblinear' computes in float64, and warm_start has no effect on it.
        is_liblinear = self.solver == "liblinear"
        dtype = "float64" if is_liblinear else None
        return self._fit(X, y, sample_weight, dtype=dtype, may_start_warm=not is_liblinear)

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def resume(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue a fit that ended before its plan: by Ctrl-C, a callback or a crash.

        The model, `n_iter_`, `loss_curve_` and `stop_reason_` become those of the fit that was not
        interrupted, bit for bit. For solver='lbfgs' and 'newton-cg' up to ten iterations are
        repeated. After a fit that ended by `max_iter`, ``set_params(max_iter=m)`` first continues
        it to m iterations.

        Parameters
        ----------
        X, y, sample_weight : array-like
            The same as in the fit: shape, dtype, classes and total weight are checked.

        Returns
        -------
        ScratchLogisticRegression
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
        dtype = "float64" if self.solver == "liblinear" else None
        return self._fit(X, y, sample_weight, mode="resume", dtype=dtype)

    @available_if(has_epochs)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
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
        ScratchLogisticRegression
            The fitted estimator.

        Raises
        ------
        ValueError
            As for fit; also for a label that is not in `classes_`, with `early_stopping`, and
            with class_weight='balanced', for which the labels of all calls would be needed.
        """
        self._validate_params()  # scikit-learn leaves that out for a fitted estimator
        refuse_balanced(self.class_weight)
        check_settings(self)
        return self._fit(X, y, sample_weight, mode="partial_fit", classes=classes)

    # ---------------------------------------------------------------- scikit-learn's own

    def to_sklearn(self) -> Any:
        """The same fitted model as an estimator of scikit-learn.

        Returns
        -------
        sklearn.linear_model.LogisticRegression
            Fitted; it shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        TypeError
            For a subclass with methods of its own, other than `fit`.

        Warns
        -----
        UserWarning
            Of parameters that it lacks. Its defaults take their place, 'saga' that of 'fista' with
            an L1 penalty.
        """
        return logistic_to_sklearn(self, ScratchLogisticRegression)

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """The model of a LogisticRegression of scikit-learn, to predict with and to train further.

        Parameters
        ----------
        model : sklearn.linear_model.LogisticRegression
            Fitted, also by an earlier version, from 1.6 on.

        Returns
        -------
        ScratchLogisticRegression
            With the same parameters. `loss_` is NaN, `loss_curve_` and `stop_reason_` are empty.

        Raises
        ------
        TypeError
            For any other class; NotFittedError if it is not fitted.
        ValueError
            If its probabilities are no softmax: of one class against the rest, for three or more.
        """
        return logistic_from_sklearn(cls, model)

    # ---------------------------------------------------------------- the plan

    n_iter_ = fitted_attribute(
        "Iterations of the last fit, shape (1,).",
        lambda fitted: np.array([fitted.outcome.n_iter], dtype=np.int32),
    )

    _plan = logistic_plan

    @property
    def _tasks_have_empty_end(self) -> bool:
        # What callbacks are told is what scikit-learn's LogisticRegression tells them.
        return bool(self.solver == "lbfgs")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags
