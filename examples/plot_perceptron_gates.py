r"""
Logic gates, from one neuron
============================

A neuron weighs its inputs, adds them up and compares the sum with a threshold: its answer is 1
where :math:`x_1 w_1 + x_2 w_2 \ge \text{threshold}`, and 0 below. Weights 1, 1 and threshold 2
make it an AND gate.
"""

import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchMLPClassifier, ScratchPerceptron

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
XOR = [0, 1, 1, 0]
WEIGHTS, THRESHOLD = np.array([1, 1]), 2


def step(z):
    """1 from zero on, 0 below."""
    return np.where(z >= 0, 1, 0)


print(" x1  x2  sum  answer")
for x in X:
    print(f"{x[0]:3d} {x[1]:3d} {x @ WEIGHTS:4d} {step(x @ WEIGHTS - THRESHOLD):7d}")

# %%
# From a step to a sigmoid
# ------------------------
#
# Nothing has been learned there, and a hard step is hard to learn from. A small change in a weight
# mostly changes no answer at all, and where it does, the answer jumps. With a sigmoid in place of
# the step, a small change in a weight makes a small change in the answer, which shows the direction
# of the next change. Gradient descent needs that. The dots are three values of one weight, 0.75, 1
# and 1.25, for an input of two ones.


def sigmoid(z):
    """From 0 to 1 without a jump."""
    return 1 / (1 + np.exp(-z))


CHANGED_WEIGHTS = np.array([0.75, 1.0, 1.25])
sums, dots = np.linspace(0, 4, 401), CHANGED_WEIGHTS + WEIGHTS[1]
figure, panel = plt.subplots(figsize=(5, 2.8), layout="constrained")
for answer, color, line in ((step, "#D55E00", "--"), (sigmoid, "#0072B2", "-")):
    panel.plot(sums, answer(sums - THRESHOLD), line, color=color, label=answer.__name__)
    panel.plot(dots, answer(dots - THRESHOLD), "o", color=color)
panel.set(xlabel="weighted sum", ylabel="answer", yticks=(0, 0.5, 1))
panel.legend(frameon=False)

# %%
# The perceptron's learning rule
# ------------------------------
#
# Rosenblatt's rule does without a gradient: it moves the weights after every wrong answer, and
# stops when there is none, provided that some weights and threshold make no mistake. (Its answer is
# 1 above the threshold, and 0 at it.) So it learns AND, OR and NAND, but not XOR, "one or the
# other, but not both". For (0, 0) to give 0, the threshold must not be negative, and for (0, 1) and
# (1, 0) to give 1, each weight must exceed it alone. Then the sum of both exceeds it too, and (1,
# 1) gives 1 as well.


def learn(answers):
    """Train one neuron for 100 epochs; tol=None: whether or not it still makes progress."""
    return ScratchPerceptron(max_iter=100, tol=None).fit(X, answers)


gates = {name: learn(answers) for name, answers in GATES.items()}
gates["XOR"] = learn(XOR)
print("      w1  w2  threshold  answers")
for name, gate in gates.items():
    (w1, w2), threshold = gate.coef_[0], 0 - gate.intercept_[0]
    print(f"{name:4} {w1:3.0f} {w2:3.0f} {threshold:10.0f}  {gate.predict(X)}")

# %%
# A second layer
# --------------
#
# XOR is the AND of OR and NAND: three neurons in two layers compute it. A network with two hidden
# neurons and one output neuron, all with smooth steps, finds such weights by itself.


def three_neurons(X):
    """Compute XOR from the gates that have been learned."""
    hidden = np.column_stack([gates["OR"].predict(X), gates["NAND"].predict(X)])
    return gates["AND"].predict(hidden)


def learn_xor(seed=5):
    """Train a network; from some seeds it ends where no more than three answers are right."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=2, activation="tanh", solver="lbfgs", random_state=seed
    )
    return network.fit(X, XOR)


network = learn_xor()
print(f"three neurons: {three_neurons(X)}, network: {network.predict(X)}")

# %%
# Each square shows the answers over the plane of both inputs, 0 in orange and 1 in purple. Discs
# are the four points with their right answers, black where the neuron is wrong. One neuron cuts the
# plane by one straight line; two layers cut a stripe out of it.

squares = [(name, gates[name].predict, answers) for name, answers in GATES.items()]
squares += [("XOR, one neuron", gates["XOR"].predict, XOR)]
squares += [("XOR, three neurons", three_neurons, XOR), ("XOR, network", network.predict, XOR)]
side = np.linspace(-0.3, 1.3, 161)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
figure, panels = plt.subplots(2, 3, figsize=(6.4, 4.8), layout="constrained")
for panel, (name, predict, answers) in zip(panels.flat, squares, strict=True):
    said = predict(plane).reshape(161, 161)
    panel.contourf(side, side, said, levels=(-0.5, 0.5, 1.5), colors=("#FDB863", "#B2ABD2"))
    for point, answer, is_right in zip(X, answers, predict(X) == answers, strict=True):
        disc = {"boxstyle": "circle", "facecolor": "white" if is_right else "black"}
        color = "black" if is_right else "white"
        panel.text(*point, answer, bbox=disc, color=color, ha="center", va="center")
    panel.set(xlabel="$x_1$", ylabel="$x_2$", xticks=(0, 1), yticks=(0, 1), aspect="equal")
    panel.set_title(name)

plt.show()

# sphinx_gallery_thumbnail_number = 2
