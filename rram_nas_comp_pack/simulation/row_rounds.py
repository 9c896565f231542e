"""The crossbars that rows ask for, where no round has to be dealt: lists that never change.

Crossbars that the same layers ask for are free and taken at the same moments: a group of them is asked for as
one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints, offsets
from .event_loop import Program


class RoundLists(NamedTuple):
    """What a row of each layer asks for.

    They are the groups `group` from `offset` (layers + 1,) on, in the order in which they are given back;
    there are `groups`. The row runs for `length` (layers,).
    """

    offset: Ints
    group: Ints
    length: Floats
    groups: int


def round_lists(layers: Program) -> RoundLists | None:
    """Return the lists; None where a row may be several rounds, or take some of the copies only.

    A row is one round if no two boxes of its copies share a crossbar.
    """
    if (layers.takes < layers.copies[layers.owner]).any():
        return None
    count, crossbars = len(layers.owner), int(layers.crossbars.max(initial=-1)) + 1
    homes = [_homes(layers, layer) for layer in range(count)]
    if any(len(np.unique(home)) < len(home) for home in homes):
        return None
    group_of = _groups(homes, crossbars)
    listed = [_last_of_each(group_of[home]) for home in homes]
    longest = np.maximum.reduceat(layers.times, layers.time_offset[:count])
    groups = int(group_of.max(initial=-1)) + 1
    return RoundLists(offsets([len(each) for each in listed]), np.concatenate(listed), longest, groups)


def _homes(layers: Program, layer: int) -> Ints:
    """The crossbars of all copies of a layer, in order; those that are never waited for are left out."""
    store = layers.owner[layer]
    first = layers.crossbar_offset[store]
    home = layers.crossbars[first : first + layers.boxes[layer] * layers.copies[store]]
    return home[home >= 0]


def _groups(homes: list[Ints], crossbars: int) -> Ints:
    """The group of each crossbar (crossbars,): two are in one if every layer asks for both or neither."""
    group, fresh = np.zeros(crossbars, dtype=np.int64), 1
    for home in homes:
        known, place = np.unique(group[home], return_inverse=True)
        group[home] = fresh + place
        fresh += len(known)
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _last_of_each(groups: Ints) -> Ints:
    """Each group once, in order of where it comes last: there the last crossbar of it is given back."""
    _, back = np.unique(groups[::-1], return_index=True)
    return groups[np.sort(len(groups) - 1 - back)]
