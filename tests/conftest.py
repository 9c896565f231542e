"""What tests of all rooms share."""

import pytest


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are files without a picture, for tests of reports that look at none: drawing takes seconds."""
    from rram_nas_comp_pack.report import matplotlib_charts

    monkeypatch.setattr(matplotlib_charts, "arrange", lambda _figure: None)
    monkeypatch.setattr(matplotlib_charts, "_bytes", lambda _figure, kind, **_more: kind.encode())
