"""Once-for-all supernet of MobileNetV3-small (Cai et al., ICLR 2020); modules are loaded when needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ofa.architecture import Configuration, LayerShape, layer_shapes
    from ofa.calibration import accuracy, device_of, recalibrate
    from ofa.checkpoint import load_checkpoint, load_subnet, save_checkpoint
    from ofa.data import Images, Split, batches, load_images
    from ofa.errors import BadInput
    from ofa.network import Subnet, Supernet, build_supernet

_HOMES = {
    "architecture": ("Configuration", "LayerShape", "layer_shapes"),
    "calibration": ("accuracy", "device_of", "recalibrate"),
    "checkpoint": ("load_checkpoint", "load_subnet", "save_checkpoint"),
    "data": ("Images", "Split", "batches", "load_images"),
    "errors": ("BadInput",),
    "network": ("Subnet", "Supernet", "build_supernet"),
}
"""Names by module, which is loaded with the first of them: most need torch, and all of them time."""

__all__ = [
    "BadInput", "Configuration", "Images", "LayerShape", "Split", "Subnet", "Supernet", "accuracy", "batches",
    "build_supernet", "device_of", "layer_shapes", "load_checkpoint", "load_images", "load_subnet",
    "recalibrate", "save_checkpoint",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
