"""A module's weights from a file: tensors and plain values, nothing that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import ofa
from ofa.checkpoint import read_plain

from ..errors import BadInput

_TYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8},
    "BOOL": torch.bool,
}
"""Types of safetensors."""

ALLOWED = "allowed are the tensors of a state_dict by name"


def load_weights(module: nn.Module, path: Path) -> None:
    """Give a module the weights of a file. Raises BadInput, in one line, where they are not its own."""
    found = read_weights(path)
    wanted = module.state_dict()
    _require_names(path, [*found], [*wanted])
    for name, tensor in wanted.items():
        sizes = tuple(found[name].shape), tuple(tensor.shape)
        if sizes[0] != sizes[1] and not torch.nn.parameter.is_lazy(tensor):
            raise BadInput(f"{path}: {name:.100}: found a tensor of {sizes[0]}, the network has {sizes[1]}")
    module.load_state_dict(found)


def is_supernet(path: Path) -> bool:
    """Whether a file holds weights of all subnets, rather than of one: their kernels are made by matrices.

    Raises BadInput where it holds no weights.
    """
    return any(name.endswith("to3_matrix") for name in read_weights(path))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; `module.` in front of all names is dropped. Raises BadInput."""
    if path.suffix in (".npz", ".safetensors"):
        loaded = _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)
    else:
        try:
            loaded = read_plain(path)
        except ofa.BadInput as error:
            raise BadInput(str(error)) from error
    entries = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(entries, dict) or not entries:
        raise BadInput(f"{path}: found no tensors; {ALLOWED}")
    for name, tensor in entries.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise BadInput(f"{path}: found {name!a:.100} of type {type(tensor).__name__}; {ALLOWED}")
    doubled = all(name.startswith("module.") for name in entries)
    return {name.removeprefix("module.") if doubled else name: x for name, x in entries.items()}


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: found no arrays, or a damaged file; {ALLOWED}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    """Eight bytes of length, so many of JSON, then the values of the tensors that it lists."""
    try:
        content = bytearray(path.read_bytes())
        start = 8 + int.from_bytes(content[:8], "little")
        entries = json.loads(content[8:start])
        entries.pop("__metadata__", None)
        return {name: _tensor(memoryview(content)[start:], entry) for name, entry in entries.items()}
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}; {ALLOWED}") from error
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: found no safetensors file, or a damaged one; {ALLOWED}") from error


def _tensor(values: memoryview, entry: dict[str, Any]) -> Tensor:
    begin, end = entry["data_offsets"]
    kind, size = _TYPES[entry["dtype"]], entry["shape"]
    if not 0 <= begin <= end <= len(values):
        raise ValueError(f"values from {begin} to {end}")
    if begin == end:
        return torch.empty(size, dtype=kind)
    return torch.frombuffer(values[begin:end], dtype=kind).reshape(size).clone()


def _require_names(path: Path, found: list[str], wanted: list[str]) -> None:
    """A wrong name is one too few and one too many: both are said."""
    faults = []
    for what, names in (("missing", set(wanted) - set(found)), ("unexpected", set(found) - set(wanted))):
        if names:
            first = ", ".join(f"{name:.60}" for name in sorted(names)[:3])
            faults.append(f"{len(names)} {what} ({first}{', …' if len(names) > 3 else ''})")
    if faults:
        raise BadInput(
            f"{path}: found {len(found)} tensors, which do not fit the network: {'; '.join(faults)}; "
            f"allowed are its {len(wanted)}"
        )
