"""Published batches and folders of images are read; those that are wrong are named in one line."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ofa
from ofa import download


def refused(name: str, root: Path | str = "nowhere") -> str:
    with pytest.raises(ofa.BadInput) as error:
        ofa.load_images(name, root)
    assert "\n" not in str(error.value)
    return str(error.value)


def splits_of(images: ofa.Images) -> list[ofa.Split]:
    return [images.train, images.validation, images.test]


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


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "URL", f"file://{tmp_path}/nowhere/cifar-10-python.tar.gz")


@pytest.mark.usefixtures("offline")
def test_where_cifar_is_absent_one_line_says_what_to_put_where(tmp_path):
    said = refused("cifar10", tmp_path)
    inner = f"{tmp_path}/cifar10/cifar-10-batches-py"
    assert said.startswith(f"cifar10: {inner}: found no data_batch_1, data_batch_2, ")
    assert "they cannot be fetched (<urlopen error " in said
    assert f"cifar-10-python.tar.gz in {tmp_path}/cifar10 to have {inner}/data_batch_1" in said
    assert list(tmp_path.iterdir()) == []
    (cifar(tmp_path / "cifar10" / "cifar-10-batches-py") / "data_batch_4").unlink()
    assert "found no data_batch_4; they cannot be fetched" in refused("cifar10", tmp_path)


def archive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Publish a small archive."""
    inner = cifar(folder / "cifar-10-batches-py")
    (inner / "more").write_text("not asked for")
    with tarfile.open(folder / "small.tar.gz", "w:gz") as tar:
        for name in [*NAMES, "more"]:
            tar.add(inner / name, f"cifar-10-batches-py/{name}")
    monkeypatch.setattr(download, "URL", f"file://{folder}/small.tar.gz")
    digest = hashlib.md5((folder / "small.tar.gz").read_bytes(), usedforsecurity=False)
    monkeypatch.setattr(download, "MD5", digest.hexdigest())
    return folder / "small.tar.gz"


def test_where_cifar_is_absent_it_is_fetched_once(tmp_path, monkeypatch):
    small = archive(tmp_path / "published", monkeypatch)
    images = ofa.load_images("cifar10", tmp_path / "root")
    inner = tmp_path / "root" / "cifar10" / "cifar-10-batches-py"
    assert sorted(path.name for path in inner.iterdir()) == NAMES
    assert list(inner.parent.iterdir()) == [inner]
    small.unlink()
    again = ofa.load_images("cifar10", tmp_path / "root")
    assert torch.equal(again.train.pixels, images.train.pixels)


def test_only_what_is_missing_is_replaced(tmp_path, monkeypatch):
    archive(tmp_path / "published", monkeypatch)
    inner = cifar(tmp_path / "cifar10" / "cifar-10-batches-py")
    kept = pickle.dumps(batch(8))
    (inner / "data_batch_1").write_bytes(kept)
    (inner / "data_batch_2").unlink()
    ofa.load_images("cifar10", tmp_path)
    assert (inner / "data_batch_1").read_bytes() == kept
    assert (inner / "data_batch_2").read_bytes() == published(batch(1))


def test_another_archive_than_the_published_one_leaves_nothing_behind(tmp_path, monkeypatch):
    small = archive(tmp_path / "published", monkeypatch)
    small.write_bytes(small.read_bytes()[:-9])
    assert "they cannot be fetched (md5 " in refused("cifar10", tmp_path)
    assert [path for path in (tmp_path / "cifar10").rglob("*") if path.is_file()] == []


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
    assert refused(name) == f"{name}/validation: found the classes b; train has the classes a{layout}"
    (tmp_path / "validation" / "b").rename(tmp_path / "validation" / "a")
    assert refused(name) == f"{name}/test: found no folder of a class; train has the classes a{layout}"
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


def test_what_a_killed_download_left_is_cleared_and_links_are_not_followed(tmp_path, monkeypatch):
    archive(tmp_path / "published", monkeypatch)
    inner = tmp_path / "root" / "cifar10" / "cifar-10-batches-py"
    inner.mkdir(parents=True)
    left = inner / ".cifar-10-python.tar.gz.partial"
    mine = tmp_path / "mine"
    mine.write_text("mine")
    left.symlink_to(mine)
    assert "is in the way, a symbolic link; remove it" in refused("cifar10", tmp_path / "root")
    left.unlink()
    left.write_text("half")
    ofa.load_images("cifar10", tmp_path / "root")
    assert sorted(path.name for path in inner.iterdir()) == NAMES
    assert mine.read_text() == "mine"
