"""Fine-tuning a subnet under noise: it learns, goes on to the same numbers, refuses what is not its own."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest
import torch
from few_images import split

import ofa
from ofa import finetuning
from ofa.architecture import Configuration, configuration
from ofa.finetuning import (
    FineTuningRun,
    begin_finetuning,
    finetune_epoch,
    load_finetuning,
    noisy_accuracies,
    save_finetuning,
)
from ofa.recipe import FineTuning, Noise
from ofa.training import Step

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = configuration(3, 3, 2)


def recipe(epochs: int = 2, noise: Noise | None = None, chosen: Configuration = SMALL) -> FineTuning:
    return FineTuning("few", chosen, noise or Noise(0.01, 0.01, 0.01), epochs, 2e-3, 5, 6)


def supernet() -> ofa.Supernet:
    torch.manual_seed(0)
    return ofa.build_supernet(3)


def trained(run: FineTuningRun, images: ofa.Split, epochs: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(epochs):
        finetune_epoch(run, images, lambda step, _steps: steps.append(step))
    return steps


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_subnet_learns_under_noise_and_the_supernet_stays():
    images, net = split(24), supernet()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    run = begin_finetuning(replace(recipe(6), learning_rate=1e-3), net, images)
    steps = trained(run, images, 6)
    assert run.done
    assert len(steps) == 24
    first, last = (fmean(step.loss for step in own) for own in (steps[:4], steps[-4:]))
    assert last < 0.6 * first
    assert fmean(noisy_accuracies(run.subnet, images, run.recipe.noise, 3)) > 0.5
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    with pytest.raises(ofa.BadInput, match="6 epochs done"):
        finetune_epoch(run, images)


def test_a_run_that_stopped_goes_on_to_exactly_the_same_numbers(tmp_path):
    images, path = split(9), tmp_path / "net"
    whole = begin_finetuning(recipe(3), supernet(), images)
    steps = trained(whole, images, 3)
    run = begin_finetuning(recipe(3), supernet(), images)
    torch.manual_seed(99)  # what else is drawn must not matter
    before = trained(run, images, 1)
    save_finetuning(run, path)
    torch.rand(7)
    again = load_finetuning(path, recipe(3))
    assert again.epoch == 1
    assert before + trained(again, images, 2) == steps
    assert same(whole.subnet, again.subnet)
    save_finetuning(again, path)
    assert load_finetuning(path, recipe(3)).done


def test_the_seed_alone_decides():
    images, own, net = split(6), recipe(1), supernet()
    state = torch.get_rng_state()
    runs = [begin_finetuning(replace(own, seed=seed), net, images) for seed in (1, 1, 2)]
    steps = [trained(run, images, 1) for run in runs]
    assert steps[0] == steps[1] != steps[2]
    assert torch.equal(torch.get_rng_state(), state)


def test_every_batch_meets_chips_of_its_own(monkeypatch):
    met: list[int] = []
    drawn = torch.Generator.get_state
    images = split(12)
    run = begin_finetuning(recipe(1), supernet(), images)
    products = finetuning.noisy_products

    def watched(noise, chips):
        met.append(hash(drawn(chips).numpy().tobytes()))
        return products(noise, chips)

    monkeypatch.setattr(finetuning, "noisy_products", watched)
    trained(run, images, 1)
    assert len(set(met)) == len(met) == 3  # two batches, and the norms


def test_norms_keep_their_statistics_while_training_and_get_those_under_noise_after_an_epoch(monkeypatch):
    images = split(6)
    run = begin_finetuning(recipe(1), supernet(), images)
    norm = run.subnet.first_conv.bn
    before = norm.running_mean.clone()
    monkeypatch.setattr(finetuning, "recalibrate", lambda *_args: None)
    trained(run, images, 1)
    assert torch.equal(norm.running_mean, before)
    monkeypatch.undo()
    again = begin_finetuning(recipe(1), supernet(), images)
    trained(again, images, 1)
    assert not torch.equal(again.subnet.first_conv.bn.running_mean, before)


def test_every_image_meets_the_same_chip_whatever_the_batches(monkeypatch):
    images = split(9)
    run = begin_finetuning(recipe(1), supernet(), images)
    trained(run, images, 1)
    noise = Noise(0.02, 0.02)
    found = noisy_accuracies(run.subnet, images, noise, 2)
    assert found == noisy_accuracies(run.subnet, images, noise, 2)
    drawn: list[torch.Tensor] = []
    keep = ofa.noise.noisy_weights
    monkeypatch.setattr("ofa.noise.noisy_weights", lambda *args: drawn.append(keep(*args)) or drawn[-1])
    judged = ofa.calibration.accuracy
    monkeypatch.setattr(finetuning, "accuracy", lambda net, own, around: judged(net, own, 3, around))
    noisy_accuracies(run.subnet, images, noise, 1)
    per_batch = len(drawn) // 3
    assert all(torch.equal(a, b) for a, b in zip(drawn[:per_batch], drawn[per_batch:], strict=False))


def test_the_file_is_the_subnet_s_state_dict(tmp_path):
    images, path = split(6), tmp_path / "net"
    run = begin_finetuning(recipe(1), supernet(), images)
    trained(run, images, 1)
    save_finetuning(run, path)
    found = torch.load(path, weights_only=True)
    assert found.keys() == {"state_dict", "finetuning"}
    assert found["finetuning"].keys() == {"recipe", "epoch"}
    assert same(ofa.load_subnet(path, SMALL), run.subnet)
    with pytest.raises(ofa.BadInput, match=r"net: found .* entries: .* missing"):
        ofa.load_subnet(path, configuration(3, 3, 3))
    with pytest.raises(ofa.BadInput, match=r"blocks.1.conv.inverted_bottleneck.conv.weight: found shape"):
        ofa.load_subnet(path, configuration(3, 4, 2))


def test_what_is_no_run_or_another_run_is_refused(tmp_path):
    path, images = tmp_path / "net", split(3)
    ofa.save_checkpoint(supernet(), path)
    with pytest.raises(ofa.BadInput, match="found no fine-tuning; allowed is a file that fine-tuning wrote"):
        load_finetuning(path, recipe())
    run = begin_finetuning(recipe(), supernet(), images)
    trained(run, images, 1)
    save_finetuning(run, path)
    with pytest.raises(ofa.BadInput, match=r"found a run with noise .*, epochs 2; allowed"):
        load_finetuning(path, recipe(3, Noise(0.1)))
    whole = torch.load(path, weights_only=True)
    for name, value in (("recipe", {}), ("epoch", 9), ("epoch", None), ("optimizer", None)):
        torch.save(whole | {"finetuning": whole["finetuning"] | {name: value}}, path)
        with pytest.raises(ofa.BadInput, match="found a damaged run"):
            load_finetuning(path, recipe())


@pytest.mark.parametrize(
    ("field", "value"), [("epochs", 0), ("learning_rate", 0.0), ("seed", -1), ("batch", 0)]
)
def test_a_recipe_that_cannot_be_followed_is_refused(field, value):
    with pytest.raises(ofa.BadInput, match=rf"^{field}: found .*, allowed: "):
        replace(recipe(), **{field: value})


def test_a_loss_that_is_not_finite_ends_the_run():
    run = begin_finetuning(recipe(), supernet(), split(3))
    with torch.no_grad():
        run.subnet.get_parameter("classifier.linear.bias").fill_(torch.nan)
    with pytest.raises(ofa.BadInput, match="found a loss of nan in epoch 1; allowed is less --noise"):
        finetune_epoch(run, split(3))
