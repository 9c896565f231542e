"""Images to train and to judge subnets with: three splits, the same on every machine, and batches of them.

Pixels stay bytes of the size they were published in (CIFAR-10: 184 MB, a sixteenth of what the network
sees); a batch is normalised and resized when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import Tensor
from torch.nn import functional

from ofa.clutter import CHUNK, FEWER, Clutter
from ofa.errors import BadInput
from ofa.image_files import Labelled, read_cifar10, read_folder

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class DataSet:
    """How images are shown to a network.

    `mean` and `deviation` are a channel's, of pixels in [0, 1]; augmentation moves images by up to `shift` of
    their size, turns them by up to `turn` degrees, stretches them by up to `stretch`, and mirrors every other
    where `flip` says so; networks see `resolution` x `resolution` pixels; `classes` is None where the files
    say how many.
    """

    mean: Colour
    deviation: Colour
    shift: float = 0.125
    turn: float = 0.0
    stretch: float = 0.0
    flip: bool = True
    classes: int | None = None
    resolution: int = 64


DATA_SETS = {
    # of the 1797 images themselves; a mirrored digit is another sign
    "digits": DataSet((0.3053,) * 3, (0.376,) * 3, turn=10.0, stretch=0.1, flip=False, classes=10),
    # of 10 000 training images
    "clutter": DataSet((0.127,) * 3, (0.217,) * 3, shift=0.0, flip=False, classes=10),
    # the figures that Once for All's authors normalise with
    "cifar10": DataSet((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), classes=10),
    # ImageNet's, customary for photographs
    "folder": DataSet((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""What `load_images` knows, by name."""

CLUTTER_IMAGES = 4000, 2000, 2000
"""How many images of clutter train, validate and test."""

_DRAW = 20260101
"""Seeds the order of images and with it the splits: with another, figures are not comparable."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Labelled images in a fixed random order, so that the first few are a fair sample.

    `pixels` are bytes (n, 3, height, width), `labels` int64 (n,); `source` draws others like them, where they
    were drawn themselves.
    """

    pixels: Tensor
    labels: Tensor
    data_set: DataSet
    source: Clutter | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def first(self, count: int) -> Split:
        """Return the first `count` images, or all if there are fewer."""
        return Split(self.pixels[:count], self.labels[:count], self.data_set, self.source)

    def anew(self, rng: Generator, size: int | None = None) -> Split:
        """Return as many images drawn with `rng`, or these where they have no source.

        They have `size` x `size` pixels, None for as many as ever. Raises BadInput where that is too few.
        """
        if self.source is None:
            return self
        size = size or self.data_set.resolution
        pixels, labels = map(torch.from_numpy, self.source.draw(len(self), rng.bit_generator, size))
        return Split(pixels, labels, replace(self.data_set, resolution=size), self.source)


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """A data set: train on one split, choose by the next, and report the last; labels are below `classes`."""

    train: Split
    validation: Split
    test: Split
    classes: int


def load_images(name: str = "digits", root: str | Path = "dataset", validation: int | None = None) -> Images:
    """Return the images called `name`; the first `validation` of their split validate, None for all.

    "digits": the 1797 images of 8 x 8 pixels that scikit-learn brings along, split 60 : 20 : 20.
    "clutter": one of these digits among fragments of others, in colour, 64 x 64 pixels; splits keep the
    digits apart; 2000 images each validate and test; the 4000 that train are drawn anew for every epoch,
    also with fewer fragments. More than 2000 images validate where `validation` asks for more: the first are
    the same.
    "cifar10": the published batches of CIFAR-10 in `root`/cifar10, downloaded (170 MB) where they are not
    there; a tenth of the training images validate.
    "folder:PATH": PATH/train, PATH/validation and PATH/test with a folder of images for every class each, or
    PATH with a folder for every class, which is split 60 : 20 : 20; they are resized to 64 x 64.
    Splits keep the shares of classes. Raises BadInput, in one line.
    """
    kind, _, path = name.partition(":")
    if name == "digits":
        parts = _parts(_digits(), (60, 20, 20))
    elif name == "clutter":
        return _clutter(validation)
    elif name == "cifar10":
        train, test = read_cifar10(Path(root) / "cifar10")
        parts = _parts(train, (90, 10)) + _parts(test, (100,))
    elif kind == "folder" and path:
        found = read_folder(Path(path), DATA_SETS["folder"].resolution)
        shares = ((60, 20, 20),) if len(found) == 1 else ((100,),) * 3
        parts = [part for split, share in zip(found, shares, strict=True) for part in _parts(split, share)]
    else:
        raise BadInput(f"images: found {name!r}, allowed are clutter, digits, cifar10 and folder:PATH")
    images = _images(name, parts, DATA_SETS[kind])
    return images if validation is None else replace(images, validation=images.validation.first(validation))


def _digits() -> Labelled:
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]
    return np.repeat(grey, 3, axis=1), found.target.astype(np.int64)


def _clutter(validation: int | None) -> Images:
    data_set, counts = DATA_SETS["clutter"], list(CLUTTER_IMAGES)
    if validation is not None:
        counts[1] = validation
    splits = []
    for number, (pixels, labels) in enumerate(_parts(_digits(), (60, 20, 20))):
        source = Clutter((pixels[:, 0].astype(np.int64) * 16 + 127) // 255, labels)
        whole = -(-counts[number] // CHUNK) * CHUNK
        drawn = [each[: counts[number]] for each in source.draw(whole, PCG64(_DRAW + 1 + number))]
        anew = replace(source, fragments=FEWER)
        splits.append(Split(torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1]), data_set, anew))
    train, validate, test = splits
    return Images(train, validate, test, classes=10)


def _images(name: str, parts: list[Labelled], data_set: DataSet) -> Images:
    for what, (_, labels) in zip(("train", "validation", "test"), parts, strict=True):
        if not len(labels):
            raise BadInput(f"{name}: found no image for the {what} split, allowed is at least one a split")
    classes = data_set.classes or 1 + max(int(labels.max()) for _, labels in parts)
    train, validation, test = (
        Split(torch.from_numpy(pixels), torch.from_numpy(labels), data_set) for pixels, labels in parts
    )
    return Images(train, validation, test, classes)


def _parts(found: Labelled, percent: tuple[int, ...]) -> list[Labelled]:
    """Divide images so that each part has its share of every class, each part in random order."""
    pixels, labels = found
    # NumPy may change how it shuffles, but never what this generator gives
    order = np.argsort(PCG64(_DRAW).random_raw(len(labels)), kind="stable")
    ends = np.cumsum(percent)
    part = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        part[own] = np.searchsorted((len(own) * ends + 50) // 100, np.arange(len(own)), side="right")
    chosen = [order[part[order] == i] for i in range(len(percent))]
    return [(pixels[rows], labels[rows]) for rows in chosen]


def batches(
    split: Split, size: int, rng: Generator | None = None, augment: bool = False, drawn: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all images once: float32 (n, 3, resolution, resolution) in channels-last layout, int64 (n,).

    n is `size`, or less in the last batch. Without `rng` they come in the split's order; with it, in one that
    it draws, and `augment` moves and mirrors them as far as the data set allows, or draws others like them
    where they were drawn, `drawn` x `drawn` pixels where that is given. Raises BadInput.
    """
    if size < 1:
        raise BadInput(f"batch size: found {size}, allowed is at least 1")
    if augment and rng is None:
        raise BadInput("augment: found no generator of random numbers, allowed is with one")
    if augment and rng is not None and split.source is not None:
        split, augment = split.anew(rng, drawn), False
    order = np.arange(len(split)) if rng is None else rng.permutation(len(split))
    for start in range(0, len(order), size):
        rows = torch.from_numpy(order[start : start + size])
        pixels = split.pixels[rows] / 255
        yield preprocess(pixels, split.data_set, rng if augment else None), split.labels[rows]


def preprocess(pixels: Tensor, data_set: DataSet, rng: Generator | None = None) -> Tensor:
    """Return what a network sees of pixels (n, 3, h, w) in [0, 1]: resized, normalised, channels last.

    Bilinear. `rng` moves, turns, stretches and mirrors each image; what comes into view repeats its border.
    """
    size = (data_set.resolution,) * 2
    if rng is not None:
        grid = functional.affine_grid(
            _random_affine(len(pixels), data_set, rng), [*pixels.shape[:2], *size], False
        )
        pixels = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    elif pixels.shape[2:] != size:
        pixels = functional.interpolate(pixels, size, mode="bilinear")
    mean, deviation = (torch.tensor(c).view(3, 1, 1) for c in (data_set.mean, data_set.deviation))
    return ((pixels - mean) / deviation).contiguous(memory_format=torch.channels_last)


def _random_affine(n: int, data_set: DataSet, rng: Generator) -> Tensor:
    """Draw n affine maps (n, 2, 3) from where a pixel is seen to where it comes from; images span [-1, 1]."""
    turn, stretch = np.radians(data_set.turn), data_set.stretch
    angle, scale = rng.uniform(-turn, turn, n), rng.uniform(1 - stretch, 1 + stretch, n)
    right, down = rng.uniform(-2 * data_set.shift, 2 * data_set.shift, (2, n))
    across = scale * (rng.choice([-1, 1], n) if data_set.flip else 1)
    cos, sin = np.cos(angle), np.sin(angle)
    maps = [[across * cos, -scale * sin, right], [across * sin, scale * cos, down]]
    return torch.from_numpy(np.array(maps).transpose(2, 0, 1)).float()
