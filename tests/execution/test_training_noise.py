"""Cells that training draws are those that chips have: both programs hold the same weights around faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ofa import known_chip
from ofa.known_chip import choose_eighths, faults_of
from ofa.noise import apply_stuck, draw_stuck, quantise_weights, sum_slices
from ofa.recipe import Noise
from rram_nas_comp_pack.execution import channel_scales, chip
from rram_nas_comp_pack.execution.cells import weights_of
from rram_nas_comp_pack.execution.channel_scales import scale_errors
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.encoding import ENCODINGS, encode
from rram_nas_comp_pack.execution.quantise import quantise_weights as quantise_raw
from rram_nas_comp_pack.hardware.config.read import SHIPPED, load_config
from rram_nas_comp_pack.values import CrossbarSize


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


def test_training_for_a_chip_takes_the_scales_that_the_toolkit_takes():
    device = replace(device_of(load_config(SHIPPED).hardware), size=CrossbarSize(60, 40), driven_rows=60)
    stuck = np.stack([chip.draw_stuck(chip.ArrayKey(c, 0, a, s), device.size, chip.StuckRates(0.08, 0.05))
                      for c in range(2) for a in range(2) for s in range(7)])  # fmt: skip
    stuck = stuck.reshape(2, 2, 7, 60, 40)
    weights = torch.randn(40, 60, generator=torch.Generator().manual_seed(3))
    codes, _ = quantise_weights(weights)
    faults = faults_of({"w": stuck.swapaxes(3, 4)}, "", "fault-aware")
    chosen = choose_eighths(codes, faults.patterns["w"], faults).flatten()
    wanted = codes.numpy().T.astype(np.int64)
    errors = sum(scale_errors(wanted, device, own) for own in stuck)
    assert known_chip.EIGHTHS == channel_scales.EIGHTHS
    number = [channel_scales.EIGHTHS.index(int(eighths)) for eighths in chosen]
    own, least = errors[number, np.arange(40)], errors.min(axis=0)
    # of two codes that are equally far, either may take another
    assert (own == least).mean() > 0.9
    assert (own <= 1.05 * least).all()
    assert len(set(number)) > 3
