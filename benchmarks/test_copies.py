"""Weights of copies, one by one for all samples at once, against blocks of vectors and torch's convolution.

A depthwise layer in diagonal boxes with cells that vary, as searches execute them: every weight of a box is
another than the image's, and those of other channels are not quite 0.
"""

import numpy as np
import pytest
import torch

from rram_nas_comp_pack.execution.device import UNITS
from rram_nas_comp_pack.execution.layer_parts import CopiedWeights, parts_of
from rram_nas_comp_pack.execution.pieces import Piece, Room
from rram_nas_comp_pack.execution.places import Order, padded, places_of
from rram_nas_comp_pack.execution.sparse_product import SparseProduct, sparse_weights
from rram_nas_comp_pack.execution.vectors import Convolution
from rram_nas_comp_pack.execution.weight_groups import Block, Vectors
from rram_nas_comp_pack.values import Box, Layer

# channels, kernel, channels of a box, pixels
CASES = {"3 x 3": (72, 3, 14, 16), "5 x 5": (160, 5, 5, 8), "7 x 7": (160, 7, 2, 8)}
COPIES, SAMPLES = 4, 64


def layer_of(channels, kernel, size):
    raw = Box(kernel**2, channels, size**2)
    return Layer(0, "Conv2d", "net", raw, size**2, channels, 0, depthwise=True)


def weights_of(channels, kernel, together):
    """What copies have beside an image of nothing."""
    rng, rows = np.random.default_rng(0), kernel**2
    for copy in range(COPIES):
        for first in range(0, channels, together):
            columns = np.arange(first, min(first + together, channels))
            units = rng.integers(-60, 61, (len(columns), rows, len(columns)))
            for i in range(len(columns)):
                units[i, :, i] = rng.integers(-127 * UNITS, 127 * UNITS, rows)
            place = (columns[:, None] * rows + np.arange(rows)).reshape(-1)
            yield Block(Piece(copy, place, columns, slice(0, len(columns))), units.reshape(len(place), -1))


@pytest.fixture(params=CASES)
def case(request):
    torch.set_num_threads(1)
    channels, kernel, together, size = CASES[request.param]
    layer, half = layer_of(channels, kernel, size), kernel // 2
    image = np.zeros((kernel**2, channels), np.int8)
    own = CopiedWeights(layer, COPIES, image, False, tuple(weights_of(channels, kernel, together)), ())
    how = Convolution((kernel,) * 2, (1, 1), (half,) * 2, (1, 1), False, (0, 0), channels)
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (SAMPLES, channels, size, size))).float()
    return own, how, x


@pytest.mark.benchmark(group="depthwise layers of a chip")
def test_one_by_one(benchmark, case):
    own, how, x = case
    weights = sparse_weights(own.blocks, own.layer.raw.w, COPIES)
    product = SparseProduct(own.layer, COPIES, weights, Room())
    benchmark(product, x, how, SAMPLES)


@pytest.mark.benchmark(group="depthwise layers of a chip")
def test_blocks_of_vectors(benchmark, case):
    own, how, x = case
    places = places_of(own.layer, x, how, Order(True, False))
    weights = [each.in_order(places) for each in parts_of(own, 1, False).weights]
    room = Room()

    def multiply():
        inputs = padded(x, how).movedim(1, -1).contiguous().view(-1).numpy()
        sums = np.zeros(x.numel())
        for each in weights:
            each.add(Vectors(inputs, sums, places, COPIES, room))
        return sums

    benchmark(multiply)


@pytest.mark.benchmark(group="depthwise layers of a chip")
def test_convolution_in_floats(benchmark, case):
    _, how, x = case
    kernel = torch.ones((len(x[0]), 1, *how.kernel))
    benchmark(torch.nn.functional.conv2d, x, kernel, None, 1, how.padding, 1, how.groups)
