"""Links, devices, pipes and leftovers where the program writes: nothing outside is lost, a line says so."""

import errno
import os
import shutil
import threading
from contextlib import nullcontext

import pytest
from tiny_runs import call, everything_in, is_one_line

from ofa.whole import whole_file
from rram_nas_comp_pack.errors import BadInput, CannotBeDone
from rram_nas_comp_pack.runs.folders import run_folder
from tests.report.made_search import write_search


@pytest.fixture
def precious(tmp_path):
    """A folder of somebody else's."""
    folder = tmp_path / "precious"
    (folder / "deep").mkdir(parents=True)
    (folder / "file").write_text("mine")
    return folder


def assert_whole(precious):
    assert everything_in(precious) == ["deep", "file"]
    assert (precious / "file").read_text() == "mine"


# The folder of a run


@pytest.mark.parametrize("name", [".t.partial", ".t.earlier", "t"])
@pytest.mark.parametrize("what", ["link", "broken link", "file", "pipe"])
def test_what_is_in_the_way_of_a_run_stays_and_is_named(tmp_path, precious, name, what):
    log = tmp_path / "log"
    place = log / name
    log.mkdir()
    make = {
        "link": lambda: place.symlink_to(precious),
        "broken link": lambda: place.symlink_to(tmp_path / "nowhere"),
        "file": lambda: place.write_text("mine"),
        "pipe": lambda: os.mkfifo(place),
    }
    make[what]()
    with pytest.raises(BadInput) as error, run_folder(log, "t"):
        pytest.fail("begun")
    assert f"--exp-id: {place} is " in str(error.value)
    assert ("remove it, or choose another name" in str(error.value)) == (name != "t")
    assert os.listdir(log) == [name]
    assert_whole(precious)


def test_links_within_what_a_killed_run_left_are_removed_not_followed(tmp_path, precious):
    left = tmp_path / "log" / ".t.partial"
    (left / "inner").mkdir(parents=True)
    for folder in (left, left / "inner"):
        (folder / "link").symlink_to(precious)
    (left / "result.json").symlink_to(precious / "file")
    (left / "checkpoint").symlink_to(precious)
    with run_folder(tmp_path / "log", "t", "checkpoint") as folder:
        assert list(folder.iterdir()) == []
        (folder / "result.json").write_text("new")
    assert_whole(precious)


def test_links_within_the_earlier_run_are_not_followed(tmp_path, precious):
    for name in ("t", ".t.earlier"):
        (tmp_path / "log" / name).mkdir(parents=True)
        (tmp_path / "log" / name / "link").symlink_to(precious)
    with run_folder(tmp_path / "log", "t"):
        pass
    assert everything_in(tmp_path / "log") == ["t"]
    assert_whole(precious)


def test_a_log_folder_may_be_a_link(tmp_path, precious):
    (tmp_path / "log").symlink_to(precious)
    with run_folder(tmp_path / "log", "t") as folder:
        (folder / "new").touch()
    assert everything_in(precious) == ["deep", "file", "t", "t/new"]


@pytest.mark.parametrize("ends", [None, ValueError])
def test_a_link_that_takes_the_log_folder_s_place_meanwhile_is_not_followed(tmp_path, precious, ends):
    log = tmp_path / "log"
    for name in (".t.partial", ".t.earlier"):
        (precious / name).mkdir()
        (precious / name / "file").touch()
    before = everything_in(precious)
    with pytest.raises(ends) if ends else nullcontext(), run_folder(log, "t"):
        log.rename(tmp_path / "moved")
        log.symlink_to(precious)
        if ends:
            raise ends
    assert everything_in(precious) == before
    assert os.listdir(tmp_path / "moved") == ([] if ends else ["t"])


def test_a_run_does_not_mind_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with run_folder(type(tmp_path)("log"), "t") as folder:
        monkeypatch.chdir("/")
        (folder / "new").touch()
    assert everything_in(tmp_path / "log") == ["t", "t/new"]


def failing(error):
    def fail(*_args, **_options):
        raise error

    return fail


def test_leftovers_that_cannot_be_cleared_say_how_to(tmp_path, monkeypatch):
    (tmp_path / ".t.partial" / "inner").mkdir(parents=True)
    denied = PermissionError(errno.EACCES, "Permission denied", "inner")
    monkeypatch.setattr(shutil, "rmtree", failing(denied))
    with pytest.raises(BadInput) as error, run_folder(tmp_path, "t"):
        pass
    left = f"{tmp_path / '.t.partial'} is left of an earlier run and cannot be cleared"
    assert str(error.value).startswith(f"--exp-id: {left} (inner: Permission denied); remove it, or")


def test_a_full_disk_at_the_start_cannot_be_done(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "mkdir", failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(CannotBeDone, match="No space left"), run_folder(tmp_path / "log", "t"):
        pass


@pytest.mark.parametrize("name", [".x.partial", "x"])
def test_reproduce_names_its_own_option(tmp_path, precious, name):
    (tmp_path / name).symlink_to(precious)
    status, out, err = call("reproduce", "--out", tmp_path / "x")
    assert (status, out, is_one_line(err)) == (2, "", True)
    assert "--out: " in err
    assert_whole(precious)


# The file of `compare`


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "s"
    write_search(folder, 20)
    return folder


def compared(search, out):
    return call("compare", search, "--out", out)


@pytest.mark.parametrize("out", [".", "/", "", "..", "\0", "a/b", "\ud800"])
def test_an_out_that_is_no_file_takes_a_line(search, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    status, said, err = compared(search, out)
    assert (status, said, is_one_line(err)) == (2, "", True)
    assert "--out" in err
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_file_stays_and_the_file_is_written(search, tmp_path, there):
    if there:
        (tmp_path / "file").write_text("old")
    (tmp_path / "far").symlink_to("file")
    (tmp_path / "link").symlink_to("far")
    assert compared(search, tmp_path / "link")[0] == 0
    assert [os.readlink(tmp_path / name) for name in ("link", "far")] == ["far", "file"]
    assert "hypervolume" in (tmp_path / "file").read_text()
    assert everything_in(tmp_path) == ["far", "file", "link"]


def test_links_in_a_circle_take_a_line(search, tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    status, out, err = compared(search, tmp_path / "one")
    assert (status, out, is_one_line(err)) == (2, "", True)


@pytest.mark.parametrize("linked", [True, False])
def test_a_pipe_is_written_to_and_stays(search, tmp_path, linked):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    heard = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_text()), daemon=True)
    listener.start()
    assert compared(search, tmp_path / "link" if linked else pipe)[0] == 0
    listener.join(10)
    assert "hypervolume" in heard[0]
    assert (pipe.is_fifo(), everything_in(tmp_path)) == (True, ["link", "pipe"])


def test_a_device_is_written_to_and_stays(search, tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o20666, os.makedev(1, 3))
        device.write_text("x")
    except OSError:
        pytest.skip("needs root and a file system with devices")
    assert compared(search, device)[0] == 0
    assert device.is_char_device()


def test_a_link_where_the_file_is_made_is_not_written_through(search, tmp_path, precious):
    partial = precious.parent / ".x.partial"
    partial.symlink_to(precious / "file")
    status, out, err = compared(search, tmp_path / "x")
    assert (status, out, is_one_line(err)) == (2, "", True)
    assert f"{partial} is in the way, a symbolic link; remove it" in err
    assert partial.is_symlink()
    assert_whole(precious)


def test_what_a_killed_command_left_of_a_file_is_cleared_and_no_twin_of_it_changed(tmp_path):
    (tmp_path / "twin").write_text("mine")
    os.link(tmp_path / "twin", tmp_path / ".x.partial")
    with whole_file(tmp_path / "x") as file:
        file.write(b"new")
    assert (tmp_path / "twin").read_text() == "mine"
    assert everything_in(tmp_path) == ["twin", "x"]


def test_of_two_that_write_a_file_the_earlier_gives_way(tmp_path):
    one = whole_file(tmp_path / "x")
    one.__enter__().write(b"half")
    with whole_file(tmp_path / "x") as other:
        other.write(b"whole")
    with pytest.raises(OSError, match="another process"):
        one.__exit__(None, None, None)
    assert (tmp_path / "x").read_bytes() == b"whole"
    assert everything_in(tmp_path) == ["x"]
