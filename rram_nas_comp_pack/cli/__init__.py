"""The command line: options in, files out."""
