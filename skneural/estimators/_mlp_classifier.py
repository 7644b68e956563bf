"""The multilayer perceptron for class labels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils.metaestimators import available_if

from skneural._arrays import FloatArray
from skneural._sklearn import StrOptions, fit_context
from skneural.estimators._class_weight import refuse_balanced, weights_by_class
from skneural.estimators._classifier import NetworkClassifier
from skneural.estimators._labels import Labels, sorted_classes
from skneural.estimators._mlp import MultilayerPerceptron, has_epochs
from skneural.estimators._mlp_documentation import CLASS_WEIGHT, share_documentation
from skneural.estimators._mlp_settings import (
    loss_of,
)
from skneural.losses import CLASSIFICATION_LOSSES, Loss


@share_documentation(
    split="The split is stratified by class (not for multilabel).",
    score="accuracy",
    output="'softmax' or 'logistic'.",
    class_weight=CLASS_WEIGHT,
)
class ScratchMLPClassifier(MultilayerPerceptron, NetworkClassifier):
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

    loss : str or Loss, default='log_loss'
        What to minimise. Not in scikit-learn.

        - 'log_loss': the log loss (cross-entropy);
        - 'focal': the log loss with less weight on rows that are predicted well, for rare
          classes among many easy rows;
        - 'squared_error': half the squared error of the probabilities, summed over the classes
          (half the Brier score).

        Or an object of `skneural.losses`: ``LogLoss(label_smoothing=0.1)`` against
        overconfidence and wrong labels, ``Focal(gamma=1)``.

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
        **MultilayerPerceptron._parameter_constraints,
        "loss": [StrOptions(set(CLASSIFICATION_LOSSES)), Loss],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

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
            dropout=dropout,
            l1_ratio=l1_ratio,
            early_stopping_metric=early_stopping_metric,
            restore_best_weights=restore_best_weights,
            initialization=initialization,
            max_time=max_time,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    @available_if(has_epochs)
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
        refuse_balanced(self.class_weight)
        fitted: ScratchMLPClassifier = self._fit(
            X, y, sample_weight, incremental=True, classes=classes
        )
        return fitted

    @classmethod
    def from_weights(
        cls, coefs: Any, intercepts: Any, *, classes: Any, multilabel: bool = False, **params: Any
    ) -> ScratchMLPClassifier:
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
        model: ScratchMLPClassifier = cls._from_layers(coefs, intercepts, params)
        labels = Labels(np.asarray(classes), multilabel)
        if not np.array_equal(labels.classes, sorted_classes(labels.classes)):
            raise ValueError(f"classes must be sorted and differ, got {classes!r}.")
        if labels.n_outputs != model.n_outputs_:
            raise ValueError(
                f"The last of coefs puts out {model.n_outputs_} columns, {len(labels.classes)} "
                f"classes {'of multilabel targets ' if multilabel else ''}need {labels.n_outputs}."
            )
        model._use_labels(labels)
        return model

    def _weights_by_class(
        self, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray | None:
        if self.class_weight is not None and self._multilabel:
            raise ValueError(
                f"class_weight={self.class_weight!r} is for rows of one class each, y is "
                "multilabel. Use sample_weight instead."
            )
        return weights_by_class(self.class_weight, self.classes_, target, sample_weight)

    def _loss(self) -> Loss:
        return loss_of(self).for_output(self.out_activation_)
