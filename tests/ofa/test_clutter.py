"""Digits among clutter: the same bytes everywhere, splits that share no digit, images drawn anew."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.random import PCG64, Generator
from torch.nn import functional

import ofa
from ofa import clutter, data
from ofa.clutter import CANVAS, GRID, Clutter


@pytest.fixture(scope="module")
def images():
    """The beginning of the images: two whole chunks of each split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "CLUTTER_IMAGES", (2 * clutter.CHUNK,) * 3)
        return ofa.load_images("clutter")


def splits_of(images):
    return images.train, images.validation, images.test


def test_there_are_4000_images_to_train_and_2000_each_to_choose_and_to_report_by():
    assert data.CLUTTER_IMAGES == (4000, 2000, 2000)


def test_the_images_are_the_same_on_every_machine(images):
    assert images.classes == 10
    for split in splits_of(images):
        assert split.pixels.shape == (250, 3, CANVAS, CANVAS)
        assert split.pixels.dtype == torch.uint8
    sums = [zlib.crc32(split.pixels.numpy().tobytes()) for split in splits_of(images)]
    sums += [zlib.crc32(split.labels.numpy().tobytes()) for split in splits_of(images)]
    assert sums == [894454187, 2822139743, 3867775266, 2162615153, 4096150722, 260244704]


def test_a_beginning_does_not_depend_on_how_many_follow(images):
    source = replace(images.test.source, fragments=clutter.FRAGMENTS)
    pixels, labels = source.draw(clutter.CHUNK, PCG64(data._DRAW + 3))
    assert np.array_equal(pixels, images.test.pixels[: clutter.CHUNK])
    assert np.array_equal(labels, images.test.labels[: clutter.CHUNK])


def test_splits_keep_the_digits_apart_as_those_of_the_plain_digits_do(images):
    for split, plain in zip(splits_of(images), splits_of(ofa.load_images("digits")), strict=True):
        assert np.array_equal(np.rint(split.source.levels * (255 / 16)), plain.pixels[:, 0])
        assert np.array_equal(split.source.labels, plain.labels)


def test_every_class_has_its_share(images):
    for split in splits_of(images):
        assert split.labels.bincount().min() > 12


def random_placement(rng, n, objects, grids):
    rows = rng.integers(17, size=(n, objects, CANVAS, GRID)).astype(np.float32)
    columns = rng.integers(17, size=(n, objects, grids, CANVAS, GRID)).astype(np.float32)
    return clutter._Placed(rows, columns, rng.integers(8, size=(n, objects, 3)).astype(np.float32))


@pytest.mark.parametrize("grids", [1, GRID])
def test_light_is_the_sum_over_objects_in_whole_numbers(grids):
    rng = np.random.default_rng(grids)
    placed = random_placement(rng, 2, 3, grids)
    digits = rng.integers(17, size=(2, 3, GRID, GRID))
    columns = np.broadcast_to(placed.columns, (2, 3, GRID, CANVAS, GRID))
    terms = placed.rows, digits, columns, placed.colours
    wanted = np.einsum("noyr,norc,norxc,nok->nkyx", *(each.astype(np.int64) for each in terms))
    found = clutter._light(digits.astype(np.float32), placed)
    assert np.array_equal(found, wanted)


def test_the_brightest_image_is_still_exact():
    """All objects in one place: the sum stays below what float32 counts."""
    assert 16 * 16 * 16 * 255 * (1 + clutter.FRAGMENTS[1]) < 2**24


def test_a_digit_is_enlarged_by_bilinear_interpolation():
    digit = np.random.default_rng(1).integers(17, size=(1, 1, GRID, GRID)).astype(np.float32)
    start, size = np.array([[10]]), np.array([[32]])
    own = clutter._weights(clutter._positions(start, size, CANVAS))
    light = clutter._light(digit, clutter._Placed(own, own[:, :, None], np.ones((1, 1, 3), np.float32)))
    padded = functional.pad(torch.from_numpy(digit), (1, 1, 1, 1))
    wanted = functional.interpolate(padded, scale_factor=4, mode="bilinear")[0, 0]
    # the first of the padding's four pixels repeats the border, the others fade into it
    assert torch.equal(torch.from_numpy(light[0, 0, 8:44, 8:44] / 256), wanted[2:-2, 2:-2])
    light[:, :, 8:44, 8:44] = 0
    assert not light.any()


def all_fragments(bits, n, size):
    return clutter._pieces(bits, np.full((n, 1), clutter.FRAGMENTS[1]), size)


@pytest.mark.parametrize("draw", [clutter._whole, all_fragments])
@pytest.mark.parametrize("size", [clutter.LEAST, CANVAS])
def test_every_object_lies_on_the_canvas(draw, size):
    rows, columns, colours = draw(PCG64(3), 200, size)
    # what a place of the canvas shows is a weighted mean, of zeros beyond the grid
    assert rows.sum(-1).max() == columns.sum(-1).max() == 16
    assert (rows.sum(-1).max(-1) == 16).all()
    assert colours.max() == 255
    shown = (rows.sum(-1) > 0).sum(-1)
    assert clutter.PIECES[0] // 2 <= shown.min()
    assert shown.max() <= 2 * clutter.SIZES[1]


@pytest.mark.parametrize("size", [clutter.LEAST, CANVAS])
def test_as_many_fragments_are_seen_as_there_are_to_be(size):
    count = np.arange(11)[:, None]
    colours = clutter._pieces(PCG64(4), count, size).colours
    assert np.array_equal((colours.max(-1) > 0).sum(-1), count[:, 0])


@pytest.mark.parametrize(("size", "bounds"), [(CANVAS, (6, 10)), (56, (4, 7)), (clutter.LEAST, (2, 3))])
def test_smaller_canvases_have_fewer_fragments(monkeypatch, size, bounds):
    seen = []
    pieces = clutter._pieces
    monkeypatch.setattr(
        clutter, "_pieces", lambda bits, count, size: (seen.append(count), pieces(bits, count, size))[1]
    )
    source = Clutter(np.full((1, GRID, GRID), 16), np.array([7]))
    pixels, _ = source.draw(clutter.CHUNK, PCG64(1), size)
    assert pixels.shape == (clutter.CHUNK, 3, size, size)
    assert (seen[0].min(), seen[0].max()) == bounds


def test_a_canvas_that_cannot_hold_every_digit_is_refused():
    source = Clutter(np.full((1, GRID, GRID), 16), np.array([7]))
    with pytest.raises(ofa.BadInput, match="found a size of 39 pixels, allowed is at least 40"):
        source.draw(1, PCG64(1), 39)


def test_images_to_judge_by_have_six_to_ten_fragments_those_to_train_on_also_fewer(images):
    assert Clutter(images.test.source.levels, images.test.source.labels).fragments == (6, 10)
    assert images.train.source.fragments == (0, 10)


def test_noise_has_mean_zero_and_a_deviation_of_a_tenth():
    noise = clutter._noise(PCG64(5), 100_001)
    assert len(noise) == 100_001
    assert abs(noise.mean()) < 0.6
    assert noise.std() == pytest.approx(25.5, rel=0.05)


def test_draws_are_uniform_in_their_bounds():
    drawn = clutter._integers(PCG64(6), (10, 1000), 3, np.arange(3, 13)[:, None])
    assert drawn.min() == 3
    assert [own.max() for own in drawn] == list(range(3, 13))
    assert np.bincount(drawn[-1], minlength=13)[3:].min() > 70


def test_training_draws_other_images_of_the_same_digits_every_time(images):
    split = images.train.first(40)
    (x, labels), (y, _), (same, _) = (
        next(ofa.batches(split, 40, Generator(PCG64(seed)), augment=True)) for seed in (1, 2, 1)
    )
    assert torch.equal(x, same)
    assert not torch.equal(x, y)
    assert len(labels) == 40
    assert x.shape == (40, 3, 64, 64)
    plain = torch.cat([batch for batch, _ in ofa.batches(split, 15)])
    assert torch.equal(plain, torch.cat([batch for batch, _ in ofa.batches(images.train.first(40), 40)]))


def test_training_may_draw_smaller_images(images):
    drawn = ofa.batches(images.train.first(5), 5, Generator(PCG64(1)), augment=True, drawn=48)
    assert next(drawn)[0].shape == (5, 3, 48, 48)


def test_as_many_validate_as_are_asked_for_and_the_first_are_the_same(images):
    for count in (1, 3 * clutter.CHUNK):
        more = ofa.load_images("clutter", validation=count).validation
        both = min(count, len(images.validation))
        assert len(more) == count
        assert torch.equal(more.pixels[:both], images.validation.pixels[:both])
        assert torch.equal(more.labels[:both], images.validation.labels[:both])
    digits = ofa.load_images("digits", validation=30)
    assert len(digits.validation) == 30
    assert len(digits.test) > 300


def test_images_that_were_not_drawn_stay_as_they_are():
    split = ofa.load_images("digits").train
    assert split.anew(Generator(PCG64(1)), 48) is split


def test_a_clutter_of_one_digit_has_its_label():
    only = Clutter(np.full((1, GRID, GRID), 16), np.array([7]))
    pixels, labels = only.draw(3, PCG64(1))
    assert list(labels) == [7, 7, 7]
    assert pixels.max() == 255
