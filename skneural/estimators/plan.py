"""From parameters and data to a training that can be run: the plan of a fit.

A plan holds everything that a training needs, and nothing of the estimator. Whatever is random is
drawn while the plan is made, in scikit-learn's order: initial weights, validation rows, a seed for
dropout; then the order of rows in each epoch. So a plan that is made once more from the same
generator is the same, which is how a fit is resumed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skneural.arrays.matrices import FloatArray
from skneural.estimators.model import Fitted, Model, Origin
from skneural.minimizers.history import EarlyStopping, History, Validation
from skneural.minimizers.run import Run
from skneural.minimizers.state import (
    Record,
    TrainingState,
    generator_from_state,
    generator_state,
    seeded_generator,
)
from skneural.network import Network


@dataclass(frozen=True)
class Plan:
    """A training that can be run.

    Attributes
    ----------
    template : Model
        What will predict, but for its parameters.
    network : Network
        That is trained.
    minimize : callable
        ``minimize(run) -> reason``.
    state : TrainingState
        Where it begins.
    origin : Origin
    stopping : EarlyStopping
    validate : callable or None
        ``validate(params) -> Validation``.
    restores_best : bool
        Whether the model is to be that of the best epoch.
    max_iter : int
    largest_product : int
        Multiplications of the largest matrix product: says how many threads BLAS is given, see
        `skneural.arrays.threads`.
    work : float
        Elements that its steps are likely to go through: says whether compiled kernels are worth
        loading, see `skneural.kernels.use`.
    convergence_warning : str or callable
        What to warn of if the training has not converged, empty for nothing; or
        ``convergence_warning(run, reason)``, which says so where it depends on the end.
    records_epochs : bool, default=True
        Whether the losses of all epochs are kept, and printed.
    to_model : callable or None, default=None
        ``to_model(params)`` makes the parameters of the model from those that are trained, where
        they differ. None where they are the same, but for intercepts that may be missing, see
        `Model.with_params`.
    learning_check : callable or None, default=None
        ``learning_check(params)`` is what to warn of if the model has learnt nothing; empty for
        nothing.
    """

    template: Model
    network: Network
    minimize: Callable[[Run], str]
    state: TrainingState
    origin: Origin
    stopping: EarlyStopping
    validate: Callable[[FloatArray], Validation] | None
    restores_best: bool
    max_iter: int
    largest_product: int
    work: float
    convergence_warning: str | Callable[[Run, str], str]
    records_epochs: bool = True
    to_model: Callable[[FloatArray], FloatArray] | None = None
    learning_check: Callable[[FloatArray], str] | None = None


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes
    ----------
    mode : {'fit', 'warm_start', 'partial_fit', 'resume'}
    earlier : Fitted or None
        What it goes on from; None for a new training.
    generator : RandomState
        What it draws from. Of its own, unless random_state is None: a fit that fails leaves the
        user's as it was.
    seed : int or None
        An integer `random_state`.
    begun_at : dict
        The state of the generator before it was drawn from, by a fit that has no seed and may be
        resumed: see `note_generator`.
    """

    mode: str
    earlier: Fitted | None
    generator: np.random.RandomState
    seed: int | None
    begun_at: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, mode: str, earlier: Fitted | None, random_state: Any) -> Start:
        """The start of a fit with this `random_state`.

        An integer seed starts a new sequence, except in partial_fit after a call with the same
        seed: then the sequence goes on. None and RandomState instances go on by themselves.
        """
        seed = int(random_state) if isinstance(random_state, Integral) else None
        generator: Any = None
        if earlier is not None and mode == "resume":
            begun = earlier.origin.generator_start
            generator = None if begun is None else generator_from_state(begun)
        elif earlier is not None and mode == "partial_fit" and seed is not None:
            assert earlier.state is not None
            going_on = earlier.state.generators.get("shuffle")
            if earlier.origin.seed == seed and going_on is not None:
                generator = generator_from_state(generator_state(going_on))
        if generator is None and seed is not None:
            generator = seeded_generator(seed)
        elif generator is None:
            generator = check_random_state(random_state)
            if generator is random_state:
                generator = generator_from_state(generator_state(generator))
        return cls(mode, earlier, generator, seed)

    def note_generator(self) -> None:
        """Note where a generator without a seed stands, before anything is drawn from it."""
        if self.mode != "partial_fit":
            self.begun_at.update(self.generator.get_state(legacy=False))

    @property
    def draws_the_same(self) -> bool:
        """Whether the generator of a fit that is resumed stands where it stood at the beginning."""
        assert self.earlier is not None
        return self.seed is not None or self.earlier.origin.generator_start is not None

    def drew(self, what: str) -> bool:
        """Whether the fit that is resumed has drawn this."""
        assert self.earlier is not None
        return what in self.earlier.origin.drawn

    def params(self, network: Network, dtype: Any, X: Any) -> tuple[FloatArray, bool]:
        """The parameters to begin with, and whether initial ones have been drawn.

        What draws begins with them, so that the generator is noted here.
        """
        if self.seed is None:
            self.note_generator()
        earlier = self.earlier
        params: FloatArray = np.empty(network.n_params, dtype=dtype)
        is_drawn = earlier is None or (self.mode == "resume" and self.drew("initial weights"))
        if is_drawn:
            network.initialize(params, self.generator, X)
        if earlier is not None:
            source = earlier.model.params
            if self.mode == "resume" and earlier.state is not None:
                source = earlier.state.params
            params[...] = source[: network.n_params]
        return params, is_drawn

    def record(self, criterion: str, *, restores_best: bool) -> Record:
        """What counts of the epochs before, if there are any.

        A warm start forgets the best of them if it was selected by another criterion, or if it is
        to be restored and its parameters are not at hand.
        """
        earlier = self.earlier
        if earlier is None:
            return Record(histories=(History(),))
        assert earlier.state is not None
        record, origin = earlier.state.record, earlier.origin
        history = record.history
        best = earlier.model.params if origin.holds_best else history.best_params
        if self.mode == "resume":
            if history.best_iteration is not None:
                history = replace(history, best_params=best)
            return replace(record, histories=(history,))
        history = replace(history, best_params=best)
        if self.mode == "warm_start" and (
            origin.criterion != criterion or (restores_best and not origin.holds_best)
        ):
            history = history.without_best()
        return Record(
            n_epochs=record.n_epochs if self.mode == "partial_fit" else 0,
            n_samples_seen=record.n_samples_seen,
            histories=(history,),
        )
