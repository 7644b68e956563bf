"""Methods of logistic regression and of the perceptron."""

from skneural.estimators.method_examples.shared import AND, IRIS

LINEAR = {
    "coef_": f"""
See Also
--------
intercept_ : The intercepts.
sparsify : Keeps only the weights that are not zero.

Examples
--------
{AND}
>>> gate.coef_
array([[2., 2.]])
""",
    "intercept_": f"""
See Also
--------
coef_ : The weights.

Examples
--------
{AND}
>>> gate.intercept_
array([-2.])
""",
    "sparsify": f"""
See Also
--------
densify : The way back.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> model = ScratchLogisticRegression(C=0.1, l1_ratio=1, solver="fista").fit(X, y)
>>> model.sparsify().coef_.format
'csr'
""",
    "densify": f"""
See Also
--------
sparsify : Keeps only the weights that are not zero.

Examples
--------
{AND}
>>> type(gate.sparsify().densify().coef_)
<class 'numpy.ndarray'>
""",
}

LOGISTIC = {
    "fit": f"""
See Also
--------
resume : Continues a fit that was interrupted.
partial_fit : Trains for one epoch on rows that come in parts.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> model = ScratchLogisticRegression().fit(X, y)
>>> model.stop_reason_
'converged'
""",
    "resume": f"""
See Also
--------
fit : Begins anew, or with ``warm_start=True`` from the weights reached.

Examples
--------
{IRIS}
>>> import warnings
>>> from skneural import ScratchLogisticRegression
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore")  # two iterations are not enough
...     model = ScratchLogisticRegression(max_iter=2).fit(X, y)
>>> model = model.set_params(max_iter=100).resume(X, y)
>>> model.stop_reason_
'converged'
""",
    "partial_fit": f"""
See Also
--------
fit : Trains until the loss no longer falls.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> model = ScratchLogisticRegression(solver="adam", random_state=0)
>>> for begin in range(0, 150, 50):  # each part is of a single class
...     rows = slice(begin, begin + 50)
...     model = model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
>>> model.classes_
array([0, 1, 2])
""",
    "to_sklearn": f"""
See Also
--------
from_sklearn : The way back.
skneural.onnx.to_onnx : The model in a file that other languages can run.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> model = ScratchLogisticRegression(C=10).fit(X, y)
>>> theirs = model.to_sklearn()
>>> theirs
LogisticRegression(C=10)
>>> bool((theirs.predict(X) == model.predict(X)).all())
True
""",
    "from_sklearn": f"""
See Also
--------
skneural.from_sklearn : The same for whichever class it is.
to_sklearn : The way back.

Examples
--------
{IRIS}
>>> from sklearn.linear_model import LogisticRegression
>>> from skneural import ScratchLogisticRegression
>>> theirs = LogisticRegression(C=10, max_iter=1000).fit(X, y)
>>> ScratchLogisticRegression.from_sklearn(theirs)
ScratchLogisticRegression(C=10, max_iter=1000)
""",
}

PERCEPTRON = {
    "fit": f"""
See Also
--------
resume : Continues a fit that was interrupted.
partial_fit : Trains for one epoch on rows that come in parts.

Examples
--------
{AND}
>>> gate.coef_, gate.intercept_
(array([[2., 2.]]), array([-2.]))
""",
    "resume": f"""
See Also
--------
fit : Begins anew, or with ``warm_start=True`` from the weights reached.

Examples
--------
{AND}
>>> import warnings
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore")  # two epochs are not enough
...     begun = ScratchPerceptron(max_iter=2).fit(X, y)
>>> begun = begun.set_params(max_iter=gate.max_iter).resume(X, y)
>>> begun.n_iter_ == gate.n_iter_
True
>>> bool((begun.coef_ == gate.coef_).all())
True
""",
    "partial_fit": """
See Also
--------
fit : Trains until the objective no longer falls, or for `max_iter` epochs.

Examples
--------
A row that is wrong adds itself to the weights, once its side is counted:

>>> from skneural import ScratchPerceptron
>>> unit = ScratchPerceptron().partial_fit([[1, 2]], ["right"], classes=["left", "right"])
>>> unit.coef_, unit.intercept_
(array([[1., 2.]]), array([1.]))
""",
    "predict": f"""
See Also
--------
decision_function : The outputs that are compared.

Examples
--------
{AND}
>>> gate.predict(X)
array([0, 0, 0, 1])
""",
    "score": f"""
See Also
--------
predict : The labels that are compared with y.
sklearn.metrics.accuracy_score : The same of labels that are predicted already.

Examples
--------
{AND}
>>> gate.score(X, y)
1.0
""",
    "decision_function": f"""
See Also
--------
predict : The class that these outputs decide for.

Examples
--------
{AND}
>>> gate.decision_function(X)
array([-2.,  0.,  0.,  2.])
""",
    "to_sklearn": f"""
See Also
--------
from_sklearn : The way back.

Examples
--------
{AND}
>>> gate.to_sklearn()
Perceptron()
>>> gate.to_sklearn().predict(X)
array([0, 0, 0, 1])
""",
    "from_sklearn": """
See Also
--------
skneural.from_sklearn : The same for whichever class it is.
to_sklearn : The way back.

Examples
--------
>>> from sklearn.linear_model import Perceptron
>>> from skneural import ScratchPerceptron
>>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
>>> ours = ScratchPerceptron.from_sklearn(Perceptron().fit(X, y))
>>> ours.predict(X)
array([0, 0, 0, 1])
""",
}
