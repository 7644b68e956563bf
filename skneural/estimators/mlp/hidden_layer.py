"""Hidden-layer activations as features: `HiddenLayerTransformer`."""

from __future__ import annotations

from numbers import Integral
from operator import index
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import VersionedEstimator
from skneural.estimators.checks import checked_layer_sizes
from skneural.estimators.data import COMPUTING_DTYPES
from skneural.estimators.documentation_link import documentation_link_template
from skneural.estimators.fit_context import fit_context
from skneural.estimators.method_examples import networks, with_examples
from skneural.estimators.sklearn_private import InvalidParameterError


@with_examples(networks.HIDDEN_LAYER)
class HiddenLayerTransformer(
    VersionedEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    BaseEstimator,
):
    """The outputs of a hidden layer of a network, as features for another estimator.

    The last hidden layer of a network holds what its output layer, a linear model, needs to
    tell the targets. Other estimators can make use of that too: nearest neighbours find rows
    that are alike in what matters, and a linear model on top can be trained on targets of its
    own, or on few rows, while the network stays as it is.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        The network; at least one hidden layer. In a `sklearn.frozen.FrozenEstimator` it is a
        fitted one that stays as it is, even when the transformer is cloned by a search or a
        cross-validation.

    layer : int, default=-1
        Which hidden layer: 0 is the first, -1 the last.

    prefit : bool, default=False
        Whether `estimator` is fitted already and fit only copies it, as for scikit-learn's
        SelectFromModel. Clones of the transformer are not fitted: prefer a FrozenEstimator.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network: a clone of `estimator` that was fitted, the FrozenEstimator itself,
        or, with `prefit`, a copy of `estimator` without what only training needs.

    n_features_in_ : int
        Number of features that the network reads.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if the network was fitted to names that are all strings.

    See Also
    --------
    ScratchMLPClassifier.hidden_activations : The same numbers from a fitted network.
    sklearn.feature_selection.SelectFromModel : Selects features by what a model makes of them.

    Notes
    -----
    A fit trains the network on the same rows that the next step of a pipeline is trained on: on
    these it sees features that separate the classes better than those of new rows. The score of
    a cross-validation is honest nevertheless, as it trains both on the other folds.

    References
    ----------
    - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, "How transferable are features in deep
      neural networks?", NeurIPS 2014.

    Examples
    --------
    Nearest neighbours in what the network makes of the images of handwritten digits:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import Pipeline
    >>> from skneural import HiddenLayerTransformer, ScratchMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> network = ScratchMLPClassifier((64, 32), max_iter=300, random_state=0)
    >>> steps = [("hidden", HiddenLayerTransformer(network)), ("near", KNeighborsClassifier())]
    >>> neighbours = Pipeline(steps).fit(X[:1000], y[:1000])
    >>> neighbours[:-1].transform(X[:5]).shape
    (5, 32)
    >>> bool(neighbours.score(X[1000:], y[1000:]) > 0.93)
    True

    That network, frozen, helps logistic regression to tell odd digits from even ones, which it
    does with 89 of 100 test images by their pixels alone:

    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> frozen = FrozenEstimator(neighbours["hidden"].estimator_)
    >>> odd = make_pipeline(HiddenLayerTransformer(frozen), LogisticRegression(max_iter=1000))
    >>> bool(odd.fit(X[:1000], y[:1000] % 2).score(X[1000:], y[1000:] % 2) > 0.9)
    True
    """

    _doc_link_module = "skneural"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": "no_validation",  # but by what it can do, which no constraint says well
        "layer": [Integral],
        "prefit": ["boolean"],
    }

    def __init__(self, estimator: Any, layer: int = -1, *, prefit: bool = False) -> None:
        self.estimator = estimator
        self.layer = layer
        self.prefit = prefit

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit a clone of the network, or take over the fitted one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Ignored if the network is fitted already, like all that follows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets of the network.
        **fit_params : dict
            For the fit of the network, `sample_weight` above all. With scikit-learn's metadata
            routing switched on, those that the network requests.

        Returns
        -------
        HiddenLayerTransformer
            The fitted estimator.

        Raises
        ------
        ValueError
            If `estimator` is not such a network or has no hidden layer, and as for its fit.
        IndexError
            If it has no such hidden layer.
        NotFittedError
            If it should be fitted and is not.
        """
        self._check_network()
        if self.prefit:
            network = self.estimator.for_prediction()
        else:
            network = clone(self.estimator)
            network.fit(X, y, **self._routed(fit_params))
        # Only now: what was fitted before stays where a fit fails.
        self.estimator_ = network
        return self

    def transform(self, X: Any) -> FloatArray:
        """Outputs of the units of the hidden layer, without dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            In the dtype of the network; a data frame after ``set_output(transform="pandas")``.
        """
        activations: FloatArray = self._fitted_network.hidden_activations(X, self.layer)
        return activations

    @property
    def n_features_in_(self) -> int:
        """Number of features that the network reads."""
        return int(self._fitted_network.n_features_in_)

    @property
    def feature_names_in_(self) -> Any:
        """Their names, if the network was fitted to names that are all strings."""
        return self._fitted_network.feature_names_in_

    def get_metadata_routing(self) -> MetadataRouter:
        """What scikit-learn's metadata routing has to know: `fit` passes on to the network.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Which method of the network gets what is passed to which method of this one.
        """
        # Pipelines call fit_transform where they can, and ask for what that passes on.
        mapping = MethodMapping()
        for caller in ("fit", "fit_transform"):
            mapping.add(caller=caller, callee="fit")
        # By its name: before scikit-learn 1.8 the router would copy its owner, network and all.
        router = MetadataRouter(owner=type(self).__name__)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _routed(self, fit_params: dict[str, Any]) -> Any:
        if not get_config()["enable_metadata_routing"]:
            return fit_params
        return process_routing(self, "fit", **fit_params).estimator.fit

    def _check_network(self) -> None:
        """Refuse what cannot work before, not after, a long training."""
        if not hasattr(self.estimator, "hidden_activations"):
            raise InvalidParameterError(
                "The 'estimator' parameter of HiddenLayerTransformer must be a "
                "ScratchMLPClassifier or a ScratchMLPRegressor, or a FrozenEstimator of one. Got "
                f"{self.estimator!r} instead."
            )
        if not self._is_prefit:
            sizes = checked_layer_sizes(
                self.estimator.hidden_layer_sizes, type(self.estimator).__name__
            )
            hidden_layer_number(self.layer, len(sizes))
            return
        if not self.estimator.__sklearn_is_fitted__():
            raise NotFittedError(
                "With prefit=True or a FrozenEstimator, estimator has to be fitted. A clone, such "
                "as searches and cross-validations make, is not, unless it is one of a "
                "FrozenEstimator."
            )
        hidden_layer_number(self.layer, len(self.estimator.coefs_) - 1)

    @property
    def _is_prefit(self) -> bool:
        return bool(self.prefit) or isinstance(self.estimator, FrozenEstimator)

    @property
    def _fitted_network(self) -> Any:
        check_is_fitted(self)
        return getattr(self, "estimator_", self.estimator)

    @property
    def _n_features_out(self) -> int:
        coefs = self._fitted_network.coefs_
        number = hidden_layer_number(self.layer, len(coefs) - 1)
        return int(coefs[number].shape[1])

    @property
    def _doc_link_template(self) -> str:
        return documentation_link_template()

    def __sklearn_is_fitted__(self) -> bool:
        # As with SelectFromModel, a fitted network can be made use of without a call of fit.
        return hasattr(self, "estimator_") or (
            self._is_prefit and bool(self.estimator.__sklearn_is_fitted__())
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_network = get_tags(self.estimator)
        tags.input_tags = of_network.input_tags
        tags.target_tags = of_network.target_tags
        tags.target_tags.required = of_network.target_tags.required and not self._is_prefit
        preserved = COMPUTING_DTYPES.get(getattr(self.estimator, "dtype", ""), ())
        tags.transformer_tags.preserves_dtype = (
            [] if self._is_prefit else [np.dtype(dtype).name for dtype in preserved]
        )
        return tags


def hidden_layer_number(layer: int, n_hidden: int) -> int:
    """`layer` counted from the first hidden layer.

    Raises
    ------
    IndexError
        If it is not one of `n_hidden`.
    ValueError
        If there are none at all.
    TypeError
        If it is no integer.
    """
    if n_hidden == 0:
        raise ValueError(
            "The network has no hidden layer: hidden_layer_sizes=() makes it a linear model."
        )
    try:
        number = index(layer)
    except TypeError as error:
        raise TypeError(f"layer must be an integer, got {layer!r}.") from error
    if not -n_hidden <= number < n_hidden:
        raise IndexError(
            f"There is no hidden layer {number}. The network has {n_hidden}: layer has to be from "
            f"0 to {n_hidden - 1}, or from -{n_hidden} to -1 counted from the last."
        )
    return number % n_hidden
