"""The multilayer perceptron for class labels."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neural_network import MLPClassifier

from skneural.estimators.base import store_parameters
from skneural.estimators.class_weight import refuse_balanced
from skneural.estimators.classifier import NetworkClassifier, label_accuracy
from skneural.estimators.columns import check_targets
from skneural.estimators.conversion.mlp import network_from_sklearn, network_to_sklearn
from skneural.estimators.fit_context import fit_context
from skneural.estimators.label_columns import LabelColumns, SoftmaxLabels
from skneural.estimators.label_kinds import has_classes_of_columns, sorted_classes
from skneural.estimators.method_examples import networks, with_examples
from skneural.estimators.mlp.base import MultilayerPerceptron, has_epochs
from skneural.estimators.mlp.documentation import share_documentation
from skneural.estimators.mlp.parameter_table import CLASSIFIER, constraints_of
from skneural.estimators.mlp.parameters import check_settings
from skneural.estimators.sklearn_private import available_if
from skneural.estimators.target_contract import ClassTargets
from skneural.estimators.targets import Labels


@share_documentation(
    CLASSIFIER,
    split="The split is stratified by class (not for multilabel; for several columns of labels, by "
    "the first that has enough rows of each class).",
    score="accuracy (for several columns of labels, their mean accuracy)",
    output="'softmax' or 'logistic'.",
)
@with_examples(networks.CLASSIFIER)
class ScratchMLPClassifier(NetworkClassifier, MultilayerPerceptron, ClassifierMixin, BaseEstimator):
    r"""Multilayer perceptron classifier.

    The network of scikit-learn's MLPClassifier, parameter by parameter: the same seed gives
    the same model, apart from the differences that the documentation lists. It
    minimises the log loss, the mean over the rows of

    .. math:: -\sum_k y_k \log p_k + \frac{\alpha}{2 n} \lVert W \rVert^2,

    with probabilities :math:`p` from a softmax for several classes, and from a logistic
    function for two classes or for each of several labels (multilabel). With labels of a
    single class it is a constant model.

    A matrix of zeros and ones as y is multilabel. Every other matrix has one label in each column
    (multiclass-multioutput): the network ends in a softmax for each column, also where a column has
    two classes, and minimises the sum of their losses. What is then said of classes is a list with
    an item for each column. The first fit (or partial_fit) decides which of the two it is.

    Parameters
    ----------
    <PARAMETERS>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel the numbers of the columns. For several columns of
        labels a list of such arrays.

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

    Two columns of labels:

    >>> import numpy as np
    >>> sides = np.where(X[:, 0] > 0, "right", "left")
    >>> both = ScratchMLPClassifier(learning_rate_init=0.01, random_state=1)
    >>> both = both.fit(X, np.column_stack([sides, np.array(["no", "yes"])[y]]))
    >>> both.predict(X[:5]).shape
    (5, 2)
    >>> [labels.tolist() for labels in both.classes_]
    [['left', 'right'], ['no', 'yes']]
    >>> [probability.shape for probability in both.predict_proba(X[:5])]
    [(5, 2), (5, 2)]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = constraints_of(CLASSIFIER)

    def __init__(
        self,
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
        loss: Any = "log_loss",
        dtype: str = "auto",
        class_weight: Any = None,
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on the given rows, going on from all earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels; those of a call need not be all there are.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, relative to the mean over all calls.
        classes : array-like of shape (n_classes,) or list of such, default=None
            All labels that may ever come; for several columns of labels a list, with those of
            each. Required in the first call.

        Returns
        -------
        ScratchMLPClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            As for fit; also for a label that is not in `classes_`, and with
            `early_stopping`.
        """
        self._validate_params()  # scikit-learn leaves that out for a fitted estimator
        refuse_balanced(self.class_weight)
        check_settings(self)
        return self._fit(X, y, sample_weight, mode="partial_fit", classes=classes)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; for several columns of labels, the mean of the accuracies of the columns.

        With several columns scikit-learn's trees and nearest neighbours raise an error here, and
        its MultiOutputClassifier counts the rows in which all labels are right. For multilabel it
        is the share of those rows, as in scikit-learn.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
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
            If X or y is not valid, or y has not the columns of the fit.
        """
        return label_accuracy(self, X, y, sample_weight)

    @classmethod
    def from_weights(
        cls, coefs: Any, intercepts: Any, *, classes: Any, multilabel: bool = False, **params: Any
    ) -> Self:
        """A network of given weights, which predicts without having been fitted.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan in, fan out)
            Weights of each layer, as in `coefs_`. If all arrays are float32, so is the network,
            unless `dtype` says otherwise.
        intercepts : sequence of array-like of shape (fan out,)
            Intercepts of each layer, as in `intercepts_`.
        classes : array-like of shape (n_classes,) or list of such
            The labels in the order of the outputs, sorted; two for a single output, the logit
            of the second. For multilabel, what `classes_` is to be: the number of each column.
            For several columns of labels a list, with the labels of each in the order of their
            outputs, one for each class.
        multilabel : bool, default=False
            Whether each output is a label of its own.
        **params : dict
            Parameters of the constructor, `activation` above all; `hidden_layer_sizes` follows
            from the weights.

        Returns
        -------
        ScratchMLPClassifier
            It can be trained further, by `partial_fit` or with ``warm_start=True``.

        Raises
        ------
        ValueError
            If the layers do not fit onto each other, or `classes` do not fit the last of them.
        """

        def labels_of(estimator: Any, n_outputs: int) -> ClassTargets:
            labels = _given_labels(classes, multilabel=multilabel)
            if labels.n_outputs != n_outputs:
                kind = "of multilabel targets " if multilabel else ""
                raise ValueError(
                    f"The last of coefs puts out {n_outputs} columns, {labels.n_probabilities} "
                    f"classes {kind}need {labels.n_outputs}."
                )
            return labels

        return cls._from_layers(coefs, intercepts, labels_of, params)

    def to_sklearn(self) -> MLPClassifier:
        """The same model as a fitted MLPClassifier of scikit-learn.

        It predicts the same, to rounding. The optimizer's moments, the learning rate and the loss
        curve go along, so that `partial_fit` goes on as ours would; a model made by
        `for_prediction` or `from_weights` has none of them, and goes on with new ones.

        Returns
        -------
        MLPClassifier
            It shares no array with this one.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        TypeError
            For a subclass with methods of its own, other than `fit`.
        ValueError
            If scikit-learn cannot predict the same: with an activation other than 'identity',
            'logistic', 'tanh' and 'relu', with different ones for the layers, for several columns
            of labels, and for a single class.

        Warns
        -----
        UserWarning
            If scikit-learn lacks settings that this model was trained with: its own defaults take
            their place in further training. Optimizers, schedules and losses that it has too are
            carried over, also from objects.
        """
        model: MLPClassifier = network_to_sklearn(self, MLPClassifier, ScratchMLPClassifier)
        return model

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Adopt a fitted MLPClassifier of scikit-learn.

        It predicts the same, to rounding, and has the same parameters. `partial_fit` and
        ``warm_start=True`` go on from it as scikit-learn would, with the optimizer's moments and
        the learning rate; `resume` has no fit to continue.

        Parameters
        ----------
        model : MLPClassifier
            Fitted by scikit-learn 1.6 or newer, or unpickled. It stays as it is.

        Returns
        -------
        ScratchMLPClassifier
            It shares no array with the model given.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it is no MLPClassifier, or of a subclass with methods of its own.
        ValueError
            If it was fitted to labels of a single class.
        """
        adopted: Self = network_from_sklearn(cls, model, MLPClassifier)
        return adopted


def _given_labels(classes: Any, *, multilabel: bool) -> ClassTargets:
    """The encoding of labels that are given in the order of the outputs."""
    if not has_classes_of_columns(classes):
        return Labels(_checked_order(classes), multilabel)
    if multilabel:
        raise ValueError(
            f"multilabel=True takes the number of each column for classes, got {classes!r}."
        )
    return LabelColumns(tuple(SoftmaxLabels(_checked_order(each)) for each in classes))


def _checked_order(classes: Any) -> npt.NDArray[Any]:
    check_targets(classes, are_numbers=False, name="classes")
    array = np.asarray(classes)
    if array.ndim != 1:
        raise ValueError(f"classes must be a list of labels, got {classes!r}.")
    if not np.array_equal(array, sorted_classes(array)):
        raise ValueError(f"classes must be sorted and differ, got {classes!r}.")
    return array
