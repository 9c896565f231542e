"""The options of `pack` that stand for those of the compiler: what a run tells that was made from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...packing.pack import BEST_EFFORT
from ...tuning.settings import Tuning
from ...values import NO_RULES, Network, Rules

if TYPE_CHECKING:
    from ...compiler import CompileOptions


def written_options(network: Network, options: CompileOptions, config: str) -> dict[str, object]:
    """JSON values by the names of the command line; `config` is the file of the hardware."""
    sizes = {name: list(size[1:]) for name, size in network.inputs}
    packer, rules = options.packer, options.rules
    free = rules == NO_RULES
    shared = Rules() if free else rules
    return {
        **{"config": config, "seed": packer.seed, "model": network.name},
        "input_size": next(iter(sizes.values())) if len(sizes) == 1 else sizes or None,
        **{"num_crossbars": options.budget, "find_solution": options.budget is None},
        **{"depth_split_factor": options.depth_split, "no_pack_heuristic": free},
        **{"layer_threshold": shared.threshold, "xbar_max_load": shared.max_load},
        **{"packer": packer.packer, "pack_seconds": packer.seconds},
        "pack_effort": None if packer.effort == BEST_EFFORT else packer.effort,
        **_tuning(options),
        **{"num_sample": options.watched_samples, "sim_log_samples": options.traced_samples},
        **({} if options.schedule == "layer" else {"schedule": options.schedule}),
        **({"data_movement": True} if options.data_movement else {}),
        **({"leakage": True} if options.leakage else {}),
    }


def _tuning(options: CompileOptions) -> dict[str, object]:
    """Options of duplication; those of effort are the usual ones where there is none."""
    joint = options.tuning is not None and options.tuning.tuner == "joint"
    dense = options.depthwise == "auto" and not joint
    tuning = options.tuning or Tuning()
    return {
        **{"duplicate": options.tuning is not None, "tuner": tuning.tuner},
        "depthwise_mapping": "dense" if dense else options.depthwise,
        "diagonal_rows": options.diagonal_rows,
        **{"tune_effort": tuning.effort.steps, "tune_seconds": tuning.effort.seconds},
        "objective": tuning.effort.samples,
    }
