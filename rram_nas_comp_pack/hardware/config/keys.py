"""What `SimConfig.ini` may hold: its sections, keys, units and ranges. The format is that of MNSIM 2.0."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ..converters import ADC, DAC, USER_DEFINED

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Beyond these sizes a value means nothing here, and products of it would leave the range of a float.
_MOST_DIGITS = 9
_SMALLEST, _LARGEST = 1e-30, 1e30


@dataclass(frozen=True, slots=True)
class Kind:
    """`parse` turns text into a value or raises ValueError; `allowed` says in words what it accepts.

    The error may carry a further condition that the text missed. `is_list`: a value is numbers separated by
    commas.
    """

    allowed: str
    parse: Callable[[str], Any]
    is_list: bool = False


def _kind(allowed: str, read: Callable[[str], Any], accepts: Callable[[Any], bool]) -> Kind:
    def parse(text: str) -> Any:
        value = read(text)
        if not accepts(value):
            raise ValueError
        return value

    return Kind(allowed, parse, read in (_integers, _numbers))


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    if len(text.lstrip("+-")) > _MOST_DIGITS:
        raise ValueError(f"at most {_MOST_DIGITS} digits")
    return int(text)


def _number(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    value = float(text)
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise ValueError(f"in size from {_SMALLEST} to {_LARGEST}")
    return value


def _integers(text: str) -> tuple[int, ...]:
    return tuple(_integer(item.strip()) for item in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(_number(item.strip()) for item in text.split(","))


def _rising(values: tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(values))


def _falling(values: tuple[float, ...]) -> bool:
    return _rising(values[::-1]) and values[-1] > 0


def _word(*words: str) -> Kind:
    return _kind(" or ".join(words), str, lambda word: word in words)


def _choice(*numbers: int) -> Kind:
    return _kind("one of " + ", ".join(map(str, numbers)), _integer, lambda number: number in numbers)


_POSITIVE = _kind("a number > 0", _number, lambda v: v > 0)
_NOT_NEGATIVE = _kind("a number >= 0", _number, lambda v: v >= 0)
_AUTO_POSITIVE = _kind("-1 or a number > 0", _number, lambda v: v == -1 or v > 0)
_AUTO_NOT_NEGATIVE = _kind("-1 or a number >= 0", _number, lambda v: v == -1 or v >= 0)
_COUNT = _kind("an integer >= 1", _integer, lambda v: v >= 1)
_COUNT_OR_0 = _kind("an integer >= 0", _integer, lambda v: v >= 0)
_LEVELS = _kind("an integer >= 2", _integer, lambda v: v >= 2)
_BITS_OR_0 = _kind("an integer from 0 to 32", _integer, lambda v: 0 <= v <= 32)
_ANY_INTEGER = _kind("an integer", _integer, lambda v: True)
_ANY_LIST = _kind("numbers separated by commas", _numbers, lambda v: True)
_VOLTAGES = _kind("numbers >= 0 separated by commas", _numbers, lambda v: min(v) >= 0)
_RESISTANCES = _kind("numbers > 0 separated by commas, strictly falling", _numbers, _falling)
_THRESHOLDS = _kind("-1, or strictly rising numbers separated by commas", _numbers, _rising)
_SHARES = _kind(
    "two numbers >= 0 of sum <= 100", _numbers, lambda v: len(v) == 2 and min(v) >= 0 and sum(v) <= 100
)
_SIZE = _kind("two integers >= 1", _integers, lambda v: len(v) == 2 and min(v) >= 1)
_SIZE_OR_0 = _kind("two integers >= 0", _integers, lambda v: len(v) == 2 and min(v) >= 0)
_FLAG = _choice(0, 1)


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the file. A key that no formula reads has a `default` instead of a `field`.

    It may be left out, and another value than the default draws a warning. A key with both changes what the
    chip computes but no cost; it may be left out too. A key with neither is only compared with other keys. A
    key that `serves` one type of device means nothing for the other: there it may be left out or hold
    anything. One that says what data `movement` takes is needed only where that is charged.
    """

    name: str
    kind: Kind
    unit: str = ""
    field: str = ""  # of Hardware
    default: str = ""  # the shipped value
    serves: str = ""  # NVM or SRAM, where not both
    movement: str = ""  # of Movement: of effect where data movement is charged, and only there

    @property
    def allowed(self) -> str:
        """The range in words, with the unit."""
        return self.kind.allowed + (f" [{self.unit}]" if self.unit else "")


TILE: Final = "Tile level"  # repeats keys of [Process element level]; its own serve data movement alone
KEYS: Final[Mapping[str, tuple[Key, ...]]] = {
    "Device level": (
        Key("Device_Tech", _POSITIVE, "nm", "device_tech_nm"),
        Key("Device_Type", _word("NVM", "SRAM"), "", "device_type"),
        Key("Device_Area", _POSITIVE, "um^2", "cell_area_um2"),
        Key("Read_Level", _COUNT),
        Key("Read_Voltage", _VOLTAGES, "V", "read_voltages_v"),
        Key("Write_Level", _COUNT),
        Key("Write_Voltage", _ANY_LIST, "V", "write_voltages_v"),
        Key("Read_Latency", _POSITIVE, "ns", "read_latency_ns"),
        Key("Write_Latency", _POSITIVE, "ns", "write_latency_ns"),
        Key("Device_Level", _LEVELS, "", "device_levels"),
        Key("Device_Resistance", _RESISTANCES, "ohm", "resistances_ohm", serves="NVM"),
        Key("Device_Variation", _NOT_NEGATIVE, "percent", "variation_percent", default="1", serves="NVM"),
        Key("Device_SAF", _SHARES, "percent", "stuck_percent", default="1, 1", serves="NVM"),
        Key("Read_Energy", _POSITIVE, "J/bit", "read_energy_j", serves="SRAM"),
        Key("Write_Energy", _POSITIVE, "J/bit", "write_energy_j", serves="SRAM"),
    ),
    "Crossbar level": (
        Key("Xbar_Size", _SIZE, "rows, columns", "xbar_size"),
        Key("Subarray_Size", _COUNT, "rows", "subarray_rows"),
        Key("Cell_Type", _word("1T1R", "0T1R"), "", "cell_type", serves="NVM"),
        Key("Transistor_Tech", _COUNT, "nm", "transistor_tech_nm"),
        Key("Wire_Resistance", _AUTO_NOT_NEGATIVE, "ohm", default="-1"),
        Key("Wire_Capacity", _AUTO_NOT_NEGATIVE, "fF", default="-1"),
        Key("Load_Resistance", _AUTO_POSITIVE, "ohm", "load_resistance_ohm"),
        Key("Area_Calculation", _FLAG, "", "area_method"),
    ),
    "Interface level": (
        Key("DAC_Choice", _choice(USER_DEFINED, *DAC), "", "dac_choice"),
        Key("DAC_Area", _NOT_NEGATIVE, "um^2", "dac_area_um2"),
        Key("DAC_Precision", _BITS_OR_0, "bit", "dac_bits"),
        Key("DAC_Power", _NOT_NEGATIVE, "W", "dac_power_w"),
        Key("DAC_Sample_Rate", _NOT_NEGATIVE, "GS/s", "dac_rate_gsps"),
        Key("ADC_Choice", _choice(USER_DEFINED, *ADC), "", "adc_choice"),
        Key("ADC_Area", _NOT_NEGATIVE, "um^2", "adc_area_um2"),
        Key("ADC_Precision", _BITS_OR_0, "bit", "adc_bits"),
        Key("ADC_Power", _NOT_NEGATIVE, "W", "adc_power_w"),
        Key("ADC_Sample_Rate", _NOT_NEGATIVE, "GS/s", "adc_rate_gsps"),
        Key("ADC_Interval_Thres", _THRESHOLDS, "V", "adc_thresholds_v"),
        Key("Logic_Op", _choice(-1, 0, 1, 2), "", "logic_op"),
    ),
    "Process element level": (
        Key("PIM_Type", _FLAG, "", "digital_pim"),
        Key("Xbar_Polarity", _choice(1, 2), "", "polarity"),
        Key("Sub_Position", _FLAG, "", "digital_subtraction"),
        Key("Group_Num", _COUNT_OR_0, "", "groups"),
        Key("DAC_Num", _COUNT_OR_0, "", "dacs_per_subarray"),
        Key("ADC_Num", _COUNT_OR_0, "", "adcs_per_subarray"),
        Key("PE_inBuf_Size", _NOT_NEGATIVE, "KB", "input_buffer_kb"),
        Key("PE_inBuf_Area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("Tile_outBuf_Size", _NOT_NEGATIVE, "KB", "tile_buffer_kb"),
        Key("Tile_outBuf_Area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("DFU_Buf_Size", _NOT_NEGATIVE, "KB", "forwarding_buffer_kb"),
        Key("DFU_Buf_Area", _NOT_NEGATIVE, "um^2", default="0"),
    ),
    "Digital module": (
        Key("Digital_Frequency", _POSITIVE, "MHz", "clock_mhz"),
        Key("Adder_Tech", _COUNT, "nm", "adder_tech_nm"),
        Key("Adder_Area", _NOT_NEGATIVE, "um^2", "adder_area_um2"),
        Key("Adder_Power", _NOT_NEGATIVE, "W", "adder_power_w"),
        Key("ShiftReg_Tech", _COUNT_OR_0, "nm", "shift_register_tech_nm"),
        Key("ShiftReg_Area", _NOT_NEGATIVE, "um^2", "shift_register_area_um2"),
        Key("ShiftReg_Power", _NOT_NEGATIVE, "W", "shift_register_power_w"),
        Key("Reg_Tech", _COUNT_OR_0, "nm", "register_tech_nm"),
        Key("Reg_Area", _NOT_NEGATIVE, "um^2", "register_area_um2"),
        Key("Reg_Power", _NOT_NEGATIVE, "W", "register_power_w"),
        Key("JointModule_Tech", _COUNT_OR_0, "nm", default="45"),
        Key("JointModule_Area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("JointModule_Power", _NOT_NEGATIVE, "W", default="0"),
        Key("Multiplier_Tech", _COUNT_OR_0, "nm", default="45"),
        Key("Multiplier_Area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("Multiplier_Power", _NOT_NEGATIVE, "W", default="0"),
    ),
    TILE: (
        Key("PE_Num", _SIZE_OR_0, default="2, 2"),
        Key("Pooling_shape", _SIZE_OR_0, default="3, 3"),
        Key("Pooling_unit_num", _COUNT_OR_0, default="64", movement="digital_units"),
        Key("Pooling_Tech", _COUNT_OR_0, "nm", default="65"),
        Key("Pooling_area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("Tile_Adder_Num", _COUNT_OR_0, default="0"),
        Key("Tile_Adder_Level", _COUNT_OR_0, default="0"),
        Key("Tile_ShiftReg_Num", _COUNT_OR_0, default="0"),
        Key("Tile_ShiftReg_Level", _COUNT_OR_0, default="0"),
        Key("Inter_Tile_Bandwidth", _NOT_NEGATIVE, "Gb/s", default="20", movement="inter_tile_gbps"),
        Key("Intra_Tile_Bandwidth", _NOT_NEGATIVE, "Gb/s", default="1024", movement="intra_tile_gbps"),
        Key("Tile_outBuf_Size", _NOT_NEGATIVE, "KB", default="0"),
        Key("Tile_outBuf_Area", _NOT_NEGATIVE, "um^2", default="0"),
        Key("DFU_Buf_Size", _NOT_NEGATIVE, "KB", default="0"),
        Key("DFU_Buf_Area", _NOT_NEGATIVE, "um^2", default="0"),
    ),
    "Architecture level": (
        Key("Buffer_Choice", _choice(0, 1, 2, 3), default="1"),
        Key("Buffer_Technology", _COUNT_OR_0, "nm", "buffer_tech_nm"),
        Key("Buffer_ReadPower", _NOT_NEGATIVE, "mW", default="0"),
        Key("Buffer_WritePower", _NOT_NEGATIVE, "mW", default="0"),
        Key("Buffer_Bitwidth", _COUNT_OR_0, "bit", "buffer_width_bits"),
        Key("Tile_Connection", _choice(0, 1, 2, 3), default="2"),
        Key("Tile_Num", _SIZE_OR_0, default="64, 64"),
        Key("LUT_Capacity", _NOT_NEGATIVE, "Mb", default="1"),
        Key("LUT_Area", _NOT_NEGATIVE, "mm^2", default="0"),
        Key("LUT_Power", _NOT_NEGATIVE, "mW", default="0"),
        Key("LUT_Bandwidth", _NOT_NEGATIVE, "Mb/s", default="0"),
    ),
    "Algorithm Configuration": (
        Key("Weight_Polarity", _ANY_INTEGER, default="1"),
        Key("Simulation_Level", _FLAG, "", "simulation_level"),
        Key("NoC_enable", _FLAG, default="0"),
    ),
}
