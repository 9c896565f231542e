"""`--set`: single values of a configuration, what goes with a size of crossbars, files that lack keys."""

import json
from pathlib import Path

import pytest

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config import change
from rram_nas_comp_pack.hardware.config.change import Settings, load_changed
from rram_nas_comp_pack.hardware.config.read import load_config

SHIPPED = Path(__file__).parents[2] / "SimConfig.ini"


def changed(*texts, consistent=False, path=SHIPPED):
    return load_changed(path, Settings(texts, consistent))


def test_nothing_set_is_the_file():
    assert changed() == load_config(SHIPPED)


@pytest.mark.parametrize(
    "text", ["ADC_Choice=4", "adc_choice = 4", "Interface level.ADC_Choice=4", "interface level.adc_choice=4"]
)
def test_a_value_is_set_by_key_or_by_section_and_key(text):
    assert changed(text).hardware.adc_choice == 4


def test_the_content_is_a_file_that_gives_the_same(tmp_path):
    found = changed("Xbar_Size=64,64", "Device_SAF=0,0", consistent=True)
    (tmp_path / "copy.ini").write_bytes(found.content)
    again = load_config(tmp_path / "copy.ini")
    assert (again.sections, again.digest) == (found.sections, found.digest)


@pytest.mark.parametrize(
    ("size", "subarray", "dacs", "adcs"),
    [
        ("64,64", 64, 64, 64),
        ("256, 256", 256, 256, 256),
        ("512,64", 512, 512, 64),
        ("128,128", 128, 256, 128),
    ],
)
def test_what_goes_with_the_size_of_crossbars_grows_alike(size, subarray, dacs, adcs):
    found = changed(f"Xbar_Size={size}", consistent=True).hardware
    assert (found.subarray_rows, found.dacs_per_subarray, found.adcs_per_subarray) == (subarray, dacs, adcs)


def test_values_of_a_run_are_replaced_as_those_of_a_file_are():
    shipped = load_config(SHIPPED)
    for consistent in (False, True):
        settings = Settings(("Xbar_Size=256,256", "Device_SAF=0,0"), consistent)
        of_run, of_file = change.changed(shipped, settings), load_changed(SHIPPED, settings)
        assert (of_run.sections, of_run.digest) == (of_file.sections, of_file.digest)
        said = [text.partition(": ")[2] for text in of_run.hardware.warnings]
        assert said == [text.partition(": ")[2] for text in of_file.hardware.warnings]
    assert change.changed(shipped, Settings()) is shipped


def test_what_is_set_itself_does_not_follow():
    found = changed("Xbar_Size=256,256", "Subarray_Size=64", consistent=True).hardware
    assert (found.subarray_rows, found.adcs_per_subarray) == (64, 256)


def test_a_size_alone_says_what_goes_with_it():
    told = [text for text in changed("Xbar_Size=256,256").hardware.warnings if "goes with it" in text]
    assert len(told) == 1
    assert told[0].endswith("--set-consistent also sets Subarray_Size=256, DAC_Num=256, ADC_Num=256")
    with pytest.raises(
        BadInput, match=r"a divisor of the 64 rows.*; --set-consistent also sets Subarray_Size=64"
    ):
        changed("Xbar_Size=64,64")


def test_a_file_need_not_have_the_keys_that_are_set(tmp_path):
    text = SHIPPED.read_text().replace("ADC_Choice = 2\n", "").replace("Device_SAF = 1, 1\n", "")
    (tmp_path / "part.ini").write_text(text)
    found = changed("ADC_Choice=2", "Device_SAF=1,1", path=tmp_path / "part.ini")
    assert found.hardware == load_config(SHIPPED).hardware
    with pytest.raises(BadInput, match="ADC_Choice: found no such key"):
        changed("Device_SAF=1,1", path=tmp_path / "part.ini")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--set", "ADC_Choic=2"),
            "--set: found 'ADC_Choic', no key of SimConfig.ini; the nearest is ADC_Choice",
        ),
        (("--set", "ADC_Choice"), "--set: found 'ADC_Choice', allowed is KEY=VALUE or SECTION.KEY=VALUE"),
        (("--set", "ADC_Choice=99"), "[Interface level] ADC_Choice: found '99'; allowed: "),
        (("--set-consistent",), "--set-consistent: found without --set, allowed is with it"),
    ],
)
def test_what_cannot_be_set_is_told_in_one_line(options, said, capsys):
    assert main(["hardware", "--rows", "9", "--columns", "9", *options]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert said in told[0]


def test_commands_take_it(tmp_path, capsys):
    assert main(["hardware", "--rows", "9", "--columns", "9", "--set", "ADC_Choice=4"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert main(["hardware", "--rows", "9", "--columns", "9"]) == 0
    assert json.loads(capsys.readouterr().out)["area"]["adc_um2"] != other["area"]["adc_um2"]
    out = tmp_path / "chip.npz"
    assert main(["chip", "--crossbars", "1", "--out", str(out), "--set", "Device_SAF=0,0"]) == 0
    assert json.loads(capsys.readouterr().out)["stuck_high"] == 0
