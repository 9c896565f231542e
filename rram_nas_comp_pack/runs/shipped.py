"""What comes with the toolkit."""

from pathlib import Path

SUPERNET = Path(__file__).parents[2] / "ofa" / "checkpoint" / "digits_mbv3_small.pth"
"""The supernet of MobileNetV3-small for digits."""
