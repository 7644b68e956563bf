"""Models of the examples, small enough to be followed by hand."""

XOR = """\
>>> from skneural import ScratchMLPClassifier
>>> coefs, intercepts = [[[1, 1], [1, 1]], [[4], [-8]]], [[0, -1], [-2]]
>>> xor = ScratchMLPClassifier.from_weights(coefs, intercepts, classes=[0, 1])
>>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]"""

PLANE = """\
>>> from skneural import ScratchMLPRegressor
>>> plane = ScratchMLPRegressor.from_weights([[[1], [2]]], [[3]])  # x1 + 2 x2 + 3"""

AND = """\
>>> from skneural import ScratchPerceptron
>>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
>>> gate = ScratchPerceptron().fit(X, y)"""

IRIS = """\
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)"""

CITIES = """\
>>> import pandas as pd
>>> cities, degrees = ["Rome", "Oslo", "Oslo", "Rome"], [30.0, 5.0, None, 20.0]
>>> X = pd.DataFrame({"city": cities, "degrees": degrees})
>>> y = ["warm", "cold", "cold", "warm"]"""
