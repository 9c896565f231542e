"""Damaged supernets, training state, images and batches: each is read, or refused in one line."""

import io
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import ofa
from ofa.checkpoint import read_plain, supernet_of
from ofa.image_files import read_cifar10, read_folder
from ofa.recipe import Recipe
from ofa.resume import load_run, run_of, save_run
from ofa.training import begin, optimizer_of
from tests.fuzz.damage import CASES, damaged_bytes, fuzzed

RECIPE = Recipe("digits", (2, 1, 0, 0), 8, 1e-3, 0.01)


def read_or_told(read, *given):
    """What is read; None where a line says what is wrong."""
    try:
        return read(*given)
    except ofa.BadInput as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 2000
    return None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("ofa")


# Supernets


@pytest.fixture(scope="module")
def shipped():
    """The supernet that comes along, as a dict."""
    return torch.load(Path(ofa.__file__).parent / "checkpoint" / "digits_mbv3_small.pth", weights_only=True)


@pytest.fixture(scope="module")
def small(place):
    """A file of two tensors, in which damage is likely to hit something that counts."""
    torch.save({"state_dict": {"a": torch.ones(2), "b": torch.tensor(3)}}, place / "small.pth")
    return (place / "small.pth").read_bytes()


@fuzzed
@given(data=st.data())
def test_a_checkpoint_that_is_cut_or_changed_is_read_or_refused(place, small, data):
    (place / "damaged.pth").write_bytes(data.draw(damaged_bytes(small)))
    read_or_told(ofa.load_checkpoint, place / "damaged.pth")


def wide(tensor, rows):
    """A tensor of so many rows that takes no memory."""
    return torch.zeros(1, 1).expand(rows, tensor.shape[-1] if tensor.dim() else 1)


ODD_TENSORS = (
    *(
        lambda t: wide(t, 2**31),
        lambda t: wide(t, 2**40),
        lambda t: t[:0] if t.dim() else t,
        lambda t: t[None],
    ),
    *(lambda t: t.to(torch.complex64), lambda t: t.to(torch.bool), lambda t: torch.full_like(t, -1)),
    *(lambda t: t.to_sparse() if t.dim() else t, lambda t: t.to("meta"), lambda t: torch.tensor(0.0)),
    *(
        lambda t: t.double() * float("nan"),
        lambda t: torch.quantize_per_tensor(t.float(), 0.1, 0, torch.qint8),
    ),
    *(lambda t: torch.zeros(()), lambda t: None, lambda t: "text", lambda t: {"a": t}, lambda t: 10**400),
    *(
        lambda t: t.to(torch.float8_e4m3fn),
        lambda t: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    ),
)
ODD_NAMES = ("", "\ud800", "a\nb", "x" * 100_000, 3, None, b"x", ("a",), True)


@pytest.mark.filterwarnings("ignore:torch.quantize")
@fuzzed
@given(data=st.data())
def test_a_supernet_of_odd_tensors_is_read_or_refused(shipped, data):
    state = dict(shipped["state_dict"])
    name = data.draw(st.sampled_from(("classifier.linear.weight", *sorted(state)[:40])))
    if name not in state:
        name = next(n for n in state if n.startswith("classifier") and "weight" in n)
    how = data.draw(st.sampled_from(("tensor", "tensor", "name", "missing")))
    if how == "tensor":
        state[name] = data.draw(st.sampled_from(ODD_TENSORS))(state[name])
    elif how == "name":
        state[data.draw(st.sampled_from(ODD_NAMES))] = torch.ones(2)
    else:
        del state[name]
    read_or_told(supernet_of, "file", data.draw(st.sampled_from((state, {"state_dict": state}))))


@pytest.mark.parametrize(
    "content", [None, 3, [], {}, {"state_dict": None}, {"state_dict": []}, torch.ones(3)]
)
def test_what_is_no_supernet_is_refused(place, content):
    torch.save(content, place / "none.pth")
    assert read_or_told(ofa.load_checkpoint, place / "none.pth") is None


def test_a_link_to_a_device_is_refused(place):
    (place / "zero.pth").symlink_to("/dev/zero")
    assert read_or_told(ofa.load_checkpoint, place / "zero.pth") is None


# Training under way


@pytest.fixture(scope="module")
def trained(place):
    """What a file of a run after its first epoch holds."""
    run = begin(RECIPE, 3, "cpu")
    run.epoch, run.optimizer = 1, optimizer_of(run.supernet, RECIPE)
    for weight in run.supernet.parameters():
        weight.grad = torch.zeros_like(weight)
    run.optimizer.step()
    save_run(run, place / "run.pth")
    return read_plain(place / "run.pth")


def test_a_run_that_is_sound_goes_on(place, trained):
    assert load_run(place / "run.pth", RECIPE).epoch == 1
    assert trained["training"]["optimizer"]["state"]


ODD_VALUES = (
    *(None, True, -1, 1.5, 2**70, 10**400, float("inf"), float("nan"), "x", "", [], {}, [None], {"": 1}),
    *(torch.ones(2), torch.tensor(float("nan")), torch.ones(2, dtype=torch.int8), torch.ones(2).to_sparse()),
)


def copied(value):
    """Dicts and lists anew, with the tensors in them as they are."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


def inner_dicts(value, depth=3):
    """The dicts and lists within a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    here = [value] if isinstance(value, dict | list) and value else []
    return [*here, *(each for one in inside if depth for each in inner_dicts(one, depth - 1))]


@settings(parent=fuzzed, max_examples=max(5, CASES // 4))
@given(data=st.data())
def test_odd_training_state_is_refused_or_trains_on(trained, data):
    training = copied(trained["training"])
    spots = inner_dicts(training)
    spot = spots[data.draw(st.integers(0, min(len(spots), 12) - 1))]
    key = data.draw(st.sampled_from(list(spot)[:20] if isinstance(spot, dict) else list(range(len(spot)))))
    spot[key] = data.draw(st.sampled_from(ODD_VALUES))
    run = read_or_told(run_of, "file", {**trained, "training": training}, RECIPE)
    if run is not None and run.optimizer is not None:
        for weight in run.supernet.parameters():
            weight.grad = torch.zeros_like(weight)
        run.optimizer.step()


@pytest.mark.parametrize("step", [-1.0, 0.0, float("nan"), float("inf")])
def test_a_moment_of_no_step_is_refused(trained, step):
    """AdamW would divide by 0."""
    training = copied(trained["training"])
    training["optimizer"]["state"][0]["step"] = torch.tensor(step)
    assert read_or_told(run_of, "file", {**trained, "training": training}, RECIPE) is None


# Images


@pytest.fixture(scope="module")
def pictures():
    """Small images, as the bytes of files, by ending."""
    pixels = np.random.default_rng(0).integers(256, size=(9, 7, 3), dtype=np.uint8)
    found = {}
    for kind in ("PNG", "JPEG", "BMP", "PPM", "WEBP"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        found[f".{kind.lower()}"] = file.getvalue()
    return found


@pytest.mark.parametrize("ending", [".png", ".jpeg", ".bmp", ".ppm", ".webp"])
@fuzzed
@given(data=st.data())
def test_an_image_that_is_cut_or_changed_is_read_or_refused(place, pictures, ending, data):
    folder = place / "images" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / f"1{ending}").write_bytes(data.draw(damaged_bytes(pictures[ending])))
    found = read_or_told(read_folder, place / "images", 8)
    assert found is None or found[0][0].shape == (1, 3, 8, 8)


# Batches of CIFAR-10


def batch(count=4):
    data = np.random.default_rng(1).integers(256, size=(count, 3072), dtype=np.uint8)
    return {b"data": data, b"labels": [i % 10 for i in range(count)]}


NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def with_first(folder: Path, content: bytes) -> Path:
    """A folder of batches, the first of which holds this."""
    folder.mkdir(exist_ok=True)
    for name in NAMES[1:]:
        (folder / name).write_bytes(pickle.dumps(batch(), 2))
    (folder / NAMES[0]).write_bytes(content)
    return folder


@pytest.mark.parametrize("protocol", [0, 2, 4])
@fuzzed
@given(data=st.data())
def test_a_batch_that_is_cut_or_changed_is_read_or_refused(place, protocol, data):
    sound = pickle.dumps(batch(), protocol)
    head, tail = sound[:200], sound[-200:]
    changed = data.draw(st.sampled_from((0, 1, 2)))
    if changed == 0:
        content = data.draw(damaged_bytes(head)) + sound[200:]
    else:
        content = sound[:-200] + data.draw(damaged_bytes(tail))
    found = read_or_told(read_cifar10, with_first(place / "cifar", content))
    assert found is None or found[0][0].shape[1:] == (3, 32, 32)


class Runs:
    """A pickle that would run something."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


ODD_BATCHES = (
    *(None, 3, [], {}, {b"data": None, b"labels": None}, {b"data": [[1]], b"labels": [1]}, {"data": 1}),
    *({**batch(), b"labels": labels} for labels in (
        [10**400] * 4, [-1] * 4, [True] * 4, [1.5] * 4, ["1"] * 4, [0, 1], "0123", [[0]] * 4, {0: 1},
        np.array([0, 1, 2, 99]), np.array([0.0] * 4), np.array(["1"] * 4), np.array([None] * 4), np.array(3),
    )),
    *({**batch(), b"data": pixels} for pixels in (
        np.zeros((4, 3072)), np.zeros(3072, np.uint8), np.zeros((4, 3, 1024), np.uint8), np.array(0),
        b"x" * 12288, np.zeros((4, 3072), "M8[s]"), np.zeros((4, 3072), [("a", "u1")]),
        np.zeros((0, 3072), np.uint8),
    )),
    *({**batch(), b"labels": Runs(*call)} for call in ((random.seed, 1), (print, "ran"), (np.load, "x"))),
)  # fmt: skip


@pytest.mark.parametrize("content", ODD_BATCHES, ids=range(len(ODD_BATCHES)))
@pytest.mark.parametrize("protocol", [2, 4])
def test_an_odd_batch_is_refused_and_nothing_in_it_runs(place, content, protocol, capsys):
    folder = with_first(place / "cifar", pickle.dumps(content, protocol))
    found = read_or_told(read_cifar10, folder)
    assert found is None or content[b"data"].shape == (0, 3072)
    assert capsys.readouterr().out == ""


def test_a_batch_that_claims_more_than_it_holds_takes_no_memory(place):
    """Sizes, places of the memo and repetitions as a hostile file has them."""
    huge = pickle.dumps(batch(), 2).replace(b"M\x00\x0c", b"J\xff\xff\xff\x7f")
    memo = b"\x80\x02}r\xff\xff\xff\x7f."
    laughs = b"\x80\x02]q\x00" + b"".join(b"](h%c" % i + b"h%c" % i * 9 + b"eq%c" % (i + 1) for i in range(9))
    nested = laughs + b"}(C\x06labelsh\x09C\x04datah\x09u."
    for content in (huge, memo, nested, b"\x80\x02" + b"(" * 10**5, b"\x80\x02" + b"]" * 10**5 + b"."):
        assert read_or_told(read_cifar10, with_first(place / "cifar", content)) is None


def test_batches_of_either_python_are_the_same(place):
    wanted = batch()
    for content in (pickle.dumps(wanted, 0), pickle.dumps(wanted, 2), pickle.dumps(wanted, 4)):
        (pixels, labels), _ = read_cifar10(with_first(place / "cifar", content))
        assert np.array_equal(pixels[:4].reshape(4, 3072), wanted[b"data"])
        assert labels[:4].tolist() == wanted[b"labels"]
