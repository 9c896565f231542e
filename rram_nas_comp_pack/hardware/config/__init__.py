"""`SimConfig.ini`: its keys, their ranges, the rules between them, and how it is read."""
