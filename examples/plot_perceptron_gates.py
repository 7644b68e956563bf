"""
Logic gates, from one neuron
============================

A neuron weighs its inputs, adds them up and compares the sum with a threshold: its answer is 1
where x1 w1 + x2 w2 >= threshold, and 0 below. Weights 1, 1 and threshold 2 make it an AND gate.

Nothing has been learned there, and a hard step is hard to learn from. A small change in a
weight mostly changes no answer at all, and where it does, the answer jumps. With a sigmoid in
place of the step, 1 / (1 + exp(-(sum - threshold))), a small change in a weight makes a small
change in the answer, which tells in which direction to go on. Networks learn by that.

Rosenblatt's perceptron rule does without: it moves the weights after every wrong answer, and
comes to rest when there is none, provided that some weights and threshold have none. (Its
answer is 1 above the threshold, and not yet at it.) So it learns AND, OR and NAND, but not XOR,
"one or the other, but not both". For (0, 0) to give 0, the threshold must be above 0, and for
(0, 1) and (1, 0) to give 1, either weight must reach it alone. Then both together do so all
the more, and (1, 1) gives 1 as well.

A second layer helps: XOR is the AND of OR and NAND. A network with two hidden neurons and one
output neuron, all with smooth steps, finds that by itself.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skneural import ScratchMLPClassifier, ScratchPerceptron

PICTURE = Path(__file__).with_suffix(".png")

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
XOR = [0, 1, 1, 0]

WEIGHTS, THRESHOLD = np.array([1, 1]), 2
CHANGED_WEIGHTS = np.array([0.75, 1.0, 1.25])


def step(z):
    """1 from zero on, 0 below."""
    return np.where(z >= 0, 1, 0)


def sigmoid(z):
    """From 0 to 1 without a jump."""
    return 1 / (1 + np.exp(-z))


def learn(answers):
    """Train one neuron for 100 epochs; tol=None: whether or not it still makes progress."""
    return ScratchPerceptron(max_iter=100, tol=None).fit(X, answers)


def learn_xor(seed=5):
    """Train a network; from some seeds it ends where no more than three answers are right."""
    network = ScratchMLPClassifier(
        hidden_layer_sizes=2, activation="tanh", solver="lbfgs", random_state=seed
    )
    return network.fit(X, XOR)


def print_given_neuron():
    """Print what the neuron with the given weights says, and what changing one weight does."""
    print("AND from weights 1, 1 and threshold 2\n x1  x2  sum  step")
    for x in X:
        print(f"{x[0]:3d} {x[1]:3d} {x @ WEIGHTS:4d} {step(x @ WEIGHTS - THRESHOLD):5d}")
    print("\nOther weights for x1, with both inputs 1\n  w1  sum  step  sigmoid")
    for w1 in CHANGED_WEIGHTS:
        z = w1 + WEIGHTS[1] - THRESHOLD
        print(f"{w1:4.2f} {z + THRESHOLD:4.2f} {step(z):5d} {sigmoid(z):8.3f}")


def draw_steps(panel):
    """Draw the step and the sigmoid, with the answers under the changed weights as dots."""
    sums, dots = np.linspace(0, 6, 601), CHANGED_WEIGHTS + WEIGHTS[1]
    for answer, color, line in ((step, "#D55E00", "--"), (sigmoid, "#0072B2", "-")):
        panel.plot(sums, answer(sums - THRESHOLD), line, color=color, label=answer.__name__)
        panel.plot(dots, answer(dots - THRESHOLD), "o", color=color, markersize=4)
    panel.set(xlabel="weighted sum", xticks=(0, 2, 4, 6), yticks=(0, 1), title="answer")
    panel.legend(frameon=False, loc="lower right", handlelength=1.5)


def draw_answers(panel, title, classifier, answers):
    """Draw what a classifier says over the unit square; discs: right answers, black if missed."""
    side = np.linspace(-0.3, 1.3, 321)
    square = np.stack(np.meshgrid(side, side), axis=-1)
    said = classifier.predict(square.reshape(-1, 2)).reshape(321, 321)
    panel.contourf(side, side, said, levels=(-0.5, 0.5, 1.5), colors=("#FDB863", "#B2ABD2"))
    for point, answer, is_right in zip(X, answers, classifier.predict(X) == answers, strict=True):
        disc = {"boxstyle": "circle", "facecolor": "white" if is_right else "black"}
        color = "black" if is_right else "white"
        panel.text(*point, answer, bbox=disc, color=color, ha="center", va="center")
    panel.set(xlabel="$x_1$", ylabel="$x_2$", xticks=(0, 1), yticks=(0, 1), aspect="equal")
    panel.set_title(title)


def main(picture=PICTURE):
    """Compute AND, learn AND, OR and NAND, and solve XOR by two layers."""
    print_given_neuron()
    figure, panels = plt.subplots(2, 3, figsize=(6.4, 4.6), layout="constrained")
    draw_steps(panels[0, 0])
    gates = {name: learn(answers) for name, answers in GATES.items()}
    neuron, network = learn(XOR), learn_xor()

    print("\nLearned\n      w1  w2  threshold  answers")
    for name, gate in {**gates, "XOR": neuron}.items():
        (w1, w2), threshold = gate.coef_[0], 0 - gate.intercept_[0]
        print(f"{name:4} {w1:3.0f} {w2:3.0f} {threshold:10.0f}  {gate.predict(X)}")
    print(f"{np.sum(neuron.predict(X) != XOR)} of the 4 answers for XOR are wrong.")
    hidden = np.column_stack([gates["OR"].predict(X), gates["NAND"].predict(X)])
    print(f"\nAND of OR and NAND     {gates['AND'].predict(hidden)}")
    print(f"network trained on XOR {network.predict(X)}")

    squares = [(name, gates[name], answers) for name, answers in GATES.items()]
    squares += [("XOR, one neuron", neuron, XOR), ("XOR, network", network, XOR)]
    for panel, square in zip(panels.flat[1:], squares, strict=True):
        draw_answers(panel, *square)
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
