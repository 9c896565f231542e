"""A run of a tiny network with copies, a diagonal layer and an image, whose chips tests judge."""

import sys
from contextlib import contextmanager

from tests.cli.tiny_runs import ROOT, pack

NETS = """
from torch import nn


def net():
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 16, 3, groups=16), nn.Flatten(), nn.Linear(64, 10)),
    )


def three():
    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
"""


@contextmanager
def judged_nets(folder):
    """A folder with these networks, which can be imported, and a configuration that warns of nothing."""
    (folder / "accuracy_nets.py").write_text(NETS)
    (folder / "quiet.ini").write_text(
        (ROOT / "SimConfig.ini").read_text().replace("DAC_Num = 256", "DAC_Num = 128")
    )
    sys.path.insert(0, str(folder))
    sys.modules.pop("accuracy_nets", None)
    yield folder
    sys.path.remove(str(folder))


def run_to_judge(place):
    """The folder of the run, which is made in `place`."""
    argv = ("--num-crossbars", 12, "--duplicate", "--tune-effort", 0, "--image", "--calibration", 4)
    status, _, err = pack(place / "log", *argv, model="accuracy_nets:net")
    assert status == 0, err
    return place / "log" / "packing" / "t"
