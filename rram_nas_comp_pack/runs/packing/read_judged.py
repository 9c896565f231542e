"""What the chips of a run get right, held against the image, the layout and the hardware of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import BadInput
from ...execution.device import device_of
from ...hardware.config.change import Settings, changed
from ...hardware.config.read import SimConfig
from ...values import Mapping
from .accuracy import ACCURACY_JSON, Accuracy, hardware_digest, mapping_names, read_accuracy
from .accuracy_check import is_own, own_image_digest
from .accuracy_sweep import ACCURACY_SWEEP, Sweep, read_sweep_lines, sweeps_of

Judged = tuple[Accuracy | None, tuple[Sweep, ...]]


def read_judged(run_dir: Path, mappings: Sequence[Mapping], config: SimConfig | None) -> Judged:
    """accuracy.json, None where no chip has been judged, and the sweeps of accuracy_sweep.csv.

    Raises BadInput where they are unsound or of other layers.
    """
    found, sweeps = read_accuracy(run_dir), sweeps_of(read_sweep_lines(run_dir))
    own = own_image_digest(run_dir) if found or sweeps else ""
    if found is not None:
        names = [(m.layer.name, how) for m, how in zip(mappings, mapping_names(mappings), strict=True)]
        if [(layer.name, layer.mapping) for layer in found.layers] != names:
            raise BadInput(f"{run_dir / ACCURACY_JSON}: it is of another layout; `accuracy` makes it anew")
        hardware = _is_of(config, "", found.reference.hardware)
        found = replace(found, own_hardware=hardware, own_image=is_own(found.reference.image, own))
    return found, tuple(_held_against(run_dir, sweep, len(mappings), config, own) for sweep in sweeps)


def _held_against(run_dir: Path, sweep: Sweep, layers: int, config: SimConfig | None, own: str) -> Sweep:
    if len(sweep.points[0].layers) != layers:
        raise BadInput(
            f"{run_dir / ACCURACY_SWEEP}: the chips of {sweep.key} are of another layout; `accuracy` judges "
            "them anew"
        )
    hardware = all(_is_of(config, f"{sweep.key}={point.value}", point.hardware) for point in sweep.points)
    return replace(sweep, own_hardware=hardware, own_image=is_own(sweep.asked.image, own))


def _is_of(config: SimConfig | None, setting: str, digest: str) -> bool:
    """Whether a digest may be that of the run's hardware with another value set."""
    if config is None:
        return True
    try:
        hardware = changed(config, Settings((setting,) if setting else ()), ACCURACY_SWEEP).hardware
        return hardware_digest(device_of(hardware)) == digest
    except BadInput:
        return False
