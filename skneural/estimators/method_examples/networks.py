"""Methods of the two multilayer perceptrons, and of what reads their hidden layers."""

from skneural.estimators.method_examples.shared import IRIS, PLANE, XOR

BOTH = {
    "coefs_": f"""
See Also
--------
intercepts_ : The intercepts.

Examples
--------
{XOR}
>>> xor.coefs_[1].tolist()
[[4.0], [-8.0]]
""",
    "intercepts_": f"""
See Also
--------
coefs_ : The weights.

Examples
--------
{XOR}
>>> [intercepts.tolist() for intercepts in xor.intercepts_]
[[0.0, -1.0], [-2.0]]
""",
    "set_params": """
See Also
--------
sklearn.base.BaseEstimator.get_params : All parameters by name.

Examples
--------
>>> from skneural import ScratchMLPClassifier
>>> from skneural.optimizers import AdamW
>>> ScratchMLPClassifier(solver=AdamW()).set_params(alpha=0, solver__weight_decay=0.1)
ScratchMLPClassifier(alpha=0, solver=AdamW(weight_decay=0.1))
""",
    "fit": f"""
See Also
--------
resume : Continues a fit that was interrupted.
partial_fit : Trains for one epoch on rows that come in parts.
from_weights : Makes a network without training.

Examples
--------
{IRIS}
>>> from sklearn.model_selection import train_test_split
>>> from skneural import ScratchMLPClassifier
>>> X, X_val, y, y_val = train_test_split(X, y, stratify=y, random_state=0)
>>> network = ScratchMLPClassifier(solver="lbfgs", alpha=1, max_iter=1000, random_state=0)
>>> network = network.fit(X, y, X_val=X_val, y_val=y_val)
>>> len(network.validation_scores_) == network.n_iter_
True
""",
    "resume": f"""
See Also
--------
fit : Begins anew, or with ``warm_start=True`` from the weights reached.
partial_fit : Trains for one epoch more, on any rows.

Examples
--------
A fit of 3 epochs, continued to 6, is the fit of 6 epochs:

{IRIS}
>>> from skneural import ScratchMLPClassifier
>>> settings = {{"tol": 0, "n_iter_no_change": 6, "random_state": 0}}
>>> import warnings
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore")  # neither has converged
...     network = ScratchMLPClassifier(max_iter=3, **settings).fit(X, y)
...     network = network.set_params(max_iter=6).resume(X, y)
...     at_once = ScratchMLPClassifier(max_iter=6, **settings).fit(X, y)
>>> network.loss_curve_ == at_once.loss_curve_
True
""",
    "hidden_activations": f"""
See Also
--------
HiddenLayerTransformer : The same as a step of a pipeline.
raw_outputs : Outputs of the last layer.

Examples
--------
The two units that compute XOR, ``relu(x1 + x2)`` and ``relu(x1 + x2 - 1)``:

{XOR}
>>> xor.hidden_activations(X)
array([[0., 0.],
       [1., 0.],
       [1., 0.],
       [2., 1.]])
""",
    "summary": f"""
See Also
--------
skneural.inspection.NetworkDisplay : A picture of the network.

Examples
--------
{XOR}
>>> xor.summary()
ScratchMLPClassifier (float64)
layer     shape  activation  parameters
hidden 1  2 x 2        relu           6
output    2 x 1    logistic           3
9 parameters
""",
}

CLASSIFIER = {
    "partial_fit": f"""
See Also
--------
fit : Trains until the loss no longer falls.

Examples
--------
{IRIS}
>>> from skneural import ScratchMLPClassifier
>>> network = ScratchMLPClassifier(random_state=0)
>>> for rows in (slice(0, 50), slice(50, 150)):  # the first part is of a single class
...     network = network.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
>>> network.t_
150
""",
    "score": f"""
See Also
--------
predict : The labels that are compared with y.
sklearn.metrics.accuracy_score : The same of labels that are predicted already.

Examples
--------
{XOR}
>>> xor.score(X, [0, 1, 1, 1])
0.75
""",
    "from_weights": f"""
See Also
--------
from_sklearn : Takes over a fitted network of scikit-learn.
to_sklearn : Gives one back.

Examples
--------
XOR by two hidden units, ``relu(x1 + x2)`` and ``relu(x1 + x2 - 1)``:

{XOR}
>>> xor.predict(X)
array([0, 1, 1, 0])
""",
    "to_sklearn": f"""
See Also
--------
from_sklearn : The way back.
skneural.onnx.to_onnx : The model in a file that other languages can run.

Examples
--------
{XOR}
>>> theirs = xor.to_sklearn()
>>> theirs
MLPClassifier(hidden_layer_sizes=(2,))
>>> theirs.predict(X)
array([0, 1, 1, 0])
""",
    "from_sklearn": f"""
See Also
--------
skneural.from_sklearn : The same for whichever class it is.
to_sklearn : The way back.

Examples
--------
{IRIS}
>>> from sklearn.neural_network import MLPClassifier
>>> from skneural import ScratchMLPClassifier
>>> theirs = MLPClassifier(solver="lbfgs", alpha=1, max_iter=1000, random_state=0).fit(X, y)
>>> ours = ScratchMLPClassifier.from_sklearn(theirs)
>>> bool((ours.predict(X) == theirs.predict(X)).all())
True
""",
}

REGRESSOR = {
    "partial_fit": """
See Also
--------
fit : Trains until the loss no longer falls.

Examples
--------
>>> from sklearn.datasets import load_diabetes
>>> from skneural import ScratchMLPRegressor
>>> X, y = load_diabetes(return_X_y=True)
>>> network = ScratchMLPRegressor(random_state=0)
>>> for begin in range(0, 400, 100):
...     network = network.partial_fit(X[begin : begin + 100], y[begin : begin + 100])
>>> network.t_
400
""",
    "from_weights": f"""
See Also
--------
from_sklearn : Takes over a fitted network of scikit-learn.
to_sklearn : Gives one back.

Examples
--------
Without a hidden layer it is a linear model:

{PLANE}
>>> plane.predict([[1, 1]])
array([6.])
""",
    "to_sklearn": f"""
See Also
--------
from_sklearn : The way back.
skneural.onnx.to_onnx : The model in a file that other languages can run.

Examples
--------
{PLANE}
>>> theirs = plane.to_sklearn()
>>> theirs
MLPRegressor(hidden_layer_sizes=())
>>> theirs.predict([[1, 1]])
array([6.])
""",
    "from_sklearn": """
See Also
--------
skneural.from_sklearn : The same for whichever class it is.
to_sklearn : The way back.

Examples
--------
>>> from sklearn.datasets import make_regression
>>> from sklearn.neural_network import MLPRegressor
>>> from skneural import ScratchMLPRegressor
>>> X, y = make_regression(n_samples=100, random_state=1)
>>> theirs = MLPRegressor(solver="lbfgs", tol=10, random_state=1).fit(X, y)
>>> ScratchMLPRegressor.from_sklearn(theirs)
ScratchMLPRegressor(random_state=1, solver='lbfgs', tol=10)
""",
    "predict": f"""
See Also
--------
raw_outputs : The outputs of the network before the link of the loss.

Examples
--------
{PLANE}
>>> plane.predict([[1, 1], [0, 5]])
array([ 6., 13.])
""",
    "input_gradients": f"""
See Also
--------
sklearn.inspection.permutation_importance : The importance of features for a score.

Examples
--------
{PLANE}
>>> plane.input_gradients([[1, 1]], output=0)
array([[1., 2.]])
""",
    "score": f"""
See Also
--------
predict : The values that are compared with y.
sklearn.metrics.r2_score : R^2 of values that are predicted already.

Examples
--------
{PLANE}
>>> plane.score([[0, 0], [1, 1], [2, 2]], [3, 6, 9])
1.0
""",
}

HIDDEN_LAYER = {
    "fit": f"""
See Also
--------
ScratchMLPClassifier.fit : The fit of the network.

Examples
--------
{IRIS}
>>> from skneural import HiddenLayerTransformer, ScratchMLPClassifier
>>> network = ScratchMLPClassifier((3,), solver="lbfgs", alpha=1, max_iter=1000)
>>> hidden = HiddenLayerTransformer(network).fit(X, y)
>>> hidden.transform(X[:2]).shape
(2, 3)
""",
    "transform": f"""
See Also
--------
ScratchMLPClassifier.hidden_activations : The same method of a network.

Examples
--------
{XOR}
>>> from sklearn.frozen import FrozenEstimator
>>> from skneural import HiddenLayerTransformer
>>> hidden = HiddenLayerTransformer(FrozenEstimator(xor)).fit(X)
>>> hidden.transform(X)
array([[0., 0.],
       [1., 0.],
       [1., 0.],
       [2., 1.]])
""",
    "get_metadata_routing": """
See Also
--------
sklearn.utils.metadata_routing.get_routing_for_object : What calls it.

Examples
--------
>>> from skneural import HiddenLayerTransformer, ScratchMLPClassifier
>>> routing = HiddenLayerTransformer(ScratchMLPClassifier()).get_metadata_routing()
>>> [name for name, _ in routing]
['estimator']
""",
}
