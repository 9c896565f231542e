"""Charts, each drawn twice: as figures for paper and for the page."""

import json
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from rram_nas_comp_pack.report.chart_values import (
    PALETTE,
    RED,
    Axis,
    Bars,
    Grid,
    Group,
    Lines,
    Portion,
    Series,
    Span,
    Timeline,
)
from rram_nas_comp_pack.report.matplotlib_charts import draw, png_and_svg
from rram_nas_comp_pack.report.plotly_charts import interactive

ODD = "<b>$x$ & 層</b>"

CHARTS = {
    "lines": Lines(
        ODD,
        Axis("samples", log=True, ticks=(1, 2, 4)),
        Axis("share", percent=True),
        (Series(ODD, (1, 2, 4), (0.1, 0.2, 0.3)), Series("b", (1, 2), (0.2, 0.1), RED, "points", (ODD, "n"))),
    ),
    "steps": Lines("s", Axis("x"), Axis("y"), (Series("a", (0, 1, 2), (1, 3, 2), style="steps"),)),
    "stacked": Bars(ODD, (ODD, "second"), Axis("ms"), (Portion(ODD, (1, 2)), Portion("b", (3, 1), RED))),
    "beside": Bars("t", ("a", "b"), Axis("ms"), (Portion("c", (1, 2)), Portion("d", (3, 1))), stacked=False),
    "many": Bars("t", tuple(f"Conv2d_{i}" for i in range(60)), Axis("ms"), (Portion("a", tuple(range(60))),)),
    "grid": Grid(ODD, (0.0, 0.5, 1.0), 2, Axis("load", percent=True), (ODD, "b", "c")),
    "timeline": Timeline(
        *(ODD, (ODD, "second"), Axis("time (ns)"), (Group(ODD, PALETTE[0]), Group("waits", RED, faint=True))),
        (Span(0, 0, 2, 0, 0, ODD), Span(1, 2, 3, 1, 1)),
        lanes=2,
    ),
    "no spans": Timeline("t", ("a",), Axis("time"), (Group("g", RED),), ()),
}  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_a_sound_png_and_svg_the_same_each_time(chart):
    files = png_and_svg(draw(chart))
    with Image.open(BytesIO(files["png"])) as image:
        image.load()
        assert image.width == 1000
        assert len(image.getcolors(2**24)) > 2
    root = ElementTree.fromstring(files["svg"])
    assert root.tag.endswith("svg")
    assert png_and_svg(draw(chart)) == files


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
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
    assert draw(bars).get_figheight() == 100
