import matplotlib.pyplot as plt
import numpy as np

z = np.linspace(-7, 7, 200)
a = 1 / (1 + np.exp(-z))
figure, ax = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
ax.plot(z, np.where(z > 0, 1.0, 0.0), color="0.6", linestyle=":", label="step")
ax.plot(z, a, color="#0072B2", label=r"$\sigma(z)$")
ax.plot(z, a * (1 - a), color="#D55E00", linestyle="--", label=r"$\sigma'(z) = a (1 - a)$")
ax.set(xlabel="$z$", yticks=[0, 0.25, 0.5, 1])
ax.grid(alpha=0.3)
ax.legend()
