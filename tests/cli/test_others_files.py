"""Files of somebody else's in the place of a run, or in it, are never lost."""

import os

import pytest
from tiny_runs import everything_in

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.runs import mounts
from rram_nas_comp_pack.runs.file_names import EVOLUTION, PACKING
from rram_nas_comp_pack.runs.folders import run_folder

MARKS = [
    (PACKING, "result.json"),
    (PACKING, "pack.csv"),
    (EVOLUTION, "front.json"),
    (EVOLUTION, "evolute.csv"),
]


def refused(parent, **options):
    before = everything_in(parent)
    with pytest.raises(BadInput) as error, run_folder(parent, "t", **options):
        pytest.fail("begun")
    assert everything_in(parent) == before
    return str(error.value)


@pytest.mark.parametrize("name", ["thesis.tex", "SimConfig.ini", "result.jsonl"])
@pytest.mark.parametrize("files", [PACKING, EVOLUTION])
def test_a_folder_that_is_no_run_is_refused(tmp_path, files, name):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / name).write_text("mine")
    said = refused(tmp_path, files=files)
    assert f"{tmp_path / 't'} is no {files.kind}: it holds {name!r}" in said
    assert said.endswith("allowed is another --exp-id or --log-dir, or to move it")


@pytest.mark.parametrize(("files", "mark"), MARKS)
@pytest.mark.parametrize("name", ["notes.txt", "figures/my_notes.txt", "deep/pack.csv"])
@pytest.mark.parametrize("place", ["t", ".t.earlier"])
def test_a_file_that_no_run_writes_is_named(tmp_path, files, mark, name, place):
    path = tmp_path / place / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    (tmp_path / place / mark).touch()
    assert f"{path} is no file of a {files.kind}" in refused(tmp_path, files=files)


@pytest.mark.parametrize(("files", "mark"), MARKS)
def test_an_earlier_run_and_an_empty_folder_are_replaced(tmp_path, files, mark):
    (tmp_path / "t").mkdir()
    for name in (mark, "report.html"):
        with run_folder(tmp_path, "t", files=files) as folder:
            (folder / mark).touch()
            (folder / name).touch()
    assert everything_in(tmp_path) == sorted(["t", f"t/{mark}", "t/report.html"])


def test_what_is_put_into_a_run_while_the_next_one_is_made_is_kept(tmp_path, caplog):
    (tmp_path / "t").mkdir()
    with run_folder(tmp_path, "t", files=PACKING) as folder:
        (folder / "pack.csv").touch()
        (tmp_path / "t" / "notes.txt").write_text("mine")
    assert everything_in(tmp_path) == [".t.earlier", ".t.earlier/notes.txt", "t", "t/pack.csv"]
    assert "the earlier run is kept" in caplog.text


@pytest.mark.parametrize("place", ["t", ".t.partial", ".t.earlier", "t/m", ".t.partial/m"])
def test_what_is_mounted_in_a_run_is_not_removed(tmp_path, monkeypatch, place):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "pack.csv").touch()
    there = os.stat(tmp_path / place).st_ino
    mount_of = mounts._mount_of
    monkeypatch.setattr(
        mounts, "_mount_of", lambda fd: (0, "other") if os.fstat(fd).st_ino == there else mount_of(fd)
    )
    assert f"{tmp_path / place} is a mount point" in refused(tmp_path)
