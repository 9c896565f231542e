"""A run's files appear whole or not at all; a failed run leaves the earlier files of its ID as they were."""

import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tiny_runs import ROOT, call, everything_in, is_one_line, make_workplace, pack

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.runs.folders import run_folder
from rram_nas_comp_pack.runs.packing import write as output


@pytest.fixture
def log(tmp_path):
    """A log folder with an earlier run of ID t."""
    log = make_workplace(tmp_path)[0] / "log"
    earlier = log / "packing" / "t"
    earlier.mkdir(parents=True)
    (earlier / "pack.csv").write_text("earlier")
    return log


EARLIER = ["packing", "packing/t", "packing/t/pack.csv"]


def assert_untouched(log):
    assert everything_in(log) == EARLIER
    assert (log / "packing" / "t" / "pack.csv").read_text() == "earlier"


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def test_a_run_replaces_the_earlier_one_whole(log):
    (log / "packing" / "t" / "partition_optimized.json").write_text("of an earlier run with duplication")
    assert pack(log)[0] == 0
    names = [p.name for p in (log / "packing").iterdir()]
    assert names == ["t"]
    assert not (log / "packing" / "t" / "partition_optimized.json").exists()
    assert (log / "packing" / "t" / "pack.csv").read_text() != "earlier"


@pytest.mark.parametrize("argv", [("--num-crossbars", "1"), ("--input-size", "1,8,8")])
def test_a_failed_run_leaves_the_earlier_files(log, argv):
    assert pack(log, *argv)[0] in (1, 2)
    assert_untouched(log)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write_json", "write_csv"])
def test_a_full_disk_leaves_the_earlier_files_and_no_scratch(log, monkeypatch, code, call):
    monkeypatch.setattr(output, call, raising(OSError(code, os.strerror(code), "somewhere")))
    status, out, err = pack(log)
    assert (status, out) == (1, "")
    assert is_one_line(err)
    assert os.strerror(code) in err
    assert_untouched(log)


def test_a_disk_that_fills_up_in_the_middle_of_a_file_leaves_nothing_new(log, monkeypatch):
    whole = Path.write_text

    def write(path, text, **options):
        whole(path, text[:10], **options)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", write)
    status, out, err = pack(log)
    monkeypatch.undo()
    assert (status, out) == (1, "")
    assert is_one_line(err)
    assert_untouched(log)


@pytest.mark.parametrize("stage", ["load_network", "compile_network", "write_run"])
def test_ctrl_c_leaves_nothing(log, monkeypatch, stage):
    from rram_nas_comp_pack.cli.commands import pack as command

    monkeypatch.setattr(command, stage, raising(KeyboardInterrupt()))
    status, out, err = pack(log)
    assert (status, out) == (130, "")
    assert is_one_line(err)
    assert_untouched(log)


def test_ctrl_c_between_two_files_leaves_nothing(log, monkeypatch):
    monkeypatch.setattr(output, "write_csv", raising(KeyboardInterrupt()))
    assert pack(log)[0] == 130
    assert_untouched(log)
    assert pack(log, exp_id="new")[0] == 130
    assert_untouched(log)


def test_a_failure_between_the_two_renames_puts_the_earlier_run_back(log, monkeypatch):
    whole = os.rename

    def rename(path, target, **options):
        if path.endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error", path)
        return whole(path, target, **options)

    monkeypatch.setattr(os, "rename", rename)
    status, _, err = pack(log)
    monkeypatch.undo()
    assert status != 0
    assert is_one_line(err)
    assert_untouched(log)


def test_a_second_run_of_an_id_that_is_under_way_is_refused(log):
    with run_folder(log / "packing", "t") as folder:
        (folder / "first").touch()
        status, out, err = pack(log)
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert "'t'" in err
        assert (folder / "first").exists()
    assert everything_in(log) == ["packing", "packing/t", "packing/t/first"]


def test_runs_of_other_ids_do_not_mind_each_other(log):
    with run_folder(log / "packing", "a"):
        assert pack(log)[0] == 0
    assert sorted(p.name for p in (log / "packing").iterdir()) == ["a", "t"]


@pytest.mark.parametrize("ends", [None, KeyboardInterrupt])
def test_a_run_that_ends_refuses_others_and_spares_what_they_have_begun(log, monkeypatch, ends):
    """Its folder is in place, the earlier one not yet gone, when another run of the ID begins."""
    parent, remove = log / "packing", shutil.rmtree
    refused = []

    def racing(path, **options):
        if Path(path).name == ".t.earlier" and not refused:
            with pytest.raises(BadInput, match="under way") as error, run_folder(parent, "t"):
                pass
            refused.append(error)
            # as one that has come further
            (parent / ".t.partial").mkdir()
            (parent / ".t.partial" / "other").touch()
            if ends:
                raise ends
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", racing)
    with suppress(KeyboardInterrupt), run_folder(parent, "t") as folder:
        (folder / "new").touch()
    assert len(refused) == 1
    assert everything_in(log) == [
        "packing",
        *(f"packing/{name}" for name in (".t.partial", ".t.partial/other", "t", "t/new")),
    ]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_run_s_folder_is_refused(log, there):
    parent = log / "packing"
    (parent / "t").rename(log.parent / "elsewhere")
    (parent / "t").symlink_to(log.parent / ("elsewhere" if there else "nowhere"))
    for _ in range(2):
        status, out, err = pack(log)
        assert (status, out, is_one_line(err)) == (2, "", True)
        assert f"--exp-id: {parent / 't'} is a symbolic link, allowed is a folder or nothing" in err
    assert os.listdir(parent) == ["t"]
    assert (log.parent / "elsewhere" / "pack.csv").read_text() == "earlier"


HOLD = """
import sys, time
from pathlib import Path
from rram_nas_comp_pack.runs.folders import run_folder
with run_folder(Path(sys.argv[1]), "t") as folder:
    (folder / "half").touch()
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_run_holds_nobody_up(log):
    """Another process has the ID until it is killed; what it left is cleared by the next run."""
    parent = log / "packing"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(BadInput, match="under way"), run_folder(parent, "t"):
                pass
        finally:
            other.kill()
            other.wait()
    assert ".t.partial" in os.listdir(parent)
    with run_folder(parent, "t") as folder:
        assert list(folder.iterdir()) == []
        (folder / "new").touch()
    assert everything_in(log) == ["packing", "packing/t", "packing/t/new"]


def killed_between_the_renames(log):
    """What a run leaves that was killed after it moved the earlier files away."""
    parent = log / "packing"
    (parent / "t").rename(parent / ".t.earlier")
    (parent / ".t.partial").mkdir()
    (parent / ".t.partial" / "pack.csv").write_text("whole, but never there")


def test_after_a_kill_between_the_renames_a_failing_run_brings_the_earlier_files_back(log):
    killed_between_the_renames(log)
    assert pack(log, "--num-crossbars", 1)[0] == 1
    assert_untouched(log)


def test_after_a_kill_between_the_renames_a_sound_run_leaves_its_own_files_only(log):
    killed_between_the_renames(log)
    assert pack(log)[0] == 0
    assert [p.name for p in (log / "packing").iterdir()] == ["t"]
    assert (log / "packing" / "t" / "result.json").exists()


def test_after_a_kill_behind_the_renames_the_new_files_stay(log):
    parent = log / "packing"
    (parent / ".t.earlier").mkdir()
    (parent / ".t.earlier" / "pack.csv").write_text("even earlier")
    assert pack(log, "--num-crossbars", 1)[0] == 1
    assert_untouched(log)


def test_folders_within_what_a_killed_run_left_are_cleared_too(log):
    """A search writes a folder `checkpoint` (spec section 7)."""
    left = log / "packing" / ".t.partial" / "checkpoint"
    left.mkdir(parents=True)
    (left / "state").touch()
    assert pack(log)[0] == 0
    assert [p.name for p in (log / "packing").iterdir()] == ["t"]


def test_a_file_in_place_of_the_run_s_folder_is_not_the_toolkit_s_to_replace(tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    (log / "packing").mkdir(parents=True)
    (log / "packing" / "t").write_text("mine")
    status, _, err = pack(log)
    assert status == 2
    assert is_one_line(err)
    assert everything_in(log) == ["packing", "packing/t"]
    assert (log / "packing" / "t").read_text() == "mine"


def test_the_folder_is_never_seen_half_written(log):
    with run_folder(log / "packing", "t") as folder:
        (folder / "one").touch()
        assert (log / "packing" / "t" / "pack.csv").read_text() == "earlier"
        (folder / "two").touch()
    assert sorted(p.name for p in (log / "packing" / "t").iterdir()) == ["one", "two"]


def test_a_run_that_replaces_another_says_so(tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    sys.path.insert(0, str(tmp_path))
    argv = ("pack", "--model", "tiny_nets:wide", "--input-size", "128,4,4", "--num-crossbars", 9)
    argv = (*argv, "--no-report", "--config", tmp_path / "quiet.ini", "--log-dir", log, "--exp-id", "r")
    try:
        assert call(*argv)[2] == ""
        assert call(*argv)[2] == f"note: the earlier run in {log / 'packing' / 'r'} was replaced\n"
        assert "replaced" not in call(*argv, "--num-crossbars", 1, "--input-size", "1,1,1")[2]
    finally:
        sys.path.remove(str(tmp_path))
