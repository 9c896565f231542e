"""`report` of searches: what the page says, that it needs nothing else, and files that are not sound."""

import json
import re
import shlex
import shutil

import pytest

from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.hardware.config.read import SHIPPED, load_config
from rram_nas_comp_pack.report.chart_values import Point
from rram_nas_comp_pack.report.nas.charts import MOST_LINES, front_chart, genome_chart, knee, speeds_of
from rram_nas_comp_pack.report.nas.networks import PACK_DEFAULTS, pack_command
from rram_nas_comp_pack.report.nas.report import search_page
from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.origin import config_entry
from rram_nas_comp_pack.values import DEFAULT_SIZE
from tests.cli.tiny_runs import call, everything_in, is_one_line
from tests.report.made_search import best_of, networks, write_search
from tests.report.report_runs import check_page, make_run

FIGURES = ["front", "genomes", "hypervolume"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A search with its report."""
    folder = write_search(tmp_path_factory.mktemp("made") / "search")
    assert call("report", folder) == (0, f"report: {folder / 'report.html'}\n", "")
    return folder


@pytest.fixture(scope="module")
def page(made):
    return (made / "report.html").read_text()


@pytest.fixture
def run(tmp_path):
    return write_search(tmp_path / "run", 40)


# The page


def test_a_report_is_a_page_and_every_figure_for_print_twice(made):
    assert sorted(p.name for p in (made / "figures").iterdir()) == sorted(
        f"{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg", "pdf")
    )
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in made.glob("figures/*.png"))
    assert all(b"<svg" in p.read_bytes() for p in made.glob("figures/*.svg"))


def test_the_page_needs_nothing_else(page):
    check_page(page)
    assert "src=" not in page


def test_every_network_that_fits_is_a_dot_and_every_one_of_the_front_a_button_and_a_row(made, page):
    cloud = re.search(r'class="cloud" d="([^"]*)"', page)[1]
    assert 190 <= cloud.count("M") <= 200  # some lie on each other
    count = len(json.loads((made / "front.json").read_text())["networks"])
    points, rows = r'class="pick" role="button"', r'<tr tabindex="-?\d"'
    for marks in (points, rows, r'<div class="panel" id="network-0-\d+" hidden'):
        assert len(re.findall(marks, page)) == count


def test_the_table_holds_accuracies_and_the_speeds_as_searched_and_as_tuned(page):
    accuracy, speed, _ = best_of(networks(200))[0]
    for text in (f"{accuracy:.4f}", f"{accuracy - 0.01:.4f}", f"{speed:.2f}", f"{speed * 1.1:.2f}"):
        assert f">{text}</td>" in page


def test_blocks_that_do_not_run_are_not_shown(page):
    sample = best_of(networks(200))[0][2]
    stages = re.search(r'id="network-0-0".*?<tbody>(.*?)</tbody>', page, re.S)[1]
    for stage, depth in enumerate(sample["d"]):
        kernels = " ".join(map(str, sample["ks"][4 * stage : 4 * stage + depth]))
        assert f'<th scope="row">{stage + 1}</th><td>{depth}</td><td>{kernels}</td>' in stages


def test_networks_that_do_not_fit_are_counted(page):
    assert "<dt>too large for the crossbars</dt><dd>1</dd>" in page
    assert "<dt>failed</dt><dd>1</dd>" in page


def test_the_limit_of_a_front_is_what_no_other_network_of_it_beats(made):
    run = read_search(made, "")
    front, (drawn,) = run.front.networks, front_chart([run]).fronts
    limit = {point.key for point in drawn.limit()}
    assert limit
    for i, network in enumerate(front):
        beaten = any(
            (o.best.speed, o.validation) != (network.best.speed, network.validation)
            and o.best.speed >= network.best.speed
            and o.validation >= network.validation
            for o in front
        )
        assert (f"network-0-{i}" in limit) is not beaten


def test_expansions_and_kernels_are_means_over_the_blocks_that_run(made):
    run = read_search(made, "")
    depth, expansion, kernel = run.evaluated.by_stage()
    for i, (_, _, sample) in enumerate(networks(20)):
        for stage, d in enumerate(sample["d"]):
            own = slice(4 * stage, 4 * stage + d)
            assert depth[i, stage] == d
            assert expansion[i, stage] == pytest.approx(sum(sample["e"][own]) / d)
            assert kernel[i, stage] == pytest.approx(sum(sample["ks"][own]) / d)


def test_of_many_networks_some_lines_are_drawn_the_fastest_and_the_slowest_among_them(tmp_path):
    run = read_search(write_search(tmp_path / "many", 1500), "")
    drawn = genome_chart(run, speeds_of([run]))
    assert len(drawn.places) == len(drawn.shades) == MOST_LINES
    assert (drawn.places.min(), drawn.places.max()) >= (0, 0)
    assert drawn.places[0, -1] == 0
    assert drawn.places[-1, -1] == 1
    assert "300 networks between these are not drawn" in search_page([run], ["."])


# The command that packs a network


def test_what_a_command_leaves_out_is_what_pack_does_anyway():
    written = parse(["pack", "--duplicate"])[1]["options"].run.written
    assert {name: str(written[name]) for name in PACK_DEFAULTS} == PACK_DEFAULTS
    assert written["depthwise_mapping"] == "auto"
    assert written["input_size"] is None  # DEFAULT_SIZE, which a search has too
    assert DEFAULT_SIZE == (3, 64, 64)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"tune_effort": 3000, "seed": 123, "layer_threshold": 2, "xbar_max_load": 4, "tuner": "margin"},
        {"duplicate": False, "depthwise_mapping": "diagonal", "no_pack_heuristic": True},
        {"depth_split_factor": 5, "depthwise_mapping": "dense", "config": "chip.ini"},
        {"schedule": "row"},
    ],
)
def test_the_command_packs_by_the_options_of_the_search(tmp_path, changed):
    run = read_search(write_search(tmp_path / "run", 20, **changed), "")
    words = shlex.split(pack_command(run, "front.json", 0))
    assert words[:3] == ["python", "-m", "rram_nas_comp_pack"]
    written = parse(words[3:])[1]["options"].run.written
    assert (written["model"], written["num_crossbars"]) == ("ofa:RUN_DIR/front.json#0", 168)
    for name, value in {"duplicate": True, "seed": 1, **changed}.items():
        assert str(written[name]) == str(value)


def test_the_command_packs_on_the_hardware_that_the_search_holds(tmp_path):
    run = write_search(tmp_path / "run", 20, config="chip.ini")
    front = json.loads((run / "front.json").read_text())
    held = config_entry(load_config(SHIPPED))
    (run / "front.json").write_text(json.dumps({**front, "simconfig": held}))
    found = read_search(run, "")
    assert pack_command(found, "front.json", 0).endswith(" --config RUN_DIR/SimConfig.ini")


# Which run it is


def test_equal_searches_have_equal_reports(made, tmp_path):
    other = write_search(tmp_path / "elsewhere" / "other", workers=7, verbose=True)
    assert call("report", other)[0] == 0
    for name in ["report.html", *(f"figures/{f}.{s}" for f in FIGURES for s in ("png", "svg", "pdf"))]:
        assert (other / name).read_bytes() == (made / name).read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_where_files_lay_on_the_machine_that_searched_is_not_told(tmp_path):
    run = write_search(tmp_path / "run", 20, checkpoint="/home/somebody/net.pth")
    assert call("report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert "net.pth" in page
    assert "somebody" not in page
    assert str(tmp_path) not in page


def test_several_searches_share_a_page_in_the_folder_of_the_first(tmp_path):
    runs = [write_search(tmp_path / name, 40, draw) for draw, name in enumerate(("first", "<b>&amp;"))]
    assert call("report", *runs)[:2] == (0, f"report: {runs[0] / 'report.html'}\n")
    page = (runs[0] / "report.html").read_text()
    assert "2 searches of subnets" in page
    assert page.count("&lt;b&gt;&amp;amp;") > 3
    assert "<b>" not in page
    assert not (runs[1] / "report.html").exists()
    assert 'data-folder="../&lt;b&gt;&amp;amp;"' in page
    assert (runs[0] / "figures" / "genomes_2.png").exists()


@pytest.mark.usefixtures("undrawn")
def test_searches_share_a_page_beside_those_of_other_runs(run, tmp_path):
    (tmp_path / "packed").mkdir()
    packed = make_run(tmp_path / "packed")
    other = write_search(tmp_path / "other", 40, draw=1)
    status, out, _ = call("report", run, packed, other, "--out", tmp_path / "out")
    assert status == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["run", "t"]
    check_page((tmp_path / "out" / "run" / "report.html").read_text())
    assert "2 searches" in (tmp_path / "out" / "run" / "report.html").read_text()
    assert out.count("report: ") == 2


@pytest.mark.usefixtures("undrawn")
def test_the_page_goes_where_out_says(run, tmp_path):
    before = everything_in(run)
    assert call("report", run, run, "--out", tmp_path / "there")[0] == 0
    assert 'data-folder="../run"' in (tmp_path / "there" / "report.html").read_text()
    assert everything_in(run) == before


def test_a_search_that_was_interrupted_has_a_report_without_tuned_figures(tmp_path):
    run = write_search(tmp_path / "run", 40, tuned=False)
    assert call("report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert '<td class="number" data-value="-1">-</td>' in page


def test_a_search_that_found_nothing_has_a_report(run):
    front = json.loads((run / "front.json").read_text())
    (run / "front.json").write_text(json.dumps({**front, "networks": []}))
    for name in ("evaluated.csv", "hypervolume.csv"):
        (run / name).write_text((run / name).read_text().splitlines(keepends=True)[0])
    assert call("report", run)[0] == 0


@pytest.mark.usefixtures("undrawn")
def test_a_log_that_is_gone_costs_the_options_only(run):
    (run / "logs.log").unlink()
    assert call("report", run)[0] == 0


# Files that do not hold what they must


def first(pattern, put):
    return lambda text: re.sub(pattern, put, text, count=1)


DAMAGED = {
    "front.json cut off": ("front.json", lambda text: text[:-20]),
    "front.json of something else": ("front.json", lambda text: "[]"),
    "a front without budget": ("front.json", lambda text: text.replace("crossbars_budget", "budget")),
    "a speed that is no number": ("front.json", first('"speed": ', '"speed": "fast", "x": ')),
    "a kernel of 4": ("front.json", first(r'"ks": \[\d', '"ks": [4')),
    "a row cut off": ("evaluated.csv", lambda text: text[:-30]),
    "accuracy that is not a number": ("evaluated.csv", first(r"\n0,[0-9.]+", "\n0,nan")),
    "another header": ("evaluated.csv", lambda text: text.replace("speed", "pace", 1)),
    "hypervolume of text": ("hypervolume.csv", lambda text: text.replace("0,20,", "0,many,")),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change"), DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("command", ["report", "compare"])
def test_what_is_damaged_is_named_in_one_line_and_nothing_is_written(run, name, change, command):
    (run / name).write_text(change((run / name).read_text()))
    before = everything_in(run)
    status, out, err = call(command, run)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert str(run) in err
    assert everything_in(run) == before


@pytest.mark.parametrize("name", ["front.json", "evaluated.csv", "hypervolume.csv"])
@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_file_that_is_gone_is_named(run, name, command):
    (run / name).unlink()
    status, out, err = call(command, run)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert name in err


def test_an_earlier_report_stays_where_a_new_one_cannot_be_made(made, tmp_path):
    run = shutil.copytree(made, tmp_path / "run")
    (run / "evaluated.csv").unlink()
    before = (run / "report.html").read_bytes()
    assert call("report", run)[0] == 2
    assert (run / "report.html").read_bytes() == before


# How long it takes


@pytest.mark.usefixtures("undrawn")
def test_the_report_of_5000_networks_takes_less_than_5_megabytes(tmp_path):
    run = write_search(tmp_path / "big", 5000)
    assert call("report", run)[0] == 0
    assert (run / "report.html").stat().st_size < 5e6


@pytest.mark.parametrize(
    ("points", "best"),
    [
        ([(1, 9), (2, 8.9), (9, 1)], 1),
        ([(1, 9), (3, 4), (9, 1)], 0),  # none lies beyond the line: the most accurate
        ([(1, 9), (9, 1)], 0),
        ([(5, 5)], 0),
    ],
)
def test_the_knee_lies_farthest_beyond_the_line_between_the_ends(points, best):
    front = [Point(x, y, None, str(k), "") for k, (x, y) in enumerate(points)]
    assert knee(front[::-1]) == str(best)
