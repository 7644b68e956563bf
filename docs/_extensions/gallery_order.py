"""The order of the pages of the gallery: from one neuron to what a network is used for."""

from __future__ import annotations

ORDER = (
    # First steps
    "getting_started",
    "raw_table",
    "displays",
    # From one neuron to a network
    "perceptron_gates",
    "xor",
    "two_digits",
    "gradient_descent",
    "digits_one_hidden_layer",
    "mnist_softmax",
    "loss_landscape",
    "decision_boundaries",
    # Training
    "learning_rate_finder",
    "grid_search",
    "dropout",
    "l1_paths",
    # What is predicted
    "class_weights",
    "calibration",
    "quantile_bands",
    # What is learned
    "first_layer_filters",
    "saliency",
    "hidden_representations",
    "autoencoder",
)


class ReadingOrder:
    """Sort key of sphinx-gallery; what is not listed comes last, by name."""

    def __init__(self, src_dir: str) -> None:
        pass

    def __call__(self, filename: str) -> tuple[int, str]:
        """Where a file comes."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    def __repr__(self) -> str:
        """Without an address, which would be another in each build."""
        return f"{type(self).__name__}()"
