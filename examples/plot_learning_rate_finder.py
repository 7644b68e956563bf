"""
The learning-rate finder
========================

No setting matters more than the learning rate. A range test finds one to begin with: it trains the
network once, for a short time, at a rate that rises from step to step. The loss stays where it is
while the rate is too low, falls where it is right, and rises where it is too high.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skneural import ScratchMLPClassifier
from skneural.learning_rate_finder import find_learning_rate

X, y = load_digits(return_X_y=True)
X = scale(X)
network = ScratchMLPClassifier(hidden_layer_sizes=64, max_iter=20, random_state=0)

curve = find_learning_rate(network, X, y)
print(f"suggestion: {curve.suggestion:.4f}")

# %%
# The suggestion is the rate at which the smoothed loss falls most steeply, along a logarithmic axis. The
# network as it was is unchanged. For comparison it is trained for 20 epochs with a thirtieth of that
# rate, with the rate itself, and with 30 times as much.

rates = {
    "a thirtieth": curve.suggestion / 30,
    "suggestion": curve.suggestion,
    "30 times": curve.suggestion * 30,
}
trained = {}
for name, rate in rates.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 20 epochs are few.
        trained[name] = clone(network).set_params(learning_rate_init=rate).fit(X, y)
    print(f"{name:12} rate {rate:.5f}: loss {trained[name].loss_:.4f} after 20 epochs")

# %%
# Left, the range test: single steps in grey, their smoothed course in blue. Right, the three trainings:
# the low rate is slow, and the high one goes down at first and then jumps about.

figure, (test, losses) = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained")
curve.plot(ax=test)
test.set_title("range test")
styles = (("#009E73", ":"), ("#0072B2", "-"), ("#D55E00", "--"))
for (name, network), (color, line) in zip(trained.items(), styles, strict=True):
    epochs = range(1, network.n_iter_ + 1)
    losses.semilogy(epochs, network.loss_curve_, line, color=color, label=name)
losses.set(xlabel="epoch", title="training loss", xticks=(1, 5, 10, 15, 20), ylim=(0.003, None))
losses.legend(title="learning rate")
plt.show()
