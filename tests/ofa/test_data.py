"""Images are the same everywhere, and batches are what their seed says."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import ofa
from ofa.data import DATA_SETS, DataSet, augmented, shown

PLAIN = DataSet((0.0,) * 3, (1.0,) * 3, shift=True, flip=True, resolution=16)


@pytest.fixture(scope="module")
def digits() -> ofa.Images:
    return ofa.load_images()


def splits_of(images: ofa.Images) -> list[ofa.Split]:
    return [images.train, images.validation, images.test]


def test_the_digits_are_those_of_scikit_learn_each_in_one_split(digits):
    assert digits.classes == 10
    pixels = torch.cat([split.pixels for split in splits_of(digits)])
    labels = torch.cat([split.labels for split in splits_of(digits)])
    assert (pixels.dtype, pixels.shape[1:], labels.dtype) == (torch.uint8, (3, 8, 8), torch.int64)
    assert torch.equal(pixels[:, :1].expand(-1, 3, -1, -1), pixels)
    found = load_digits()
    wanted = [(int(y), *row) for row, y in zip(found.data.astype(int).tolist(), found.target, strict=True)]
    grey = (pixels[:, 0].double() * 16 / 255).round().long().flatten(1).tolist()
    assert sorted((y, *row) for row, y in zip(grey, labels.tolist(), strict=True)) == sorted(wanted)


def test_the_digits_are_split_alike_on_every_machine(digits):
    assert [len(split) for split in splits_of(digits)] == [1078, 360, 359]
    sums = [zlib.crc32(split.pixels.numpy().tobytes()) for split in splits_of(digits)]
    assert sums == [2670087761, 1456207796, 1773829305]


def test_every_split_and_its_beginning_have_their_share_of_every_class(digits):
    whole = sum(split.labels.bincount() for split in splits_of(digits))
    for split, share in zip(splits_of(digits), (0.6, 0.2, 0.2), strict=True):
        assert (split.labels.bincount() - share * whole).abs().max() <= 1
    assert digits.train.first(320).labels.bincount().min() > 16
    assert len(digits.test.first(10**6)) == len(digits.test)


def test_digits_are_shown_with_mean_zero_and_deviation_one(digits):
    pixels = torch.cat([split.pixels for split in splits_of(digits)])
    x = shown(pixels, replace(DATA_SETS["digits"], resolution=8))
    assert abs(x.mean()) < 1e-3
    assert abs(x.std() - 1) < 1e-3


def bilinear(grey: np.ndarray, size: int) -> np.ndarray:
    """Written from the definition: pixels are points in the middle of their squares."""
    out = np.empty((size, size))
    at = np.clip((np.arange(size) + 0.5) * len(grey) / size - 0.5, 0, len(grey) - 1)
    for i, y in enumerate(at):
        for j, x in enumerate(at):
            t, left = int(y), int(x)
            b, right = min(t + 1, len(grey) - 1), min(left + 1, len(grey) - 1)
            upper = grey[t, left] * (1 - x + left) + grey[t, right] * (x - left)
            lower = grey[b, left] * (1 - x + left) + grey[b, right] * (x - left)
            out[i, j] = upper * (1 - y + t) + lower * (y - t)
    return out


def test_images_are_resized_bilinearly_and_normalised():
    pixels = torch.from_numpy(np.random.default_rng(3).integers(256, size=(2, 3, 8, 8), dtype=np.uint8))
    x = shown(pixels, DATA_SETS["cifar10"])
    assert (x.shape, x.dtype) == ((2, 3, 64, 64), torch.float32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    wanted = (bilinear(pixels[1, 2].numpy() / 255, 64) - 0.4465) / 0.2010
    np.testing.assert_allclose(x[1, 2].numpy(), wanted, atol=1e-5)


def test_batches_hold_every_image_once_the_last_what_is_left(digits):
    split = digits.validation.first(25)
    plain = list(ofa.batches(split, 10))
    assert [len(x) for x, _ in plain] == [10, 10, 5]
    assert torch.equal(torch.cat([y for _, y in plain]), split.labels)
    assert torch.equal(torch.cat([x for x, _ in plain]), shown(split.pixels, split.data_set))
    drawn = list(ofa.batches(split, 10, np.random.default_rng(1)))
    order = np.random.default_rng(1).permutation(25)
    assert torch.equal(torch.cat([y for _, y in drawn]), split.labels[order])
    assert torch.equal(torch.cat([x for x, _ in drawn]), torch.cat([x for x, _ in plain])[order])


def test_one_seed_one_sequence_of_batches(digits):
    split = digits.train.first(50)
    first, again, other = (
        torch.cat([x for x, _ in ofa.batches(split, 16, np.random.default_rng(seed), augment=True)])
        for seed in (5, 5, 6)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_augmented_images_are_moved_over_black_by_an_eighth_at_most_and_mirrored():
    rng = np.random.default_rng(2)
    image = torch.from_numpy(rng.integers(1, 256, size=(3, 16, 24), dtype=np.uint8))
    many = augmented(image.expand(1200, -1, -1, -1), PLAIN, rng)
    allowed = set()
    for mirror in (False, True):
        for down in range(-2, 3):
            for right in range(-3, 4):
                moved = np.zeros((3, 20, 30), dtype=np.uint8)
                source = image.flip(2) if mirror else image
                moved[:, 2 + down : 18 + down, 3 + right : 27 + right] = source
                allowed.add(moved[:, 2:18, 3:27].tobytes())
    assert {x.numpy().tobytes() for x in many} == allowed


def test_digits_are_never_mirrored_and_nothing_moves_where_a_data_set_forbids_it():
    assert not DATA_SETS["digits"].flip
    still = DataSet(PLAIN.mean, PLAIN.deviation, shift=False, flip=False)
    pixels = torch.arange(192, dtype=torch.uint8).view(1, 3, 8, 8)
    assert torch.equal(augmented(pixels, still, np.random.default_rng(0)), pixels)


def test_batches_refuse_what_means_nothing(digits):
    with pytest.raises(ofa.BadInput, match="batch size: found 0, allowed is at least 1"):
        next(ofa.batches(digits.test, 0))
    with pytest.raises(ofa.BadInput, match="augment: found no generator"):
        next(ofa.batches(digits.test, 8, augment=True))


@pytest.mark.parametrize("name", ["mnist", "", "folder:", "folder", "digits:1", "cifar10:x"])
def test_an_unknown_name_is_told_what_is_allowed(name):
    with pytest.raises(ofa.BadInput) as error:
        ofa.load_images(name)
    assert str(error.value) == f"images: found {name!r}, allowed are digits, cifar10 and folder:PATH"
