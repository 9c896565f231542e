"""What the tests of the hardware model share: the golden files and configurations with overrides."""

import csv
import math
from functools import cache
from pathlib import Path

from rram_nas_comp_pack.hardware.config.read import Hardware, parse_hardware

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "hardware"

Row = dict[str, str]


@cache
def golden_rows(name: str) -> list[Row]:
    with (GOLDEN / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shipped_text() -> str:
    return (ROOT / "SimConfig.ini").read_text(encoding="utf-8")


def with_overrides(overrides: str) -> str:
    """The shipped file with `Section.Key=value;...` put in."""
    text = shipped_text()
    for item in filter(None, overrides.split(";")):
        where, value = item.split("=", 1)
        section, key = where.split(".", 1)
        head, mark, body = text.partition(f"[{section}]")
        start = body.index(f"\n{key} =") + 1
        end = body.index("\n", start)
        text = head + mark + body[:start] + f"{key} = {value}" + body[end:]
    return text


@cache
def configured(overrides: str) -> Hardware:
    return parse_hardware(with_overrides(overrides))


def same(found: float, golden: float) -> bool:
    return math.isclose(found, golden, rel_tol=1e-9, abs_tol=1e-30)
