"""Images are the same everywhere, batches are what their seed says, and files that are wrong are named."""

from __future__ import annotations

import io
import os
import pickle
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

import ofa
from ofa.data import DATA_SETS, DataSet, augmented, shown

PLAIN = DataSet((0.0,) * 3, (1.0,) * 3, shift=True, flip=True, resolution=16)


def refused(name: str, root: Path | str = "nowhere") -> str:
    with pytest.raises(ofa.BadInput) as error:
        ofa.load_images(name, root)
    assert "\n" not in str(error.value)
    return str(error.value)


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
    image = torch.from_numpy(rng.integers(1, 256, size=(3, 16, 16), dtype=np.uint8))
    many = augmented(image.expand(600, -1, -1, -1), PLAIN, rng)
    allowed = set()
    for mirror in (False, True):
        for down in range(-2, 3):
            for right in range(-2, 3):
                moved = np.zeros((3, 20, 20), dtype=np.uint8)
                source = image.flip(2) if mirror else image
                moved[:, 2 + down : 18 + down, 2 + right : 18 + right] = source
                allowed.add(moved[:, 2:18, 2:18].tobytes())
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
    assert refused(name) == f"images: found {name!r}, allowed are digits, cifar10 and folder:PATH"


class Python2(pickle._Pickler):
    """Writes what Python 2's NumPy wrote: byte strings, and arrays under their name of old."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, text: bytes) -> None:
        self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)
        self.memoize(text)

    dispatch[bytes] = save_bytes


def published(content: Any) -> bytes:
    file = io.BytesIO()
    Python2(file, protocol=2).dump(content)
    return file.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


def batch(place: int, count: int = 20) -> dict[bytes, Any]:
    data = np.random.default_rng(place).integers(256, size=(count, 3072), dtype=np.uint8)
    return {b"batch_label": b"a batch", b"labels": [i % 10 for i in range(count)], b"data": data}


NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def cifar(folder: Path, dump: Any = published) -> Path:
    folder.mkdir(parents=True)
    for place, name in enumerate(NAMES):
        (folder / name).write_bytes(dump(batch(place)))
    return folder


@pytest.mark.parametrize("inner", ["cifar10/cifar-10-batches-py", "cifar10"])
@pytest.mark.parametrize("dump", [published, pickle.dumps, lambda content: pickle.dumps(content, 2)])
def test_cifar_is_read_as_it_is_published(tmp_path, inner, dump):
    cifar(tmp_path / inner, dump)
    images = ofa.load_images("cifar10", tmp_path)
    assert [len(split) for split in splits_of(images)] == [90, 10, 20]
    assert images.classes == 10
    assert images.validation.labels.bincount().tolist() == [1] * 10
    rows = {row.tobytes(): i % 10 for place in range(5) for i, row in enumerate(batch(place)[b"data"])}
    for split in (images.train, images.validation):
        for pixels, label in zip(split.pixels, split.labels, strict=True):
            assert rows.pop(pixels.numpy().tobytes()) == label
    assert not rows
    tested = {pixels.numpy().tobytes() for pixels in images.test.pixels}
    assert tested == {row.tobytes() for row in batch(5)[b"data"]}


def test_where_cifar_is_absent_one_line_says_what_to_put_where(tmp_path):
    said = refused("cifar10", tmp_path)
    inner = f"{tmp_path}/cifar10/cifar-10-batches-py"
    assert said.startswith(f"cifar10: {inner}: found no data_batch_1, data_batch_2, ")
    assert f"cifar-10-python.tar.gz in {tmp_path}/cifar10 to have {inner}/data_batch_1" in said
    assert list(tmp_path.iterdir()) == []
    (cifar(tmp_path / "cifar10" / "cifar-10-batches-py") / "data_batch_4").unlink()
    assert "found no data_batch_4; unpack" in refused("cifar10", tmp_path)


class Runs:
    """Would run code where it is unpickled by an unwary reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_batch_that_would_run_code_is_refused_and_runs_none(tmp_path):
    folder = cifar(tmp_path / "cifar10")
    (folder / "data_batch_2").write_bytes(pickle.dumps({**batch(1), b"more": Runs(tmp_path / "ran")}))
    assert "data_batch_2: found no batch of CIFAR-10 (UnpicklingError: more than arrays (posix.mkdir)); " in (
        refused("cifar10", tmp_path)
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({b"labels": [10] * 20}, "found labels from 10 to 10; allowed are"),
        ({b"labels": [1] * 19}, "found uint8 (20, 3072) and int64 (19,); allowed are"),
        ({b"labels": [0.5] * 20}, "found uint8 (20, 3072) and float64 (20,); allowed are"),
        ({b"data": np.zeros((20, 3072))}, "found float64 (20, 3072) and int64 (20,); allowed are"),
        ({b"data": np.zeros((20, 10), np.uint8)}, "found uint8 (20, 10) and int64 (20,); allowed are"),
    ],
)
def test_a_batch_of_other_things_is_refused(tmp_path, change, said):
    folder = cifar(tmp_path / "cifar10")
    (folder / "test_batch").write_bytes(pickle.dumps({**batch(5), **change}))
    assert f"{folder}/test_batch: {said}" in refused("cifar10", tmp_path)


@pytest.mark.parametrize(
    "content", [b"", published(batch(5))[:-900], b"<html>", pickle.dumps([1]), b"\x80\x04."]
)
def test_a_damaged_batch_is_refused(tmp_path, content):
    folder = cifar(tmp_path / "cifar10")
    (folder / "test_batch").write_bytes(content)
    assert f"{folder}/test_batch: found no batch of CIFAR-10 (" in refused("cifar10", tmp_path)


def painted(folder: Path, count: int, colour: int, ending: str = "png") -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (20 + i, 30), (colour, i, 0)).save(folder / f"{i}.{ending}")


def test_a_folder_of_classes_is_split_and_resized(tmp_path):
    painted(tmp_path / "dog", 10, 200)
    painted(tmp_path / "cat", 5, 100, "jpg")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    images = ofa.load_images(f"folder:{tmp_path}")
    assert (images.classes, images.train.pixels.shape) == (2, (9, 3, 64, 64))
    assert [s.labels.bincount().tolist() for s in splits_of(images)] == [[3, 6], [1, 2], [1, 2]]
    for split in splits_of(images):
        red = split.pixels[:, 0, 32, 32].float()
        assert torch.equal(red.div(100).round().long() - 1, split.labels)
    again = ofa.load_images(f"folder:{tmp_path}")
    assert torch.equal(again.train.pixels, images.train.pixels)


def test_a_folder_that_is_split_already_stays_so(tmp_path):
    for place, name in enumerate(("train", "validation", "test")):
        painted(tmp_path / name / "a", 3 - place, 50 * place)
        painted(tmp_path / name / "b", 1, 50 * place)
    images = ofa.load_images(f"folder:{tmp_path}")
    assert [len(split) for split in splits_of(images)] == [4, 3, 2]
    assert [set(s.pixels[:, 0].unique().tolist()) for s in splits_of(images)] == [{0}, {50}, {100}]


def test_grey_and_transparent_images_become_coloured(tmp_path):
    painted(tmp_path / "a", 5, 1)
    Image.new("L", (9, 9), 7).save(tmp_path / "a" / "0.png")
    Image.new("RGBA", (9, 9), (7, 7, 7, 7)).save(tmp_path / "a" / "1.png")
    assert len(ofa.load_images(f"folder:{tmp_path}").train) == 3


def test_a_folder_that_is_wrong_is_named_with_what_is_allowed(tmp_path):
    layout = f"; allowed is {tmp_path}/train|validation|test/CLASS/*.png or {tmp_path}/CLASS/*.png"
    name = f"folder:{tmp_path}"
    assert refused(f"{name}/no").startswith(f"{name}/no: found no such folder; allowed is")
    assert refused(name) == f"{name}: found no folder of a class{layout}"
    painted(tmp_path / "train" / "a", 2, 1)
    assert refused(name) == f"{name}: found of the splits train only{layout}"
    painted(tmp_path / "validation" / "b", 2, 1)
    (tmp_path / "test").mkdir()
    assert refused(name) == f"{name}/validation: found the classes b; train has a{layout}"
    (tmp_path / "validation" / "b").rename(tmp_path / "validation" / "a")
    assert refused(name) == f"{name}/test: found no folder of a class; train has a{layout}"
    (tmp_path / "test" / "a").mkdir()
    assert refused(name).startswith(f"{name}/test/a: found no image; allowed are .png, ")


def test_too_few_images_and_broken_ones_are_refused(tmp_path):
    painted(tmp_path / "a", 1, 1)
    name = f"folder:{tmp_path}"
    assert (
        refused(name) == f"{name}: found no image for the validation split, allowed is at least one a split"
    )
    (tmp_path / "a" / "x.png").write_bytes((tmp_path / "a" / "0.png").read_bytes()[:60])
    assert refused(name).startswith(f"{tmp_path}/a/x.png: found no whole image (")
