"""The report of searches of networks."""
