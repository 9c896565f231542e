"""What the page of a search says in sentences."""

from dataclasses import replace
from types import SimpleNamespace

from rram_nas_comp_pack.report.nas.verdict import verdict
from rram_nas_comp_pack.runs.nas.read import read_search
from tests.report.made_search import write_search


def told(run, networks, middle=None):
    front = SimpleNamespace(networks=tuple(networks))
    return list(verdict(SimpleNamespace(front=front), middle))


def test_the_verdict_of_a_front(tmp_path):
    run = read_search(write_search(tmp_path / "made", 60), "made")
    fast, between, best = (replace(n, index=i) for i, n in enumerate(run.front.networks[:3]))
    fast, best = (
        replace(n, validation=v, test=t, tuned=None, searched=n.searched._replace(speed=s))
        for n, v, t, s in ((fast, 0.9, 0.85, 20.0), (best, 0.95, 0.912, 5.123))
    )
    between = replace(between, validation=0.94, test=None, tuned=fast.searched._replace(speed=12.5))
    assert told(run, [fast, between, best], "network-0-1") == [
        "The front has 3 networks.",
        "The fastest is network 0: 20 times the speed of the baseline, and 90.0% of the validation images "
        "right.",
        "The most accurate is network 2: 5.123 times the speed of the baseline, and 95.0% of the validation "
        "images right.",
        "Between them, the front bends most at network 1: 12.5 times the speed of the baseline, and 94.0% "
        "of the validation images right.",
        "On test images, which nothing was chosen by, they are right for 85.0% to 91.2%.",
    ]
    found = told(run, [fast, replace(best, searched=best.searched._replace(speed=12345.0))])
    assert found[1].startswith("The fastest is also the most accurate, network 2: 12,345 times the speed")
    assert "bends" not in " ".join(told(run, [fast, best], "network-0-0"))


def test_the_verdict_of_one_network_on_chips(tmp_path):
    run = read_search(write_search(tmp_path / "made", 60), "made")
    alone = replace(run.front.networks[0], validation=0.9, chip=0.88, chip_test=0.7)
    found = told(run, [alone], "network-0-0")
    assert found[0] == "The front has 1 network."
    assert found[1].startswith("It is network 0: ")
    assert found[1].endswith("and 88.0% of the validation images right on chips.")
    assert found[2] == "On test images, which nothing was chosen by, they are right for 70.0% on other chips."


def test_the_verdict_of_nothing():
    assert told(None, []) == ["No network that fits was found."]
