"""Fonts within PDF files: the shapes of the letters that are used, and nothing that only sets text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fontTools import subset

_SETTING = ("BASE", "GDEF", "GPOS", "GSUB", "JSTF", "MATH", "kern")
"""Tables of OpenType by which a program sets text; a PDF file says of every letter where it stands."""


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Have matplotlib embed fonts without the tables that set text.

    It has fontTools load a font and keep the letters that are used, and has no option for this. Reading and
    reducing these tables takes longer than the rest of a small figure.
    """
    usual: Any = subset.load_font

    def without(*given: Any, **chosen: Any) -> Any:
        font = usual(*given, **chosen)
        for table in _SETTING:
            if table in font:
                del font[table]
        return font

    subset.load_font = without
    try:
        yield
    finally:
        subset.load_font = usual
