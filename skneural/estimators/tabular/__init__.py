"""Ensembles of networks for raw tables: from a frame to honest probabilities."""
