"""The joint tuner: copies, cuts and positions of all layers at once. The map is in the package above."""
