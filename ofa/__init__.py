"""Once-for-all supernet of MobileNetV3-small (Cai et al., ICLR 2020); torch is loaded when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ofa.architecture import Configuration, LayerShape, layer_shapes
from ofa.errors import BadInput

if TYPE_CHECKING:
    from ofa.calibration import accuracy, recalibrate
    from ofa.checkpoint import load_checkpoint, save_checkpoint
    from ofa.data import Images, Split, batches, load_images
    from ofa.network import Subnet, Supernet, build_supernet

_HOMES = {
    "Images": "data",
    "Split": "data",
    "Subnet": "network",
    "Supernet": "network",
    "accuracy": "calibration",
    "batches": "data",
    "build_supernet": "network",
    "load_checkpoint": "checkpoint",
    "load_images": "data",
    "recalibrate": "calibration",
    "save_checkpoint": "checkpoint",
}
"""Names whose modules need torch."""

__all__ = [
    "BadInput", "Configuration", "Images", "LayerShape", "Split", "Subnet", "Supernet", "accuracy", "batches",
    "build_supernet", "layer_shapes", "load_checkpoint", "load_images", "recalibrate", "save_checkpoint",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
