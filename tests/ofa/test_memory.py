"""Freed memory stays with the process; results do not depend on it."""

import ctypes
import resource
import sys

import pytest
import torch

from ofa.memory import keep_freed_memory


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not GNU's")
def test_what_was_freed_is_used_again_without_new_pages():
    assert keep_freed_memory()
    pages = 16 << 8  # of 4 kB, in 16 MB
    torch.ones(pages << 10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(pages << 10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 4 * pages


def test_where_there_is_no_such_function_nothing_happens(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: sys)
    assert not keep_freed_memory()
