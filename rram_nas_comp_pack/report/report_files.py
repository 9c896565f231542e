"""What a report consists of, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """`html` is the text of report.html; `figures` are the files of the folder figures/, by name."""

    html: str
    figures: Mapping[str, bytes]
