"""Layout, weights and chip to numbers: what the chip computes."""
