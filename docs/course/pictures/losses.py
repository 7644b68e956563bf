import matplotlib.pyplot as plt
import numpy as np

z = np.linspace(-6, 6, 200)
p = 1 / (1 + np.exp(-z))
pairs = {
    "log loss": (np.logaddexp(0, -z), p - 1, "#0072B2", "-"),
    "squared error": ((p - 1) ** 2 / 2, (p - 1) * p * (1 - p), "#D55E00", "--"),
}
figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.7), layout="constrained")
for name, (loss, gradient, color, line) in pairs.items():
    axes[0].plot(z, loss, line, color=color, label=name)
    axes[1].plot(z, gradient, line, color=color, label=name)
axes[0].set(title="loss, target 1", xlabel="raw output $z$")
axes[1].set(title="gradient", xlabel="raw output $z$")
axes[0].legend(frameon=False)
for ax in axes:
    ax.grid(alpha=0.3)
