"""Chromium without a window; tests that need one are skipped where it is absent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,1000"),
)

needs_chromium = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()), reason=f"no {CHROMIUM} with {DRIVER}"
)


@contextmanager
def chromium(profile: Path) -> Iterator:
    """A browser with a fresh profile that keeps what pages say on the console."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver, path: Path, seconds: float = 60.0) -> None:
    """Open a report, and wait until its charts are drawn."""
    driver.get(path.as_uri())
    end = time.monotonic() + seconds
    while "plots-drawn" not in driver.execute_script("return document.documentElement.className"):
        assert time.monotonic() < end, driver.get_log("browser")
        time.sleep(0.05)


def dark(driver, on: bool) -> None:
    """Whether the reader prefers dark colours."""
    feature = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
