"""The networks of the front: a table, and for each what it is made of and the command that packs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ofa.architecture import DEPTHS, Configuration, layer_shapes

from ...runs.nas.run import FrontNetwork, SearchRun
from .front import network_id

PACK_DEFAULTS = {
    "depth_split_factor": "1", "layer_threshold": "1", "xbar_max_load": "6", "tuner": "joint",
    "num_sample": "8", "tune_effort": "None", "seed": "123",
}  # fmt: skip
"""What `pack` does where it is not told: only other values are part of a command."""

PLACEHOLDER = "RUN_DIR"
"""Stands for the run's folder where no script puts it in."""


def front_table(runs: Sequence[SearchRun]) -> str:
    """All fronts, a row a network; a row can be chosen like a button."""
    many = len(runs) > 1
    header = (
        *(("run",) if many else ()), "network", "accuracy", "test accuracy", "speed searched",
        "speed tuned", "latency, ms", "energy, mJ", "crossbars", "utilization",
    )  # fmt: skip
    heads = "".join(f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in header)
    body = "".join(
        f'<tr tabindex="{-1 if i or k else 0}" data-network="{network_id(i, network)}">'
        f"{''.join(_cells(run, network, many))}</tr>\n"
        for i, run in enumerate(runs)
        for k, network in enumerate(run.front.networks)
    )
    caption = (
        "Networks of the front: accuracy on validation images; speed and latency of "
        f"{_samples(runs)}. Speed searched is that of the quick layout that the search went by; speed tuned "
        "and all further figures are after tuning in full, where that was done. Enter shows a network."
    )
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Networks of the front">'
        '<table class="wrapped">'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f'<tbody class="networks">\n{body}</tbody></table></div>\n'
    )


def _samples(runs: Sequence[SearchRun]) -> str:
    counts = sorted({run.front.samples for run in runs})
    return f"{' and '.join(map(str, counts))} sample{'s' * (counts != [1])}"


def _cells(run: SearchRun, network: FrontNetwork, named: bool) -> Iterator[str]:
    if named:
        yield f'<th scope="row">{escape(run.name)}</th>'
    tag, best, tuned = "td" if named else 'th scope="row"', network.best, network.tuned
    yield f'<{tag} class="number" data-value="{network.index}">{network.index}</{tag[:2]}>'
    yield _number(network.validation, "{:.4f}")
    yield _number(network.test, "{:.4f}")
    yield _number(network.searched.speed, "{:.2f}")
    yield _number(tuned.speed if tuned else None, "{:.2f}")
    yield _number(best.latency_ns / 1e6, "{:.4f}")
    yield _number(best.energy_nj / 1e6, "{:.4f}")
    yield _number(best.crossbars, "{:d}")
    yield _number(best.utilization, "{:.1%}")


def _number(value: float | None, shown: str) -> str:
    if value is None:
        return '<td class="number" data-value="-1">-</td>'
    return f'<td class="number" data-value="{value!r}">{shown.format(value)}</td>'


def network_panels(runs: Sequence[SearchRun], folders: Sequence[str]) -> str:
    """One panel a network, of which the page shows the chosen one. `folders` lead from page to run."""
    named = len(runs) > 1
    panels = (
        _panel(network_id(i, n), f"{run.name}, network {n.index}" if named else f"Network {n.index}",
               n, pack_command(run, n), folder)
        for i, (run, folder) in enumerate(zip(runs, folders, strict=True)) for n in run.front.networks
    )  # fmt: skip
    hint = '<p class="hint">Choose a point or a row to see its network.</p>'
    return f'<div class="panels" aria-live="polite">{hint}{"".join(panels)}</div>\n'


def _panel(name: str, title: str, network: FrontNetwork, command: str, folder: str) -> str:
    layers = layer_shapes(*network.network)
    weights = sum(s.kernel**2 * s.channels // s.groups * s.out for s in layers)
    test = "" if network.test is None else f", test {network.test:.4f}"
    figures = f"accuracy {network.validation:.4f}{test}, speed {network.best.speed:.2f}"
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
        texts = (str(depth), *(" ".join(map(str, values[own])) for values in (network.ks, network.e)))
        cells = "".join(f"<td>{text}</td>" for text in texts)
        rows.append(f'<tr><th scope="row">{stage + 1}</th>{cells}</tr>')
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("stage", "depth d", "kernels ks", "expansions e")
    )
    caption = "Blocks that run, first to last"
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f"<table><caption>{caption}</caption>{body}</table>\n"


def pack_command(run: SearchRun, network: FrontNetwork) -> str:
    """The command line that gives this network its tuned figures again."""
    parts = [f"python -m rram_nas_comp_pack pack --model ofa:{PLACEHOLDER}/front.json#{network.index}"]
    parts.append(f"--num-crossbars {run.front.budget}")
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
        if value != usual:
            parts.append(f"--{name.replace('_', '-')} {value}")
    if run.front.config is not None:
        parts.append(f"--config {PLACEHOLDER}/SimConfig.ini")
    elif run.options.get("config", "SimConfig.ini") != "SimConfig.ini":
        parts.append(f"--config {run.options['config']}")
    return " ".join(parts)


def _unruly(run: SearchRun) -> bool:
    return run.options.get("no_pack_heuristic") == "True"
