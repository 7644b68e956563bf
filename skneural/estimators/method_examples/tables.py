"""Methods of the estimators for raw tables."""

from skneural.estimators.method_examples.shared import CITIES

SMALL = f"""\
{CITIES}
>>> X, y = pd.concat([X] * 8), y * 8
>>> from skneural import TabularMLPClassifier
>>> model = TabularMLPClassifier(cv=2, max_iter=20, random_state=0).fit(X, y)"""

NUMBERS = """\
>>> import numpy as np
>>> from skneural import TabularMLPRegressor
>>> X = np.linspace(-1, 1, 60)[:, None]
>>> model = TabularMLPRegressor(cv=2, max_iter=10, random_state=0).fit(X, 3 * X[:, 0])"""

TABULAR = {
    "history_": f"""
See Also
--------
skneural.inspection.LossCurveDisplay : The losses as a picture.
skneural.callbacks.HistoryLogger : Writes the records to a file during the training.

Examples
--------
{SMALL}
>>> len(model.history_)
20
>>> sorted(model.history_[-1])[:4]
['epoch', 'gradient_norm', 'learning_rate', 'loss']
""",
    "fitted_settings_": f"""
See Also
--------
fit : What sets them.

Examples
--------
{SMALL}
>>> model.fitted_settings_["max_iter"]
20
""",
    "fit": f"""
See Also
--------
TableEncoder : What becomes of the columns, as a transformer.

Examples
--------
{SMALL}
>>> model.is_categorical_
array([ True, False])
""",
    "raw_outputs": f"""
See Also
--------
predict : What all networks predict together.

Examples
--------
The logits of both classes, from each of two networks as it was after each epoch selected:

{SMALL}
>>> model.raw_outputs(X).shape[1:]
(2, 32, 2)
""",
    "for_prediction": f"""
See Also
--------
skneural.onnx.to_onnx : The model in a file that other languages can run.

Examples
--------
{SMALL}
>>> small = model.for_prediction()
>>> bool((small.predict_proba(X) == model.predict_proba(X)).all())
True
>>> hasattr(small, "history_")
False
""",
}

CLASSIFIER = {
    "predict": f"""
See Also
--------
predict_proba : How probable each class is.

Examples
--------
{SMALL}
>>> model.predict(X[:4]).tolist()
['warm', 'cold', 'cold', 'warm']
""",
    "predict_proba": f"""
See Also
--------
predict_log_proba : Their logarithms.
sklearn.calibration.CalibrationDisplay : A picture of how well they are calibrated.

Examples
--------
{SMALL}
>>> model.predict_proba(X[:2]).sum(axis=1).round(6)
array([1., 1.])
""",
    "predict_log_proba": f"""
See Also
--------
predict_proba : The probabilities.

Examples
--------
{SMALL}
>>> import numpy as np
>>> bool(np.allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X)))
True
""",
    "decision_function": f"""
See Also
--------
predict_proba : The probabilities.

Examples
--------
Positive where the second class, 'warm', is the more probable:

{SMALL}
>>> (model.decision_function(X[:4]) > 0).tolist()
[True, False, False, True]
""",
    "score": f"""
See Also
--------
predict : The labels that are compared with y.
sklearn.metrics.accuracy_score : The same of labels that are predicted already.

Examples
--------
{SMALL}
>>> model.score(X, y)
1.0
""",
}

REGRESSOR = {
    "predict": f"""
See Also
--------
raw_outputs : The outputs of each network, in units of its own.

Examples
--------
{NUMBERS}
>>> prediction, deviation = model.predict(X, return_std=True)
>>> prediction.shape, bool((deviation >= 0).all())
((60,), True)
""",
    "score": f"""
See Also
--------
predict : The numbers that are compared with y.
sklearn.metrics.r2_score : R^2 of numbers that are predicted already.

Examples
--------
{NUMBERS}
>>> model.score(X, 3 * X[:, 0]) > 0.9
True
""",
}

ENCODER = {
    "fit": f"""
See Also
--------
fit_transform : Encodes the training rows by target from other folds alone.

Examples
--------
{CITIES}
>>> from skneural import TableEncoder
>>> TableEncoder().fit(X, y).target_type_
'classification'
""",
    "fit_transform": f"""
See Also
--------
transform : Encodes new rows.

Examples
--------
{CITIES}
>>> from skneural import TableEncoder
>>> TableEncoder(quantile_inputs=False).fit_transform(X, y).round(2)
array([[ 1.41,  0.  ,  0.49],
       [-1.87,  0.  , -0.49],
       [ 0.  ,  2.4 , -0.49],
       [ 0.  ,  0.  ,  0.49]])
""",
    "transform": f"""
See Also
--------
fit_transform : Encodes the training rows, without overfitting to their targets.

Examples
--------
A city that training had not seen lies between the two:

{CITIES}
>>> from skneural import TableEncoder
>>> encoder = TableEncoder(quantile_inputs=False).fit(X, y)
>>> encoder.transform(pd.DataFrame({{"city": ["Paris"], "degrees": [30.0]}})).round(2)
array([[1.41, 0.  , 0.  ]])
""",
    "get_feature_names_out": f"""
See Also
--------
transform : The columns that have these names.

Examples
--------
{CITIES}
>>> from skneural import TableEncoder
>>> TableEncoder().fit(X, y).get_feature_names_out().tolist()
['degrees_normal', 'degrees_scaled', 'degrees_missing', 'city_Rome']
""",
}
