"""Neural networks for scikit-learn, in readable NumPy."""

# From here, not from deep inside, where the import takes longer: the interpreter's stack then
# happens to grow and shrink by one of its chunks in the busiest loops of what is imported.
import sklearn  # noqa: F401

from skneural._version import __version__
from skneural.environment import show_versions
from skneural.estimators.conversion import from_sklearn
from skneural.estimators.logistic.classifier import ScratchLogisticRegression
from skneural.estimators.mlp.classifier import ScratchMLPClassifier
from skneural.estimators.mlp.hidden_layer import HiddenLayerTransformer
from skneural.estimators.mlp.regressor import ScratchMLPRegressor
from skneural.estimators.perceptron.classifier import ScratchPerceptron
from skneural.estimators.table.encoder import TableEncoder
from skneural.estimators.tabular.classifier import TabularMLPClassifier
from skneural.estimators.tabular.regressor import TabularMLPRegressor
from skneural.estimators.trusted_types import TRUSTED_TYPES
from skneural.estimators.version import SkneuralVersionWarning
from skneural.kernels import set_compiled

__all__ = [
    "TRUSTED_TYPES",
    "HiddenLayerTransformer",
    "ScratchLogisticRegression",
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "ScratchPerceptron",
    "SkneuralVersionWarning",
    "TableEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "__version__",
    "from_sklearn",
    "set_compiled",
    "show_versions",
]
