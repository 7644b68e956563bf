"""Models as ONNX graphs, which run without Python.

Needs skl2onnx and onnx (``pip install "skneural[onnx]"``), which are imported at the first
conversion.
"""

from skneural.onnx.conversion import to_onnx
from skneural.onnx.registration import register_converters

__all__ = ["register_converters", "to_onnx"]
