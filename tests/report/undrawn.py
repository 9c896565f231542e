"""Reports without pictures, for tests that look at none: drawing one takes seconds."""

from rram_nas_comp_pack.report import matplotlib_charts


def leave_out_pictures(patch):
    """Figures become files without a picture, until the patch ends."""
    patch.setattr(matplotlib_charts, "arrange", lambda _figure: None)
    patch.setattr(matplotlib_charts, "_bytes", lambda _figure, kind, **_more: kind.encode())


def draw_for_pages_alone(patch):
    """Figures become what a page shows of them, without the files for print, until the patch ends."""
    patch.setattr(matplotlib_charts, "FILES", {"png": matplotlib_charts.FILES["png"]})
