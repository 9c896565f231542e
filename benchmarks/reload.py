"""Networks on chips that are too small for them: the best cut beside the naive one, both tuned alike.

`python -m benchmarks.reload [STEPS]` prints a line a chip; steps are those of the joint tuner for a segment.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from time import process_time

from rram_nas_comp_pack.compiler import CompileOptions
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.reload.plan import Planner, plan
from rram_nas_comp_pack.reload.segments import ReloadSettings
from rram_nas_comp_pack.tuning.settings import Effort, Tuning

CHIPS = (("resnet18", (256, 128, 32)), ("squeezenet", (32, 16)), ("mbv3_small", (64, 32, 8)))
BATCH = 8


def main(steps: int) -> None:
    """Print a table."""
    hardware = load_hardware()
    print("network, crossbars | segments | naive | pass, ms | naive, ms | faster | planning, s")
    for name, budgets in CHIPS:
        layers = load_network(name, None).layers
        for budget in budgets:
            tuning = Tuning("joint", Effort(BATCH, steps, seed=123))
            goal = PackingSettings("best", budget, seed=123)
            options = CompileOptions(tuning=tuning, budget=budget, depthwise="auto", goal=goal)
            compiling = ReloadSettings(BATCH).compiling(hardware, options)
            plan(layers, replace(compiling, options=_quick(options)))  # kernels
            began = process_time()
            found = plan(layers, compiling)
            took = process_time() - began
            planner = Planner(layers, compiling)
            naive = planner.full()
            segments = [planner.segment(*span) for span in naive.spans]
            tuned = [planner.tuned(s.units, len(segments), None) for s in segments if s is not None]
            best = [
                min(a.total_ns, b.total_ns) if b else a.total_ns
                for a, b in zip(segments, tuned, strict=True)
                if a is not None
            ]
            ours, theirs = found.total_ns / 1e6, sum(best) / 1e6
            print(
                f"{name}, {budget} | {len(found.segments)} | {len(best)} | {ours:.4g} | {theirs:.4g} | "
                f"{theirs / ours:.2f} x | {took:.1f}",
                flush=True,
            )


def _quick(options: CompileOptions) -> CompileOptions:
    return replace(options, tuning=Tuning("joint", Effort(BATCH, 0, seed=123)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
