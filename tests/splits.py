"""Which rows a fit holds out, found by looking at the split."""

from __future__ import annotations

from skneural.estimators import validation


def spied_splits(monkeypatch):
    """A list that fills with the (train, held_out) of every split from here on."""
    splits = []
    original = validation.drawn_split

    def spy(*args, **kwargs):
        splits.append(original(*args, **kwargs))
        return splits[-1]

    monkeypatch.setattr(validation, "drawn_split", spy)
    return splits
