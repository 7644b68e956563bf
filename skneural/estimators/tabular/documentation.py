"""What the docstrings of the two estimators for tables have in common."""

from __future__ import annotations

from collections.abc import Callable

from skneural.estimators.mlp.documentation import Class, filling_in

PARAMETERS = """\
preset : {'auto', 'fast', 'accurate'}, default='auto'
    <presets> Every parameter whose default is None is then as the preset says, adapted to the
    number of rows; `fitted_settings_` shows it.

cv : int, splitter, iterable or None, default=8
    Which rows each member leaves out of its training. They say which epoch is the best, and what
    the temperature is.

    - int : the number of members. The rows are split at random into as many folds, <folds>; with
      `groups`, by them, into not more folds than there are groups. Not more than there are rows.
    - None : 8.
    - a splitter of scikit-learn, or an iterable of (train, test) arrays of row numbers: a member
      for each split.

categorical_features : 'from_dtype', array-like or None, default='from_dtype'
    Which columns are categorical.

    - 'from_dtype' : those of a category dtype, of strings, and of objects that are not all numbers
      or missing.
    - array-like : a boolean mask, or numbers (int) or names (str) of columns.
    - None : none are.

hidden_layer_sizes : array-like of int or None, default=None
    Units of each hidden layer.

activation : str, Activation or None, default=None
    Activation function of the hidden layers: 'relu', 'mish' and so on, or an object of
    `skneural.activations`.

max_iter : int or None, default=None
    Epochs. All of them are planned for: the learning rate falls to zero with the last one. A
    training whose third cycle is worse than the second ends there.

batch_size : int or None, default=None
    Rows of each member in a step.

learning_rate_init : float or None, default=None
    The highest learning rate, see `skneural.schedules.CosLog`.

dropout : float or None, default=None
    Share of the units of each hidden layer that a step leaves out, in steps of 1/256.

weight_decay : float or None, default=None
    As in `skneural.optimizers.AdamW`.

frequency_scale : float or None, default=None
    Standard deviation of the frequencies with which the embedding of numbers begins
    (`skneural.layers.PeriodicEmbedding`): the higher, the less smooth the function is that is
    learned. 0 is for no embedding.

quantile_inputs : bool or None, default=None
    Whether numbers are embedded as normal quantiles, beside the scaled numbers as plain inputs.

max_one_hot : int or None, default=None
    A category of three to so many levels, missing values counted as one, is encoded one-hot; with
    more levels it is encoded by target.
"""

COMMON = """\
early_stopping_metric : str, callable or None, default=None
    What the best epoch is selected by: <metric>. 'loss' is the loss alone, 'score' <score> alone;
    otherwise one of scikit-learn's scorers, by name, or a callable ``(estimator, X, y)``, for the
    rows that each member has left out.

max_time : float or None, default=None
    Seconds after which no new epoch begins. The learning rate has not fallen to zero then: fewer
    epochs (`max_iter`) in the same time are better.

verbose : bool or int, default=False
    True or 1 prints every epoch, an integer k > 1 the first, every k-th and the last. On a
    terminal, and with rich installed, 1 is one line with the time left.

random_state : int, RandomState instance or None, default=None
    Draws folds, initial weights, the order of rows, and dropout. Pass an int for the same model in
    each fit.
"""

ATTRIBUTES = """\
oof_predictions_ : ndarray of shape <oof_shape>
    *Out of fold:* <oof> of each row of X, by the members that were not trained on it, in the epochs
    that the *other* folds select; of several members the average. NaN for rows that all members
    were trained on, and for those of weight zero. Not there if validation rows were given.

oof_score_ : float
    The score (<score>) of these predictions, weighted by `sample_weight`: an honest figure, but
    that of *single members*. The ensemble is better, and no row is out of all of its members'
    training. Likewise not there if validation rows were given. (With a scorer or a callable as
    `early_stopping_metric` epochs are selected by all folds, and it is a little too good.)

validation_score_ : float
    The same for the validation rows, if they were given.

best_iteration_ : ndarray of int of shape (n_checkpoints,)
    The epochs that the members of the ensemble are taken from, counted from 1.

<ATTRIBUTES_OF_TASK>
fitted_settings_ : dict
    All settings of the training, those that were None included.

history_ : list of dict
    A record of every epoch, for all members together: 'epoch', 'loss' (the mean of their training
    losses), 'oof_loss', 'oof_score' (with validation rows 'validation_loss' and
    'validation_score'), <history>'learning_rate', 'gradient_norm', 'seconds'.
    ``history_.to_frame()`` is a DataFrame.

n_iter_ : int
    Epochs of the fit.

stop_reason_ : str
    Why it ended: 'max_iter', 'early_stopping' (after the third cycle), 'max_time', 'callback' or
    'interrupted' (Ctrl-C).

is_categorical_ : ndarray of bool of shape (`n_features_in_`,)
    Which columns are categorical.

n_features_in_ : int
    Number of columns.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names, if X had names that are all strings.
"""

NOTES = """\
**The recipe.** Columns become numbers as in `TableEncoder`, except that a member encodes categories
by the targets of its own training rows. Each number is embedded periodically
(`skneural.layers.PeriodicEmbedding`), all inputs are scaled (`Scale`), hidden layers (`NTPDense`)
follow, initialized by the data. <recipe> AdamW (beta 0.9 and 0.95) trains all members side by side,
in float32, with a learning rate in cycles (`CosLog`), and weight decay and dropout that fall at the
end (`FlatCos`). All members are taken from the same epoch.

**Few and many rows.** Below about 500 training rows batches become smaller, until an epoch has 8
steps, and there are more epochs, until a training has 500 steps<large>.

**Weights.** Rows of weight zero count as if they were not there. Those of weight two count twice
in the loss, in all statistics and in the selection of the epoch; but a model is not the same as
with repeated rows, since dropout, initial weights and the order of rows are drawn by row.

**Predictions** are computed in float64, unless X is an array of float32, which takes half of the
time for many rows and gives results in float32.
"""

REFERENCES = """\
- D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: Strong pre-tuned MLPs and
  boosted trees on tabular data", NeurIPS 2024, https://arxiv.org/abs/2407.04491 (RealMLP, of whose
  parts the recipe is made).
- E. Berta, D. Holzmüller, M. I. Jordan and F. Bach, "Rethinking early stopping: refine, then
  calibrate", 2025, https://arxiv.org/abs/2501.19195 (an epoch selected after temperature scaling).
- Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in tabular deep
  learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556 (periodic embeddings).
"""


def document_tabular(**wording: str) -> Callable[[Class], Class]:
    """Put the shared sections where a class docstring says ``<PARAMETERS>`` and so on.

    Parameters
    ----------
    **wording : str
        Replaces the words in angle brackets inside the shared sections.
    """
    sections = {
        "PARAMETERS": PARAMETERS,
        "COMMON": COMMON,
        "ATTRIBUTES": ATTRIBUTES,
        "NOTES": NOTES,
        "REFERENCES": REFERENCES,
    }
    return filling_in({**sections, **wording})
