"""One file a command, named as the command: options in, exit status out."""
