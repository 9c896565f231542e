"""`accuracy`: what the chips of a run get right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from ofa.streams import printable

from ...execution.chip import ChipInstance
from ...execution.device import device_of
from ...execution.judging import Judged
from ...runs.held_folder import make_folder
from ...runs.packing.accuracy import Accuracy, Reference, accuracy_of, save_accuracy, share_name
from ...runs.packing.accuracy_lines import ChipLine, ChipName, add_line, begin_lines, read_lines
from ..accuracy_sweep import run_sweep
from ..judged_run import (
    JudgedRun,
    Progress,
    chips_asked,
    config_asked,
    judge,
    judged_run,
    layer_places,
    one_thread,
)
from ..mapping_errors import mapping_rows
from ..options.execution import AccuracyOptions
from ..shared import step_bar, telling_how_to_go_on, telling_of_compiling


def run(options: AccuracyOptions) -> int:
    """Judge the chips that have not been judged yet, and print what all of them say.

    Raises BadInput for a run that cannot be executed, and for options that do not suit it.
    """
    if options.out is not None:
        make_folder(options.out, "--out")
    kept = "chips that were judged are kept, and the same command goes on"
    with telling_of_compiling(), one_thread(), telling_how_to_go_on(kept, options.command_line):
        lines = run_sweep(options, options.sweep) if options.sweep else _run_once(options)
    print(*map(printable, lines), sep="\n")
    return 0


def _run_once(options: AccuracyOptions) -> list[str]:
    """Judge chips of one hardware, write accuracy.json, and say what they get right."""
    of_run = judged_run(options, config_asked(options))
    device = device_of(of_run.config.hardware)
    judged, reference = of_run.judged(device), of_run.reference(device)
    chips = chips_asked(options, device, of_run.image.crossbars)
    lines = _judge_all(of_run, judged, reference, chips)
    found = accuracy_of(reference, lines, layer_places(judged))
    path = save_accuracy(options.results, found, lines)
    return [*told(found), f"file: {path}"]


def _judge_all(
    of_run: JudgedRun, judged: Judged, reference: Reference, chips: dict[ChipName, ChipInstance]
) -> list[ChipLine]:
    """A line for every chip: those of accuracy.csv that still hold, and new ones, appended when done."""
    folder, settings = of_run.options.results, _settings(judged, reference)
    held = [line for line in read_lines(folder) if line.settings == settings]
    begin_lines(folder, held, reference.trained)
    known = {line.chip: line for line in held if line.encoding == reference.encoding}
    missing = [name for name in chips if name not in known]
    with step_bar("accuracy", "image") as advance:
        progress = Progress(advance, len(missing) * of_run.question.images)
        for name in missing:
            counts = judge(of_run, judged, chips[name], progress)
            known[name] = ChipLine(settings, reference.encoding, name, counts)
            add_line(folder, known[name], reference.trained)
    return [known[name] for name in chips]


def _settings(judged: Judged, reference: Reference) -> str:
    """SHA-256 of all that decides what a chip gets right, but the encoding."""
    known = {
        "adc": judged.adc,
        "assign": judged.assign,
        **reference._replace(encoding="", float_share=None)._asdict(),
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def told(found: Accuracy) -> Iterator[str]:
    """The closing lines."""
    reference, chip = found.reference, found.chip
    kind = "images" if reference.trained else "inputs"
    yield f"{share_name(reference.trained)}, measured on {reference.images} {kind}"
    if reference.float_share is not None and reference.trained:
        yield f"float network: {reference.float_share:.2%}"
    yield f"integer network: {reference.integer_share:.2%}"
    spread = ""
    if chip.interval_95 is not None:
        low, high = chip.interval_95
        spread = f"; deviation {chip.deviation:.2%}, 95 % interval of the mean {low:.2%} to {high:.2%}"
    many = f"{len(found.chips)} chip{'s' * (len(found.chips) > 1)}, {reference.encoding} encoding"
    yield f"{many}: {chip.mean:.2%} on average, {chip.worst:.2%} at worst{spread}"
    yield from mapping_rows(found.layers)
