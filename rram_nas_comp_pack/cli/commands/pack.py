"""`pack`: network to layout and latency."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

from ...compiler import CompileOptions, Report, Watch, compile_network
from ...errors import BadInput, CannotBeDone
from ...hardware.chip_costs import reader
from ...hardware.config.read import Hardware, SimConfig
from ...load import load_network
from ...packing.pack import BEST_EFFORT, Goal
from ...runs.file_names import PACKING
from ...runs.folders import run_folder
from ...runs.nas.front import read_hardware
from ...runs.packing.coverage import mapped_share
from ...runs.packing.wording import STOPPED
from ...simulation.chrome_trace import timeline
from ...simulation.event_loop import executions, program
from ...tuning.settings import Effort, Tuning
from ...values import Network, NoFit, rules_of
from ..options.parse import PackOptions
from ..origin import begin
from ..output import coverage_table, log_lines, tuned_for, write_json, write_run
from ..progress import telling_of_compiling
from ..run_hardware import CONFIG_COPY, say
from .report import add_report

INTERRUPTED = 130


def run(options: PackOptions) -> int:
    """Compile a network and write the run's folder; raises CannotBeDone where it does not fit.

    Returns 130 where tuning was interrupted: the best layout until then is written all the same.
    """
    origin = begin(options.config, options.command_line)
    hardware, parent = origin.config.hardware, options.log_dir / "packing"
    with run_folder(parent, options.exp_id, files=PACKING) as folder:
        network = _network(options)
        say(_other_hardware(options.model, origin.config))
        report = _compile(network, hardware, options)
        write_run(folder, report, options, origin)
        if options.trace:
            write_json(folder / "trace.json", _timeline(report, hardware), indent=None)
        if not options.no_report:
            add_report(folder, options.exp_id)
    if options.verbose:
        print(*log_lines(report, options, origin), sep="\n", file=sys.stderr)
    print(*summary(report), f"files: {parent / options.exp_id}", sep="\n")
    return INTERRUPTED if report.duplication and report.duplication.stopped == "interrupt" else 0


def _network(options: PackOptions) -> Network:
    network = load_network(options.model, options.input_size)
    lost = [row for row in network.coverage if row.status == "unsupported"]
    if lost and options.strict:
        names = ", ".join(f"{row.name} ({row.kind})" for row in lost)
        raise BadInput(f"--strict: {len(lost)} modules of {options.model} cannot be mapped: {names}")
    if lost:
        table = "\n".join(coverage_table(network))
        print(f"{len(lost)} modules of {options.model} cannot be mapped\n{table}", file=sys.stderr)
    return network


def _other_hardware(model: str, config: SimConfig) -> str:
    """A line where a network of a search is packed on other hardware than it was found for."""
    kind, _, place = model.partition(":")
    if kind != "ofa":
        return ""
    front = Path(place.rpartition("#")[0])
    held = read_hardware(front)
    if held is None or held.digest == config.digest:
        return ""
    return (
        f"{front} was found for other hardware; --config {front.parent / CONFIG_COPY} is that of the search"
    )


def _compile(network: Network, hardware: Hardware, options: PackOptions) -> Report:
    with telling_of_compiling(), _bar("packing") as packing, _bar("tuning") as tuning:
        watch = Watch(
            lambda done, total, best: packing(done, total, f"{best} crossbars"),
            lambda done, total, ns: tuning(done, total, f"{ns / 1e6:.4f} ms"),
        )
        found = compile_network(network, hardware, compile_options(options), watch)
    if isinstance(found, NoFit):
        fewest = "" if options.duplicate else ", or --find-solution for the fewest"
        raise CannotBeDone(
            f"{options.model} does not fit --num-crossbars {found.budget}: at least {found.lower_bound} are "
            f"needed, a packing with {found.found} was found; use --num-crossbars {found.found}{fewest}"
        )
    return found


def _timeline(report: Report, hardware: Hardware) -> dict[str, object]:
    """The traced samples once more, box by box: the schedule of the report does not hold their crossbars."""
    ran = program(report.mappings, reader(hardware), report.packing.placements)
    reads = executions(ran, len(report.schedule.asked_ns))
    return timeline(report.mappings, report.packing, report.schedule, reads)


def compile_options(options: PackOptions) -> CompileOptions:
    """The pipeline's options from those of the command line."""
    budget = None if options.find_solution else options.num_crossbars
    return CompileOptions(
        depth_split=options.depth_split_factor,
        depthwise=options.depthwise_mapping,  # type: ignore[arg-type]
        tuning=_tuning(options) if options.duplicate else None,
        budget=budget,
        rules=rules_of(options.no_pack_heuristic, options.layer_threshold, options.xbar_max_load),
        goal=Goal(
            packer=options.packer,  # type: ignore[arg-type]
            budget=budget,
            effort=BEST_EFFORT if options.pack_effort is None else options.pack_effort,
            seconds=options.pack_seconds,
            seed=options.seed,
        ),
        traced_samples=options.sim_log_samples,
        watched_samples=options.num_sample,
    )


def _tuning(options: PackOptions) -> Tuning:
    effort = Effort(options.objective, options.tune_effort, options.tune_seconds, options.seed)
    return Tuning(options.tuner, effort)  # type: ignore[arg-type]


class _bar:
    """A bar over steps, on standard error, as soon as they take long; called with steps, all steps, note."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: tqdm | None = None

    def __enter__(self) -> Callable[[int, int, str], None]:
        return self._advance

    def _advance(self, done: int, total: int, note: str) -> None:
        if self._bar is None:
            self._bar = tqdm(desc=self._name, unit="it", leave=False, delay=0.5, disable=None)
        self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def summary(report: Report) -> Iterator[str]:
    """The closing table."""
    packing, chip = report.packing, report.chip
    boxes = f"{len(report.mappings)} layers, {len(packing.placements)} boxes"
    size = f"{packing.size.rows} x {packing.size.columns} cells"
    yield f"model        {report.network.name}: {boxes}"
    yield f"mapped       {mapped_share(report.network.coverage)}"
    proof = "proved optimal" if packing.proved_optimal else f"lower bound {packing.lower_bound}"
    note = "filled with copies" if packing.packer == "joint" else f"{proof}; {STOPPED[packing.stopped]}"
    yield f"crossbars    {packing.crossbars} of {size} ({note})"
    yield f"utilization  {report.layout.utilization:.1%}"
    if report.duplication is not None:
        yield f"duplication  {tuned_for(report)}"
    for e in report.evaluations:
        if e.num_sample in (1, 8, 512):
            speed = f"{e.baseline_latency_ns / e.latency_ns:.2f} x the baseline's speed"
            yield f"latency      {e.latency_ns / 1e6:.4f} ms for {e.num_sample} ({speed})"
    yield f"energy       {chip.energy_nj / 1e6:.4f} mJ an inference, {chip.average_power_w:.4f} W on average"
    yield f"area         {chip.area_um2 / 1e6:.1f} mm2, {chip.physical_crossbars} physical crossbars"
