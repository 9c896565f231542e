"""From the text of `--model` to a traced network: nothing is imported before it is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .box_converter.foreign import kind_of_value, told_as, undisturbed
from .box_converter.models import MODELS, builder
from .box_converter.shapes import sizes_by_name
from .errors import BadInput
from .values import InputSize, Network

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

    from .box_converter.torch.trace import Recording

FORMS = (
    "torchvision:NAME, timm:NAME, ofa:front.json#K or ofa:evaluated.csv#K, package.module:callable, FILE.onnx"
)
_PREFIXES = ("torchvision", "timm", "ofa")


def load_network(spec: str, input_size: InputSize | None = None) -> Network:
    """Return the network that `spec` names, traced on one sample of `input_size` (without the batch).

    `spec` is a shipped name or one of `FORMS`; a callable is imported with the current directory on the
    path and returns an `nn.Module`. Weights are never downloaded. `input_size` None means `DEFAULT_SIZE`
    where a size is needed. An ONNX file may fix its sizes: a given size that contradicts them is refused, and
    the default serves for open sizes only. What a network prints goes to standard error. Raises BadInput, in
    one line, for whatever does not name a network that runs and can be mapped.
    """
    sizes = sizes_by_name(input_size)
    if _is_onnx(spec):
        return _load_onnx(spec, sizes)
    with _importable(spec):
        with undisturbed():
            module = _build(spec)
        with undisturbed():
            from .box_converter.torch.trace import trace

            return trace(module, sizes, spec)


class Model(NamedTuple):
    """A module with its weights, and the record of its run."""

    module: nn.Module
    recording: Recording


def load_model(
    spec: str, input_size: InputSize | None, seed: int, prepare: Callable[[nn.Module], nn.Module]
) -> Model:
    """Return the network that `spec` names as `load_network` traces it, to be executed.

    Its weights are random ones of `seed`; `prepare` may give it others, or replace it. Raises BadInput as
    `load_network` does, and for an ONNX file.
    """
    if _is_onnx(spec):
        raise BadInput(f"{spec}: ONNX files cannot be executed yet; allowed is a network of torch")
    with _importable(spec), undisturbed():
        import torch

        from .box_converter.torch.trace import record

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = prepare(_build(spec))
            return Model(module, record(module, sizes_by_name(input_size), spec))


def _is_onnx(spec: str) -> bool:
    return spec.lower().endswith(".onnx")


def _importable(spec: str) -> AbstractContextManager[None]:
    """The current directory on the path, where a network is the user's own."""
    own = spec not in MODELS and spec.partition(":")[0] not in _PREFIXES
    return _current_directory_importable() if own else nullcontext()


def _load_onnx(spec: str, sizes: dict[str, tuple[int, ...]]) -> Network:
    if not Path(spec).is_file():
        raise BadInput(f"no such file: {spec}")
    with _needs("onnx"):
        from .box_converter.onnx.reader import read_onnx
    return read_onnx(Path(spec), sizes)


def _build(spec: str) -> nn.Module:
    prefix, colon, name = spec.partition(":")
    if spec in MODELS:
        return builder(spec)()
    if not colon or not prefix or not name:
        hint = _hint_everywhere(spec, list(MODELS))
        raise BadInput(f"unknown model {spec!r}{hint}; {_allowed()}")
    if not all(part.isidentifier() for part in prefix.split(".")):
        raise BadInput(f"unknown model {spec!r}: {prefix!r} is no name of a Python module; {_allowed()}")
    if prefix == "torchvision":
        return _from_torchvision(name)
    if prefix == "timm":
        return _from_timm(name)
    if prefix == "ofa":
        from .runs.nas.subnet import build_subnet

        return build_subnet(name)
    return _from_callable(prefix, name)


def _allowed() -> str:
    return f"allowed: {', '.join(sorted(MODELS))}, {FORMS}"


def _hint(name: str, known: Sequence[str]) -> str:
    return _asked(difflib.get_close_matches(name, known, n=3))


def _asked(close: Sequence[str]) -> str:
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _hint_everywhere(name: str, known: Sequence[str]) -> str:
    """The known names that are near, and models of torchvision and timm that are, as `--model` takes them.

    Where a known name is near, only others of the same letters and digits are told, which come first.
    """
    close = difflib.get_close_matches(name, known, n=3)
    of_letters: dict[str, list[str]] = {}
    for spec in _models_of_packages():
        of_letters.setdefault(_letters(spec.partition(":")[2]), []).append(spec)
    cutoff = 1.0 if close else 0.75
    near = difflib.get_close_matches(_letters(name), of_letters, n=3, cutoff=cutoff)
    others = [spec for each in near for spec in of_letters[each] if spec.partition(":")[2] not in close]
    return _asked([*others, *close][:3])


def _letters(name: str) -> str:
    """What people remember of a name."""
    return "".join(filter(str.isalnum, name.lower()))


def _models_of_packages() -> Iterator[str]:
    """Names of torchvision and timm, so far as these are installed."""
    with suppress(BadInput):
        yield from (f"torchvision:{each}" for each in _torchvision().models.list_models())
        with _needs("timm"):
            import timm
        yield from (f"timm:{each}" for each in timm.list_models())


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
    from .box_converter.torch.torchvision_compat import import_torchvision

    try:
        return import_torchvision()
    except ModuleNotFoundError as error:
        raise BadInput("torchvision is not installed: pip install torchvision") from error


def _from_torchvision(name: str) -> nn.Module:
    models = _torchvision().models
    known: list[str] = models.list_models()
    if name not in known:
        raise BadInput(f"torchvision has no model {name!r}{_hint_everywhere(name, known)}; {_allowed()}")
    make = models.get_model_builder(name)
    # Some builders load weights for their backbone unless told not to.
    options = [key for key in ("weights", "weights_backbone") if key in inspect.signature(make).parameters]
    return _call(f"torchvision:{name}", lambda: make(**dict.fromkeys(options)))


def _from_timm(name: str) -> nn.Module:
    _torchvision()
    with _needs("timm"):
        import timm
    if not timm.is_model(name):
        hint = _hint_everywhere(name, timm.list_models())
        raise BadInput(f"timm has no model {name!r}{hint}; {_allowed()}")
    return _call(f"timm:{name}", lambda: timm.create_model(name, pretrained=False))


def _from_callable(module_name: str, name: str) -> nn.Module:
    spec = f"{module_name}:{name}"
    return _call(spec, _find(spec, module_name, name))


def _find(spec: str, module_name: str, name: str) -> Callable[[], Any]:
    """Return what `package.module:callable` names."""
    target: Any = _import(spec, module_name)
    for part in name.split("."):
        with told_as(f"{spec} cannot be looked up"):
            if not hasattr(target, part):
                known = [str(key) for key in dir(target) if not str(key).startswith("_")]
                raise BadInput(f"{module_name} has no {name!r}{_hint(part, known)}")
            target = getattr(target, part)
    if not callable(target):
        raise BadInput(f"{spec} is not callable: {kind_of_value(target)} found")
    return cast("Callable[[], Any]", target)


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    """Put the current directory first on the path, also while the network runs (late imports)."""
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        yield
        return
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(here)


def _import(spec: str, module_name: str) -> ModuleType:
    try:
        with told_as(f"cannot import {module_name}"):
            return cast("ModuleType", _beside_torchvision(lambda: importlib.import_module(module_name)))
    except BadInput as refusal:
        error = refusal.__cause__
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if isinstance(missing, str) and f"{module_name}.".startswith(f"{missing}."):
            raise BadInput(f"unknown model {spec!r}: no module {missing!r}; {_allowed()}") from error
        raise


def _call(spec: str, make: Callable[[], Any]) -> nn.Module:
    """Call a builder and check that it made a module; a module that was made already is taken as it is."""
    from torch import nn

    if issubclass(type(make), nn.Module):  # `isinstance` would believe an object's `__class__`
        return cast("nn.Module", make)
    with told_as(f"{spec} cannot be built"):
        module = _beside_torchvision(make)
    if not issubclass(type(module), nn.Module):
        raise BadInput(f"{spec} returned {kind_of_value(module)}, not a torch.nn.Module")
    return cast("nn.Module", module)


def _beside_torchvision(make: Callable[[], Any]) -> Any:
    """Call `make`, again if it wants a torchvision that does not load by itself."""
    from .box_converter.torch.torchvision_compat import import_torchvision, stops_import

    try:
        return make()
    except RuntimeError as error:
        if not stops_import(error):
            raise
    import_torchvision()
    return make()
