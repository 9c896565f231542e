"""`pack`: network to layout and latency."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...compiler import CompileOptions, CompileResult, Watch, compile_network
from ...errors import BadInput, CannotBeDone
from ...hardware.config.read import Hardware, SimConfig
from ...hardware.movement import time_of
from ...load import load_network
from ...reload.advice import reload_advice
from ...reload.result import ReloadResult, compile_reloaded
from ...runs.file_names import PACKING
from ...runs.folders import run_folder
from ...runs.nas.front import read_hardware
from ...runs.nas.subnet import front_of
from ...runs.origin import CONFIG_COPY, OFFERED, begin
from ...runs.packing.log import coverage_table, log_lines, summary
from ...runs.packing.log_reload import reload_lines, reload_summary, short_life
from ...runs.packing.source import Source
from ...runs.packing.write import write_run, write_trace
from ...runs.packing.write_reload import write_reload_run, write_reload_trace
from ...values import Network, NoFit
from ..options.pack import PackOptions
from ..shared import INTERRUPTED, add_report, step_bar, telling_of_compiling, telling_of_replacing, warn

if TYPE_CHECKING:
    from ...executable import Executable


def run(options: PackOptions) -> int:
    """Compile a network and write the run's folder; raises CannotBeDone where it does not fit.

    Returns 130 where tuning was interrupted: the best layout until then is written all the same.
    """
    run = options.run
    origin = begin(run.config, run.command_line, run.settings)
    hardware, parent = origin.config.hardware, run.log_dir / "packing"
    warn(*hardware.warnings)
    place = parent / run.exp_id
    with telling_of_replacing(place), run_folder(parent, run.exp_id, files=PACKING) as folder:
        executable = _executable(options) if options.image else None
        network = _network(options)
        warn(_other_hardware(options.model, origin.config))
        report = _compile(network, hardware, options)
        written = options.written_for(network)
        if isinstance(report, ReloadResult):
            written |= options.reload_written
            write_reload_run(folder, report, options.settings, written, origin)
        else:
            write_run(folder, report, options.settings, written, origin)
        if options.trace:
            _write_trace(folder, report, options.settings, hardware)
        if executable is not None:
            _write_image(folder, executable, report)
        if not run.no_report:
            add_report(folder, run.exp_id, run.figures)
    if run.verbose:
        more = [("segments", reload_lines(report))] if isinstance(report, ReloadResult) else []
        print(*log_lines(report, options.settings, written, origin, more), sep="\n", file=sys.stderr)
    told = reload_summary(report) if isinstance(report, ReloadResult) else summary(report)
    print(*told, f"files: {place}", sep="\n")
    if isinstance(report, ReloadResult):
        warn(short_life(report))
    return INTERRUPTED if report.duplication and report.duplication.stopped == "interrupt" else 0


def _network(options: PackOptions) -> Network:
    network = load_network(options.model, options.input_size)
    lost = [row for row in network.coverage if row.status == "unsupported"]
    if lost and options.strict:
        names = ", ".join(f"{row.name} ({row.kind})" for row in lost)
        raise BadInput(f"--strict: {len(lost)} modules of {options.model} cannot be mapped: {names}")
    if lost:
        warn(f"{len(lost)} modules of {options.model} cannot be mapped")
        print(*coverage_table(network), sep="\n", file=sys.stderr)
    return network


def _write_trace(folder: Path, report: CompileResult, settings: CompileOptions, hardware: Hardware) -> None:
    if isinstance(report, ReloadResult):
        write_reload_trace(folder, report, hardware)
    else:
        write_trace(folder, report, time_of(hardware, settings.data_movement))


def _executable(options: PackOptions) -> Executable:
    from ...executable import prepare

    source = Source(options.model, options.input_size, options.settings.packer.seed, options.weights)
    return prepare(source, options.calibration)


def _write_image(folder: Path, network: Executable, report: CompileResult) -> None:
    from ...executable import image_of
    from ...runs.packing.chip_image import save_image

    packing, chip = report.packing, None
    placements = packing.placements
    if isinstance(report, ReloadResult):
        chip = report.last_crossbar + 1
        placements = report.split.slots(chip)
    save_image(folder, image_of(network, report.mappings, placements, packing.size, chip))


def _other_hardware(model: str, config: SimConfig) -> str:
    """A line where a network of a search is packed on other hardware than it was found for."""
    kind, _, place = model.partition(":")
    if kind != "ofa":
        return ""
    front = front_of(Path(place.rpartition("#")[0]))
    held = read_hardware(front)
    if not held or config.digest in (each.digest for each in held):
        return ""
    if len(held) > 1:
        return f"{front} was found for other hardware, which the files in {front.parent / OFFERED} give"
    own = front.parent / CONFIG_COPY
    return f"{front} was found for other hardware, which --config {own} gives"


def _compile(network: Network, hardware: Hardware, options: PackOptions) -> CompileResult:
    with telling_of_compiling(), step_bar("packing") as packing, step_bar("tuning") as tuning:
        watch = Watch(
            lambda done, total, best: packing(done, total, f"{best} crossbars"),
            lambda done, total, ns: tuning(done, total, f"{ns / 1e6:.4f} ms"),
        )
        if options.reloads:
            return compile_reloaded(network, hardware, options.settings, options.reload, watch)
        found = compile_network(network, hardware, options.settings, watch)
    if isinstance(found, NoFit):
        fewest = "" if options.settings.tuning else ", or --find-solution for the fewest"
        raise CannotBeDone(
            f"{options.model} does not fit --num-crossbars {found.budget}: at least {found.lower_bound} are "
            f"needed, and a packing with {found.found} was found; use --num-crossbars {found.found}{fewest}"
            f", or {reload_advice(network.layers, hardware, options.settings, options.reload)}"
        )
    return found
