"""How fast subnets are compiled and how fast they are: `python -m benchmarks.subnets [SUBNETS [CLIMB]]`.

Random subnets, then a climb on speed alone from the fastest of them. Times are CPU times of one thread.
"""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

from pathlib import Path
from time import process_time

import numpy as np

from ofa.architecture import BLOCKS, DEPTHS, EXPANSIONS, KERNELS, Configuration, sample
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, compile_subnet
from rram_nas_comp_pack.values import NoFit, Rules

SETTINGS = CompileSettings(load_hardware(Path("SimConfig.ini")), 211, 8, Rules(1, 6))
GENES = ((KERNELS, len(BLOCKS)), (EXPANSIONS, len(BLOCKS)), (DEPTHS, len(BLOCKS) // DEPTHS[-1]))


def timed(chosen):
    """Speed of a subnet, 0 where it does not fit, and the ms it took."""
    begun = process_time()
    found = compile_subnet(chosen, SETTINGS)
    return 0.0 if isinstance(found, NoFit) else found.speed, 1e3 * (process_time() - begun)


def neighbour(chosen, rng):
    """another value for some genes, one in ten."""
    parts = [list(part) for part in chosen]
    for part, (values, length) in zip(parts, GENES, strict=True):
        for place in np.flatnonzero(rng.random(length) < 0.1):
            part[place] = int(rng.choice(values))
    return Configuration(*map(tuple, parts))


def climb(chosen, speed, steps, rng):
    """The fastest subnet that steps to neighbours lead to, with its speed."""
    for _ in range(steps):
        other = neighbour(chosen, rng)
        reached = timed(other)[0]
        if reached >= speed:
            chosen, speed = other, reached
    return chosen, speed


def main(subnets=200, steps=1000):
    rng = np.random.default_rng(1)
    drawn = [sample(rng) for _ in range(subnets)]
    for chosen in drawn[:50]:
        timed(chosen)
    speeds, ms = np.array([timed(chosen) for chosen in drawn]).T
    fit = speeds[speeds > 0]
    print(f"{subnets} random subnets, {SETTINGS.crossbars} crossbars, {SETTINGS.samples} samples")
    print(f"CPU ms a subnet: median {np.median(ms):.1f}, 95th percentile {np.quantile(ms, 0.95):.1f}")
    print(f"without room: {np.mean(speeds == 0):.1%}")
    print(f"speed: mean {fit.mean():.2f}, median {np.median(fit):.2f}, best {fit.max():.1f}")
    chosen, speed = climb(drawn[int(speeds.argmax())], speeds.max(), steps, rng)
    print(f"after {steps} steps of a climb: {speed:.1f} by {chosen}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
