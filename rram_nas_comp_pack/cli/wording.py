"""How results are put into words."""

STOPPED = {
    "bound": "stopped at the lower bound",
    "budget": "stopped within the budget",
    "effort": "used all its iterations",
    "time": "cut short by its time limit",
    "interrupt": "interrupted; the best so far",
    "no start": "the joint tuner had no start: boxes of a layer would have to share a crossbar",
}
"""What ended a search."""


def plain(text: str) -> str:
    """A text that every file takes: what is no Unicode in it, as in a path of other bytes, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
