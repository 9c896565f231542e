"""Labelled images in files: the published batches of CIFAR-10, and folders with one for every class."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ofa import download
from ofa.errors import BadInput, refusal

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Pixels (n, 3, height, width) and labels (n,)."""

SPLITS = ("train", "validation", "test")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp")


class _Array:
    """An array as a pickle describes it; NumPy's own way would believe sizes that the file only claims."""

    def __init__(self, *_: object) -> None:
        self.shape, self.kind, self.by_columns, self.content = (), _Kind(""), False, b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.kind, self.by_columns, self.content = state

    def values(self) -> NDArray[Any]:
        """Return the array. Raises ValueError or TypeError where its description does not fit its bytes."""
        if not isinstance(self.kind, _Kind) or self.kind.name[:1] not in "iuf":
            raise ValueError("an array of something else than numbers")
        flat = np.frombuffer(self.content, np.dtype(self.kind.order + self.kind.name))
        return flat.reshape(self.shape, order="F" if self.by_columns else "C")


class _Kind:
    """The type of an array's numbers as a pickle describes it: "u1", and the order of bytes."""

    def __init__(self, name: str | bytes, *_: object) -> None:
        self.name = name.decode() if isinstance(name, bytes) else str(name)
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        self.order = order.decode() if isinstance(order, bytes) else str(order)


def _latin(text: str, _encoding: str) -> bytes:
    """Return bytes that were pickled as text."""
    return text.encode("latin-1")


_HARMLESS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("_codecs", "encode"): _latin,
}
"""All that a pickled array needs."""


# The unpickler that is written in C would set aside as much memory as a damaged number asks for.
class _Arrays(pickle._Unpickler):
    """Reads arrays, lists and dicts; a pickle that calls anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(f"more than arrays ({module}.{name})")
        return _HARMLESS[module, name]


def read_cifar10(folder: Path) -> tuple[Labelled, Labelled]:
    """Return CIFAR-10's images for training and those for testing, 32 x 32 pixels, from its Python version.

    The files lie in `folder`/cifar-10-batches-py or in `folder` itself; those that are missing are fetched.
    They are pickles: torchvision would run what is in them, here nothing but arrays is read. Raises BadInput
    where one cannot be fetched or is damaged.
    """
    inner = folder / download.INNER
    folder = folder if (folder / "test_batch").exists() else inner
    training = [folder / f"data_batch_{i}" for i in range(1, 6)]
    missing = [p.name for p in (*training, folder / "test_batch") if not p.is_file()]
    if missing:
        try:
            download.fetch_cifar10(folder, missing)
        except (OSError, ValueError, HTTPException) as error:
            why = f"they cannot be fetched ({error})".replace("\n", " ")
            where = f"unpack {download.URL} in {inner.parent} to have {inner}/data_batch_1 and so on"
            text = f"cifar10: {folder}: found no {', '.join(missing)}; {why}; {where}"
            raise refusal(text, error) from error
    pixels, labels = zip(*map(_batch, training), strict=True)
    return (np.concatenate(pixels), np.concatenate(labels)), _batch(folder / "test_batch")


def _batch(path: Path) -> Labelled:
    allowed = "allowed are images x 3072 bytes as 'data' and as many numbers from 0 to 9 as 'labels'"
    try:
        with path.open("rb") as file:
            read = _Arrays(io.BytesIO(file.read()), encoding="bytes").load()
        data, labels = _numbers(read[b"data"]), _numbers(read[b"labels"])
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged file raises nearly anything
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BadInput(f"{path}: found no batch of CIFAR-10 ({why}); {allowed}") from error
    fits = data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == 3072
    if not fits or labels.shape != data.shape[:1] or labels.dtype.kind not in "iu":
        kinds = f"{data.dtype} {data.shape} and {labels.dtype} {labels.shape}"
        raise BadInput(f"{path}: found {kinds}; {allowed}")
    if not ((labels >= 0) & (labels < 10)).all():
        raise BadInput(f"{path}: found labels from {labels.min()} to {labels.max()}; {allowed}")
    return data.reshape(-1, 3, 32, 32), labels.astype(np.int64)


def _numbers(found: Any) -> NDArray[Any]:
    """Return an array, or a list of numbers as one. Raises whatever comes to it for anything else."""
    if isinstance(found, _Array):
        return found.values()
    if not isinstance(found, list) or not all(type(number) in (int, float) for number in found):
        raise ValueError(f"a {type(found).__name__} where numbers should be")
    return np.array(found)


def read_folder(path: Path, size: int) -> list[Labelled]:
    """Return the images of PATH/train, PATH/validation and PATH/test, or in one piece those of PATH.

    Every class is a folder of images; labels number the classes in the order of their names. Images are
    resized to `size` x `size`, whatever their shape. Raises BadInput.
    """
    allowed = f"allowed is {path}/train|validation|test/CLASS/*.png or {path}/CLASS/*.png"
    if not path.is_dir():
        raise BadInput(f"folder:{path}: found no such folder; {allowed}")
    splits = [path / name for name in SPLITS if (path / name).is_dir()]
    if len(splits) not in (0, len(SPLITS)):
        found = ", ".join(split.name for split in splits)
        raise BadInput(f"folder:{path}: found of the splits {found} only; {allowed}")
    roots = splits or [path]
    classes = _classes(roots[0])
    for root in roots:
        there = _classes(root)
        if not there or there != classes:
            like = "" if root == roots[0] else f"; {roots[0].name} has {_told(classes)}"
            raise BadInput(f"folder:{root}: found {_told(there)}{like}; {allowed}")
    return [_labelled(root, classes, size) for root in roots]


def _classes(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _told(classes: list[str]) -> str:
    more = f", … ({len(classes)} in all)" if len(classes) > 5 else ""
    return f"the classes {', '.join(classes[:5])}{more}" if classes else "no folder of a class"


def _labelled(root: Path, classes: list[str], size: int) -> Labelled:
    """Read one split."""
    pixels: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted(p for p in (root / name).iterdir() if p.suffix.lower() in ENDINGS)
        if not files:
            raise BadInput(f"folder:{root / name}: found no image; allowed are {', '.join(ENDINGS)}")
        pixels += [_image(file, size) for file in files]
        labels += [label] * len(files)
    return np.stack(pixels), np.array(labels, dtype=np.int64)


def _image(path: Path, size: int) -> NDArray[np.uint8]:
    """Read an image as (3, size, size)."""
    from PIL import Image

    try:
        if not path.is_file():  # others may have no end
            raise OSError("it is no regular file")
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    except Exception as error:  # a damaged file raises nearly anything
        why = str(error).partition("\n")[0]
        raise BadInput(f"{path}: found no whole image ({why}); allowed are {', '.join(ENDINGS)}") from error
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)
