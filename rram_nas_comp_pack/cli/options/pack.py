"""Options of `pack`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ofa.parser import word

from ...values import DEFAULT_SIZE, InputSize, Network, rules_of
from .converters import at_least, objective, seconds, sizes
from .execution import add_weights, require_image
from .reload import NAMES, add_reload, reload_settings, reload_values
from .shared import (
    CROSSBARS,
    RunOptions,
    add_data_movement,
    add_duplication,
    add_ignored,
    add_packing,
    add_run,
    add_schedule,
    depthwise_mapping,
    run_options,
)

if TYPE_CHECKING:
    from ...compiler import CompileOptions
    from ...reload.segments import ReloadSettings


@dataclass(frozen=True, slots=True)
class PackOptions:
    """Options of `pack`: those of its run, of the compiler, and its own.

    `reload` says how the chip is reloaded, and `reload_written` how a run in segments tells it; `reloads`
    is whether it may be.
    """

    run: RunOptions
    settings: CompileOptions
    model: str
    input_size: InputSize | None
    strict: bool
    trace: bool
    image: bool
    weights: Path | None
    calibration: int | None
    reloads: bool
    reload: ReloadSettings
    reload_written: dict[str, object]

    def written_for(self, network: Network) -> dict[str, object]:
        """Options as a run tells them: the input size is None where the network states its own."""
        size = used_size(self.input_size or DEFAULT_SIZE, network)
        written = {**self.run.written, "input_size": size}
        if self.settings.schedule == "layer":  # a run by the paper's schedule is as it always was
            del written["schedule"]
        for name in ("data_movement", "leakage"):
            if not written[name]:
                del written[name]
        return written


def add_pack(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add_run(parser)
    add(
        "--model",
        type=word,
        default="mbv3_small",
        help="network: a shipped name, torchvision:NAME, timm:NAME, ofa:front.json#K or ofa:evaluated.csv#K "
        "of a search, package.module:callable or a .onnx file (default: mbv3_small)",
    )
    add(
        "--input-size",
        type=sizes,
        action="append",
        metavar="[NAME=]C,H,W",
        help="sizes of one sample, without the batch; if a network has several inputs, once for "
        "each of them, by name (default: 3,64,64)",
    )
    add("--strict", action="store_true", help="fail if a part of the network cannot be mapped")
    add_packing(parser)
    add("--find-solution", action="store_true", help="find the fewest crossbars, whatever the budget")
    add(
        "--packer",
        choices=("fast", "best", "exact"),
        default="best",
        help="method of packing: fast, best, or exact, which tries to prove the optimum (default: best)",
    )
    add(
        "--pack-effort",
        type=at_least(0),
        metavar="N",
        help="number of steps of the improvement search (default: 100000)",
    )
    add(
        "--pack-seconds",
        type=seconds,
        metavar="S",
        help="time limit of packing, which can make results differ between machines (default: none)",
    )
    add_duplication(parser)
    add(
        "--objective",
        type=objective,
        metavar="GOAL",
        help="goal of tuning: latency (of one sample), throughput (of 4096 samples), or samples:N "
        "(default: the samples of --num-sample)",
    )
    add_schedule(parser)
    add_reload(parser)
    add_data_movement(parser)
    add(
        "--leakage",
        action="store_true",
        help="add to the energy what the buffers of all processing elements leak, at work or idle",
    )
    add(
        "--tune-seconds",
        type=seconds,
        metavar="S",
        help="time limit of tuning, which can make results differ between machines (default: none)",
    )
    add(
        "--sim-log-samples",
        type=at_least(1),
        default=4,
        metavar="N",
        help="number of samples whose schedule is written to sim.log (default: 4)",
    )
    add(
        "--trace",
        action="store_true",
        help="also write the schedule of these samples as a timeline for Perfetto, trace.json",
    )
    add(
        "--image",
        action="store_true",
        help="also write chip_image.npz, what the crossbars are loaded with",
    )
    add_weights(parser)
    unused = ("--device", "--coef-acc", "--coef-latency")
    add_ignored(parser, ("--log-pack", "--no-cuda", "--no-fine-tune", "-r"), unused)


OWN = ("model", "input_size", "strict", "trace", "image", "weights", "calibration")


def pack_options(values: dict[str, Any], command_line: str) -> PackOptions:
    """The options that these values stand for. Raises BadInput where they contradict."""
    require_image(values)
    if values["num_crossbars"] is None:
        reloads = values["reload"] != "no"
        values["num_crossbars"] = CROSSBARS if reloads else None
        values["find_solution"] |= not reloads
    values["depthwise_mapping"] = depthwise_mapping(values)
    values["objective"] = values["objective"] or values["num_sample"]
    values["input_size"] = _input_size(values["input_size"])
    reload = reload_values(values)
    # a run of one segment is as it always was, and does not speak of others
    told = {name: value for name, value in values.items() if name not in NAMES}
    return PackOptions(
        run=run_options(told, command_line),
        settings=_settings(values),
        **{name: values[name] for name in OWN},
        reloads=reload["reload"] != "no",
        reload=reload_settings(reload),
        reload_written=reload,
    )


def _settings(v: dict[str, Any]) -> CompileOptions:
    # what is asked for is known to be sound by now: not before is the compiler imported, with numba
    from ...compiler import CompileOptions
    from ...packing.pack import BEST_EFFORT, PackingSettings
    from ...tuning.settings import Effort, Tuning

    budget = None if v["find_solution"] else v["num_crossbars"]
    effort = Effort(v["objective"], v["tune_effort"], v["tune_seconds"], v["seed"])
    return CompileOptions(
        depth_split=v["depth_split_factor"],
        depthwise=v["depthwise_mapping"],
        diagonal_rows=v["diagonal_rows"],
        tuning=Tuning(v["tuner"], effort) if v["duplicate"] else None,
        budget=budget,
        rules=rules_of(v["no_pack_heuristic"], v["layer_threshold"], v["xbar_max_load"]),
        goal=PackingSettings(
            packer=v["packer"],
            budget=budget,
            effort=BEST_EFFORT if v["pack_effort"] is None else v["pack_effort"],
            seconds=v["pack_seconds"],
            seed=v["seed"],
        ),
        traced_samples=v["sim_log_samples"],
        watched_samples=v["num_sample"],
        schedule=v["schedule"],
        data_movement=v["data_movement"],
        leakage=v["leakage"],
    )


def _input_size(given: Sequence[tuple[str, tuple[int, ...]]] | None) -> InputSize | None:
    """What `--input-size` says, None if nothing; the last one of a name wins, as with every option."""
    if not given:
        return None
    by_name = dict(given)
    return by_name[""] if [*by_name] == [""] else by_name


def used_size(given: InputSize, network: Network) -> InputSize | None:
    """What of the given sizes a network was traced on, None for nothing; all where it does not say."""
    if not network.inputs:
        return given
    sizes = dict(network.inputs)
    every = [*sizes.values()]
    if isinstance(given, tuple):
        return given if any(_is_size(given, size) for size in every) else None
    used = {
        name: size
        for name, size in given.items()
        if any(_is_size(size, each) for each in ([sizes[name]] if name in sizes else every))
    }
    return used or None


def _is_size(given: tuple[int, ...], traced: tuple[int, ...]) -> bool:
    """Whether a size without the batch is that of an input with it."""
    return given in (traced[1:], traced)
