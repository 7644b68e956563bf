"""Each parameter of the multilayer perceptrons: its possible values and its documentation.

Apart from this table, a parameter is in the signatures of the two estimators only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from inspect import cleandoc
from numbers import Integral, Real
from textwrap import indent
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from skneural.activations import ACTIVATIONS, Activation
from skneural.estimators.data import COMPUTING_DTYPES
from skneural.estimators.sklearn_private import Interval, Options, StrOptions
from skneural.initialization import INITIALIZATIONS
from skneural.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, Loss
from skneural.optimizers import OPTIMIZERS, Optimizer
from skneural.schedules import SCHEDULES, Schedule

CLASSIFIER, REGRESSOR = "classifier", "regressor"


@dataclass(frozen=True)
class Parameter:
    """A parameter, or several that are documented together.

    Attributes
    ----------
    names : str
        The name; several are separated by commas.
    kind : str
        Type and default, as they come after the colon in numpydoc.
    constraint : list
        The possible values, as in scikit-learn's `_parameter_constraints`.
    text : str
        The documentation. Words in angle brackets differ between the two estimators.
    only_of : str, default=""
        `CLASSIFIER` or `REGRESSOR` where it is a parameter of one of them only.
    """

    names: str
    kind: str
    constraint: list[Any]
    text: str
    only_of: str = ""

    def documentation(self) -> str:
        """The entry in a docstring."""
        return f"{self.names} : {self.kind}\n{indent(cleandoc(self.text), '    ')}"


#: In the order of the documentation.
PARAMETERS = (
    Parameter(
        "loss",
        "str or Loss, default='squared_error'",
        [StrOptions(set(REGRESSION_LOSSES)), Loss],
        """
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
        """,
        only_of=REGRESSOR,
    ),
    Parameter(
        "hidden_layer_sizes",
        "int or sequence of int, default=(100,)",
        ["array-like", Interval(Integral, 1, None, closed="left")],
        """
        Number of units in each hidden layer; ``()`` for none, a linear model.
        """,
    ),
    Parameter(
        "activation",
        "str, Activation, or list of them, default='relu'",
        [StrOptions(set(ACTIVATIONS)), Activation, list, tuple],
        """
        Activation function f of the hidden layers; a list has one for each.

        - 'identity': f(z) = z
        - 'logistic': f(z) = 1 / (1 + exp(-z))
        - 'tanh': the hyperbolic tangent
        - 'relu': f(z) = max(0, z)
        - 'leaky_relu': f(z) = z above zero, z / 100 below
        - 'elu': f(z) = z above zero, exp(z) - 1 below
        - 'selu': elu in the scale that keeps mean and variance from layer to layer, for deep
          networks begun with initialization='lecun_normal'
        - 'softplus': f(z) = log(1 + exp(z)), relu without its corner
        - 'gelu', 'silu', 'mish': smooth functions close to relu, which dip below zero on its left

        Those after 'relu', `skneural.activations.Activation` objects, and lists are not in
        scikit-learn. Formulas and sources: `skneural.activations`.
        """,
    ),
    Parameter(
        "solver",
        "str or Optimizer, default='adam'",
        [StrOptions({"lbfgs", *OPTIMIZERS}), Optimizer],
        """
        How to minimise. A name, or an object of `skneural.optimizers`, which has settings of its
        own, such as ``AdamW(weight_decay=0.01, max_grad_norm=1.0, averaging=0.99)``:

        - 'adam' suits most data;
        - 'sgd' is gradient descent with momentum;
        - 'lbfgs' is SciPy's quasi-Newton method, which sees all rows at once: often the best for a
          few thousand rows or fewer;
        - 'adamw' is Adam with decoupled weight decay, 'nadam' Adam with Nesterov's momentum,
          'rmsprop' and 'adagrad' the methods that Adam combines. Not in scikit-learn.

        Weight decay, clipping of the gradient, and averages of the weights (exponential or
        Polyak's) are settings of every optimizer object.
        """,
    ),
    Parameter(
        "alpha",
        "float, default=0.0001",
        [Interval(Real, 0, None, closed="left")],
        """
        Strength of the penalty on the weights, ``alpha / 2 * sum(W**2)`` unless `l1_ratio` says
        otherwise. As in scikit-learn it is divided by the number of rows in a batch.
        """,
    ),
    Parameter(
        "batch_size",
        "int or 'auto', default='auto'",
        [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        """
        Rows in a mini-batch; 'auto' is ``min(200, n_samples)``. Not for 'lbfgs'.
        """,
    ),
    Parameter(
        "learning_rate",
        "str or Schedule, default='constant'",
        [StrOptions(set(SCHEDULES)), Schedule],
        """
        How the learning rate follows the training. A name, or an object of `skneural.schedules`,
        such as ``LinearWarmUp(n_epochs=5, then=Cosine())``:

        - 'constant': it stays at `learning_rate_init`;
        - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` after t rows;
        - 'adaptive': it is divided by 5 at every plateau, see `n_iter_no_change`;
        - 'cosine': it falls to zero along half a cosine in `max_iter` epochs;
        - 'one_cycle': it rises to `learning_rate_init` and falls to almost zero in `max_iter`
          epochs.

        As in scikit-learn, 'invscaling' and 'adaptive' act on gradient descent only; the others,
        and all objects, on every optimizer but 'lbfgs'. Where a schedule ends with `max_iter`,
        ``n_iter_no_change=np.inf`` lets it come to its end.
        """,
    ),
    Parameter(
        "learning_rate_init",
        "float, default=0.001",
        [Interval(Real, 0, None, closed="neither")],
        """
        The learning rate at the start; for 'one_cycle' the highest. Not for 'lbfgs'.
        """,
    ),
    Parameter(
        "power_t",
        "float, default=0.5",
        [Interval(Real, 0, None, closed="left")],
        """
        Exponent of 'invscaling'.
        """,
    ),
    Parameter(
        "max_iter",
        "int, default=200",
        [Interval(Integral, 1, None, closed="left")],
        """
        Most epochs (iterations, for 'lbfgs') of a fit, those before it was resumed included.
        """,
    ),
    Parameter(
        "shuffle",
        "bool, default=True",
        ["boolean"],
        """
        Whether to put the rows in a new order for every epoch.
        """,
    ),
    Parameter(
        "random_state",
        "int, RandomState instance or None, default=None",
        ["random_state"],
        """
        Draws initial weights, validation rows, the order of rows, and dropout. The same integer
        gives the same model as in scikit-learn.
        """,
    ),
    Parameter(
        "tol",
        "float, default=1e-4",
        [Interval(Real, 0, None, closed="left")],
        """
        The least improvement that counts as progress; for 'lbfgs', the largest element of
        the gradient at which to stop.
        """,
    ),
    Parameter(
        "verbose",
        "bool or int, default=False",
        ["verbose"],
        """
        True or 1 prints every epoch, an integer k > 1 the first, every k-th and the last.
        """,
    ),
    Parameter(
        "warm_start",
        "bool, default=False",
        ["boolean"],
        """
        Whether fit goes on from the fitted weights instead of starting anew.
        """,
    ),
    Parameter(
        "momentum",
        "float, default=0.9",
        [Interval(Real, 0, 1, closed="both")],
        """
        Momentum of 'sgd', from 0 to 1.
        """,
    ),
    Parameter(
        "nesterovs_momentum",
        "bool, default=True",
        ["boolean"],
        """
        Whether that momentum is Nesterov's.
        """,
    ),
    Parameter(
        "early_stopping",
        "bool, default=False",
        ["boolean"],
        """
        Whether to hold out rows, to stop when their score no longer improves, and to keep
        the weights of the best epoch. For 'lbfgs' only with validation rows passed to fit.
        """,
    ),
    Parameter(
        "validation_fraction",
        "float, default=0.1",
        [Interval(Real, 0, 1, closed="left")],
        """
        Share of the rows held out by `early_stopping`. <split> Without effect where validation
        rows are passed to fit.
        """,
    ),
    Parameter(
        "beta_1, beta_2",
        "float, default=0.9 and 0.999",
        [Interval(Real, 0, 1, closed="left")],
        """
        Decay rates of the running means of 'adam', 'adamw' and 'nadam', from 0 to below 1.
        """,
    ),
    Parameter(
        "epsilon",
        "float, default=1e-8",
        [Interval(Real, 0, None, closed="neither")],
        """
        Stabiliser of these and of 'rmsprop'.
        """,
    ),
    Parameter(
        "n_iter_no_change",
        "int or inf, default=10",
        [Interval(Integral, 1, None, closed="left"), Options(Real, {math.inf})],
        """
        Epochs that are allowed without progress. Not for 'lbfgs', unless it stops early.
        """,
    ),
    Parameter(
        "max_fun",
        "int, default=15000",
        [Interval(Integral, 1, None, closed="left")],
        """
        Most evaluations of the objective by 'lbfgs'.
        """,
    ),
    Parameter(
        "loss",
        "str or Loss, default='log_loss'",
        [StrOptions(set(CLASSIFICATION_LOSSES)), Loss],
        """
        What to minimise. Not in scikit-learn.

        - 'log_loss': the log loss (cross-entropy);
        - 'focal': the log loss with less weight on rows that are predicted well, for rare
          classes among many easy rows;
        - 'squared_error': half the squared error of the probabilities, summed over the outputs:
          one for two classes, otherwise one for each class.

        Or an object of `skneural.losses`: ``LogLoss(label_smoothing=0.1)`` against
        overconfidence and wrong labels, ``Focal(gamma=1)``.
        """,
        only_of=CLASSIFIER,
    ),
    Parameter(
        "dtype",
        "{'auto', 'float32', 'float64'}, default='auto'",
        [StrOptions(set(COMPUTING_DTYPES))],
        """
        What to compute in: 'auto' keeps the float32 or float64 of X (anything else becomes
        float64), as scikit-learn does. 'float32' takes half the memory and little more than
        half the time, also on the float64 columns of a data frame, and is precise enough
        for most networks. Predictions come in the same dtype. This and all that follow are not in
        scikit-learn.
        """,
    ),
    Parameter(
        "class_weight",
        "dict, list, 'balanced' or None, default=None",
        [dict, list, StrOptions({"balanced"}), None],
        """
        *Unequal classes:* weights of the classes, which multiply those of their rows; classes that
        are not in the dict count 1. 'balanced' gives all classes the same total weight,
        ``total / (n_classes * total of the class)``, sample weights included. For rare classes that
        are to be found: it raises their recall, and makes probabilities those of a balanced sample.
        Not for multilabel. For several columns of labels 'balanced' or a list with a dict,
        'balanced' or None for each; the weights of all columns multiply. Source: G. King and
        L. Zeng, "Logistic regression in rare events data", Political Analysis 9, 2001.
        """,
        only_of=CLASSIFIER,
    ),
    Parameter(
        "dropout",
        "float or list of float, default=0.0",
        [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
        """
        *Regularisation:* share of the hidden units left out of every row in training, at random; a
        list has one for each hidden layer. For networks that overfit: try 0.1 to 0.5, with more
        units and more epochs. Not for 'lbfgs'. Source: Srivastava et al., 2014.
        """,
    ),
    Parameter(
        "l1_ratio",
        "float, default=0.0",
        [Interval(Real, 0, 1, closed="both")],
        """
        *Regularisation:* share of the L1 norm in the penalty, which is then ``alpha * (l1_ratio *
        sum(abs(W)) + (1 - l1_ratio) / 2 * sum(W**2))``. Above 0 some weights become exactly zero: a
        proximal step follows each step of the optimizer. For few important features among many.
        Source: H. Zou and T. Hastie, "Regularization and variable selection via the elastic net",
        JRSS B 67, 2005.
        """,
    ),
    Parameter(
        "early_stopping_metric",
        "'score', 'loss', scorer name or callable, default='score'",
        [StrOptions({"score", "loss", *get_scorer_names()}), callable],
        """
        *Stopping:* how to select the best epoch by the validation rows: <score> ('score'), the loss
        without the penalty ('loss'), or any of scikit-learn's scorers, by name or as a callable
        ``(estimator, X, y)``. 'loss' shows progress where a score of labels does not; a scorer
        such as 'roc_auc' suits unequal classes. Weights, those of classes too, count in all that
        take `sample_weight`.
        """,
    ),
    Parameter(
        "restore_best_weights",
        "'auto' or bool, default='auto'",
        ["boolean", StrOptions({"auto"})],
        """
        *Stopping:* whether to keep the weights of the best epoch, not of the last. 'auto' does so
        where validation rows decide when to stop, as scikit-learn does; True always in fit, by the
        lowest training loss where there are no validation rows; False never.
        Source for both: L. Prechelt, "Early stopping - but when?", 1998.
        """,
    ),
    Parameter(
        "initialization",
        "str or callable, default='glorot_uniform'",
        [StrOptions(set(INITIALIZATIONS)), callable],
        """
        *Start:* how to draw the initial weights:

        - 'glorot_uniform' as in scikit-learn, intercepts included; 'glorot_normal': for tanh and
          logistic units;
        - 'he_uniform', 'he_normal': for relu and similar functions, above all in deep networks;
        - 'lecun_normal': for selu;
        - 'orthogonal': for deep networks;
        - 'standard_normal': as in the tutorials, for small networks;
        - a callable ``(fan_in, fan_out, random_state) -> array of shape (fan_in, fan_out)``.

        Formulas and sources: `skneural.initialization`. To begin with given weights, see
        `from_weights`.
        """,
    ),
    Parameter(
        "max_time",
        "float or None, default=None",
        [Interval(Real, 0, None, closed="right"), None],
        """
        *Stopping:* seconds after which no new epoch (iteration, for 'lbfgs') begins. For searches
        that have to end in time; `resume` continues such a fit, and counts anew.
        """,
    ),
)


def parameters_of(estimator: str) -> tuple[Parameter, ...]:
    """The parameters of `CLASSIFIER` or `REGRESSOR`."""
    return tuple(each for each in PARAMETERS if each.only_of in ("", estimator))


def constraints_of(estimator: str) -> dict[str, Any]:
    """The possible values of each parameter of `CLASSIFIER` or `REGRESSOR`, by name."""
    return {
        name: each.constraint
        for each in parameters_of(estimator)
        for name in each.names.split(", ")
    }
