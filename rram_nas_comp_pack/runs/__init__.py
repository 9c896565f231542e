"""The files of runs: one writer and one reader for every format."""
