"""Pictures of every page, wide and narrow, light and dark: `python -m benchmarks.pictures`.

They go to docs/images/pages/, and are of tiny runs that it makes itself, in some two minutes. What a page
says on the console is an error.
"""

from __future__ import annotations

import io
import shlex
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from rram_nas_comp_pack.cli.main import main as rnc
from tests.report.browser import chromium, dark
from tests.report.made_search import write_search

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "pages"
WIDTHS = {1440: 1700, 390: 2600}
"""Width and most height of a picture, in pixels."""

PACK = "pack --num-crossbars {} --log-dir {} --exp-id {} --model {} --duplicate --tune-effort 0"
SWEEP = "sweep pack --model squeezenet --num-crossbars 50:90:10 --set ADC_Choice=2,4 --duplicate"


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Make a run of every kind; yield the names of their pages and where they lie."""
    _run(f"{PACK.format(211, folder, 'rows', 'mbv3_small')} --schedule row --image")
    yield "packing", folder / "packing" / "rows" / "report.html"
    _run(f"{PACK.format(30, folder, 'segments', 'squeezenet')} --reload")
    yield "segments", folder / "packing" / "segments" / "report.html"
    _run(f"{PACK.format(120, folder, 'fewer', 'mbv3_small')} --no-report")
    runs = " ".join(str(folder / "packing" / name) for name in ("rows", "fewer"))
    _run(f"compare {runs} --out {folder}/compare.html")
    yield "compare", folder / "compare.html"
    _run(f"{SWEEP} --tune-effort 0 --log-dir {folder} --exp-id sweep")
    yield "sweep", folder / "sweep" / "sweep" / "report.html"
    write_search(folder / "search", 300)
    _run(f"report {folder / 'search'}")
    yield "search", folder / "search" / "report.html"


def _run(command: str) -> None:
    if rnc(shlex.split(command)) != 0:
        raise SystemExit(f"{command}: failed")


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as driver:
        for name, page in pages(Path(folder)):
            for width, most in WIDTHS.items():
                for scheme in ("light", "dark"):
                    dark(driver, scheme == "dark")
                    picture = _picture(driver, page, width, most)
                    picture.save(FOLDER / f"{name}_{width}_{scheme}.png", optimize=True)
            told = driver.get_log("browser")
            if told:
                raise SystemExit(f"{name}: found {told} on the console, allowed is nothing")
            print(name, file=sys.stderr)


def _picture(driver, page: Path, width: int, most: int) -> Image.Image:
    """The upper part of a page in few colours; charts are drawn by then."""
    size = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(page.as_uri())
    time.sleep(2)
    shown = driver.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(shown, most), "scale": 1}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": clip["height"]})
    time.sleep(1)
    found = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip})
    return (
        Image.open(io.BytesIO(b64decode(found["data"])))
        .convert("RGB")
        .quantize(256, Image.Quantize.FASTOCTREE)
    )


if __name__ == "__main__":
    main()
