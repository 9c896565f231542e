"""Networks that are larger than the chip: cut into segments whose weights are written one after another."""
