"""Runs of the command line on networks of a few layers."""

import csv
import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from rram_nas_comp_pack.cli.main import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"

NETS = '''
from torch import nn


class Twice(nn.Module):
    """One module that runs twice, its two runs a layer apart."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.a(self.b(self.a(x.flatten(1)[:, :8])))


class Crashes(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        raise RuntimeError("first line\\nsecond line")


class Leaves(Crashes):
    def forward(self, x):
        raise SystemExit(0)


class Bilinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.both, self.fc = nn.Bilinear(8, 8, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.both(x[:, 0, 0], x[:, 1, 0]))


def net():
    """A convolution, a depthwise one and a linear layer of two boxes."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.Conv2d(16, 16, 3, groups=16)),
        *(nn.Flatten(), nn.Linear(64, 200)),
    )


def full():
    """Three layers of a full crossbar each."""
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 128), nn.Linear(128, 128), nn.Linear(128, 128))


def wide():
    """One layer of four fifths of a crossbar; at 128 x 4 x 4 it has 16 positions."""
    return nn.Conv2d(128, 102, 1)


def tall():
    return nn.Conv2d(3, 3, 13, groups=3, padding=6)


def weightless():
    return nn.ReLU()


def cannot():
    raise ValueError("no such thing\\nreally")


not_callable = 3
twice, crashes, leaves, bilinear = Twice, Crashes, Leaves, Bilinear
'''


REPLACED = re.compile(r"note: the earlier run in .* was replaced\n")


def make_workplace(folder: Path) -> tuple[Path, Path]:
    """A folder with the tiny networks, and a configuration that warns of nothing."""
    (folder / "tiny_nets.py").write_text(NETS)
    config = folder / "quiet.ini"
    config.write_text((ROOT / "SimConfig.ini").read_text().replace("DAC_Num = 256", "DAC_Num = 128"))
    return folder, config


def call(*argv: object) -> tuple[int, str, str]:
    """Exit status, standard output, standard error without what the first run on a machine tells."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(a) for a in argv])
    return status, out.getvalue(), err.getvalue().replace("compiling kernels (once)\n", "")


def pack(log: Path, *argv: object, model: str = "tiny_nets:net", exp_id: str = "t") -> tuple[int, str, str]:
    """`pack` with little effort and no report; configuration and networks lie beside the log folder.

    Standard error lacks the line that a run replaced another.
    """
    sys.path.insert(0, str(log.parent))
    try:
        status, out, err = call(
            *("pack", "--exp-id", exp_id, "--model", model, "--input-size", "3,8,8", "--pack-effort", 20),
            *("--no-report", "--config", log.parent / "quiet.ini", "--log-dir", log, *argv),
        )
        return status, out, REPLACED.sub("", err)
    finally:
        sys.path.remove(str(log.parent))


def strict_json(text: str):
    """A JSON document; not-a-number and infinity are no JSON."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def read_rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file, header first."""
    with path.open(newline="") as file:
        return list(csv.reader(file))


def write_rows(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def is_one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1 and len(text) > 1


def everything_in(folder: Path) -> list[str]:
    """Names of all files and folders, hidden ones too."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))
