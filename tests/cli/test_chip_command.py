"""`chip`: the stuck cells of one chip as a file."""

import numpy as np
import pytest
from tiny_runs import ROOT, call, is_one_line, strict_json

CONFIG = ROOT / "SimConfig.ini"


def chip(tmp_path, *more, crossbars=2, config=CONFIG):
    path = tmp_path / "chip.npz"
    return call("chip", "--crossbars", crossbars, "--out", path, "--config", config, *more), path


def test_it_writes_the_chip_and_says_what_it_is(tmp_path):
    (status, out, _), path = chip(tmp_path, "--seed", 4)
    found = strict_json(out)
    assert status == 0
    assert {key: found[key] for key in ("file", "seed", "crossbars")} == {
        "file": str(path),
        "seed": 4,
        "crossbars": 2,
    }
    with np.load(path) as file:
        assert file["stuck"].shape == (2, 2, 7, 128, 128)
        assert (found["cells"], found["stuck_high"]) == (file["stuck"].size, (file["stuck"] == 1).sum())
        assert found["stuck_low"] == (file["stuck"] == 2).sum() > 0
        assert file["seed"] == 4


def test_a_chip_of_more_crossbars_begins_like_one_of_fewer(tmp_path):
    _, path = chip(tmp_path, "--seed", 4, crossbars=1)
    with np.load(path) as file:
        few = file["stuck"]
    chip(tmp_path, "--seed", 4, crossbars=3)
    with np.load(path) as file:
        assert (file["stuck"][:1] == few).all()


def test_the_configuration_says_how_many_cells_are_stuck(tmp_path):
    config = tmp_path / "SimConfig.ini"
    config.write_text(CONFIG.read_text().replace("Device_SAF = 1, 1", "Device_SAF = 0, 100"))
    (_, out, _), _ = chip(tmp_path, config=config)
    found = strict_json(out)
    assert (found["stuck_high"], found["stuck_low"]) == (0, found["cells"])


@pytest.mark.parametrize(
    ("crossbars", "more", "said"),
    [
        (0, (), "found '0', allowed is a whole number from 1"),
        (9363, (), "--crossbars: found 9363, allowed are 1 to 9362 of this size"),
        (1, ("--seed", -1), "found '-1', allowed is a whole number from 0"),
        (1, ("--out", "/nowhere/chip.npz"), "--out: /nowhere/chip.npz cannot be written"),
    ],
)
def test_bad_options_are_one_line(tmp_path, crossbars, more, said):
    (status, out, err), _ = chip(tmp_path, *more, crossbars=crossbars)
    (line,) = (line for line in err.splitlines(keepends=True) if "DAC_Num" not in line)
    assert (status, out) == (2, "")
    assert said in line
    assert is_one_line(line)
