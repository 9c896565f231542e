"""Which module owns a tensor: parameters and buffers by the storage that holds their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from rram_nas_comp_pack.box_converter.ledger import ROOT, Holder, Weight

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


def storage_of(tensor: Tensor) -> int:
    """Return a number that views of the same values share, valid as long as one of them lives."""
    try:
        return cast(int, tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # sparse and opaque tensors have no storage
        return id(tensor)


def kind_of(module: nn.Module) -> str | None:
    """Return the torch class that makes a module's weights mappable, for subclasses that of their base."""
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
        for path, child in self.modules.items():
            own = [*child._parameters.items(), *child._buffers.items()]
            for name, tensor in own:
                if tensor is not None:
                    self._number(tensor, path, name)

    def _number(self, tensor: Tensor, path: str, name: str) -> None:
        storage = storage_of(tensor)
        number = self.numbers.setdefault(storage, len(self.numbers))
        if number == len(self._homes):
            self._homes.append([])
        self._homes[number].append((path, name))
        if isinstance(tensor, nn.Parameter):
            self.parameters.add(storage)

    def home(self, number: int, module: str) -> str:
        """Return the path under which tensor `number` serves `module`, else where it was met first."""
        return next(
            (path for path, _ in self._homes[number] if base(path) == module), self._homes[number][0][0]
        )

    def full_name(self, number: int) -> str:
        """Return a tensor's own path, `encoder.attn.in_proj_weight`, where it was met first."""
        return ".".join(self._homes[number][0])

    def layer_owner(self, numbers: Iterable[int], scope: str) -> str | None:
        """Return the Conv, Linear or MultiheadAttention that owns the tensors, preferably `scope`."""
        paths = [base(path) for number in sorted(numbers) for path, _ in self._homes[number]]
        owners = [path for path in paths if kind_of(self.modules[path])]
        return scope if scope in owners else next(iter(owners), None)

    def holders(self) -> list[Holder]:
        """Return every module with the parameters it owns itself, in order of registration."""
        seen: set[int] = set()
        return [self._holder(path, module, seen) for path, module in self.modules.items()]

    def _holder(self, path: str, module: nn.Module, seen: set[int]) -> Holder:
        weights = []
        for parameter in module._parameters.values():
            if parameter is None:
                continue
            numel = 0 if id(parameter) in seen else parameter.numel()
            seen.add(id(parameter))
            weights.append(Weight(self.numbers[storage_of(parameter)], numel, parameter.dim()))
        matrices = kind_of(module) not in (
            None,
            "MultiheadAttention",
        )  # its two key and value biases are no matrices
        return Holder(path, type(module).__name__, tuple(weights), matrices)
