"""Layers that stay on crossbars of their own while others are swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..hardware.chip_costs import read_time_of
from ..values import Duplication, Layer, Layout, Mapping, Placement
from .segments import Compiling, Segment, own_layers, segment_of, with_budget
from .units import Unit

SHARES = (0.9, 0.75, 0.5, 0.25)
"""Parts of the chip that residents may have; the rest is for segments."""


class Residents(NamedTuple):
    """Layers that are written once, by number: how they are mapped, and their boxes.

    They have the last `crossbars` of the chip, as which the boxes are numbered.
    """

    mappings: dict[int, Mapping]
    plain: dict[int, Mapping]
    placements: dict[int, tuple[Placement, ...]]
    crossbars: int

    def sample_ns(self, compiling: Compiling) -> dict[int, float]:
        """Time of a sample in each layer."""
        read = read_time_of(compiling.hardware)
        return {
            index: max(
                -(-box.cycles // min(m.copies, m.layer.raw.cycles)) * read(m.layer, box) for box in m.boxes
            )
            for index, m in self.mappings.items()
        }


NOBODY = Residents({}, {}, {}, 0)


def candidates(
    layers: Sequence[Layer], boxes: Sequence[int], crossbars: int
) -> Iterator[tuple[int, list[int]]]:
    """Crossbars for residents, and which layers they could be; `boxes` (layers,) are those of one copy.

    Layers of few reads come first: their weights lie idle for most of a pass, so that crossbars of their own
    cost the others least. Layers that share weights are left out, as are the boxes that nobody could add to.
    """
    shared = {s for s, count in Counter(layer.stored_in for layer in layers).items() if count > 1}
    order = sorted(
        (layer for layer in layers if layer.stored_in not in shared),
        key=lambda layer: (layer.positions, -layer.raw.h * layer.raw.w, layer.index),
    )
    for share in SHARES:
        room, chosen = int(crossbars * share), []
        for layer in order:
            if boxes[layer.index] <= room:
                chosen.append(layer.index)
                room -= boxes[layer.index]
        if chosen and crossbars - int(crossbars * share) + room > 0:
            yield int(crossbars * share) - room, sorted(chosen)


def keep(compiling: Compiling, layers: Sequence[Layer], crossbars: int) -> Residents | None:
    """These layers on so many crossbars, the last of the chip; None where they have no room there."""
    budget = compiling.options.budget or 0
    own = replace(compiling, options=with_budget(compiling.options, crossbars))
    found = own.quick([Unit(layer) for layer in layers])
    if found is None:
        return None
    placements: dict[int, list[Placement]] = {layer.index: [] for layer in layers}
    first = budget - crossbars
    for p in found.layout.packing.placements:
        index = layers[p.layer_idx].index
        placements[index].append(replace(p, layer_idx=index, crossbar_idx=first + p.crossbar_idx))
    mappings, plain = (
        {layers[m.layer.index].index: m for m in each} for each in (found.layout.mappings, found.plain)
    )
    return Residents(mappings, plain, {i: tuple(own) for i, own in placements.items()}, crossbars)


def with_residents(
    compiling: Compiling, units: Sequence[Unit], own: Segment | None, residents: Residents
) -> Segment:
    """A segment of these units, of which some are residents; `own` has the others on crossbars of theirs."""
    layers = own_layers(units)
    kept = tuple(i for i, unit in enumerate(units) if unit.layer.index in residents.mappings)
    free = [i for i in range(len(units)) if i not in set(kept)]
    both = [
        dict(zip(free, each, strict=True)) for each in ((own.layout.mappings, own.plain) if own else ((), ()))
    ]
    for index in kept:
        number = units[index].layer.index
        both[0][index], both[1][index] = residents.mappings[number], residents.plain[number]
    mappings, plain = (tuple(replace(each[i], layer=layers[i]) for i in range(len(units))) for each in both)
    placements = (
        []
        if own is None
        else [replace(p, layer_idx=free[p.layer_idx]) for p in own.layout.packing.placements]
    )
    for index in kept:
        boxes = residents.placements[units[index].layer.index]
        placements += [replace(p, layer_idx=index) for p in boxes]
    packing = own.layout.packing if own else None
    chosen = compiling.empty_packing() if packing is None else packing
    used = len({p.crossbar_idx for p in placements})
    layout = Layout(mappings, replace(chosen, placements=tuple(placements), crossbars=used))
    found = segment_of(compiling, units, (plain, layout, None), kept)
    if own is None or own.duplication is None:
        return found
    return replace(found, duplication=_shifted(own.duplication, found.latency_ns - own.latency_ns, found))


def _shifted(account: Duplication, ns: float, found: Segment) -> Duplication:
    """The account of the tuners of a segment that residents take `ns` longer."""
    last = account.trials[-1]
    took = None if last.latency_ns is None else max(last.latency_ns + ns, 0.0)
    return replace(
        account,
        plain_ns=max(account.plain_ns + ns, 0.0),
        latency_ns=found.latency_ns,
        trials=(*account.trials[:-1], replace(last, latency_ns=took)),
    )
