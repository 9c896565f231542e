"""Runs with diagonal layers: the files say what was packed, and what contradicts itself is refused."""

import json
from dataclasses import replace
from functools import partial

import pytest
from tiny_runs import ROOT, call, is_one_line, strict_json

from rram_nas_comp_pack.box_converter.partition import cut_diagonal, partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.runs.packing.read_layout import read_mappings
from rram_nas_comp_pack.runs.packing.write import layer_entry
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.values import CrossbarSize, Layer, Mapping

HEADER = "layer_idx,crossbar_idx,loc_x,loc_y,max_x,max_y,replica,box"

SIZE = CrossbarSize(128, 128)


@pytest.fixture
def serial_config(tmp_path):
    """Few ADCs: the time of a read depends on its columns."""
    text = (ROOT / "SimConfig.ini").read_text().replace("\nADC_Num = 128", "\nADC_Num = 2")
    assert "\nADC_Num = 2\n" in text
    path = tmp_path / "serial.ini"
    path.write_text(text)
    return path


SHAPES = (
    linear(20, 30, 4),
    convolution((16, 1, 3, 3), 16, 9),  # depthwise
    convolution((12, 4, 1, 1), 3, 16),  # grouped
    convolution((16, 1, 3, 3), 16, 4),  # depthwise, the second's weights again
    convolution((8, 1, 3, 3), 8, 4),  # depthwise
)


def layers():
    stores = {3: 1}
    return tuple(
        Layer(i, "Conv2d", f"part{i}", s.raw, s.positions, s.groups, stores.get(i, i), s.depthwise)
        for i, s in enumerate(SHAPES)
    )


MAPPINGS = {
    "fewest": partition(layers(), SIZE, diagonal=True),
    "mixed": tuple(
        replace(m, boxes=cut_diagonal(m.layer, SIZE, 5), copies=2) if m.layer.index in (1, 3) else m
        for m in partition(layers(), SIZE)
    ),
    "a channel a box": tuple(
        replace(m, boxes=cut_diagonal(m.layer, SIZE, 1)) if m.layer.depthwise else m
        for m in partition(layers(), SIZE)
    ),
}


def write(folder, mappings):
    """A run of partition and layout only, every box on a crossbar of its own."""
    folder.mkdir()
    (folder / "partition.json").write_text(json.dumps([layer_entry(m) for m in mappings]))
    boxes = [
        (m.layer.index, box, replica, number)
        for m in mappings
        if m.stored
        for replica in range(m.copies)
        for number, box in enumerate(m.boxes)
    ]
    rows = [
        f"{layer},{bin_},0,0,{box.w},{box.h},{replica},{number}"
        for bin_, (layer, box, replica, number) in enumerate(boxes)
    ]
    (folder / "pack.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return folder


@pytest.mark.parametrize("mappings", MAPPINGS.values(), ids=MAPPINGS)
def test_the_files_give_the_mappings_back(tmp_path, mappings):
    assert read_mappings(write(tmp_path / "t", mappings)) == mappings


@pytest.mark.parametrize("mappings", MAPPINGS.values(), ids=MAPPINGS)
def test_a_run_with_diagonal_layers_is_verified_and_simulated_to_the_same_latencies(
    tmp_path, serial_config, mappings
):
    run = write(tmp_path / "t", mappings)
    status, out, err = call("verify", run, "--config", serial_config)
    assert status == 0
    assert is_one_line(err)  # it says which hardware counts
    assert is_one_line(out)
    found = call("simulate", run, "--num-sample", 1, 8, "--config", serial_config)[1].splitlines()
    wanted = program(mappings, partial(read_ns, load_hardware(serial_config)))
    assert [strict_json(line)["ideal_latency_ns"] for line in found] == [
        simulate(wanted, n).latency_ns for n in (1, 8)
    ]


def test_depthwise_layers_alone_tell_how_they_are_mapped():
    entries = [layer_entry(m) for m in MAPPINGS["mixed"]]
    assert [e.get("mapping") for e in entries] == [None, "diagonal", None, "diagonal", "dense"]
    assert [e.get("mapping") for e in map(layer_entry, MAPPINGS["a channel a box"])][1] == "dense"


@pytest.mark.parametrize("mappings", MAPPINGS.values(), ids=MAPPINGS)
def test_a_partition_that_does_not_tell_is_read_by_its_shapes(tmp_path, mappings):
    run = write(tmp_path / "t", mappings)
    entries = json.loads((run / "partition.json").read_text())
    (run / "partition.json").write_text(
        json.dumps([{k: v for k, v in e.items() if k != "mapping"} for e in entries])
    )
    assert read_mappings(run) == mappings


def test_groups_of_one_column_but_many_inputs_are_never_diagonal(tmp_path):
    """A grouped layer of one column a group looks depthwise in a file; its tall kernel is cut along rows."""
    shape = convolution((2, 128, 3, 3), 2, 4)
    layer = Layer(0, "Conv2d", "part0", shape.raw, 4, 2, 0, shape.depthwise)
    mappings = partition((layer,), SIZE)
    found = read_mappings(write(tmp_path / "t", mappings))
    assert not found[0].diagonal
    assert found[0].boxes == mappings[0].boxes
    hardware = load_hardware(ROOT / "SimConfig.ini")
    assert [read_ns(hardware, found[0].layer, b) for b in found[0].boxes] == [
        read_ns(hardware, layer, b) for b in mappings[0].boxes
    ]


def test_where_a_column_of_channels_lies_in_no_box_verify_tells(tmp_path):
    fewest = MAPPINGS["fewest"]
    lost = tuple(Mapping(m.layer, m.boxes[:1]) for m in fewest)
    status, out, _ = call("verify", write(tmp_path / "t", lost), "--config", ROOT / "SimConfig.ini")
    assert status == 1
    assert "layer 1 has 144 weights, its boxes hold 72" in out


# Files that contradict themselves: exit 2, one line. Layer 1 has diagonal boxes of 45 x 5 and 9 x 1, layer 4
# a dense one of 9 x 8.


def resized(number, **sizes):
    def change(entries):
        for boxes in (entries[1]["boxes"], *entries[1]["child_boxes"]):
            boxes[number].update(sizes)

    return change


CHANGES = {
    "another word": (lambda es: es[1].update(mapping="skew"), "'skew'"),
    "no text": (lambda es: es[1].update(mapping=1), "mapping"),
    "null": (lambda es: es[1].update(mapping=None), "mapping"),
    "diagonal said to be dense": (lambda es: es[1].update(mapping="dense"), "dense mapping"),
    "dense said to be diagonal": (lambda es: es[4].update(mapping="diagonal"), "diagonal mapping"),
    "a layer that is not depthwise": (lambda es: es[0].update(mapping="dense"), "not depthwise"),
    "a grouped layer": (lambda es: es[2].update(mapping="diagonal"), "not depthwise"),
    "rows of another kernel": (resized(0, h=44), "boxes, box 0"),
    "columns without rows": (resized(3, w=2), "boxes, box 3"),
    "reads of the dense mapping": (resized(0, cycle=45), "cycle 45"),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_mapping_that_its_boxes_contradict_is_refused(tmp_path, change, said):
    run = write(tmp_path / "t", MAPPINGS["mixed"])
    entries = json.loads((run / "partition.json").read_text())
    change(entries)
    (run / "partition.json").write_text(json.dumps(entries))
    with pytest.raises(BadInput, match=said) as error:
        read_mappings(run)
    assert "partition.json" in str(error.value)
    for command in ("verify", "simulate"):
        extra = ("--num-sample", 1) if command == "simulate" else ()
        status, out, err = call(command, run, *extra, "--config", ROOT / "SimConfig.ini")
        assert (status, out) == (2, "")
        assert is_one_line(err)
