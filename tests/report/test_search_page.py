"""The page of a search in a browser: choosing networks by mouse and keys."""

import pytest

from tests.cli.tiny_runs import call
from tests.report.browser import chromium, needs_chromium
from tests.report.made_search import write_search
from tests.report.undrawn import leave_out_pictures

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [still]})
        yield driver


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two searches on a page that lies in the first one's folder, whose name needs quotes in a shell."""
    path = tmp_path_factory.mktemp("made")
    runs = [
        write_search(path / "it's first", 60),
        write_search(path / "second", 60, 1, rows_of_boxes=(0, 64, 128)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        leave_out_pictures(patch)
        assert call("report", *runs)[0] == 0
    return runs[0]


@pytest.fixture
def page(browser, folder):
    browser.get((folder / "report.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []


def shown(page):
    """Ids of the panels that are seen."""
    return [p.get_attribute("id") for p in page.find_elements(By.CSS_SELECTOR, ".panel") if p.is_displayed()]


def command(page):
    return next(c.text for c in page.find_elements(By.CSS_SELECTOR, ".panel code") if c.is_displayed())


def marked(page):
    """Networks that point and row show to be chosen."""
    found = page.find_elements(By.CSS_SELECTOR, ".pick[aria-pressed=true], .networks tr[aria-current]")
    return [e.get_attribute("data-network") for e in found]


def focused(page):
    return page.switch_to.active_element


def test_at_first_the_knee_of_the_first_front_is_chosen(page):
    (first,) = shown(page)
    assert first.startswith("network-0-")
    assert marked(page) == [first] * 2
    assert page.execute_script("return scrollY") == 0


def test_a_grey_point_shows_its_network_and_the_command_that_packs_it(page, folder):
    field = page.find_elements(By.CSS_SELECTOR, ".numbers .number")[1]
    page.execute_script("arguments[0].value = 3; arguments[0].dispatchEvent(new Event('change'))", field)
    assert (shown(page), marked(page)) == (["evaluated"], [])
    by_number = page.find_element(By.ID, "evaluated").text
    assert "evaluated network 3" in by_number
    place = folder.parent / "second" / "evaluated.csv#3"
    assert f"--model ofa:{place} --num-crossbars 168 --duplicate" in command(page)
    assert "--diagonal-rows 0 " in command(page) + " "  # the fourth network
    page.find_element(By.CSS_SELECTOR, ".pick[data-network=network-0-0]").click()
    assert "--diagonal-rows" not in command(page)
    assert page.find_elements(By.CSS_SELECTOR, ".ring") == []
    grey = """
      const svg = document.querySelector(".front svg.chart");
      const known = JSON.parse(document.getElementById("evaluated-data").textContent);
      const [, accuracy, speed] = known.runs[1].networks.find((network) => network[0] === 3);
      const at = ([low, high, start, end], v) => start + (v - low) / (high - low) * (end - start);
      const place = new DOMPoint(at(known.x, speed), at(known.y, accuracy));
      const { x: clientX, y: clientY } = place.matrixTransform(svg.getScreenCTM());
      svg.dispatchEvent(new MouseEvent("click", { clientX, clientY, bubbles: true }));"""
    page.execute_script(grey)
    assert page.find_element(By.ID, "evaluated").text == by_number


def test_a_click_on_a_point_shows_its_network_and_the_command_that_packs_it(page, folder):
    page.find_element(By.CSS_SELECTOR, ".pick[data-network=network-1-0]").click()
    assert shown(page) == ["network-1-0"]
    assert marked(page) == ["network-1-0"] * 2
    assert "depth d" in page.find_element(By.ID, "network-1-0").text
    place = folder.parent / "second" / "front.json#0"
    assert f"--model ofa:{place} --num-crossbars 168 --duplicate" in command(page)


def test_enter_on_a_row_shows_its_network_with_its_folder_quoted(page, folder):
    row = page.find_element(By.CSS_SELECTOR, ".networks tr[data-network=network-0-0]")
    row.send_keys(Keys.ENTER)
    assert shown(page) == ["network-0-0"]
    quoted = str(folder).replace("'", "'\\''")
    assert f"--model 'ofa:{quoted}/front.json#0'" in command(page)


def test_arrows_go_from_point_to_point_and_from_row_to_row(page):
    for kind in (".pick", ".networks tbody tr"):
        first = page.find_element(By.CSS_SELECTOR, f"{kind}[tabindex='0']")
        page.execute_script("arguments[0].focus()", first)
        focused(page).send_keys(Keys.ARROW_RIGHT)
        focused(page).send_keys(Keys.SPACE)
        assert shown(page) == ["network-0-1"]
        focused(page).send_keys(Keys.ARROW_LEFT)
        focused(page).send_keys(Keys.ARROW_LEFT)  # there is none before the first
        focused(page).send_keys(Keys.ENTER)
        assert shown(page) == ["network-0-0"]
        assert len(page.find_elements(By.CSS_SELECTOR, f"{kind}[tabindex='0']")) == 1


def test_a_column_that_is_clicked_sorts_the_rows_and_they_can_still_be_chosen(page):
    page.find_element(By.XPATH, "//th/button[text()='accuracy']").click()
    rows = page.find_elements(By.CSS_SELECTOR, ".networks tbody tr")
    accuracies = [float(r.find_elements(By.CSS_SELECTOR, "td.number")[1].text) for r in rows]
    assert accuracies == sorted(accuracies)
    rows[0].send_keys(Keys.ENTER, Keys.ARROW_DOWN)
    assert focused(page) == rows[1]
    assert shown(page) == [rows[0].get_attribute("data-network")]


def test_the_command_is_copied_or_selected(page):
    page.find_element(By.CSS_SELECTOR, ".networks tbody tr").send_keys(Keys.ENTER)
    next(b for b in page.find_elements(By.CSS_SELECTOR, ".copy") if b.is_displayed()).click()
    page.implicitly_wait(2)
    said = page.find_element(By.XPATH, "//*[@role='status'][text()]")
    assert said.text in ("copied", "selected; copy it with Ctrl+C")


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window(page, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_the_mouse_every_control_is_reached_by_name(page):
    """Points, sorting buttons and drawings have words of their own for a screen reader."""
    for element in page.find_elements(By.CSS_SELECTOR, ".pick, svg.chart, thead button"):
        assert element.accessible_name, element.get_attribute("outerHTML")[:80]
