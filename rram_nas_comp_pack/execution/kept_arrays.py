"""Arrays that take time to make and are asked for again, in memory up to a bound."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from numpy.typing import NDArray


class KeptArrays:
    """Keeps what it has made, until that takes `most_bytes`; what comes later is made anew each time.

    Nothing is given up for something newer: callers ask for the same arrays again, in the same order.
    """

    def __init__(self, most_bytes: int) -> None:
        """Keep nothing yet."""
        self._most = most_bytes
        self._kept: dict[Hashable, NDArray[Any]] = {}
        self.held_bytes = 0

    def get(self, key: Hashable, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of a key, which nobody may write to."""
        found = self._kept.get(key)
        if found is None:
            found = make()
            if self.held_bytes + found.nbytes <= self._most:
                self._kept[key] = found
                self.held_bytes += found.nbytes
        return found
