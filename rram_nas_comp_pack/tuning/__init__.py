"""Chooses copies, splits and mapping with the packer and the simulator in the loop."""
