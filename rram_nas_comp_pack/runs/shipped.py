"""What comes with the toolkit."""

from pathlib import Path

USUAL_IMAGES = "clutter"
"""The images that a search is for unless it is told others."""

SUPERNETS = {
    name: Path(__file__).parents[2] / "ofa" / "checkpoint" / f"{name}_mbv3_small.pth"
    for name in ("clutter", "digits")
}
"""Supernets of MobileNetV3-small by the name of their images."""

SUPERNET = SUPERNETS[USUAL_IMAGES]
"""The supernet that a search takes unless it is told another."""
