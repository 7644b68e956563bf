"""The multilayer perceptrons."""
