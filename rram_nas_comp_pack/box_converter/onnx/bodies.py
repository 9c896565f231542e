"""Nodes with graphs inside: which of these run, how often, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onnx import AttributeProto, TensorProto, TypeProto

from ...errors import BadInput
from .graph import Body, dims_of, tensor_type
from .model_file import Dims, attribute, label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .sizes import Sizer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a node gives: the types of its results by name, their content where it is known, its bodies.

    `fixed` names results that are constants although the node has bodies.
    """

    types: dict[str, Any]
    values: dict[str, NDArray[Any]] = field(default_factory=dict)
    bodies: tuple[Body, ...] = ()
    fixed: frozenset[str] = frozenset()


def branch(sizer: Sizer, node: Any) -> Outcome:
    """If: the branch that a known condition chooses, else both; these may differ in the sizes they give."""
    chosen = sizer.known.get(node.input[0]) if node.input else None
    keys: tuple[str, ...] = ("then_branch", "else_branch")
    if chosen is not None and chosen.size == 1:
        keys = keys[:1] if bool(chosen.item()) else keys[1:]
    runs, failures = [], []
    for key in keys:
        try:
            runs.append(_run(sizer, node, key, []))
        except BadInput as error:  # a branch for other sizes need not fit these
            failures.append(error)
    if not runs:
        raise failures[0]
    given = [[inner.types.get(name, TypeProto()) for name in outputs] for inner, outputs in runs]
    types = dict(zip(node.output, map(_merged, zip(*given, strict=False)), strict=False))
    values: dict[str, NDArray[Any]] = {}
    fixed: frozenset[str] = frozenset()
    if len(keys) == 1:
        inner, outputs = runs[0]
        pairs = list(zip(node.output, outputs, strict=False))
        values = {name: inner.known[source] for name, source in pairs if source in inner.known}
        fixed = frozenset(name for name, source in pairs if inner.is_fixed(source))
    return Outcome(types, values, tuple(Body(inner.graph()) for inner, _ in runs), fixed)


def loop(sizer: Sizer, node: Any) -> Outcome:
    """Loop: the body runs as often as a known count says, if nothing in it can end it before."""
    start = [*node.input, "", ""][:2]
    count, begins = (sizer.known.get(name) for name in start)
    carried = [sizer.types[name] for name in node.input[2:] if name]
    kinds = [tensor_type(TensorProto.INT64, ()), tensor_type(TensorProto.BOOL, ()), *carried]
    inner, outputs = _run(sizer, node, "body", kinds)
    gives = [inner.types.get(name, TypeProto()) for name in outputs]
    ends = [_merged(pair) for pair in zip(gives[1:], carried, strict=False)]
    steady = [dims_of(kind) for kind in ends] == [dims_of(kind) for kind in carried]
    goes_on = bool(outputs) and _stays_true(attribute(node, "body", None), inner, outputs[0])
    entered = not start[1] or (begins is not None and begins.size == 1 and bool(begins.item()))
    trips = int(count.item()) if count is not None and count.size == 1 and entered and goes_on else None
    stacked = [_stack(kind, trips) for kind in gives[1 + len(carried) :]]
    least = (
        1 if entered and (not start[0] or (count is not None and count.size == 1 and count.item() > 0)) else 0
    )
    times = least if trips is None else max(trips, 0)
    body = Body(inner.graph(), times, certain=trips is not None and steady)
    return Outcome(dict(zip(node.output, [*ends, *stacked], strict=False)), {}, (body,))


def scan(sizer: Sizer, node: Any) -> Outcome:
    """Scan: the body runs once for every slice of its inputs."""
    count = attribute(node, "num_scan_inputs", 0)
    if not isinstance(count, int) or not 1 <= count <= len(node.input) or "" in node.input:
        return Outcome({})  # version 8 had a batch and another order
    states = [sizer.types[name] for name in node.input[:-count]]
    axes = attribute(node, "scan_input_axes", [0] * count)
    slices, trips = [], None
    for name, axis in zip(node.input[-count:], axes, strict=False):
        dims = sizer.dims(name)
        if dims is None or not -len(dims) <= axis < len(dims):
            return Outcome({})
        trips = dims[axis] if trips is None else trips
        rest = tuple(n for i, n in enumerate(dims) if i != axis % len(dims))
        slices.append(tensor_type(sizer.types[name].tensor_type.elem_type, rest))
    inner, outputs = _run(sizer, node, "body", [*states, *slices])
    gives = [inner.types.get(name, TypeProto()) for name in outputs]
    axes = attribute(node, "scan_output_axes", []) or [0] * len(gives)
    stacked = [_stack(kind, trips, axis) for kind, axis in zip(gives[len(states) :], axes, strict=False)]
    body = Body(inner.graph(), trips or 0, certain=trips is not None)
    return Outcome(dict(zip(node.output, [*gives[: len(states)], *stacked], strict=False)), {}, (body,))


BODIES: dict[str, Callable[[Sizer, Any], Outcome]] = {"If": branch, "Loop": loop, "Scan": scan}


def _run(sizer: Sizer, node: Any, key: str, kinds: list[Any]) -> tuple[Sizer, list[str]]:
    """Find the sizes in one of a node's graphs, whose inputs are of the given types."""
    found = [each for each in node.attribute if each.name == key and each.type == AttributeProto.GRAPH]
    if len(found) != 1:
        raise BadInput(f"{sizer.path}: {label(node)} has no graph {key!r}")
    graph = found[0].g
    if len(graph.input) < len(kinds):
        raise BadInput(
            f"{sizer.path}: {label(node)} gives its {key} {len(kinds)} inputs, it takes {len(graph.input)}"
        )
    inner = sizer.child()
    for value, kind in zip(graph.input, kinds, strict=False):
        inner.give(value.name, kind)
    inner.run(graph)
    return inner, [value.name for value in graph.output]


def _stays_true(body: Any, inner: Sizer, name: str) -> bool:
    """Say whether a loop's condition is constant, or handed through as it came in."""
    taken = body.input[1].name if len(body.input) > 1 else ""
    made = {output: each for each in body.node for output in each.output}
    while name != taken and name in made and made[name].op_type in ("Identity", "Cast") and made[name].input:
        name = made.pop(name).input[0]
    known = inner.known.get(name)
    return name == taken or (known is not None and known.size == 1 and bool(known.item()))


def _merged(kinds: tuple[Any, ...]) -> Any:
    """Return the type that fits all of several: sizes in which they differ are unknown."""
    every = [dims_of(kind) for kind in kinds]
    first: Dims | None = every[0]
    if first is None or any(dims is None or len(dims) != len(first) for dims in every):
        elem = kinds[0].tensor_type.elem_type
        return tensor_type(elem, None) if kinds[0].WhichOneof("value") == "tensor_type" else kinds[0]
    same = tuple(
        n if all(dims is not None and dims[i] == n for dims in every) else None for i, n in enumerate(first)
    )
    return tensor_type(kinds[0].tensor_type.elem_type, same)


def _stack(kind: Any, trips: int | None, axis: int = 0) -> Any:
    """Return the type of all runs' results side by side along a new axis."""
    dims = dims_of(kind)
    if dims is None:
        return (
            kind
            if kind.WhichOneof("value") != "tensor_type"
            else tensor_type(kind.tensor_type.elem_type, None)
        )
    place = axis % (len(dims) + 1)
    return tensor_type(kind.tensor_type.elem_type, (*dims[:place], trips, *dims[place:]))
