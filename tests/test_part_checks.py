"""The checks of parts of one's own: those of skneural pass them, each slip is found and named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from skneural import schedules
from skneural.activations import ACTIVATIONS, Activation
from skneural.checks import (
    check_activation,
    check_layer,
    check_loss,
    check_optimizer,
    check_schedule,
)
from skneural.layers import (
    Activate,
    Chain,
    Columns,
    Dense,
    Dropout,
    Layer,
    NTPDense,
    Parameter,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from skneural.losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    ClassificationLoss,
    Link,
    RegressionLoss,
)
from skneural.optimizers import OPTIMIZERS, Optimizer
from skneural.schedules import Schedule

TANH = ACTIVATIONS["tanh"]

# ---------------------------------------------------------------- what comes with the package

LAYERS = {
    "Dense": lambda: Dense(3, 4),
    "Dense without intercepts": lambda: Dense(3, 4, fit_intercept=False),
    "Activate": lambda: Activate(TANH, 4),
    "Dropout": lambda: Dropout(0.4, 5),
    "Dropout by bytes": lambda: Dropout(0.4, 5, by_bytes=True),
    "Scale": lambda: Scale(3),
    "Chain": lambda: Chain([Dense(3, 5), Activate(TANH, 5), Dropout(0.3, 5), Scale(5)]),
    "Chain, in place at its end": lambda: Chain([Scale(3), Activate(TANH, 3)]),
    "NTPDense": lambda: NTPDense(3, 4),
    "PeriodicEmbedding": lambda: PeriodicEmbedding(2, sigma=0.5),
    "ParametricActivation": lambda: ParametricActivation(TANH, 4),
    "ParametricActivation, mish": lambda: ParametricActivation(ACTIVATIONS["mish"], 4),
}
SCHEDULES = [
    kind
    for name in schedules.__all__
    if isinstance(kind := getattr(schedules, name), type) and issubclass(kind, Schedule)
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    check_activation(ACTIVATIONS[name])


@pytest.mark.parametrize("name", [*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES])
def test_losses(name):
    check_loss({**CLASSIFICATION_LOSSES, **REGRESSION_LOSSES}[name]())


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    check_layer(LAYERS[name]())


def test_a_layer_of_layers():
    branches = [
        (slice(0, 2), [Scale(2)], 2),
        ([2], [Dense(1, 3), Activate(TANH, 3)], 3),
    ]
    check_layer(Columns(branches), np.random.RandomState(0).standard_normal((5, 3)))


@pytest.mark.parametrize("averaging", [None, 0.9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, averaging):
    check_optimizer(OPTIMIZERS[name](averaging=averaging))


@pytest.mark.parametrize("kind", SCHEDULES)
def test_schedules(kind):
    check_schedule(kind())


# ---------------------------------------------------------------- activations


def cube(z, mask, saved):
    saved[...] = z
    z **= 3


def cube_backward(delta, a, mask, saved):
    delta *= 3 * saved**2


def returned(z, mask):
    return np.tanh(z)


def returned_view(z, mask):
    z **= 3
    return z


def wrong_slope(delta, a, mask, saved):
    delta *= 2 * saved**2


def rebound(delta, a, mask, saved):
    delta = delta * 3 * saved**2  # the slip


def of_rows(z, mask):
    z -= z.max(axis=1, keepdims=True)


def keeps(delta, a, mask):
    pass


def nothing(*arrays):
    pass


def where_below(z, mask, saved):
    np.less(z, 0, out=mask)
    saved[mask] = 1  # elsewhere what was there before
    z[mask] *= 0.5


def where_below_backward(delta, a, mask, saved):
    delta *= 1 - 0.5 * saved


def by_old_mask(z, mask):
    z[mask] *= 0.5


WRONG_ACTIVATIONS = {
    "saved in part": (
        Activation("a", where_below, where_below_backward, n_saved=1),
        "make nothing of what has been in mask and saved before",
    ),
    "old mask": (Activation("a", by_old_mask, keeps), "what has been in mask and saved before"),
    "returned": (
        Activation("a", returned, keeps),
        r"forward of Activation\('a'\) must be .* in place, as by .* It returns another array",
    ),
    "derivative returned": (
        Activation("a", nothing, lambda delta, a, mask: delta * 2),
        r"backward of Activation\('a'\) must be .*delta by delta \* f'\(z\)",
    ),
    "slope": (
        Activation("a", cube, wrong_slope, n_saved=1),
        r"backward of Activation\('a'\) is not the derivative: element .* differences give",
    ),
    "rebound": (
        Activation("a", cube, rebound, n_saved=1),
        r"backward of Activation\('a'\) is not the derivative",
    ),
    "of rows": (Activation("a", of_rows, keeps), "must be a function of each number alone"),
    "None": (Activation("a", None, keeps), r"must be a function \(z, mask, \*saved\), got None"),
    "number saved": (Activation("a", cube, cube_backward, n_saved=-1), "n_saved of .* got -1"),
    "part saved": (Activation("a", cube, cube_backward, n_saved=1.5), "n_saved of .* got 1.5"),
    "remainder": (
        Activation("a", cube, cube_backward, 1, nothing, nothing),
        r"remainder of Activation\('a'\) must write z - f\(z\)",
    ),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", WRONG_ACTIVATIONS)
def test_wrong_activations(name):
    activation, message = WRONG_ACTIVATIONS[name]
    with pytest.raises((TypeError, ValueError), match=message):
        check_activation(activation)


def test_right_activations():
    check_activation(Activation("cube", cube, cube_backward, n_saved=1))

    def square_backward(delta, a, mask):
        delta *= 3 * np.cbrt(a) ** 2

    check_activation(Activation("returns z itself", returned_view, square_backward))


def test_an_exception_of_an_activation_comes_out_with_what_was_expected():
    with pytest.raises(TypeError, match="positional argument") as caught:
        check_activation(Activation("a", cube, cube_backward))
    assert "forward of Activation('a') must be a function (z, mask, *saved) with 0" in str(
        caught.value.__notes__
    )


# ---------------------------------------------------------------- losses


class Half(RegressionLoss):
    def value_and_gradient(self, raw, y, buffers):
        buffers.gradient[...] = raw - y
        return ((raw - y) ** 2).sum(axis=1) / 2


class Reversed(Half):
    def value_and_gradient(self, raw, y, buffers):
        buffers.gradient[...] = y - raw
        return ((raw - y) ** 2).sum(axis=1) / 2


class OneSided(RegressionLoss):
    def value_and_gradient(self, raw, y, buffers):
        difference = raw - y
        clipped = np.clip(difference, -1, 1)
        buffers.gradient[...] = np.maximum(difference, -1)  # the slip: without the upper end
        return (clipped * (difference - clipped / 2)).sum(axis=1)


class Mean(Half):
    def value_and_gradient(self, raw, y, buffers):
        losses = super().value_and_gradient(raw, y, buffers)
        buffers.gradient[...] /= len(y)
        return losses


class Nan(Half):
    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers) * np.log(-1.0)


class Whole(Half):
    def value_and_gradient(self, raw, y, buffers):
        return super().value_and_gradient(raw, y, buffers).astype(int)


class Linked(Half):
    @property
    def link(self):
        return Link("twice", lambda raw: raw * 2)


class OfClasses(ClassificationLoss):
    def with_link(self, link):
        return Half()


class OfNoClasses(ClassificationLoss):
    def with_link(self, link):
        return None


WRONG_LOSSES = {
    "reversed": (Reversed(), "value_and_gradient writes is not the derivative"),
    "mean": (Mean(), "value_and_gradient writes is not the derivative"),
    "one-sided": (OneSided(), "value_and_gradient writes is not the derivative"),
    "NaN": (Nan(), "Nan.value_and_gradient gives NaN as the loss of a row, for y ="),
    "dtype": (Whole(), "must return the loss of each row, .* got one of int64"),
    "link": (Linked(), "The inverse of the link 'twice' must replace raw outputs"),
    "no loss": (OfNoClasses(), "with_link of the loss must return a Loss, got None"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", WRONG_LOSSES)
def test_wrong_losses(name):
    loss, message = WRONG_LOSSES[name]
    with pytest.raises((TypeError, ValueError), match=message):
        check_loss(loss)


def test_right_losses():
    check_loss(Half())
    check_loss(Half(), [[0.1, 2.0], [0.3, -1.0]])
    check_loss(OfClasses())


# ---------------------------------------------------------------- layers


class Factors(Layer):
    """A right one: a factor for each column, that of members too."""

    def __init__(self, n_outputs=3):
        self.n_inputs = self.n_outputs = n_outputs

    def parameters(self):
        return (Parameter("factors", (self.n_outputs,)),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = 1

    def forward(self, arrays, x, buffers=None, random=None):
        return x * arrays[0][..., np.newaxis, :]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta * x, axis=-2, out=gradients[0])
        return delta * arrays[0][..., np.newaxis, :] if needs_input else None


class Unfilled(Factors):
    def initialize(self, arrays, rng, inputs):
        pass


class Adding(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        gradients[0][...] += np.sum(delta * x, axis=-2)
        return delta * arrays[0][..., np.newaxis, :]


class Forgetting(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta * arrays[0][..., np.newaxis, :]


class NoInput(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta * x, axis=-2, out=gradients[0])


class WrongInput(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta * x, axis=-2, out=gradients[0])
        return delta


class WrongFactor(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.mean(delta * x, axis=-2, out=gradients[0])
        return delta * arrays[0][..., np.newaxis, :]


class ForOne(Factors):
    def forward(self, arrays, x, buffers=None, random=None):
        return x * arrays[0]


class Writing(Factors):
    def forward(self, arrays, x, buffers=None, random=None):
        x *= arrays[0][..., np.newaxis, :]
        return x.copy()


class View(Layer):
    n_inputs = n_outputs = 3

    def forward(self, arrays, x, buffers=None, random=None):
        return x[..., ::-1]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta[..., ::-1]


class Narrow(View):
    def forward(self, arrays, x, buffers=None, random=None):
        return x[..., :2].copy()


class NoArray(View):
    def forward(self, arrays, x, buffers=None, random=None):
        return None


class Double(Factors):
    def forward(self, arrays, x, buffers=None, random=None):
        return x * arrays[0][..., np.newaxis, :] * np.ones(3)


class DoubleBackward(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(delta * x, axis=-2, out=gradients[0])
        return delta * arrays[0][..., np.newaxis, :].astype(float)


class DropoutForOne(Dropout):
    def __init__(self):
        super().__init__(0.5, 3)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        below = super().backward(arrays, gradients, x, buffers, delta, needs_input)
        return 0 * below if below.ndim == 3 else below


class Remembering(Factors):
    """Every other pass is another one."""

    seen = 0

    def forward(self, arrays, x, buffers=None, random=None):
        return super().forward(arrays, x)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        below = super().backward(arrays, gradients, x, buffers, delta, needs_input)
        if self.seen % 2 == 0:
            gradients[0][...] *= 2
        self.seen += 1
        return below


class OneParameter(Factors):
    def parameters(self):
        return Parameter("factors", (self.n_outputs,))


class NoShape(Factors):
    def parameters(self):
        return (Parameter("factors", 3),)


class NegativeRate(Factors):
    def parameters(self):
        return (Parameter("factors", (3,), rate=-1.0),)


class ReadsItsOutput(View):
    """The derivative of the exponential function is what it returns."""

    def buffers(self, memory):
        return [None]

    def forward(self, arrays, x, buffers=None, random=None):
        output = np.exp(x)
        if buffers is not None:
            buffers[0] = output
        return output

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta * buffers[0]


class ReadsItsInput(View):
    """It may pass its input on, which a layer above may overwrite then."""

    passes_input_on = True

    def forward(self, arrays, x, buffers=None, random=None):
        return x[...]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta * (x == x)  # 0 where it is NaN


class ReadOnly(View):
    def forward(self, arrays, x, buffers=None, random=None):
        output = x.copy()
        output.flags.writeable = False
        return output


class OfMatrices(View):
    def forward(self, arrays, x, buffers=None, random=None):
        return sparse.csr_matrix(x) + 0 * x


class SaysSo(ReadsItsOutput):
    keeps_output = True


class OnlyAbove(Factors):
    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        if not needs_input:
            return None  # the slip: the gradients are always asked for
        return super().backward(arrays, gradients, x, buffers, delta, needs_input)


class Sine(View):
    def forward(self, arrays, x, buffers=None, random=None):
        return np.sin(x)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta * np.cos(x, out=x)


class OneNoise(Layer):
    """The same for all members."""

    draws = True
    dtype = None

    def __init__(self):
        self.n_inputs = self.n_outputs = 3

    def forward(self, arrays, x, buffers=None, random=None):
        if random is None:
            return x.copy()
        noise = random[0].normal(size=x.shape[-2:])
        return x + noise.astype(self.dtype or x.dtype)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta


class DoubleNoise(OneNoise):
    dtype = np.float64


class ScratchBelow(Factors):
    def buffers(self, memory):
        return memory.scratch(self.n_outputs)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        np.sum(np.multiply(delta, x, out=buffers), axis=-2, out=gradients[0])
        return delta * arrays[0][..., np.newaxis, :]


class OfBatch(View):
    def forward(self, arrays, x, buffers=None, random=None):
        return x - x.mean(axis=-2, keepdims=True)

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        return delta - delta.mean(axis=-2, keepdims=True)


class SparseForward(Layer):
    takes_sparse = True
    n_inputs, n_outputs = 3, 1

    def parameters(self):
        return (Parameter("weights", (3, 1)),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = 1

    def forward(self, arrays, x, buffers=None, random=None):
        return x @ arrays[0]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        if sparse.issparse(x):
            x = x.sign()
        gradients[0][...] = (x.T if x.ndim == 2 else x.swapaxes(-1, -2)) @ delta
        return delta @ arrays[0].swapaxes(-1, -2)


class MembersWithBuffers(Factors):
    def buffers(self, memory):
        return memory.kept(self.n_outputs)

    def forward(self, arrays, x, buffers=None, random=None):
        if buffers is None:
            return x * arrays[0]
        return np.multiply(x, arrays[0][..., np.newaxis, :], out=buffers)


class WideScratch(SparseForward):
    def buffers(self, memory):
        return memory.scratch(self.n_inputs)


class Fixed(Layer):
    """Columns less their means, which stay what they are."""

    n_inputs = n_outputs = 3

    def parameters(self):
        return (Parameter("means", (3,), rate=0.0),)

    def initialize(self, arrays, rng, inputs):
        arrays[0][...] = inputs().mean(axis=0)

    def forward(self, arrays, x, buffers=None, random=None):
        return x - arrays[0][..., np.newaxis, :]

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        gradients[0][...] = 0
        return delta


class BatchNormalization(Layer):
    """Of S. Ioffe and C. Szegedy, with running means for predictions."""

    draws = True

    def __init__(self, n_outputs):
        self.n_inputs = self.n_outputs = n_outputs

    def parameters(self):
        shape = (self.n_outputs,)
        remembered = (Parameter(name, shape, rate=0.0) for name in ("mean", "variance"))
        return (Parameter("scale", shape), Parameter("shift", shape), *remembered)

    def initialize(self, arrays, rng, inputs):
        for array, value in zip(arrays, (1, 0, 0, 1), strict=True):
            array[...] = value

    def buffers(self, memory):
        return {}

    def forward(self, arrays, x, buffers=None, random=None):
        scale, shift, mean, variance = (array[..., np.newaxis, :] for array in arrays)
        if random is not None:
            of_batch = x.mean(axis=-2, keepdims=True), x.var(axis=-2, keepdims=True)
            mean += 0.1 * (of_batch[0] - mean)
            variance += 0.1 * (of_batch[1] - variance)
            mean, variance = of_batch
        deviation = np.sqrt(variance + x.dtype.type(1e-5))
        normal = (x - mean) / deviation
        if buffers is not None:
            buffers.update(normal=normal, deviation=deviation, is_of_batch=random is not None)
        return normal * scale + shift

    def backward(self, arrays, gradients, x, buffers, delta, needs_input):
        normal = buffers["normal"]
        gradients[0][...] = np.sum(delta * normal, axis=-2)
        gradients[1][...] = np.sum(delta, axis=-2)
        gradients[2][...] = gradients[3][...] = 0
        below = delta.copy()
        if buffers["is_of_batch"]:
            below -= delta.mean(axis=-2, keepdims=True)
            below -= normal * np.mean(delta * normal, axis=-2, keepdims=True)
        return below * arrays[0][..., np.newaxis, :] / buffers["deviation"]


class OfBatchAlways(BatchNormalization):
    def __init__(self):
        super().__init__(3)

    def forward(self, arrays, x, buffers=None, random=None):
        output = super().forward(arrays, x, buffers, random)
        if buffers is not None:
            buffers["is_of_batch"] = True  # the slip
        return output


class AnyWidth(Factors):
    def __init__(self):
        self.n_outputs = 3


WRONG_LAYERS = {
    "unfilled": (Unfilled, "Unfilled.initialize has to fill the array of 'factors'"),
    "adding": (Adding, "gradient of 'factors' into its array, .* must not be added to"),
    "forgetting": (Forgetting, "Forgetting.backward has to write the gradient of 'factors'"),
    "no input": (NoInput, "must return the derivative in the input .* got None"),
    "wrong input": (WrongInput, "What WrongInput.backward returns is not the derivative"),
    "wrong factor": (WrongFactor, "writes for 'factors' is not the derivative"),
    "for one": (ForOne, "ForOne is not for members side by side"),
    "writing": (Writing, "Writing.forward writes to its input"),
    "view": (View, "View.forward returns its input, or a view of it"),
    "narrow": (Narrow, r"here \(5, 3\), got \(5, 2\)"),
    "no array": (NoArray, "NoArray.forward must return an array, got None"),
    "double": (Double, "makes float64 of float32"),
    "double backward": (DoubleBackward, "DoubleBackward.backward makes float64 of float32"),
    "dropout for one": (DropoutForOne, "of members side by side is not that of each alone"),
    "remembering": (
        Remembering,
        "depends on a pass over more rows before",
    ),
    "one parameter": (OneParameter, r"parameters\(\) must return a tuple of Parameter"),
    "no shape": (NoShape, "the shape of 'factors' must be a tuple"),
    "negative rate": (NegativeRate, "the rate of 'factors' must be a number from 0 on, got -1.0"),
    "reads its output": (ReadsItsOutput, "What ReadsItsOutput.backward returns is not the deriv"),
    "reads its input": (ReadsItsInput, "What ReadsItsInput.backward returns is not the deriv"),
    "read-only": (ReadOnly, "an array that cannot be written to, .* or say keeps_output = True"),
    "matrices": (OfMatrices, "OfMatrices.forward must return an array, got matrix"),
    "any width": (AnyWidth, "check_layer needs rows, X, for AnyWidth"),
    "only above": (OnlyAbove, "has to write the gradient of 'factors' into its array"),
    "writing below": (Sine, "Sine.backward writes to the input of the forward pass"),
    "scratch below": (ScratchBelow, "another one above another layer: scratch is for the forward"),
    "of a batch": (OfBatch, "predicts other numbers for a row alone than beside others"),
    "sparse forward": (SparseForward, "The gradient of SparseForward is another one for sparse"),
    "one noise": (OneNoise, "gives members in training other numbers than each alone"),
    "noise in double precision": (DoubleNoise, "makes float64 of float32"),
    "of a batch always": (
        OfBatchAlways,
        "OfBatchAlways.backward returns, after a forward pass where random is None, is not the der",
    ),
    "members with buffers": (MembersWithBuffers, "MembersWithBuffers is not for members"),
    "wide scratch": (WideScratch, r"scratch of 3 columns, .* layer has 1: kept\(3\) has memory"),
}


@pytest.mark.parametrize("name", WRONG_LAYERS)
def test_wrong_layers(name):
    kind, message = WRONG_LAYERS[name]
    with pytest.raises((TypeError, ValueError), match=message):
        check_layer(kind())


def test_right_layers():
    check_layer(Factors())
    check_layer(SaysSo())
    check_layer(ForOne(), checks_members=False)
    check_layer(AnyWidth(), np.random.RandomState(0).standard_normal((4, 3)))
    check_layer(Fixed())
    check_layer(BatchNormalization(4))


@pytest.mark.parametrize("columns", [(0, 2), [True, False, True], np.array([0, 2])])
def test_columns_by_number_or_mask(columns):
    layer = Columns([(columns, [Dense(2, 3)], 3), (slice(1, 2), [], 1)])
    check_layer(layer, np.random.RandomState(0).standard_normal((5, 3)))
    short = np.zeros((5, 2))
    with pytest.raises(ValueError, match=r"a branch reads the columns .* of 2"):
        check_layer(layer, short)


@pytest.mark.parametrize("columns", [3, [0.5], "ab", [[0], [1]]])
def test_columns_that_are_none(columns):
    with pytest.raises(TypeError, match="a slice, of a sequence of numbers or of a mask, got"):
        Columns([(columns, [], 1)])


# ---------------------------------------------------------------- optimizers


@dataclass(repr=False, eq=False)
class Descent(Optimizer):
    def init_moments(self, n_params, dtype):
        return {"last": np.zeros(n_params, dtype=dtype)}

    def update(self, params, gradient, learning_rate, state):
        params -= learning_rate * gradient
        state["last"][...] = gradient


class InList(Descent):
    def init_moments(self, n_params, dtype):
        return {"last": []}


class LateList(Descent):
    def update(self, params, gradient, learning_rate, state):
        state.setdefault("all", []).append(gradient)


class NoState(Descent):
    def init_moments(self, n_params, dtype):
        return None


class Taken(Descent):
    def init_moments(self, n_params, dtype):
        return {"average": np.zeros(n_params)}


class Returning(Descent):
    def update(self, params, gradient, learning_rate, state):
        return params - learning_rate * gradient


class Rebinding(Descent):
    def update(self, params, gradient, learning_rate, state):
        params = params - learning_rate * gradient


class Uphill(Descent):
    def update(self, params, gradient, learning_rate, state):
        params += learning_rate * gradient


class Forgetful(Descent):
    def init_moments(self, n_params, dtype):
        return {"scratch of mine": np.zeros(n_params, dtype=dtype)}

    def update(self, params, gradient, learning_rate, state):
        state["scratch of mine"] += gradient
        params -= learning_rate * state["scratch of mine"]


class Late(Descent):
    """A right one: an array that is made in the first step."""

    def init_moments(self, n_params, dtype):
        return {"last": None}

    def update(self, params, gradient, learning_rate, state):
        if state["last"] is None:
            state["last"] = np.zeros_like(gradient)
        state["last"] *= 0.5
        state["last"] += gradient
        params -= learning_rate * state["last"]


class InScratch(Descent):
    """A right one: memory that is as long as all parameters."""

    def init_moments(self, n_params, dtype):
        return {"last": np.zeros(n_params, dtype), "scratch": np.empty(n_params, dtype)}

    def update(self, params, gradient, learning_rate, state):
        np.multiply(gradient, learning_rate, out=state["scratch"])
        params -= state["scratch"]


class OfFirstStep(Descent):
    """A right one: an array that is not there before the first step."""

    def init_moments(self, n_params, dtype):
        return {}

    def update(self, params, gradient, learning_rate, state):
        velocity = state.setdefault("velocity", np.zeros_like(params))
        velocity *= 0.5
        velocity += gradient
        params -= learning_rate * velocity


class HalfLength(Descent):
    def step_length(self, learning_rate, state, out):
        out[...] = learning_rate / 2


class NoLength(Descent):
    def step_length(self, learning_rate, state, out):
        out = np.full_like(out, learning_rate)  # the slip: not in place


class WholeLength(Descent):
    def step_length(self, learning_rate, state, out):
        out[...] = learning_rate


class ByLargest(Descent):
    def update(self, params, gradient, learning_rate, state):
        params -= learning_rate * gradient / np.abs(gradient).max()


class OfOneLength(Descent):
    def update(self, params, gradient, learning_rate, state):
        params -= learning_rate * gradient * np.ones(7)


WRONG_OPTIMIZERS = {
    "by the largest": (ByLargest, "ByLargest moves members side by side otherwise than each alone"),
    "half length": (HalfLength, "HalfLength.step_length must write into out how far the last step"),
    "no length": (NoLength, "NoLength.step_length must write into out .* got \\[nan, nan"),
    "of one length": (OfOneLength, "OfOneLength is not for members side by side"),
    "list": (InList, "init_moments of InList must return .* got a list as 'last'"),
    "late list": (LateList, "'all' is a list after three steps"),
    "no state": (NoState, "init_moments of NoState must return a dict, got a NoneType"),
    "taken": (Taken, "must not use the name 'average'"),
    "returning": (Returning, "Returning.update must change params in place"),
    "rebinding": (Rebinding, "Rebinding.update has not moved the parameters in 100 steps"),
    "uphill": (Uphill, "it goes uphill, or needs another rate"),
    "forgetful": (Forgetful, "that goes on from a copy of its state is another one"),
}


@pytest.mark.parametrize("name", WRONG_OPTIMIZERS)
def test_wrong_optimizers(name):
    kind, message = WRONG_OPTIMIZERS[name]
    with pytest.raises((TypeError, ValueError), match=message):
        check_optimizer(kind())


def test_right_optimizers():
    check_optimizer(Descent(weight_decay=0.01, max_grad_norm=1.0))
    check_optimizer(Late())
    check_optimizer(InScratch(averaging=0.9))
    check_optimizer(OfFirstStep())
    check_optimizer(WholeLength(weight_decay=0.1))
    check_optimizer(ByLargest(), checks_members=False)
    with pytest.raises(ValueError, match="needs another rate"):
        check_optimizer(Descent(), learning_rate=10.0)


# ---------------------------------------------------------------- schedules


class Rates(Schedule):
    def __init__(self, share=1.0, after=0.1, slower=None):
        self.share, self.after, self.slower = share, after, slower

    def factor(self, epoch, max_iter):
        return self.share

    def after_epoch(self, rate, initial_rate, n_samples_seen, n_stalled):
        return self.after

    def on_plateau(self, rate):
        return self.slower


class NoFlag(Schedule):
    ends_with_max_iter = 1


WRONG_RATES = [-1.0, np.nan, np.inf, "x", True]


@pytest.mark.parametrize("rate", [None, *WRONG_RATES])
@pytest.mark.parametrize(("name", "method"), [("share", "factor"), ("after", "after_epoch")])
def test_wrong_schedules(name, method, rate):
    with pytest.raises(ValueError, match=rf"\.{method} must return a number from 0 on"):
        check_schedule(Rates(**{name: rate}))


@pytest.mark.parametrize("rate", WRONG_RATES)
def test_wrong_plateaus(rate):
    with pytest.raises(ValueError, match=r"\.on_plateau must return a number from 0 on"):
        check_schedule(Rates(slower=rate))


def test_right_schedules():
    check_schedule(Rates(share=np.float32(0.5), after=0, slower=0.01))
    with pytest.raises(TypeError, match="ends_with_max_iter must be True or False, got 1"):
        check_schedule(NoFlag())
