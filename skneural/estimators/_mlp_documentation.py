"""What the docstrings of the two multilayer perceptrons have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

Class = TypeVar("Class", bound=type)

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
    Number of units in each hidden layer; ``()`` for none, a linear model.

activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'elu'}, default='relu'
    Activation function f of the hidden layers:

    - 'identity': f(z) = z
    - 'logistic': f(z) = 1 / (1 + exp(-z))
    - 'tanh': the hyperbolic tangent
    - 'relu': f(z) = max(0, z)
    - 'leaky_relu': f(z) = z above zero, z / 100 below
    - 'elu': f(z) = z above zero, exp(z) - 1 below

    The last two are not in scikit-learn. Sources: `skneural.activations`.

solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
    How to minimise. 'adam' suits most data; 'sgd' is gradient descent with
    momentum; 'lbfgs' is SciPy's quasi-Newton method, which sees all rows at
    once: often the best for a few thousand rows or fewer.

alpha : float, default=0.0001
    Strength of the L2 penalty on the weights, ``alpha / 2 * sum(W**2)``. As in
    scikit-learn it is divided by the number of rows in a batch.

batch_size : int or 'auto', default='auto'
    Rows in a mini-batch; 'auto' is ``min(200, n_samples)``. Not for 'lbfgs'.

learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
    How the learning rate of 'sgd' follows the training:

    - 'constant': it stays at `learning_rate_init`;
    - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` after t rows;
    - 'adaptive': it is divided by 5 at every plateau, see `n_iter_no_change`.

learning_rate_init : float, default=0.001
    The learning rate at the start. For 'sgd' and 'adam'.

power_t : float, default=0.5
    Exponent of 'invscaling'.

max_iter : int, default=200
    Most epochs (iterations, for 'lbfgs') in one call of fit.

shuffle : bool, default=True
    Whether to put the rows in a new order for every epoch.

random_state : int, RandomState instance or None, default=None
    Draws initial weights, validation rows and the order of rows. The same integer
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
    the weights of the best epoch. Not for 'lbfgs'.

validation_fraction : float, default=0.1
    Share of the rows held out by `early_stopping`. <split>

beta_1, beta_2 : float, default=0.9 and 0.999
    Decay rates of Adam's running means, from 0 to below 1.

epsilon : float, default=1e-8
    Adam's stabiliser.

n_iter_no_change : int or inf, default=10
    Epochs without progress to put up with. For 'sgd' and 'adam'.

max_fun : int, default=15000
    Most evaluations of the objective by 'lbfgs'.

dtype : {'auto', 'float32', 'float64'}, default='auto'
    What to compute in: 'auto' keeps the float32 or float64 of X (anything else becomes
    float64), as scikit-learn does. 'float32' takes half the memory and little more than
    half the time, also on the float64 columns of a data frame, and is precise enough
    for most networks. Predictions come in the same dtype. Not in scikit-learn.
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
    The lowest training loss; None with `early_stopping`.

loss_curve_ : list of float
    Training loss of every epoch (iteration, for 'lbfgs').

validation_scores_ : list of float or None
    <score> of the held-out rows after every epoch; None without `early_stopping`.

best_validation_score_ : float or None
    The highest of them.

t_ : int
    Rows trained on by 'sgd' or 'adam', each as often as it was visited.

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
"""


def share_documentation(**wording: str) -> Callable[[Class], Class]:
    """Put the shared sections where a class docstring says ``<PARAMETERS>`` and so on.

    Parameters
    ----------
    **wording : str
        Replaces the words in angle brackets inside the shared sections.
    """
    sections = {"PARAMETERS": PARAMETERS, "ATTRIBUTES": ATTRIBUTES, "REFERENCES": REFERENCES}

    def document(cls: Class) -> Class:
        text = inspect.getdoc(cls) or ""
        for name, section in {**sections, **wording}.items():
            text = text.replace(f"<{name}>", section.rstrip())
        cls.__doc__ = text
        return cls

    return document
