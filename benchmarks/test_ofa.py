"""What a search asks of the supernet for every candidate: its layers by arithmetic, and the network itself.

One round takes 100 random subnets.
"""

import numpy as np
import pytest
import torch

import ofa
from ofa.architecture import sample


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
