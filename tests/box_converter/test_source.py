"""`--model` names a network in five forms, and what it cannot be is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.load import load_network

NETS = """
import torch
from torch import nn

made = nn.Linear(4, 2)
number = 3

def good():
    import late_part
    return nn.Sequential(nn.Flatten(), nn.Linear(12, late_part.OUT))

def raises():
    raise ValueError("first line\\nsecond line")

def exits():
    raise SystemExit(2)

def returns_list():
    return [good()]

class Picky(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 2)
    def forward(self, x):
        return self.fc(x)

def no_layer():
    return nn.Sequential(nn.Flatten(), nn.LayerNorm(12))

def only_bilinear():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.form = nn.Bilinear(4, 4, 2)
        def forward(self, x):
            return self.form(x, x)
    return Net()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a user's networks, as the current directory."""
    (tmp_path / "my_nets.py").write_text(NETS)
    (tmp_path / "late_part.py").write_text("OUT = 7\n")
    (tmp_path / "broken_nets.py").write_text("import no_such_thing\n")
    monkeypatch.chdir(tmp_path)
    for name in ("my_nets", "late_part", "broken_nets"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def refusal(spec: str, input_size: tuple[int, ...] = (3, 2, 2)) -> str:
    with pytest.raises(BadInput) as caught:
        load_network(spec, input_size)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_callable_in_the_current_directory_is_found() -> None:
    path = list(sys.path)
    network = load_network("my_nets:good", (3, 2, 2))
    assert [layer.raw.w for layer in network.layers] == [7]
    assert network.name == "my_nets:good"
    assert sys.path == path


def test_a_class_and_a_module_that_was_made_already_are_taken_too() -> None:
    assert load_network("my_nets:Picky", (5,)).layers[0].name == "fc"
    assert load_network("my_nets:made", (4,)).layers[0].name == "(root)"


def test_a_torchvision_and_a_timm_name_are_traced_without_weights() -> None:
    assert len(load_network("torchvision:squeezenet1_1", (3, 32, 32)).layers) == 26
    assert load_network("timm:test_resnet", (3, 32, 32)).layers[0].kind == "Conv2d"


def test_an_unknown_name_is_answered_with_the_close_ones_and_the_allowed_forms() -> None:
    text = refusal("squezenet")
    assert "unknown model 'squezenet' (did you mean squeezenet?)" in text
    assert "mbv3_small, resnet, resnet18, squeezenet, torchvision:NAME, timm:NAME" in text
    assert "package.module:callable" in text
    assert "FILE.onnx" in text
    assert "torchvision has no model 'resnet81'" in refusal("torchvision:resnet81")
    assert "did you mean resnet18" in refusal("timm:resnet188")
    assert "timm has no model 'hf-hub:some/model'" in refusal("timm:hf-hub:some/model")
    assert "unknown model" in refusal("torchvision:")
    assert "unknown model ''" in refusal("")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mobilenetv3_small", "torchvision:mobilenet_v3_small or mbv3_small"),
        ("VGG-16", "torchvision:vgg16 or timm:vgg16 or "),
        ("torchvision:repvgg-a2", "timm:repvgg_a2"),
        ("timm:shufflenetv2_x10", "torchvision:shufflenet_v2_x1_0"),
    ],
)
def test_names_of_torchvision_and_timm_are_near_too(name: str, told: str) -> None:
    assert told in refusal(name).partition("(did you mean ")[2].partition("?)")[0]
    assert "did you mean" not in refusal("nonsense_net")


def test_a_missing_module_or_attribute_is_named() -> None:
    assert "unknown model 'nowhere.nets:f': no module 'nowhere'" in refusal("nowhere.nets:f")
    assert "my_nets has no 'god' (did you mean good?)" in refusal("my_nets:god")
    assert "cannot import broken_nets (ModuleNotFoundError: No module named 'no_such_thing')" in refusal(
        "broken_nets:f"
    )


def test_a_callable_that_fails_or_makes_something_else_is_refused() -> None:
    assert refusal("my_nets:raises") == "my_nets:raises cannot be built (ValueError: first line)"
    assert "cannot be built (SystemExit: 2)" in refusal("my_nets:exits")
    assert refusal("my_nets:returns_list") == "my_nets:returns_list returned list, not a torch.nn.Module"
    assert refusal("my_nets:number") == "my_nets:number is not callable: int found"


def test_a_network_that_does_not_run_names_the_reason_and_the_input() -> None:
    text = refusal("my_nets:Picky", (3, 2, 2))
    assert "does not run on an input of 1x3x2x2 (RuntimeError: " in text
    assert "--input-size" in text


def test_a_network_without_a_mappable_layer_is_refused() -> None:
    assert "my_nets:no_layer has no layer that can be mapped" in refusal("my_nets:no_layer")
    assert "unsupported: Bilinear" in refusal("my_nets:only_bilinear", (4,))


@pytest.mark.parametrize("size", [(), (3, 0, 4), (-1,)])
def test_an_input_size_must_be_positive(size: tuple[int, ...]) -> None:
    assert "input size" in refusal("squeezenet", size)


def test_a_missing_file_is_named() -> None:
    assert refusal("nets/gone.onnx") == "no such file: nets/gone.onnx"


def test_a_missing_package_is_answered_with_the_command_that_installs_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert refusal("timm:resnet18") == 'timm is not installed: pip install "rram-nas-comp-pack[timm]"'
    (here / "net.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in ("reader", "model_file"):
        monkeypatch.delitem(sys.modules, f"rram_nas_comp_pack.box_converter.onnx.{name}", raising=False)
    assert refusal("net.onnx") == 'onnx is not installed: pip install "rram-nas-comp-pack[onnx]"'
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert refusal("torchvision:resnet18") == "torchvision is not installed: pip install torchvision"


@pytest.mark.parametrize(
    "spec", ["../nets:make", "/tmp/nets:make", "nets.py/:make", "..nets:make", "a b:make"]
)
def test_a_path_is_no_name_of_a_module(spec: str) -> None:
    with pytest.raises(BadInput, match=r"is no name of a Python module; allowed: .*package.module:callable"):
        load_network(spec)
