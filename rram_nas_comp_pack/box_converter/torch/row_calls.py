"""An operator in the run, as the rules of rows see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..row_flow import Flow, Operand


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operator in the run; `flow_of` gives the flow of any of its operands."""

    name: str
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    operands: Sequence[Tensor]
    results: Sequence[Tensor]
    flow_of: Callable[[Tensor], Flow]

    def operand(self, tensor: Tensor) -> Operand:
        """Return flow and size of an operand."""
        return Operand(self.flow_of(tensor), tuple(tensor.shape))

    def arg(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument by its place or name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)

    @property
    def first(self) -> Operand:
        """Flow and size of the first operand."""
        return self.operand(self.operands[0])


Rule = Callable[[Call, int], Flow]
"""From a call and the number of one of its results to the flow of that result."""
