"""The whole command, and what of it is importing torch."""

import subprocess
import sys

import pytest


def run(*words):
    subprocess.run([sys.executable, *words], check=True, capture_output=True)


@pytest.mark.benchmark(group="whole command")
def test_pack_mbv3_small(benchmark, tmp_path):
    words = ("-m", "rram_nas_comp_pack", "pack", "--find-solution", "--no-report", "--log-dir", str(tmp_path))
    benchmark.pedantic(run, words, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="whole command")
def test_import_torch(benchmark):
    benchmark.pedantic(run, ("-c", "import torch"), rounds=5, warmup_rounds=1)
