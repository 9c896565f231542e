"""`evolve`: search subnets of a supernet for the best trades of accuracy and speed."""

from __future__ import annotations

import hashlib
import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...errors import BadInput, CannotBeDone
from ...hardware.config.read import Hardware
from ...nas.accuracy import bench, device_of, predictor
from ...nas.compile_subnet import Compiled, CompileSettings, compile_subnet
from ...nas.evaluate import Judging
from ...nas.generations import SearchOptions, evolve, front
from ...nas.genome import LENGTH, Genes, decoded
from ...nas.search import Search, evaluate, finish, taught
from ...nas.workers.dask_cluster import cluster
from ...nas.workers.engine import Engine
from ...nas.workers.local import local
from ...runs.file_names import EVOLUTION
from ...runs.folders import run_folder
from ...runs.nas.checkpoint import NAME, Kept, load_search
from ...runs.nas.run import ELSEWHERE
from ...values import NoFit, rules_of
from ..options.evolve import EvolveOptions
from ..origin import Origin, begin
from ..progress import Stopwatch, telling_of_compiling
from ..search_checkpoint import save_search
from ..search_files import Found, log_lines, summary, write_search
from .report import add_report

INTERRUPTED = 130
KEPT = "checkpoint"
FREE = ELSEWHERE | {"generations", "tune_effort", "predictor_tau"}
"""Options that may change when a search goes on: they say how far it goes and where, not which way."""


@dataclass(slots=True)
class _Run:
    """A search under way in the run's folder: what is kept of it, and what decides where it goes."""

    search: Search
    folder: Path
    deciding: dict[str, Any]
    kept: Kept


def run(options: EvolveOptions) -> int:
    """Search and write the run's folder. Returns 130 after an interrupt: the front so far is written."""
    with telling_of_compiling():
        return _run(options, begin(options.config, options.command_line), Stopwatch())


def _run(options: EvolveOptions, origin: Origin, watch: Stopwatch) -> int:
    hardware = origin.config.hardware
    (judging, images), settings = _judging(options), _settings(options, hardware)
    _require_room(judging, settings, options)
    _compile_kernels(judging, settings)
    parent = options.log_dir / "evolution"
    with run_folder(parent, options.exp_id, KEPT, files=EVOLUTION) as folder, _engine(options) as engine:
        deciding = {**_deciding(options, hardware, judging), "dataset": images}
        kept = _begun(folder, parent / options.exp_id, options, deciding)
        under_way = _Run(Search(_search_options(options), settings, judging, engine), folder, deciding, kept)
        with _kept_if_interrupted(folder):
            found, interrupted = _searched(under_way, options)
            if interrupted and (parent / options.exp_id).exists():
                raise KeyboardInterrupt
            timing = watch.seconds()
            write_search(folder, found, options, origin, timing)
            if not options.no_report:
                add_report(folder, options.exp_id)
    if options.verbose:
        print(*log_lines(found, options, origin, timing), sep="\n", file=sys.stderr)
    print(*summary(found), f"files: {parent / options.exp_id}", sep="\n")
    return INTERRUPTED if interrupted else 0


@contextmanager
def _kept_if_interrupted(folder: Path) -> Iterator[None]:
    """Earlier results of the ID stay where a search is interrupted, and so does what is needed to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / KEPT / NAME).exists():
            raise KeyboardInterrupt("the search is kept, --resume goes on") from None
        raise


def _searched(run: _Run, options: EvolveOptions) -> tuple[Found, bool]:
    """Search, then compile the front in full; an interrupt ends either with what there is by then."""
    try:
        _generations(run, options)
        best = _front(run, options)
        in_full = replace(run.search.settings, quick=False, steps=0 if options.tune_effort == 0 else 1)
        _compile_kernels(run.search.judging, in_full)
        with _bar("front", len(best)) as bar:
            tuned = finish(run.search, options.tune_effort, best, partial(_upto, bar))
    except KeyboardInterrupt:
        if not run.kept.state.populations:
            raise
        return Found(run.kept.state, _front(run, options), (), run.search), True
    return Found(run.kept.state, best, tuple(tuned), run.search), False


def _front(run: _Run, options: EvolveOptions) -> Genes:
    """The front; raises CannotBeDone where it is empty, and forgets that search."""
    best = front(run.kept.state, run.search.options.objectives)
    if not len(best):
        shutil.rmtree(run.folder / KEPT)
        outcomes = run.kept.state.known.values()
        nearest = min(o.excess for o in outcomes)
        error = next((o.error for o in outcomes if o.error), "")
        why = f"the nearest lacks {nearest:.0f}" if nearest < math.inf else error
        raise CannotBeDone(
            f"no subnet fits --num-crossbars {options.num_crossbars}: of {len(outcomes)} evaluated {why}"
        )
    return best


def _generations(run: _Run, options: EvolveOptions) -> None:
    """Search on to the last generation; each is kept in a file before the next begins."""
    search, predict = run.search, None
    if search.judging.method == "predictor":
        if not len(run.kept.genes):
            with _bar("predictor", options.predictor_subnets) as bar:
                learnt = taught(search, options.predictor_subnets, partial(_upto, bar))
            run.kept = Kept(run.kept.state, *learnt)
            save_search(run.folder / KEPT, run.kept, run.deciding)
        predict = predictor(run.kept.genes, run.kept.accuracies, options.seed, options.predictor_tau)
    with _bar("search", options.population * options.generations) as bar:
        bar.update(options.population * len(run.kept.state.populations))

        def done(subnets: int) -> None:
            _upto(bar, options.population * len(run.kept.state.populations) + subnets)

        for state in evolve(search.options, partial(evaluate, search, predict, done), run.kept.state):
            run.kept = replace(run.kept, state=state)
            save_search(run.folder / KEPT, run.kept, run.deciding)
            done(0)
            size = len(front(state, search.options.objectives))
            bar.set_postfix_str(f"front {size}, hypervolume {state.hypervolumes[-1]:.2f}", refresh=False)


@contextmanager
def _bar(name: str, total: int) -> Iterator[tqdm[Any]]:
    with tqdm(desc=name, total=total, unit="subnet", leave=False, disable=None) as bar:
        yield bar


def _upto(bar: tqdm[Any], done: int) -> None:
    bar.update(done - bar.n)


def _judging(options: EvolveOptions) -> tuple[Judging, str]:
    """How to judge, and a digest of the images.

    Supernet and images are loaded once here, so that what is wrong with them is told before anything starts.
    """
    kind, colon, path = options.dataset.partition(":")
    dataset = f"{kind}:{Path(path).resolve()}" if colon else kind  # workers may run elsewhere
    device, images = device_of(options.device), bench(options.checkpoint, options.dataset).images
    place = (options.checkpoint.resolve(), dataset)
    judging = Judging(*place, options.accuracy, device, options.seed, images.classes)  # type: ignore[arg-type]
    splits = (images.train, images.validation, images.test)
    parts = [tensor.numpy().tobytes() for split in splits for tensor in (split.pixels, split.labels)]
    return judging, f"{options.dataset} {hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"


def _settings(options: EvolveOptions, hardware: Hardware) -> CompileSettings:
    """How the search compiles: the quick way."""
    return CompileSettings(
        hardware=hardware,
        crossbars=options.num_crossbars,
        samples=options.num_sample,
        rules=rules_of(options.no_pack_heuristic, options.layer_threshold, options.xbar_max_load),
        depth_split=options.depth_split_factor,
        depthwise=options.depthwise_mapping,  # type: ignore[arg-type]
        duplicate=options.duplicate,
        tuner=options.tuner,  # type: ignore[arg-type]
        seed=options.seed,
    )


def _search_options(options: EvolveOptions) -> SearchOptions:
    return SearchOptions(
        population=options.population,
        generations=options.generations,
        method=options.method,  # type: ignore[arg-type]
        objectives=options.objectives,  # type: ignore[arg-type]
        mutate_prob=options.mutate_prob,
        mutation_ratio=options.mutation_ratio,
        weights=(options.coef_acc, options.coef_latency),
        seed=options.seed,
    )


def _engine(options: EvolveOptions) -> AbstractContextManager[Engine]:
    return local(options.workers) if options.scheduler is None else cluster(options.scheduler)


def _require_room(judging: Judging, settings: CompileSettings, options: EvolveOptions) -> None:
    """Raise CannotBeDone where not even the smallest subnet fits."""
    found = _smallest(judging, replace(settings, quick=False, duplicate=False))
    if isinstance(found, NoFit):
        raise CannotBeDone(
            f"no subnet fits --num-crossbars {options.num_crossbars}: the smallest needs at least "
            f"{found.lower_bound}, a packing with {found.found} was found"
        )


def _compile_kernels(judging: Judging, settings: CompileSettings) -> None:
    """Compile kernels that workers need here, once, where it is seen and timed; they load them from disk.

    Takes less than a second where they lie there already.
    """
    _smallest(judging, settings)


def _smallest(judging: Judging, settings: CompileSettings) -> Compiled | NoFit:
    """The smallest subnet, compiled."""
    smallest = decoded(np.zeros(LENGTH, np.int8))
    return compile_subnet(smallest, settings, judging.resolution, judging.classes)


def _deciding(options: EvolveOptions, hardware: Hardware, judging: Judging) -> dict[str, Any]:
    """All that decides what a search finds, as JSON values; files by what is in them."""
    deciding = {name: value for name, value in asdict(options).items() if name not in FREE}
    contents = judging.checkpoint.read_bytes(), repr(hardware).encode()
    for name, content in zip(("checkpoint", "config"), contents, strict=True):
        deciding[name] = hashlib.sha256(content).hexdigest()[:16]
    return {**deciding, "objectives": list(options.objectives), "device": judging.device}


def _begun(folder: Path, earlier: Path, options: EvolveOptions, deciding: dict[str, Any]) -> Kept:
    """The search to go on with, or a fresh one. Raises BadInput where that would lose an unfinished one."""
    own = folder / KEPT
    unfinished = (own / NAME).exists()
    if not options.resume:
        if unfinished:
            raise BadInput(
                f"--exp-id: found a search of {options.exp_id!r} that did not end; allowed is --resume, "
                f"another ID, or to remove {folder}"
            )
        own.mkdir(exist_ok=True)
        return Kept()
    home = own if unfinished else earlier / KEPT
    if not (home / NAME).exists():
        raise BadInput(f"--resume: found no search in {home}, allowed is the ID of one that was begun")
    begun = load_search(home, deciding)
    if not unfinished:
        own.mkdir(exist_ok=True)
        save_search(own, begun, deciding)
    return begun
