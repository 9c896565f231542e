"""A subnet is executed with the weights of a supernet, or with its own, as fine-tuning writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import ofa
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.executable import prepare
from rram_nas_comp_pack.runs.packing.source import Source

SMALL = {"ks": 3, "e": 3, "d": 2}


def front(path: Path, **chosen: int) -> str:
    path.write_text(json.dumps({"num_classes": 10, "networks": [{"sample": SMALL | chosen}]}))
    return f"ofa:{path}#0"


def drawn(path: Path) -> ofa.Subnet:
    """A subnet with random weights and statistics of its own, in a file as fine-tuning writes it."""
    torch.manual_seed(5)
    supernet = ofa.build_supernet(10)
    supernet.set_active_subnet(**SMALL)
    subnet = supernet.get_active_subnet()
    subnet.get_buffer("first_conv.bn.running_mean").fill_(0.25)
    torch.save({"state_dict": subnet.state_dict(), "finetuning": {"epoch": 1}}, path)
    return subnet


def test_a_subnet_s_own_weights_and_statistics_are_used_as_they_are(tmp_path):
    subnet = drawn(tmp_path / "tuned.pth")
    model = front(tmp_path / "front.json")
    found = prepare(Source(model, (3, 32, 32), 0, tmp_path / "tuned.pth"), 8)
    assert found.provenance == (model, "subnet tuned.pth", "8 training images of digits")
    assert not found.module.training
    own = found.module.state_dict()
    assert own.keys() == subnet.state_dict().keys()
    assert all(torch.equal(tensor, own[name]) for name, tensor in subnet.state_dict().items())


def test_the_weights_of_another_subnet_are_refused(tmp_path):
    drawn(tmp_path / "tuned.pth")
    said = r"tuned.pth: blocks.1.conv.inverted_bottleneck.conv.weight: found a tensor of \(48, 16, 1, 1\)"
    with pytest.raises(BadInput, match=said):
        prepare(Source(front(tmp_path / "front.json", e=4), (3, 32, 32), 0, tmp_path / "tuned.pth"), 8)
    with pytest.raises(
        BadInput, match=r"tuned.pth: found 195 tensors, which do not fit the network: 84 missing"
    ):
        prepare(Source(front(tmp_path / "front.json", d=3), (3, 32, 32), 0, tmp_path / "tuned.pth"), 8)


def test_a_supernet_s_weights_get_statistics_of_their_own(tmp_path):
    torch.manual_seed(5)
    ofa.save_checkpoint(ofa.build_supernet(10), tmp_path / "net.pth")
    found = prepare(Source(front(tmp_path / "front.json"), (3, 32, 32), 0, tmp_path / "net.pth"), 8)
    assert found.provenance.weights == "supernet net.pth"
    assert found.module.get_buffer("first_conv.bn.running_mean").any()
