"""The one place that imports numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile to machine code at the first call, kept on disk for later runs. Strict IEEE arithmetic: no
    fast-math, so that results are the same on every machine.
    """
    return cast(F, numba.njit(cache=True)(function))


def inlined(function: F) -> F:
    """Compile into each caller: for small parts of a hot loop, where handing over arrays would cost more."""
    return cast(F, numba.njit(cache=True, inline="always")(function))
