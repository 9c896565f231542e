"""The one place that imports torchvision.

Its wheels are built for one build of torch. Beside another (a CPU-only torch, say) its compiled operators do
not load, and its import stops at `nms`, for which it registers a shape function. The networks need none of
these operators: declaring two of them is enough.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
import traceback
from types import ModuleType
from typing import Any

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_MISSING = "operator torchvision::nms does not exist"


def import_torchvision() -> ModuleType:
    """Import and return torchvision; call it before importing what imports torchvision itself (timm).

    Raises what the import raises: ModuleNotFoundError if torchvision is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if not stops_import(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare_operators()
    return importlib.import_module("torchvision")


def operators_declared() -> bool:
    """Whether torchvision's import needed that, in this process."""
    return _declare_operators.cache_info().currsize > 0


def stops_import(error: BaseException) -> bool:
    """Say whether this is how the import of torchvision fails beside a torch of another build."""
    return isinstance(error, RuntimeError) and _MISSING in str(error)


def missing_operator(error: BaseException) -> str | None:
    """Return what is missing, and what mends it, if `error` says that a compiled operator does not run."""
    if not isinstance(error, RuntimeError | AttributeError):
        return None
    try:
        text = str(error)
    except Exception:
        return None
    named = re.search(r"torchvision::\w+", text)
    if named is None and "Couldn't load custom C++ ops" not in text:
        return None
    places = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    operator = named[0] if named else f"torchvision::{[p for p in places if p != '_assert_has_ops'][-1]}"
    import torch

    return (
        f"the compiled operator {operator}, which the installed torchvision lacks beside torch "
        f"{torch.__version__}: install the torchvision that was built for it"
    )


@functools.cache  # torch forgets what a library declared when the library is freed
def _declare_operators() -> object:
    import torch

    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    return library
