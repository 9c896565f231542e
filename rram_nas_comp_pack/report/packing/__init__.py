"""The report of packing runs."""
