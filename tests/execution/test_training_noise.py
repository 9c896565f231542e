"""Cells that training draws are those that chips have: both programs hold the same weights around faults."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ofa.noise import apply_stuck, draw_stuck, quantise_weights, sum_slices
from ofa.recipe import Noise
from rram_nas_comp_pack.execution import chip
from rram_nas_comp_pack.execution.cells import weights_of
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.encoding import ENCODINGS, encode
from rram_nas_comp_pack.execution.quantise import quantise_weights as quantise_raw
from rram_nas_comp_pack.hardware.config.read import SHIPPED, load_config


@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.05, 0.05), (0.1, 0.02), (0.2, 0.2)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_weights_around_the_same_faults_are_equally_far_from_what_they_are_to_be(encoding, rates):
    device = device_of(load_config(SHIPPED).hardware)
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(60, 60, generator=generator).mul(45).round().clamp(-127, 127)
    stuck = draw_stuck((60, 60), Noise(*rates), generator)
    trained = sum_slices(apply_stuck(stuck, codes, encoding)).numpy()
    wanted = codes.numpy().astype(np.int64)
    levels = encode(wanted, device, stuck.numpy(), encoding)
    held = weights_of(chip.apply_stuck(stuck.numpy(), levels, device.top), device)
    assert np.array_equal(abs(trained - wanted), abs(held - wanted))


def test_both_round_weights_alike():
    weights = torch.randn(8, 5, 3, 3, generator=torch.Generator().manual_seed(1))
    codes, steps = quantise_weights(weights)
    raw = quantise_raw(np.ascontiguousarray(weights.flatten(1).T.numpy()))
    assert np.array_equal(raw.weights, codes.flatten(1).T.numpy())
    assert np.array_equal(raw.scales, steps.flatten().numpy())


def test_states_of_cells_are_numbered_alike():
    from ofa import noise

    ours = noise.HEALTHY, noise.STUCK_HIGH, noise.STUCK_LOW
    assert ours == (chip.HEALTHY, chip.STUCK_HIGH, chip.STUCK_LOW)
    device = device_of(load_config(SHIPPED).hardware)
    assert (device.polarity, device.slices) == (2, noise.SLICES)
