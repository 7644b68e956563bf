"""Minimisers over all rows for the log loss of linear models, whose optimum is unique."""
