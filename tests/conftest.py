"""What tests of all rooms share."""

import pytest


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are files without a picture, for tests of reports that look at none: drawing takes seconds."""
    from tests.report.undrawn import leave_out_pictures

    leave_out_pictures(monkeypatch)
