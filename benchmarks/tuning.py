"""What duplication brings, step by step: `python -m benchmarks.tuning` prints the table of the docs.

Speeds are those of the ISAAC-like baseline over the simulated latency. Takes some ten minutes.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.contention import roofline_ns
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint.multi_start import tune
from rram_nas_comp_pack.tuning.paper.margin_tuner import margin_trials
from rram_nas_comp_pack.tuning.settings import Effort, Target
from rram_nas_comp_pack.values import CrossbarSize, Layout, Rules

SIZE = CrossbarSize(128, 128)
RULES = Rules()
CASES = [
    ("mbv3_small", 211, (1, 8, 64)),
    ("mbv3_small", 249, (8,)),
    ("squeezenet", 82, (8, 512)),
    ("resnet18", 1028, (8, 512)),
]
READ = partial(read_ns, load_hardware(Path("SimConfig.ini")))


def latency(mappings, placements, samples):
    return simulate(program(mappings, READ, placements), samples).latency_ns


def undivided(layers):
    """The same layers, except that none may be cut in another way."""
    return tuple(replace(layer, depthwise=False) for layer in layers)


def unaware(mappings, budget):
    """The same copies and cuts, placed by the packer, which knows nothing of time."""
    return pack_mappings(mappings, SIZE, RULES, PackingSettings("best", budget=budget, seed=123))


def rows(model, budget, samples, steps):
    """(step, speed, speed if placed unaware of time, packed / larger of ideal and roofline, utilization)."""
    layers = load_network(model).layers
    baseline = latency(partition(layers, SIZE), None, samples)
    plain = partition(layers, SIZE)
    packing = pack_mappings(plain, SIZE, RULES, PackingSettings("best", budget=budget, seed=123))
    yield "no copies", baseline / latency(plain, packing.placements, samples), None, None
    target = Target(budget, SIZE, RULES, "dense")

    def latency_of(layout):
        return latency(layout.mappings, layout.packing.placements, samples)

    *_, (trial, _) = margin_trials(Layout(plain, packing), target, 123, latency_of)
    yield "the paper's tuner", baseline / trial.latency_ns, None, None
    named = [
        ("copies", undivided(layers), "dense"),
        ("and splits", layers, "dense"),
        ("and mapping", layers, "auto"),
    ]
    for name, given, mapping in named if model == "mbv3_small" else named[:1]:
        plain = partition(given, SIZE)
        target = Target(budget, SIZE, RULES, mapping)
        tuned = tune(Layout(plain, packing), target, READ, Effort(samples, steps, seed=123)).layout
        assert list(violations(tuned.mappings, tuned.packing.placements, SIZE, RULES, budget)) == []
        packed = latency(tuned.mappings, tuned.packing.placements, samples)
        again = unaware(tuned.mappings, budget)
        other = latency(tuned.mappings, again.placements, samples) if again.crossbars <= budget else None
        ideal = latency(tuned.mappings, None, samples)
        roofline = samples * roofline_ns(tuned.mappings, READ, budget)
        utilization = tuned.utilization
        yield name, baseline / packed, other and baseline / other, packed / max(ideal, roofline), utilization


def main(steps=None):
    print("| network, crossbars | samples | step | speed | placed unaware | packed / bound | utilization |")
    print("|---|---|---|---|---|---|---|")
    for model, budget, numbers in CASES:
        for samples in numbers:
            for name, speed, *others in rows(model, budget, samples, steps):
                cells = " | ".join("" if x is None else f"{x:.2f}" for x in [*others, None, None][:3])
                print(f"| {model}, {budget} | {samples} | {name} | {speed:.1f} | {cells} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
