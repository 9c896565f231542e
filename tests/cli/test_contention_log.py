"""What logs.log says about who waits for whom."""

from types import SimpleNamespace

import pytest

from rram_nas_comp_pack.runs.packing.log import contention_table
from rram_nas_comp_pack.simulation.contention import Contention, LayerContention


def waits(waited_ns, *waits_for):
    """What stands behind the idle time of layer 0 of two."""
    rows = (
        LayerContention(0, 10.0, waited_ns, 5.0, waited_ns, waits_for),
        LayerContention(1, 1.0, 0.0, 0.0, 0.0, ()),
    )
    layers = [SimpleNamespace(layer=SimpleNamespace(label=f"Conv2d_{i}")) for i in (0, 1)]
    report = SimpleNamespace(mappings=layers, roofline_ns=1.0, contention=Contention(rows, (0.5,)))
    line = list(contention_table(report))[2]
    return line.partition("5.0")[2].strip()


@pytest.mark.parametrize(
    ("waited", "waits_for", "said"),
    [
        (3.0, ((1, 3.0),), "Conv2d_1 3"),
        (3.0, ((0, 3.0),), "its own replicas 3"),
        (9.0, ((0, 6.0), (1, 3.0)), "its own replicas 6, Conv2d_1 3"),
        (1.7e-10, ((1, 1.7e-10),), ""),
        (1.7e-10, ((0, 1.7e-10),), ""),
        (3.0, ((1, 3.0), (0, 1e-9)), "Conv2d_1 3"),
        (0.0, (), ""),
    ],
)
def test_who_waits_and_for_whom(waited, waits_for, said):
    assert waits(waited, *waits_for) == said
