"""How results are put into words."""

from typing import Any

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


def plain_texts(value: Any) -> Any:
    """A JSON value with all texts in it plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain_texts(key): plain_texts(each) for key, each in value.items()}
    return [plain_texts(each) for each in value] if isinstance(value, list | tuple) else value
