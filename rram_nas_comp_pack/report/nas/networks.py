"""The networks of the front: a table, and for each what it is made of and the command that packs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from ofa.architecture import DEPTHS, Configuration, layer_shapes

from ...runs.nas.run import FrontNetwork, SearchRun
from ...runs.origin import offered_place
from ..page import Cell, CellValue, table
from ..palette import ON_CHIP, SEARCHED, TEST, TUNED
from ..svg import sign
from .charts import accuracies_told, network_id

PACK_DEFAULTS = {
    "depth_split_factor": "1", "layer_threshold": "1", "xbar_max_load": "6", "tuner": "joint",
    "num_sample": "8", "diagonal_rows": "None", "tune_effort": "None", "seed": "123",
    "schedule": "layer",
}  # fmt: skip
"""What `pack` does where it is not told: only other values are part of a command."""

PLACEHOLDER = "RUN_DIR"
"""Stands for the run's folder where no script puts it in."""


def front_table(runs: Sequence[SearchRun]) -> str:
    """All fronts, a row a network; a row can be chosen like a button."""
    many = len(runs) > 1
    chips = any(n.chip is not None for run in runs for n in run.front.networks)
    on_chips = ("on chips", "on chips, test") if chips else ()
    mixed = any(run.front.offered for run in runs)
    header = (
        *(("run",) if many else ()), "network", *(("hardware",) if mixed else ()), "accuracy",
        "test accuracy", *on_chips, "speed searched",
        "speed tuned", "latency, ms", "energy, mJ", "crossbars", "utilization",
    )  # fmt: skip
    named = [
        (network_id(i, n), list(_cells(n, run.name if many else None, chips, mixed)))
        for i, run in enumerate(runs)
        for n in run.front.networks
    ]
    attributes = [f' tabindex="{-1 if k else 0}" data-network="{name}"' for k, (name, _) in enumerate(named)]
    told = CHIPS_NOTE if chips else ""
    caption = (
        f"Networks of the front: accuracy on validation images; {told}speed and latency of "
        f"{_samples(runs)}. Speed searched is that of the quick layout that the search went by; speed tuned "
        "and all further figures are after tuning in full, where that was done. Enter shows a network."
    )
    found = table(header, [cells for _, cells in named], caption, True, attributes)
    if not many and not mixed:  # else colours tell runs or hardware apart
        found = _with_signs(found, chips)
    return f'<div class="networks">{found}</div>\n'


def _with_signs(found: str, chips: bool) -> str:
    """The table with the marks of the chart of the front in its heads."""
    looks = {
        "speed searched": SEARCHED,
        "speed tuned": TUNED,
        "on chips": ON_CHIP,
        "on chips, test" if chips else "test accuracy": TEST,
    }
    for name, look in looks.items():
        found = found.replace(f">{name}</button>", f">{sign(look)} {name}</button>")
    return found


def _samples(runs: Sequence[SearchRun]) -> str:
    counts = sorted({run.front.samples for run in runs})
    return f"{' and '.join(map(str, counts))} sample{'s' * (counts != [1])}"


CHIPS_NOTE = (
    "on chips, that of layouts which are executed with their faults: as searched on validation images, as "
    "tuned on test images and other chips; "
)


def _cells(network: FrontNetwork, run: str | None, chips: bool, mixed: bool) -> Iterator[CellValue]:
    if run is not None:
        yield run
    best, tuned = network.best, network.tuned
    yield network.index
    if mixed:
        yield network.hardware or "-"
    yield Cell(f"{network.validation:.4f}", network.validation)
    for share in (network.test, *((network.chip, network.chip_test) if chips else ())):
        yield Cell("-", -1) if share is None else Cell(f"{share:.4f}", share)
    yield Cell(f"{network.searched.speed:.2f}", network.searched.speed)
    yield Cell("-", -1) if tuned is None else Cell(f"{tuned.speed:.2f}", tuned.speed)
    yield Cell(f"{best.latency_ns / 1e6:.4f}", best.latency_ns)
    yield Cell(f"{best.energy_nj / 1e6:.4f}", best.energy_nj)
    yield best.crossbars
    yield Cell(f"{best.utilization:.1%}", best.utilization)


def network_panels(runs: Sequence[SearchRun], folders: Sequence[str]) -> str:
    """A panel for every network of the front; the page shows one of them; `folders` lead from page to run."""
    named = len(runs) > 1
    panels = (
        _panel(network_id(i, n), f"{run.name}, network {n.index}" if named else f"Network {n.index}",
               n, pack_command(run, "front.json", n.index, _chosen(run, n)), folder)
        for i, (run, folder) in enumerate(zip(runs, folders, strict=True)) for n in run.front.networks
    )  # fmt: skip
    return "".join(panels)


def _panel(name: str, title: str, network: FrontNetwork, command: str, folder: str) -> str:
    layers = layer_shapes(*network.network)
    weights = sum(s.kernel**2 * s.channels // s.groups * s.out for s in layers)
    own = network.test if network.chip is None else network.chip_test
    where = "test" if network.chip is None else "on chips and test images"
    test = "" if own is None else f", {where} {own:.4f}"
    on = (
        f", on {network.hardware} (pack tells speeds over the baseline of this hardware itself)"
        if network.hardware
        else ""
    )
    figures = f"{accuracies_told(network)}{test}, speed {network.best.speed:.2f}{on}"
    return (
        f'<div class="panel" id="{name}" hidden><h3>{escape(title)}</h3>\n'
        f"<p>{figures}; {len(layers)} layers, {weights / 1e6:.2f} million weights</p>\n"
        f"{_stages(network.network)}"
        '<p>Packed by</p><pre tabindex="0">'
        f'<code data-folder="{escape(folder)}">{escape(command)}</code></pre>'
        f'<button type="button" class="copy">Copy the command</button> <span role="status"></span></div>\n'
    )


def _stages(network: Configuration) -> str:
    rows = []
    for stage, depth in enumerate(network.d):
        own = slice(stage * DEPTHS[-1], stage * DEPTHS[-1] + depth)
        choices = (" ".join(map(str, values[own])) for values in (network.ks, network.e))
        rows.append([str(stage + 1), str(depth), *choices])
    return stages_table(rows)


def stages_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of stages: number, depth, kernels and expansions."""
    return table(("stage", "depth d", "kernels ks", "expansions e"), rows, "Blocks that run, first to last")


class Chosen(NamedTuple):
    """What genes beside the network choose, or what stands for it; None where that was no gene."""

    rows: int | str | None = None
    hardware: str | None = None
    crossbars: int | str = ""


NOTHING = Chosen()


def _chosen(run: SearchRun, network: FrontNetwork) -> Chosen:
    crossbars = next((own.crossbars for own in run.front.offered if own.name == network.hardware), "")
    return Chosen(network.diagonal_rows, network.hardware, crossbars)


def pack_command(run: SearchRun, file: str, number: int | str, chosen: Chosen = NOTHING) -> str:
    """The command line that packs a network in a file of the search; one of the front as it was tuned."""
    parts = [f"python -m rram_nas_comp_pack pack --model ofa:{PLACEHOLDER}/{file}#{number}"]
    parts.append(f"--num-crossbars {chosen.crossbars if chosen.hardware else run.front.budget}")
    if run.front.resolution != 64:
        parts.append(f"--input-size 3,{run.front.resolution},{run.front.resolution}")
    duplicate = run.options.get("duplicate", "True") == "True"
    parts += [
        f"--{name}" for name, on in (("duplicate", duplicate), ("no-pack-heuristic", _unruly(run))) if on
    ]
    mapping = run.options.get("depthwise_mapping")
    if mapping not in (None, "auto" if duplicate else "dense"):
        parts.append(f"--depthwise-mapping {mapping}")
    for name, usual in PACK_DEFAULTS.items():
        value = str(run.front.samples) if name == "num_sample" else run.options.get(name, usual)
        if name == "diagonal_rows" and chosen.rows is not None:
            value = str(chosen.rows)
        if value != usual:
            parts.append(f"--{name.replace('_', '-')} {value}")
    if chosen.hardware:
        parts.append(f"--config {PLACEHOLDER}/{offered_place(chosen.hardware)}")
    elif run.front.config is not None:
        parts.append(f"--config {PLACEHOLDER}/SimConfig.ini")
    elif run.options.get("config", "SimConfig.ini") != "SimConfig.ini":
        parts.append(f"--config {run.options['config']}")
    return " ".join(parts)


def _unruly(run: SearchRun) -> bool:
    return run.options.get("no_pack_heuristic") == "True"
