"""Several values of a key: how they are listed, and what is refused in one line."""

import pytest

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config.several import label_of, number_of, several_of, title_of, value_of

LISTED = {
    "Device_Variation=0,5,10": ("Device_Variation", ("0", "5", "10")),
    "Device_Variation=0/5/1e1": ("Device_Variation", ("0", "5", "10")),
    "Device_SAF=0,0/0.1, 0.10/1,1": ("Device_SAF", ("0,0", "0.1,0.1", "1,1")),
    "Device_SAF=1,1": ("Device_SAF", ("1,1",)),
    "interface level.adc_choice = 2, 4,6": ("ADC_Choice", ("2", "4", "6")),
    "Xbar_Size=64,64/128,128": ("Xbar_Size", ("64,64", "128,128")),
    "Device_Type=NVM,SRAM": ("Device_Type", ("NVM", "SRAM")),
    "Device_Variation=0.1234567": ("Device_Variation", ("0.1234567",)),
}
REFUSED = {
    "Device_SAF": "allowed is KEY=VALUE",
    "Device_SAE=0,0/1,1": "the nearest is Device_SAF",
    "Buffer_Choice=1,2": "no formula reads",
    "Device_Variation=": "found no value",
    "Device_Variation= ": "found no value",
    "Device_Variation=1,,2": "found ''",
    "Device_Variation=1,x": "found 'x', allowed is a number >= 0 [percent]",
    "Device_Variation=5,5.0": "found 5 twice",
    "Device_SAF=1,1,2,2": "with a slash between one value and the next",
    "Device_SAF=60,60": "of sum <= 100",
    "ADC_Choice=2,11": "allowed is one of -1, 1",
}


@pytest.mark.parametrize("text", LISTED)
def test_values_are_separated_by_commas_or_slashes(text):
    found = several_of(text, "--sweep")
    assert (found.key.name, found.values) == LISTED[text]
    assert found.setting("v") == f"{found.section}.{found.key.name}=v"


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_list_of_values_is_told_in_one_line(text):
    with pytest.raises(BadInput) as caught:
        several_of(text, "--sweep")
    (line,) = caught.value.args
    assert line.startswith("--sweep: ")
    assert "\n" not in line
    assert REFUSED[text] in line


def test_values_for_people():
    assert title_of("Device_Variation") == "Device_Variation (percent)"
    assert title_of("ADC_Choice") == "ADC_Choice"
    assert [label_of("ADC_Choice", value) for value in ("4", "8", "-1")] == ["4 (6 bits)", "8 (1 bit)", "-1"]
    assert number_of("Device_Variation", "2.5") == 2.5
    assert [number_of(*each) for each in (("ADC_Choice", "4"), ("Device_SAF", "1,1"))] == [None, None]


@pytest.mark.parametrize(("key", "text"), [("Device_SAF", "x"), ("Device_SAE", "1"), ("PE_Num", "1,1")])
def test_a_value_that_a_file_says_is_checked(key, text):
    with pytest.raises(BadInput, match="found"):
        value_of(key, text)
