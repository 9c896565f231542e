"""docs/reference.md says what the programs take and what their files hold.

`python tests/test_reference.py` prints its tables of options anew.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "cli"))

from reference_page import PAGE, commands, keys_of, marked, names_of, options, parsers, printed

ROOT = Path(__file__).parents[1]


def test_the_page_shows_the_options_of_today():
    page = PAGE.read_text(encoding="utf-8")
    assert page == printed(page), "python tests/test_reference.py prints the tables anew"


def test_every_command_of_both_programs_has_a_table():
    every = [(name, command) for name, parser in parsers().items() for command in commands(parser)]
    assert sorted(marked(PAGE.read_text(encoding="utf-8"))) == sorted(every)


def test_every_option_is_explained():
    for name, parser in parsers().items():
        for command, own in commands(parser).items():
            for action in options(own):
                assert action.help, (name, command, action.dest)
                assert len(re.sub(r" ?\(default: .*\)$", "", action.help).split()) > 2, action.help


def test_the_parsers_bring_in_nothing_heavy():
    code = (
        "import sys; from tests.reference_page import parsers; parsers();"
        "print(sorted({'torch', 'numba', 'scipy', 'pandas'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A packing run with copies and a timeline."""
    from tiny_runs import make_workplace, pack

    log = make_workplace(tmp_path_factory.mktemp("reference"))[0] / "log"
    duplicated = ("--num-crossbars", 10, "--duplicate", "--tune-effort", 0, "--trace")
    status, _, err = pack(log, *duplicated)
    assert status == 0, err
    return log / "packing" / "t"


def test_every_file_of_a_packing_run_is_listed(run):
    text = PAGE.read_text(encoding="utf-8")
    assert [path.name for path in run.iterdir() if f"| `{path.name}` |" not in text] == []


@pytest.mark.parametrize("file", ["pack.csv", "sim.log"])
def test_columns_of_the_tables_of_a_packing_run(run, file):
    assert names_of(file) == (run / file).read_text().partition("\n")[0].split(",")


def test_keys_of_the_partition(run):
    """`stored_in` stands only where weights are used again."""
    (*layers,) = json.loads((run / "partition.json").read_text())
    found = {key for layer in layers for key in keys_of(layer, 1)}
    assert set(names_of("partition.json")) == found | {"stored_in"}


def test_keys_of_the_result(run):
    result = json.loads((run / "result.json").read_text())
    listed = names_of("result.json")
    assert {name for name in listed if "." not in name} == result.keys()
    assert set(listed) <= set(keys_of(result, 3))
    for outer in {name.rpartition(".")[0] for name in listed} - {""}:
        inner = {key for key in keys_of(result, 3) if key.rpartition(".")[0] == outer}
        assert {name for name in listed if name.rpartition(".")[0] == outer} == inner


def test_keys_of_the_timeline(run):
    events = json.loads((run / "trace.json").read_text())["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert {key for event in slices for key in event} == set(names_of("trace.json"))


def main():
    PAGE.write_text(printed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
