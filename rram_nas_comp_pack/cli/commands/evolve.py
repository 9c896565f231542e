"""`evolve`: search subnets of a supernet for the best trades of accuracy and speed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ofa.console import tell_at_end

from ...errors import CannotBeDone
from ...hardware.config.read import Hardware
from ...kernels.jit import compiling_s
from ...nas.accuracy import device_of as torch_device
from ...nas.accuracy import load_context, predictor
from ...nas.compile_gene import DIAGONAL_ROWS
from ...nas.compile_subnet import CompileSettings, SubnetMetrics, compile_subnet
from ...nas.generations import evolve, front
from ...nas.genome import LENGTH, decode
from ...nas.ofa_space import AccuracySettings
from ...nas.search import Search, evaluate, label_training_subnets, tune_front
from ...nas.space import Genes
from ...nas.workers.dask_cluster import cluster
from ...nas.workers.engine import Engine
from ...nas.workers.local import local
from ...runs.file_names import EVOLUTION
from ...runs.folders import is_written, run_folder
from ...runs.nas import checkpoint
from ...runs.nas.checkpoint import FOLDER, Kept, Labels
from ...runs.nas.log import log_lines, summary
from ...runs.nas.result import SearchResult
from ...runs.nas.run import ELSEWHERE
from ...runs.nas.write import write_search
from ...runs.origin import OfferedConfig, Origin, begin
from ...values import NoFit
from ..options.evolve import EvolveOptions
from ..search_space import diagonal_rows, offered_configs, search_space, usual_method
from ..shared import (
    INTERRUPTED,
    add_report,
    again,
    step_bar,
    telling_of_compiling,
    telling_of_replacing,
    warn,
)

FREE = ELSEWHERE | {"generations", "tune_effort", "predictor_tau"}
"""Options that may change when a search goes on: they say how far it goes and where, not which way."""


@dataclass(slots=True)
class _Run:
    """A search under way in the run's folder: what is kept of it, and what decides where it goes."""

    search: Search
    judging: AccuracySettings
    folder: Path
    deciding: dict[str, Any]
    kept: Kept


def run(options: EvolveOptions) -> int:
    """Search and write the run's folder. Returns 130 after an interrupt: the front so far is written."""
    origin = begin(options.run.config, options.run.command_line, options.run.settings)
    offered = offered_configs(options, origin.config)
    warn(*(text for own in offered for text in own.config.hardware.warnings))
    with telling_of_compiling():
        return _run(options, replace(origin, offered=offered if len(offered) > 1 else ()), offered)


def _run(options: EvolveOptions, origin: Origin, offered: Sequence[OfferedConfig]) -> int:
    begun, compiled, run = perf_counter(), compiling_s(), options.run
    hardware = [each.config.hardware for each in offered]
    settings = options.settings(hardware[0], offered[0].crossbars)
    judging, images = _judging(options, hardware)
    rows = diagonal_rows(options.diagonal_rows, settings, judging.method, max(own.rows for own in hardware))
    space = search_space(judging, rows, offered)
    _require_room(judging, settings, offered, options)
    _compile_kernels(judging, settings)
    parent, place = run.log_dir / "evolution", run.log_dir / "evolution" / run.exp_id
    told = nullcontext() if options.resume else telling_of_replacing(place)
    held = run_folder(parent, run.exp_id, FOLDER, files=EVOLUTION)
    with told, held as folder, _engine(options) as engine:
        deciding = {**_deciding(options, hardware, judging), "dataset": images}
        if rows:
            deciding[DIAGONAL_ROWS] = list(rows)
        if options.resume:
            kept = checkpoint.resume_search(folder, place, space, deciding)
        else:
            kept = checkpoint.begin_search(folder)
        under_way = _Run(Search(options.search, settings, space, engine), judging, folder, deciding, kept)
        with _kept_if_interrupted(folder, run.command_line):
            found, interrupted = _searched(under_way, options)
            if interrupted and is_written(place):
                raise KeyboardInterrupt
            timing = {"compiling": compiling_s() - compiled, "total": perf_counter() - begun}
            write_search(folder, found, run.written, origin, timing)
            if not run.no_report:
                add_report(folder, run.exp_id, run.figures)
    if run.verbose:
        print(*log_lines(found, run.written, origin, timing), sep="\n", file=sys.stderr)
    print(*summary(found), f"files: {place}", sep="\n")
    if interrupted:
        command = again(run.command_line, "--resume")
        tell_at_end(f"the front found so far is written, and --resume goes on: {command}")
    return INTERRUPTED if interrupted else 0


@contextmanager
def _kept_if_interrupted(folder: Path, command_line: str) -> Iterator[None]:
    """Earlier results of the ID stay where a search is interrupted, and so does what is needed to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint.is_kept(folder):
            kept = f"the search is kept, and --resume continues it: {again(command_line, '--resume')}"
            raise KeyboardInterrupt(kept) from None
        raise


def _searched(run: _Run, options: EvolveOptions) -> tuple[SearchResult, bool]:
    """Search, then compile the front in full; an interrupt ends either with what there is by then."""
    try:
        _generations(run, options)
        best = _front(run, options)
        in_full = replace(run.search.settings, quick=False, steps=0 if options.tune_effort == 0 else 1)
        _compile_kernels(run.judging, in_full)
        with _bar("front", len(best)) as done:
            tuned = tune_front(run.search, options.tune_effort, best, done)
    except KeyboardInterrupt:
        if not run.kept.state.populations:
            raise
        return SearchResult(run.kept.state, _front(run, options), (), run.search, run.judging), True
    return SearchResult(run.kept.state, best, tuple(tuned), run.search, run.judging), False


def _front(run: _Run, options: EvolveOptions) -> Genes:
    """The front; raises CannotBeDone where it is empty, and forgets that search."""
    best = front(run.kept.state, run.search.options.objectives)
    if not len(best):
        checkpoint.forget_search(run.folder)
        outcomes = run.kept.state.known.values()
        nearest = min(o.excess for o in outcomes)
        error = next((o.error for o in outcomes if o.error), "")
        why = f"the nearest needs {nearest:.0f} more" if nearest < math.inf else error
        raise CannotBeDone(f"no subnet fits {_budget(options)}: {len(outcomes)} were evaluated, {why}")
    return best


def _generations(run: _Run, options: EvolveOptions) -> None:
    """Search on to the last generation; each is kept in a file before the next begins."""
    search, predict = run.search, None
    if run.judging.method == "predictor":
        if not len(run.kept.genes):
            run.kept = Kept(run.kept.state, *_learnt(run, options))
            checkpoint.save_search(run.folder / FOLDER, search.space, run.kept, run.deciding)
        learnt = run.kept.genes, run.kept.accuracies
        predict = predictor(search.space, *learnt, search.options.seed, options.predictor_tau)
    population, total = search.options.population, search.options.population * search.options.generations
    with step_bar("search", "subnet") as advance:
        note = ""

        def done(subnets: int) -> None:
            advance(population * len(run.kept.state.populations) + subnets, total, note)

        for state in evolve(
            search.space, search.options, partial(evaluate, search, predict, done), run.kept.state
        ):
            run.kept = replace(run.kept, state=state)
            checkpoint.save_search(run.folder / FOLDER, search.space, run.kept, run.deciding)
            size = len(front(state, search.options.objectives))
            note = f"front {size}, hypervolume {state.hypervolumes[-1]:.2f}"
            done(0)


def _learnt(run: _Run, options: EvolveOptions) -> Labels:
    """What a predictor learns from: networks that another search judged, or that are judged here."""
    if options.predictor_from is not None:
        return checkpoint.load_labels(options.predictor_from, run.search.space, run.deciding)
    with _bar("predictor", options.predictor_subnets) as told:
        return label_training_subnets(run.search, options.predictor_subnets, told)


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar over subnets, called with how many are done."""
    with step_bar(name, "subnet") as advance:
        yield lambda done: advance(done, total, "")


def _judging(options: EvolveOptions, hardware: Sequence[Hardware]) -> tuple[AccuracySettings, str]:
    """How to judge, and a digest of the images.

    Supernet and images are loaded once here, so that what is wrong with them is told before anything starts.
    """
    kind, colon, path = options.dataset.partition(":")
    dataset = f"{kind}:{Path(path).resolve()}" if colon else kind  # workers may run elsewhere
    device, images = torch_device(options.device), load_context(options.checkpoint, options.dataset).images
    place = (options.checkpoint.resolve(), dataset)
    method = options.accuracy or usual_method(hardware)
    judging = AccuracySettings(
        *place,
        method,
        device,
        options.search.seed,
        images.classes,
        images=options.images,
        chips=options.chips,
    )
    splits = (images.train, images.validation, images.test)
    parts = [tensor.numpy().tobytes() for split in splits for tensor in (split.pixels, split.labels)]
    return judging, f"{options.dataset} {checkpoint.content_digest(b''.join(parts))}"


def _engine(options: EvolveOptions) -> AbstractContextManager[Engine]:
    return local(options.workers) if options.scheduler is None else cluster(options.scheduler)


def _require_room(
    judging: AccuracySettings,
    settings: CompileSettings,
    offered: Sequence[OfferedConfig],
    options: EvolveOptions,
) -> None:
    """Raise CannotBeDone where not even the smallest subnet fits any hardware."""
    told = []
    for name, crossbars, config in offered:
        own = replace(settings, hardware=config.hardware, crossbars=crossbars, quick=False, duplicate=False)
        found = _smallest(judging, own)
        if not isinstance(found, NoFit):
            return
        held = f" ({crossbars} of the crossbars of {name})" if options.area_budget is not None else ""
        told.append(
            f"no subnet fits {_budget(options)}{held}: the smallest needs at least {found.lower_bound}, and "
            f"a packing with {found.found} was found"
        )
    raise CannotBeDone("; ".join(told))


def _compile_kernels(judging: AccuracySettings, settings: CompileSettings) -> None:
    """Compile kernels that workers need here, once, where it is seen and timed; they load them from disk.

    Takes less than a second where they lie there already.
    """
    _smallest(judging, settings)


def _smallest(judging: AccuracySettings, settings: CompileSettings) -> SubnetMetrics | NoFit:
    """The smallest subnet, compiled."""
    smallest = decode(np.zeros(LENGTH, np.int8))
    return compile_subnet(smallest, settings, judging.resolution, judging.classes)


def _budget(options: EvolveOptions) -> str:
    area = options.area_budget
    return f"--num-crossbars {options.crossbars}" if area is None else f"--area-budget {area:g}"


def _deciding(
    options: EvolveOptions, hardware: Sequence[Hardware], judging: AccuracySettings
) -> dict[str, Any]:
    """All that decides what a search finds, as JSON values; files by what is in them."""
    digests = [checkpoint.content_digest(repr(own).encode()) for own in hardware]
    deciding = {name: value for name, value in options.run.written.items() if name not in FREE}
    return {
        **deciding,
        "checkpoint": checkpoint.content_digest(judging.checkpoint),
        "config": digests if len(digests) > 1 else digests[0],
        "objectives": list(options.search.objectives),
        "device": judging.device,
        "accuracy": judging.method,
    }
