"""Meets a network's operators one by one: what the record of a network and its execution share."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Stepwise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode below all of torch's Python; `steps` counts the operators that were run.

    Two runs of a network on inputs of the same sizes meet the same operators in the same order, so that the
    number of a step names a place in the network.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Save the seconds that torch takes to load its compiler, only to keep it away from this class."""
        return False

    def __init__(self) -> None:
        """Begin before the first operator."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps = 0
        self._whole: set[Any] = set()  # operators that are not composite

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator; composite ones (seen in inference mode) are taken apart first."""
        kwargs = kwargs or {}
        if not isinstance(func, torch._ops.OpOverload):
            return self.higher_order(func, args, kwargs)
        if func not in self._whole:
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
            self._whole.add(func)
        result = self.step(func, args, kwargs)
        self.steps += 1
        return result

    def higher_order(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that takes functions."""
        return func(*args, **kwargs)

    def step(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operator that is not composite."""
        return func(*args, **kwargs)
