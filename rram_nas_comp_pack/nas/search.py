"""A search on an engine: its evaluations, what a predictor learns from, and its front in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from ..errors import CannotBeDone
from .compile_subnet import CompileSettings
from .evaluate import TunedSubnet, compile_only, evaluate_in_full, evaluate_subnet, validation_accuracy
from .generations import SearchOptions, SubnetResult
from .genes import canonical, sample_genes
from .workers.engine import Engine, Failed

if TYPE_CHECKING:
    from .accuracy import Predictor
    from .space import Genes, SearchSpace

Done = Callable[[int], None]
"""Called with how many subnets are done."""


@dataclass(frozen=True, slots=True)
class Search:
    """How to search and to compile, among which networks, and who does it."""

    options: SearchOptions
    settings: CompileSettings
    space: SearchSpace
    engine: Engine


def evaluate(search: Search, predict: Predictor | None, done: Done, genes: Genes) -> Sequence[SubnetResult]:
    """Evaluate rows of genes (subnets, genes); one that fails has its error in its outcome.

    Raises CannotBeDone where all of them fail alike: the fault is not in a subnet.
    """
    own = evaluate_subnet if predict is None else compile_only
    task = partial(own, search.space, search.settings)
    found = search.engine(task, [row.tobytes() for row in genes], done)
    errors = {each.error for each in found if isinstance(each, Failed)}
    if len(errors) == 1 and len(found) > 1 and all(isinstance(each, Failed) for each in found):
        raise CannotBeDone(f"no subnet can be evaluated: {errors.pop()}")
    outcomes = [_failed(each) if isinstance(each, Failed) else each for each in found]
    if predict is None:
        return outcomes
    return [
        replace(each, accuracy=float(accuracy)) if each.excess <= 0 else each
        for each, accuracy in zip(outcomes, predict(genes), strict=True)
    ]


def _failed(what: Failed) -> SubnetResult:
    return SubnetResult(excess=float("inf"), error=what.error)


def label_training_subnets(search: Search, count: int, done: Done) -> tuple[Genes, NDArray[np.float64]]:
    """Draw and calibrate subnets for a predictor: rows (subnets, genes) and accuracies (subnets,)."""
    drawn = sample_genes(Generator(PCG64([search.options.seed, 2**32])), search.space, count)
    genes = np.unique(canonical(search.space, drawn), axis=0)
    genes = genes[Generator(PCG64([search.options.seed, 2**32 + 1])).permutation(len(genes))]
    found = search.engine(partial(validation_accuracy, search.space), [row.tobytes() for row in genes], done)
    known = [i for i, each in enumerate(found) if not isinstance(each, Failed)]
    if not known and isinstance(found[0], Failed):
        raise CannotBeDone(f"no subnet can be calibrated: {found[0].error}")
    return genes[known], np.array([found[i] for i in known], dtype=np.float64)


def tune_front(search: Search, steps: int | None, genes: Genes, done: Done) -> list[TunedSubnet | Failed]:
    """Compile rows of genes (subnets, genes) like any network, and judge them by test images too."""
    task = partial(evaluate_in_full, search.space, replace(search.settings, quick=False, steps=steps))
    return search.engine(task, [row.tobytes() for row in genes], done)
