"""One network of a search space through compiler and judge: what a worker of the search does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..values import NoFit
from .compile_subnet import CompileSettings, MappedSubnet, SubnetMetrics, map_layers
from .generations import SubnetResult
from .genes import row_of

if TYPE_CHECKING:
    from .space import Genes, SearchSpace


@dataclass(frozen=True, slots=True)
class TunedSubnet:
    """A subnet of the front: compiled in full, and its accuracies (0 to 1) on both kinds of images.

    `chip_test` is that of chips which the search has not seen, None where no chip is asked.
    """

    compiled: SubnetMetrics
    validation: float
    test: float
    chip_test: float | None = None


def evaluate_subnet(space: SearchSpace, settings: CompileSettings, genes: bytes) -> SubnetResult:
    """Compile a subnet and judge it. One that needs more crossbars than there are is not judged."""
    row = row_of(genes)
    own = space.settings(row, settings)
    found = _mapped(space, row, own)
    if isinstance(found, NoFit):
        return _too_large(found)
    ready = space.make(row)
    accuracy = ready.accuracy("validation")
    on_chip = ready.chip_accuracy(found.layout, own.hardware, "validation")
    return replace(_figures(found.metrics), accuracy=accuracy, chip_accuracy=on_chip)


def compile_only(space: SearchSpace, settings: CompileSettings, genes: bytes) -> SubnetResult:
    """Compile a subnet; judging it is left to others."""
    row = row_of(genes)
    found = _mapped(space, row, space.settings(row, settings))
    return _too_large(found) if isinstance(found, NoFit) else _figures(found.metrics)


def evaluate_in_full(space: SearchSpace, settings: CompileSettings, genes: bytes) -> TunedSubnet:
    """Compile a subnet that fits, and judge it by validation and by test images."""
    row = row_of(genes)
    own = space.settings(row, settings)
    found = _mapped(space, row, own)
    if isinstance(found, NoFit):
        raise ValueError(f"needs {found.found} crossbars")
    ready = space.make(row)
    on_chip = ready.chip_accuracy(found.layout, own.hardware, "test")
    return TunedSubnet(found.metrics, ready.accuracy("validation"), ready.accuracy("test"), on_chip)


def _mapped(space: SearchSpace, row: Genes, settings: CompileSettings) -> MappedSubnet | NoFit:
    graph = None if settings.schedule == "layer" else space.graph(row, settings.schedule)
    return map_layers(space.layers(row), settings, graph)


def validation_accuracy(space: SearchSpace, genes: bytes) -> float:
    """Judge a subnet, for a predictor to learn from."""
    return space.make(row_of(genes)).accuracy("validation")


def _too_large(found: NoFit) -> SubnetResult:
    needed = found.lower_bound if found.lower_bound > found.budget else found.found
    return SubnetResult(excess=needed - found.budget)


def _figures(found: SubnetMetrics) -> SubnetResult:
    return SubnetResult(
        speed=found.speed,
        latency_ns=found.latency_ns,
        baseline_ns=found.baseline_ns,
        energy_nj=found.energy_nj,
        crossbars=found.crossbars,
        utilization=found.utilization,
        area_mm2=found.area_mm2,
    )
