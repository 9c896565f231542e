"""Checkpoints go to and come from the published program; what is no checkpoint is told in one line."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn import GOLDEN, weights
from torch import Tensor

import ofa


def doubled(name: str) -> str:
    return name


def undoubled(name: str) -> str:
    return name.replace(".conv.conv.", ".conv.").replace(".bn.bn.", ".bn.")


def deeper(name: str) -> str:
    return name.replace("classifier.linear.", "classifier.linear.linear.")


def parallel(name: str) -> str:
    return f"module.{name}"


def written(folder: Path, content: Any) -> Path:
    torch.save(content, folder / "net.pth.tar")
    return folder / "net.pth.tar"


def refused(path: Path) -> str:
    """What is said of a file, after its name."""
    with pytest.raises(ofa.BadInput) as error:
        ofa.load_checkpoint(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize("spelling", [doubled, undoubled, deeper, parallel])
@pytest.mark.parametrize("wrapped", [True, False])
def test_every_spelling_loads_within_a_state_dict_or_plain(tmp_path, spelling, wrapped):
    state = {spelling(name): tensor for name, tensor in weights().items()}
    path = written(tmp_path, {"state_dict": state, "epoch": 3, "best_acc": 0.9} if wrapped else state)
    loaded = ofa.load_checkpoint(str(path)).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights().items())


def test_what_is_saved_is_what_the_published_program_reads(tmp_path):
    net = ofa.build_supernet()
    path = tmp_path / "new" / "net.pth.tar"
    ofa.save_checkpoint(net, path)
    read = torch.load(path, weights_only=True)
    assert list(read) == ["state_dict"]
    assert {name: list(tensor.shape) for name, tensor in read["state_dict"].items()} == GOLDEN["shapes"]
    again = ofa.load_checkpoint(path).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in net.state_dict().items())
    assert list(path.parent.iterdir()) == [path]


def test_the_file_says_how_many_classes_there_are(tmp_path):
    ofa.save_checkpoint(ofa.build_supernet(num_classes=7), tmp_path / "net")
    assert ofa.load_checkpoint(tmp_path / "net").state_dict()["classifier.linear.bias"].shape == (7,)


def test_half_precision_is_widened(tmp_path):
    state = {n: t.half() if t.is_floating_point() else t for n, t in weights().items()}
    loaded = ofa.load_checkpoint(written(tmp_path, state)).state_dict()
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("code", "status"), [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 2), (errno.EACCES, 2)]
)
def test_a_failed_write_leaves_the_earlier_file_as_it_was(tmp_path, monkeypatch, code, status):
    path = tmp_path / "net"
    path.write_text("earlier")

    def fail(_file: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ofa.BadInput) as error:
        ofa.save_checkpoint(ofa.build_supernet(), path)
    assert str(error.value) == f"{path}: cannot be written: {os.strerror(code)}"
    assert error.value.exit_status == status
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_replaced(tmp_path):
    (tmp_path / ".net.partial").write_text("half")
    ofa.save_checkpoint(ofa.build_supernet(), tmp_path / "net")
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


class Runs:
    """Would run code where it is unpickled by an unwary reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path):
    path = written(tmp_path, {"state_dict": weights(), "extra": Runs(tmp_path / "ran")})
    assert refused(path).startswith("found more than weights (posix.mkdir); allowed is")
    path.write_bytes(pickle.dumps(Runs(tmp_path / "ran"), protocol=2))
    assert refused(path).startswith("found ")
    assert not (tmp_path / "ran").exists()


def test_torch_s_own_warnings_are_not_seen(tmp_path, recwarn):
    path = tmp_path / "net"
    path.write_bytes(pickle.dumps({"state_dict": [1]}, protocol=4))
    refused(path)
    torch.save({**weights(), "classifier.linear.weight": torch.zeros(0, 1280)}, path)
    refused(path)
    assert not recwarn.list


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path, kept):
    path = written(tmp_path, {"state_dict": weights()})
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    assert refused(path).startswith("found no checkpoint, or one that is cut short; allowed is")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "nothing").startswith("cannot be read: No such file or directory")
    assert refused(tmp_path).startswith("cannot be read: Is a directory")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            [1, 2],
            "found type list; allowed is a dict of tensors, or one with such a dict as its 'state_dict'",
        ),
        (torch.zeros(3), "found type Tensor; allowed is"),
        ({"state_dict": [1]}, "found type list; allowed is"),
        ({"first_conv.conv.weight": 3}, "found 'first_conv.conv.weight' of type int; allowed is"),
        ({1: torch.zeros(3)}, "found 1 of type Tensor; allowed is"),
        ({}, "found 0 entries: 395 missing (first_conv.conv.weight, first_conv.bn.weight, "),
    ],
)
def test_foreign_content_is_refused(tmp_path, content, said):
    assert refused(written(tmp_path, content)).startswith(said)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("first_conv.bn.bias", None, "found 394 entries: 1 missing (first_conv.bn.bias); allowed are 395"),
        ("other", torch.zeros(1), "found 396 entries: 1 unexpected (other); allowed are 395"),
        ("first_conv.bn.bias", torch.zeros(8), "first_conv.bn.bias: found shape (8,), allowed is (16,)"),
        (
            "classifier.linear.weight",
            torch.zeros(()),
            "classifier.linear.weight: found shape (), allowed is ",
        ),
        (
            "classifier.linear.weight",
            torch.zeros(0, 1280),
            "classifier.linear.weight: found shape (0, 1280), allowed is ",
        ),
        (
            "first_conv.bn.bias",
            torch.zeros(16).to_sparse(),
            "first_conv.bn.bias: found torch.float32, torch.sp",
        ),
        ("first_conv.bn.bias", torch.zeros(16) * 1j, "first_conv.bn.bias: found torch.complex64"),
        ("blocks.1.conv.depth_conv.bn.weight", torch.zeros(96), "found both spellings of a name"),
    ],
)
def test_an_entry_that_is_wrong_is_named(tmp_path, name, tensor: Tensor | None, said):
    state = {**weights(), name: tensor}
    assert refused(written(tmp_path, {n: t for n, t in state.items() if t is not None})).startswith(said)
