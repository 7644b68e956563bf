"""
The learning-rate finder
========================

No setting matters more than the learning rate. A range test finds one to begin with: it trains the
network once, for a short time, at a rate that rises from step to step. The loss stays where it is
while the rate is too low, falls where it is right, and rises where it is too high.
"""

import matplotlib.pyplot as plt
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.preprocessing import scale

from skneural import ScratchMLPClassifier
from skneural.learning_rate_finder import find_learning_rate

X, y = load_digits(return_X_y=True)
X = scale(X)
network = ScratchMLPClassifier(hidden_layer_sizes=64, random_state=0)

curve = find_learning_rate(network, X, y)
print(f"suggestion: {curve.suggestion:.4f}")

# %%
# The suggestion is the rate at which the smoothed loss falls most steeply, along a logarithmic
# axis. The network as it was is unchanged. For comparison it is trained for 20 epochs with a
# thirtieth of that rate, with the rate itself, and with 30 times as much.

rates = {
    "a thirtieth": curve.suggestion / 30,
    "suggestion": curve.suggestion,
    "30 times": curve.suggestion * 30,
}
losses = {}
for name, rate in rates.items():
    trained = clone(network).set_params(learning_rate_init=rate)
    losses[name] = [trained.partial_fit(X, y, classes=range(10)).loss_ for _ in range(20)]
    print(f"{name:12} rate {rate:.5f}: loss {losses[name][-1]:.4f} after 20 epochs")

# %%
# Left, the range test: single steps in grey, their smoothed course in blue. Right, the three
# trainings: the low rate is slow, and the high one goes down at first and then jumps about.

figure, (test, training) = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained")
curve.plot(ax=test)
test.set_title("range test")
styles = (("#009E73", ":"), ("#0072B2", "-"), ("#D55E00", "--"))
for (name, curve), (color, line) in zip(losses.items(), styles, strict=True):
    training.semilogy(range(1, 21), curve, line, color=color, label=name)
training.set(xlabel="epoch", title="training loss", xticks=(1, 5, 10, 15, 20), ylim=(0.003, None))
training.legend(title="learning rate")
plt.show()
