"""Files of packing runs."""
