"""Supernets in files, in the published program's format: a dict whose "state_dict" maps names to tensors."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from ofa.architecture import FEATURES, Configuration
from ofa.errors import BadInput, refusal
from ofa.network import Subnet, Supernet, build_supernet
from ofa.whole import whole_file

S = TypeVar("S", bound=Subnet)

_ALLOWED = "allowed is a dict of tensors, or one with such a dict as its 'state_dict'"
MOST_CLASSES = 2**16
"""The most classes of a supernet in a file: more than any set of images has."""


def shipped(name: str) -> Path:
    """Return the file of a supernet that comes along, by the name of its images."""
    return Path(__file__).parent / "checkpoint" / f"{name}_mbv3_small.pth"


def load_checkpoint(path: str | Path) -> Supernet:
    """Return the supernet of a checkpoint, on the CPU and in training mode; the file says how many classes.

    Names may have the doubled level (`.conv.conv`) or not, and may start with `module.`. Only weights are
    read: a file that would run code is refused. Raises BadInput, in one line.
    """
    return supernet_of(path, read_plain(path))


def supernet_of(path: str | Path, loaded: Any) -> Supernet:
    """Return the supernet in what was read from `path`. Raises BadInput, in one line."""
    return _filled(path, _tensors(path, loaded), build_supernet)


def load_subnet(path: str | Path, chosen: Configuration) -> Subnet:
    """Return the subnet of that configuration whose weights alone are in a file, as fine-tuning writes it.

    It is on the CPU, in training mode. Raises BadInput, in one line.
    """
    return subnet_of(path, read_plain(path), chosen)


def subnet_of(path: str | Path, loaded: Any, chosen: Configuration) -> Subnet:
    """Return a subnet in what was read from `path`. Raises BadInput, in one line."""

    def build(classes: int) -> Subnet:
        supernet = build_supernet(classes)
        supernet.active = chosen
        return supernet.get_active_subnet()

    return _filled(path, _tensors(path, loaded), build)


def _filled(path: str | Path, found: dict[str, Tensor], build: Callable[[int], S]) -> S:
    """Build a network with as many classes as the file says, and give it the weights."""
    try:
        net = build(_classes(path, found))
        wanted = {_plain(name): tensor for name, tensor in net.state_dict().items()}
        _check(path, found, wanted)
        with torch.no_grad():
            for name, tensor in wanted.items():
                tensor.copy_(found[name])
    except RuntimeError as error:  # of tensors that are neither dense nor sparse, or of types without numbers
        raise BadInput(f"{path}: found tensors that hold no plain numbers; {_ALLOWED}") from error
    return net


def _classes(path: str | Path, found: dict[str, Tensor]) -> int:
    """Return how many classes the classifier has; some number for one that the check of shapes refuses."""
    classifier = found.get("classifier.linear.weight")
    if classifier is None or not len(classifier.shape) or classifier.shape[1:] != (FEATURES,):
        return 10
    if len(classifier) > MOST_CLASSES:
        raise BadInput(f"{path}: found {len(classifier)} classes, allowed are up to {MOST_CLASSES}")
    return len(classifier) or 10


def save_checkpoint(supernet: Supernet, path: str | Path) -> None:
    """Write a supernet as the published program reads it; the file appears whole or not at all.

    Raises BadInput where it cannot be written.
    """
    write_whole({"state_dict": weights_of(supernet)}, path)


def weights_of(supernet: Subnet, half: bool = False) -> dict[str, Tensor]:
    """Return a supernet's tensors on the CPU by name, those in floating point as float16 if `half`.

    Raises BadInput for one that is finite, but too large for half precision.
    """
    weights = {name: tensor.detach().cpu() for name, tensor in supernet.state_dict().items()}
    if not half:
        return weights
    halved = {name: t.half() if t.is_floating_point() else t for name, t in weights.items()}
    for name, tensor in halved.items():
        if not torch.equal(tensor.isfinite(), weights[name].isfinite()):
            raise BadInput(f"half precision: found {name} above 65504; allowed is full precision alone")
    return halved


def write_whole(content: dict[str, Any], path: str | Path) -> None:
    """Write tensors and plain values; the file appears whole or not at all, also when it is replaced.

    Raises BadInput where it cannot be written, DiskFull where space is all that lacks.
    """
    path = Path(path)
    # a file of torch's own would hold the name of the path, and its errors hide the system's
    buffer = io.BytesIO()
    torch.save(content, buffer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(buffer.getbuffer())
    except OSError as error:
        raise refusal(f"{path}: cannot be written: {error.strerror or error}", error) from error


def _plain(name: str) -> str:
    """Drop `module.` and the doubled level."""
    return re.sub(r"\.(conv|bn|linear)\.\1\.", r".\1.", name.removeprefix("module."))


def read_plain(path: str | Path) -> Any:
    """Return tensors and plain values on the CPU; nothing in the file is run. Raises BadInput."""
    try:
        if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
            raise OSError("it is no regular file")  # others may have no end
        with warnings.catch_warnings(action="ignore"):  # what is wrong is said in one line
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}; {_ALLOWED}") from error
    except Exception as error:  # a damaged file raises nearly anything
        name = re.search(r"GLOBAL (\S{1,100})", str(error))
        found = f"more than weights ({name[1]})" if name else "no checkpoint, or one that is cut short"
        raise BadInput(f"{path}: found {found}; {_ALLOWED}") from error


def _tensors(path: str | Path, loaded: Any) -> dict[str, Tensor]:
    """Return the tensors under their plain names."""
    entries = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(entries, dict):
        raise BadInput(f"{path}: found type {type(entries).__name__}; {_ALLOWED}")
    for name, tensor in entries.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise BadInput(f"{path}: found {name!a:.100} of type {type(tensor).__name__}; {_ALLOWED}")
    found = {_plain(name): tensor for name, tensor in entries.items()}
    if len(found) < len(entries):
        raise BadInput(f"{path}: found both spellings of a name; allowed is one, .conv.conv or .conv")
    return found


def _short(name: str) -> str:
    """Return a name as a line can show it."""
    return name if len(name) <= 100 and name.isprintable() else f"{name!a:.100}"


def _check(path: str | Path, found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Names first, since a wrong name is one too few and one too many."""
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    faults = [
        f"{len(names)} {what} ({', '.join(map(_short, names[:3]))}{', …' if len(names) > 3 else ''})"
        for what, names in (("missing", missing), ("unexpected", unexpected))
        if names
    ]
    if faults:
        raise BadInput(f"{path}: found {len(found)} entries: {'; '.join(faults)}; allowed are {len(wanted)}")
    for name, tensor in wanted.items():
        given = found[name]
        if given.shape != tensor.shape:
            sizes = tuple(given.shape), tuple(tensor.shape)
            raise BadInput(f"{path}: {name}: found shape {sizes[0]}, allowed is {sizes[1]}")
        dense = given.layout == torch.strided and not given.is_meta
        if not dense or given.is_floating_point() != tensor.is_floating_point():
            kind = f"{given.dtype}, {given.layout} on {given.device}"
            raise BadInput(f"{path}: {name}: found {kind}; allowed is a dense tensor like {tensor.dtype}")
