"""Memory that a process keeps: what torch frees and asks for again a moment later."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_LARGEST = 32 << 20
"""The largest threshold that mallopt takes."""
_KEPT = 1 << 30


def keep_freed_memory() -> bool:
    """Let the allocator keep up to a gigabyte of freed memory; say whether it does.

    Feature maps are megabytes. The C library returns each to the system when it is freed, and the system
    clears every page that it hands out again: a third of the time of judging a small subnet. Nothing happens
    where the C library is another than GNU's.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wanted = ((_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _LARGEST))
    return all(mallopt(ctypes.c_int(name), ctypes.c_int(value)) for name, value in wanted)
