"""Models as ONNX graphs, which run without Python.

Needs skl2onnx and onnx (``pip install skneural[onnx]``), which are imported at the first
conversion.
"""
