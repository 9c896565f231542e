"""The shipped networks by name.

To add a network, put a file with its builder into this folder and one line into `MODELS`. A builder takes
the number of classes (10 unless given) and returns an `nn.Module` for inputs of `3 x height x width`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import nn

MODELS: dict[str, str] = {
    "mbv3_small": "mbv3_small:mbv3_small",
    "resnet": "resnet18:resnet18",
    "resnet18": "resnet18:resnet18",
    "squeezenet": "squeezenet:squeezenet",
}
"""Name -> `file:builder`. Text, so that listing the names does not load torch."""


def builder(name: str) -> Callable[..., nn.Module]:
    """Return the builder of a shipped network; KeyError for a name that is not in `MODELS`."""
    file, function = MODELS[name].split(":")
    return cast("Callable[..., nn.Module]", getattr(import_module(f"{__name__}.{file}"), function))
