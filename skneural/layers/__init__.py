"""The layers of a network: `Dense`, `Activate`, `Dropout`, `Columns`, and the contract of all."""

from skneural.layers.activate import Activate
from skneural.layers.columns import Columns
from skneural.layers.contract import Arrays, Layer, Parameter, PassMemory
from skneural.layers.dense import Dense
from skneural.layers.dropout import Dropout

__all__ = [
    "Activate",
    "Arrays",
    "Columns",
    "Dense",
    "Dropout",
    "Layer",
    "Parameter",
    "PassMemory",
]
