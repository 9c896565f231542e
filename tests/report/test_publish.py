"""A report comes into place in one step, whenever it is killed; the next one clears what that left."""

import errno
import os
import shutil

import pytest

from rram_nas_comp_pack.errors import BadInput, CannotBeDone
from rram_nas_comp_pack.report.report_files import ReportFiles
from rram_nas_comp_pack.runs import publish
from rram_nas_comp_pack.runs.publish import write_report
from tests.cli.tiny_runs import everything_in

MARK = '<meta name="generator" content="rram_nas_comp_pack">'
OLD = ReportFiles(f"{MARK} old page", {"atlas.svg": b"old", "load.svg": b"old"})
NEW = ReportFiles(f"{MARK} new page", {"atlas.svg": b"new", "costs.svg": b"new"})
CHANGES = ("rename", "replace", "unlink", "mkdir", "symlink", "rmdir")


def seen(folder):
    """The page and the figures that a reader finds, None where there are none."""
    page, figures = folder / "report.html", folder / "figures"
    drawn = {p.name: p.read_bytes() for p in figures.glob("*.svg")} if figures.exists() else None
    return page.read_text() if page.exists() else None, drawn


def content(report):
    return report.html, dict(report.figures)


def killed_at(step, folder, report):
    """Write a report in a process that is killed before its change `step`; False where there are fewer."""
    process = os.fork()
    if process == 0:
        try:
            count = [0]

            def counted(change):
                def run(*args, **options):
                    if count[0] == step:
                        os._exit(9)
                    count[0] += 1
                    return change(*args, **options)

                return run

            for name in CHANGES:
                setattr(os, name, counted(getattr(os, name)))
            publish._exchanged = counted(publish._exchanged)
            write_report(report, folder)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9


@pytest.fixture(params=["in one step", "in two steps"])
def exchange(request, monkeypatch):
    """Linux exchanges two names in one step; elsewhere figures are away for a moment."""
    if request.param == "in two steps":
        monkeypatch.setattr(publish, "_exchanged", lambda *_: False)
    return request.param


@pytest.mark.parametrize("earlier", [OLD, None])
def test_page_and_figures_belong_together_wherever_the_writer_is_killed(tmp_path, exchange, earlier):
    step, killed, states = 0, True, []
    while killed:
        folder = tmp_path / str(step)
        folder.mkdir()
        if earlier:
            write_report(earlier, folder)
        killed = killed_at(step, folder, NEW)
        states.append(seen(folder))
        if exchange == "in one step":
            assert seen(folder) in ((content(earlier) if earlier else (None, None)), content(NEW))
        write_report(NEW, folder)
        assert seen(folder) == content(NEW)
        assert everything_in(folder) == ["figures", "figures/atlas.svg", "figures/costs.svg", "report.html"]
        assert not (folder / "report.html").is_symlink()
        step += 1
    assert step > 8
    assert states[-1] == content(NEW)


def test_figures_that_a_kill_left_aside_are_put_back_though_the_next_report_fails(tmp_path, monkeypatch):
    write_report(OLD, tmp_path)
    (tmp_path / "figures").rename(tmp_path / ".report.earlier")
    with pytest.raises(CannotBeDone, match="No space"):
        failing_write(tmp_path, monkeypatch)
    assert seen(tmp_path) == content(OLD)
    assert everything_in(tmp_path) == ["figures", "figures/atlas.svg", "figures/load.svg", "report.html"]


def failing_write(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(publish, "_fill", full)
    write_report(NEW, folder)


def test_what_the_first_version_left_is_cleared_and_nothing_else(tmp_path):
    for name in (".report.a1b2c3d4/figures", ".report.mine", ".report.e1b2c3d4/own"):
        (tmp_path / name).mkdir(parents=True)
    write_report(NEW, tmp_path)
    hidden = [name for name in everything_in(tmp_path) if name.startswith(".")]
    assert hidden == [".report.e1b2c3d4", ".report.e1b2c3d4/own", ".report.mine"]


@pytest.mark.parametrize("name", ["report.html", "figures", ".report.partial", ".report.earlier"])
@pytest.mark.parametrize("what", ["link to a folder", "link to a file", "broken link", "pipe"])
def test_what_has_a_name_of_the_report_stays_and_is_named(tmp_path, name, what):
    other, folder = tmp_path / "other", tmp_path / "run"
    (other / "in").mkdir(parents=True)
    (other / "file").write_text("mine")
    folder.mkdir()
    if what == "pipe":
        os.mkfifo(folder / name)
    else:
        target = {"link to a folder": other, "link to a file": other / "file"}.get(what, tmp_path / "no")
        (folder / name).symlink_to(target)
    with pytest.raises(BadInput) as error:
        write_report(NEW, folder)
    assert str(folder / name) in str(error.value)
    assert everything_in(folder) == [name]
    assert (everything_in(other), (other / "file").read_text()) == (["file", "in"], "mine")


@pytest.mark.parametrize("name", ["report.html/in", "figures"])
def test_a_folder_called_as_the_page_and_a_file_called_as_the_figures_stay(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match="allowed is"):
        write_report(NEW, tmp_path)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("what", ["file", "pipe", "broken link"])
def test_a_report_goes_into_a_folder_only(tmp_path, what):
    out = tmp_path / "out"
    {"file": out.touch, "pipe": lambda: os.mkfifo(out), "broken link": lambda: out.symlink_to("no")}[what]()
    with pytest.raises(BadInput, match=f"--out: {out} is a .*, allowed is a folder"):
        write_report(NEW, out, "--out")
    assert everything_in(tmp_path) == ["out"]


def test_a_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "out").symlink_to("there")
    write_report(NEW, tmp_path / "out")
    assert seen(tmp_path / "there") == content(NEW)


def test_of_two_reports_at_once_one_waits_its_turn(tmp_path, monkeypatch):
    fill = publish._fill

    def meanwhile(scratch, report):
        fill(scratch, report)
        with pytest.raises(BadInput, match="is being written by another command"):
            write_report(OLD, tmp_path)

    monkeypatch.setattr(publish, "_fill", meanwhile)
    write_report(NEW, tmp_path)
    assert seen(tmp_path) == content(NEW)


def test_a_file_system_without_links_has_the_report_all_the_same(tmp_path, monkeypatch):
    def refused(*_args, **_options):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refused)
    for report in (OLD, NEW):
        write_report(report, tmp_path)
        assert seen(tmp_path) == content(report)
    assert len(everything_in(tmp_path)) == 4


def test_a_name_that_is_no_unicode_is_spelt_out(tmp_path):
    write_report(ReportFiles("<p>t\udcff</p>", {}), tmp_path)
    assert (tmp_path / "report.html").read_text() == r"<p>t\udcff</p>"
    shutil.rmtree(tmp_path)


STRANGERS = ["figures/fig1.tex", "figures/deep/atlas.svg", "report.html", "figures/report.html"]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_no_report_made_stays_and_is_named(tmp_path, name):
    write_report(OLD, tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = everything_in(tmp_path)
    with pytest.raises(BadInput, match="allowed is another --out, or to move it"):
        write_report(NEW, tmp_path, "--out")
    assert (tmp_path / name).read_text() == "mine"
    assert everything_in(tmp_path) == before


def test_a_page_of_the_first_version_is_replaced(tmp_path):
    (tmp_path / "report.html").write_text('<a class="skip" href="#main">Skip to the report</a>')
    write_report(NEW, tmp_path)
    assert seen(tmp_path) == content(NEW)
