"""Files of searches."""
