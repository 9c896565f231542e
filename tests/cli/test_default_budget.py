"""`pack` without a number of crossbars finds the fewest; what reloads a chip takes the usual one."""

import json

import pytest
from tiny_runs import call, make_workplace, pack

from rram_nas_comp_pack.cli.options.parse import parse


def options(*argv):
    return parse(("pack", *argv))[1]["options"]


@pytest.mark.parametrize(
    ("argv", "budget"),
    [
        ((), None),
        (("--find-solution",), None),
        (("--find-solution", "--num-crossbars", "10"), None),
        (("--num-crossbars", "10"), 10),
        (("--duplicate",), None),
        (("--reload",), 10),
        (("--reload", "no"), None),
        (("--duplicate", "--num-crossbars", "20"), 20),
    ],
)
def test_the_budget(argv, budget):
    found = options(*argv)
    assert found.settings.budget == found.settings.packer.budget == budget
    assert found.run.written["find_solution"] == (budget is None)


def test_the_fewest_crossbars_are_those_of_find_solution(tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    folders = {}
    for name, argv in {"default": (), "asked": ("--find-solution",), "ten": ("--num-crossbars", 10)}.items():
        status, _, err = pack(log, *argv, exp_id=name)
        assert (status, err) == (0, "")
        folders[name] = log / "packing" / name
    layouts = {name: (folder / "pack.csv").read_bytes() for name, folder in folders.items()}
    assert layouts["default"] == layouts["asked"]
    results = {name: json.loads((folder / "result.json").read_text()) for name, folder in folders.items()}
    assert results["default"]["crossbars_budget"] is None
    assert results["ten"]["crossbars_budget"] == results["ten"]["options"]["num_crossbars"] == 10
    assert call("verify", folders["default"])[0] == 0


@pytest.mark.usefixtures("undrawn")
def test_copies_without_a_budget_lie_on_the_crossbars_that_the_network_needs(tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    assert pack(log, exp_id="fewest")[0] == 0
    assert pack(log, "--duplicate", "--tune-effort", 0, exp_id="copies")[0] == 0
    found = [json.loads((log / "packing" / n / "result.json").read_text()) for n in ("fewest", "copies")]
    assert found[1]["crossbars_used"] <= found[0]["crossbars_used"]
    assert found[1]["crossbars_budget"] is None
    for command, *more in (("verify",), ("report",), ("simulate", "--num-sample", 2)):
        assert call(command, log / "packing" / "copies", *more)[0] == 0
    page = (log / "packing" / "copies" / "report.html").read_text(encoding="utf-8")
    assert "a --num-crossbars that leaves room for copies" in page
