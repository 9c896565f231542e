"""Options of `simulate`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ofa.parser import path

from ...hardware.config.change import Settings
from .converters import at_least
from .shared import add_data_movement, add_other_config, add_schedule, add_settings, settings_of

if TYPE_CHECKING:
    from ...simulation.row_graph import ScheduleKind


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """Options of `simulate` by their names; `schedule` None and `config` None are those of the run.

    `data_movement` charges what moves, which a run that was made so does in any case.
    """

    run_dir: Path
    num_sample: tuple[int, ...]
    schedule: ScheduleKind | None
    data_movement: bool
    config: Path | None
    settings: Settings

    @property
    def own_hardware(self) -> bool:
        """Whether no other hardware than that of the run is asked for."""
        return self.config is None and not self.settings.texts


def add_simulate(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("run_dir", type=path, metavar="RUN_DIR", help="folder of the run")
    parser.add_argument(
        "--num-sample",
        type=at_least(1),
        nargs="+",
        required=True,
        metavar="N",
        help="numbers of samples to simulate",
    )
    add_schedule(parser, None)
    add_data_movement(parser, of_run=True)
    add_other_config(parser)
    add_settings(parser)


def simulate_options(values: Mapping[str, Any], _command_line: str) -> SimulateOptions:
    """All of them. Raises BadInput where two contradict each other."""
    own = {name: value for name, value in values.items() if name not in ("set", "set_consistent")}
    own["num_sample"] = tuple(own["num_sample"])
    return SimulateOptions(**own, settings=settings_of(values))
