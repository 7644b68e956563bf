import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skneural import ScratchLogisticRegression

X, digit = load_digits(return_X_y=True)
chosen = np.isin(digit, [3, 8])
X, digit = X[chosen] / 16, digit[chosen]
weights = ScratchLogisticRegression(C=0.25).fit(X, digit).coef_.reshape(8, 8)

figure, axes = plt.subplots(1, 3, figsize=(6.4, 2.3), layout="constrained")
for ax, value in zip(axes, (3, 8), strict=False):
    ax.imshow(X[digit == value][0].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{'a three' if value == 3 else 'an eight'}")
largest = np.abs(weights).max()
image = axes[2].imshow(weights, cmap="PuOr", vmin=-largest, vmax=largest)
axes[2].set_title("weights")
figure.colorbar(image, ax=axes[2], shrink=0.8)
for ax in axes:
    ax.set_axis_off()
