"""Neural networks for scikit-learn, in readable NumPy."""

from skneural._version import __version__
from skneural.estimators._mlp import ScratchMLPClassifier, ScratchMLPRegressor

__all__ = ["ScratchMLPClassifier", "ScratchMLPRegressor", "__version__"]
