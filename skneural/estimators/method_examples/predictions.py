"""Methods that several estimators share: predictions, and copies to be deployed."""

from skneural.estimators.method_examples.shared import IRIS, XOR

FITTED = {
    "raw_outputs": f"""
See Also
--------
predict : What the outputs predict.

Examples
--------
{XOR}
>>> xor.raw_outputs(X)
array([[-2.],
       [ 2.],
       [ 2.],
       [-2.]])
""",
    "for_prediction": f"""
See Also
--------
skneural.onnx.to_onnx : The model in a file that other languages can run.

Examples
--------
{IRIS}
>>> import pickle
>>> from skneural import ScratchMLPClassifier
>>> network = ScratchMLPClassifier(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
>>> small = network.for_prediction()
>>> bool((small.predict_proba(X) == network.predict_proba(X)).all())
True
>>> len(pickle.dumps(small)) < len(pickle.dumps(network)) / 2
True
""",
}

TRAINED = {
    "history_": f"""
See Also
--------
skneural.inspection.LossCurveDisplay : The losses as a picture.
skneural.callbacks.HistoryLogger : Writes the records to a file during the training.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> history = ScratchLogisticRegression().fit(X, y).history_
>>> history  # doctest: +SKIP
History of 7 epochs
epoch      loss  gradient_norm   seconds
    1  0.477371       0.581054    0.0176
    2  0.334446       0.147825  0.000216
    3  0.224629        0.05767  0.000184
    4  0.195419      0.0246721  0.000176
    5  0.192625     0.00415087  0.000165
    6  0.192575     0.00014639   0.00265
    7  0.192575    2.54858e-07  0.000226
>>> round(history[-1]["loss"], 3)
0.193
>>> history.to_frame()["epoch"].tolist() == list(range(1, len(history) + 1))
True
""",
}

CLASSIFIERS = {
    "predict": f"""
See Also
--------
predict_proba : How probable each class is.

Examples
--------
{XOR}
>>> xor.predict(X)
array([0, 1, 1, 0])
""",
    "score": f"""
See Also
--------
predict : The labels that are compared with y.
sklearn.metrics.accuracy_score : The same of labels that are predicted already.

Examples
--------
{IRIS}
>>> from skneural import ScratchLogisticRegression
>>> round(ScratchLogisticRegression().fit(X, y).score(X, y), 2)
0.97
""",
    "decision_function": f"""
See Also
--------
predict_proba : The probabilities that follow from the logits.

Examples
--------
The logit of class 1:

{XOR}
>>> xor.decision_function(X)
array([-2.,  2.,  2., -2.])
""",
    "predict_proba": f"""
See Also
--------
predict_log_proba : Their logarithms, also where a probability is next to nothing.
decision_function : The logits.

Examples
--------
{XOR}
>>> xor.predict_proba(X[:2]).round(3)
array([[0.881, 0.119],
       [0.119, 0.881]])
""",
    "predict_log_proba": f"""
See Also
--------
predict_proba : The probabilities.

Examples
--------
A logit of -19,994, of a probability far below the smallest number:

{XOR}
>>> float(xor.predict_log_proba([[5000, 0]])[0, 1])
-19994.0
""",
    "input_gradients": f"""
See Also
--------
sklearn.inspection.permutation_importance : The importance of features for a score.

Examples
--------
Where only the first hidden unit is active, the logit is ``4 * (x1 + x2) - 2``:

{XOR}
>>> xor.input_gradients([[0, 0.5]], output=0)
array([[4., 4.]])
""",
}
