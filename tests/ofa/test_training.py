"""Progressive shrinking: what each phase trains, and that a run that stopped goes on to the same numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from few_images import recipe, split
from torch.nn import functional

import ofa
from ofa import training
from ofa.architecture import LARGEST
from ofa.checkpoint import shipped
from ofa.recipe import PHASES, Recipe, default_recipe
from ofa.resume import load_run, save_run
from ofa.training import Step, TrainingRun, begin, calibrate_subnet, optimizer_of, train_epoch

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(run: TrainingRun, images: ofa.Split, epochs: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(epochs):
        train_epoch(run, images, lambda step, _steps: steps.append(step))
    return steps


def same(one: ofa.Supernet, other: ofa.Supernet) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_every_phase_opens_one_more_dimension():
    opened = [(len(p.kernels), len(p.depths), len(p.expansions)) for p in PHASES]
    assert opened == [(1, 1, 1), (3, 1, 1), (3, 3, 1), (3, 3, 3)]
    assert [p.name for p in PHASES] == ["full", "kernel", "depth", "expansion"]


def test_a_sandwich_is_the_largest_the_smallest_and_random_subnets_of_the_phase():
    rng = np.random.default_rng(1)
    full = ((7,) * 16, (6,) * 16, (4,) * 4)
    assert PHASES[0].sandwich(rng, 3) == [full]
    assert PHASES[2].sandwich(rng, 0) == [full, ((3,) * 16, (6,) * 16, (2,) * 4)]
    largest, smallest, *drawn = PHASES[3].sandwich(rng, 40)
    assert (largest, smallest) == (full, ((3,) * 16, (3,) * 16, (2,) * 4))
    assert len(set(drawn)) == 40
    for choices, allowed in zip(zip(*drawn, strict=True), ((3, 5, 7), (3, 4, 6), (2, 3, 4)), strict=True):
        assert all(set(at_place) == set(allowed) for at_place in zip(*choices, strict=True))


def test_the_rate_falls_along_half_a_cosine_in_every_phase_later_ones_start_with_half_of_it():
    own = recipe(4, 0, 0, 2)
    assert [own.phase(epoch) for epoch in range(6)] == [(0, 0), (0, 1), (0, 2), (0, 3), (3, 0), (3, 1)]
    rates = [own.rate(epoch, share) for epoch, share in ((0, 0), (2, 0), (3, 0.5), (4, 0), (5, 0))]
    wanted = [1, 0.5, (1 + math.cos(math.pi * 7 / 8)) / 2, 0.5, 0.25]
    assert rates == pytest.approx([own.learning_rate * share for share in wanted])


def test_the_rate_rises_in_the_first_epoch_where_training_starts_with_weights():
    own = replace(in_place(0, 0, 0, 4), start="digits")
    rates = [own.rate(epoch, share) for epoch, share in ((0, 0), (0, 0.5), (1, 0), (2, 0))]
    wanted = [0, 0.5 * (1 + math.cos(math.pi / 8)) / 2, (1 + math.cos(math.pi / 4)) / 2, 0.5]
    assert rates == pytest.approx([own.learning_rate * share for share in wanted])


def test_images_grow_to_their_full_size():
    own = replace(recipe(5, 0, 0, 5), smallest=40)
    assert [own.size(epoch, 64) for epoch in range(10)] == [40, 40, 48, 48, 56, 56, 64, 64, 64, 64]
    assert recipe(5, 0, 0, 5).size(0, 64) == 64


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", (0, 1, 1, 1)), ("batch", 0), ("learning_rate", math.nan), ("weight_decay", -1.0),
     ("optimizer", "adam"), ("seed", -1), ("drawn", -1), ("start", "cifar10"),
     ("smallest", 0)],
)  # fmt: skip
def test_a_recipe_that_cannot_be_followed_is_refused(field, value):
    with pytest.raises(ofa.BadInput, match=rf"^{field}: found .*, allowed: "):
        replace(recipe(1, 1, 1, 1), **{field: value})


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_run_that_stopped_goes_on_to_exactly_the_same_numbers(tmp_path, optimizer):
    own, images = recipe(2, 0, 0, 2, optimizer=optimizer), split(9)
    whole = begin(own, 3)
    steps = trained(whole, images, 4)
    run = begin(own, 3)
    torch.manual_seed(99)  # what else is drawn must not matter
    before: list[Step] = []
    for stop in (1, 2, 3):
        before += trained(run, images, 1)
        save_run(run, tmp_path / str(stop))
    torch.rand(7)
    for stop in (1, 2, 3):
        again = load_run(tmp_path / str(stop), own)
        assert again.epoch == stop
        assert before[: len(before) // 3 * stop] + trained(again, images, 4 - stop) == steps
        assert same(whole.supernet, again.supernet)


def in_place(*epochs: int) -> Recipe:
    return replace(recipe(1, 0, 0, 0), epochs=epochs, in_place=True)


def test_in_place_the_largest_counts_as_much_as_all_others_and_otherwise_all_count_alike():
    assert in_place(1, 0, 0, 1).weights(1) == [1]
    assert in_place(1, 0, 0, 1).weights(4) == [1 / 2, 1 / 6, 1 / 6, 1 / 6]
    assert recipe(1, 0, 0, 1).weights(4) == [1 / 4] * 4


def test_in_place_subnets_learn_what_the_largest_says_in_the_same_step(monkeypatch):
    heard = []
    loss_of = training._loss

    def listening(logits, labels, taught):
        heard.append((logits.detach().softmax(1), taught))
        return loss_of(logits, labels, taught)

    monkeypatch.setattr(training, "_loss", listening)
    run = begin(in_place(1, 0, 0, 1), 3)
    trained(run, split(6), 2)
    (_, alone), (largest, none), *others = heard
    assert alone is None
    assert none is None
    assert len(others) == 2
    assert all(torch.equal(taught, largest) for _, taught in others)
    assert run.teacher is None


def test_in_place_a_run_that_stopped_goes_on_to_exactly_the_same_numbers(tmp_path):
    own, images = in_place(1, 0, 0, 2), split(9)
    whole, run = begin(own, 3), begin(own, 3)
    trained(whole, images, 3)
    trained(run, images, 2)
    save_run(run, tmp_path / "net")
    again = load_run(tmp_path / "net", own)
    trained(again, images, 1)
    assert same(whole.supernet, again.supernet)


def test_training_may_start_with_the_supernet_that_comes_along():
    run = begin(replace(recipe(1, 0, 0, 0), start="digits"), 10)
    assert same(run.supernet, ofa.load_checkpoint(shipped("digits")))


def test_in_place_no_first_phase_is_needed():
    run = begin(in_place(0, 0, 0, 1), 3)
    train_epoch(run, split(6))
    assert run.done
    with pytest.raises(ofa.BadInput, match=r"^epochs: found"):
        in_place(0, 0, 0, 0)


def test_the_seed_alone_decides(tmp_path):
    images = split(6)
    runs = [begin(recipe(1, 0, 0, 0, seed=seed), 3) for seed in (1, 1, 2)]
    state = torch.get_rng_state()
    steps = [trained(run, images, 1) for run in runs]
    assert steps[0] == steps[1] != steps[2]
    assert torch.equal(torch.get_rng_state(), state)


def test_the_network_learns():
    images = split(24)
    run = begin(recipe(6, 1, 1, 1), 3)
    steps = trained(run, images, 6)
    assert steps[-1].loss < 0.6 * steps[0].loss
    assert len(steps) == 24
    trained(run, images, 3)
    assert run.done
    assert ofa.accuracy(calibrate_subnet(run.supernet, LARGEST, images), images) > 0.8
    with pytest.raises(ofa.BadInput, match="9 epochs done"):
        train_epoch(run, images)


def test_the_teacher_is_the_full_network_as_the_first_phase_left_it_with_statistics_of_its_own():
    run, images = begin(recipe(1, 1, 0, 1), 3), split(6)
    train_epoch(run, images)
    full = run.supernet.get_active_subnet()
    ofa.recalibrate(full, images)
    trained(run, images, 2)
    assert run.teacher is not None
    assert run.supernet.active != LARGEST
    assert all(torch.equal(own, full.state_dict()[name]) for name, own in run.teacher.state_dict().items())
    assert all(weight.grad is None for weight in run.teacher.parameters())


def test_subnets_learn_half_from_labels_and_half_from_the_teacher():
    logits, labels = torch.tensor([[1.0, 2.0, 0.5]]), torch.tensor([0])
    taught = torch.tensor([[0.2, 0.5, 0.3]])
    logs = functional.log_softmax(logits, 1)[0]
    wanted = (-logs[0] - (taught[0] * logs).sum()) / 2
    torch.testing.assert_close(training._loss(logits, labels, taught), wanted)
    torch.testing.assert_close(training._loss(logits, labels, None), -logs[0])


def test_channels_are_sorted_once_when_the_expansion_begins_to_shrink(monkeypatch):
    epochs: list[int] = []
    run, images = begin(recipe(1, 1, 1, 2), 3), split(3)
    monkeypatch.setattr(training, "sort_channels", lambda _net: epochs.append(run.epoch))
    trained(run, images, 5)
    assert epochs == [3]


def test_every_weight_is_trained_and_convolutions_decay():
    net = ofa.build_supernet(3)
    decays, rest = optimizer_of(net, recipe(1, 0, 0, 0)).param_groups
    names = {id(weight): name for name, weight in net.named_parameters()}
    assert len(decays["params"]) + len(rest["params"]) == len(names)
    assert (decays["weight_decay"], rest["weight_decay"]) == (0.01, 0)
    assert all(names[id(w)].endswith("weight") and w.dim() > 1 for w in decays["params"])
    kinds = ("bias", "_matrix", "bn.weight")
    assert all(names[id(w)].endswith(kinds) for w in rest["params"])


def test_a_run_in_a_file_is_a_checkpoint_and_small_once_done(tmp_path):
    run, path = begin(recipe(1, 1, 0, 0), 3), tmp_path / "net"
    train_epoch(run, split(3))
    save_run(run, path)
    assert same(ofa.load_checkpoint(path), run.supernet)
    large = path.stat().st_size
    train_epoch(run, split(3))
    save_run(run, path)
    assert path.stat().st_size < large / 2
    assert load_run(path, run.recipe).done


def test_what_is_too_large_for_half_precision_is_refused(tmp_path):
    run = begin(recipe(1, 0, 0, 0), 3)
    run.epoch = 1
    run.supernet.first_conv.bn.running_var[3] = 7e4
    with pytest.raises(ofa.BadInput, match=r"found first_conv.bn.running_var above 65504; allowed is full"):
        save_run(run, tmp_path / "net", half=True)
    assert not (tmp_path / "net").exists()


def test_what_is_no_run_or_another_run_is_refused(tmp_path):
    own, path = recipe(1, 2, 0, 0), tmp_path / "net"
    run = begin(own, 3)
    ofa.save_checkpoint(run.supernet, path)
    with pytest.raises(ofa.BadInput, match="found weights alone; allowed is a file that training wrote"):
        load_run(path, own)
    trained(run, split(3), 2)
    save_run(run, path)
    with pytest.raises(ofa.BadInput, match=r"found a run with optimizer 'adamw', seed 5; allowed"):
        load_run(path, replace(own, optimizer="sgd", seed=6))
    whole = torch.load(path, weights_only=True)
    for name, value in (("recipe", {}), ("epoch", 9), ("epoch", None), ("optimizer", None), ("teacher", 3)):
        torch.save(whole | {"training": whole["training"] | {name: value}}, path)
        with pytest.raises(ofa.BadInput, match="found damaged training state"):
            load_run(path, own)


def test_judging_leaves_the_supernet_as_it_was():
    net, images = ofa.build_supernet(3), split(9)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    small = PHASES[3].sandwich(np.random.default_rng(0), 0)[1]
    subnet = calibrate_subnet(net, small, images)
    assert subnet.first_conv.bn.num_batches_tracked == 1
    assert not torch.equal(subnet.first_conv.bn.running_mean, net.first_conv.bn.running_mean)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert net.active == LARGEST


def test_weights_that_the_last_step_of_an_epoch_ruined_end_the_run(monkeypatch):
    run = begin(recipe(1, 0, 0, 0), 3)

    def ruined(*_args):
        bias = run.supernet.classifier.linear.bias
        bias.grad = torch.full_like(bias, torch.inf)
        return Step(1.0, 1.0)

    monkeypatch.setattr(training, "_backward", ruined)
    with pytest.raises(ofa.BadInput, match=r"in epoch 1; allowed is a learning_rate below 0.002, or another"):
        train_epoch(run, split(3))
    assert run.epoch == 0


def test_customary_recipes():
    assert default_recipe("digits", (1, 2, 3, 4), "sgd", 7) == Recipe(
        "digits", (1, 2, 3, 4), 32, 0.05, 1e-4, "sgd", 7
    )
    with pytest.raises(ofa.BadInput, match="optimizer: found 'adam', allowed: adamw and sgd"):
        default_recipe("digits", optimizer="adam")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_trains_in_mixed_precision_and_goes_on(tmp_path):
    own, images, path = recipe(3, 1, 0, 2), split(24), tmp_path / "net"
    run = begin(own, 3, "cuda")
    steps = trained(run, images, 4)
    save_run(run, path)
    again = load_run(path, own, "cuda")
    assert again.device.type == "cuda"
    steps += trained(again, images, 2)
    assert again.done
    assert all(np.isfinite(step.loss) for step in steps)
    assert steps[-1].loss < steps[0].loss
    assert all(weight.dtype == torch.float32 for weight in again.supernet.parameters())
