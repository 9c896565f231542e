"""Which module owns a tensor: parameters and buffers by the storage that holds their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..foreign import kind_of_value
from ..ledger import ROOT, Holder, Weight
from .packed import packed_key, packed_numel, public_name

_KINDS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
    nn.MultiheadAttention,
)

CONSTANTS = "(constants)"
"""What owns the tensors that a network keeps outside its parameters and buffers."""


def storage_of(tensor: Tensor) -> int:
    """Return a number that views of the same values share, valid as long as one of them lives."""
    try:
        return cast(int, _values(tensor).untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # opaque tensors have no storage
        return id(tensor)


def _values(tensor: Tensor) -> Tensor:
    """Return the tensor that holds the values of a sparse one."""
    if tensor.layout is torch.strided:
        return tensor
    return tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()


def kind_of(module: nn.Module | None) -> str | None:
    """Return the torch class that a module is, or that it derives from, if its weights are for products."""
    if isinstance(module, torch.jit.ScriptModule):
        return next((k.__name__ for k in _KINDS if k.__name__ == module.original_name), None)
    return next((kind.__name__ for kind in _KINDS if isinstance(module, kind)), None)


def base(path: str) -> str:
    """Return the module that a path's weights serve: a parametrization's are those of its module."""
    parts = path.split(".")
    if "parametrizations" not in parts:
        return path
    return ".".join(parts[: parts.index("parametrizations")]) or ROOT


class Owners:
    """The tensors of a module, numbered in order of registration; shared ones have one number."""

    def __init__(self, module: nn.Module) -> None:
        """Number the parameters and buffers of `module`."""
        self.modules = {path or ROOT: child for path, child in module.named_modules()}
        self.numbers: dict[int, int] = {}
        self.parameters: set[int] = set()
        self._homes: list[list[tuple[str, str]]] = []
        self._ranks: list[int] = []
        self._numels: list[int] = []
        self._complex: set[int] = set()
        self._known: dict[int, int] = {}
        self._kept: list[Any] = []
        self._packed: dict[str, list[Weight]] = {}
        for path, child in self.modules.items():
            own = [*child._parameters.items(), *child._buffers.items()]
            for name, tensor in own:
                if tensor is not None:
                    self._number(tensor, path, name)
            home = public_name(path) or ROOT
            packed = [Weight(packed_key(home), numel, rank) for numel, rank in packed_numel(child)]
            if packed:
                self._packed.setdefault(home, []).extend(packed)

    def _number(self, tensor: Tensor, path: str, name: str) -> int:
        storage = storage_of(tensor)
        number = self.numbers.setdefault(storage, len(self.numbers))
        if number == len(self._homes):
            self._homes.append([])
            self._ranks.append(tensor.dim())
            self._numels.append(tensor.numel())
            if tensor.is_complex():
                self._complex.add(number)
        self._homes[number].append((path, name))
        if isinstance(tensor, nn.Parameter):
            self.parameters.add(storage)
            self._known[id(tensor)] = number
        # A network may give a parameter other values: neither address may come back meanwhile.
        self._kept += [tensor, tensor.detach()]
        return number

    def adopt(self, tensor: Tensor) -> int:
        """Return a new number for a tensor that no module has registered."""
        return self._number(tensor, CONSTANTS, f"constant_{len(self._homes)}")

    def knows(self, module: nn.Module) -> bool:
        """Say whether all parameters were there when they were numbered."""
        return all(id(parameter) in self._known for parameter in module.parameters())

    def rank(self, number: int) -> int:
        """Return the number of a tensor's dimensions."""
        return self._ranks[number]

    def numel(self, number: int) -> int:
        """Return the number of a tensor's values."""
        return self._numels[number]

    def are_complex(self, numbers: Iterable[int]) -> bool:
        """Say whether one of the tensors holds complex numbers."""
        return not self._complex.isdisjoint(numbers)

    def home(self, number: int, module: str) -> str:
        """Return the path under which tensor `number` serves `module`, else where it was met first."""
        return next(
            (path for path, _ in self._homes[number] if base(path) == module), self._homes[number][0][0]
        )

    def layer_owner(self, numbers: Iterable[int], scope: str) -> str:
        """Return the module whose layer the tensors make.

        That is the Conv, Linear or MultiheadAttention that owns one of them, preferably `scope`; else any
        module that does, `scope` again before others and the home of a matrix before that of a vector.
        """
        numbers = sorted(numbers, key=lambda number: (self._ranks[number] < 2, number))
        paths = [base(path) for number in numbers for path, _ in self._homes[number]]
        owners = [path for path in paths if kind_of(self.modules.get(path))]
        owners = owners or [path for path in paths if path != CONSTANTS] or paths
        return scope if scope in owners else owners[0]

    def tensor_name(self, numbers: Iterable[int], owner: str) -> str:
        """Return the name, within `owner`, of the matrix among the tensors, or of the first of them."""
        numbers = sorted(numbers, key=lambda number: (self._ranks[number] < 2, number))
        homes = [home for number in numbers for home in self._homes[number]]
        return next(f"{path}.{name}"[len(owner) + 1 :] for path, name in homes if base(path) == owner)

    def holders(self) -> list[Holder]:
        """Return every module with the parameters it owns itself, in order of registration."""
        seen: set[int] = set()
        modules = [self._holder(path, module, seen) for path, module in self.modules.items()]
        return [*modules, Holder(CONSTANTS, "Tensor", ())]

    def _holder(self, path: str, module: nn.Module, seen: set[int]) -> Holder:
        weights = []
        packed = self._packed.get(path, [])
        for parameter in module._parameters.values():
            if parameter is None or not parameter.numel():
                continue
            numel = 0 if id(parameter) in seen else parameter.numel()
            seen.add(id(parameter))
            weights.append(Weight(self._known[id(parameter)], numel, parameter.dim()))
        matrices = kind_of(module) not in (
            None,
            "MultiheadAttention",
        )  # its two key and value biases are no matrices
        kind = kind_of_value(module)
        if packed and "Quantized" not in kind:  # torch gives its quantized classes the plain names
            kind = f"Quantized{kind}"
        return Holder(path, kind, (*weights, *packed), matrices)
