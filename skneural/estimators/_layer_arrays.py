"""The arrays of a fitted network as a list, whose elements can be written but not removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skneural._arrays import FloatArray, as_shape_of


class LayerArrays(list[Any]):
    """The arrays of a fitted network, one per layer: a list of views that cannot come loose.

    Writing into an element changes the network, and so does assigning to an element: the
    values are copied in. Whatever would change the number of layers raises TypeError.
    Copies and pickles are plain lists.
    """

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            targets, values = self[index], list(value)
            if len(targets) != len(values):
                self._refuse()
        else:
            targets, values = [self[index]], [value]
        arrays = [as_shape_of(target, new) for target, new in zip(targets, values, strict=True)]
        for target, array in zip(targets, arrays, strict=True):
            target[...] = array

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"The network has {len(self)} layers of weights: their number cannot change. "
            "Assign to an element to replace a layer's values, or work on list(...)."
        )

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


def assign_layers(targets: Iterable[FloatArray], values: Iterable[Any], name: str) -> None:
    """Copy `values` into `targets`, one array a layer, all or nothing."""
    targets, values = list(targets), list(values)
    if len(targets) != len(values):
        raise ValueError(
            f"{name} must hold one array per layer: expected {len(targets)}, got {len(values)}."
        )
    LayerArrays(targets)[:] = values
