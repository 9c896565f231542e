"""Supernets and images: what comes along, and where the rest belongs that the paper's own search needs."""

from __future__ import annotations

from pathlib import Path

from ofa.download import INNER, URL

SUPERNET = Path(__file__).parents[3] / "ofa" / "checkpoint" / "digits_mbv3_small.pth"
"""The supernet that comes with the toolkit, trained on digits."""

CHECKPOINT = Path("ofa/checkpoint/mbv3_small_best.pth.tar")
"""The supernet of the paper's authors."""

CIFAR10 = Path("dataset/cifar10")

FETCH_CHECKPOINT = (
    f"curl -L --create-dirs -o {CHECKPOINT} "
    "https://huggingface.co/archiii/OFA_MBv3_small/resolve/main/mbv3_small_best.pth.tar"
)
FETCH_CIFAR10 = f"mkdir -p {CIFAR10} && curl -L {URL} | tar xz -C {CIFAR10}"
_BATCHES = ("test_batch", *(f"data_batch_{i}" for i in range(1, 6)))


def cifar10_is_there() -> bool:
    """Whether all files of CIFAR-10 are in place, below the current directory."""
    folders = (CIFAR10, CIFAR10 / INNER)
    return any(all((folder / name).is_file() for name in _BATCHES) for folder in folders)


def missing() -> list[str]:
    """What the paper's own search lacks here, by name."""
    found = {str(CHECKPOINT): CHECKPOINT.is_file(), f"CIFAR-10 in {CIFAR10}": cifar10_is_there()}
    return [name for name, there in found.items() if not there]
