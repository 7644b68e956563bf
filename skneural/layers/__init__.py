r"""The layers of a network, and the contract of all.

====================  ==========================================================================
Dense                 :math:`x W + b`.
Activate              An activation function, in place.
Dropout               Random units are left out, in training.
Chain                 Layers one after another, as one: what a block of layers is made of.
Columns               Input in parts: branches of layers, joined side by side.
NTPDense              A dense layer whose learning rate suits every width, with weights and
                      intercepts that begin where the rows are.
Scale                 A factor for each column, which learns fast: a soft selection of columns.
PeriodicEmbedding     Each number becomes a few learned periodic functions of it.
ParametricActivation  An activation function that each unit takes more or less of.
====================  ==========================================================================

The last four are the parts of a network for tables. They bring factors of the learning rate and of
weight decay along, which go with `skneural.optimizers.AdamW`.
"""

from skneural.layers.activate import Activate
from skneural.layers.chain import Chain
from skneural.layers.columns import Branch, Columns
from skneural.layers.contract import Arrays, Draws, Layer, Parameter, PassMemory
from skneural.layers.dense import Dense
from skneural.layers.dropout import Dropout
from skneural.layers.ntp_dense import NTPDense
from skneural.layers.parametric_activation import ParametricActivation
from skneural.layers.periodic_embedding import PeriodicEmbedding
from skneural.layers.scale import Scale

__all__ = [
    "Activate",
    "Arrays",
    "Branch",
    "Chain",
    "Columns",
    "Dense",
    "Draws",
    "Dropout",
    "Layer",
    "NTPDense",
    "Parameter",
    "ParametricActivation",
    "PassMemory",
    "PeriodicEmbedding",
    "Scale",
]
