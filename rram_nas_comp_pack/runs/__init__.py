"""The files of a run, read back: a reader for every format."""
