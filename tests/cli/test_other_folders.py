"""Folders of searches, sweeps and `reproduce` where a run is asked for: what they are, and what to give."""

import pytest
from tiny_runs import call, is_one_line

LAYOUTS = {
    "verify": (),
    "simulate": ("--num-sample", 1),
    "image": (),
    "accuracy": (),
    "faults": (),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of each kind, with the files that tell it."""
    folder = tmp_path_factory.mktemp("folders")
    for path in ("search/front.json", "sweep/sweep.csv", "sweep/report.html", "made/claims.json"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    for path in ("sweep/runs/packing/x", "made/runs/packing/00", "made/runs/evolution/01"):
        (folder / path).mkdir(parents=True)
    return folder


def refused(command, run_dir, *argv):
    status, out, err = call(command, run_dir, *argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    return err


@pytest.mark.parametrize("command", LAYOUTS)
def test_a_search_is_no_packing_run(place, command):
    said = refused(command, place / "search", *LAYOUTS[command])
    assert f"{place / 'search'} is a search, allowed is a packing run; pack --model ofa:" in said


@pytest.mark.parametrize("command", [*LAYOUTS, "report", "compare"])
def test_a_sweep_is_told_with_its_page_and_its_runs(place, command):
    said, folder = refused(command, place / "sweep", *LAYOUTS.get(command, ())), place / "sweep"
    assert (
        f"is a sweep, whose results are in {folder / 'sweep.csv'} and on its page, {folder}/report.html"
        in said
    )
    assert said.endswith(f"allowed is one of the runs in {folder / 'runs' / 'packing'}\n")


@pytest.mark.parametrize("command", ["verify", "report"])
def test_so_is_a_folder_of_reproduce(place, command):
    said, folder = refused(command, place / "made"), place / "made"
    assert f"is a folder of reproduce, whose results are in {folder / 'claims.json'}; allowed" in said
    assert said.endswith(f"{folder / 'runs' / 'packing'} and {folder / 'runs' / 'evolution'}\n")
