"""Files of runs that are damaged: every reader says so in a line, or reads them; nothing else happens."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.tiny_runs import call, make_workplace, pack
from tests.fuzz.damage import damaged_bytes, damaged_json, damaged_table, fuzzed
from tests.report.made_search import write_search

PACKED = {
    **{"result.json": "json", "partition.json": "json", "partition_optimized.json": "json"},
    **{"pack.csv": "table", "sim.log": "table"},
}
SEARCHED = {
    **{"front.json": "json", "evaluated.csv": "table", "hypervolume.csv": "table", "logs.log": "table"},
}
JUDGED = (("verify",), ("compare",), ("simulate", "--num-sample", 1))
"""What reads a packing run without drawing it."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    log = make_workplace(tmp_path_factory.mktemp("packed"))[0] / "log"
    assert pack(log, "--duplicate", "--tune-effort", 0)[0] == 0
    return log / "packing" / "t"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of few networks, whose front.json holds the options."""
    run = write_search(tmp_path_factory.mktemp("searched") / "s", 6)
    front = json.loads((run / "front.json").read_text())
    front["networks"] = front["networks"][:2]
    front |= {"evaluated": 8, "options": {"method": "nsga2", "seed": 1, "objectives": ["acc", "speed"]}}
    (run / "front.json").write_text(json.dumps(front))
    return run


@st.composite
def damaged(draw, path, kind):
    """The content of a file with something wrong in it."""
    content = path.read_bytes()
    how = draw(st.sampled_from((kind, kind, kind, "bytes")))
    if how == "bytes":
        return draw(damaged_bytes(content))
    text = content.decode()
    text = draw(damaged_json(json.loads(text)) if how == "json" else damaged_table(text))
    return text.encode("utf-8", "surrogatepass")


def assert_told(found):
    """Done, or what is wrong in a line or a few."""
    status, _, err = found
    assert status in (0, 1, 2), err
    assert err.count("\n") <= 3, err
    assert "Traceback" not in err
    assert (status == 2) <= (len(err) > 1)


def with_damage(run, name, content, *commands):
    """Call commands on a run with one file damaged, which is then put back."""
    sound = (run / name).read_bytes()
    try:
        (run / name).write_bytes(content)
        for command, *options in commands:
            assert_told(call(command, run, *options))
    finally:
        (run / name).write_bytes(sound)


@pytest.mark.parametrize(("name", "kind"), PACKED.items())
@fuzzed
@given(data=st.data())
def test_a_damaged_file_of_a_packing_run_is_told_in_one_line(packed, name, kind, data):
    with_damage(packed, name, data.draw(damaged(packed / name, kind)), *JUDGED)


@pytest.mark.parametrize(("name", "kind"), SEARCHED.items())
@fuzzed
@given(data=st.data())
def test_a_damaged_file_of_a_search_is_told_in_one_line(searched, name, kind, data):
    with_damage(searched, name, data.draw(damaged(searched / name, kind)), ("compare",))
