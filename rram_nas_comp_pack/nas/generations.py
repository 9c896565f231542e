"""The search, generation by generation (RNC section 6): NSGA-II, a weighted sum, or chance.

Everything random in a generation follows from the seed and the generation's number, so that a search goes on
from its `State` to the same result, wherever the evaluations run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from ..kernels.arrays import Floats
from .genes import canonical, crossover, genes_of, key, mutate, sample_genes
from .selection import crowded_order, hypervolume, non_dominated_rank, tournament, weighted
from .space import Genes, Genome

Method = Literal["nsga2", "ga", "random"]
Objective = Literal["acc", "speed", "energy", "crossbars", "area"]

TRIES = 10
"""How often a child is bred anew where its network is known already."""


@dataclass(frozen=True, slots=True)
class SubnetResult:
    """What became of a subnet.

    `accuracy` is that of the float network, 0 to 1; `chip_accuracy` that of its chips, which counts instead,
    None where none was asked; `speed` the baseline's latency over its own; energy is that of an inference;
    `crossbars` are those in use, `utilization` the share of their cells, 0 to 1, and `area_mm2` what they
    take up. `excess` is how many
    crossbars it lacks, by the bound if that says so, else as packed, infinite where there was an `error`; the
    rest is 0 then.
    """

    accuracy: float = 0.0
    speed: float = 0.0
    latency_ns: float = 0.0
    baseline_ns: float = 0.0
    energy_nj: float = 0.0
    crossbars: int = 0
    utilization: float = 0.0
    area_mm2: float = 0.0
    excess: float = 0.0
    error: str = ""
    chip_accuracy: float | None = None

    @property
    def judged(self) -> float:
        """The accuracy that counts."""
        return self.accuracy if self.chip_accuracy is None else self.chip_accuracy


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search.

    A generation has `population` children, the share `mutation_ratio` of them by mutation (of a gene with the
    mean probability `mutate_prob`), the others by crossover; `generations` include the first, which is drawn.
    `weights` of accuracy and speed are those of the weighted sum ("ga").
    """

    population: int = 50
    generations: int = 100
    method: Method = "nsga2"
    objectives: tuple[Objective, ...] = ("acc", "speed")
    mutate_prob: float = 0.1
    mutation_ratio: float = 0.5
    weights: tuple[float, float] = (1.0, 0.005)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """A search after some generations.

    Of each there is who survived it (`populations`, best first), the hypervolume that was reached by then and
    how many networks had been `evaluated`. `known` holds all of these by `key`, in the order of evaluation.
    """

    populations: tuple[Genes, ...] = ()
    hypervolumes: tuple[float, ...] = ()
    evaluated: tuple[int, ...] = ()
    known: Mapping[bytes, SubnetResult] = field(default_factory=dict)


Evaluate = Callable[[Genes], Sequence[SubnetResult]]
"""From rows of genes (subnets, genes), all of them different networks, to what became of each."""


def evolve(
    genome: Genome, options: SearchOptions, evaluate: Evaluate, state: State = State()
) -> Iterator[State]:
    """Search on from `state`; yields the state after every generation."""
    while len(state.populations) < options.generations:
        state = _next(genome, options, evaluate, state)
        yield state


def front(state: State, objectives: Sequence[Objective]) -> Genes:
    """Rows of genes (subnets, genes) that fit and that no known subnet dominates, by falling speed."""
    rows = genes_of(state.known)
    outcomes = list(state.known.values())
    best = (non_dominated_rank(_costs(outcomes, objectives), _excess(outcomes)) == 0) & (
        _excess(outcomes) <= 0
    )
    speeds = np.array([outcome.speed for outcome in outcomes])
    fastest_first = np.argsort(-speeds, kind="stable")
    found: Genes = rows[fastest_first[best[fastest_first]]]
    return found


def ranks(outcomes: Sequence[SubnetResult], objectives: Sequence[Objective]) -> NDArray[np.int64]:
    """The front of each subnet among these: 0 where none dominates it."""
    return non_dominated_rank(_costs(outcomes, objectives), _excess(outcomes))


def _next(genome: Genome, options: SearchOptions, evaluate: Evaluate, state: State) -> State:
    generation = len(state.populations)
    rng = Generator(PCG64([options.seed, generation]))
    parents = state.populations[-1] if generation else sample_genes(rng, genome, 0)
    children = _children(rng, genome, options, parents, state.known)
    new = {k: child for child in canonical(genome, children) if (k := child.tobytes()) not in state.known}
    outcomes = evaluate(genes_of(new)) if new else ()
    known = {**state.known, **dict(zip(new, outcomes, strict=True))}
    candidates = _different(genome, np.concatenate([parents, children]))
    best_first = _best_first(options, [known[key(genome, row)] for row in candidates])
    populations = (*state.populations, candidates[best_first[: options.population]])
    volumes = (*state.hypervolumes, _hypervolume(known.values()))
    return State(populations, volumes, (*state.evaluated, len(known)), known)


def _children(
    rng: Generator,
    genome: Genome,
    options: SearchOptions,
    parents: Genes,
    known: Mapping[bytes, SubnetResult],
) -> Genes:
    """Rows for the next generation; those that are known or twins are bred anew, a few times."""
    children = _breed(rng, genome, options, parents)
    for _ in range(TRIES):
        keys = [row.tobytes() for row in canonical(genome, children)]
        stale = np.array([k in known or k in keys[:i] for i, k in enumerate(keys)])
        if not stale.any():
            break
        children[stale] = _breed(rng, genome, options, parents)[stale]
    return children


def _breed(rng: Generator, genome: Genome, options: SearchOptions, parents: Genes) -> Genes:
    count = options.population
    if not len(parents) or options.method == "random":
        return sample_genes(rng, genome, count)
    best_first = np.arange(len(parents))
    mothers, fathers = (parents[tournament(rng, best_first, count)] for _ in range(2))
    by_mutation = round(options.mutation_ratio * count)
    return np.concatenate(
        [
            mutate(rng, genome, mothers[:by_mutation], options.mutate_prob),
            crossover(rng, mothers[by_mutation:], fathers[by_mutation:]),
        ]
    )


def _different(genome: Genome, rows: Genes) -> Genes:
    """The first row of each network."""
    first = {k: i for i, k in reversed(list(enumerate(row.tobytes() for row in canonical(genome, rows))))}
    return rows[sorted(first.values())]


def _best_first(options: SearchOptions, outcomes: Sequence[SubnetResult]) -> NDArray[np.int64]:
    if options.method == "ga":
        accuracy, speed = options.weights
        return weighted(_costs(outcomes, ("acc", "speed")), _excess(outcomes), np.array([accuracy, speed]))
    return crowded_order(_costs(outcomes, options.objectives), _excess(outcomes))


def _costs(outcomes: Sequence[SubnetResult], objectives: Sequence[Objective]) -> Floats:
    """What is to be minimised, (subnets, objectives)."""
    columns = {
        "acc": [-o.judged for o in outcomes],
        "speed": [-o.speed for o in outcomes],
        "energy": [o.energy_nj for o in outcomes],
        "crossbars": [o.crossbars for o in outcomes],
        "area": [o.area_mm2 for o in outcomes],
    }
    return np.array([columns[name] for name in objectives], dtype=np.float64).T


def _excess(outcomes: Sequence[SubnetResult]) -> Floats:
    return np.array([o.excess for o in outcomes], dtype=np.float64)


def _hypervolume(outcomes: Iterable[SubnetResult]) -> float:
    points = np.array([(o.judged, o.speed) for o in outcomes if o.excess <= 0]).reshape(-1, 2)
    return hypervolume(*points.T)
