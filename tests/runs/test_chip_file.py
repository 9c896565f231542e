"""chip.npz: what is written comes back, and what is unsound is refused in one line."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.chip import ChipInstance, chip_of, chip_with_maps, crossbar_state
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.runs.chip_file import read_chip, write_chip
from rram_nas_comp_pack.values import CrossbarSize

DEVICE = replace(device_of(load_hardware()), size=CrossbarSize(12, 10), driven_rows=12)
SHAPE = (2, 7, 12, 10)


def content(chip):
    file = io.BytesIO()
    write_chip(file, chip)
    return file.getvalue()


def saved(tmp_path, **arrays):
    path = tmp_path / "chip.npz"
    np.savez(path, **arrays)
    return path


def stuck(crossbars=2):
    return np.random.default_rng(0).integers(0, 3, (crossbars, *SHAPE)).astype(np.int8)


def test_a_chip_comes_back_as_the_seed_draws_it(tmp_path):
    path = tmp_path / "chip.npz"
    path.write_bytes(content(chip_with_maps(11, 3, DEVICE)))
    found = read_chip(path, DEVICE, 3)
    assert (found.seed, found.crossbars, found.shape) == (11, 3, SHAPE)
    for crossbar in range(3):
        drawn, read = (crossbar_state(chip, DEVICE, crossbar) for chip in (chip_of(11, DEVICE), found))
        assert (drawn.stuck == read.stuck).all()
        assert (drawn.deviation == read.deviation).all()


def test_the_same_chip_makes_the_same_bytes():
    assert content(chip_with_maps(1, 2, DEVICE)) == content(chip_with_maps(1, 2, DEVICE))
    assert content(chip_with_maps(1, 2, DEVICE)) != content(chip_with_maps(2, 2, DEVICE))


def test_measured_maps_come_back_whatever_the_configuration_says(tmp_path):
    deviation = np.random.default_rng(1).standard_normal((2, *SHAPE)).astype(np.float32)
    path = tmp_path / "chip.npz"
    path.write_bytes(content(ChipInstance(0, SHAPE, 2, stuck(), deviation)))
    other = replace(DEVICE, variation=0.0, stuck_low=0.0)
    state = crossbar_state(read_chip(path, other), other, 1)
    assert (state.stuck == stuck()[1]).all()
    assert (state.deviation == deviation[1]).all()


def test_a_map_of_stuck_cells_alone_is_enough(tmp_path):
    found = read_chip(saved(tmp_path, stuck=stuck().astype(np.int64)), DEVICE)
    assert (found.seed, found.deviation, found.stuck.dtype) == (0, None, np.int8)
    assert (found.stuck == stuck()).all()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "found no array 'stuck'"),
        ({"seed": np.array(1)}, "found no array 'stuck'"),
        ({"stuck": stuck()[0]}, "stuck: found 2 x 7 x 12 x 10 of int8, allowed is N x 2 x 7 x 12 x 10"),
        ({"stuck": stuck()[..., :9]}, "found 2 x 2 x 7 x 12 x 9 of int8, allowed is N x 2 x 7 x 12 x 10"),
        ({"stuck": stuck(1)}, "stuck: found 1 crossbars, needed are 2"),
        ({"stuck": stuck(0)}, "stuck: found 0 crossbars, needed are 2"),
        ({"stuck": stuck() + 1}, "stuck: found other values than 0, 1 and 2"),
        ({"stuck": -stuck()}, "stuck: found other values than 0, 1 and 2"),
        ({"stuck": stuck().astype(float)}, "stuck: found other values than 0, 1 and 2"),
        (
            {"stuck": stuck(), "faults": stuck()},
            "found 'faults.npy', allowed are the arrays stuck, seed",
        ),
        ({"stuck": stuck(), "seed": np.array(-1)}, "seed: found one of int64, allowed is one whole number"),
        ({"stuck": stuck(), "seed": np.array([1, 2])}, "seed: found 2 of int64, allowed is one whole number"),
        (
            {"stuck": stuck(), "seed": np.array(1.5)},
            "seed: found one of float64, allowed is one whole",
        ),
        ({"stuck": stuck(), "deviation": np.zeros(3)}, "deviation: found 3 of float64, allowed are floats"),
        ({"stuck": stuck(), "deviation": stuck()}, "deviation: found 2 x 2 x 7 x 12 x 10 of int8"),
        ({"stuck": stuck(), "deviation": np.full((2, *SHAPE), np.nan)}, "deviation: found a value beyond 7"),
        ({"stuck": stuck(), "deviation": np.full((2, *SHAPE), 8.0)}, "deviation: found a value beyond 7"),
        ({"stuck": np.array([{}], object)}, "cannot be read as a file of numpy arrays"),
    ],
)
def test_what_is_unsound_is_one_line(tmp_path, arrays, said):
    path = saved(tmp_path, **arrays)
    with pytest.raises(BadInput) as caught:
        read_chip(path, DEVICE, 2)
    line = str(caught.value)
    assert said in line
    assert line.startswith(f"{path}: ")
    assert "\n" not in line


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "huge", "raw"])
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "chip.npz"
    whole = content(chip_with_maps(0, 2, DEVICE))
    middle = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "text": b"stuck = 1, 1\n",
            "cut": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        }.get(damage, b"")
    )
    if damage in ("huge", "raw"):
        header = io.BytesIO()
        shape = {"descr": "|i1", "fortran_order": False, "shape": (2**50, 2, 7, 12, 10)}
        np.lib.format.write_array_header_1_0(header, shape)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("stuck.npy", header.getvalue() if damage == "huge" else b"no array")
    with pytest.raises(BadInput, match=r"^.*chip\.npz: [^\n]*$"):
        read_chip(path, DEVICE)


def test_there_must_be_a_file(tmp_path):
    with pytest.raises(BadInput, match=r"^.*nothing\.npz: No such file or directory$"):
        read_chip(tmp_path / "nothing.npz", DEVICE)
    with pytest.raises(BadInput, match="no regular file"):
        read_chip(tmp_path, DEVICE)
