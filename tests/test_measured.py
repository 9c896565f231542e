"""README and docs state the figures of docs/measured.json, and the quick ones are found again."""

import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.measured import COMMANDS, COPIED, FILE, measure
from rram_nas_comp_pack.cli.options.parse import parse

ROOT = Path(__file__).parents[1]
MEASURED = json.loads(FILE.read_text(encoding="utf-8"))
PROVED = {True: ", proved", False: ""}


def page(name):
    """A page with every run of spaces and line ends as one space."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def of_readme():
    """What README.md has to say."""
    copied, search = MEASURED["mbv3_small 211 x 8 auto"], MEASURED["search"]
    yield f"uses {MEASURED['mbv3_small']['boxes']} crossbars"
    yield f"utilization: {copied['utilization']:.1%} of their cells"
    yield f"meets the budget (here {MEASURED['mbv3_small 211']['crossbars']} crossbars)"
    yield (
        f"the joint tuner reaches {copied['speed']['8']:.2f} x the baseline's speed for 8 samples; "
        f"our version of the paper's tuner reaches {copied['speed_margin_tuner']:.2f} x, "
        f"the layout without copies reaches {copied['speed_plain']:.2f} x"
    )
    yield f"hypervolume: {search['hypervolume']:.4f} (accuracy x speed)"
    yield f"front: {len(search['front'])} networks"
    for i, each in enumerate(search["front"]):
        yield (
            f" {i} {each['validation_accuracy']:.4f} {each['test_accuracy']:.4f} {each['tuned_speed']:.2f} "
            f"{each['searched_speed']:.2f} {each['latency_ns'] / 1e6:.4f} {each['crossbars']} "
            f"{each['utilization']:.1%} "
        )


def of_tutorial():
    """What docs/tutorial.md has to say of what its test does not run."""
    speed = MEASURED["squeezenet 82 x 8"]["speed"]["8"]
    yield f"the tuner searches for some 20 s and reaches {speed:.1f}."


def of_benchmarks():
    """What docs/benchmarks.md has to say."""
    names = {"mbv3_small": "mbv3_small, factor 1", "mbv3_small factor 5": "mbv3_small, factor 5"}
    for name in ("mbv3_small", "mbv3_small factor 5", "squeezenet", "resnet18"):
        found = MEASURED[name]
        best = f"{found['crossbars']}{PROVED[found['proved_optimal']]}"
        yield f"| {names.get(name, name)} | {found['lower_bound']} |"
        yield f"| {best} |"
    for model, budget, samples in COPIED:
        own = f"{model} {budget} x {samples}"
        dense, auto = MEASURED[f"{own} dense"], MEASURED.get(f"{own} auto")
        joint = f"{auto['speed'][str(samples)]:.1f} " if auto else ""
        yield f"| {model}, {budget} | {samples} | {dense['speed_plain']:.1f} |"
        yield f"| {dense['speed_margin_tuner']:.1f} | {dense['speed'][str(samples)]:.1f} | {joint}|"


PAGES = {
    "README.md": of_readme,
    "docs/tutorial.md": of_tutorial,
    "docs/benchmarks.md": of_benchmarks,
}


@pytest.mark.parametrize(("name", "said"), [(name, said) for name, all_ in PAGES.items() for said in all_()])
def test_a_page_says_what_was_measured(name, said):
    assert said in page(name)


@pytest.mark.parametrize("name", ["mbv3_small factor 5", "squeezenet", "resnet18"])
def test_what_is_quickly_measured_is_found_again(name, capsys):
    found = measure(COMMANDS[name])
    assert MEASURED[name] == {"command": f"rnc {COMMANDS[name]}", **found}


@pytest.mark.parametrize("name", MEASURED)
def test_the_commands_are_sound_and_those_of_the_program(name):
    assert MEASURED[name]["command"] == f"rnc {COMMANDS[name]}"
    parse(shlex.split(COMMANDS[name]))


def test_everything_is_measured():
    assert [*MEASURED] == [*COMMANDS]
    assert not re.search(r"_s\b|time", json.dumps([[*each] for each in MEASURED.values()]))
