"""Training for one chip: what its cells hold, told weight by weight; and fine-tuning that meets that chip."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from few_images import folder, split
from torch import nn

import ofa
from ofa.__main__ import main
from ofa.architecture import configuration
from ofa.finetuning import (
    begin_finetuning,
    finetune_epoch,
    load_finetuning,
    noisy_accuracies,
    save_finetuning,
)
from ofa.known_chip import EIGHTHS, chip_products, chip_under, choose_eighths, faults_of, read_faults
from ofa.noise import apply_stuck, quantise_weights, sum_slices
from ofa.options import parse
from ofa.recipe import FineTuning, Noise

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = configuration(3, 3, 2)


def drawn(shape, copies=2, rate=0.1, seed=0):
    """States of cells int8 (copies, 2, 7, *shape)."""
    random = np.random.default_rng(seed).random((copies, 2, 7, *shape))
    return ((random < rate).astype(np.int8) + (random < rate / 2)).astype(np.int8)


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))


def cells_of(subnet, **how):
    products = {n: m for n, m in subnet.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    return {f"{n}.weight": drawn(tuple(m.weight.shape), **how) for n, m in products.items()}


def held_directly(weights, states, eighths):
    """The weights that cells of these states (2, 7, *shape) hold at scales (out,)."""
    codes, steps = quantise_weights(weights)
    factors = eighths.view(-1, *[1] * (weights.dim() - 1)) / 8
    levels = apply_stuck(torch.from_numpy(states), torch.round(codes / factors), "fault-aware")
    return sum_slices(levels) * steps * factors


def test_products_are_those_of_one_copy_s_weights_as_its_cells_hold_them():
    module, generator = net(), torch.Generator().manual_seed(0)
    cells = cells_of(module)
    chip = chip_under(module, faults_of(cells, "", "fault-aware"), 0.0)
    weights = module[0].weight
    eighths = chip.eighths[id(weights)].flatten()
    copies = [held_directly(weights.detach(), own, eighths) for own in cells["0.weight"]]
    x, found = torch.eye(18).view(18, 2, 3, 3), []
    for _ in range(8):
        with chip_products(chip, generator), torch.no_grad():
            y = nn.functional.conv2d(x, weights)
        held = y.flatten(1).T.view_as(weights)
        found.append([torch.allclose(held, copy, atol=1e-6) for copy in copies])
    assert all(sum(each) == 1 for each in found)
    assert {each.index(True) for each in found} == {0, 1}


def test_each_channel_has_the_scale_of_least_error_over_its_copies():
    weights = torch.randn(7, 3, 3, 3, generator=torch.Generator().manual_seed(2))
    states = drawn((7, 3, 3, 3), copies=3)
    faults = faults_of({"w": states}, "", "fault-aware")
    codes, steps = quantise_weights(weights)
    chosen = choose_eighths(codes, faults.patterns["w"], faults).flatten()
    errors = [
        sum(
            ((codes * steps - held_directly(weights, own, torch.full((7,), float(e)))) / steps)
            .square().flatten(1).sum(1)
            for own in states
        )
        for e in EIGHTHS
    ]  # fmt: skip
    assert chosen.tolist() == [EIGHTHS[i] for i in torch.stack(errors).argmin(0)]
    assert len(set(chosen.tolist())) > 1
    plain = faults_of({"w": states}, "", "plain")
    assert set(choose_eighths(codes, plain.patterns["w"], plain).flatten().tolist()) == {8.0}


def test_gradients_pass_straight_through_and_variation_is_drawn_anew():
    module, generator = net(), torch.Generator().manual_seed(0)
    chip = chip_under(module, faults_of(cells_of(module, copies=1), "", "fault-aware"), 0.05)
    x = torch.rand(2, 2, 4, 4)
    outputs = []
    for _ in range(2):
        with chip_products(chip, generator):
            outputs.append(module(x))
    assert not torch.equal(*outputs)
    outputs[0].square().sum().backward()
    assert all((p.grad != 0).any() for p in module.parameters())


def supernet() -> ofa.Supernet:
    torch.manual_seed(0)
    return ofa.build_supernet(3)


def smallest(net: ofa.Supernet) -> ofa.Subnet:
    net.set_active_subnet(*SMALL)
    return net.get_active_subnet()


def test_a_subnet_learns_to_live_with_a_chip_and_goes_on_to_the_same_numbers(tmp_path):
    images, net = split(12), supernet()
    cells = cells_of(smallest(net), copies=1, rate=0.003)
    cells["first_conv.conv.weight"] = drawn((16, 3, 3, 3), copies=1, rate=0.5)
    faults = faults_of(cells, "a", "fault-aware")
    recipe = FineTuning("few", SMALL, Noise(variation=0.01, encoding="fault-aware"), 3, 1e-3, 5, 6, "a")
    run = begin_finetuning(recipe, net, images, faults)
    finetune_epoch(run, images)
    save_finetuning(run, tmp_path / "net")
    again = load_finetuning(tmp_path / "net", recipe, faults=faults)
    for each in (run, again):
        finetune_epoch(each, images)
    pairs = zip(run.subnet.state_dict().values(), again.subnet.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    finetune_epoch(run, images)
    assert noisy_accuracies(run.subnet, images, run.cells, 1)[0] > 0.8
    with pytest.raises(ofa.BadInput, match="found a run with chip 'a'"):
        load_finetuning(tmp_path / "net", replace(recipe, chip="b"), faults=faults)


def test_the_command_trains_for_a_file_and_knows_it_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ofa.commands.DRAWN_CHIPS", 1)
    ofa.save_checkpoint(supernet(), tmp_path / "supernet")
    np.savez(tmp_path / "faults.npz", **cells_of(smallest(supernet()), copies=1, rate=0.003))
    argv = [
        *("finetune", "--checkpoint", str(tmp_path / "supernet"), "--subnet", '{"ks": 3, "e": 3, "d": 2}'),
        *("--dataset", folder(tmp_path / "images"), "--out", str(tmp_path / "net"), "--device", "cpu"),
        *("--epochs", "1", "--chip", str(tmp_path / "faults.npz")),
    ]
    assert main(argv) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["chip"] == str(tmp_path / "faults.npz")
    assert line["noise"] == {
        "stuck_high": 0.0, "stuck_low": 0.0, "variation": 0.01, "encoding": "fault-aware"
    }  # fmt: skip
    np.savez(tmp_path / "faults.npz", **cells_of(smallest(supernet()), copies=1, rate=0.003, seed=1))
    assert main([*argv, "--resume"]) == 2
    assert "found a run with chip '" in capsys.readouterr().err


def test_options_of_a_chip():
    own = ["finetune", "--checkpoint", "net", "--out", "new", "--chip", "a.npz"]
    assert parse(own).recipe.noise == Noise(variation=0.01, encoding="fault-aware")
    assert parse([*own, "--noise", "0,0,5", "--encoding", "plain"]).recipe.noise == Noise(variation=0.05)
    with pytest.raises(ofa.BadInput, match="--noise: found stuck cells with --chip"):
        parse([*own, "--noise", "1,0"])


def test_a_file_of_something_else_is_one_line(tmp_path):
    module, path = net(), tmp_path / "faults.npz"
    good = cells_of(module)
    wrong = {
        "missing": {"0.weight": good["0.weight"]},
        "unexpected": good | {"more": good["0.weight"]},
        "found states 2 x 2 x 7 x 3, allowed is copies x 2 x 7 x 6 x 2 x 3 x 3": good
        | {"0.weight": good["0.weight"][..., 0, 0, 0, :3]},
        "other states than 0, 1 and 2": good | {"0.weight": good["0.weight"] + 1},
    }
    for said, arrays in wrong.items():
        np.savez(path, **arrays)
        with pytest.raises(ofa.BadInput, match=said) as caught:
            read_faults(path, module)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(ofa.BadInput, match="a damaged file"):
        read_faults(path, module)
    with pytest.raises(ofa.BadInput, match="cannot be read"):
        read_faults(tmp_path / "none", module)
