"""scikit-learn 1.9's own tests of its logistic regression, run on ours.

Its test module is loaded with our class under the name of scikit-learn's, and with our solvers
in its list of them. Left out is only what tests something else, each with its reason.
"""

from __future__ import annotations

import pytest
import sklearn
import swapped
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

from skneural import ScratchLogisticRegression

IS_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)

SOLVERS = 'SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")'
OURS = 'SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga", "fista")'


#: liblinear stays scikit-learn's where it is what the others are compared with.
REFERENCE = {
    "lr_liblinear = LogisticRegression(": "lr_liblinear = Theirs(",
    "lr_liblinear_sp = LogisticRegression(": "lr_liblinear_sp = Theirs(",
    "            liblinear = LogisticRegression(": "            liblinear = Theirs(",
}


#: What our task of an iteration is called; what is asked of it stays.
TASKS = {'"iter" in rec["context"].task_name': 'rec["context"].task_name == "epoch"'}


def with_our_solvers(source):
    for theirs, ours in {SOLVERS: OURS, **REFERENCE, **TASKS}.items():
        assert theirs in source
        source = source.replace(theirs, ours)
    return source


def cross_validated(solver="lbfgs", **params):
    """scikit-learn's LogisticRegressionCV, which knows its own solvers only."""
    if solver == "fista":
        solver, params = "saga", {**params, "max_iter": 20_000}
    return LogisticRegressionCV(solver=solver, **params)


def load_with_our_class():
    module = swapped.load(
        "sklearn.linear_model",
        "test_logistic",
        with_our_solvers,
        LogisticRegression=ScratchLogisticRegression,
        LogisticRegressionCV=cross_validated,
    )
    module.Theirs = LogisticRegression
    return swapped.tests_of(module)


THEIRS = load_with_our_class() if IS_1_9 else {}

CV = "of LogisticRegressionCV"
PATH = "of the private function _logistic_regression_path"
ARRAY_API = "of array namespaces other than NumPy"

#: Tests of something else.
LEFT_OUT = {
    "test_consistency_path": PATH,
    "test_logistic_regression_path_convergence_fail": PATH,
    "test_logistic_regression_path_coefs_multinomial": PATH,
    "test_logistic_regression_path_init_coefs": PATH,
    "test_logistic_cv": CV,
    "test_logistic_cv_refit_false_non_elasticnet": CV,
    "test_logistic_cv_mock_scorer": CV,
    "test_logistic_cv_multinomial_score": CV,
    "test_multinomial_cv_iris": CV,
    "test_logistic_cv_folds_with_classes_missing": CV,
    "test_logistic_cv_sparse": CV,
    "test_logistic_regressioncv_class_weights": CV,
    "test_LogisticRegressionCV_GridSearchCV_elastic_net": CV,
    "test_LogisticRegressionCV_no_refit": CV,
    "test_LogisticRegressionCV_elasticnet_attribute_shapes": CV,
    "test_LogisticRegressionCV_on_folds": CV,
    "test_scores_attribute_layout_elasticnet": CV,
    "test_lr_cv_scores_differ_when_sample_weight_is_requested": CV,
    "test_lr_cv_scores_without_enabling_metadata_routing": CV,
    "test_passing_params_without_enabling_metadata_routing": CV,
    "test_logisticregressioncv_warns_with_use_legacy_attributes": CV,
    "test_lr_scoring_warns": CV,
    "test_get_default_scorer": CV,
    "test_logreg_predict_proba_multinomial": "calls the private method _predict_proba_lr",
    "test_liblinear_dual_random_state": "wants other coefficients for another seed",
    "test_liblinear_with_large_values": "expects an error where ours can do it",
    "test_logistic_regression_array_api_compliance": ARRAY_API,
    "test_logistic_regression_array_api_warm_start": ARRAY_API,
    "test_logistic_regression_callback_support_warning": "expects a warning where ours can do it",
}

globals().update({name: test for name, test in THEIRS.items() if name not in LEFT_OUT})
pytestmark = pytest.mark.filterwarnings("default")

NEWTON = "Newton solver did not converge after [0-9]* iterations"
SEEDS = (0, 42)

#: Single cases of a test of something else. conftest.py deselects them.
LEFT_OUT_CASES = {
    "test_check_solver_option[cross_validated]": CV,
    "test_liblinear_multiclass_raises[cross_validated]": CV,
    "test_elasticnet_l1_ratio_err_helpful[cross_validated-l1_ratios]": CV,
    "test_penalty_deprecated[cross_validated]": CV,
    **{
        f"test_logistic_regression_sample_weights[{seed}-{solver}-cv]": CV
        for seed in SEEDS
        for solver in ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "fista")
    },
    **{
        f"test_max_iter[{seed}-newton-cholesky-{NEWTON}-max_iter{i}]": "skipped by its author"
        for seed in SEEDS
        for i in (1, 2, 3)
    },
    **{
        f"test_large_sparse_matrix[{kind}-{solver}]": "expects an error where ours can do it"
        for kind in ("csr_matrix", "csr_array")
        for solver in ("liblinear", "sag", "saga")
    },
}


@pytest.fixture(params=SEEDS)
def global_random_seed(request):
    return request.param


@pytest.mark.skipif(not IS_1_9, reason="reference: the tests are those of scikit-learn 1.9")
def test_nothing_is_left_out_but_what_is_listed():
    assert set(LEFT_OUT) <= set(THEIRS)
    assert len(THEIRS) == 80
    assert len(LEFT_OUT) == 29
    assert {case.partition("[")[0] for case in LEFT_OUT_CASES} <= set(THEIRS) - set(LEFT_OUT)
