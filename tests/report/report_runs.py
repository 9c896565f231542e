"""Small runs with reports, and what a page must be."""

import csv
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from tiny_runs import call, make_workplace

MEGABYTE = 2**20
FIGURES = ("atlas", "costs", "latency", "layers", "load", "timeline")
FILES = sorted(f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png", "svg"))


def pack(log: Path, *argv: object, exp_id: str = "t") -> tuple[int, str, str]:
    """`pack` of the tiny network, filled with copies, with its report."""
    sys.path.insert(0, str(log.parent))
    try:
        return call(
            *("pack", "--exp-id", exp_id, "--model", "tiny_nets:net", "--input-size", "3,8,8"),
            *("--num-crossbars", 10, "--duplicate", "--tune-effort", 20, "--pack-effort", 20),
            *("--config", log.parent / "quiet.ini", "--log-dir", log, *argv),
        )
    finally:
        sys.path.remove(str(log.parent))


def make_run(folder: Path, *argv: object) -> Path:
    """The folder of a run with a report."""
    log = make_workplace(folder)[0] / "log"
    status, _, err = pack(log, *argv)
    assert (status, err) == (0, "")
    return log / "packing" / "t"


def placements(run: Path) -> list[dict[str, int]]:
    with (run / "pack.csv").open(newline="") as file:
        return [{name: int(text) for name, text in row.items()} for row in csv.DictReader(file)]


VOID = {"meta", "img", "input", "br", "hr", "link"}


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order, and identifiers are unique."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.ids, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        """Attributes of all elements of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def check_page(text: str) -> Page:
    """What every report is: sound HTML that loads nothing and can be read without seeing it."""
    page = Page(text)
    assert len(text) < 5 * MEGABYTE
    loading = [a.get("src") or a.get("href") for tag, a in page.tags if tag != "a"]
    assert all(url.startswith("data:image/png;base64,") for url in loading if url)
    assert all(a["href"].removeprefix("#") in page.ids for a in page.named("a"))
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text
    assert page.named("html")[0]["lang"] == "en"
    assert [len(page.named(tag)) for tag in ("h1", "main", "header", "nav")] == [1] * 4
    assert text.partition("<body>")[0].count("<title>") == 1  # drawings may have titles of their own
    assert all(a.get("alt") for a in page.named("img"))
    assert all(a.get("scope") for a in page.named("th"))
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(a["aria-labelledby"] in page.ids for a in page.named("section"))
    return page
