"""From the text of `--model` to a traced network: nothing is imported before it is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rram_nas_comp_pack.box_converter.models import MODELS, builder
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import DEFAULT_SIZE, InputSize, Network

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

FORMS = "torchvision:NAME, timm:NAME, ofa:front.json#K, package.module:callable, FILE.onnx"


def load_network(spec: str, input_size: InputSize | None = None) -> Network:
    """Return the network that `spec` names, traced on one sample of `input_size` (without the batch).

    `spec` is a shipped name or one of `FORMS`; a callable is imported with the current directory on the
    path and returns an `nn.Module`. Weights are never downloaded. `input_size` None means `DEFAULT_SIZE`
    where a size is needed. An ONNX file may fix its sizes: a given size that contradicts them is refused, and
    the default serves for open sizes only. Raises BadInput, in one line, for whatever does not name a network
    that runs and can be mapped.
    """
    sizes = _by_name(input_size)
    if spec.lower().endswith(".onnx"):
        return _load_onnx(spec, sizes)
    module = _build(spec)
    from rram_nas_comp_pack.box_converter.layers import trace

    return trace(module, sizes.get("", DEFAULT_SIZE), spec)


def _by_name(input_size: InputSize | None) -> dict[str, tuple[int, ...]]:
    """Return the sizes that were given by the name of their input; "" stands for all others."""
    given = dict(input_size) if isinstance(input_size, dict) else {"": input_size}
    sizes = {name: tuple(size) for name, size in given.items() if size is not None}
    for name, size in sizes.items():
        if not size or min(size) < 1:
            raise BadInput(
                f"input size {name + '=' if name else ''}{'x'.join(map(str, size))!r}: "
                "one or more sizes of at least 1 expected"
            )
    return sizes


def _load_onnx(spec: str, sizes: dict[str, tuple[int, ...]]) -> Network:
    if not Path(spec).is_file():
        raise BadInput(f"no such file: {spec}")
    with _needs("onnx"):
        from rram_nas_comp_pack.box_converter.onnx_layers import read_onnx
    return read_onnx(Path(spec), sizes)


def _build(spec: str) -> nn.Module:
    prefix, colon, name = spec.partition(":")
    if spec in MODELS:
        return builder(spec)()
    if not colon or not prefix or not name:
        raise BadInput(f"unknown model {spec!r}{_hint(spec, list(MODELS))}; {_allowed()}")
    if prefix == "torchvision":
        return _from_torchvision(name)
    if prefix == "timm":
        return _from_timm(name)
    if prefix == "ofa":
        from rram_nas_comp_pack.box_converter.subnet import build_subnet

        return build_subnet(name)
    return _from_callable(prefix, name)


def _allowed() -> str:
    return f"allowed: {', '.join(sorted(MODELS))}, {FORMS}"


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]}"


@contextmanager
def _needs(package: str) -> Iterator[None]:
    """Turn a missing optional package into the command that installs it; the extra has the package's name."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise BadInput(f'{package} is not installed: pip install "rram-nas-comp-pack[{package}]"') from error


def _torchvision() -> ModuleType:
    from rram_nas_comp_pack.torchvision_compat import import_torchvision

    try:
        return import_torchvision()
    except ModuleNotFoundError as error:
        raise BadInput("torchvision is not installed: pip install torchvision") from error


def _from_torchvision(name: str) -> nn.Module:
    models = _torchvision().models
    known: list[str] = models.list_models()
    if name not in known:
        raise BadInput(f"torchvision has no model {name!r}{_hint(name, known)}; {_allowed()}")
    make = models.get_model_builder(name)
    # Some builders load weights for their backbone unless told not to.
    options = [key for key in ("weights", "weights_backbone") if key in inspect.signature(make).parameters]
    return _call(f"torchvision:{name}", lambda: make(**dict.fromkeys(options)))


def _from_timm(name: str) -> nn.Module:
    _torchvision()
    with _needs("timm"):
        import timm
    if not timm.is_model(name):
        raise BadInput(f"timm has no model {name!r}{_hint(name, timm.list_models())}; {_allowed()}")
    return _call(f"timm:{name}", lambda: timm.create_model(name, pretrained=False))


def _from_callable(module_name: str, name: str) -> nn.Module:
    spec = f"{module_name}:{name}"
    with _current_directory_importable():
        return _call(spec, _find(spec, module_name, name))


def _find(spec: str, module_name: str, name: str) -> Callable[[], Any]:
    """Return what `package.module:callable` names."""
    target: Any = _import(spec, module_name)
    for part in name.split("."):
        if not hasattr(target, part):
            known = [key for key in dir(target) if not key.startswith("_")]
            raise BadInput(f"{module_name} has no {name!r}{_hint(part, known)}")
        target = getattr(target, part)
    if not callable(target):
        raise BadInput(f"{spec} is not callable: {type(target).__name__} found")
    return cast("Callable[[], Any]", target)


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    """Put the current directory first on the path, also while the network is built (late imports)."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _import(spec: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise BadInput(f"unknown model {spec!r}: no module {error.name!r}; {_allowed()}") from error
        raise BadInput(f"cannot import {module_name} ({_first_line(error)})") from error
    except (Exception, SystemExit) as error:  # a script may parse its own command line
        raise BadInput(f"cannot import {module_name} ({_first_line(error)})") from error


def _call(spec: str, make: Callable[[], Any]) -> nn.Module:
    """Call a builder and check that it made a module; a module that was made already is taken as it is."""
    from torch import nn

    if isinstance(make, nn.Module):
        return make
    try:
        module = make()
    except (Exception, SystemExit) as error:
        raise BadInput(f"{spec} cannot be built ({_first_line(error)})") from error
    if not isinstance(module, nn.Module):
        raise BadInput(f"{spec} returned {type(module).__name__}, not a torch.nn.Module")
    return module
