"""What this machine has: packages, and the data of the paper's search."""
