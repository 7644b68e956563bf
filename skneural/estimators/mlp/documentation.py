"""What the docstrings of the two multilayer perceptrons have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TypeVar

from skneural.estimators.mlp.parameter_table import parameters_of

Class = TypeVar("Class", bound=type)

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
    and 'seconds'; None for what there is none of, and NaN seconds for epochs that come
    from a pickle or a deep copy. It prints as a table, and is one in a notebook;
    ``history_.to_frame()`` is a DataFrame.

best_validation_score_ : float or None
    The highest of the scores; None also if none was a number.

best_iteration_ : int or None
    The epoch, counted from 1 along `loss_curve_`, of the highest validation score; of the
    lowest training loss, where there are no validation rows.

stop_reason_ : str
    Why the last call ended: 'converged', 'max_iter', 'early_stopping', 'max_time',
    'callback' (one of scikit-learn's callbacks asked for it), 'not_finite' (the loss is no
    longer finite, and the best epoch has been restored; without one it is an error),
    'interrupted' (Ctrl-C) or 'no_progress' ('lbfgs' finds no lower loss). Empty after
    `from_weights` and `from_sklearn`.

t_ : int
    Rows trained on in mini-batches, each as often as it was visited.

n_iter_ : int
    Epochs (iterations) of the last fit, those before it was resumed included.

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


def share_documentation(estimator: str, **wording: str) -> Callable[[Class], Class]:
    """Put the shared sections where a class docstring says ``<PARAMETERS>`` and so on.

    Parameters
    ----------
    estimator : {CLASSIFIER, REGRESSOR}
        Which parameters to document.
    **wording : str
        Replaces the words in angle brackets inside the shared sections.
    """
    parameters = "\n\n".join(each.documentation() for each in parameters_of(estimator))
    sections = {"PARAMETERS": parameters, "ATTRIBUTES": ATTRIBUTES, "REFERENCES": REFERENCES}
    return filling_in({**sections, **wording})


def filling_in(sections: Mapping[str, str]) -> Callable[[Class], Class]:
    """Put sections where a class docstring has their names in angle brackets, one after another."""

    def document(cls: Class) -> Class:
        text = inspect.getdoc(cls) or ""
        for name, section in sections.items():
            text = text.replace(f"<{name}>", section.rstrip())
        cls.__doc__ = f"{text}\n"
        return cls

    return document
