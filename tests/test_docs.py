"""The pages hold together: links lead somewhere, and what the code says of a page is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]


def headings(path):
    return re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_or_heading_leads_there(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        file, _, heading = target.partition("#")
        place = path.parent / file if file else path
        assert place.exists(), target
        anchors = (
            {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings(place)} if heading else ""
        )
        assert heading in anchors, target


def test_every_decision_that_the_code_names_has_a_heading():
    known = headings(ROOT / "docs" / "design.md")
    named = {
        name
        for path in (ROOT / "rram_nas_comp_pack").rglob("*.py")
        for group in re.findall(r"\(design: ([^)]*)\)", path.read_text(encoding="utf-8"))
        for name in re.findall(r"\*([^*]+)\*", group)
    }
    assert named
    assert named <= set(known)


def test_every_file_that_contributing_names_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"`([\w/]+\.py)`", text)) - {"cli/commands/NAME.py"}:
        assert (ROOT / name).exists() or (ROOT / "rram_nas_comp_pack" / name).exists(), name


def test_every_name_of_the_walk_for_a_move_is_in_the_code():
    from rram_nas_comp_pack.tuning.joint import moves

    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walk = text.partition("### A new move")[2].partition("\n### ")[0]
    for name in (
        "place_best",
        "shrink",
        "grow",
        "grow_to",
        "recut",
        "set_copies",
        "MOVES",
        "WEIGHTS",
        "TRADE",
    ):
        assert hasattr(moves, name)
        assert name in walk
