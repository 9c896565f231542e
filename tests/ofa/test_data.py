"""Images are the same everywhere, and batches are what their seed says."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import ofa
from ofa.data import DATA_SETS, DataSet, _random_affine, preprocess

PLAIN = DataSet((0.0,) * 3, (1.0,) * 3, resolution=16)


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
    x = preprocess(pixels / 255, replace(DATA_SETS["digits"], resolution=8))
    assert abs(x.mean()) < 1e-3
    assert abs(x.std() - 1) < 1e-3


def sampled(image: np.ndarray, size: int, source) -> np.ndarray:
    """Written from the definition: each pixel shows what lies at `source(x, y)`, all in [-1, 1]."""
    out = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            at = source((2 * j + 1) / size - 1, (2 * i + 1) / size - 1)
            x, y = (np.clip((v + 1) * len(image) / 2 - 0.5, 0, len(image) - 1) for v in at)
            t, left = int(y), int(x)
            b, right = min(t + 1, len(image) - 1), min(left + 1, len(image) - 1)
            upper = image[t, left] * (1 - x + left) + image[t, right] * (x - left)
            lower = image[b, left] * (1 - x + left) + image[b, right] * (x - left)
            out[i, j] = upper * (1 - y + t) + lower * (y - t)
    return out


def test_images_are_resized_bilinearly_and_normalised():
    pixels = torch.from_numpy(np.random.default_rng(3).integers(256, size=(2, 3, 8, 8), dtype=np.uint8))
    x = preprocess(pixels / 255, DATA_SETS["cifar10"])
    assert (x.shape, x.dtype) == ((2, 3, 64, 64), torch.float32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    wanted = (sampled(pixels[1, 2].numpy() / 255, 64, lambda x, y: (x, y)) - 0.4465) / 0.2010
    np.testing.assert_allclose(x[1, 2].numpy(), wanted, atol=1e-5)


def test_batches_hold_every_image_once_the_last_what_is_left(digits):
    split = digits.validation.first(25)
    plain = list(ofa.batches(split, 10))
    assert [len(x) for x, _ in plain] == [10, 10, 5]
    assert torch.equal(torch.cat([y for _, y in plain]), split.labels)
    assert torch.equal(torch.cat([x for x, _ in plain]), preprocess(split.pixels / 255, split.data_set))
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


def test_an_augmented_image_is_moved_turned_stretched_and_mirrored_as_drawn():
    kind = replace(PLAIN, shift=0.2, turn=30.0, stretch=0.3)
    image = np.random.default_rng(2).random((8, 8))
    pixels = torch.from_numpy(image).float().expand(20, 3, 8, 8)
    seen = preprocess(pixels, kind, np.random.default_rng(5))
    maps = _random_affine(20, kind, np.random.default_rng(5)).double().numpy()
    for one, (across, down) in zip(seen, maps, strict=True):
        wanted = sampled(image, 16, lambda x, y, a=across, d=down: (a @ (x, y, 1), d @ (x, y, 1)))
        np.testing.assert_allclose(one[0], wanted, atol=1e-5)
    signs = np.sign(np.linalg.det(maps[:, :, :2]))
    assert set(signs) == {-1, 1}


def test_augmentation_keeps_within_what_the_table_says():
    kind = replace(PLAIN, shift=0.125, turn=10.0, stretch=0.1, flip=False)
    maps = _random_affine(500, kind, np.random.default_rng(0)).double().numpy()
    scale = np.sqrt(np.linalg.det(maps[:, :, :2]))
    turn = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    for found, most in ((abs(scale - 1), 0.1), (abs(turn), 10.0), (abs(maps[:, :, 2]), 0.25)):
        assert 0.95 * most < found.max() <= most + 1e-6
    assert not DATA_SETS["digits"].flip
    still = replace(kind, shift=0.0, turn=0.0, stretch=0.0)
    pixels = torch.rand(3, 3, 8, 8)
    torch.testing.assert_close(preprocess(pixels, still, np.random.default_rng(0)), preprocess(pixels, still))


def test_batches_refuse_what_means_nothing(digits):
    with pytest.raises(ofa.BadInput, match="batch size: found 0, allowed is at least 1"):
        next(ofa.batches(digits.test, 0))
    with pytest.raises(ofa.BadInput, match="augment: found no generator"):
        next(ofa.batches(digits.test, 8, augment=True))


@pytest.mark.parametrize("name", ["mnist", "", "folder:", "folder", "digits:1", "clutter:1", "cifar10:x"])
def test_an_unknown_name_is_told_what_is_allowed(name):
    with pytest.raises(ofa.BadInput) as error:
        ofa.load_images(name)
    assert str(error.value) == f"images: found {name!r}, allowed are clutter, digits, cifar10 and folder:PATH"
