"""`accuracy --sweep`: what chips get right at several values of a key of SimConfig.ini."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from ..errors import BadInput
from ..executable import calibration_digest
from ..execution.chip import ChipInstance, cell_shape
from ..execution.device import DeviceModel, device_of
from ..hardware.config.change import Settings, changed
from ..hardware.config.read import SimConfig
from ..hardware.config.several import Several, label_of, title_of
from ..runs.packing.accuracy import hardware_digest, mapping_names, share_name
from ..runs.packing.accuracy_lines import ChipLine, ChipName
from ..runs.packing.accuracy_sweep import (
    Sweep,
    SweepAsked,
    SweepLine,
    SweepPoint,
    add_sweep_line,
    begin_sweep,
    chip_of,
    read_sweep_lines,
    sweeps_of,
)
from ..runs.packing.mapping_errors import MAPPINGS, worst_db
from .judged_run import (
    JudgedRun,
    Progress,
    chips_asked,
    config_asked,
    judge,
    judged_run,
    warn_of_new,
)
from .mapping_errors import decibels
from .options.execution import SWEEP, AccuracyOptions
from .shared import step_bar, warn
from .text_table import aligned


class _Stop(NamedTuple):
    """A value at which chips are judged."""

    value: str
    device: DeviceModel
    hardware: str
    chips: dict[ChipName, ChipInstance]


class _Held(NamedTuple):
    """What new lines have in common, and the earlier ones that hold."""

    settings: str
    asked: SweepAsked
    lines: list[SweepLine]


def run_sweep(options: AccuracyOptions, several: Several) -> list[str]:
    """Judge the chips that have not been judged yet at each value, and say what all of them get right.

    accuracy_sweep.csv gets a line for each. Raises BadInput, before the first of them, for what cannot be.
    """
    config = config_asked(options)
    devices = _devices(config, several)
    of_run = judged_run(options, config)
    stops = _stops(of_run, devices, several.key.name)
    held = _held(of_run, stops, several)
    path = begin_sweep(options.results, held.lines)
    (sweep,) = sweeps_of(_judge_all(of_run, stops, several, held))
    return [*told(sweep, of_run), f"file: {path}"]


def _devices(config: SimConfig, several: Several) -> dict[str, DeviceModel]:
    """The cells and converters at every value; warns where all are the same."""
    found = {}
    for value in several.values:
        own = changed(config, Settings((several.setting(value),)), SWEEP)
        warn_of_new(config, own)
        found[value] = device_of(own.hardware)
    if 1 == len(set(found.values())) < len(found):
        warn(f"{SWEEP}: {several.key.name} changes nothing that these chips compute")
    return found


def _stops(of_run: JudgedRun, devices: Mapping[str, DeviceModel], key: str) -> list[_Stop]:
    """The values with their chips. Raises BadInput where a file of a chip does not suit them."""
    of_shape: dict[tuple[int, ...], dict[ChipName, ChipInstance]] = {}
    stops = []
    for value, device in devices.items():
        shape = cell_shape(device)
        if shape not in of_shape:
            of_shape[shape] = chips_asked(of_run.options, device, of_run.image.crossbars)
        stops.append(_Stop(value, device, hardware_digest(device), of_shape[shape]))
    fixed = [
        name for chips in of_shape.values() for name, chip in chips.items() if chip.deviation is not None
    ]
    if fixed and key == "Device_Variation":
        raise BadInput(
            f"{SWEEP}: found {key} with --chip {fixed[0]}, which holds the deviation of every cell; allowed "
            "is a file without them"
        )
    return stops


def _held(of_run: JudgedRun, stops: list[_Stop], several: Several) -> _Held:
    """Earlier lines: of other keys, and those of this one that hold under the present settings."""
    asked, key = _asked(of_run), several.key.name
    settings = _settings(of_run, asked, several)
    hardware = {stop.value: stop.hardware for stop in stops}

    def holds(line: SweepLine) -> bool:
        same = line.judged.settings == settings
        return line.key != key or (same and line.hardware == hardware.get(line.value, line.hardware))

    return _Held(settings, asked, [line for line in read_sweep_lines(of_run.options.results) if holds(line)])


def _asked(of_run: JudgedRun) -> SweepAsked:
    reference = of_run.reference(device_of(of_run.config.hardware))
    return SweepAsked(
        trained=reference.trained,
        integer=reference.integer_share,
        **{name: getattr(reference, name) for name in SweepAsked._fields[2:]},
    )


def _settings(of_run: JudgedRun, asked: SweepAsked, several: Several) -> str:
    """SHA-256 of all that decides what a chip gets right, but the encoding and the value of the key."""
    hardware = asdict(of_run.config.hardware)
    del hardware["warnings"], hardware["movement"], hardware[several.key.field]
    known = {
        **asked._asdict(),
        "images": of_run.question.images,
        "calibration": calibration_digest(of_run.network),
        "assign": of_run.options.assign,
        "hardware": hardware,
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _judge_all(of_run: JudgedRun, stops: list[_Stop], several: Several, held: _Held) -> list[SweepLine]:
    """A line for every value and chip: those that hold, and new ones, appended when done."""
    key, encoding = several.key.name, of_run.options.encoding
    known = {chip_of(line): line for line in held.lines}
    missing = {
        stop.value: [name for name in stop.chips if (key, stop.value, encoding, name) not in known]
        for stop in stops
    }
    with step_bar("accuracy", "image") as advance:
        progress = Progress(advance, sum(map(len, missing.values())) * of_run.question.images)
        for stop in stops:
            progress.note = several.setting(stop.value).partition(".")[2]
            judged = of_run.judged(stop.device) if missing[stop.value] else None
            for name in missing[stop.value]:
                assert judged is not None
                counts = judge(of_run, judged, stop.chips[name], progress)
                line = ChipLine(held.settings, encoding, name, counts)
                new = SweepLine(key, stop.value, stop.hardware, held.asked, line)
                add_sweep_line(of_run.options.results, new)
                known[chip_of(new)] = new
    return [known[key, stop.value, encoding, name] for stop in stops for name in stop.chips]


def told(sweep: Sweep, of_run: JudgedRun) -> Iterator[str]:
    """The closing lines: a table with a row for each value."""
    what, kind = share_name(sweep.asked.trained), "images" if sweep.asked.trained else "inputs"
    chips = len(sweep.points[0].chips)
    how = f"{of_run.options.encoding} encoding, {sweep.asked.adc} ADC"
    yield f"{what}, measured on {sweep.images} {kind}; {chips} chip{'s' * (chips > 1)}, {how}"
    if of_run.float_share is not None and sweep.asked.trained:
        yield f"float network: {of_run.float_share:.2%}"
    yield f"integer network: {sweep.asked.integer:.2%}"
    mappings = mapping_names(of_run.image.mappings)
    own = [mapping for mapping in MAPPINGS if mapping in mappings]
    spread = ["95 % interval of the mean"] * (chips > 1)
    header = [title_of(sweep.key), "mean", "worst", *spread, *(f"worst {each} layer" for each in own)]
    yield from aligned([header, *(_row(sweep.key, point, mappings, own) for point in sweep.points)])


def _row(key: str, point: SweepPoint, mappings: Sequence[str], own: Sequence[str]) -> list[str]:
    chip = point.chip
    spread = [] if chip.interval_95 is None else [" to ".join(f"{end:.2%}" for end in chip.interval_95)]
    errors = (decibels(worst_db(point.layers, mappings, mapping)) for mapping in own)
    return [label_of(key, point.value), f"{chip.mean:.2%}", f"{chip.worst:.2%}", *spread, *errors]
