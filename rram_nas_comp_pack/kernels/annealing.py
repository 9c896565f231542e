"""Simulated annealing (Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated annealing", 1983)."""

from __future__ import annotations

from .jit import compiled
from .random import RandomState, random_below


@compiled
def exponential_draw(random: RandomState) -> float:
    """A draw from roughly the exponential distribution of mean 1.

    Each octave of the logarithm is a straight line, so that no library's rounding can matter.
    """
    halvings = 0
    while random_below(random, 2) == 1:
        halvings += 1
    return 0.6931 * (halvings + random_below(random, 4096) / 4096.0)


@compiled
def accepts(loss: float, temperature: float, random: RandomState) -> bool:
    """Whether annealing takes a change: always without loss, else with probability exp(-loss / temperature).

    Loss and temperature have the same unit. Nothing is drawn where there is no loss.
    """
    return bool(loss <= 0 or loss <= temperature * exponential_draw(random))


@compiled
def cooled(hot: float, cold: float, left: float, power: int) -> float:
    """The temperature when the share `left` of all steps remains: from `hot` down to `cold`."""
    above = hot - cold
    for _ in range(power):
        above *= left
    return cold + above
