"""Charts, each drawn twice: as figures for paper and for the page."""

import json
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rram_nas_comp_pack.report.chart_values import (
    Axis,
    Bars,
    Front,
    Grid,
    Group,
    Lines,
    Parallel,
    Point,
    Portion,
    Rail,
    Scatter,
    Series,
    Span,
    Timeline,
)
from rram_nas_comp_pack.report.matplotlib_charts import TALLEST, draw, files_of
from rram_nas_comp_pack.report.palette import PALETTE, RED, look
from rram_nas_comp_pack.report.plotly_charts import interactive
from rram_nas_comp_pack.report.svg import Scale
from rram_nas_comp_pack.report.svg import draw as draw_svg

ODD = "<b>$x$ & 層</b>"

CHARTS = {
    "lines": Lines(
        ODD,
        Axis("samples", log=True, ticks=(1, 2, 4)),
        Axis("share", percent=True),
        (Series(ODD, (1, 2, 4), (0.1, 0.2, 0.3)), Series("b", (1, 2), (0.2, 0.1), RED, "dot", (ODD, "n"))),
    ),
    "linear": Lines("s", Axis("x", whole=True), Axis("y", zero=True), (Series(ODD, (0, 1, 2), (1, 3, 2)),)),
    "named": Lines("", Axis("x", ticks=(0, 1), names=(ODD, "1,1")), Axis("y"), (Series("", (0, 1), (1, 3)),)),
    "nothing": Lines("s", Axis("x"), Axis("y"), ()),
    "stacked": Bars(ODD, (ODD, "second"), Axis("ms"), (Portion(ODD, (1, 2)), Portion("b", (3, 1), RED))),
    "beside": Bars("t", ("a", "b"), Axis("ms"), (Portion("c", (1, 2)), Portion("d", (3, 1))), stacked=False),
    "many": Bars("t", tuple(f"Conv2d_{i}" for i in range(60)), Axis("ms"), (Portion("a", tuple(range(60))),)),
    "grid": Grid(ODD, (0.0, 0.5, 1.0), 2, Axis("load", percent=True), (ODD, "b", "c")),
    "timeline": Timeline(
        *(ODD, (ODD, "second"), Axis("time (ns)"), (Group(ODD, PALETTE[0]), Group("waits", RED, faint=True))),
        (Span(0, 0, 2, 0, 0, ODD), Span(1, 2, 3, 1, 1)),
        lanes=2,
    ),
    "scatter": Scatter(
        *(ODD, Axis(ODD), Axis("y", least=1), np.array([[1.0, 2.0], [2.0, 1.0]])),
        (Front(ODD, (Point(2, 2, 1, "k", ODD), Point(3, 1, None, "l", "")), look(1)), Front("", (), look(2))),
        ("cloud", "before"),
    ),
    "parallel": Parallel(
        *(ODD, (Rail(0, ODD, ODD, "1", "2"), Rail(1, ODD, "b", "3", "4"), Rail(2.5, "c", "", "5", ODD))),
        *(np.array([[0.0, 0.5, 1.0], [1.0, 0.0, 0.2]]), (7, 1)),
    ),
    "no spans": Timeline("t", ("a",), Axis("time"), (Group("g", RED),), ()),
}  # fmt: skip
OF_PACKING = {name: chart for name, chart in CHARTS.items() if not isinstance(chart, Scatter | Parallel)}
OF_SEARCHES = {name: CHARTS[name] for name in ("linear", "nothing", "scatter", "parallel")}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_a_sound_png_and_svg_the_same_each_time(chart):
    files = files_of(draw(chart))
    with Image.open(BytesIO(files["png"])) as image:
        image.load()
        assert image.width == 1000
        assert len(image.getcolors(2**24)) > 2
    root = ElementTree.fromstring(files["svg"])
    assert root.tag.endswith("svg")
    assert files_of(draw(chart)) == files


@pytest.mark.parametrize("chart", OF_PACKING.values(), ids=OF_PACKING)
def test_the_page_s_chart_shows_names_as_they_are(chart):
    figure = interactive(chart)
    text = figure.to_json()
    assert "<b>" not in text
    assert "https:" not in text
    assert json.loads(text)["layout"]["height"] >= 100


def test_spans_of_a_row_lie_in_lanes_that_do_not_touch_other_rows():
    chart = CHARTS["timeline"]
    middles = [chart.middle(span) for span in chart.spans]
    assert middles == pytest.approx([-0.2, 1.2])
    assert chart.thickness == pytest.approx(0.4)


def test_a_figure_of_thousands_of_rows_is_no_taller_than_an_image_can_be():
    names = tuple(f"Linear_{i}" for i in range(5000))
    bars = Bars("b", names, Axis("share"), (Portion("p", (0.5,) * 5000, "#000000"),))
    assert draw(bars).get_figheight() == TALLEST


@pytest.mark.parametrize("chart", OF_SEARCHES.values(), ids=OF_SEARCHES)
def test_a_drawing_is_sound_and_shows_names_as_they_are(chart):
    root = ElementTree.fromstring(draw_svg(chart, ODD))
    svg = next(root.iter("svg"))
    assert svg.get("aria-label") == ODD
    assert "<b>" not in draw_svg(chart, ODD)
    assert all(path.get("d") != "M" for path in root.iter("path"))
    inside = [float(text.get("x", 0)) for text in root.iter("text")]
    assert all(0 <= x <= float(svg.get("viewBox").split()[2]) for x in inside)


def test_print_and_page_show_the_same_points():
    """Places of marks in the drawing and in the figure, both as shares of the axes."""
    chart = CHARTS["scatter"]
    points = chart.fronts[0].points
    (left, right), (bottom, top) = chart.limits()
    shares = [((p.x - left) / (right - left), (p.y - bottom) / (top - bottom)) for p in points]
    axes = draw(chart).axes[0]
    line = next(line for line in axes.lines if line.get_label() == ODD)
    printed = axes.transAxes.inverted().transform(axes.transData.transform(line.get_xydata()))
    assert printed == pytest.approx(np.array(shares))
    root = ElementTree.fromstring(draw_svg(chart, ""))
    moves = [e.get("transform")[10:-1].split() for e in root.iter("g") if e.get("class") == "pick"]
    drawn = [((float(x) - 76) / (748 - 76), (444 - float(y)) / (444 - 32)) for x, y in moves]
    assert np.array(drawn) == pytest.approx(np.array(shares), abs=1e-3)


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, min_size=1), st.booleans(), st.booleans())
def test_ticks_are_within_the_axis_and_told_apart(values, zero, whole):
    values = list(map(abs, values)) if zero else values
    axis = Axis("a", zero=zero, whole=whole)
    low, high = axis.limits(values)
    assert low <= min(values) <= max(values) <= high
    assert low == 0 or not zero
    ticks = Scale(axis, low, high, 0, 100).ticks()
    assert all(low - 1e-7 <= value <= high + 1e-7 for value, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)
    if whole:
        assert all(value == round(value) for value, _ in ticks)


corners = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1)


@given(corners, st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_the_stairs_of_a_front_bound_what_it_beats(points, other):
    front = Front("f", tuple(Point(x, y, None, "", "") for x, y in points), look(0))
    limit = [(p.x, p.y) for p in front.limit()]
    beaten = {p for p in points if any(q != p and q[0] >= p[0] and q[1] >= p[1] for q in points)}
    assert set(limit) == set(points) - beaten
    stairs = front.stairs(-1, -1)
    assert stairs[0][0] == stairs[-1][1] == -1
    height = max((y for x, y in stairs if x >= other[0]), default=-1)
    assert (other[1] <= height) == any(x >= other[0] and y >= other[1] for x, y in points)


@pytest.mark.parametrize("chart", [CHARTS["lines"], CHARTS["scatter"]])
def test_runs_are_told_apart_by_more_than_colour(chart):
    assert len({(look(i).colour, look(i).mark) for i in range(7)}) == 7
    assert len({look(i).mark for i in range(7)}) == 7
    assert draw(chart).legends


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_an_axis_of_shares_ends_at_all_of_them_and_shows_every_one(shares):
    low, high = Axis("share", percent=True).limits(shares)
    assert 0 <= low <= min(shares) <= max(shares) <= high <= 1.02


@pytest.mark.parametrize("stacked", [True, False])
def test_bars_begin_at_the_axis(stacked):
    portions = (Portion("a", (1.0, 2.0), RED), Portion("b", (0.5, 0.0), RED))
    (axes,) = draw(Bars("t", ("x", "y"), Axis("v"), portions, stacked)).subfigs[0].axes
    low, high = axes.get_xlim()
    assert low == 0 < 2.0 < high
