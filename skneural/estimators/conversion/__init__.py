"""Fitted estimators of scikit-learn from ours, and ours from scikit-learn's."""
