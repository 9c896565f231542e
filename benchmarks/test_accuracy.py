"""One subnet judged on digits, by two threads and by one, as a worker of the search does."""

from itertools import cycle

import numpy as np
import pytest
import torch

from rram_nas_comp_pack.cli.environment.paper_data import SUPERNET
from rram_nas_comp_pack.nas.accuracy import bench, calibrate, finetune
from rram_nas_comp_pack.nas.genome import decoded, drawn


@pytest.fixture(scope="module")
def loaded():
    return bench(SUPERNET, "digits")


@pytest.mark.benchmark(group="one subnet judged on digits")
@pytest.mark.parametrize("threads", [2, 1])
@pytest.mark.parametrize("judge", [calibrate, finetune])
def test_judge(benchmark, loaded, judge, threads):
    torch.set_num_threads(threads)
    subnets = cycle(decoded(row) for row in drawn(np.random.default_rng(0), 12))
    benchmark.pedantic(lambda: judge(loaded, next(subnets)), rounds=12, warmup_rounds=1)
