"""Raw tables as inputs of a network: `TableEncoder`."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skneural.arrays.matrices import FloatArray
from skneural.estimators.base import VersionedEstimator
from skneural.estimators.data import stand_in
from skneural.estimators.documentation_link import documentation_link_template
from skneural.estimators.fit_context import fit_context
from skneural.estimators.method_examples import tables, with_examples
from skneural.estimators.sklearn_private import Interval, StrOptions, check_feature_names_in
from skneural.estimators.table.fitted import FittedTable, Scalings, TableColumns
from skneural.estimators.table.idle_columns import nothing_to_learn, warn_of_counted_columns
from skneural.estimators.table.kinds import categorical_mask
from skneural.estimators.table.reading import RawColumn, read_table
from skneural.estimators.table.targets import (
    MAX_ONE_HOT_OF_MANY_CLASSES,
    REGRESSION,
    EncodingTargets,
    encoding_targets,
)
from skneural.estimators.table.weights import weight_and_rows
from skneural.plain_values import without_maps

Mask = npt.NDArray[np.bool_]

#: Most levels of a category that is encoded by one column for each level.
MAX_ONE_HOT = 8

#: What is said of many classes that are numbers.
OF_NUMBERS = (
    " If y is a number, such as a price or a count, and no class, say target_type='regression'."
)


class _Training(NamedTuple):
    """What a fit has found, its rows, and their inputs if they are asked for."""

    fitted: FittedTable
    table: list[RawColumn]
    kept: Mask | None
    continuous: FloatArray
    signs: FloatArray


@with_examples(tables.ENCODER)
class TableEncoder(VersionedEstimator, TransformerMixin, BaseEstimator):
    r"""Raw tables, with categories and missing values, as inputs of a network.

    A data frame goes in as it is; what comes out are columns of numbers between -3.1 and 3.1, none
    of them missing.

    Parameters
    ----------
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categorical.

        - 'from_dtype' : those of a category dtype, of strings, and of objects that are not all
          numbers or missing.
        - array-like : a boolean mask, or numbers (int) or names (str) of columns.
        - None : none are.

        All other columns have to be numeric.

    target_type : {'auto', 'classification', 'regression'} or None, default='auto'
        What y is. With 'auto', y holds classes unless it has numbers with a fractional part, as
        `sklearn.utils.multiclass.type_of_target` finds. None ignores y.

    max_one_hot : int or 'auto', default='auto'
        A category of three to so many levels, missing values counted as one, is encoded one-hot;
        with more levels it is encoded by target. 'auto' is 200 for more than 12 classes, else 8.

    quantile_inputs : bool or 'auto', default='auto'
        Whether all continuous columns become normal quantiles, beside the robust scaling. 'auto'
        is False for a regression, else True.

    n_quantiles : int, default=1000
        Most quantiles that describe the distribution of a column, from 2 to 1000; there are never
        more than rows.

    prior_weight : float, default=10.0
        By how many rows with the mean of y each level is extended for the encoding by target.

    n_folds : int, default=5
        Number of folds for the encoding by target of the training rows. Each row's fold is drawn.

    random_state : int, RandomState instance or None, default=None
        Draws the folds. Pass an int for the same result in each fit.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the table.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if all are strings.

    is_categorical_ : ndarray of bool of shape (`n_features_in_`,)
        Which of them are categorical.

    target_type_ : {'classification', 'regression'} or None
        What y was taken for; None without y.

    periodic_features_ : slice
        The outputs that a periodic embedding (`skneural.layers.PeriodicEmbedding`) is meant for:
        numbers that say where a row lies on a continuous scale.

    plain_features_ : slice
        All other outputs.

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : Encodes categories by target, and nothing else.
    sklearn.preprocessing.QuantileTransformer : The normal quantiles alone.
    sklearn.compose.ColumnTransformer : Has a transformer of your choice for each column.

    Notes
    -----
    What becomes of a column:

    - **Numbers of more than two values** are continuous. Missing ones become the mean. For
      classes the column comes out twice: as normal quantiles :math:`\Phi^{-1}(p(x))`, where p is
      the share of training rows below x, clipped to [0.001, 0.999], which are the *periodic*
      features; and scaled (see below), as a plain one. For a regression only the scaled column
      comes out, and is periodic; it is the normal quantiles where scaling would leave more than a
      fifth of the hundredths of the rows in less than 0.004 each: numbers of many orders of
      magnitude.
    - **Numbers of two values**, booleans too, become -1 and +1.
    - **Missing numbers** become the median (of two values, their mean), and are told by another
      column, +1 where one is missing and -1 elsewhere, if training had any.
    - **Categories of two levels** become -1 and +1, in sorted order; what is missing or unknown
      is 0. One level beside missing values counts as two levels.
    - **Categories of three to** `max_one_hot` **levels** are encoded one-hot; what is unknown has
      only zeros. Missing values of training count as a level, and have a column of their own beside
      two levels and more.
    - **Categories of more levels** are encoded by target, and as continuous columns then treated
      like numbers. A level l whose rows are :math:`I_l` becomes

      .. math:: t_l = \frac{\sum_{i \in I_l} (y_i - \bar y)}{|I_l| + m}

      with the `prior_weight` m, and :math:`\log(1 + |I_l|)`. Classes are zeros and ones here: one
      column for two classes, one for each of 3 to 12; with more of them, or without y, only the
      count. Missing values are a level; what is unknown is 0. `TargetEncoder` has the same means,
      with ``smooth=m``, but no weights.
    - **Constant columns** are dropped, whether they were in the table or come of the above.

    All columns but quantiles are scaled by their median and interquartile range (half of the
    range if that is zero) and smoothly clipped:

    .. math:: z = \frac{x - q_{50}}{q_{75} - q_{25}}, \qquad f(z) = \frac{z}{\sqrt{1 + (z/3)^2}}

    Where the smallest or the largest number occurs in at least 5 % of the rows and is more than ten
    interquartile ranges of the others away from them, the quartiles are those of the others.

    **Training rows.** A level of a single row would give that row's y away. So `fit_transform`
    encodes each row by the rows of the other folds, and differs from ``fit(X, y).transform(X)``,
    which is for rows that were not trained on. Call `fit_transform` for the rows that a model is
    trained on, as a pipeline does.

    **Dates** are no numbers, and text is no category: skrub's ``TableVectorizer`` makes numbers of
    both. **Infinite values** are refused, with the name of the column.

    **Weights** are numbers of rows: a row of weight two is a row twice, one of weight zero is not
    there. Weights with a mean below one are scaled to a mean of one. Encodings by target are scaled
    by what training rows have out of fold, and folds are drawn by row: these columns differ between
    two rows and one of weight two, as they do between two values of `random_state`.

    References
    ----------
    - D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
      boosted trees on tabular data", NeurIPS 2024, https://arxiv.org/abs/2407.04491 (robust
      scaling, smooth clipping, one-hot).
    - D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
      classification and prediction problems", SIGKDD Explorations 3(1), 2001 (target encoding).
    - Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in tabular
      deep learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556 (periodic embedding).

    Examples
    --------
    >>> import pandas as pd
    >>> from skneural import TableEncoder
    >>> table = pd.DataFrame(
    ...     {
    ...         "age": [22.0, 38.0, None, 35.0, 54.0, 27.0],
    ...         "port": ["S", "C", "Q", None, "S", "S"],
    ...     }
    ... )
    >>> encoder = TableEncoder(quantile_inputs=False).set_output(transform="pandas")
    >>> encoder.fit_transform(table, [0, 1, 1, 1, 0, 0]).round(2)
       age_scaled  age_missing  port_C  port_Q  port_S  port_missing
    0       -1.40         0.00    0.00    0.00    0.49          0.00
    1        0.36         0.00    1.66    0.00   -0.49          0.00
    2        0.00         1.66    0.00    1.66   -0.49          0.00
    3        0.00         0.00    0.00    0.00   -0.49          1.66
    4        1.83         0.00    0.00    0.00    0.49          0.00
    5       -0.92         0.00    0.00    0.00    0.49          0.00
    >>> encoder.periodic_features_, encoder.plain_features_
    (slice(0, 1, None), slice(1, 6, None))
    """

    _doc_link_module = "skneural"
    _fitted: FittedTable | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "target_type": [StrOptions({"auto", "classification", "regression"}), None],
        "max_one_hot": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "quantile_inputs": [StrOptions({"auto"}), "boolean"],
        "n_quantiles": [Interval(Integral, 2, 1000, closed="both")],
        "prior_weight": [Interval(Real, 0, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        categorical_features: Any = "from_dtype",
        *,
        target_type: str | None = "auto",
        max_one_hot: int | str = "auto",
        quantile_inputs: bool | str = "auto",
        n_quantiles: int = 1000,
        prior_weight: float = 10.0,
        n_folds: int = 5,
        random_state: Any = None,
    ) -> None:
        self.categorical_features = categorical_features
        self.target_type = target_type
        self.max_one_hot = max_one_hot
        self.quantile_inputs = quantile_inputs
        self.n_quantiles = n_quantiles
        self.prior_weight = prior_weight
        self.n_folds = n_folds
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find what the columns are, and all statistics of them.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Of pandas, polars or pyarrow, an array or a list of rows. NaN, None and pandas' NA are
            missing values.
        y : array-like of shape (n_samples,), default=None
            Classes or numbers, for the encoding by target.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight two is a row twice, up to the folds (see Notes).

        Returns
        -------
        TableEncoder
            The fitted estimator.

        Raises
        ------
        ValueError
            For infinite values, dates, text in a column that is not categorical; if all columns
            are constant; if y has missing values or several columns.
        TypeError
            For sparse matrices, and for objects that are neither text nor numbers.
        """
        self._fitted = self._train(X, y, sample_weight).fitted
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> FloatArray:
        """Fit, and encode the training rows, by target only from the rows of other folds.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight zero are encoded as by `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            In float64; a data frame after ``set_output(transform="pandas")``.

        Raises
        ------
        ValueError, TypeError
            As for `fit`.
        """
        fitted, table, kept, continuous, signs = self._train(X, y, sample_weight)
        inputs = fitted.scalings.transform(continuous, signs)
        if kept is not None:
            all_inputs = fitted.transform(table)
            all_inputs[kept] = inputs
            inputs = all_inputs
        self._fitted = fitted
        return inputs

    def transform(self, X: Any) -> FloatArray:
        """Encode rows that were not trained on.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            With the columns of the training, in the same order.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            In float64; a data frame after ``set_output(transform="pandas")``.

        Raises
        ------
        ValueError, TypeError
            As for `fit`.
        """
        check_is_fitted(self)
        fitted = self._fitted
        assert fitted is not None
        return fitted.transform_rows(self, X)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """The names of the outputs: those of the columns, with what has become of them.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns where training had none; else they have to be the same.

        Returns
        -------
        ndarray of str objects
            'age_normal', 'age_scaled' and 'age_missing' of a column 'age'; with the level for one
            that is encoded by sign or one-hot; 'city_target_scaled', 'city_log_count_scaled'.
        """
        check_is_fitted(self)
        assert self._fitted is not None
        features = check_feature_names_in(self, input_features)
        return np.array(self._fitted.input_names(features), dtype=object)

    # ---------------------------------------------------------------- the fit

    def _train(self, X: Any, y: Any, sample_weight: Any) -> _Training:
        """What a fit finds; nothing is written to the encoder."""
        seen = stand_in(self, None)
        table = read_table(self, seen, X, reset=True)
        names = getattr(seen, "feature_names_in_", None)
        n_rows = len(table[0].values)
        weight, kept = weight_and_rows(sample_weight, n_rows)
        targets = encoding_targets(y, self.target_type, n_rows, kept)
        rows = table if kept is None else [column.rows(kept) for column in table]
        is_categorical = categorical_mask(rows, self.categorical_features, names)
        columns, values = TableColumns.fit(
            rows, is_categorical, weight, self._most_one_hot(targets)
        )
        of_y = (values, targets.columns, weight, self.prior_weight)
        encodings, means = columns.fit_encodings(*of_y), []
        if encodings and targets.has_many_classes:
            has_numbers = np.asarray(y).dtype.kind in "iuf"
            warn_of_counted_columns(
                columns.places_by_target(rows), OF_NUMBERS if has_numbers else ""
            )
        if encodings:
            random = check_random_state(self.random_state)
            folds = random.randint(self.n_folds, size=len(targets.columns))
            means = columns.encoded_out_of_fold(*of_y, folds)
        continuous, signs = columns.continuous(values, means), columns.signs(values)
        scalings = Scalings.fit(
            continuous,
            signs,
            weight,
            has_quantiles=self._has_quantile_inputs(targets),
            n_quantiles=self.n_quantiles,
        )
        fitted = FittedTable(names, targets.type, targets.names, columns, encodings, scalings)
        if fitted.n_inputs == 0:
            has_counted = bool(encodings) and not targets.names
            raise ValueError(nothing_to_learn(continuous.shape[1], has_counted=has_counted))
        return _Training(fitted, table, kept, continuous, signs)

    def _most_one_hot(self, targets: EncodingTargets) -> int:
        if self.max_one_hot != "auto":
            return int(self.max_one_hot)
        if targets.has_many_classes:
            return MAX_ONE_HOT_OF_MANY_CLASSES
        return MAX_ONE_HOT

    def _has_quantile_inputs(self, targets: EncodingTargets) -> bool:
        if self.quantile_inputs != "auto":
            return bool(self.quantile_inputs)
        return targets.type != REGRESSION

    # ---------------------------------------------------------------- fitted attributes

    def _fitted_or_attribute_error(self, name: str) -> FittedTable:
        """What a fit has found, for a property of this name: it may raise nothing else."""
        if self._fitted is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: it is not fitted yet."
            )
        return self._fitted

    @property
    def n_features_in_(self) -> int:
        """Number of columns of the table."""
        return self._fitted_or_attribute_error("n_features_in_").n_features

    @property
    def feature_names_in_(self) -> npt.NDArray[Any]:
        """Their names, if all are strings."""
        names = self._fitted_or_attribute_error("feature_names_in_").feature_names
        if names is None:
            raise AttributeError("feature_names_in_: not all columns had strings for names.")
        return names

    @property
    def is_categorical_(self) -> Mask:
        """Which columns are categorical."""
        return self._fitted_or_attribute_error("is_categorical_").columns.is_categorical

    @property
    def target_type_(self) -> str | None:
        """What y was taken for; None without y."""
        return self._fitted_or_attribute_error("target_type_").target_type

    @property
    def periodic_features_(self) -> slice:
        """The outputs that a periodic embedding is meant for."""
        return slice(0, self._fitted_or_attribute_error("periodic_features_").n_continuous)

    @property
    def plain_features_(self) -> slice:
        """All other outputs."""
        fitted = self._fitted_or_attribute_error("plain_features_")
        return slice(fitted.n_continuous, fitted.n_inputs)

    # ---------------------------------------------------------------- scikit-learn's contract

    @property
    def _n_features_out(self) -> int:
        return self._fitted_or_attribute_error("_n_features_out").n_inputs

    @property
    def _doc_link_template(self) -> str:
        return documentation_link_template()

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        fitted = self._fitted
        return state if fitted is None else dict(state, _fitted=without_maps(fitted.to_dict()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        fitted = vars(self).get("_fitted")
        if isinstance(fitted, dict):
            self._fitted = FittedTable.from_dict(fitted)
