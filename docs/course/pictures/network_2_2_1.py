import matplotlib.pyplot as plt

places = {"$x_1 = 1$": (0, 1), "$x_2 = 2$": (0, 0), "hidden: 3": (1, 1), "hidden: 2": (1, 0)}
places["$p = 0.27$"] = (2, 0.5)
connections = [(0, 2, 1), (0, 3, -1), (1, 2, 1), (1, 3, 1), (2, 4, 1), (3, 4, -1)]

figure, ax = plt.subplots(figsize=(6.0, 2.6), layout="constrained")
spots = list(places.values())
for begin, end, weight in connections:
    (x, y), (u, v) = spots[begin], spots[end]
    ax.plot([x, u], [y, v], color="#0072B2" if weight > 0 else "#D55E00", zorder=1)
    label = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(x + 0.3 * (u - x), y + 0.3 * (v - y), weight, bbox=label, ha="center", va="center")
for name, (x, y) in places.items():
    ax.text(x, y, name, bbox={"boxstyle": "round,pad=0.6", "facecolor": "white"}, ha="center")
for name, (x, y) in {"$b = 0$": (1, 1), "$b = 1$": (1, 0), "$b = -2$": (2, 0.5)}.items():
    ax.text(x, y - 0.27, name, ha="center", va="top", size=9)
ax.set(xlim=(-0.35, 2.35), ylim=(-0.5, 1.3))
ax.set_axis_off()
