"""What moves and what is digital: closed forms, every schedule, the tuner, and bandwidths that are wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hardware"))

from golden_hardware import shipped_text

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import parse_hardware
from rram_nas_comp_pack.hardware.movement import time_of
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.data_movement import data_movement
from rram_nas_comp_pack.simulation.schedules import prepared, schedule_of
from rram_nas_comp_pack.tuning.joint.multi_start import _MultiStart
from rram_nas_comp_pack.tuning.joint.objective import BEST
from rram_nas_comp_pack.tuning.joint.result import as_values
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.tuning.settings import Effort, Target
from rram_nas_comp_pack.values import (
    Box,
    ChargedTime,
    CrossbarSize,
    Layer,
    LayerRows,
    Mapping,
    RowRead,
    Rules,
)


def hardware(**values: object):
    """The shipped hardware with other values of some keys; None leaves a key out."""
    lines = shipped_text().splitlines()
    for key, value in values.items():
        at = next(k for k, line in enumerate(lines) if line.startswith(f"{key} ="))
        lines[at] = "" if value is None else f"{key} = {value}"
    return parse_hardware("\n".join(lines))


def layer_of(index: int, positions: int, boxes: tuple[Box, ...], w: int) -> Mapping:
    layer = Layer(
        index, "Conv2d", f"l{index}", Box(sum(b.h for b in boxes), w, positions), positions, 1, index
    )
    return Mapping(layer, boxes)


TWO = (
    layer_of(0, 12, (Box(100, 40, 12),), 40),
    layer_of(1, 12, tuple(Box(100, 30, 12) for _ in range(3)), 30),
)
ROWS = (LayerRows(4), LayerRows(4, (RowRead(0, (1, 2, 3, 3)),)))
CHIP = hardware(Inter_Tile_Bandwidth=16, Intra_Tile_Bandwidth=512, Pooling_unit_num=8)


def test_a_layer_takes_what_bits_over_bandwidth_and_elements_over_units_say() -> None:
    time = time_of(CHIP, True)
    assert isinstance(time, ChargedTime)
    assert time.moves_ns(TWO[0]) == 12 * 40 * 8 / 16
    # three parts: two levels of 8 and 9 bits
    assert time.moves_ns(TWO[1]) == 12 * 30 * 8 / 16 + 12 * 30 * (8 + 9) / 512
    assert time.digital_ns(TWO[0]) == 12 * 40 / 8 * (1000 / 500)
    none = time_of(CHIP, False)
    assert not isinstance(none, ChargedTime)
    assert time_of(hardware(Pooling_unit_num=0), True).digital_ns(TWO[0]) == 12 * 40 / 64 * 2


def test_every_schedule_pays_for_it_once() -> None:
    """By layers a sample takes reads and moves of all layers; by rows those of the longest path of rows."""
    time = time_of(CHIP, True)
    found = data_movement(TWO, time, (1, 1))
    reads = sum(12 * read_ns(CHIP, m.layer, m.boxes[0]) for m in TWO)
    assert found.reads_ns == pytest.approx(reads)
    total = found.reads_ns + found.moves_ns + found.digital_ns
    assert schedule_of(prepared(TWO, time, None), 1).latency_ns == pytest.approx(total)
    assert found.share == pytest.approx(1 - reads / total)
    first, second = (
        (3 * read_ns(CHIP, m.layer, m.boxes[0]) + (time.moves_ns(m) + time.digital_ns(m)) / 4) for m in TWO
    )
    by_rows = schedule_of(prepared(TWO, time, ROWS), 1).latency_ns
    finished = 0.0
    for last in (1, 2, 3, 3):
        finished = max(finished, (last + 1) * first) + second
    assert by_rows == pytest.approx(finished)


def test_nothing_changes_where_it_is_not_charged() -> None:
    plain, charged = time_of(CHIP, False), time_of(CHIP, True)
    assert isinstance(charged, ChargedTime)
    free = ChargedTime(charged.read_ns, lambda m: 0.0, lambda m: 0.0)
    for graph in (None, ROWS):
        assert (
            schedule_of(prepared(TWO, free, graph), 3).latency_ns
            == schedule_of(prepared(TWO, plain, graph), 3).latency_ns
        )


@pytest.mark.parametrize("graph", [None, ROWS])
def test_the_tuner_sees_what_moves(graph) -> None:
    size = CrossbarSize(128, 128)
    packing = pack_mappings(TWO, size, Rules(), PackingSettings(budget=8))
    effort = Effort(2, 20, graph=graph)
    time = time_of(CHIP, True)
    problem = build_problem(TWO, Target(12, size, Rules(), "dense"), time, graph)
    best = _MultiStart(problem, effort, None).run(packing.placements)
    assert best is not None
    layout = as_values(problem, best, "effort")
    ran = prepared(layout.mappings, time, graph, layout.packing.placements)
    found = best.latency[BEST] * problem.unit_ns
    assert found == pytest.approx(schedule_of(ran, 2).latency_ns, rel=1e-9)


@pytest.mark.parametrize("key", ["Inter_Tile_Bandwidth", "Intra_Tile_Bandwidth"])
@pytest.mark.parametrize(("value", "found"), [(0, "'0'"), (None, "no such key")])
def test_a_bandwidth_that_is_zero_or_missing_is_one_line(key: str, value: object, found: str) -> None:
    chip = hardware(**{key: value})
    assert time_of(chip, False)
    with pytest.raises(BadInput) as error:
        time_of(chip, True)
    assert str(error.value) == (
        f"--data-movement: [Tile level] {key}: found {found}; allowed: a number > 0 [Gb/s]"
    )


def test_a_negative_bandwidth_is_refused_by_the_file() -> None:
    with pytest.raises(BadInput, match=r"\[Tile level\] Inter_Tile_Bandwidth: found '-1'; allowed"):
        hardware(Inter_Tile_Bandwidth=-1)
