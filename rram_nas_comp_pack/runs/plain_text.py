"""Texts that every file takes."""

from typing import Any


def plain(text: str) -> str:
    """A text that every file takes: what is no Unicode in it, as in a path of other bytes, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def counted(number: int, noun: str) -> str:
    """A number of things, such as "1 sample" and "8 samples"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def plain_texts(value: Any) -> Any:
    """A JSON value with all texts in it plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain_texts(key): plain_texts(each) for key, each in value.items()}
    return [plain_texts(each) for each in value] if isinstance(value, list | tuple) else value
