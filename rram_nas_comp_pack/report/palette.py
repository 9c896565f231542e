"""Colours and marks, and what each stands for in every chart, table and page."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY = (
    *("#0469E8", "#CB7D05", "#05A161", "#B33D22", "#349AE3", "#B5269C", "#67696B"),
)
"""Colours that a random search found: each has a contrast of 3 to 1 with a white page and with a dark one,
and colour-blind readers, too, tell any two apart."""

PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY)

Mark = Literal["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "pentagon"]
MARKS: tuple[Mark, ...] = get_args(Mark)


class Look(NamedTuple):
    """How something is told from others: by colour and shape."""

    colour: str
    mark: Mark


def look(run: int) -> Look:
    """The look of one of several runs, by its place among them."""
    return Look(PALETTE[run % len(PALETTE)], MARKS[run % len(MARKS)])


SEARCHED = Look(GREY, "circle")
"""Speeds of quick layouts, which a search goes by."""
TUNED = Look(BLUE, "circle")
"""Speeds after tuning in full."""
ON_CHIP = Look(RED, "diamond")
"""Accuracies of chips."""
TEST = Look(GREEN, "triangle-up")
"""Accuracies on test images."""
BASELINE = Look(PURPLE, "square")
"""The layout that gives every box a crossbar of its own."""
