"""What a search asks of the supernet for every candidate: its layers by arithmetic, and the network itself.

One round takes 100 random subnets. Then what training takes: images of clutter, and the gradients of the
depthwise convolutions of the largest subnet's last blocks by torch and by its own kernels.
"""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from numpy.random import PCG64

import ofa
from ofa.architecture import sample
from ofa.clutter import GRID, Clutter
from ofa.depthwise import fast_depthwise


@pytest.fixture(scope="module")
def chosen():
    torch.set_num_threads(1)
    return [sample(np.random.default_rng(seed)) for seed in range(100)]


def test_layer_shapes_of_100_subnets(benchmark, chosen):
    benchmark(lambda: [ofa.layer_shapes(*each) for each in chosen])


def test_extraction_of_100_subnets(benchmark, chosen):
    net = ofa.build_supernet().eval()

    def extract():
        for each in chosen:
            net.set_active_subnet(*each)
            net.get_active_subnet()

    benchmark.pedantic(extract, rounds=10, warmup_rounds=1)


def test_extraction_of_the_largest_subnet(benchmark):
    torch.set_num_threads(1)
    net = ofa.build_supernet().eval()
    benchmark.pedantic(net.get_active_subnet, rounds=300, warmup_rounds=50)


def test_drawing_1000_images_of_clutter(benchmark):
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    source = Clutter(rng.integers(17, size=(1000, GRID, GRID)), np.arange(1000) % 10)
    benchmark.pedantic(source.draw, (1000, PCG64(1)), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("how", [nullcontext, fast_depthwise], ids=["torch", "own"])
@pytest.mark.benchmark(group="gradients of a depthwise convolution, 7 x 7 on 4 x 4 x 576")
def test_gradients_of_a_depthwise_convolution(benchmark, how):
    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(576, 576, 7, padding=3, groups=576, bias=False)
    x = torch.randn(32, 576, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()

    def step():
        with how():
            layer(x).sum().backward()

    benchmark.pedantic(step, rounds=10, warmup_rounds=1)
