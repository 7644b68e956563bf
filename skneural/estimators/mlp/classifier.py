"""The multilayer perceptron for class labels."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from skneural.estimators.base import store_parameters
from skneural.estimators.class_weight import refuse_balanced
from skneural.estimators.classifier import NetworkClassifier
from skneural.estimators.mlp.base import MultilayerPerceptron, has_epochs
from skneural.estimators.mlp.documentation import share_documentation
from skneural.estimators.mlp.parameter_table import CLASSIFIER, constraints_of
from skneural.estimators.mlp.parameters import check_settings
from skneural.estimators.sklearn_private import available_if, fit_context
from skneural.estimators.targets import Labels, sorted_classes


@share_documentation(
    CLASSIFIER,
    split="The split is stratified by class (not for multilabel).",
    score="accuracy",
    output="'softmax' or 'logistic'.",
)
class ScratchMLPClassifier(NetworkClassifier, MultilayerPerceptron, ClassifierMixin, BaseEstimator):
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
        refuse_balanced(self.class_weight)
        check_settings(self)
        return self._fit(X, y, sample_weight, mode="partial_fit", classes=classes)

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
        classes : array-like of shape (n_classes,)
            The labels in the order of the outputs, sorted; two for a single output, the logit
            of the second. For multilabel, what `classes_` is to be: the number of each column.
        multilabel : bool, default=False
            Whether each output is a label of its own.
        **params : dict
            Parameters of the constructor, `activation` above all; `hidden_layer_sizes` follows
            from the weights.

        Returns
        -------
        model : ScratchMLPClassifier
            It can be trained further, by `partial_fit` or with ``warm_start=True``.

        Raises
        ------
        ValueError
            If the layers do not fit onto each other, or `classes` do not fit the last of them.
        """

        def labels_of(estimator: Any, n_outputs: int) -> Labels:
            labels = Labels(np.asarray(classes), multilabel)
            if not np.array_equal(labels.classes, sorted_classes(labels.classes)):
                raise ValueError(f"classes must be sorted and differ, got {classes!r}.")
            if labels.n_outputs != n_outputs:
                kind = "of multilabel targets " if multilabel else ""
                raise ValueError(
                    f"The last of coefs puts out {n_outputs} columns, {len(labels.classes)} "
                    f"classes {kind}need {labels.n_outputs}."
                )
            return labels

        return cls._from_layers(coefs, intercepts, labels_of, params)
