"""Files of runs that are damaged: every reader says so in a line, or reads them; nothing else happens."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofa.architecture import layer_shapes
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.nas.generations import SearchOptions, SubnetResult, evolve
from rram_nas_comp_pack.nas.genes import genes_of
from rram_nas_comp_pack.nas.genome import GENOME
from rram_nas_comp_pack.runs.nas.checkpoint import NAME, Kept, load_search, save_search
from rram_nas_comp_pack.runs.nas.front import read_front
from tests.cli.tiny_runs import call, make_workplace, pack
from tests.fuzz.damage import CASES, damaged_bytes, damaged_json, damaged_table, fuzzed, places
from tests.report.made_search import write_search

PACKED = {
    **{"result.json": "json", "partition.json": "json", "partition_optimized.json": "json"},
    **{"graph.json": "json", "pack.csv": "table", "sim.log": "table"},
}
SEARCHED = {
    **{"front.json": "json", "evaluated.csv": "table", "hypervolume.csv": "table", "logs.log": "table"},
}
JUDGED = (("verify",), ("compare",), ("simulate", "--num-sample", 1))
"""What reads a packing run without drawing it."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    log = make_workplace(tmp_path_factory.mktemp("packed"))[0] / "log"
    assert pack(log, "--duplicate", "--tune-effort", 0, "--schedule", "row")[0] == 0
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


# What readers let through is drawn.

EXTREMES = (0, 1, 2, 1000, 2**20, 2**31 - 1, 1e-300, 1e-100, 1e-9, 0.5, 1e12, 1e100)
NAMES = ("", " ", "$x^", "<b>&amp;", "x" * 1000, "\u202e", "\x1b[31m", "a\nb", "\u5c42", "Linear_2")
drawn = settings(parent=fuzzed, max_examples=max(1, CASES // 25))


@st.composite
def extreme_json(draw, value, inner):
    """A JSON value in which some numbers are as small or large as may be, and some texts odd."""
    spots = [path for path in places(value) if path[: len(inner)] == inner]
    for path in draw(st.lists(st.sampled_from(spots), min_size=1, max_size=3)):
        *outer, last = path or (None,)
        parent = value
        for key in outer:
            parent = parent[key]
        if last is not None and isinstance(parent[last], int | float | str):
            odd = NAMES if isinstance(parent[last], str) else EXTREMES
            parent[last] = draw(st.sampled_from(odd))
    return json.dumps(value).encode()


def parts(run, name):
    """The places in a JSON file where extremes are tried: each part of its top, so that small ones count."""
    value = json.loads((run / name).read_text())
    return [(key,) for key in value] if isinstance(value, dict) else [(i,) for i in range(len(value))]


def assert_drawn(run, out, name, data):
    value = json.loads((run / name).read_text())
    content = data.draw(extreme_json(value, data.draw(st.sampled_from(parts(run, name)))))
    with_damage(run, name, content, ("compare", "--format", "html"), ("report", "--out", out))


@pytest.mark.parametrize("name", ["result.json", "partition_optimized.json"])
@drawn
@given(data=st.data())
def test_a_packing_run_of_extreme_numbers_is_drawn_or_refused(packed, tmp_path_factory, name, data):
    assert_drawn(packed, tmp_path_factory.getbasetemp() / "drawn", name, data)


@drawn
@given(data=st.data())
def test_a_search_of_extreme_numbers_is_drawn_or_refused(searched, tmp_path_factory, data):
    assert_drawn(searched, tmp_path_factory.getbasetemp() / "drawn", "front.json", data)


@pytest.mark.parametrize("name", ["evaluated.csv", "hypervolume.csv", "logs.log", "sim.log"])
@drawn
@given(data=st.data())
def test_a_table_of_extreme_numbers_is_drawn_or_refused(packed, searched, tmp_path_factory, name, data):
    run = packed if name == "sim.log" else searched
    lines = [line.split(",") for line in (run / name).read_text().splitlines()]
    row = data.draw(st.sampled_from(lines[1:]))
    row[data.draw(st.integers(0, len(row) - 1))] = str(data.draw(st.sampled_from(EXTREMES)))
    content = "\n".join(map(",".join, lines)).encode() + b"\n"
    with_damage(run, name, content, ("report", "--out", tmp_path_factory.getbasetemp() / "drawn"))


# Networks of a front, and searches to go on with


def read_or_told(read, *given):
    """What is read; None where a line says what is wrong."""
    try:
        return read(*given)
    except BadInput as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 2000
    return None


@pytest.mark.parametrize("number", ["9" * 4400, "2", "-1", "", "\u0663", "1_0", "0x0", " 0", "1e0", "\ud800"])
def test_a_network_of_a_front_is_named_by_a_number_of_its_list(searched, tmp_path, number):
    config = make_workplace(tmp_path)[1]
    status, out, err = call("pack", "--model", f"ofa:{searched / 'front.json'}#{number}", "--config", config)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert len(err) < 1000


@fuzzed
@given(data=st.data())
def test_a_front_that_is_damaged_builds_no_network(searched, data):
    path = searched / "front.json"
    path.with_name("damaged.json").write_bytes(data.draw(damaged(path, "json")))
    front = read_or_told(read_front, path.with_name("damaged.json"))
    if front is not None:
        assert 1 <= front.classes <= 2**16
        assert all(layer_shapes(*network.network) for network in front.networks)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The file of a search under way."""
    folder = tmp_path_factory.mktemp("begun")
    state = next(evolve(GENOME, SearchOptions(population=4, generations=1), judged))
    genes = genes_of(state.known)
    save_search(folder, GENOME, Kept(state, genes, np.full(len(genes), 0.5)), {"seed": 1})
    return folder


def judged(rows):
    return [SubnetResult(0.9, 2.0, 1e6, 2e6, 1e3, 10, 0.5, -1.0) for _ in rows]


ODD_ARRAYS = (
    *(lambda a: a.astype(object), lambda a: a.astype("U"), lambda a: a.astype(complex), lambda a: a[:0]),
    *(lambda a: np.full(a.shape, np.nan), lambda a: np.full(a.shape, np.inf), lambda a: np.full(a.shape, -1)),
    *(lambda a: np.full(a.shape, 1e300), lambda a: np.full(a.shape, 2**62), lambda a: a[None]),
    *(lambda a: np.array(0), lambda a: np.array("x"), lambda a: np.array("[" * 10**5), lambda a: a[..., :1]),
    *(lambda a: np.concatenate([a, a]) if a.ndim else a, lambda a: a.astype(np.float16)),
    *(
        lambda a: np.array('["' + "x" * 200_000 + '"]'),
        lambda a: np.array('{"version": 1e400, "options": {}}'),
    ),
    *(lambda a: np.array(json.dumps({"version": 1, "options": {"a\nb" * 1000: "c\nd"}})), lambda a: None),
)


@fuzzed
@given(data=st.data())
def test_a_search_to_go_on_with_is_sound_or_refused(begun, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    if data.draw(st.booleans()):
        (folder / NAME).write_bytes(data.draw(damaged_bytes((begun / NAME).read_bytes())))
    else:
        with np.load(begun / NAME) as file:
            held = dict(file)
        name = data.draw(st.sampled_from(sorted(held)))
        changed = data.draw(st.sampled_from(ODD_ARRAYS))
        held[name] = changed(held[name] if held[name].dtype.kind != "U" else np.zeros((2, 2)))
        np.savez(folder / NAME, **{key: value for key, value in held.items() if value is not None})
    kept = read_or_told(load_search, folder, GENOME, {"seed": 1})
    if kept is not None:
        for state in evolve(GENOME, SearchOptions(population=4, generations=2), judged, kept.state):
            assert np.isfinite(state.hypervolumes).all()
