"""The search beside pymoo's stock NSGA-II and chance, on one evaluator (`python -m benchmarks.search`).

Speeds are those of the compiler at 211 crossbars. Accuracies are predicted, by a network that learnt from
calibrated subnets of the shipped supernet: 5000 subnets of five seeds and three methods would take hours to
calibrate. Prints a table of hypervolumes, medians of the seeds, and what the search itself costs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas.accuracy import Predictor, load_context, predictor
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings
from rram_nas_comp_pack.nas.generations import SearchOptions, SubnetResult, evolve
from rram_nas_comp_pack.nas.genes import canonical, key
from rram_nas_comp_pack.nas.genome import CHOICES, GENOME, LENGTH
from rram_nas_comp_pack.nas.ofa_space import AccuracySettings, OfaSpace
from rram_nas_comp_pack.nas.search import Search, evaluate, label_training_subnets
from rram_nas_comp_pack.nas.selection import hypervolume
from rram_nas_comp_pack.nas.space import Genes
from rram_nas_comp_pack.nas.workers.engine import Engine
from rram_nas_comp_pack.nas.workers.local import local
from rram_nas_comp_pack.runs.shipped import SUPERNETS

ROOT = Path(__file__).parents[1]
POPULATION = 50


class Evaluator:
    """Evaluates each network once, however often and by whichever method it is asked for."""

    def __init__(self, search: Search, predict: Predictor) -> None:
        self.search, self.predict = search, predict
        self.known: dict[bytes, SubnetResult] = {}
        self.seconds = 0.0

    def __call__(self, genes: Genes) -> list[SubnetResult]:
        begun = time.perf_counter()
        new = {row.tobytes(): row for row in canonical(GENOME, genes) if row.tobytes() not in self.known}
        if new:
            outcomes = evaluate(self.search, self.predict, lambda _done: None, np.array(list(new.values())))
            self.known.update(zip(new, outcomes, strict=True))
        self.seconds += time.perf_counter() - begun
        return [self.known[row.tobytes()] for row in canonical(GENOME, genes)]


def ours(method: str, evaluator: Evaluator, generations: int, seed: int) -> list[SubnetResult]:
    """All that a search of ours evaluates."""
    options = SearchOptions(POPULATION, generations, method, seed=seed)
    *_, last = evolve(GENOME, options, evaluator)
    return list(last.known.values())


def stock(evaluator: Evaluator, generations: int, seed: int) -> list[SubnetResult]:
    """All that pymoo's NSGA-II evaluates, with its own operators for whole numbers."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    seen: dict[bytes, SubnetResult] = {}

    class Subnets(Problem):
        def __init__(self) -> None:
            super().__init__(LENGTH, n_obj=2, n_ieq_constr=1, xl=0, xu=CHOICES - 1, vtype=int)

        def _evaluate(self, x, out, *_args, **_options) -> None:
            rows = np.asarray(x, np.int8)
            outcomes = evaluator(rows)
            seen.update(zip((key(GENOME, row) for row in rows), outcomes, strict=True))
            out["F"] = np.array([(-o.accuracy, -o.speed) for o in outcomes])
            out["G"] = np.array([[o.excess] for o in outcomes])

    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    minimize(Subnets(), algorithm, ("n_gen", generations), seed=seed)
    return list(seen.values())


def volume(outcomes: list[SubnetResult]) -> float:
    """The hypervolume of all that fits."""
    fitting = np.array([(o.accuracy, o.speed) for o in outcomes if o.excess <= 0]).reshape(-1, 2)
    return hypervolume(*fitting.T)


def evaluator_of(engine: Engine, crossbars: int, subnets: int) -> Evaluator:
    """An evaluator whose predictor has learnt, whatever its rank correlation, which is printed."""
    classes = load_context(SUPERNETS["digits"], "digits").images.classes
    judging = AccuracySettings(SUPERNETS["digits"], "digits", "predictor", "cpu", 0, classes)
    settings = CompileSettings(load_hardware(ROOT / "SimConfig.ini"), crossbars)
    search = Search(SearchOptions(), settings, OfaSpace(judging), engine)
    learnt = label_training_subnets(search, subnets, lambda _done: None)
    predict = predictor(search.space, *learnt, seed=0, trusted=-1)
    print(f"predictor: Kendall's tau {predict.tau:.2f} on subnets held out")
    return Evaluator(search, predict)


def main() -> None:
    parser = argparse.ArgumentParser(description="Hypervolumes of three methods on one evaluator.")
    parser.add_argument("--generations", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--crossbars", type=int, default=211)
    parser.add_argument("--taught", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    methods: dict[str, Callable[[Evaluator, int, int], list[SubnetResult]]] = {
        "nsga2": partial(ours, "nsga2"),
        "stock": stock,
        "random": partial(ours, "random"),
    }
    rows = []
    with local(options.workers) as engine:
        evaluator = evaluator_of(engine, options.crossbars, options.taught)
        for name, method in methods.items():
            for seed in range(options.seeds):
                evaluator.seconds, known, begun = 0.0, len(evaluator.known), time.perf_counter()
                outcomes = method(evaluator, options.generations, seed)
                own = 1e3 * (time.perf_counter() - begun - evaluator.seconds) / options.generations
                rate = (len(evaluator.known) - known) / evaluator.seconds
                rows.append((name, volume(outcomes), max(o.speed for o in outcomes), own))
                print(f"{name} {seed}: {len(outcomes)} networks, {rate:.0f} new ones a second", flush=True)
    chance = statistics.median(row[1] for row in rows if row[0] == "random")
    print("\n| method | hypervolume | over random | best speed | own ms a generation |")
    print("|---|---|---|---|---|")
    for name in methods:
        columns = list(zip(*(row for row in rows if row[0] == name), strict=True))
        found, best, own = (statistics.median(column) for column in columns[1:])
        print(f"| {name} | {found:.2f} | {found / chance:.3f} | {best:.1f} | {own:.2f} |")


if __name__ == "__main__":
    main()
