"""One subnet judged on digits, by two threads and by one, as a worker of the search does."""

from itertools import cycle

import numpy as np
import pytest
import torch

from rram_nas_comp_pack.nas.accuracy import calibrate, finetune, load_context
from rram_nas_comp_pack.nas.genes import sample_genes
from rram_nas_comp_pack.nas.genome import GENOME, decode
from rram_nas_comp_pack.runs.shipped import SUPERNETS


@pytest.fixture(scope="module")
def loaded():
    return load_context(SUPERNETS["digits"], "digits")


@pytest.mark.benchmark(group="one subnet judged on digits")
@pytest.mark.parametrize("threads", [2, 1])
@pytest.mark.parametrize("judge", [calibrate, finetune])
def test_judge(benchmark, loaded, judge, threads):
    torch.set_num_threads(threads)
    subnets = cycle(decode(row) for row in sample_genes(np.random.default_rng(0), GENOME, 12))
    benchmark.pedantic(lambda: judge(loaded, next(subnets)), rounds=12, warmup_rounds=1)
