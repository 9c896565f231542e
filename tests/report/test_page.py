"""The page: one file, sound, and nothing that is shown can break it."""

import base64
import gzip
import re

from report_runs import check_page

from rram_nas_comp_pack.report.chart_values import Axis, Lines, Series
from rram_nas_comp_pack.report.page import Cell, Section, page, plot, table, terms
from rram_nas_comp_pack.report.plotly_charts import interactive

ODD = "</script><b onclick='x'>\"&amp;"
CHART = Lines("t", Axis("x"), Axis("y"), (Series("a", (1, 2), (1, 2), notes=(ODD, ODD)),))


def test_odd_names_are_shown_as_they_are():
    html = page(
        ODD,
        ODD,
        [
            Section("a", ODD, terms([(ODD, ODD)]) + table([ODD, "n"], [[ODD, 1], ["b", 2]], ODD)),
            Section("b", "B", plot(interactive(CHART), ODD, b"")),
        ],
    )
    found = check_page(html)
    assert found.named("b") == []
    assert found.text.count(ODD) >= 8
    assert len(found.named("script")) == 3  # library, chart, the page's own


def test_the_library_is_in_the_page_once_and_only_where_it_is_needed():
    section = Section("a", "A", plot(interactive(CHART), "a") + plot(interactive(CHART), "b"))
    with_plots, without = page("t", "s", [section]), page("t", "s", [], plots=False)
    (packed,) = re.findall(r'<script id="plotly"[^>]*>([^<]*)<', with_plots)
    assert b"plotly.js" in gzip.decompress(base64.b64decode(packed))[:200]
    assert 'id="plotly"' not in without
    assert len(with_plots) < 2.2e6
    assert len(without) < 3e4
    check_page(without)


def test_a_table_says_what_its_cells_head():
    html = table(
        ["layer", "time"], [["a", Cell("2 ms", 2e6)], ["b", Cell("3 µs", 3e3)]], "Times", sortable=True
    )
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 2
    assert html.count("<button") == 2
    assert 'data-value="2000000.0"' in html
    assert "<caption><span>Times</span></caption>" in html
