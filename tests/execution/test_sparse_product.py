"""Weights taken one by one for many samples, against products of whole numbers."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import Cut, load, samples_of
from test_chip_accuracy import SIZE, chips, product, slow
from test_kinds import NETWORKS, Net
from torch.nn import functional

from rram_nas_comp_pack.execution import layer_parts, layer_product
from rram_nas_comp_pack.execution.chip_product import AdcSettings
from rram_nas_comp_pack.execution.device import UNITS
from rram_nas_comp_pack.execution.layer_parts import CopiedWeights, parts_of
from rram_nas_comp_pack.execution.network import Arguments
from rram_nas_comp_pack.execution.pieces import Piece, Room
from rram_nas_comp_pack.execution.sparse_product import SparseProduct, sparse_weights
from rram_nas_comp_pack.execution.vectors import Convolution
from rram_nas_comp_pack.execution.weight_groups import Block
from rram_nas_comp_pack.values import Box, Layer

IDEAL, CALIBRATED = AdcSettings("ideal"), AdcSettings("calibrated", (0,) * 99)
CUT = Cut(tuple(SIZE), diagonal=True, copies=(3, 1, 2))


def layer(rows, columns, positions, groups=1):
    return Layer(0, "Linear", "net", Box(rows, columns, positions), positions, groups, 0)


@pytest.fixture
def chosen(monkeypatch):
    """Weights are taken one by one wherever they can be; holds a layer for each time this happens."""
    layers = []

    def product_of(layer, *given):
        layers.append(layer)
        return SparseProduct(layer, *given)

    monkeypatch.setattr(layer_parts, "_MOVED", inf)
    monkeypatch.setattr(layer_product, "SparseProduct", product_of)
    return layers


def require_the_same(own, model, adc):
    """Every layer of a chip gives what reading bit by bit gives."""
    chip, oracle = product(own, model, adc=adc), slow(own, model, adc)[0]

    def multiply(index, x, how):
        wanted = oracle(index, x, how)
        assert torch.equal(chip(index, x, how).double(), wanted.double()), index
        return wanted

    own.executed(multiply)


@pytest.mark.parametrize("adc", [IDEAL, CALIBRATED], ids=["ideal", "calibrated"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_batch_of_many_samples_gives_what_reading_bit_by_bit_gives(kind, adc, chosen):
    own, model = load(*NETWORKS[kind], CUT, count=9), chips(variation=0.02)
    require_the_same(own, model, adc)
    assert own.layers[0] in chosen


@pytest.mark.parametrize("samples", [1, 12])
def test_a_later_layer_leaves_the_sums_of_an_earlier_one_alone(samples, chosen):
    """Without biases, they are the output itself; a batch of one needs no other order."""
    torch.manual_seed(0)
    net = torch.nn.ModuleList(torch.nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(2))
    own = load(Net(lambda _, x: (y := net[0](x)) + net[1](y), net=net), (4, 5, 5), CUT._replace(copies=(2,)))
    chip = product(own, chips(variation=0.0), adc=IDEAL)
    chip_of_one = product(own, chips(variation=0.0), adc=IDEAL)
    many = own._replace(x=samples_of(own.recording, 12, seed=1))
    batch = many.executed(chip)  # what is chosen for it stays
    assert chosen == list(own.layers)
    alone = many._replace(x=Arguments([many.x.args[0][:samples]], {})).executed(chip)
    assert torch.equal(alone, batch[:samples])
    single = many._replace(x=Arguments([many.x.args[0][:1]], {})).executed(chip_of_one)
    assert torch.equal(single, batch[:1]), "by blocks of vectors"


@pytest.mark.parametrize("samples", [1, 9])
def test_sums_of_overlapping_vectors_are_exact(samples, chosen):
    torch.manual_seed(0)
    net = torch.nn.ConvTranspose2d(200, 2, 5)
    net.weight.data.abs_()
    own = load(net, (200, 6, 6), CUT, count=samples)
    own = own._replace(x=Arguments([torch.full((samples, 200, 6, 6), 100.0)], {}))  # the largest codes
    require_the_same(own, chips(variation=0.0), IDEAL)


def test_small_weights_of_overlapping_vectors_are_exact():
    rng = np.random.default_rng(0)
    units, x = rng.integers(600, 900, (64, 36)), rng.integers(100, 128, (9, 64, 5, 5))
    own = Layer(0, "ConvTranspose2d", "net", Box(64, 36, 25), 25, 1, 0)
    blocks = [Block(Piece(0, np.arange(64), np.arange(36), slice(0, 36)), units)]
    weights = sparse_weights(blocks, 36, 1)
    assert not any(block.units.any() for block in weights.large)
    how = Convolution((3, 3), (1, 1), (0, 0), (1, 1), True, (0, 0), 1)
    found = SparseProduct(own, 1, weights, Room())(torch.from_numpy(x).float(), how, 9)
    kernel = torch.from_numpy(units / UNITS).reshape(64, 4, 3, 3)
    assert torch.equal(found.double(), functional.conv_transpose2d(torch.from_numpy(x).double(), kernel))


def test_small_differences_beside_shared_weights_are_not_rounded():
    torch.manual_seed(0)
    model = chips(variation=0.005, stuck_high=0.0, stuck_low=0.0)
    own = load(torch.nn.Linear(5, 8), (4, 5), CUT, count=30)
    require_the_same(own, model, IDEAL)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_random_blocks_give_whole_numbers(data):
    rows, columns, copies = (data.draw(st.integers(1, n)) for n in (12, 6, 3))
    positions, samples = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    scale = data.draw(st.sampled_from([1, 600, 1 << 17]))
    whole = data.draw(st.booleans())
    dense = np.zeros((copies, rows, columns), np.int64)
    blocks = []
    for _ in range(data.draw(st.integers(1, 6))):
        copy = int(rng.integers(copies))
        own, columns_of = (np.flatnonzero(rng.random(n) < 0.7) for n in (rows, columns))
        units = rng.integers(-scale, scale + 1, (len(own), len(columns_of))) * (rng.random() < 0.8)
        units = units * UNITS if whole else units
        dense[np.ix_([copy], own, columns_of)] += units
        blocks.append(Block(Piece(copy, own, columns_of, slice(0, len(columns_of))), units))
    net = layer(rows, columns, positions)
    multiply = SparseProduct(net, copies, sparse_weights(blocks, columns, copies), Room())
    x = rng.integers(-128, 128, (samples, positions, rows))
    found = multiply(torch.from_numpy(x).float(), None, samples)
    for p in range(positions):
        assert np.array_equal(found[:, p].double().numpy(), x[:, p] @ dense[p % copies] / UNITS)


def test_float32_takes_only_what_it_holds():
    def blocks(*values):
        return [Block(Piece(0, np.arange(len(values)), np.zeros(1, int), slice(0, 1)), np.array([values]).T)]

    def count(*values):
        found = sparse_weights(blocks(*values), 1, 1)
        return [sum(np.count_nonzero(block.units) for block in part) for part in found]

    assert count(1, 511, 0, 1 << 15) == [3, 0], "2^24 is not passed"
    assert count(1, 511, 0, 1 << 17) == [2, 1]
    assert count(*[511] * 200) == [0, 200], "the small ones together are too large"
    assert count(*[127 * UNITS] * 500) == [500, 0], "whole steps are counted in steps"


@pytest.mark.parametrize(("samples", "sparse"), [(1, False), (7, False), (64, True)])
def test_single_weights_are_for_many_samples(samples, sparse):
    image = np.ones((9, 8), np.int8)
    rows = np.arange(72)
    units = np.random.default_rng(0).integers(-40, 40, (72, 8))
    own = CopiedWeights(
        layer(9, 8, 4, groups=8), 2, image, True,
        tuple(Block(Piece(copy, rows, np.arange(8), slice(0, 8)), units) for copy in range(2)),
        (np.zeros((72, 8), np.int8),) * 2,
    )  # fmt: skip
    parts = parts_of(own, samples, False)
    assert (parts.sparse is not None, len(parts.weights) > 0) == (sparse, not sparse)
