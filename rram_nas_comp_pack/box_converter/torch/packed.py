"""Weights that torch keeps in packed objects: those of its quantized modules, which are no tensors."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ...values import Status


@dataclass(frozen=True, slots=True)
class PackedUse:
    """What an operator does with packed weights; `macs` is None where they cannot be counted."""

    status: Status
    macs: int | None


def packed_in(tree: Any) -> list[torch.ScriptObject]:
    """Return the packed objects among an operator's arguments."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.ScriptObject)]


def packed_numel(module: nn.Module) -> list[tuple[int, int]]:
    """Return (number of values, rank) of every packed tensor that `module` holds itself."""
    values = [*vars(module).values()]
    if isinstance(module, torch.jit.ScriptModule):  # whose attributes are not in its dictionary
        values = [getattr(module, name, None) for name in ("_packed_params", "param")]
    objects = [value for value in values if isinstance(value, torch.ScriptObject)]
    return [(x.numel(), x.dim()) for each in objects for x in _tensors(each) if x.numel()]


def packed_key(home: str) -> Hashable:
    """Return the identity of a module's packed weights in the ledger: they share one fate."""
    return ("packed", home)


def public_name(path: str) -> str:
    """Return the module that a path's packed weights serve: the one above the first private name."""
    parts = path.split(".")
    private = next((place for place, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join(parts[:private])


def packed_use(name: str, args: tuple[Any, ...], out: Any) -> PackedUse:
    """Return what the operator `name` does with the packed weights among its arguments."""
    if "embedding" in name:
        return PackedUse("digital", 0)
    x = next((leaf for leaf in tree_leaves(args) if isinstance(leaf, Tensor)), None)
    matrices = [w for each in packed_in(args) for w in _tensors(each) if w.dim() > 1]
    if x is None or not matrices:
        return PackedUse("unsupported", None)
    weights = sum(matrix.numel() for matrix in matrices)
    if name.startswith("conv"):
        return PackedUse("unsupported", _convolution_positions(name, x, out) * weights)
    if name.startswith("linear") or any(kind in name for kind in ("lstm", "gru", "rnn")):
        return PackedUse("unsupported", prod(x.shape[:-1]) * weights)
    return PackedUse("unsupported", None)


def _convolution_positions(name: str, x: Tensor, out: Tensor) -> int:
    return int(x.shape[0] * prod((x if "transpose" in name else out).shape[2:]))


def _tensors(packed: Any, biases: bool = True) -> list[Tensor]:
    """Return weights and biases of a packed object; none where it is of a kind that does not tell."""
    try:
        if hasattr(packed, "unpack"):
            parts = tree_leaves(packed.unpack())
            return [x for x in parts if isinstance(x, Tensor) and (biases or x.dim() > 1)]
        tensors: list[Tensor] = []
        for leaf in tree_leaves(packed.__getstate__()):
            if isinstance(leaf, Tensor):
                tensors.append(leaf)
            elif isinstance(leaf, torch.ScriptObject):  # a recurrent cell lists its biases beside these
                tensors += _tensors(leaf, biases=False)
        return tensors
    except Exception:  # any library may define such a class
        return []
