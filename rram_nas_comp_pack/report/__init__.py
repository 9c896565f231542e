"""Values of a run to figures and one HTML page; no file of a run is touched here."""
