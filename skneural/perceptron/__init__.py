"""Perceptrons: Rosenblatt's rule for one unit, and the training of several side by side."""

from skneural.perceptron.row_access import rows_of
from skneural.perceptron.rule import OnlinePerceptron, Rule
from skneural.perceptron.training import Patience, PerceptronTraining, UnitTraining

__all__ = [
    "OnlinePerceptron",
    "Patience",
    "PerceptronTraining",
    "Rule",
    "UnitTraining",
    "rows_of",
]
