"""Files of judged chips that are damaged: every reader says so in a line, or shows them."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.report.packing.accuracy import (
    accuracy_table,
    chip_chart,
    chip_words,
    mapping_table,
    noise_chart,
    noise_words,
)
from rram_nas_comp_pack.report.packing.sweep import sweep_chart, sweep_table, sweep_words
from rram_nas_comp_pack.report.plotly_charts import interactive
from rram_nas_comp_pack.runs.packing.accuracy import mapping_names
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.cli.judged_runs import judged_nets, run_to_judge
from tests.cli.tiny_runs import call, read_rows
from tests.fuzz.damage import fuzzed
from tests.fuzz.test_runs import EXTREMES, NAMES, damaged, extreme_json, parts, read_or_told, with_damage

FILES = {"accuracy.json": "json", "accuracy.csv": "table", "accuracy_sweep.csv": "table"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A run whose chips have been judged."""
    with judged_nets(tmp_path_factory.mktemp("judged")) as place:
        run = run_to_judge(place)
        for argv in (("--instances", 2), ("--instances", 1, "--sweep", "Device_SAF=0,0/5,5")):
            assert call("accuracy", run, "--images", 1, *argv)[0] == 0
        yield run


@pytest.mark.parametrize(("name", "kind"), FILES.items())
@fuzzed
@given(data=st.data())
def test_a_damaged_file_of_judged_chips_is_told_in_one_line(judged, name, kind, data):
    with_damage(judged, name, data.draw(damaged(judged / name, kind)), ("verify",))


@pytest.mark.parametrize(("name", "kind"), FILES.items())
@fuzzed
@given(data=st.data())
def test_judged_chips_of_extreme_numbers_are_charted_or_refused(judged, name, kind, data):
    sound = (judged / name).read_bytes()
    if kind == "json":
        content = data.draw(extreme_json(json.loads(sound), data.draw(st.sampled_from(parts(judged, name)))))
    else:
        content = data.draw(extreme_table(judged / name))
    try:
        (judged / name).write_bytes(content)
        run = read_or_told(read_run, judged, "t")
    finally:
        (judged / name).write_bytes(sound)
    if run is not None:
        assert_charted(run)


@st.composite
def extreme_table(draw, path):
    """A table in which a field is as small or large as may be, or an odd text."""
    rows, text = read_rows(path), io.StringIO()
    row = draw(st.sampled_from(rows[1:]))
    odd = (*map(str, EXTREMES), *NAMES, *(f"[[{n},{n},{n},0]]" for n in EXTREMES))
    row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(odd))
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def assert_charted(run):
    found = run.accuracy
    for chart in (chip_chart(found), noise_chart(found, run.labels), *map(sweep_chart, run.sweeps)):
        assert interactive(chart).to_json()
    words = [chip_words(found), noise_words(found), *map(sweep_words, run.sweeps)]
    tables = [sweep_table(sweep, mapping_names(run.mappings)) for sweep in run.sweeps]
    for text in (*words, *tables, mapping_table(found), accuracy_table(found)):
        assert "nan" not in text.replace("accuracy_nan", "")
