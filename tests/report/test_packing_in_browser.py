"""The page of a packing run as a reader sees it."""

import json

import pytest
from browser import chromium, dark, needs_chromium, opened
from report_runs import make_run, placements

from rram_nas_comp_pack.report.packing.report import packing_report
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.report.undrawn import draw_for_pages_alone

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        draw_for_pages_alone(patch)
        return make_run(tmp_path_factory.mktemp("browsed"), "--schedule", "row", "--data-movement")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(run, browser):
    """The run's page, just opened."""
    dark(browser, False)
    opened(browser, run / "report.html")
    return browser


def by(driver, name):
    return driver.find_element("id", name)


def told(driver):
    return by(driver, "atlas-told").text


def keys(driver, *names):
    from selenium.webdriver.common.keys import Keys

    by(driver, "atlas-view").send_keys(*(getattr(Keys, name) for name in names))


def complaints(driver):
    """What the page said on the console; that this test reads pixels is no fault of the page."""
    return [entry for entry in driver.get_log("browser") if "getImageData" not in entry["message"]]


def colour_at(driver, x, y):
    """Red, green and blue of the atlas, in pixels of the page from its corner."""
    script = """const c = document.getElementById("atlas-canvas"), k = c.width / c.clientWidth;
        const pixel = c.getContext("2d").getImageData(arguments[0] * k, arguments[1] * k, 1, 1);
        return [...pixel.data.slice(0, 3)];"""
    return tuple(driver.execute_script(script, x, y))


def settled(driver):
    """Wait for the next drawn frame."""
    driver.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done));"
    )


def middle(driver, run, box):
    """Where the middle of a box on the first crossbar is, from the atlas's corner."""
    view = by(driver, "atlas-view")
    across = max(1, (view.get_property("clientWidth") - 16 + 12) // (104 + 12))
    scale = ((view.get_property("clientWidth") - 16 + 12) / across - 12) / 128
    x, y = (box["loc_x"] + box["max_x"]) / 2, (box["loc_y"] + box["max_y"]) / 2
    return 8 + x * scale, 24 + y * scale


def hover(driver, x, y):
    from selenium.webdriver import ActionChains

    view = by(driver, "atlas-view")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", view)
    dx, dy = x - view.size["width"] / 2, y - view.size["height"] / 2
    ActionChains(driver).move_to_element_with_offset(view, round(dx), round(dy)).perform()
    settled(driver)


def first_box(run):
    return next(p for p in placements(run) if p["crossbar_idx"] == 0)


def label(run, box):
    return json.loads((run / "partition_optimized.json").read_text())[box["layer_idx"]]["idx"]


def test_the_page_says_nothing_on_the_console_and_draws_its_charts(page):
    assert complaints(page) == []
    drawn = page.execute_script("return document.querySelectorAll('.plot .main-svg').length")
    assert drawn >= 5
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_pointing_at_a_box_shows_what_it_is(page, run):
    box = first_box(run)
    hover(page, *middle(page, run, box))
    assert told(page).startswith(f"{label(run, box)} (")
    assert f"replica {box['replica'] + 1} of" in told(page)
    assert f"{box['max_y'] - box['loc_y']} rows × {box['max_x'] - box['loc_x']} columns" in told(page)
    assert "cycles" in told(page)


def test_a_filter_hides_the_other_layers(page, run):
    from selenium.webdriver.support.ui import Select

    box, everything = first_box(run), len(placements(run))
    place = middle(page, run, box)
    settled(page)
    colour = colour_at(page, *place)
    others = [p for p in placements(run) if p["layer_idx"] != box["layer_idx"]]
    assert others
    choice = Select(by(page, "atlas-layer"))
    choice.select_by_value(str(others[0]["layer_idx"]))
    settled(page)
    count = sum(p["layer_idx"] == others[0]["layer_idx"] for p in placements(run))
    assert told(page).startswith(f"{count} of {everything} boxes shown")
    assert colour_at(page, *place) != colour
    choice.select_by_value("")
    settled(page)
    assert colour_at(page, *place) == colour
    by(page, "atlas-text").send_keys(label(run, box))
    settled(page)
    kept = sum(p["layer_idx"] == box["layer_idx"] for p in placements(run))
    assert told(page).startswith(f"{kept} of {everything} boxes shown")
    assert colour_at(page, *place) == colour


def test_the_boxes_take_the_colours_that_are_chosen(page, run):
    from selenium.webdriver.support.ui import Select

    box = first_box(run)
    place = middle(page, run, box)
    made = json.loads(by(page, "atlas-data").get_property("textContent"))
    for name, scheme in made["schemes"].items():
        Select(by(page, "atlas-colours")).select_by_value(name)
        settled(page)
        wanted = scheme["colours"][0 if scheme["per"] == "crossbar" else box["layer_idx"]]
        assert colour_at(page, *place) == tuple(int(wanted[i : i + 2], 16) for i in (1, 3, 5))
        legends = page.find_elements("css selector", ".legend[data-scheme]")
        assert [each.get_attribute("data-scheme") for each in legends if each.is_displayed()] == [name]


def test_pointing_at_a_box_lights_up_all_copies_of_its_layer(page, run):
    pixels = """const c = document.getElementById("atlas-canvas");
        return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data].filter(
            (v, i, all) => i % 4 === 0 && v === 10 && all[i + 1] === 90 && all[i + 2] === 143).length;"""
    settled(page)
    assert page.execute_script(pixels) == 0
    hover(page, *middle(page, run, first_box(run)))
    assert page.execute_script(pixels) > 0


def test_the_overview_scrolls_to_where_it_is_clicked(page):
    from selenium.webdriver import ActionChains

    page.execute_script("""const size = document.getElementById("atlas-size");
        size.value = 400; size.dispatchEvent(new Event("input"));""")
    settled(page)
    view, overview = by(page, "atlas-view"), by(page, "atlas-overview")
    assert overview.is_displayed()
    assert view.get_property("scrollTop") == 0
    down = overview.size["height"] // 2 - 3
    ActionChains(page).move_to_element_with_offset(overview, 0, down).click().perform()
    room = view.get_property("scrollHeight") - view.get_property("clientHeight")
    assert abs(view.get_property("scrollTop") - room) < 2
    page.execute_script(
        "document.getElementById('atlas-view').style.cssText = 'flex: none; width: 0; height: 0'"
    )
    settled(page)
    settled(page)
    assert complaints(page) == []


def test_keys_go_from_box_to_box_and_choose_a_layer(page, run):
    keys(page, "ARROW_RIGHT")
    first = told(page)
    assert "of crossbar 0 " in first
    keys(page, "ARROW_RIGHT")
    assert told(page) != first
    keys(page, "ARROW_LEFT")
    assert told(page) == first
    keys(page, "END")
    assert f"of crossbar {max(p['crossbar_idx'] for p in placements(run))} " in told(page)
    keys(page, "HOME", "ENTER")
    assert by(page, "atlas-layer").get_property("value") != ""
    keys(page, "ESCAPE")
    assert by(page, "atlas-layer").get_property("value") == ""
    assert page.switch_to.active_element == by(page, "atlas-view")


def test_a_layer_of_the_graph_and_its_boxes_find_each_other(page, run):
    from selenium.webdriver.common.keys import Keys

    box = first_box(run)
    found = page.find_elements("css selector", "#graph g[role]")
    nodes = {int(node.get_attribute("data-layer")): node for node in found}
    assert nodes.keys() == {p["layer_idx"] for p in placements(run)}
    place = middle(page, run, box)
    hover(page, *place)
    assert "lit" in nodes[box["layer_idx"]].get_attribute("class")
    assert by(page, "graph-told").text.startswith(f"{label(run, box)} (")
    other = next(k for k in nodes if k != box["layer_idx"])
    colour = colour_at(page, *place)
    nodes[other].click()
    settled(page)
    assert by(page, "atlas-layer").get_property("value") == str(other)
    assert nodes[other].get_attribute("aria-pressed") == "true"
    assert colour_at(page, *place) != colour
    page.switch_to.active_element.send_keys(Keys.HOME, Keys.ENTER)
    assert by(page, "atlas-layer").get_property("value") == "0"
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    settled(page)
    assert by(page, "atlas-layer").get_property("value") == ""
    assert colour_at(page, *place) == colour


def test_the_focus_is_seen_and_the_first_tab_skips_to_the_report(page):
    from selenium.webdriver.common.keys import Keys

    page.find_element("tag name", "body").send_keys(Keys.TAB)
    skip = page.switch_to.active_element
    assert skip.text == "Skip to the report"
    assert skip.value_of_css_property("outline-style") == "solid"
    assert skip.rect["x"] >= 0


def test_a_table_is_sorted_by_its_heads(page):
    head = page.find_element("css selector", "#layers thead th:nth-child(4) button")
    rows = "[...document.querySelectorAll('#layers tbody tr')]"
    numbers = f"return {rows}.map((row) => Number(row.cells[3].dataset.value))"
    head.click()
    up = page.execute_script(numbers)
    head.click()
    assert page.execute_script(numbers) == up[::-1]
    assert up == sorted(up)
    head = page.find_element("css selector", "#layers thead th:nth-child(4)")
    assert head.get_attribute("aria-sort") == "descending"


def test_dark_colours_are_followed_while_the_page_is_open(page):
    ink = "return getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    light = page.execute_script(ink)
    dark(page, True)
    for _ in range(20):
        settled(page)
    assert page.execute_script(ink) != light
    body = page.find_element("tag name", "body").value_of_css_property("background-color")
    assert "20, 24, 29" in body
    assert complaints(page) == []


def test_on_paper_still_images_stand_in(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        shown = page.execute_script(
            "return [...document.querySelectorAll('.still')].map((image) => image.height > 50)"
        )
        assert shown == [True] * 6
        assert not by(page, "atlas-view").is_displayed()
        assert not page.find_element("css selector", ".plot .live").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_many_boxes_are_filtered_within_a_frame(run, browser, tmp_path, monkeypatch):
    """Eight thousand boxes: the tiny run's crossbars over and over."""
    from dataclasses import replace

    small = read_run(run, "many")
    times = -(-8000 // len(small.placements))
    boxes = [
        replace(p, crossbar_idx=p.crossbar_idx + k * small.result.crossbars)
        for k in range(times)
        for p in small.placements
    ]
    waits = replace(small.result.contention, load=small.result.contention.load * times)
    result = replace(small.result, crossbars=small.result.crossbars * times, contention=waits)
    many = replace(small, result=result, placements=tuple(boxes))
    draw_for_pages_alone(monkeypatch)
    html = packing_report(many).html
    assert len(html) < 5e6
    (tmp_path / "many.html").write_text(html, encoding="utf-8")
    opened(browser, tmp_path / "many.html")
    took = browser.execute_script(
        """const took = [], view = document.getElementById("atlas-view");
        for (const value of ["0", "1", "2", ""]) {
            document.getElementById("atlas-layer").value = value;
            const began = performance.now();
            document.getElementById("atlas-layer").dispatchEvent(new Event("change"));
            took.push(performance.now() - began);
        }
        return took;"""
    )
    settled(browser)
    drawing = browser.execute_script("return performance.getEntriesByName('atlas')[0].duration")
    assert min(took) + drawing < 50, (took, drawing)


def test_a_browser_that_cannot_inflate_shows_the_still_images(run, browser):
    script = {"source": "delete window.DecompressionStream"}
    found = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        browser.get((run / "report.html").as_uri())
        for _ in range(5):
            settled(browser)
        assert "no-plots" in browser.execute_script("return document.documentElement.className")
        stills = browser.find_elements("css selector", ".plot .still")
        assert [still.is_displayed() for still in stills] == [True] * 5
        assert [entry["level"] for entry in browser.get_log("browser")] == ["WARNING"]
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", found)
