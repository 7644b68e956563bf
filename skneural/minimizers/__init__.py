"""How a training gets from one epoch to the next: mini-batches, L-BFGS, and what both share."""
