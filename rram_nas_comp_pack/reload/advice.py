"""What reloading would cost, by bounds alone: for those whose network does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from ..compiler import CompileOptions
from ..errors import BadInput
from ..hardware.config.read import Hardware
from ..hardware.writing import Wear
from ..values import Layer
from .plan import quick_bound
from .segments import ReloadSettings


def reload_advice(
    layers: Sequence[Layer], hardware: Hardware, options: CompileOptions, reload: ReloadSettings
) -> str:
    """That the network runs in segments, and roughly the time of a pass and the life of the cells.

    Layers that stay on the chip and segments that change places may make both a little better.
    """
    try:
        found = quick_bound(layers, reload.compiling(hardware, options))
    except BadInput:
        return "--reload"
    fewest = found.fewest
    years = Wear(fewest, reload.batch, reload.endurance, reload.rate).years
    life = f"{years:.3g} years" if years >= 1 else f"{years * 365.25:.3g} days"
    samples = f"{reload.batch} sample{'s' * (reload.batch > 1)}"
    return (
        f"--reload, which runs it in {fewest} segments or more: roughly {found.ns / 1e6:.4g} ms or more for "
        f"{samples}, and roughly {life} until the first cell is worn at {reload.rate:g} inferences a second"
    )
