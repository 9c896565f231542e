"""Layout, weights and chip to numbers: what the chip computes."""

CALIBRATION, RANDOM_INPUTS = 320, 32
"""Samples that the ranges of inputs are found on: training images, or random inputs."""
