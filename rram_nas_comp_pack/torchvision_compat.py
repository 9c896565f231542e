"""The one place that imports torchvision.

Its wheels are built for one build of torch. Beside another (a CPU-only torch, say) its compiled operators do
not load, and its import stops at `nms`, for which it registers a shape function. The networks need none of
these operators: declaring two of them is enough.
"""

from __future__ import annotations

import functools
import importlib
import sys
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
        if _MISSING not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare_operators()
    return importlib.import_module("torchvision")


def operators_declared() -> bool:
    """Whether torchvision's import needed that, in this process."""
    return _declare_operators.cache_info().currsize > 0


@functools.cache  # torch forgets what a library declared when the library is freed
def _declare_operators() -> object:
    import torch

    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    return library
