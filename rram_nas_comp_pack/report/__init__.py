"""Values of a run to figures and one HTML page; no file is touched here."""
