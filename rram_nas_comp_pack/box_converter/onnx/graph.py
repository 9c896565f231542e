"""An ONNX graph with the sizes of all its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from onnx import helper

from ...errors import BadInput
from .model_file import Dims, text


class UnknownSize(BadInput):
    """A size that is needed stayed unknown."""


@dataclass(frozen=True, slots=True)
class Body:
    """A graph inside a node, and how often it runs; `certain` is False where it may run more often."""

    graph: Graph
    times: int = 1
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A node with the graphs inside it that may run."""

    node: Any
    bodies: tuple[Body, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes in execution order, and what is known of every value.

    `types` are ONNX's. `fixed` says which values do not depend on the inputs, `known` holds the content of
    the small ones among them, and `stops` says for a value of unknown size at which operator inference
    stopped. All four also show the graphs around this one. `source` is the graph in the file.
    """

    steps: tuple[Step, ...]
    types: Mapping[str, Any]
    fixed: Mapping[str, bool]
    known: Mapping[str, NDArray[Any]]
    stops: Mapping[str, str]
    path: str
    source: Any

    def dims(self, name: str) -> Dims | None:
        """Return the size of a value as far as it is known; None for unknown rank or an absent operand."""
        return dims_of(self.types[name]) if name in self.types else None

    def sizes(self, name: str) -> tuple[int, ...]:
        """Return the size of a value; UnknownSize if a part of it is open, BadInput if it is below 1."""
        dims = self.dims(name)
        if dims is None or None in dims:
            reason = self.stops.get(name, "the file does not state it")
            raise UnknownSize(f"{self.path}: the size of {name!r} is unknown: {reason}")
        size = tuple(n for n in dims if n is not None)
        if any(n < 1 for n in size):
            raise BadInput(
                f"{self.path}: the size of {name!r} is {text(size)}: sizes of at least 1 are expected"
            )
        return size


def dims_of(kind: Any) -> Dims | None:
    """Return the sizes in a type; None where it has no rank."""
    if kind.WhichOneof("value") != "tensor_type" or not kind.tensor_type.HasField("shape"):
        return None
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.tensor_type.shape.dim)


def tensor_type(elem_type: int, dims: Dims | None) -> Any:
    """Return the type of a tensor; `dims` None for unknown rank."""
    return helper.make_tensor_type_proto(elem_type, dims)
