import matplotlib.pyplot as plt
import numpy as np

from skneural.optimizers import SGD, AdaGrad, Adam, RMSprop

CURVATURE = np.array([1.0, 50.0])
optimizers = {
    "SGD": (SGD(momentum=0.0), 0.035),
    "momentum": (SGD(nesterovs_momentum=False), 0.02),
    "AdaGrad": (AdaGrad(), 2.0),
    "RMSprop": (RMSprop(), 0.1),
    "Adam": (Adam(), 0.5),
}
x, y = np.meshgrid(np.linspace(-5, 11, 200), np.linspace(-1.3, 1.3, 200))
heights = np.sqrt((CURVATURE[0] * x**2 + CURVATURE[1] * y**2) / 2)
figure, axes = plt.subplots(5, 1, figsize=(6.4, 7.5), layout="constrained", sharex=True)
for ax, (name, (optimizer, rate)) in zip(axes, optimizers.items(), strict=True):
    w, state = np.array([10.0, 1.0]), optimizer.init_state(2, float)
    path = [w.copy()]
    for _ in range(60):
        optimizer.step(w, CURVATURE * w, rate, state)
        path.append(w.copy())
    ax.contour(x, y, heights, levels=10, colors="0.8", linewidths=0.8)
    ax.plot(*np.transpose(path), ".-", color="#0072B2", markersize=4, linewidth=1)
    ax.plot(0, 0, "*", color="#D55E00", markersize=10)
    ax.set_title(f"{name}, 60 steps", fontsize="medium")
    ax.set(xlim=(-5, 11), ylim=(-1.3, 1.3), ylabel="$w_2$")
axes[-1].set_xlabel("$w_1$")
