"""`pack --image`, `image` and `verify --execute`: what a run's crossbars are loaded with, and compute."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from tiny_runs import call, is_one_line, pack

import ofa
from ofa.known_chip import read_faults
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.executable import asked, prepare
from rram_nas_comp_pack.runs.packing.chip_image import read_image
from rram_nas_comp_pack.runs.packing.source import Source

NETS = '''
import torch
from torch import nn


def net():
    """A convolution, a depthwise one and a linear layer of two boxes."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 16, 3, groups=16), nn.Flatten(), nn.Linear(64, 200)),
    )


def other():
    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(256, 200))
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    (folder / "image_nets.py").write_text(NETS)
    from rram_nas_comp_pack.hardware.config.read import SHIPPED

    (folder / "quiet.ini").write_text(SHIPPED.read_text().replace("DAC_Num = 256", "DAC_Num = 128"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def made(place):
    """A run with copies and an image."""
    argv = ("--num-crossbars", 12, "--duplicate", "--tune-effort", 0, "--image", "--calibration", 4)
    status, _, err = pack(place / "log", *argv, model="image_nets:net")
    assert status == 0, err
    return place / "log" / "packing" / "t"


@pytest.fixture
def run(made, tmp_path):
    """A copy of that run, to spoil."""
    return shutil.copytree(made, tmp_path / "run")


def weights_of(place, name="net"):
    torch.manual_seed(5)
    sys.path.insert(0, str(place))
    module = getattr(__import__("image_nets"), name)()
    return dict(module.state_dict())


def test_an_image_lies_beside_the_layout_and_says_where_it_comes_from(made):
    image = read_image(made / "chip_image.npz")
    assert image.provenance == ("image_nets:net", "random, seed 123", "4 random inputs, seed 123")
    assert image.mappings[0].copies > 1
    assert [layer.depthwise for layer in image.layers] == [False, True, False]
    assert set(image.digital) == {
        *("0.bias", "3.bias", "5.bias", "1.weight", "1.bias"),
        *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
    }


def test_the_image_command_makes_the_same_image(run):
    before = (run / "chip_image.npz").read_bytes()
    (run / "chip_image.npz").unlink()
    status, out, err = call("image", run, "--calibration", 4)
    assert (status, err) == (0, "")
    assert "random, seed 123" in out
    assert (run / "chip_image.npz").read_bytes() == before


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_computes_what_its_network_does_with_an_image_or_without(run, kept):
    if not kept:
        (run / "chip_image.npz").unlink()
    status, out, err = call("verify", run, "--execute")
    assert (status, err) == (0, "")
    assert out.endswith(" boxes; every integer is that of the integer network\n")


def test_a_wrong_cell_is_named_with_its_place(run):
    path = run / "chip_image.npz"
    with np.load(path) as file:
        held = {key: file[key] for key in file.files}
    crossbar, x, y = next((p[1], p[2], p[3]) for p in held["placements"].tolist() if p[0] == 2)
    spot = held["weights"][crossbar, y, x : x + 5]
    spot[:] = spot // 2 + 3
    np.savez(path, **held)
    status, out, err = call("verify", run, "--execute")
    assert (status, err) == (1, "")
    assert is_one_line(out)
    assert "(Linear_2, 5) position 0 channel " in out
    assert f"on crossbar {crossbar}" in out


def test_an_image_of_another_layout_is_refused(run, place):
    argv = ("--num-crossbars", 12, "--image", "--calibration", 1)
    status, _, err = pack(place / "log", *argv, model="image_nets:net", exp_id="plain")
    assert status == 0, err
    shutil.copy(place / "log" / "packing" / "plain" / "chip_image.npz", run)
    status, out, err = call("verify", run, "--execute")
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "image of another layout" in err


def as_safetensors(weights):
    """The bytes of such a file, by its published description."""
    kinds, entries, values = {torch.float32: "F32", torch.int64: "I64"}, {"__metadata__": {"a": "b"}}, b""
    for name, x in weights.items():
        begin, values = len(values), values + x.numpy().tobytes()
        place = [begin, len(values)]
        entries[name] = {"dtype": kinds[x.dtype], "shape": list(x.shape), "data_offsets": place}
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + values


@pytest.mark.parametrize("suffix", [".pth", ".npz", ".safetensors"])
def test_weights_come_from_a_file(run, place, tmp_path, suffix):
    weights, path = weights_of(place), tmp_path / f"trained{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.{name}": x for name, x in weights.items()}}, path)
    elif suffix == ".safetensors":
        path.write_bytes(as_safetensors(weights))
    else:
        np.savez(path, **{name: x.numpy() for name, x in weights.items()})
    status, _, err = call("image", run, "--weights", path, "--calibration", 2)
    assert (status, err) == (0, "")
    image = read_image(run / "chip_image.npz")
    assert image.provenance.weights == str(path)
    assert np.array_equal(image.digital["5.bias"], weights["5.bias"].numpy())
    assert call("verify", run, "--execute", "--weights", path)[0] == 0
    status, _, err = call("verify", run, "--execute")
    assert (status, is_one_line(err)) == (0, True)
    assert "not at hand" in err


BAD_WEIGHTS = {
    "fewer": lambda held: held.pop("5.bias"),
    "more": lambda held: held.update(head=torch.zeros(2)),
    "another size": lambda held: held.update({"5.weight": torch.zeros(3, 64)}),
    "text": lambda held: held.update({"5.weight": "a"}),
    "nothing": lambda held: held.clear(),
    "no number": lambda held: held["5.weight"].fill_(torch.nan),
}


@pytest.mark.parametrize("wrong", BAD_WEIGHTS)
def test_weights_that_do_not_fit_are_refused_and_the_image_stays(run, place, tmp_path, wrong):
    held, path, before = weights_of(place), tmp_path / "w.pth", (run / "chip_image.npz").read_bytes()
    BAD_WEIGHTS[wrong](held)
    torch.save(held, path)
    status, out, err = call("image", run, "--weights", path)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert (run / "chip_image.npz").read_bytes() == before


@pytest.mark.parametrize("name", ["w.pth", "w.npz", "w.safetensors"])
def test_files_that_hold_no_weights_are_refused(run, tmp_path, name):
    (tmp_path / name).write_bytes(b"none")
    for path in (tmp_path / name, tmp_path / f"missing_{name}"):
        status, out, err = call("image", run, "--weights", path)
        assert (status, out) == (2, "")
        assert is_one_line(err)


def test_another_network_than_that_of_the_layout_is_refused(run):
    result = json.loads((run / "result.json").read_text())
    result["options"]["model"] = "image_nets:other"
    (run / "result.json").write_text(json.dumps(result))
    status, out, err = call("image", run)
    assert (status, out) == (2, "")
    assert "the layout is of other layers than the network has" in err
    assert is_one_line(err)


def test_onnx_files_are_refused_in_one_line(run, place):
    result = json.loads((run / "result.json").read_text())
    result["options"]["model"] = "net.onnx"
    (run / "result.json").write_text(json.dumps(result))
    for argv in (("image", run), ("verify", run, "--execute")):
        (run / "chip_image.npz").unlink(missing_ok=True)
        status, _, err = call(*argv)
        assert (status, is_one_line(err)) == (2, True)
        assert "ONNX files cannot be executed yet" in err
    status, _, err = pack(place / "log", "--image", model="net.onnx", exp_id="onnx")
    assert (status, is_one_line(err)) == (2, True)
    assert "ONNX files cannot be executed yet" in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("verify", "RUN", "--weights", "w.pth"), "--weights: found without --execute"),
        (("image", "RUN", "--calibration", "0"), "--calibration"),
        (("image", "nowhere"), "RUN_DIR: nowhere is no folder"),
        (("pack", "--calibration", "3"), "--calibration: found without --image"),
        (("pack", "--weights", "w.pth"), "--weights: found without --image"),
    ],
)
def test_options_that_mean_nothing_are_refused(run, argv, said):
    status, out, err = call(*(run if part == "RUN" else part for part in argv))
    assert (status, out) == (2, "")
    assert said in err
    assert is_one_line(err)


FRONT = {"num_classes": 10, "networks": [{"sample": {"ks": 3, "e": 3, "d": 2}}]}


def test_a_subnet_has_the_weights_of_the_shipped_supernet_and_is_calibrated_on_digits(tmp_path):
    front = tmp_path / "front.json"
    front.write_text(json.dumps(FRONT))
    argv = ("--model", f"ofa:{front}#0", "--find-solution", "--packer", "fast", "--no-report", "--image")
    status, _, err = call("pack", *argv, "--calibration", 8, "--log-dir", tmp_path)
    assert status == 0, err
    run = tmp_path / "packing" / "dev"
    image = read_image(run / "chip_image.npz")
    told = ("supernet digits_mbv3_small.pth", "8 training images of digits")
    assert image.provenance[1:] == told
    assert len(image.layers) == 42
    assert call("verify", run, "--execute")[0] == 0
    status, out, err = call("faults", run, "--seed", 1, "--out", tmp_path / "faults.npz")
    assert status == 0, err
    assert json.loads(out)["weights"] == 42
    subnet = ofa.build_supernet(10)
    subnet.set_active_subnet(3, 3, 2)
    found = read_faults(tmp_path / "faults.npz", subnet.get_active_subnet(), "plain")
    assert found.patterns["first_conv.conv.weight"].shape == (1, 16, 3, 3, 3)


def test_a_subnet_is_shown_images_of_the_size_that_it_is_packed_for(tmp_path):
    """Images of twice the size would count as four samples each."""
    front = tmp_path / "front.json"
    front.write_text(json.dumps(FRONT))
    found = prepare(Source(f"ofa:{front}#0", (3, 32, 32), 0, None), 8)
    assert found.one_sample.args[0].shape == (1, 3, 32, 32)
    assert asked(found, "test", 2, 0).first.args[0].shape == (2, 3, 32, 32)
    with pytest.raises(BadInput, match=r"--input-size: .* inputs of 3x32x48, allowed is one of 3 x N x N"):
        prepare(Source(f"ofa:{front}#0", (3, 32, 48), 0, None), 8)


def test_a_subnet_for_other_images_than_digits_needs_its_supernet(run, tmp_path):
    front = tmp_path / "front.json"
    front.write_text(json.dumps({**FRONT, "dataset": "cifar10"}))
    result = json.loads((run / "result.json").read_text())
    result["options"]["model"] = f"ofa:{front}#0"
    (run / "result.json").write_text(json.dumps(result))
    status, _, err = call("image", run)
    assert (status, is_one_line(err)) == (2, True)
    assert "allowed is with --weights SUPERNET" in err


def test_faults_are_for_fine_tuning_alone(run, tmp_path):
    refusals = {
        "allowed is a run of an ofa: model": (),
        "--seed: found with --chip": ("--seed", 1, "--chip", tmp_path / "none.npz"),
    }
    for said, argv in refusals.items():
        status, _, err = call("faults", run, "--out", tmp_path / "faults.npz", *argv)
        assert (status, is_one_line(err)) == (2, True)
        assert said in err
    assert not (tmp_path / "faults.npz").exists()


def test_a_run_that_does_not_say_its_network_is_refused(run):
    (run / "result.json").unlink()
    assert call("image", run)[0] == 2
    status, _, err = call("verify", run, "--execute")
    assert status == 2
    assert "which says which network it is of" in err
