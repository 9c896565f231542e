"""The integers of a digits subnet beside its floats, on one core: time, and how many images are right.

`test_time` of `exact` over that of `float` in the same run is the ratio that counts.
"""

from typing import NamedTuple

import pytest
import torch

import ofa
from ofa.architecture import configuration
from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.torch.trace import record
from rram_nas_comp_pack.execution.calibration import Batch, quantise_network
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.image import Provenance, make_image
from rram_nas_comp_pack.execution.network import Arguments, Replaced, Scaling, by_integers
from rram_nas_comp_pack.nas.accuracy import calibrate_subnet, load_context
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.runs.shipped import SUPERNETS
from rram_nas_comp_pack.values import CrossbarSize, Rules

SUBNETS = {"smallest": (3, 3, 2), "largest": (7, 6, 4)}
SIZE = CrossbarSize(128, 128)


class Loaded(NamedTuple):
    net: torch.nn.Module
    replaced: Replaced
    instead: object
    images: ofa.Images

    def floats(self, x):
        with torch.no_grad():
            return self.net(x)

    def integers(self, x):
        return self.replaced.run(Arguments([x], {}), self.instead)


@pytest.fixture(scope="module", params=SUBNETS)
def loaded(request):
    torch.set_num_threads(1)
    judge = load_context(SUPERNETS["digits"], "digits")
    net = calibrate_subnet(judge, configuration(*SUBNETS[request.param])).eval()
    recording = record(net, (3, 64, 64), request.param)
    samples = [Batch(Arguments([x], {}), len(x)) for x, _ in ofa.batches(judge.images.train.first(320), 80)]
    network = quantise_network(net, recording, samples)
    mappings = partition(recording.network.layers, SIZE)
    placements = pack_mappings(mappings, SIZE, Rules(), PackingSettings("fast")).placements
    image = make_image(mappings, placements, SIZE, network, Provenance(request.param, "digits", "digits"))
    scalings = [Scaling(*each) for each in zip(image.ranges, image.scales, strict=True)]
    with Replaced(net, image.layers) as replaced:
        yield Loaded(net, replaced, by_integers(ExactProduct(image), scalings), judge.images)


@pytest.mark.benchmark(group="digits subnets in integers")
@pytest.mark.parametrize("batch", [1, 125])
@pytest.mark.parametrize("path", ["float", "exact"])
def test_time(benchmark, loaded, path, batch):
    x, _ = next(ofa.batches(loaded.images.test, batch))
    run = loaded.floats if path == "float" else loaded.integers
    benchmark.pedantic(lambda: run(x), rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="digits subnets in integers")
def test_accuracy(benchmark, loaded):
    """Within half a point of the floats."""

    def right(run):
        return sum(int((run(x).argmax(1) == y).sum()) for x, y in ofa.batches(loaded.images.test, 125))

    images = len(loaded.images.test)
    shares = {name: right(getattr(loaded, name)) / images for name in ("floats", "integers")}
    benchmark.extra_info.update(shares)
    benchmark.pedantic(lambda: None, rounds=1)
    assert abs(shares["integers"] - shares["floats"]) <= 0.005
