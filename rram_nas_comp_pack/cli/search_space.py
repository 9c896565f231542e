"""From the options of `evolve`: the hardware that its networks may lie on, and the space of the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadInput
from ..execution.device import device_of
from ..hardware.chip_costs import area_per_crossbar_um2
from ..hardware.config.change import load_changed
from ..hardware.config.read import Hardware, SimConfig
from ..nas.compile_gene import NamedHardware, crossbars_within, with_diagonal_rows, with_hardware
from ..nas.ofa_space import AccuracyMethod, AccuracySettings, OfaSpace
from ..runs.origin import OfferedConfig
from ..runs.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..nas.compile_subnet import CompileSettings
    from ..nas.space import SearchSpace
    from .options.evolve import EvolveOptions


def offered_configs(options: EvolveOptions, first: SimConfig) -> tuple[OfferedConfig, ...]:
    """All configurations that are given, `first` being read already, with the crossbars of the budget.

    Raises BadInput where one cannot be read, or the budget holds none of its crossbars.
    """
    configs = (first, *(load_changed(path, options.run.settings) for path in options.configs[1:]))
    return tuple(
        OfferedConfig(plain(path.stem), _budget(options, config.hardware, path.name), config)
        for path, config in zip(options.configs, configs, strict=True)
    )


def _budget(options: EvolveOptions, hardware: Hardware, name: str) -> int:
    if options.area_budget is None:
        return options.crossbars
    found = crossbars_within(hardware, options.area_budget)
    if not found:
        least = area_per_crossbar_um2(hardware) / 1e6
        raise BadInput(
            f"--area-budget: found {options.area_budget:g}, allowed is at least the {least:.4g} mm² of a "
            f"crossbar of {name}"
        )
    return found


def usual_method(hardware: Sequence[Hardware]) -> AccuracyMethod:
    """Chips are asked where some of them compute something else than float networks do."""
    devices = map(device_of, hardware)
    faulty = any(each.variation or each.stuck_high or each.stuck_low for each in devices)
    return "chip" if faulty else "calibrate"


def diagonal_rows(
    given: tuple[int, ...] | None, settings: CompileSettings, method: AccuracyMethod, rows: int
) -> tuple[int, ...]:
    """The rows of diagonal boxes that a gene chooses from, of those `given`; empty where it is no choice.

    On chips they are by default none, half of a crossbar's `rows`, or all.
    """
    free = settings.depthwise == "auto" and settings.tuner == "joint"
    if given is None and method == "chip" and free:
        return (0, rows // 2, rows)
    return given if given and len(given) > 1 else ()


def search_space(
    judging: AccuracySettings, rows: tuple[int, ...], offered: Sequence[OfferedConfig]
) -> SearchSpace:
    """All subnets, and genes for the rows of diagonal boxes and for the hardware where these are choices."""
    space: SearchSpace = OfaSpace(judging)
    if rows:
        space = with_diagonal_rows(space, rows)
    if len(offered) > 1:
        named = [NamedHardware(each.name, each.config.hardware, each.crossbars) for each in offered]
        space = with_hardware(space, named)
    return space
