"""The image holds every weight once a copy, and its file gives back what was written, or a line."""

from __future__ import annotations

import io
import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from loaded import Cut, Loaded, load
from test_kinds import NETWORKS, block, twice

from rram_nas_comp_pack.box_converter.torch.trace import record
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.calibration import load_digital
from rram_nas_comp_pack.execution.check import first_difference
from rram_nas_comp_pack.execution.exact import ExactProduct, exact_reader
from rram_nas_comp_pack.execution.image import copies_of, matrix_of
from rram_nas_comp_pack.execution.network import Arguments, Replaced, Scaling, by_integers, by_reads
from rram_nas_comp_pack.runs.packing.chip_image import read_image, write_image

CUT = Cut((40, 9), diagonal=True, copies=(2, 1, 3))


@pytest.fixture(scope="module")
def mobile() -> Loaded:
    torch.manual_seed(1)
    return load(block(), (3, 9, 9), CUT)


def written(image, folder: Path) -> Path:
    path = folder / "chip_image.npz"
    with path.open("wb") as file:
        write_image(file, image)
    return path


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_copy_holds_the_codes_of_its_layer_and_no_cell_besides(kind: str) -> None:
    loaded = load(*NETWORKS[kind], CUT)
    image = loaded.image
    for m, copies, codes in zip(image.mappings, copies_of(image), loaded.network.codes, strict=True):
        assert len(copies) == m.copies
        assert all(np.array_equal(matrix_of(m.layer, boxes), codes.weights) for boxes in copies)
    stored = [m for m in image.mappings if m.stored]
    cells = sum(m.copies * sum(box.h * box.w for box in m.boxes) for m in stored)
    assert (int(image.occupied.sum()), bool(image.weights[~image.occupied].any())) == (cells, False)
    held = Counter(np.abs(image.weights[image.weights != 0]).tolist())
    wanted = Counter()
    for m in stored:
        codes = np.abs(loaded.network.codes[m.layer.index].weights)
        wanted.update({value: n * m.copies for value, n in Counter(codes[codes != 0].tolist()).items()})
    assert held == wanted


def test_an_image_read_back_executes_equally_without_the_weights(mobile: Loaded, tmp_path: Path) -> None:
    image = read_image(written(mobile.image, tmp_path))
    torch.manual_seed(99)
    other = block()  # other weights, biases and norms
    load_digital(other, image.digital)
    scalings = [Scaling(*each) for each in zip(image.ranges, image.scales, strict=True)]
    with Replaced(other, image.layers) as network:
        for multiply in (ExactProduct(image), by_reads(exact_reader(image), image.layers)):
            again = network.run(mobile.x, by_integers(multiply, scalings))
            assert torch.equal(again, mobile.executed(ExactProduct(mobile.image)))


@pytest.mark.parametrize("kind", NETWORKS)
def test_no_kind_of_layer_needs_its_weights_to_be_executed(kind: str) -> None:
    loaded = load(*NETWORKS[kind])
    other = deepcopy(loaded.module)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
    load_digital(other, loaded.image.digital)
    multiply = ExactProduct(loaded.image)
    again, before = (each.executed(multiply) for each in (loaded._replace(module=other), loaded))
    for one, two in zip(*(x if isinstance(x, tuple) else (x,) for x in (again, before)), strict=True):
        assert torch.equal(one, two)


def test_the_image_leaves_out_what_lies_on_crossbars_alone(mobile: Loaded) -> None:
    names = set(mobile.module.state_dict())
    assert names - set(mobile.image.digital) == {"0.weight", "3.weight", "5.weight", "8.weight"}


def test_what_is_read_back_is_what_was_written_and_equal_images_are_equal_bytes(
    mobile: Loaded, tmp_path: Path
) -> None:
    path = written(mobile.image, tmp_path)
    image, buffer = read_image(path), io.BytesIO()
    for name in ("mappings", "placements", "ranges", "provenance"):
        assert getattr(image, name) == getattr(mobile.image, name)
    for name in ("weights", "occupied"):
        assert np.array_equal(getattr(image, name), getattr(mobile.image, name))
    assert all(np.array_equal(a, b) for a, b in zip(image.scales, mobile.image.scales, strict=True))
    write_image(buffer, image)
    assert buffer.getvalue() == path.read_bytes()


def test_a_layer_that_runs_again_has_ranges_of_its_own_and_the_cells_of_its_first_run(tmp_path: Path) -> None:
    image = read_image(written(load(twice(), (8,)).image, tmp_path))
    assert [layer.stored_in for layer in image.layers] == [0, 1, 0]
    assert {p.layer_idx for p in image.placements} == {0, 1}
    assert np.array_equal(image.scales[0], image.scales[2])
    assert image.ranges[0] != image.ranges[2]


def damaged(path: Path, name: str, change) -> Path:
    """The file with one of its arrays changed; `meta` as an object."""
    with np.load(path) as file:
        held = {key: file[key] for key in file.files}
    if name == "meta":
        meta = json.loads(str(held["meta"]))
        change(meta)
        held["meta"] = np.array(json.dumps(meta))
    else:
        held[name] = change(held[name].copy())
    np.savez(path, **{key: values for key, values in held.items() if values is not None})
    return path


def put(place, value):
    def change(values):
        values[place] = value
        return values

    return change


def free_cell(values):
    values[~values.astype(bool)] = 0
    spots = np.argwhere(values == 0)
    values[tuple(spots[-1])] = 5
    return values


DAMAGES = {
    "no array": ("scales", lambda _: None),
    "another type": ("weights", lambda w: w.astype(np.int16)),
    "another shape": ("scales", lambda s: s[:-1]),
    "a code too small": ("weights", lambda w: np.full_like(w, -128)),
    "a weight where no box lies": ("weights", free_cell),
    "other occupied cells": ("occupied", lambda o: ~o),
    "a step of 0": ("scales", put(0, 0)),
    "a step that is no number": ("input_scales", put(1, np.nan)),
    "an overlap": ("placements", lambda p: p * 0 + p[0]),
    "a box outside": ("placements", put((0, 1), 10_000)),
    "text as a tensor": ("digital_0", lambda _: np.array(["a"])),
    "another format": ("meta", lambda m: m.update(format="image")),
    "another version": ("meta", lambda m: m.update(version=2)),
    "no layers": ("meta", lambda m: m.update(layers=[])),
    "another box": ("meta", lambda m: m["layers"][0]["boxes"].pop()),
    "a store to come": ("meta", lambda m: m["layers"][0].update(stored_in=1)),
    "groups that do not divide": ("meta", lambda m: m["layers"][0].update(groups=4)),
    "a box of text": ("meta", lambda m: m["layers"][0].update(raw=["a", 1, 1])),
    "one tensor twice": ("meta", lambda m: m.update(digital=[m["digital"][0]] * len(m["digital"]))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_refused_in_one_line(damage: str, mobile: Loaded, tmp_path: Path) -> None:
    path = damaged(written(mobile.image, tmp_path), *DAMAGES[damage])
    with pytest.raises(BadInput) as refusal:
        read_image(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04N.", b"\x93NUMPY"])
def test_what_is_no_image_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "chip_image.npz"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="found no chip image"):
        read_image(path)
    with pytest.raises(BadInput):
        read_image(tmp_path / "nothing.npz")


def test_an_image_that_holds_objects_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "chip_image.npz"
    np.savez(path, meta=np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(BadInput, match="found no chip image"):
        read_image(path)


def one(x: Arguments) -> Arguments:
    return Arguments([each[:1] for each in x.args], {})


def test_ideal_cells_differ_nowhere(mobile: Loaded) -> None:
    assert first_difference(mobile.module, mobile.image, mobile.network.codes, one(mobile.x)) is None


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_wrong_cell_is_named_with_its_place(kind: str) -> None:
    loaded = load(*NETWORKS[kind], Cut((40, 9), copies=(2, 3)))
    image = loaded.image
    read = [p for p in image.placements if p.replica < image.layers[p.layer_idx].positions]
    p = read[len(read) // 2]
    cells = image.weights.copy()
    cells[p.crossbar_idx, p.loc_y : p.max_y, p.loc_x : p.max_x] ^= 1
    wrong = replace(image, weights=cells)
    found = first_difference(loaded.module, wrong, loaded.network.codes, one(loaded.x))
    assert found is not None
    assert image.layers[found.layer.index].stored_in == p.layer_idx
    assert (found.box.box, found.box.crossbar, found.box.copy) == (p.box, p.crossbar_idx, p.replica)
    assert found.position % image.mappings[p.layer_idx].copies == p.replica
    assert found.found != found.wanted
    for part in ("position", "channel", f"box {p.box} on crossbar {p.crossbar_idx}"):
        assert part in str(found)


def test_tensors_of_another_network_are_refused(mobile: Loaded) -> None:
    with pytest.raises(BadInput, match="image: tensor"):
        load_digital(twice(), mobile.image.digital)
    assert record(twice(), (8,), "net").network.layers
