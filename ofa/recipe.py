"""How a supernet is trained, as plain values; torch is not needed here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from numpy.random import Generator

from ofa.architecture import DEPTHS, EXPANSIONS, KERNELS, Configuration, configuration, draw
from ofa.errors import BadInput


class Phase(NamedTuple):
    """A phase of progressive shrinking, and what its subnets choose from."""

    name: str
    kernels: tuple[int, ...]
    expansions: tuple[int, ...]
    depths: tuple[int, ...]

    def sandwich(self, rng: Generator, drawn: int) -> list[Configuration]:
        """Return the largest subnet, the smallest, and `drawn` random ones; the full network has only itself.

        The rule is that of Yu and Huang, "Universally Slimmable Networks", ICCV 2019, section 3.1.
        """
        choices = self[1:]
        largest, smallest = (configuration(*(own[place] for own in choices)) for place in (-1, 0))
        if largest == smallest:
            return [largest]
        return [largest, smallest, *(draw(rng, *choices) for _ in range(drawn))]


PHASES = (
    Phase("full", KERNELS[-1:], EXPANSIONS[-1:], DEPTHS[-1:]),
    Phase("kernel", KERNELS, EXPANSIONS[-1:], DEPTHS[-1:]),
    Phase("depth", KERNELS, EXPANSIONS[-1:], DEPTHS),
    Phase("expansion", KERNELS, EXPANSIONS, DEPTHS),
)
"""In order (Once for All, section 3.3). The paper admits the smaller depths and expansions one by one."""

Encoding = Literal["plain", "fault-aware"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)


@dataclass(frozen=True, slots=True)
class Noise:
    """The cells of a kind of chip; all three numbers are shares, from 0 to 1.

    `stuck_high` and `stuck_low` are those of cells stuck at the highest and at the lowest resistance,
    `variation` is the standard deviation of a cell's resistance over its mean. With the encoding
    "fault-aware" the faults are known when weights are programmed, and codes are chosen around them. Raises
    BadInput.
    """

    stuck_high: float = 0.0
    stuck_low: float = 0.0
    variation: float = 0.0
    encoding: Encoding = "plain"

    def __post_init__(self) -> None:
        """Refuse what no chip has."""
        stuck = self.stuck_high, self.stuck_low
        if not (min(stuck) >= 0 and sum(stuck) <= 1):
            found = " and ".join(f"{100 * share:g} %" for share in stuck)
            raise BadInput(f"noise: found {found} of the cells stuck, allowed: at most 100 % together")
        if not 0 <= self.variation <= 1:
            raise BadInput(f"noise: found a variation of {100 * self.variation:g} %, allowed: 0 to 100 %")
        if self.encoding not in ENCODINGS:
            raise BadInput(f"encoding: found {self.encoding!r}, allowed: {' and '.join(ENCODINGS)}")


GROWTH = 8
"""By how many pixels at a time images grow: maps shrink to an eighth within a network."""

STARTS = ("digits",)
"""Names of supernets that come along and that training can start with."""

OPTIMIZERS = {"adamw": 2e-3, "sgd": 0.05}
"""Names, each with its customary learning rate."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what training gives, besides the images and the machine.

    `dataset` is a name that `load_images` knows; `epochs` are those of the four phases; in each, the learning
    rate falls to 0 along half a cosine, in the first that has any from `learning_rate`, in the others from
    half of it; `batch` is in images; `drawn` is how many random subnets a step trains besides the largest and
    the smallest; under `noise` students compute as on chips that are drawn anew for each.

    `start` is the name of a supernet that comes along, whose weights training starts with, None for fresh
    ones; with it, the learning rate rises from 0 in the first epoch. Where distillation is `in_place` (Yu et
    al., "BigNAS", ECCV 2020), subnets learn what the largest says in the same step, not the full network of
    the first phase, and the largest counts as much as all others of the step. Images that are drawn anew have
    at first `smallest` pixels a side, which costs less, and grow to their full size; None: never smaller.
    Raises BadInput.
    """

    dataset: str
    epochs: tuple[int, int, int, int]
    batch: int
    learning_rate: float
    weight_decay: float
    optimizer: str = "adamw"
    seed: int = 0
    drawn: int = 2
    noise: Noise | None = None
    start: str | None = None
    in_place: bool = False
    smallest: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        # without a first phase there is nobody to learn from later
        teaching = 4 if self.in_place else 1
        _refuse(
            self,
            ("start", self.start not in (None, *STARTS), "None and " + " and ".join(STARTS)),
            ("optimizer", self.optimizer not in OPTIMIZERS, " and ".join(OPTIMIZERS)),
            ("epochs", len(self.epochs) != 4 or min(self.epochs) < 0 or not any(self.epochs[:teaching]),
             "four numbers of at least 0, the first at least 1"),
            ("batch", self.batch < 1, "at least 1"),
            ("learning_rate", not 0 < self.learning_rate < math.inf, "above 0"),
            ("weight_decay", not 0 <= self.weight_decay < math.inf, "at least 0"),
            ("seed", not 0 <= self.seed < 2**63, "at least 0"),
            ("drawn", self.drawn < 0, "at least 0"),
            ("smallest", self.smallest is not None and self.smallest < 1, "at least 1"),
        )  # fmt: skip

    def phase(self, epoch: int) -> tuple[int, int]:
        """Return the phase that an epoch belongs to, and which of the phase's epochs it is, both from 0."""
        for place, epochs in enumerate(self.epochs):
            if epoch < epochs:
                return place, epoch
            epoch -= epochs
        raise IndexError("the recipe has fewer epochs")

    def size(self, epoch: int, full: int) -> int:
        """Return how many pixels a side images have that are drawn anew, `full` in the last two fifths."""
        if self.smallest is None:
            return full
        steps = -(-(full - self.smallest) // GROWTH)
        grown = 5 * epoch * steps // (3 * sum(self.epochs))
        return min(full, self.smallest + GROWTH * grown)

    def weights(self, subnets: int) -> list[float]:
        """Return how much the loss of each of a step's subnets counts, the largest's first; the sum is 1."""
        if self.in_place and subnets > 1:
            return [0.5] + [0.5 / (subnets - 1)] * (subnets - 1)
        return [1 / subnets] * subnets

    def rate(self, epoch: int, share: float) -> float:
        """Return the learning rate when `share`, in [0, 1), of an epoch is done."""
        place, before = self.phase(epoch)
        done = (before + share) / self.epochs[place]
        start = self.learning_rate / 2 if any(self.epochs[:place]) else self.learning_rate
        warm = share if self.start and not epoch else 1
        return warm * start * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True, slots=True)
class FineTuning:
    """All that decides what fine-tuning a subnet under noise gives, besides supernet, images and machine.

    The learning rate falls to 0 along half a cosine; `batch` is in images; `chip` is the SHA-256 of the file
    of a known chip, whose stuck cells take the place of those of `noise`. Raises BadInput.
    """

    dataset: str
    subnet: Configuration
    noise: Noise
    epochs: int = 8
    learning_rate: float = 1e-3
    seed: int = 0
    batch: int = 32
    chip: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        _refuse(
            self,
            ("epochs", self.epochs < 1, "at least 1"),
            ("learning_rate", not 0 < self.learning_rate < math.inf, "above 0"),
            ("seed", not 0 <= self.seed < 2**63, "at least 0"),
            ("batch", self.batch < 1, "at least 1"),
        )

    def rate(self, epoch: int, share: float) -> float:
        """Return the learning rate when `share`, in [0, 1), of an epoch is done."""
        return self.learning_rate * (1 + math.cos(math.pi * (epoch + share) / self.epochs)) / 2


def _refuse(recipe: object, *wrong: tuple[str, bool, str]) -> None:
    """Raise BadInput for the first field that is wrong; each with what is allowed."""
    for name, bad, allowed in wrong:
        if bad:
            raise BadInput(f"{name}: found {getattr(recipe, name)!r}, allowed: {allowed}")


def default_recipe(
    dataset: str, epochs: tuple[int, int, int, int] | None = None, optimizer: str = "adamw", seed: int = 0
) -> Recipe:
    """Return the recipe for a data set. Raises BadInput."""
    decay = 0.05 if optimizer == "adamw" else 1e-4
    rate = OPTIMIZERS.get(optimizer, 0)
    if dataset == "clutter":
        # fragments and colours are new to a network that knows digits, their strokes are not
        own = epochs or (0, 0, 0, 24)
        return Recipe(dataset, own, 32, rate, decay, optimizer, seed, 1, None, "digits", True, smallest=40)
    usual, batch = ((18, 2, 2, 10), 32) if dataset == "digits" else ((60, 20, 20, 40), 64)
    return Recipe(dataset, epochs or usual, batch, rate, decay, optimizer, seed)
