"""Figures for paper: their files, what a reader may choose, and that nothing in them is dropped."""

import re
import zlib
from dataclasses import replace
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib import rc_context
from matplotlib.text import Text

from rram_nas_comp_pack.cli.options.figures import length
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.report import palette
from rram_nas_comp_pack.report.chart_values import (
    Axis,
    Bars,
    Grid,
    Lines,
    Parallel,
    Portion,
    Rail,
    Series,
    Timeline,
)
from rram_nas_comp_pack.report.figure_options import FigureOptions
from rram_nas_comp_pack.report.figure_style import style_of
from rram_nas_comp_pack.report.matplotlib_charts import arrange, draw, files_of
from rram_nas_comp_pack.report.nas.charts import front_chart, genome_chart, progress_charts, speeds_of
from rram_nas_comp_pack.report.nas.report import search_page
from rram_nas_comp_pack.report.packing.atlas import atlas_figure
from rram_nas_comp_pack.report.packing.charts import latency_chart, layer_chart, load_chart, timeline_chart
from rram_nas_comp_pack.report.plotly_charts import interactive
from rram_nas_comp_pack.report.row_names import MOST
from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.cli.tiny_runs import call, is_one_line
from tests.report.made_search import write_search
from tests.report.report_runs import make_run

COLUMN = FigureOptions(3.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a packing run with its report."""
    return make_run(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def run(folder):
    return read_run(folder, "t")


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    return read_search(write_search(tmp_path_factory.mktemp("search") / "s", 60), "s")


def rows(count, name="blocks.{}.a_module_of_a_long_name.conv"):
    names = tuple(f"{i}: {name.format(i)}" for i in range(count))
    portion = Portion("busy", (0.5,) * count)
    return Bars("t", tuple(map(str, range(count))), Axis("share"), (portion,), kind="layer", names=names)


def texts_of(figure, options):
    """All texts that are drawn, each with its box in the arranged figure."""
    found, usual = [], Text.draw

    def noted(text, renderer):
        if text.get_visible() and text.get_text():
            found.append((text, text.get_window_extent(renderer)))
        usual(text, renderer)

    with pytest.MonkeyPatch.context() as patch, rc_context(options.settings()):
        arrange(figure)
        patch.setattr(Text, "draw", noted)
        figure.draw_without_rendering()
    assert len(found) > 5
    return found


def lines(names):
    series = tuple(Series(name, (0.0, 1.0), (1.0, i)) for i, name in enumerate(names))
    return Lines("t", Axis("x"), Axis("y"), series)


def names_in(figure):
    """The names of rows, top to bottom, that stand in the figure."""
    (axes,) = figure.subfigs[0].axes
    placed = [(t.get_position()[1], t.get_text()) for t in axes.texts]
    ticks = zip(axes.get_yticks(), (t.get_text() for t in axes.get_yticklabels()), strict=True)
    return [name for _, name in sorted([*placed, *ticks]) if name]


# Files


def streams_of(pdf):
    return [zlib.decompress(s) for s in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)]


def words_in(pdf):
    """The texts of a PDF: strings of two-byte letters, which are those of Unicode."""
    streams = streams_of(pdf)
    pieces = (b"".join(re.findall(rb"\(((?:[^()\\]|\\.)*)\)", block, re.DOTALL))
              for stream in streams for block in re.findall(rb"BT(.*?)ET", stream, re.DOTALL))  # fmt: skip
    return [re.sub(rb"\\(.)", rb"\1", piece).decode("utf-16-be", "replace") for piece in pieces]


def test_the_files_of_a_figure_are_the_same_each_time_and_hold_text_as_text():
    first, again = (files_of(draw(rows(3), options=COLUMN), COLUMN) for _ in range(2))
    assert first == again
    assert list(first) == ["png", "svg", "pdf"]
    assert "share" in words_in(first["pdf"])
    assert b"/CIDFontType2" in first["pdf"]  # TrueType as it is, which PDF calls Type 42 elsewhere
    assert b"/Type3" not in first["pdf"]
    assert b"CreationDate" not in first["pdf"]
    assert re.search(r"<text[^>]*>share</text>", first["svg"].decode())


def test_fonts_of_a_pdf_hold_shapes_and_nothing_that_sets_text():
    usual = subset.load_font
    pdf = files_of(draw(rows(3), options=COLUMN), COLUMN)["pdf"]
    assert subset.load_font is usual
    fonts = [TTFont(BytesIO(stream)) for stream in streams_of(pdf) if stream.startswith(b"\0\1\0\0")]
    assert fonts
    for font in fonts:
        assert {"glyf", "head", "hhea", "hmtx", "loca", "maxp"} <= {*font.keys()}  # as ISO 32000 asks for
        assert {*font.keys()} & {"GSUB", "GPOS", "GDEF", "kern"} == set()
        assert any(font["glyf"][name].numberOfContours for name in font.getGlyphOrder())


def test_every_figure_of_a_run_is_a_pdf_too(folder):
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names == {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert len(names) == 6


# Width, style and titles


@pytest.mark.parametrize(
    ("text", "inches"),
    [("3.5in", 3.5), ("7in", 7), ("88.9mm", 3.5), ("8.89 cm", 3.5), ("2in", 2), ("20in", 20)],
)
def test_a_length_has_a_unit(text, inches):
    assert length(text) == pytest.approx(inches)


@pytest.mark.parametrize("text", ["3.5", "in", "0in", "1.9in", "21in", "-3in", "1e1in", "3,5in", "3.5px", ""])
def test_another_width_is_refused_in_one_line(text, folder):
    status, out, err = call("report", folder, f"--figure-width={text}")
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "--figure-width" in err
    assert "3.5in, 8.9cm or 89mm, from 2in to 20in" in err


@pytest.mark.parametrize("width", [2.5, 3.5, 7.0])
def test_a_figure_is_as_wide_as_it_is_asked_for_and_its_texts_are_within(width, run, search):
    options = FigureOptions(width)
    charts = (
        *(layer_chart(run), timeline_chart(run), latency_chart(run), load_chart(run)),
        *(front_chart([search]), genome_chart(search, speeds_of([search]))),
    )
    figures = [*(draw(chart, options=options) for chart in charts), atlas_figure(run, options)]
    figures.append(draw(*progress_charts([search]), options=options))
    names = ("168 crossbars", "211 crossbars", "253 crossbars", "baseline", "a name that is much longer")
    figures += [draw(lines(names[:count]), options=options) for count in (2, 3, 4, 5)]
    for figure in figures:
        assert figure.get_figwidth() == width
        for text, extent in texts_of(figure, options):
            assert text.get_fontsize() >= 8
            assert extent.x0 >= figure.bbox.x0 - 1, text.get_text()
            assert extent.x1 <= figure.bbox.x1 + 1, text.get_text()


def overlaps(figure, options):
    """Pairs of texts that lie on each other, by more than the space above and below letters."""
    found = texts_of(figure, options)
    ends = np.array([extent.extents for _, extent in found])
    within = np.minimum(ends[:, None, 2:], ends[None, :, 2:]) - np.maximum(
        ends[:, None, :2], ends[None, :, :2]
    )
    on_each_other = np.triu((within[..., 0] > 1) & (within[..., 1] > 3), 1)
    return [(found[i][0].get_text(), found[j][0].get_text()) for i, j in np.argwhere(on_each_other)]


@pytest.mark.parametrize("width", [None, 3.5, 7.0])
def test_texts_do_not_lie_on_each_other(width, run, search):
    options = FigureOptions(width)
    genomes = genome_chart(search, speeds_of([search]))
    for chart in (genomes, front_chart([search]), latency_chart(run), load_chart(run), rows(30)):
        assert overlaps(draw(chart, options=options), options) == []


def test_a_figure_has_no_title_where_none_is_wanted(run):
    def titles(options):
        drawn, atlas = draw(layer_chart(run), options=options), atlas_figure(run, options)
        found = [axes.get_title() for axes in (*drawn.subfigs[0].axes, *atlas.axes)]
        return [title for title in found if title]

    assert len(titles(FigureOptions())) == 2
    assert titles(FigureOptions(titles=False)) == []


STYLE = """# for a journal
figure.figsize: 3.3, 2.5  # inches
font.size : 7
text.color: "#112233"
axes.edgecolor: 112233
font.family: serif
font.serif: A Font That Nobody Has, DejaVu Serif
savefig.bbox: tight
pdf.fonttype: 3
"""


def test_a_style_counts_but_for_what_keeps_files_sound(tmp_path):
    (tmp_path / "own.mplstyle").write_text(STYLE)
    argv = ["report", "x", "--figure-style", str(tmp_path / "own.mplstyle"), "--no-title"]
    options = parse(argv)[1]["figures"]
    assert (options.width, options.titles) == (3.3, False)
    settings = options.settings()
    assert settings["text.color"] == "#112233"
    assert settings["font.family"] == ["DejaVu Serif", "DejaVu Sans"]
    assert (settings["font.size"], settings["pdf.fonttype"], settings["savefig.bbox"]) == (7, 42, None)
    figure = draw(rows(3), options=options)
    assert figure.get_figwidth() == 3.3
    assert "#112233" in files_of(figure, options)["svg"].decode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lines.wide: 3", "found 'lines.wide', allowed are the settings of matplotlib"),
        ("lines.linewidth: thick", "lines.linewidth: found 'thick', which is not allowed"),
        ("font.size: 100", "font.size: found 100, allowed is a number from 4 to 24"),
        ("savefig.dpi: 100000", "savefig.dpi: found 100000, allowed is a number from 50 to 1200"),
        ("no colon", "found 'no colon', allowed is KEY: VALUE"),
        ("text.usetex: True", "allowed is False"),
        ("axes.prop_cycle: cycler(", "axes.prop_cycle: found 'cycler(', which is not allowed"),
    ],
)
def test_a_wrong_line_of_a_style_is_named(line, said):
    with pytest.raises(BadInput, match=r"^own: line 2: ") as refused:
        style_of(f"# a comment\n{line}\n", "own")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_style_of_fonts_that_are_not_here_is_refused():
    with pytest.raises(BadInput, match="found A Font That Nobody Has, allowed is at least one"):
        style_of("font.family: A Font That Nobody Has", "own")


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * (2**20 + 1), "folder"])
def test_a_style_file_that_is_none_is_refused_before_anything_runs(content, tmp_path):
    path = tmp_path / "a.mplstyle"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    for command in (["report", tmp_path], ["pack", "--log-dir", tmp_path], ["evolve"], ["sweep", "pack"]):
        status, out, err = call(*command, "--figure-style", path)
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert f"--figure-style: {path}" in err


def test_how_figures_look_is_no_part_of_what_a_run_is():
    plain, wide = (parse(["pack", *more])[1]["options"].run for more in ([], ["--figure-width", "7in"]))
    assert (plain.figures.width, wide.figures.width) == (None, 7)
    assert plain.written == wide.written
    assert parse(["sweep", "pack", "--no-title"])[1]["options"].figures == FigureOptions(titles=False)


# Nothing is dropped, and all of it is named


@pytest.mark.parametrize("count", [3, 24, 25, 60, 61, 100, 101, MOST])
@pytest.mark.parametrize("options", [FigureOptions(), COLUMN], ids=["usual", "column"])
def test_every_row_has_its_name(count, options):
    found = names_in(draw(rows(count), options=options))
    assert [int(name.partition(":")[0]) for name in found] == list(range(count))
    assert all(name.endswith(".conv") for name in found)


def test_where_not_every_row_has_a_name_the_figure_says_so():
    figure = draw(rows(MOST + 1))
    assert [name.partition(":")[0] for name in names_in(figure)] == [str(i) for i in range(0, MOST + 1, 2)]
    (axes,) = figure.subfigs[0].axes
    assert axes.get_ylabel() == "layer (number: module) (only one in 2 is named)"


def test_layers_and_timeline_name_every_layer_by_number_and_module(run):
    modules = [f"{i}: {mapping.layer.name}" for i, mapping in enumerate(run.mappings)]
    for chart in (layer_chart(run), timeline_chart(run)):
        assert isinstance(chart, Bars | Timeline)
        assert names_in(draw(chart)) == modules


def test_generations_are_whole_numbers(search):
    for count in (1, 2, 3, 9):
        short = replace(search, hypervolumes=search.hypervolumes[:count], counts=search.counts[:count])
        for part in draw(*progress_charts([short]), options=COLUMN).subfigs:
            ticks = part.axes[0].get_xticks()
            assert all(tick == round(tick) for tick in ticks)
            assert len(ticks) >= 2


def test_every_axis_says_what_it_counts(run, search):
    charts = (*progress_charts([search]), front_chart([search]), latency_chart(run), load_chart(run))
    for chart in (*charts, layer_chart(run), timeline_chart(run)):
        axes = draw(chart).subfigs[0].axes[0]
        assert axes.get_xlabel()
        assert axes.get_ylabel()
    assert latency_chart(run).y.title == "latency (ms)"
    assert front_chart([search]).x.title == "speed (multiple of the baseline's)"


def test_baseline_and_ideal_are_both_seen_where_they_are_equal(run):
    baseline, _, ideal = latency_chart(run).series
    assert baseline.below
    assert (baseline.colour, baseline.mark) == palette.BASELINE
    assert len({baseline.colour, ideal.colour}) == len({baseline.mark, ideal.mark}) == 2
    lines = draw(latency_chart(run)).subfigs[0].axes[0].lines
    assert lines[0].get_markersize() > 2 * lines[2].get_markersize()
    assert lines[0].get_linewidth() > 2 * lines[2].get_linewidth()
    assert interactive(latency_chart(run)).data[0].marker.symbol == "square-open"


def test_the_load_map_lies_as_the_atlas_does(run):
    """Every crossbar in the same row and column of both figures; rows say their first one."""
    chart, count = load_chart(run), run.result.crossbars
    assert isinstance(chart, Grid)
    assert chart.values == run.result.contention.load
    image = draw(chart).subfigs[0].axes[0].images[0].get_array()
    assert image.ravel()[:count].tolist() == list(chart.values)
    frames = atlas_figure(run).axes[0].collections[0].get_paths()
    places = [path.vertices.min(axis=0) for path in frames]
    columns, lines = (sorted({place[k] for place in places}) for k in (0, 1))
    assert [(lines.index(y), columns.index(x)) for x, y in places] == [
        divmod(i, chart.columns) for i in range(count)
    ]
    labels = [text.get_text() for text in atlas_figure(run).axes[0].texts]
    assert labels == [str(i) for i in range(0, count, chart.columns)]
    assert "left to right, then down, as in the atlas" in chart.order


def test_parallel_axes_name_their_stages_once():
    rails = [Rail(x, "depth (blocks)", str(x + 1), "2", "4", "stage") for x in range(4)]
    chart = Parallel("", (*rails, Rail(5, "speed (×)", "", "1", "9")), np.zeros((1, 5)), (0,))
    assert chart.footings() == [(1.5, "stage"), (5, "")]
    shown = [text.get_text() for text in draw(chart).subfigs[0].axes[0].texts if text.get_text()]
    assert shown.count("stage") == 1
    assert [text for text in shown if text in "1234"].count("1") == 2  # a stage, and the least speed


# Colours


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts])


def contrast(one, other):
    low, high = sorted(float(luminance(c) @ (0.2126, 0.7152, 0.0722)) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", palette.PALETTE)
@pytest.mark.parametrize("page", ["#ffffff", "#14181d"], ids=["light", "dark"])
def test_colours_are_seen_on_both_pages(colour, page):
    """3 to 1, as WCAG 2.1 asks for what is drawn."""
    assert contrast(colour, page) >= 3


SEEN_BY = {
    "all": np.eye(3),
    "deuteranopes": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopes": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}
"""Machado et al. 2009, in linear RGB."""


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        rgb, 0, 1
    )
    f = np.cbrt(np.maximum(xyz / (0.9505, 1, 1.089), 1e-3))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("reader", SEEN_BY)
def test_any_two_colours_are_told_apart(reader):
    places = [lab(np.array(SEEN_BY[reader]) @ luminance(colour)) for colour in palette.PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in combinations(places, 2)) > 20


def test_each_meaning_has_a_look_of_its_own():
    looks = [palette.SEARCHED, palette.TUNED, palette.ON_CHIP, palette.TEST, palette.BASELINE]
    assert len({look.colour for look in looks}) == len(looks)


def test_searched_tuned_and_test_look_alike_in_figure_drawing_legend_and_table(search):
    page = search_page([search], ["."])
    legend = page.partition('<ul class="legend">')[2].partition("</ul>")[0]
    heads = page.partition('<div class="networks">')[2].partition("</thead>")[0]
    axes = draw(front_chart([search])).subfigs[0].axes[0]
    printed = {line.get_label(): line.get_color() for line in axes.lines}
    meant = {
        "evaluated, as searched": (palette.SEARCHED, "speed searched"),
        "front, tuned": (palette.TUNED, "speed tuned"),
        "front, on test images": (palette.TEST, "test accuracy"),
    }
    for name, (look, head) in meant.items():
        assert printed[name] == look.colour
        assert re.search(rf'fill="{look.colour}"/></svg> {name}<', legend)
        assert re.search(rf'fill="{look.colour}"/></svg> {head}<', heads)
        assert f"--run:{look.colour}" in page


def test_a_search_on_chips_shows_them_in_their_own_look(search):
    chips = replace(search, front=replace(search.front, accuracy="chip"))
    assert front_chart([chips]).fronts[0].look == palette.ON_CHIP
    assert front_chart([search]).fronts[0].look == palette.TUNED
    several = front_chart([search, replace(search, name="other")])
    assert [front.look for front in several.fronts] == [palette.look(0), palette.look(1)]
    assert several.tested == ()


def test_lines_of_one_chart_may_lie_below():
    series = Series("a", (0.0, 1.0), (1.0, 2.0), palette.RED, below=True)
    axes = draw(Lines("", Axis("x"), Axis("y"), (series,))).subfigs[0].axes[0]
    assert axes.lines[0].get_markerfacecolor() == "white"
