"""The names of all files that runs and reports write: what else lies in their folders is somebody else's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

PAGE, FIGURES = "report.html", "figures"

_FIGURE = (
    r"(?:accuracy|atlas|costs|latency|layers|load|noise|segments|timeline"  # of a packing run
    r"|sweep_[A-Za-z_]+"  # of a packing run's chips, by a key
    r"|sweep|front|hypervolume|genomes(?:_[0-9]+)?)"  # of searches
    r"\.(?:png|svg|pdf)"
)
_DRAWN = rf"(?:{_FIGURE}|report\.html)"
_LEFT = rf"(?:(?:figures|earlier)/)?(?:{_DRAWN}|link|copy)"
REPORT = rf"report\.html|figures/{_DRAWN}|\.report\.(?:partial|earlier|[a-z0-9_]{{8}})/{_LEFT}"
_PACKING = (
    rf"(?:result\.json|pack\.csv|graph\.json|partition(?:_optimized)?\.json|sim\.log|(?:layers|schedule)\.csv|trace\.json"
    rf"|chip_image\.npz|\.chip_image\.npz\.partial|accuracy\.(?:json|csv)|\.accuracy\.(?:json|csv)\.partial"
    rf"|accuracy_sweep\.csv|\.accuracy_sweep\.csv\.partial"
    rf"|logs\.log|SimConfig\.ini|{REPORT})"
)
_EVOLUTION = (
    rf"(?:front\.(?:json|csv)|evolute\.csv|evaluated\.csv|hypervolume\.csv"
    rf"|checkpoint/(?:search\.npz|\.search\.npz\.partial)|logs\.log|SimConfig\.ini|hardware/[^/]+\.ini|{REPORT})"
)
_INNER = r"\.?[0-9]+(?:\.partial|\.earlier)?"

FIGURE = re.compile(_FIGURE)
LEFT_OF_REPORT = re.compile(_LEFT)
"""Files of a report in the making, as paths from its folder."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a kind of run writes: `marks` tell it, `names` are all its files, as paths from its folder."""

    kind: str
    marks: tuple[str, ...]
    names: re.Pattern[str]

    def other_run(self, folder: Path) -> str:
        """That a folder holds something else than such a run, in words; "" where it does not."""
        found = sorted(os.listdir(folder))
        if not found or any(mark in found for mark in self.marks):
            return ""
        return f"{folder} is no {self.kind}: it holds {found[0]!r} and none of {', '.join(self.marks)}"

    def foreign(self, folder: Path) -> str:
        """Which file below a folder is somebody else's, in words; "" for none."""
        stranger = first_stranger(folder, self.names)
        return f"{folder / stranger} is no file of a {self.kind} and would be lost" if stranger else ""


def first_stranger(folder: Path, names: re.Pattern[str]) -> str:
    """The first file below a folder, as a path from there, that has none of the names; "" for none."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted((*files, *links)):
            path = os.path.relpath(os.path.join(place, name), folder)
            if not names.fullmatch(path):
                return path
    return ""


PACKING = RunFiles("packing run", ("result.json", "pack.csv", "partition.json"), re.compile(_PACKING))
EVOLUTION = RunFiles(
    "search", ("front.json", "checkpoint", "evolute.csv"), re.compile(_EVOLUTION)
)  # fmt: skip
REPRODUCTION = RunFiles(
    "folder of reproduce",
    ("claims.json",),
    re.compile(
        r"claims\.(?:json|csv|md|png|svg|pdf)|runs/[0-9]+\.json"
        rf"|runs/packing/{_INNER}/{_PACKING}|runs/evolution/{_INNER}/{_EVOLUTION}"
    ),
)
