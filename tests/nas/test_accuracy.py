"""Three ways to judge a subnet: each the same for a seed, whatever was judged before."""

import numpy as np
import pytest
import torch
from tiny_bench import tiny_bench
from torch.nn import functional

import ofa
from ofa.architecture import configuration
from rram_nas_comp_pack.errors import BadInput, CannotBeDone
from rram_nas_comp_pack.nas import accuracy as module
from rram_nas_comp_pack.nas.accuracy import calibrate, device_of, finetune, load_context, predictor
from rram_nas_comp_pack.nas.genes import one_hot, sample_genes
from rram_nas_comp_pack.nas.genome import GENOME

SMALLEST, LARGEST = configuration(3, 3, 2), configuration(7, 6, 4)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def logits_of(monkeypatch, judge, tiny, chosen, split="validation"):
    """What a judge's subnet says of the images that it is judged by."""
    seen = []

    def spy(subnet, images):
        seen.append((subnet.eval()(next(ofa.batches(images, 99))[0]).detach(), len(images)))
        return 0.25

    monkeypatch.setattr(ofa, "accuracy", spy)
    assert judge(tiny, chosen, split) == 0.25
    return seen[0]


def test_calibrated_is_extracted_recalibrated_and_judged(monkeypatch):
    tiny = tiny_bench()
    tiny.supernet.set_active_subnet(*SMALLEST)
    subnet = tiny.supernet.get_active_subnet()
    ofa.recalibrate(subnet, tiny.images.train)
    assert calibrate(tiny, SMALLEST) == ofa.accuracy(subnet, tiny.images.validation)
    assert calibrate(tiny, SMALLEST, "test") == ofa.accuracy(subnet, tiny.images.test)
    found, count = logits_of(monkeypatch, calibrate, tiny, SMALLEST)
    assert count == 9
    assert torch.equal(found, subnet.eval()(next(ofa.batches(tiny.images.validation, 9))[0]))


def test_finetuning_is_an_epoch_of_the_papers_sgd_on_a_50th_of_the_training_images(monkeypatch):
    tiny, shown, made = tiny_bench(), [], []
    sgd = torch.optim.SGD
    monkeypatch.setattr(torch.optim, "SGD", lambda *a, **k: made.append((a[1:], k)) or sgd(*a, **k))
    own = ofa.batches
    monkeypatch.setattr(ofa, "batches", lambda *a, **k: shown.append((len(a[0]), a[1])) or own(*a, **k))
    finetune(tiny, SMALLEST)
    assert made == [((1e-3,), {"momentum": 0.9, "weight_decay": 1e-4})]
    assert shown == [(2, 64)]  # 60 / 50, rounded up


def test_finetuning_lowers_the_loss_on_what_it_trains_on(monkeypatch):
    monkeypatch.setattr(module, "SHARE", 1)
    tiny, labels = tiny_bench(), torch.arange(9) % 3
    plain, _ = logits_of(monkeypatch, calibrate, tiny, SMALLEST)
    tuned, _ = logits_of(monkeypatch, finetune, tiny, SMALLEST)
    assert functional.cross_entropy(tuned, labels) < functional.cross_entropy(plain, labels)


@pytest.mark.parametrize("judge", [calibrate, finetune])
def test_what_was_judged_before_and_other_random_numbers_do_not_matter(monkeypatch, judge):
    first, _ = logits_of(monkeypatch, judge, tiny_bench(), SMALLEST)
    tiny = tiny_bench()
    before = {name: tensor.clone() for name, tensor in tiny.supernet.state_dict().items()}
    judge(tiny, LARGEST)
    torch.rand(5)
    state = torch.get_rng_state()
    again, _ = logits_of(monkeypatch, judge, tiny, SMALLEST)
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.supernet.state_dict().items())


def test_the_seed_decides_how_a_subnet_is_finetuned(monkeypatch):
    monkeypatch.setattr(module, "SHARE", 2)
    one, two = (logits_of(monkeypatch, finetune, tiny_bench(seed), SMALLEST)[0] for seed in (0, 1))
    assert not torch.equal(one, two)


def taught(count, noise, seed=0):
    rng = np.random.default_rng(seed)
    genes = sample_genes(rng, GENOME, count)
    signal = one_hot(GENOME, genes) @ rng.normal(size=108)
    return genes, 0.9 + 0.01 * signal / signal.std() + noise * rng.normal(size=count)


def test_a_predictor_ranks_subnets_that_it_has_not_seen():
    genes, accuracies = taught(300, 0.001)
    found = predictor(GENOME, genes[:250], accuracies[:250], seed=0)
    assert found.tau > 0.7
    assert abs(found(genes[250:]) - accuracies[250:]).mean() < 0.006
    assert np.array_equal(predictor(GENOME, genes[:250], accuracies[:250], seed=0)(genes), found(genes))
    assert ((found(genes) >= 0) & (found(genes) <= 1)).all()


def test_tau_is_of_every_fifth_subnet_none_of_which_it_was_trained_on():
    genes, accuracies = taught(200, 0.001)
    spoilt = accuracies.copy()
    spoilt[::5] = np.random.default_rng(1).random(40)
    assert abs(predictor(GENOME, genes, spoilt, 0, trusted=-1).tau) < 0.3
    assert np.array_equal(
        predictor(GENOME, genes, spoilt, 0, trusted=-1)(genes), predictor(GENOME, genes, accuracies, 0)(genes)
    )


def test_a_predictor_that_ranks_by_chance_is_refused_unless_told():
    genes, accuracies = taught(100, 0.1)
    with pytest.raises(CannotBeDone, match=r"Kendall's tau is -?0\.\d\d on 20 .* allowed is at least 0\.7;"):
        predictor(GENOME, genes, accuracies, 0)
    assert predictor(GENOME, genes, accuracies, 0, trusted=-1).tau < 0.7
    with pytest.raises(CannotBeDone, match="tau is nan"):
        predictor(GENOME, genes, np.full(100, 0.5), 0)
    with pytest.raises(BadInput, match="found 9 subnets to learn from, allowed is at least 10"):
        predictor(GENOME, genes[:9], accuracies[:9], 0)


def test_a_bench_needs_a_checkpoint_images_and_equal_classes(tmp_path):
    with pytest.raises(BadInput, match=r"none\.pth: cannot be read"):
        load_context(tmp_path / "none.pth", "digits")
    ofa.save_checkpoint(tiny_bench().supernet, tmp_path / "three.pth")
    with pytest.raises(BadInput, match="found 3 classes, allowed are the 10 of digits"):
        load_context(tmp_path / "three.pth", "digits")
    with pytest.raises(BadInput, match="images: found 'mnist'"):
        load_context(tmp_path / "three.pth", "mnist")


def test_a_device_that_is_not_here_is_refused():
    assert device_of("cpu") == "cpu"
    assert device_of(None) in ("cpu", "cuda")
    with pytest.raises(BadInput, match=r"--device: found 'tpu', allowed here: cpu"):
        device_of("tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("judge", [calibrate, finetune])
def test_a_gpu_says_what_the_cpu_says(monkeypatch, judge):
    tiny = tiny_bench()
    plain, _ = logits_of(monkeypatch, judge, tiny, SMALLEST)
    tiny.supernet.to("cuda")
    shown = ofa.batches
    monkeypatch.setattr(ofa, "batches", lambda *a, **k: ((x.cuda(), y) for x, y in shown(*a, **k)))
    found, _ = logits_of(monkeypatch, judge, tiny, SMALLEST)
    torch.testing.assert_close(found.cpu(), plain, atol=2e-2, rtol=0)
    again, _ = logits_of(monkeypatch, judge, tiny, SMALLEST)
    torch.testing.assert_close(again, found, atol=1e-3, rtol=0)
