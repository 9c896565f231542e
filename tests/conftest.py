"""What tests of all rooms share, and the order of their files."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
WITHOUT_KERNELS = (
    *("ofa", "box_converter", "hardware", "nas/test_engine.py", "nas/test_search_checkpoint.py"),
    *("report/test_charts.py", "report/test_search_page.py", "test_house.py", "test_docs.py"),
    *("test_packaging.py", "fuzz/test_ofa_files.py", "fuzz/test_onnx.py", "fuzz/test_ini.py"),
)
"""Files and folders whose tests compile nothing: `make test` runs them while the kernels are compiled."""

LONG = (
    *("nas/test_evolve_command.py", "nas/test_search_on_chips.py", "report/test_packing_in_browser.py"),
    *("fuzz/test_runs.py", "nas", "report", "fuzz", "test_tutorial.py"),
)
"""What takes longest, which is not to begin when all else is done."""


def pytest_collection_modifyitems(items):
    """Put files in an order that leaves no process without work."""
    assert all((TESTS / name).exists() for name in (*WITHOUT_KERNELS, *LONG))
    items.sort(key=lambda item: _turn(item.path))


def _turn(path):
    """The place of a file in the order; those of one place stay as they are."""
    places = {path, *path.parents}
    order = (*WITHOUT_KERNELS, *LONG)
    return next((i for i, name in enumerate(order) if TESTS / name in places), len(order))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are files without a picture, for tests of reports that look at none: drawing takes seconds."""
    from tests.report.undrawn import leave_out_pictures

    leave_out_pictures(monkeypatch)
