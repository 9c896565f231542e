"""How good and how fast the packers are, beside the paper's packer in plain Python.

pytest benchmarks/test_packing.py                     all of them (minutes)
pytest benchmarks/test_packing.py -k "not standard"   the quick ones
"""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.instances import BEST_KNOWN, instances
from rram_nas_comp_pack.packing.items import Items
from rram_nas_comp_pack.packing.pack import Goal, pack
from rram_nas_comp_pack.values import NO_RULES, Rules

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
NETWORKS = ("mbv3_small_dsf1", "mbv3_small_dsf5", "squeezenet_dsf1", "resnet18_dsf1")


def network(name):
    boxes = json.loads((GOLDEN / f"partition_{name}.json").read_text())["boxes"]
    widths, heights, layers = (np.array([b[key] for b in boxes]) for key in ("w", "h", "layer"))
    return Items(widths, heights, layers, 128, 128)


class Crossbar:
    """One crossbar of the paper's packer: its empty maximal spaces (x0, y0, x1, y1) and its layers."""

    def __init__(self, items):
        self.spaces = [(0, 0, items.columns, items.rows)]
        self.layers = []

    def admits(self, layer, rules):
        near = any(abs(layer - other) <= rules.threshold for other in self.layers)
        return not near and not (rules.max_load and len(self.layers) == rules.max_load)

    def farthest_fitting(self, w, h):
        fitting = [s for s in self.spaces if s[2] - s[0] >= w and s[3] - s[1] >= h]
        return max(fitting, key=lambda s: s[2] ** 2 + s[3] ** 2, default=None)

    def put(self, space, w, h, layer):
        x, y = space[:2]
        pieces = [piece for s in self.spaces for piece in without(s, (x, y, x + w, y + h))]
        self.spaces = [s for k, s in enumerate(pieces) if not swallowed(k, pieces)]
        self.layers.append(layer)


def without(space, taken):
    (a0, b0, a1, b1), (x0, y0, x1, y1) = space, taken
    if x0 >= a1 or x1 <= a0 or y0 >= b1 or y1 <= b0:
        return [space]
    pieces = [(a0, b0, x0, b1), (x1, b0, a1, b1), (a0, b0, a1, y0), (a0, y1, a1, b1)]
    return [p for p in pieces if p[0] < p[2] and p[1] < p[3]]


def swallowed(k, spaces):
    a = spaces[k]
    return any(
        b[0] <= a[0] and b[1] <= a[1] and b[2] >= a[2] and b[3] >= a[3] and (a != b or j < k)
        for j, b in enumerate(spaces)
        if j != k
    )


def paper_packer(items, rules, seed=0):
    """Random order; the first crossbar with a fitting space; in it the one whose far corner is farthest."""
    crossbars = []
    for i in np.random.default_rng(seed).permutation(len(items)):
        w, h, layer = int(items.widths[i]), int(items.heights[i]), int(items.layers[i])
        for crossbar in crossbars:
            space = crossbar.farthest_fitting(w, h) if crossbar.admits(layer, rules) else None
            if space is not None:
                break
        else:
            crossbar = Crossbar(items)
            crossbars.append(crossbar)
            space = crossbar.spaces[0]
        crossbar.put(space, w, h, layer)
    return len(crossbars)


@pytest.fixture
def boxes():
    """The 249 boxes of mbv3_small at a depth split factor of 5."""
    return network("mbv3_small_dsf5")


@pytest.mark.benchmark(group="250 boxes")
def test_fast(benchmark, boxes):
    pack(boxes, Rules(), Goal("fast"))
    layout = benchmark(pack, boxes, Rules(), Goal("fast"))
    benchmark.extra_info["crossbars"] = layout.crossbars


@pytest.mark.benchmark(group="250 boxes")
def test_paper(benchmark, boxes):
    benchmark.extra_info["crossbars"] = benchmark(paper_packer, boxes, Rules())


@pytest.mark.benchmark(group="networks, best")
@pytest.mark.parametrize("name", NETWORKS)
def test_best(benchmark, name):
    layout = benchmark.pedantic(pack, (network(name), Rules(), Goal("best")), warmup_rounds=1)
    benchmark.extra_info.update(crossbars=layout.crossbars, lower_bound=layout.lower_bound)


@pytest.mark.benchmark(group="500 standard instances")
@pytest.mark.parametrize("packer", ["fast", "best"])
def test_standard_instances(benchmark, packer):
    def totals():
        found = dict.fromkeys(BEST_KNOWN, 0)
        for case in instances():
            layers = np.zeros(len(case.widths), np.int64)
            items = Items(case.widths, case.heights, layers, case.side, case.side)
            found[case.group] += pack(items, NO_RULES, Goal(packer)).crossbars
        return found

    found = benchmark.pedantic(totals)
    benchmark.extra_info.update(total=sum(found.values()), best_known=sum(BEST_KNOWN.values()), classes=found)
    print(f"\n{packer}: {sum(found.values())} crossbars, best known {sum(BEST_KNOWN.values())}; {found}")
    assert sum(found.values()) <= {"fast": 7325, "best": 7241}[packer]
