"""Displays of networks and of their training, in scikit-learn's convention.

A display holds what is drawn, as plain arrays. ``from_estimator`` takes it from a fitted estimator
and draws it, ``plot`` draws it again, on other axes or with other settings::

    from skneural.inspection import LossCurveDisplay

    LossCurveDisplay.from_estimator(network)

Drawing needs matplotlib (``pip install "skneural[plot]"``), which is imported at the first drawing.
"""

from skneural.inspection.activation import ActivationDisplay
from skneural.inspection.learning_rate import LearningRateDisplay
from skneural.inspection.loss_curve import LossCurveDisplay
from skneural.inspection.network import NetworkDisplay
from skneural.inspection.weights import WeightsDisplay

__all__ = [
    "ActivationDisplay",
    "LearningRateDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "WeightsDisplay",
]
