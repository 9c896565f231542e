"""What several commands do."""

from __future__ import annotations

import sys
from pathlib import Path

from ..hardware.config.read import Hardware, load_hardware


def read_hardware(path: Path) -> Hardware:
    """The hardware, with its warnings on standard error."""
    hardware = load_hardware(path)
    for warning in hardware.warnings:
        print(warning, file=sys.stderr)
    return hardware
