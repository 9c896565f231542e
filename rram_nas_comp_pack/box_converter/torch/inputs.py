"""From the sizes that a user gives to the arguments of a module's `forward`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from inspect import Parameter
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...errors import BadInput
from ...values import DEFAULT_SIZE, InputSize
from ..shapes import sizes_by_name

_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
_ANYTHING = [Parameter("inputs", Parameter.VAR_POSITIONAL), Parameter("named", Parameter.VAR_KEYWORD)]
_MOST_MIXED = 4
"""Up to so many inputs, every mixture of floats and integers is tried."""
_MOST_WITH_BOOLEANS = 3
"""Up to so many inputs, every mixture with booleans is tried."""
_MOST_BARE = 2
"""Up to so many inputs of one size, each is tried without the batch."""

Sizes = tuple[tuple[str, tuple[int, ...]], ...]
"""Names and sizes of the inputs."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of one sample, in the order of `forward`: names and sizes with the batch of 1.

    The first `positional` of them are given by position, the rest by name.
    """

    sizes: Sizes
    positional: int

    def __str__(self) -> str:
        """Return the sizes for a message: "an input of 1x3x64x64"."""
        if len(self.sizes) == 1:
            return f"an input of {_times(self.sizes[0][1])}"
        return "inputs " + ", ".join(f"{name} of {_times(size)}" for name, size in self.sizes)

    def kinds(self, floats: Iterable[torch.dtype]) -> Iterator[tuple[torch.dtype, ...]]:
        """Return the types to try: each of `floats` for all, then integers, then mixtures, then booleans."""
        count, floats = len(self.sizes), [*floats]
        yield from ((kind,) * count for kind in [*floats, torch.int64])
        mixed = floats if count <= _MOST_MIXED else []
        for kind in mixed:
            yield from (each for each in product((kind, torch.int64), repeat=count) if len({*each}) == 2)
        for kind in mixed if count <= _MOST_WITH_BOOLEANS else floats[:0]:
            choices = product((kind, torch.int64, torch.bool), repeat=count)
            yield from (
                each for each in choices if torch.bool in each and (kind is floats[0] or kind in each)
            )

    def without_batch(self) -> Iterator[Inputs]:
        """Return these inputs with vectors where one size was given (a time step): each of them, then all."""
        bare = [place for place, (_, size) in enumerate(self.sizes) if len(size) == 2]
        if len(bare) > _MOST_BARE:
            return
        for chosen in [*([place] for place in bare), *([bare] if len(bare) > 1 else [])]:
            sizes = [
                (name, size[1:] if place in chosen else size) for place, (name, size) in enumerate(self.sizes)
            ]
            yield replace(self, sizes=tuple(sizes))

    def zeros(
        self, kinds: Iterable[torch.dtype], device: torch.device
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Return the arguments by position and by name: zeros of the given types."""
        made = [
            (name, torch.zeros(size, dtype=kind, device=device))
            for (name, size), kind in zip(self.sizes, kinds, strict=True)
        ]
        return [x for _, x in made[: self.positional]], dict(made[self.positional :])


def inputs_of(module: nn.Module, input_size: InputSize | None, name: str) -> Inputs:
    """Return the inputs that `module` is to run on, with the given sizes; a single one may go without.

    Raises BadInput where a name is unknown, or where an input that `forward` requires has no size.
    """
    given = sizes_by_name(input_size)
    parameters = _parameters(module)
    known = [p.name for p in parameters if p.kind not in _VARIADIC]
    required = [p.name for p in parameters if p.name in known and p.default is Parameter.empty]
    if not {*given} - {""} and len(required) < 2:
        only = [*required, *known, *(p.name for p in parameters), "input"][0]
        return Inputs(((only, (1, *given.get("", DEFAULT_SIZE))),), 1)
    if "" in given and not known:
        required = [p.name for p in parameters if p.kind is Parameter.VAR_POSITIONAL]
    others = [each for each in given if each and each not in known]
    if others and not any(p.kind is Parameter.VAR_KEYWORD for p in parameters):
        raise BadInput(f"{name} has no input {others[0]!r}{_listing(required or known)}")
    missing = [each for each in required if each not in given]
    if missing and ("" not in given or len(given) == 1):
        raise BadInput(f"{name}: no size is given for its input {missing[0]!r}{_listing(required)}")
    taken = [p.name for p in parameters if p.name in required or p.name in given]
    sizes = tuple((each, (1, *given.get(each, given.get("", ())))) for each in [*taken, *others])
    return Inputs(sizes, _positional(parameters, taken))


def _positional(parameters: list[Parameter], taken: list[str]) -> int:
    """Return how many of the inputs can be given by position: those before the first one left out."""
    count = 0
    for parameter, each in zip(parameters, taken, strict=False):
        if parameter.name != each or parameter.kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
            break
        count += 1
    return count


def _listing(names: list[str]) -> str:
    """Return the end of a refusal: the inputs that there are, and how to say their sizes."""
    if not names:
        return "; it takes none by name"
    options = " ".join(f"--input-size {each}=N,N" for each in names)
    return f"; it has {', '.join(names)}: give sizes (without the batch) with {options}"


def _parameters(module: nn.Module) -> list[Parameter]:
    """Return the parameters of `forward`; what has no signature takes anything."""
    try:
        inner: Any = getattr(module, "_orig_mod", module)  # of a compiled one
        inner = inner.module if isinstance(inner, nn.DataParallel) else inner
        if isinstance(inner, torch.jit.ScriptModule):
            arguments = cast(Any, inner.forward).schema.arguments[1:]
            return [
                Parameter(a.name, Parameter.POSITIONAL_OR_KEYWORD, default=_default(a)) for a in arguments
            ]
        return [*inspect.signature(inner.forward).parameters.values()]
    except Exception:
        return _ANYTHING


def _default(argument: Any) -> Any:
    return argument.default_value if argument.has_default_value() else Parameter.empty


def _times(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))
