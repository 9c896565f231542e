"""How good and how fast the packers are, beside the paper's packer in plain Python.

pytest benchmarks/test_packing.py                     all of them (minutes)
pytest benchmarks/test_packing.py -k "not standard"   the quick ones
"""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.instances import BEST_KNOWN, instances
from benchmarks.paper_packer import paper_packer
from rram_nas_comp_pack.packing.items import Items
from rram_nas_comp_pack.packing.pack import PackingSettings, pack
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Rules

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
ORDER = np.random.default_rng(0).permutation(249)
NETWORKS = ("mbv3_small_dsf1", "mbv3_small_dsf5", "squeezenet_dsf1", "resnet18_dsf1")


def network(name):
    boxes = json.loads((GOLDEN / f"partition_{name}.json").read_text())["boxes"]
    widths, heights, layers = (np.array([b[key] for b in boxes]) for key in ("w", "h", "layer"))
    return Items(widths, heights, layers, CrossbarSize(128, 128))


@pytest.fixture
def boxes():
    """The 249 boxes of mbv3_small at a depth split factor of 5."""
    return network("mbv3_small_dsf5")


@pytest.mark.benchmark(group="250 boxes")
def test_fast(benchmark, boxes):
    pack(boxes, Rules(), PackingSettings("fast"))
    layout = benchmark(pack, boxes, Rules(), PackingSettings("fast"))
    benchmark.extra_info["crossbars"] = layout.crossbars


@pytest.mark.benchmark(group="250 boxes")
def test_paper(benchmark, boxes):
    benchmark.extra_info["crossbars"] = len(set(benchmark(paper_packer, boxes, Rules(), ORDER)[0]))


@pytest.mark.benchmark(group="networks, best")
@pytest.mark.parametrize("name", NETWORKS)
def test_best(benchmark, name):
    layout = benchmark.pedantic(pack, (network(name), Rules(), PackingSettings("best")), warmup_rounds=1)
    benchmark.extra_info.update(crossbars=layout.crossbars, lower_bound=layout.lower_bound)


@pytest.mark.benchmark(group="500 standard instances")
@pytest.mark.parametrize("packer", ["fast", "best"])
def test_standard_instances(benchmark, packer):
    def totals():
        found = dict.fromkeys(BEST_KNOWN, 0)
        for case in instances():
            layers = np.zeros(len(case.widths), np.int64)
            items = Items(case.widths, case.heights, layers, CrossbarSize(case.side, case.side))
            found[case.group] += pack(items, NO_RULES, PackingSettings(packer)).crossbars
        return found

    found = benchmark.pedantic(totals)
    benchmark.extra_info.update(total=sum(found.values()), best_known=sum(BEST_KNOWN.values()), classes=found)
    print(f"\n{packer}: {sum(found.values())} crossbars, best known {sum(BEST_KNOWN.values())}; {found}")
    assert sum(found.values()) <= {"fast": 7325, "best": 7241}[packer]
