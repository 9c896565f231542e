"""Evaluations: a subnet that does not fit is not judged, one that fails ends nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_evolve import SMALL, judged
from tiny_bench import Inline, tiny_bench

from rram_nas_comp_pack.errors import CannotBeDone
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas import ofa_space as module
from rram_nas_comp_pack.nas.accuracy import calibrate, finetune
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, compile_subnet
from rram_nas_comp_pack.nas.evaluate import compile_only, evaluate_in_full, evaluate_subnet
from rram_nas_comp_pack.nas.generations import evolve, front
from rram_nas_comp_pack.nas.genes import sample_genes
from rram_nas_comp_pack.nas.genome import GENOME, LENGTH, decode
from rram_nas_comp_pack.nas.ofa_space import AccuracySettings, OfaSpace
from rram_nas_comp_pack.nas.search import Search, evaluate, label_training_subnets, tune_front
from rram_nas_comp_pack.values import Rules

ROOT = Path(__file__).parents[2]
SMALLEST, LARGEST = bytes(LENGTH), bytes([2]) * LENGTH


@pytest.fixture(scope="module")
def settings():
    hardware = load_hardware(ROOT / "SimConfig.ini")
    return CompileSettings(hardware, 211, 8, Rules(), seed=123)


@pytest.fixture
def judging(monkeypatch):
    """Judges by a few images that are in memory already."""
    tiny = tiny_bench()
    monkeypatch.setattr(module, "_context", lambda _judging: tiny)
    return AccuracySettings(Path("net"), "tiny", "calibrate", "cpu", 0, 3)


@pytest.fixture
def space(judging):
    return OfaSpace(judging)


def test_an_outcome_is_what_compiler_and_judge_say(settings, space):
    found = evaluate_subnet(space, settings, SMALLEST)
    chosen = decode(np.frombuffer(SMALLEST, np.int8))
    compiled = compile_subnet(chosen, settings, 64, 3)
    for name in ("speed", "latency_ns", "baseline_ns", "energy_nj", "crossbars", "utilization"):
        assert getattr(found, name) == getattr(compiled, name), name
    assert found.accuracy == calibrate(tiny_bench(), chosen)
    assert (found.excess, found.error) == (0, "")
    tuned = evaluate_subnet(OfaSpace(replace(space.judging, method="finetune")), settings, SMALLEST)
    assert tuned.accuracy == finetune(tiny_bench(), chosen)
    assert compile_only(space, settings, SMALLEST) == replace(found, accuracy=0.0)


def test_a_subnet_that_does_not_fit_is_neither_packed_nor_judged(settings, space, monkeypatch):
    monkeypatch.setattr(module, "ReadySubnet", None)
    least = compile_subnet(decode(np.frombuffer(LARGEST, np.int8)), replace(settings, crossbars=30), 64, 3)
    found = evaluate_subnet(space, replace(settings, crossbars=30), LARGEST)
    assert found.excess == least.lower_bound - 30 > 0
    assert found == replace(type(found)(), excess=found.excess)


def test_a_finished_subnet_has_both_accuracies(settings, space):
    found = evaluate_in_full(space, settings, SMALLEST)
    chosen = decode(np.frombuffer(SMALLEST, np.int8))
    assert found.compiled == compile_subnet(chosen, settings, 64, 3)
    assert (found.validation, found.test) == (
        calibrate(tiny_bench(), chosen),
        calibrate(tiny_bench(), chosen, "test"),
    )


def made_up(monkeypatch):
    """Outcomes without compiling or judging."""
    row = lambda genes: np.frombuffer(genes, np.int8)[None]  # noqa: E731
    for name in ("evaluate_subnet", "compile_only"):
        monkeypatch.setattr(f"rram_nas_comp_pack.nas.search.{name}", lambda _j, _s, g: judged(row(g))[0])


def test_one_bad_subnet_is_recorded_and_the_search_goes_on(settings, space, monkeypatch):
    made_up(monkeypatch)
    broken = next(iter(next(evolve(GENOME, SMALL, judged)).known))
    search = Search(SMALL, settings, space, Inline({broken}))
    counted = []
    *_, last = evolve(GENOME, SMALL, lambda genes: evaluate(search, None, counted.append, genes))
    assert (last.known[broken].error, last.known[broken].excess) == ("ValueError: no", np.inf)
    assert len(last.populations) == SMALL.generations
    assert broken not in [row.tobytes() for row in front(last, SMALL.objectives)]
    assert counted[:12] == list(range(1, 13))


def test_where_all_fail_alike_the_search_ends_with_their_error(settings, space, monkeypatch):
    made_up(monkeypatch)
    genes = sample_genes(np.random.default_rng(0), GENOME, 5)
    search = Search(SMALL, settings, space, Inline([row.tobytes() for row in genes]))
    with pytest.raises(CannotBeDone, match="no subnet can be evaluated: ValueError: no"):
        evaluate(search, None, int, genes)


def test_a_predictor_gives_the_accuracies_of_what_fits(settings, space, monkeypatch):
    made_up(monkeypatch)
    genes = sample_genes(np.random.default_rng(0), GENOME, 30)
    search = Search(SMALL, settings, space, Inline())
    found = evaluate(search, lambda rows: np.arange(len(rows)) / 100, int, genes)
    plain = [judged(row[None])[0] for row in genes]
    for i, (own, before) in enumerate(zip(found, plain, strict=True)):
        assert own == (replace(before, accuracy=i / 100) if before.excess <= 0 else before)


def test_what_a_predictor_learns_is_drawn_by_the_seed_and_calibrated(settings, space):
    search = Search(SMALL, settings, space, Inline())
    genes, accuracies = label_training_subnets(search, 4, int)
    again, _ = label_training_subnets(search, 4, int)
    other, _ = label_training_subnets(replace(search, options=replace(SMALL, seed=4)), 4, int)
    assert np.array_equal(genes, again)
    assert not np.array_equal(genes, other)
    assert accuracies.tolist() == [calibrate(tiny_bench(), decode(row)) for row in genes]
    broken = replace(search, engine=Inline({genes[1].tobytes()}))
    assert np.array_equal(label_training_subnets(broken, 4, int)[0], genes[[0, 2, 3]])


def test_the_front_is_compiled_by_the_full_tuner(settings, space):
    search = Search(SMALL, settings, space, Inline())
    found = tune_front(search, 400, np.zeros((1, LENGTH), np.int8), int)
    assert found == [evaluate_in_full(space, replace(settings, quick=False, steps=400), SMALLEST)]
