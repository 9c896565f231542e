"""Options of the command line: from texts to values."""
