"""A layer of a user's own: what it learns, its two passes, its gradient, members side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skneural.arrays.matrices import FloatArray
from skneural.checks.derivatives import by_differences, refuse_other_derivative
from skneural.layers import Arrays, Draws, Layer, PassMemory
from skneural.layers.contract import checked_parameters

N_ROWS = 5
N_MEMBERS = 3

#: Relative and absolute differences that rounding may make.
ROUNDING: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-12, "equal_nan": True}


def check_layer(
    layer: Layer, X: Any = None, *, checks_input: bool = True, checks_members: bool = True
) -> None:
    r"""Check a layer against its contract, its gradients by differences.

    They are those of :math:`\sum_{ij} c_{ij} y_{ij}`, where y is what `forward` returns and c are
    random numbers, in every parameter and every element of X.

    Parameters
    ----------
    layer : Layer
        What to check.
    X : array-like of shape (n_rows, n_inputs) or None, default=None
        Rows to try it on, three of them or more, none where it has a kink; None for normal numbers,
        which needs a layer with the attribute `n_inputs`.
    checks_input : bool, default=True
        Whether to compare the derivative in X with differences. An embedding of integer codes has
        none.
    checks_members : bool, default=True
        Whether to compare three networks side by side with each alone. False for a layer that is
        for single networks.

    Raises
    ------
    TypeError
        If `parameters` names anything else than parameters, or a pass returns no array.
    ValueError
        If parameters are not filled by `initialize`, or gradients by `backward`, whether the
        derivative in the input is asked for or not; a derivative is not within 1e-5 of central
        differences in float64 (that in a parameter with a rate of 0 is not looked at); what is
        returned has another shape, or another dtype for float32, depends on earlier passes, on
        memory that others overwrite or on whether there are buffers; a prediction depends on other
        rows than its own, or is another one for sparse rows; X is written to, or passed on, and the
        layer does not say so; or members are not what each of them is alone.

    Examples
    --------
    >>> from skneural.checks import check_layer
    >>> from skneural.layers import Scale
    >>> check_layer(Scale(3))
    """
    if X is None:
        n_inputs = getattr(layer, "n_inputs", None)
        if n_inputs is None:
            raise ValueError(
                f"check_layer needs rows, X, for {type(layer).__name__}, which has no n_inputs."
            )
        X = np.random.default_rng(0).standard_normal((N_ROWS, n_inputs))
    X = np.array(X, dtype=np.float64)
    layer.check_inputs(X.shape[-1])
    check = _Check(layer, type(layer).__name__, X)
    arrays = check.arrays()
    check.forward(arrays)
    check.gradients(arrays, checks_input)
    if layer.draws:
        replace(check, is_training=False).gradients(arrays, checks_input)
    check.other_rows(arrays)
    check.other_memory(arrays)
    if layer.takes_sparse:
        check.sparse_rows(arrays)
    if checks_members:
        check.members(arrays)


class _Pass(NamedTuple):
    """What a layer has asked for, the derivative in its outputs, and the memory of both."""

    buffers: Any
    delta: FloatArray
    memory: PassMemory


@dataclass
class _Check:
    """A layer with its name, and rows in float64."""

    layer: Layer
    name: str
    X: FloatArray
    #: Whether a layer that draws is given generators.
    is_training: bool = True

    def arrays(self) -> Arrays:
        """Parameters near those that a training begins with, where none is zero."""
        rng = np.random.RandomState(0)
        parameters = checked_parameters(self.layer)
        arrays = tuple(np.full(each.shape, np.nan) for each in parameters)
        if arrays:
            self.layer.initialize(arrays, rng, self.X.copy)
        for array, parameter in zip(arrays, parameters, strict=True):
            if np.isnan(array).any():
                raise ValueError(
                    f"{self.name}.initialize has to fill the array of {parameter.name!r}, in place."
                )
            array += 0.1 * rng.standard_normal(array.shape)
        return arrays

    # ---------------------------------------------------------------- passes

    def buffers(
        self,
        n_rows: int,
        dtype: npt.DTypeLike = np.float64,
        members: tuple[int, ...] = (),
        owned: list[npt.NDArray[Any]] | None = None,
        *,
        is_second: bool = False,
    ) -> _Pass:
        """Those of the layer as the first of a network, or as the second, above one of X."""
        widest = max(self.layer.n_outputs, self.layer.widest_inside)
        if is_second:
            widest = max(widest, self.X.shape[1])
        memory = PassMemory(n_rows, dtype, widest, members, owned)
        if is_second:
            memory.has_delta = False
            memory.delta(1)
        memory.has_delta = False
        buffers = self.layer.buffers(memory)
        memory.has_delta = False
        delta = memory.delta(self.layer.n_outputs)
        assert delta is not None
        return _Pass(buffers, delta, memory)

    def random(self, members: Sequence[int] = (0,)) -> Draws | None:
        """What a layer that draws is given: of each member the same numbers every time."""
        if not (self.layer.draws and self.is_training):
            return None
        return Draws(np.random.default_rng(k) for k in members)

    def output(
        self, arrays: Arrays, x: Any, buffers: Any = None, random: Draws | None = None
    ) -> FloatArray:
        """What `forward` returns: an array of the right shape."""
        found: Any = self.layer.forward(arrays, x, buffers, random)
        shape = (*x.shape[:-1], self.layer.n_outputs)
        if not isinstance(found, np.ndarray) or isinstance(found, np.matrix):
            raise TypeError(f"{self.name}.forward must return an array, got {found!r:.100}.")
        if found.shape[-2:] != shape[-2:]:
            raise ValueError(
                f"{self.name}.forward must return an array of shape (n_rows, n_outputs), here "
                f"{shape}, got {found.shape}."
            )
        output: FloatArray = found
        return output

    def passes(
        self,
        arrays: Arrays,
        x: FloatArray,
        of_pass: _Pass,
        coef: FloatArray,
        members: Sequence[int] = (0,),
        *,
        needs_input: bool = True,
    ) -> tuple[list[FloatArray], FloatArray]:
        """The gradients of the parameters and of the input, for the sum of coefficients.

        Without `needs_input` that of the input is empty.
        """
        buffers, delta = of_pass.buffers, of_pass.delta
        x = x.copy()
        output = self.output(arrays, x, buffers, self.random(members))
        if not (self.layer.works_in_place or self.layer.keeps_output):
            if not output.flags.writeable:
                raise ValueError(
                    f"{self.name}.forward returns an array that cannot be written to, and a layer "
                    "above may overwrite it: it has to make a copy, or say keeps_output = True."
                )
            # As a layer above may do. Where it is the input that is passed on, so is that.
            output[...] = np.nan
        # Layers above have used what is for one forward pass, and for the derivative in an input.
        of_pass.memory.spoil_shared()
        # What was there before must not count.
        gradients = tuple(np.full_like(array, np.nan) for array in arrays)
        delta[...] = coef
        read = x.copy()
        below: Any = self.layer.backward(arrays, gradients, x, buffers, delta, needs_input)
        if not self.layer.works_in_place and not _are_equal(x, read):
            raise ValueError(
                f"{self.name}.backward writes to the input of the forward pass, which may be the "
                "user's rows, or what the layer below needs for its gradient."
            )
        for gradient, parameter in zip(gradients, self.layer.parameters(), strict=True):
            if np.isnan(gradient).any():
                raise ValueError(
                    f"{self.name}.backward has to write the gradient of {parameter.name!r} into "
                    "its array, all of it and in place: what was there before must not be added to."
                )
        if not needs_input:
            return list(gradients), np.empty(0)
        if not isinstance(below, np.ndarray):
            raise TypeError(
                f"{self.name}.backward must return the derivative in the input if needs_input is "
                f"True, got {below!r:.100}."
            )
        return list(gradients), below.copy()

    # ---------------------------------------------------------------- what is checked

    def forward(self, arrays: Arrays) -> None:
        """One pass as in prediction, with and without buffers, in both precisions."""
        x = self.X.copy()
        output = self.output(arrays, x)
        if not self.layer.works_in_place:
            if not np.array_equal(x, self.X):
                raise ValueError(
                    f"{self.name}.forward writes to its input, which may be the user's: it has to "
                    "say works_in_place = True, or make an array of its own."
                )
            if np.may_share_memory(x, output) and not self.layer.passes_input_on:
                raise ValueError(
                    f"{self.name}.forward returns its input, or a view of it, which a layer above "
                    "may overwrite: it has to say passes_input_on = True, or make a copy."
                )
        with_buffers = self.output(arrays, self.X.copy(), self.buffers(len(x)).buffers)
        if not np.allclose(output, with_buffers, **ROUNDING):
            raise ValueError(f"{self.name}.forward gives other numbers with buffers than without.")
        single = tuple(array.astype(np.float32) for array in arrays)
        x = self.X.copy()
        of_pass = self.buffers(len(x), np.float32)
        for random in (None, self.random()):
            found = self.output(single, self.X.astype(np.float32), of_pass.buffers, random)
            dtype = found.dtype
            if dtype == np.float32:
                continue
            raise ValueError(
                f"{self.name}.forward makes {dtype} of float32: trainings in float32 would compute "
                "in double precision."
            )
        coef = self.coefficients(x.shape[:-1]).astype(np.float32)
        _, below = self.passes(single, x.astype(np.float32), of_pass, coef)
        if below.dtype != np.float32:
            raise ValueError(
                f"{self.name}.backward makes {below.dtype} of float32: trainings in float32 would "
                "compute in double precision."
            )
        alone = [self.output(arrays, self.X[i : i + 1].copy()) for i in range(len(self.X))]
        if not np.allclose(output, np.concatenate(alone), **ROUNDING):
            raise ValueError(
                f"{self.name}.forward predicts other numbers for a row alone than beside others: "
                "predictions are made in runs of rows. A layer that takes means over a batch says "
                "draws = True, and does so where random is not None."
            )

    def sparse_rows(self, arrays: Arrays) -> None:
        """Both passes over sparse rows, which only the first layer of a network is given."""
        rows = sparse.csr_matrix(self.X)
        output = self.output(arrays, self.X.copy(), self.buffers(len(self.X)).buffers)
        of_rows = self.output(arrays, rows, self.buffers(len(self.X)).buffers)
        if not np.allclose(output, of_rows, **ROUNDING):
            raise ValueError(f"{self.name}.forward gives other numbers for sparse rows.")
        coef = self.coefficients(self.X.shape[:-1])
        of_dense, of_sparse = (
            self.passes(arrays, x, self.buffers(len(self.X)), coef, needs_input=False)
            for x in (self.X, rows)
        )
        self.refuse_difference(of_dense, of_sparse, "is another one for sparse rows")

    def gradients(self, arrays: Arrays, checks_input: bool) -> None:
        """Those of one pass as in training, against differences."""
        coef = self.coefficients(self.X.shape[:-1])
        of_pass = self.buffers(len(self.X))
        gradients, below = self.passes(arrays, self.X, of_pass, coef)
        x = self.X.copy()

        def value() -> float:
            output = self.output(arrays, x.copy(), of_pass.buffers, self.random())
            return float(np.sum(coef * output))

        where = "" if self.is_training else ", after a forward pass where random is None,"
        pairs = zip(self.layer.parameters(), arrays, gradients, strict=True)
        for parameter, array, gradient in pairs:
            if parameter.rate == 0:  # it never moves
                continue
            what = f"What {self.name}.backward writes for {parameter.name!r}{where}"
            refuse_other_derivative(gradient, by_differences(value, array), what)
        if below.shape != self.X.shape:
            raise ValueError(
                f"{self.name}.backward must return an array of the shape of the input, here "
                f"{self.X.shape}, got {below.shape}."
            )
        if checks_input:
            expected = by_differences(value, x)
            refuse_other_derivative(below, expected, f"What {self.name}.backward returns{where}")

    def other_memory(self, arrays: Arrays) -> None:
        """Passes as the first layer, whose input needs no derivative, and as the second."""
        coef = self.coefficients(self.X.shape[:-1])
        expected = self.passes(arrays, self.X, self.buffers(len(self.X)), coef)
        second = self.passes(arrays, self.X, self.buffers(len(self.X), is_second=True), coef)
        self.refuse_difference(
            expected,
            second,
            "is another one above another layer: scratch is for the forward pass alone, what it "
            "leaves for backward has to be kept",
        )
        first = self.passes(arrays, self.X, self.buffers(len(self.X)), coef, needs_input=False)
        self.refuse_difference(
            (expected[0], first[1]), first, "is another one where needs_input is False"
        )

    def other_rows(self, arrays: Arrays) -> None:
        """Passes over fewer rows in the same memory, as of a last batch, and after it."""
        n_fewer = len(self.X) - 2
        coef = self.coefficients(self.X.shape[:-1])
        of_all = self.buffers(len(self.X))
        before = self.passes(arrays, self.X, of_all, coef)
        of_fewer = self.buffers(n_fewer, owned=of_all.memory.owned)
        fewer = self.passes(arrays, self.X[:n_fewer], of_fewer, coef[:n_fewer])
        afresh = self.passes(arrays, self.X[:n_fewer], self.buffers(n_fewer), coef[:n_fewer])
        self.refuse_difference(fewer, afresh, "depends on a pass over more rows before")
        after = self.passes(arrays, self.X, of_all, coef)
        self.refuse_difference(before, after, "is another one in a second pass over the same rows")

    def members(self, arrays: Arrays) -> None:
        """Networks side by side, on the same rows and each on its own, against each alone."""
        rng = np.random.default_rng(1)
        factors = [1.0, 0.8, 1.3]
        stacked = tuple(np.stack([factor * array for factor in factors]) for array in arrays)
        members, n_rows = (N_MEMBERS,), len(self.X)
        own = np.stack([self.X, self.X[::-1], rng.permutation(self.X)])
        # A layer that learns nothing makes of shared rows what a single one does.
        shared = [self.X] if arrays else []
        for x in (*shared, own):
            coef = self.coefficients((N_MEMBERS, n_rows))
            try:
                of_pass = self.buffers(n_rows, members=members)
                together = self.passes(stacked, x, of_pass, coef, range(N_MEMBERS))
                predicted = self.output(stacked, x.copy())
                trained = self.trained(stacked, x, members, range(N_MEMBERS))
            except Exception as error:
                raise ValueError(
                    f"{self.name} is not for members side by side, whose arrays and rows have one "
                    "axis more, the first (checks_members=False leaves that out). It has raised "
                    f"{type(error).__name__}: {error}"
                ) from error
            for k in range(N_MEMBERS):
                alone = tuple(array[k] for array in stacked)
                rows = x if x.ndim == 2 else x[k]
                of_one = self.output(alone, rows.copy())
                if not np.allclose(
                    predicted[k] if predicted.ndim == 3 else predicted, of_one, **ROUNDING
                ):
                    raise ValueError(
                        f"{self.name}.forward without buffers, as for a single row, gives members "
                        "other numbers than each alone."
                    )
                of_one = self.trained(alone, rows, (), (k,))
                if not np.allclose(
                    trained[k] if trained.ndim == 3 else trained, of_one, **ROUNDING
                ):
                    raise ValueError(
                        f"{self.name}.forward gives members in training other numbers than each "
                        "alone: what one draws comes from its own generator."
                    )
                gradients, below = self.passes(alone, rows, self.buffers(n_rows), coef[k], (k,))
                of_member = [gradient[k] for gradient in together[0]]
                of_input = together[1][k] if together[1].ndim == 3 else below
                self.refuse_difference(
                    (of_member, of_input),
                    (gradients, below),
                    "of members side by side is not that of each alone",
                )

    def trained(
        self, arrays: Arrays, x: FloatArray, members: tuple[int, ...], numbers: Sequence[int]
    ) -> FloatArray:
        """The outputs of a pass as in training."""
        buffers = self.buffers(x.shape[-2], members=members).buffers
        arrays = tuple(array.copy() for array in arrays)  # those with a rate of 0 may be written to
        return self.output(arrays, x.copy(), buffers, self.random(numbers)).copy()

    def refuse_difference(
        self,
        one: tuple[list[FloatArray], FloatArray],
        other: tuple[list[FloatArray], FloatArray],
        what: str,
    ) -> None:
        for a, b in zip((*one[0], one[1]), (*other[0], other[1]), strict=True):
            if a.shape != b.shape or not np.allclose(a, b, **ROUNDING):
                raise ValueError(f"The gradient of {self.name} {what}.")

    def coefficients(self, shape: tuple[int, ...]) -> FloatArray:
        """Of the outputs in the sum whose derivatives are taken."""
        rng = np.random.default_rng(2)
        return rng.standard_normal((*shape, self.layer.n_outputs))


def _are_equal(one: Any, other: Any) -> bool:
    """Whether two matrices, both dense or both sparse, hold the same numbers."""
    if sparse.issparse(one):
        return _are_equal(one.toarray(), other.toarray())
    return np.array_equal(one, other, equal_nan=True)
