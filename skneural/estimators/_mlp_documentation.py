"""What the docstrings of the two multilayer perceptrons have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

Class = TypeVar("Class", bound=type)

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
    Number of units in each hidden layer; ``()`` for none, a linear model.

activation : str, Activation, or list of them, default='relu'
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

solver : str or Optimizer, default='adam'
    How to minimise. A name, or an object of `skneural.optimizers`, which has settings of its
    own, such as ``AdamW(weight_decay=0.01, max_grad_norm=1.0, averaging=0.99)``:

    - 'adam' suits most data;
    - 'sgd' is gradient descent with momentum;
    - 'lbfgs' is SciPy's quasi-Newton method, which sees all rows at once: often the best for a
      few thousand rows or fewer;
    - 'adamw' is Adam with decoupled weight decay, 'nadam' Adam with Nesterov's momentum,
      'rmsprop' and 'adagrad' are Adam's forerunners. Not in scikit-learn.

    Weight decay, clipping of the gradient, and averages of the weights (exponential or
    Polyak's) are settings of every optimizer object.

alpha : float, default=0.0001
    Strength of the penalty on the weights, ``alpha / 2 * sum(W**2)`` unless `l1_ratio` says
    otherwise. As in scikit-learn it is divided by the number of rows in a batch.

batch_size : int or 'auto', default='auto'
    Rows in a mini-batch; 'auto' is ``min(200, n_samples)``. Not for 'lbfgs'.

learning_rate : str or Schedule, default='constant'
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

learning_rate_init : float, default=0.001
    The learning rate at the start; for 'one_cycle' the highest. Not for 'lbfgs'.

power_t : float, default=0.5
    Exponent of 'invscaling'.

max_iter : int, default=200
    Most epochs (iterations, for 'lbfgs') in one call of fit.

shuffle : bool, default=True
    Whether to put the rows in a new order for every epoch.

random_state : int, RandomState instance or None, default=None
    Draws initial weights, validation rows, the order of rows, and dropout. The same integer
    gives the same model as in scikit-learn.

tol : float, default=1e-4
    The least improvement that counts as progress; for 'lbfgs', the largest element of
    the gradient at which to stop.

verbose : bool or int, default=False
    True or 1 prints every epoch, an integer k > 1 the first, every k-th and the last.

warm_start : bool, default=False
    Whether fit goes on from the fitted weights instead of starting anew.

momentum : float, default=0.9
    Momentum of 'sgd', from 0 to 1.

nesterovs_momentum : bool, default=True
    Whether that momentum is Nesterov's.

early_stopping : bool, default=False
    Whether to hold out rows, to stop when their score no longer improves, and to keep
    the weights of the best epoch. For 'lbfgs' only with validation rows passed to fit.

validation_fraction : float, default=0.1
    Share of the rows held out by `early_stopping`. <split> Without effect where validation
    rows are passed to fit.

beta_1, beta_2 : float, default=0.9 and 0.999
    Decay rates of the running means of 'adam', 'adamw' and 'nadam', from 0 to below 1.

epsilon : float, default=1e-8
    Stabiliser of these and of 'rmsprop'.

n_iter_no_change : int or inf, default=10
    Epochs without progress to put up with. Not for 'lbfgs', unless it stops early.

max_fun : int, default=15000
    Most evaluations of the objective by 'lbfgs'.

dtype : {'auto', 'float32', 'float64'}, default='auto'
    What to compute in: 'auto' keeps the float32 or float64 of X (anything else becomes
    float64), as scikit-learn does. 'float32' takes half the memory and little more than
    half the time, also on the float64 columns of a data frame, and is precise enough
    for most networks. Predictions come in the same dtype. This and all that follow are not in
    scikit-learn.
<class_weight>

dropout : float or list of float, default=0.0
    *Regularisation:* share of the hidden units left out of every row in training, at random; a
    list has one for each hidden layer. For networks that know their training rows by heart: try
    0.1 to 0.5, with more units and more epochs. Not for 'lbfgs'. Source: Srivastava et al., 2014.

l1_ratio : float, default=0.0
    *Regularisation:* share of the L1 norm in the penalty, which is then ``alpha * (l1_ratio *
    sum(abs(W)) + (1 - l1_ratio) / 2 * sum(W**2))``. Above 0 some weights become exactly zero: a
    proximal step follows each step of the optimizer. For few important features among many.
    Source: H. Zou and T. Hastie, "Regularization and variable selection via the elastic net",
    JRSS B 67, 2005.

early_stopping_metric : 'score', 'loss', scorer name or callable, default='score'
    *Stopping:* what tells the best epoch by the validation rows: <score> ('score'), the loss
    without the penalty ('loss'), or any of scikit-learn's scorers, by name or as a callable
    ``(estimator, X, y)``. 'loss' sees progress where a score of labels stands still; a scorer
    such as 'roc_auc' suits unequal classes. Weights, those of classes too, count in all that
    take `sample_weight`.

restore_best_weights : 'auto' or bool, default='auto'
    *Stopping:* whether to keep the weights of the best epoch, not of the last. 'auto' does so
    where validation rows decide when to stop, as scikit-learn does; True always in fit, by the
    lowest training loss where there are no validation rows; False never.
    Source for both: L. Prechelt, "Early stopping - but when?", 1998.

max_time : float or None, default=None
    *Stopping:* seconds after which no new epoch (iteration, for 'lbfgs') begins. For searches
    that have to end in time.

initialization : str or callable, default='glorot_uniform'
    *Start:* how the weights begin:

    - 'glorot_uniform' as in scikit-learn, intercepts included; 'glorot_normal': for tanh and
      logistic units;
    - 'he_uniform', 'he_normal': for relu and its kin, above all in deep networks;
    - 'lecun_normal': for selu;
    - 'orthogonal': for deep networks;
    - 'standard_normal': as in the tutorials, for small networks;
    - a callable ``(fan_in, fan_out, random_state) -> array of shape (fan_in, fan_out)``.

    Formulas and sources: `skneural.initialization`. To begin with given weights, see
    `from_weights`.
"""

CLASS_WEIGHT = """
class_weight : dict, 'balanced' or None, default=None
    *Unequal classes:* weights of the classes, which multiply those of their rows; classes that
    are not in the dict count 1. 'balanced' gives all classes the same total weight,
    ``total / (n_classes * total of the class)``, sample weights included. For rare classes that
    are to be found: it raises their recall, and makes probabilities those of a balanced sample.
    Not for multilabel. Source: G. King and L. Zeng, "Logistic regression in rare events data",
    Political Analysis 9, 2001.
"""

ATTRIBUTES = """\
coefs_ : list of ndarray of shape (fan in, fan out)
    Weights of each layer. They are views of the model: ``coefs_[0][...] = W``,
    ``coefs_[0] = W`` and ``coefs_ = [...]`` all change it.

intercepts_ : list of ndarray of shape (fan out,)
    Intercepts of each layer, likewise.

loss_ : float
    Training loss, penalty included, of the last epoch.

best_loss_ : float or None
    The lowest training loss; None where `early_stopping` stops by validation rows.

loss_curve_ : list of float
    Training loss of every epoch (iteration, for 'lbfgs').

validation_scores_ : list of float or None
    What `early_stopping_metric` says of the validation rows after every epoch, the higher the
    better (for 'loss' its negative); None without such rows.

validation_loss_curve_ : list of float or None
    Their loss, without the penalty.

history_ : list of dict
    A record of every epoch (iteration): 'epoch', 'loss', 'validation_loss',
    'validation_score', 'learning_rate' (of the last step), 'gradient_norm' (before that step)
    and 'seconds'; None for what there is none of. ``history_.to_frame()`` is a DataFrame.

best_validation_score_ : float or None
    The highest of the scores; None also if none was a number.

best_iteration_ : int or None
    The epoch, counted from 1 along `loss_curve_`, of the highest validation score; of the
    lowest training loss, where there are no validation rows.

stop_reason_ : str
    Why the last call ended: 'converged', 'max_iter', 'early_stopping', 'max_time',
    'callback' (one of scikit-learn's callbacks asked for it), 'not_finite' (the loss is no
    longer finite, and the best epoch has been restored; without one it is an error),
    'interrupted' (Ctrl-C) or 'no_progress' ('lbfgs' finds no way further down). Empty after
    `from_weights`.

t_ : int
    Rows trained on in mini-batches, each as often as it was visited.

n_iter_ : int
    Epochs (iterations) of the last call.

n_layers_ : int
    Number of layers, input and output included.

n_outputs_ : int
    Units in the output layer.

out_activation_ : str
    <output>

n_features_in_ : int
    Number of features.

feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names, if X had names that are all strings.
"""

REFERENCES = """\
- D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.
- I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and
  momentum in deep learning", ICML 2013 ('sgd').
- R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound constrained
  optimization", SIAM Journal on Scientific Computing 16, 1995 ('lbfgs').
- X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
  networks", AISTATS 2010 (initial weights).
- N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A simple
  way to prevent neural networks from overfitting", JMLR 15, 2014.
"""


def share_documentation(**wording: str) -> Callable[[Class], Class]:
    """Put the shared sections where a class docstring says ``<PARAMETERS>`` and so on.

    Parameters
    ----------
    **wording : str
        Replaces the words in angle brackets inside the shared sections.
    """
    sections = {"PARAMETERS": PARAMETERS, "ATTRIBUTES": ATTRIBUTES, "REFERENCES": REFERENCES}
    wording = {"class_weight": "", **wording}

    def document(cls: Class) -> Class:
        text = inspect.getdoc(cls) or ""
        for name, section in {**sections, **wording}.items():
            text = text.replace(f"<{name}>", section.rstrip())
        cls.__doc__ = text
        return cls

    return document
