"""What the docstrings of the two estimators for tables have in common."""

from __future__ import annotations

from collections.abc import Callable

from skneural.estimators.mlp.documentation import Class, filling_in

PRESET = """\
preset : {'auto', 'fast', 'accurate'}, default='auto'
    <presets> The parameters from `hidden_layer_sizes` to `max_one_hot` that are None take their
    values from it, adapted to the number of rows. `fitted_settings_` holds all of them.
"""

PARAMETERS = """\
cv : int, splitter, iterable or None, default=None
    Which rows each member leaves out of its training. These rows select the best epoch<judging>.

    - int : the number of members. The rows are split at random into as many folds, <folds>; with
      `groups`, by group, into at most as many folds as there are groups. Where a tenth of the rows
      or more are copies of others, as in a sample with replacement, all copies of a row are in one
      fold (unless rows are the same by design, see the page on the recipe). There are never more
      folds than different rows.
    - None : 16 for up to 1,500 rows, fewer for more, 8 for 3,000 and more<rarest>.
    - a splitter of scikit-learn, or an iterable of (train, test) arrays of row numbers : a member
      for each split.

categorical_features : 'from_dtype', array-like or None, default='from_dtype'
    Which columns are categorical.

    - 'from_dtype' : those of a category dtype, of strings, and of objects that are not all numbers
      or missing.
    - array-like : a boolean mask, or numbers (int) or names (str) of columns.
    - None : none are.

    All other columns have to be numeric.

hidden_layer_sizes : array-like of int, int or None, default=None
    Number of units in each hidden layer.

activation : str, Activation or None, default=None
    Activation function of the hidden layers: 'relu', 'silu' and so on, or an object of
    `skneural.activations`.

max_iter : int or None, default=None
    Number of epochs. The learning rate is planned for all of them and is zero after the last
    (`skneural.schedules.CosLog`). A training whose third cycle is worse than the second ends there,
    if it has begun to learn (`skneural.minimizers.joint.CycleStop`).

batch_size : int or None, default=None
    Number of rows of each member in a step.

learning_rate_init : float or None, default=None
    The highest learning rate, see `skneural.schedules.CosLog`.

dropout : float or None, default=None
    Dropout rate after each hidden layer, rounded to a multiple of 1/256. In the second half of the
    epochs it falls to zero (`skneural.schedules.FlatCos`).

weight_decay : float or None, default=None
    Decoupled weight decay, as in `skneural.optimizers.AdamW`. It falls like dropout.

frequency_scale : float or None, default=None
    Standard deviation of the initial frequencies in the embedding of numbers
    (`skneural.layers.PeriodicEmbedding`). The larger it is, the more quickly the learned function
    may change along a column. 0 leaves the embedding out.

quantile_inputs : bool or None, default=None
    Whether numbers are embedded as normal quantiles, with the scaled numbers as plain inputs beside
    them. Otherwise the scaled numbers are embedded, and those of many orders of magnitude as normal
    quantiles in their place.

max_one_hot : int or None, default=None
    A category of three to `max_one_hot` levels, missing values counted as one, is encoded one-hot.
    With more levels it is encoded by target, see Notes. For more than 12 classes, where None is
    200, the number of its rows is all that then stands for a level.
"""

COMMON = """\
early_stopping_metric : str, callable or None, default=None
    The criterion for the best epoch, computed on the rows that each member has left out: <metric>.
    'loss' is the loss alone, 'score' <score> alone. Otherwise one of scikit-learn's scorers, by
    name, or a callable ``(estimator, X, y)`` that is the higher the better.

max_time : float or None, default=None
    Seconds after which no further epoch begins. The learning rate has not fallen to zero then:
    fewer epochs (`max_iter`) in the same time are better.

verbose : bool or int, default=False
    True or 1 prints every epoch, an integer k > 1 the first, every k-th and the last. On a
    terminal, and with rich installed, 1 is a single line with the time left.

random_state : int, RandomState instance or None, default=None
    Draws folds, initial weights, the order of rows, and dropout. Pass an int for the same model in
    each fit.
"""

ATTRIBUTES = """\
oof_predictions_ : ndarray of shape <oof_shape>
    Out-of-fold predictions: <oof> for each row of X, by the member that was not trained on it, in
    the epochs that the *other* folds select (a scorer or a callable as `early_stopping_metric`
    selects by all folds); where there are several such members, their average.
    NaN for rows that all members were trained on, and for rows of weight zero. They are as exact as
    numbers in single precision, which the networks compute in, and are kept so. Absent if
    validation rows were given.

oof_score_ : float
    Out-of-fold score (<score>), weighted by `sample_weight`. It is that of *single members*: each
    row is predicted by one of them. The average of all members, which `predict` returns, cannot be
    scored on training rows; on new rows it is better as a rule. A row that several members have
    left out counts once for each of them. (A scorer or a callable as `early_stopping_metric`
    selects epochs by all folds; the score is a little too good then.) Absent if validation rows
    were given.

validation_score_ : float
    Likewise the score of single members, on the validation rows. Absent unless these were given.

best_iteration_ : ndarray of int of shape (n_checkpoints,)
    The selected epochs, counted from 1. All members are kept as they were after each of
    them.<ATTRIBUTES_OF_TASK>

fitted_settings_ : dict
    The values, by name, of the parameters that a preset sets.

history_ : list of dict
    A record of every epoch, for all members together: 'epoch', 'loss' (the mean of their training
    losses), 'oof_score', 'oof_loss'<oof_loss>, 'learning_rate', 'gradient_norm',
    'seconds'<history>, and 'early_stopping_metric' (its negative) if that is a scorer. With
    validation rows, 'oof' is 'validation' in these names. It prints as a table, and is one in a
    notebook; ``history_.to_frame()`` is a DataFrame.

n_iter_ : int
    Number of epochs of the fit.

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
**The recipe.** Columns are preprocessed as by `TableEncoder`, except that each member encodes
categories by the targets of its own training rows. Each number gets a periodic embedding
(`skneural.layers.PeriodicEmbedding`), all inputs are scaled by learned factors (`Scale`), and
hidden layers in the neural tangent parametrization (`NTPDense`) with data-driven initialization
follow. <recipe> AdamW (beta 0.9 and 0.95) trains all members side by side, in float32, with a
cyclic learning rate (`CosLog`); weight decay and dropout fall in the second half (`FlatCos`). All
members are taken from the same epochs.

**Few and many rows.** Where a member has fewer rows than 8 batches, batches become smaller, until
an epoch has 8 steps; where all epochs have fewer than 500 steps, there are more
epochs<large>. `fitted_settings_` has what a fit has used.

**Many columns.** Of more than 50 columns of numbers each is embedded in fewer outputs, of more than
300 in none, unless `frequency_scale` is given.

**Weights.** Rows of weight zero are left out: the fit is the same, bit for bit, as without them.
Rows of weight two count twice in the loss, in all statistics and in the selection of the epoch; the
model is not the same as with repeated rows, since dropout, initial weights and the order of rows
are drawn by row.

**Predictions** are computed in float64. If X is an array of float32 the networks compute in
float32, which is faster for many rows. Probabilities and scores are returned in it then, numbers in
the units of y always in float64.
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
        "PRESET": PRESET,
        "PARAMETERS": PARAMETERS,
        "COMMON": COMMON,
        "ATTRIBUTES": ATTRIBUTES,
        "NOTES": NOTES,
        "REFERENCES": REFERENCES,
    }
    return filling_in({**sections, **wording})
