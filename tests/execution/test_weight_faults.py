"""Which stuck cells each weight meets: told by where a layout puts that one weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from devices import device
from loaded import Cut, load
from torch import nn

from rram_nas_comp_pack.errors import CannotBeDone
from rram_nas_comp_pack.execution.chip import chip_of, chip_with_maps, crossbar_state
from rram_nas_comp_pack.execution.image import program
from rram_nas_comp_pack.execution.quantise import Codes
from rram_nas_comp_pack.execution.weight_faults import faults_of_layers
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(64, 32)
DEVICE = device(size=SIZE, driven_rows=64, stuck_high=0.2, stuck_low=0.2)


@pytest.fixture(scope="module")
def image():
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(3, 20, 3), nn.Conv2d(20, 20, 3, groups=20), nn.Flatten(), nn.Linear(80, 40))
    )
    return load(net.eval(), (3, 6, 6), Cut(tuple(SIZE), diagonal=True, copies=(1, 3)), count=1).image


def places_of(image, layer, row, column):
    """Where the copies of one weight lie, found by loading a layout with that weight alone."""
    codes = [Codes(np.zeros((each.raw.h, each.raw.w), np.int8), np.ones(each.raw.w)) for each in image.layers]
    codes[layer].weights[row, column] = 1
    weights, _ = program(image.mappings, image.placements, image.size, codes)
    return np.argwhere(weights)


def test_every_weight_meets_the_cells_at_its_places(image):
    faults = faults_of_layers(image, DEVICE, chip_of(4, DEVICE))
    assert [len(own) for own in faults.values()] == [1, 3, 1]
    random = np.random.default_rng(0)
    for layer, own in faults.items():
        for _ in range(10):
            row, column = random.integers(image.layers[layer].raw.h), random.integers(own.shape[-1])
            met = [
                crossbar_state(chip_of(4, DEVICE), DEVICE, c).stuck[:, :, y, x].tobytes()
                for c, y, x in places_of(image, layer, row, column)
            ]
            assert sorted(met) == sorted(copy.tobytes() for copy in own[:, :, :, row, column])


def test_a_chip_with_too_few_crossbars_is_refused(image):
    with pytest.raises(CannotBeDone, match="the layout needs"):
        faults_of_layers(image, DEVICE, chip_with_maps(0, 1, DEVICE))
