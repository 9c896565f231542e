"""The sizes of a model's inputs: those that the file fixes, and open ones, which the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from ...errors import BadInput
from ...values import DEFAULT_SIZE
from .model_file import MOST_ELEMENTS, Dims, text

Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The sizes of all inputs, and what the names that the file gives to open sizes turned out to be."""

    sizes: dict[str, Size]
    symbols: dict[str, int]


def fill_inputs(graph: Any, given: Mapping[str, Size], path: str) -> Inputs:
    """Return the sizes of the inputs: an open batch is 1, other open sizes come from `given`.

    `given` holds sizes without the batch by the name of the input; "" stands for all others. Where all sizes
    are fixed they are taken as they are, and all of it counts as one sample, whatever its first size is
    (samples, steps of a sequence, channels). Raises BadInput for a name that the file does not have, for
    sizes that contradict what the file fixes, and for open sizes that nothing gives.
    """
    filled = _Filling(_declared(graph), given, path)
    sizes = {name: filled.size(name) for name in filled.dims}
    for name, size in sizes.items():
        if any(n < 1 for n in size) or prod(size) > MOST_ELEMENTS:
            raise BadInput(
                f"{path}: input {name!r} is {text(size)}: sizes of at least 1, "
                f"{MOST_ELEMENTS} elements at most, expected"
            )
    filled.check_use(sizes)
    return Inputs(sizes, filled.symbols)


def declared_dims(tensor_type: Any) -> Dims | None:
    """Return the sizes that a file states; None for an open one (also written as -1), None for no rank."""
    if not tensor_type.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value != -1 else None
        for dim in tensor_type.shape.dim
    )


def symbols_of(tensor_type: Any) -> tuple[str, ...]:
    """Return the names of a value's sizes, "" where one has none."""
    return tuple(dim.dim_param for dim in tensor_type.shape.dim)


def first_judged(graph: Any) -> int:
    """Return from which axis on the sizes that the file states for its values must be right.

    A file with open inputs may state those that it was written with: of an open batch, or of all sizes.
    """
    every = [dims for value in graph.input if (dims := declared_dims(value.type.tensor_type)) is not None]
    if any(None in dims[1:] for dims in every):
        return MOST_ELEMENTS
    return 1 if any(None in dims for dims in every) else 0


def _declared(graph: Any) -> dict[str, Any]:
    """Return the tensor types of the inputs that are no weights; a sequence or another type has no sizes."""
    stored = {tensor.name for tensor in graph.initializer}
    stored |= {sparse.values.name for sparse in graph.sparse_initializer}
    return {
        value.name: value.type.tensor_type
        for value in graph.input
        if value.name not in stored and value.type.WhichOneof("value") in (None, "tensor_type")
    }


class _Filling:
    """Finds the size of one input after the other; `symbols` grows with what they say."""

    def __init__(self, types: Mapping[str, Any], given: Mapping[str, Size], path: str) -> None:
        """Take note of the names; raises BadInput for given names that are none."""
        self.dims = {name: declared_dims(kind) for name, kind in types.items()}
        self.symbols: dict[str, int] = {}
        self._names = {name: symbols_of(kind) for name, kind in types.items()}
        self._given = given
        self._path = path
        self._used_unnamed = False
        unknown = sorted(set(given) - set(types) - {""})
        if unknown:
            known = ", ".join(types) or "none"
            raise BadInput(f"{path} has no input {unknown[0]!r} for --input-size; its inputs are: {known}")
        self._check_batch()
        self._batches = {names[0] for names in self._names.values() if names} - {""}
        self._find_symbols()

    def size(self, name: str) -> Size:
        """Return the size of one input, with the batch."""
        dims = self.dims[name]
        found: Size | None
        if name in self._given and self._given[name] == dims:
            found = self._given[name]
        elif name in self._given:
            found = self._match(name, self._given[name], exact=True)
        elif dims is not None and None not in dims[1:] and not (len(dims) == 1 and "" in self._given):
            found = tuple(1 if n is None else n for n in dims)
        else:
            found = self._by_rule(name)
        if found is None:
            raise self._misfit(name)
        return found

    def check_use(self, sizes: Mapping[str, Size]) -> None:
        """Refuse a size without a name that no input has, where all are fixed."""
        unnamed = self._given.get("")
        if unnamed is None or self._used_unnamed or not sizes:
            return
        if not any(size[1:] == unnamed or size == unnamed for size in sizes.values()):
            held = ", ".join(f"{name!r} is {text(size)}" for name, size in sizes.items())
            wish = text((1, *unnamed))
            raise BadInput(f"{self._path}: --input-size gives {wish}, but the file fixes its sizes: {held}")

    def _by_rule(self, name: str) -> Size | None:
        """Return a size for open dimensions without a name of their own; None where nothing says it."""
        dims = self.dims[name]
        beside = self._by_symbols(name, dict.fromkeys(self._batches, 1))
        if beside is not None and dims is not None and dims[0] is not None:
            return beside
        found = self._match(name, self._given.get("", DEFAULT_SIZE), exact="" in self._given)
        self._used_unnamed |= found is not None
        return self._by_symbols(name, self.symbols) if found is None else found

    def _find_symbols(self) -> None:
        """Learn from the inputs whose sizes are given what the names of open sizes stand for."""
        for name, names in self._names.items():
            size = self._given.get(name, self._given.get(""))
            found = self._match(name, size or DEFAULT_SIZE, exact=size is not None)
            for symbol, n in zip(names, found or (), strict=False):
                if symbol:
                    self.symbols.setdefault(symbol, n)
        for batch in self._batches:
            self.symbols.setdefault(batch, 1)

    def _match(self, name: str, size: Size, exact: bool) -> Size | None:
        """Return the file's sizes with the open ones from `size`; None where these do not fit together.

        A size that the user gave (`exact`) must agree with what the file fixes; the default need not.
        """
        dims = self.dims[name]
        # The only dimension of a vector is no batch if the user gives it a size.
        wish = size if dims is not None and len(dims) == len(size) == 1 else (1, *size)
        if dims is None:
            return wish
        agrees = all(n in (None, m) for n, m in zip(dims[1:], wish[1:], strict=False))
        if len(dims) != len(wish) or (exact and not agrees):
            return None
        return tuple(m if n is None else n for n, m in zip(dims, wish, strict=True))

    def _by_symbols(self, name: str, known: Mapping[str, int]) -> Size | None:
        dims = self.dims[name] or ()
        found = [known.get(s) if n is None else n for n, s in zip(dims, self._names[name], strict=True)]
        if dims and found[0] is None:
            found[0] = 1
        size = tuple(n for n in found if n is not None)
        return size if dims and len(size) == len(found) else None

    def _check_batch(self) -> None:
        """Refuse open sizes beside a fixed batch of several; with none open, an input is one sample."""
        matrices = {name: found for name, found in self.dims.items() if found is None or len(found) > 1}
        if any(found is None or found[0] in (None, 1) for found in matrices.values()):
            return
        for name, found in matrices.items():
            if found is not None and None in found:
                raise BadInput(
                    f"{self._path}: input {name!r} is {text(found)}; "
                    "a batch of 1, or an open one, is expected beside open sizes"
                )

    def _misfit(self, name: str) -> BadInput:
        dims = self.dims[name]
        size = self._given.get(name, self._given.get(""))
        wish = text((1, *(size or DEFAULT_SIZE)))
        gives = f"--input-size gives {wish}" if size else f"the default is {wish}"
        held = "of unknown size" if dims is None else text(dims)
        if dims is None or None in dims:
            key = f"{name}=" if len(self.dims) > 1 else ""
            gives += f"; give its open sizes with --input-size {key}..., without the batch"
        return BadInput(f"{self._path}: input {name!r} is {held}, {gives}")
