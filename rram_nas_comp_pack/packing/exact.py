"""Proofs: asks a constraint solver (CP-SAT of OR-tools) for one crossbar fewer, until none exists.

Meant for a few dozen items. Larger ones come back as they were, once the solver's effort is spent.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..values import Rules
from .bounds import dual_feasible_weights
from .items import Items

Ints = NDArray[np.int64]

SOLVER_EFFORT = 30.0
"""Deterministic time for one question: about as many seconds, yet the same work on every machine."""

LARGEST_MODEL = 10_000
"""Items times crossbars beyond which the solver is not even asked."""


def fewest(
    items: Items, rules: Rules, found: Ints, goal: tuple[int, int], deadline: float | None
) -> tuple[Ints, int, bool]:
    """Lower the number of crossbars of `found` (bin, x and y of each item) or prove that it is the fewest.

    `goal` is the proved bound and the number that is few enough. Returns the places, the bound now proved,
    and whether all this ended by itself rather than by the deadline (`monotonic()` seconds).
    """
    solver_module = _solver()
    bound, enough = goal
    crossbars = int(found[0].max()) + 1
    while crossbars > max(bound, enough) and len(items) * crossbars <= LARGEST_MODEL:
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            return found, bound, False
        verdict, places = _ask(solver_module, items, rules, crossbars - 1, left)
        if verdict == "impossible":
            return found, crossbars, True
        if places is None:
            return found, bound, left is None or monotonic() < deadline  # type: ignore[operator]
        found, crossbars = places, crossbars - 1
    return found, bound, True


def _solver() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise BadInput(
            'packer "exact" needs OR-tools, which is not installed: pip install "rram-nas-comp-pack[exact]"'
        ) from error
    return cp_model
