"""The one place that imports numba."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import numba
from numba.core import event

F = TypeVar("F", bound=Callable[..., object])

_EVENT = "numba:compile"  # not sent where machine code is loaded from disk
_timer = event.TimingListener()  # type: ignore[no-untyped-call]
event.register(_EVENT, _timer)  # type: ignore[no-untyped-call]


def compiled(function: F) -> F:
    """Compile to machine code at the first call, kept on disk for later runs. Strict IEEE arithmetic: no
    fast-math, so that results are the same on every machine.
    """
    return cast(F, numba.njit(cache=True)(function))


def inlined(function: F) -> F:
    """Compile into each caller: for small parts of a hot loop, where handing over arrays would cost more."""
    return cast(F, numba.njit(cache=True, inline="always")(function))


def compiling_s() -> float:
    """Seconds that this process has spent compiling so far."""
    return cast(float, _timer.duration) if _timer.done else 0.0


@contextmanager
def on_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block, `tell` is called whenever compiling begins."""
    with event.install_listener(_EVENT, _Teller(tell)):
        yield


class _Teller(event.Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_start(self, _: object) -> None:
        self._tell()

    def on_end(self, _: object) -> None:
        pass
