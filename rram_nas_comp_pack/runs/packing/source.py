"""What a run's network is made from, as result.json says."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...errors import BadInput
from ...values import InputSize
from ..checked_json import JsonObject
from ..kinds import require_packing
from .read import RESULT, read_any_result


class Source(NamedTuple):
    """What a network is made from: options of `pack`, and a file of weights."""

    model: str
    input_size: InputSize | None
    seed: int
    weights: Path | None


def read_source(run_dir: Path, weights: Path | None) -> Source:
    """What the network of a run is made from: its options, and other `weights` where they are given.

    Raises BadInput for a folder that does not say.
    """
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    require_packing(run_dir)
    result = read_any_result(run_dir)
    if result is None:
        raise BadInput(f"{run_dir}: found no {RESULT}, which says which network it is of")
    options = JsonObject(run_dir / RESULT, "options", result.options)
    own = options.maybe(options.text, "weights")
    given = weights or (None if own is None else Path(own))
    return Source(options.text("model"), _input_size(options), options.count("seed", 0), given)


def _input_size(options: JsonObject) -> InputSize | None:
    if isinstance(options.value.get("input_size"), dict):
        sizes = options.within("input_size")
        return {name: sizes.counts(name) for name in sizes.value}
    return options.maybe(options.counts, "input_size")
