"""The multilayer perceptron for numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils.metaestimators import available_if

from skneural._arrays import FloatArray
from skneural._sklearn import fit_context
from skneural.estimators._mlp import MultilayerPerceptron, has_epochs
from skneural.estimators._mlp_documentation import share_documentation
from skneural.estimators._mlp_settings import (
    loss_of,
)
from skneural.losses import INVERSE_LINKS, Loss, Quantile


@share_documentation(
    split="It is drawn without regard to y.",
    score="R^2, for quantiles D^2 of the pinball loss",
    output="'identity'; 'exp' for Poisson and gamma loss; 'increasing' for several quantiles.",
)
class ScratchMLPRegressor(RegressorMixin, MultilayerPerceptron):
    r"""Multilayer perceptron regressor.

    The network of scikit-learn's MLPRegressor, parameter by parameter: the same seed gives
    the same model, apart from the differences that the documentation lists. It
    minimises the mean over the rows of

    .. math:: \ell(\hat y, y) + \frac{\alpha}{2 n} \lVert W \rVert^2

    with half the squared error or another `loss` for :math:`\ell`.

    Parameters
    ----------
    loss : str or Loss, default='squared_error'
        What to minimise:

        - 'squared_error': half the squared error, which estimates the mean. Several outputs
          are added up in training, and averaged in the losses reported, as in scikit-learn;
        - 'poisson': half the Poisson deviance of counts, zero or positive, with ``exp`` as
          output activation;
        - 'gamma': half the gamma deviance of positive, skewed targets, with ``exp``;
        - 'absolute_error': estimates the median;
        - 'huber': squared error up to a distance, absolute error beyond, for targets with
          outliers;
        - 'quantile': the pinball loss, which estimates a quantile, by default the median.

        Those after 'poisson' are not in scikit-learn. Or an object of `skneural.losses`, such
        as ``Huber(delta=2.0)``, ``Quantile(0.9)``, or ``Quantile([0.05, 0.5, 0.95])``, for which
        predictions have a column for each level, that do not cross.

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

    @available_if(has_epochs)
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

    @classmethod
    def from_weights(cls, coefs: Any, intercepts: Any, **params: Any) -> ScratchMLPRegressor:
        """A network of given weights, which predicts without having been fitted.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan in, fan out)
            Weights of each layer, as in `coefs_`. If all arrays are float32, so is the network,
            unless `dtype` says otherwise.
        intercepts : sequence of array-like of shape (fan out,)
        **params : dict
            Parameters of the constructor, `activation` and `loss` above all;
            `hidden_layer_sizes` follows from the weights.

        Returns
        -------
        model : ScratchMLPRegressor
            It can be trained further, by `partial_fit` or with ``warm_start=True``.

        Raises
        ------
        ValueError
            If the layers do not fit onto each other, or the last of them not to `loss`.
        """
        model: ScratchMLPRegressor = cls._from_layers(coefs, intercepts, params)
        loss = loss_of(model)
        if loss.link == "increasing" and model.n_outputs_ != loss.n_outputs_per_target:
            raise ValueError(
                f"The last of coefs puts out {model.n_outputs_} columns, {loss!r} needs "
                f"{loss.n_outputs_per_target}."
            )
        model.out_activation_ = loss.link
        return model

    def predict(self, X: Any) -> FloatArray:
        """Predicted values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For ``loss=Quantile([...])`` of several levels, one column for each.
        """
        predicted: FloatArray = self._predict(X, self._through_link)
        return predicted.ravel() if self.n_outputs_ == 1 else predicted

    def _through_link(self, raw: FloatArray) -> FloatArray:
        INVERSE_LINKS[self.out_activation_](raw)
        return raw

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """How much of the loss of a constant prediction is explained: 1 is perfect.

        That is R^2, or for the quantile loss D^2 of the pinball loss, averaged over the levels
        (`sklearn.metrics.d2_pinball_score`).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
        """
        return self._score_of(y, self.predict(X), sample_weight)

    def _score_of(self, y: Any, predicted: FloatArray, sample_weight: Any) -> float:
        loss = loss_of(self)
        if not isinstance(loss, Quantile):
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        levels = np.atleast_1d(loss.quantile)
        columns = [predicted] if len(levels) == 1 else predicted.T
        return float(
            np.mean(
                [
                    d2_pinball_score(y, column, sample_weight=sample_weight, alpha=float(level))
                    for level, column in zip(levels, columns, strict=True)
                ]
            )
        )

    def _encode_target(
        self, y: Any, *, continuing: bool, incremental: bool, classes: Any
    ) -> npt.NDArray[Any]:
        link = self._link
        if continuing and link != self.out_activation_:
            raise ValueError(
                f"The fitted network ends in {self.out_activation_!r}, loss={self.loss!r} needs "
                f"{link!r}: call fit with warm_start=False to start anew."
            )
        self.out_activation_ = link
        return self._encoded(y, self._params.dtype if continuing else None)

    def _encode_more_targets(self, y: Any) -> npt.NDArray[Any]:
        target = self._encoded(y, None)
        if target.shape[1] != self.n_outputs_:
            n_repeats = loss_of(self).n_outputs_per_target
            columns = "column" if target.shape[1] == n_repeats else "columns"
            raise ValueError(
                f"y has {target.shape[1] // n_repeats} {columns}, the training rows have "
                f"{self.n_outputs_ // n_repeats}."
            )
        return target

    def _loss(self) -> Loss:
        return loss_of(self)

    @property
    def _link(self) -> str:
        return loss_of(self).link

    def _encoded(self, y: Any, dtype: npt.DTypeLike | None) -> npt.NDArray[Any]:
        if y.dtype.kind not in "fiub":
            y = y.astype(np.float64)
        loss = loss_of(self)
        loss.check_targets(y)
        target: npt.NDArray[Any] = np.asarray(y, dtype=dtype)
        target = target.reshape(-1, 1) if target.ndim == 1 else target
        if loss.link != "increasing":
            return target
        if target.shape[1] > 1:
            raise ValueError(
                f"loss={loss!r} predicts several quantiles of one target, y has "
                f"{target.shape[1]} columns: fit one regressor a column."
            )
        return np.repeat(target, loss.n_outputs_per_target, axis=1)

    def _validation_score(
        self, raw: FloatArray, target: npt.NDArray[Any], sample_weight: FloatArray | None
    ) -> float:
        INVERSE_LINKS[self.out_activation_](raw)
        if not np.all(np.isfinite(raw)):
            return math.nan
        n_targets = target.shape[1] // loss_of(self).n_outputs_per_target
        return self._score_of(target[:, :n_targets], raw, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Columns of several targets and of several quantiles would be one too many.
        is_one_each = not isinstance(self.loss, Quantile) or self.loss.link != "increasing"
        tags.target_tags.multi_output = is_one_each
        return tags
