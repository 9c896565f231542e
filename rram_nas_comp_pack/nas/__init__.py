"""RRAM-aware search: subnets of a once-for-all supernet through the whole compiler (RNC section 6)."""
