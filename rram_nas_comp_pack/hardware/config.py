"""`SimConfig.ini` -> `Hardware`: the only place that reads the configuration.

The format is that of MNSIM 2.0. Every fault in the file is reported at once, one line each.
"""

from __future__ import annotations

import configparser
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from rram_nas_comp_pack.errors import BadInput

USER_DEFINED: Final = -1
DIGITAL_DAC: Final = 1
DIGITAL_ADC: Final = 8
# Bits of each converter option. They stand here, not in tables.py, because the reader checks with them.
DAC_BITS: Final[Mapping[int, int]] = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 1}
ADC_BITS: Final[Mapping[int, int]] = {1: 10, 2: 8, 3: 8, 4: 6, 5: 8, 6: 6, 7: 4, 8: 1, 9: 8}
SRAM_RESISTANCE_OHM: Final = 1.6e6
WIDEST_BUFFER_BITS: Final = 512
LARGEST_BUFFER_KB: Final = 512
WILD_VARIATION_PERCENT: Final = 30


@dataclass(frozen=True, slots=True)
class Hardware:
    """One processing element (PE) and its crossbars. All values come from `SimConfig.ini`, key in brackets.

    Special values of the file are resolved here: no field but the two converter counts means "automatic".
    """

    device_type: str  # NVM or SRAM [Device_Type]
    device_tech_nm: float  # feature size of the cell [Device_Tech]
    cell_area_um2: float  # with transistor; 1.44 is a cell of an analog RRAM process [Device_Area]
    read_voltages_v: tuple[float, ...]  # one per input level; formulas use the first and last [Read_Voltage]
    write_voltages_v: tuple[float, ...]  # as above [Write_Voltage]
    read_latency_ns: float  # 3.16 is the NTHU macro of ISSCC 2019 [Read_Latency]
    write_latency_ns: float  # one pulse, one row [Write_Latency]
    device_levels: int  # states per cell [Device_Level]
    resistances_ohm: tuple[float, ...]  # per state, highest first; SRAM: twice 1.6e6 [Device_Resistance]
    read_energy_j: float  # per bit, SRAM only [Read_Energy]
    write_energy_j: float  # per bit, SRAM only [Write_Energy]
    rows: int  # word lines of a crossbar [Xbar_Size]
    columns: int  # bit lines of a crossbar [Xbar_Size]
    subarray_rows: int  # rows with their own converters; divides `rows` [Subarray_Size]
    cell_type: str  # 1T1R or 0T1R [Cell_Type]
    transistor_tech_nm: int  # mux, demux, digital row driver [Transistor_Tech]
    load_resistance_ohm: float  # of a column; used by the ADC thresholds only [Load_Resistance]
    area_method: int  # 0 from the cell area, 1 from the feature size [Area_Calculation]
    dac_choice: int  # row of tables.DAC, or -1 with the four values below [DAC_Choice]
    dac_area_um2: float
    dac_bits: int
    dac_power_w: float
    dac_rate_gsps: float  # 10^9 samples per second
    adc_choice: int  # row of tables.ADC, or -1 with the four values below [ADC_Choice]
    adc_area_um2: float
    adc_bits: int
    adc_power_w: float
    adc_rate_gsps: float
    adc_thresholds_v: tuple[float, ...]  # empty: computed [ADC_Interval_Thres]
    logic_op: int  # gate beside each ADC: -1 none, 0 AND, 1 OR, 2 XOR [Logic_Op]
    digital_pim: bool  # [PIM_Type]
    polarity: int  # crossbars per signed value, 1 or 2 [Xbar_Polarity]
    digital_subtraction: bool  # never with polarity 1 [Sub_Position]
    groups: int  # crossbar groups per PE [Group_Num]
    dacs_per_subarray: int  # per group; 0: automatic [DAC_Num]
    adcs_per_subarray: int  # per group; 0: automatic [ADC_Num]
    input_buffer_kb: float  # 0: chosen by the caller [PE_inBuf_Size]
    tile_buffer_kb: float  # 0: chosen by the caller [Tile_outBuf_Size]
    forwarding_buffer_kb: float  # 0: chosen by the caller [DFU_Buf_Size]
    clock_mhz: float  # of the digital blocks [Digital_Frequency]
    adder_tech_nm: int
    adder_area_um2: float  # 0: formula; likewise the next five
    adder_power_w: float
    shift_register_tech_nm: int
    shift_register_area_um2: float
    shift_register_power_w: float
    register_tech_nm: int
    register_area_um2: float
    register_power_w: float
    buffer_tech_nm: int  # [Buffer_Technology]
    buffer_width_bits: int  # bits per access [Buffer_Bitwidth]
    simulation_level: int  # 0 average behaviour, 1 estimation with given matrices [Simulation_Level]
    warnings: tuple[str, ...] = ()  # what the file says without effect or against good sense

    @property
    def clock_ns(self) -> float:
        """Period of the digital clock."""
        return 1000 / self.clock_mhz

    @property
    def subarrays(self) -> int:
        """Subarrays of one crossbar."""
        return self.rows // self.subarray_rows

    @property
    def bits_per_cell(self) -> int:
        """Whole bits that the states of one cell hold."""
        return self.device_levels.bit_length() - 1


# --- What a value may be ---------------------------------------------------------------------------------

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Beyond these sizes a value means nothing here, and products of it would leave the range of a float.
_MOST_DIGITS = 9
_SMALLEST, _LARGEST = 1e-30, 1e30


@dataclass(frozen=True, slots=True)
class _Kind:
    """`parse` turns text into a value or raises ValueError; `allowed` says in words what it accepts.

    The error may carry a further condition that the text missed.
    """

    allowed: str
    parse: Callable[[str], Any]


def _number(text: str, whole: bool) -> int | float:
    if not (_INTEGER if whole else _DECIMAL).fullmatch(text):
        raise ValueError
    if whole:
        if len(text.lstrip("+-")) > _MOST_DIGITS:
            raise ValueError(f"at most {_MOST_DIGITS} digits")
        return int(text)
    value = float(text)
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise ValueError(f"in size from {_SMALLEST} to {_LARGEST}")
    return value


def _one(allowed: str, accepts: Callable[[Any], bool], whole: bool = False) -> _Kind:
    def parse(text: str) -> int | float:
        value = _number(text, whole)
        if not accepts(value):
            raise ValueError
        return value

    return _Kind(allowed, parse)


def _many(allowed: str, accepts: Callable[[Any], bool], whole: bool = False) -> _Kind:
    def parse(text: str) -> tuple[int | float, ...]:
        values = tuple(_number(item.strip(), whole) for item in text.split(","))
        if not accepts(values):
            raise ValueError
        return values

    return _Kind(allowed, parse)


def _word(*words: str) -> _Kind:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return _Kind(" or ".join(words), parse)


def _choice(*numbers: int) -> _Kind:
    return _one("one of " + ", ".join(map(str, numbers)), lambda value: value in numbers, whole=True)


def _falling(values: tuple[float, ...]) -> bool:
    return all(low < high for high, low in pairwise(values)) and values[-1] > 0


def _rising(values: tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(values))


_POSITIVE = _one("a number > 0", lambda value: value > 0)
_NOT_NEGATIVE = _one("a number >= 0", lambda value: value >= 0)
_AUTO_POSITIVE = _one("-1 or a number > 0", lambda value: value == -1 or value > 0)
_AUTO_NOT_NEGATIVE = _one("-1 or a number >= 0", lambda value: value == -1 or value >= 0)
_COUNT = _one("an integer >= 1", lambda value: value >= 1, whole=True)
_COUNT_OR_0 = _one("an integer >= 0", lambda value: value >= 0, whole=True)
_LEVELS = _one("an integer >= 2", lambda value: value >= 2, whole=True)
_BITS_OR_0 = _one("an integer from 0 to 32", lambda value: 0 <= value <= 32, whole=True)
_ANY_INTEGER = _one("an integer", lambda value: True, whole=True)
_ANY_LIST = _many("numbers separated by commas", lambda values: True)
_VOLTAGES = _many("numbers >= 0 separated by commas", lambda values: min(values) >= 0)
_RESISTANCES = _many("numbers > 0 separated by commas, strictly falling", _falling)
_THRESHOLDS = _many("-1, or strictly rising numbers separated by commas", _rising)
_SHARES = _many("two numbers >= 0 of sum <= 100", lambda v: len(v) == 2 and min(v) >= 0 and sum(v) <= 100)
_SIZE = _many("two integers >= 1", lambda values: len(values) == 2 and min(values) >= 1, whole=True)
_SIZE_OR_0 = _many("two integers >= 0", lambda values: len(values) == 2 and min(values) >= 0, whole=True)
_FLAG = _choice(0, 1)


# --- The keys --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """One line of the file. A key without a `field` is read by no formula and may be left out."""

    name: str
    kind: _Kind
    unit: str
    default: str  # the shipped value; another one draws a warning if there is no field
    field: str = ""
    checked: bool = False  # compared with another key, though no formula reads it

    @property
    def unread(self) -> bool:
        return not self.field and not self.checked

    @property
    def allowed(self) -> str:
        return self.kind.allowed + (f" [{self.unit}]" if self.unit else "")


_DEVICE, _CROSSBAR, _INTERFACE = "Device level", "Crossbar level", "Interface level"
_PE, _DIGITAL, _TILE = "Process element level", "Digital module", "Tile level"
_ARCHITECTURE, _ALGORITHM = "Architecture level", "Algorithm Configuration"

_KEYS: Final[Mapping[str, tuple[_Key, ...]]] = {
    _DEVICE: (
        _Key("Device_Tech", _POSITIVE, "nm", "130", "device_tech_nm"),
        _Key("Device_Type", _word("NVM", "SRAM"), "", "NVM", "device_type"),
        _Key("Device_Area", _POSITIVE, "um^2", "1.44", "cell_area_um2"),
        _Key("Read_Level", _COUNT, "", "2", checked=True),
        _Key("Read_Voltage", _VOLTAGES, "V", "0, 0.15", "read_voltages_v"),
        _Key("Write_Level", _COUNT, "", "2", checked=True),
        _Key("Write_Voltage", _ANY_LIST, "V", "0, 3", "write_voltages_v"),
        _Key("Read_Latency", _POSITIVE, "ns", "3.16", "read_latency_ns"),
        _Key("Write_Latency", _POSITIVE, "ns", "10", "write_latency_ns"),
        _Key("Device_Level", _LEVELS, "", "2", "device_levels"),
        _Key("Device_Resistance", _RESISTANCES, "ohm", "1e6, 1e4", "resistances_ohm"),
        _Key("Device_Variation", _NOT_NEGATIVE, "percent", "1"),
        _Key("Device_SAF", _SHARES, "percent", "1, 1"),
        _Key("Read_Energy", _POSITIVE, "J/bit", "1.12e-15", "read_energy_j"),
        _Key("Write_Energy", _POSITIVE, "J/bit", "1.6e-15", "write_energy_j"),
    ),
    _CROSSBAR: (
        _Key("Xbar_Size", _SIZE, "rows, columns", "128, 128", "xbar_size"),
        _Key("Subarray_Size", _COUNT, "rows", "128", "subarray_rows"),
        _Key("Cell_Type", _word("1T1R", "0T1R"), "", "1T1R", "cell_type"),
        _Key("Transistor_Tech", _COUNT, "nm", "130", "transistor_tech_nm"),
        _Key("Wire_Resistance", _AUTO_NOT_NEGATIVE, "ohm", "-1"),
        _Key("Wire_Capacity", _AUTO_NOT_NEGATIVE, "fF", "-1"),
        _Key("Load_Resistance", _AUTO_POSITIVE, "ohm", "-1", "load_resistance_ohm"),
        _Key("Area_Calculation", _FLAG, "", "0", "area_method"),
    ),
    _INTERFACE: (
        _Key("DAC_Choice", _choice(USER_DEFINED, *DAC_BITS), "", "1", "dac_choice"),
        _Key("DAC_Area", _NOT_NEGATIVE, "um^2", "0", "dac_area_um2"),
        _Key("DAC_Precision", _BITS_OR_0, "bit", "0", "dac_bits"),
        _Key("DAC_Power", _NOT_NEGATIVE, "W", "0", "dac_power_w"),
        _Key("DAC_Sample_Rate", _NOT_NEGATIVE, "GS/s", "0", "dac_rate_gsps"),
        _Key("ADC_Choice", _choice(USER_DEFINED, *ADC_BITS), "", "2", "adc_choice"),
        _Key("ADC_Area", _NOT_NEGATIVE, "um^2", "0", "adc_area_um2"),
        _Key("ADC_Precision", _BITS_OR_0, "bit", "0", "adc_bits"),
        _Key("ADC_Power", _NOT_NEGATIVE, "W", "0", "adc_power_w"),
        _Key("ADC_Sample_Rate", _NOT_NEGATIVE, "GS/s", "0", "adc_rate_gsps"),
        _Key("ADC_Interval_Thres", _THRESHOLDS, "V", "-1", "adc_thresholds_v"),
        _Key("Logic_Op", _choice(-1, 0, 1, 2), "", "-1", "logic_op"),
    ),
    _PE: (
        _Key("PIM_Type", _FLAG, "", "0", "digital_pim"),
        _Key("Xbar_Polarity", _choice(1, 2), "", "2", "polarity"),
        _Key("Sub_Position", _FLAG, "", "0", "digital_subtraction"),
        _Key("Group_Num", _COUNT_OR_0, "", "1", "groups"),
        _Key("DAC_Num", _COUNT_OR_0, "", "256", "dacs_per_subarray"),
        _Key("ADC_Num", _COUNT_OR_0, "", "128", "adcs_per_subarray"),
        _Key("PE_inBuf_Size", _NOT_NEGATIVE, "KB", "0", "input_buffer_kb"),
        _Key("PE_inBuf_Area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("Tile_outBuf_Size", _NOT_NEGATIVE, "KB", "0", "tile_buffer_kb"),
        _Key("Tile_outBuf_Area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("DFU_Buf_Size", _NOT_NEGATIVE, "KB", "0", "forwarding_buffer_kb"),
        _Key("DFU_Buf_Area", _NOT_NEGATIVE, "um^2", "0"),
    ),
    _DIGITAL: (
        _Key("Digital_Frequency", _POSITIVE, "MHz", "500", "clock_mhz"),
        _Key("Adder_Tech", _COUNT, "nm", "45", "adder_tech_nm"),
        _Key("Adder_Area", _NOT_NEGATIVE, "um^2", "0", "adder_area_um2"),
        _Key("Adder_Power", _NOT_NEGATIVE, "W", "0", "adder_power_w"),
        _Key("ShiftReg_Tech", _COUNT_OR_0, "nm", "65", "shift_register_tech_nm"),
        _Key("ShiftReg_Area", _NOT_NEGATIVE, "um^2", "0", "shift_register_area_um2"),
        _Key("ShiftReg_Power", _NOT_NEGATIVE, "W", "0", "shift_register_power_w"),
        _Key("Reg_Tech", _COUNT_OR_0, "nm", "45", "register_tech_nm"),
        _Key("Reg_Area", _NOT_NEGATIVE, "um^2", "0", "register_area_um2"),
        _Key("Reg_Power", _NOT_NEGATIVE, "W", "0", "register_power_w"),
        _Key("JointModule_Tech", _COUNT_OR_0, "nm", "45"),
        _Key("JointModule_Area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("JointModule_Power", _NOT_NEGATIVE, "W", "0"),
        _Key("Multiplier_Tech", _COUNT_OR_0, "nm", "45"),
        _Key("Multiplier_Area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("Multiplier_Power", _NOT_NEGATIVE, "W", "0"),
    ),
    _TILE: (
        _Key("PE_Num", _SIZE_OR_0, "", "2, 2"),
        _Key("Pooling_shape", _SIZE_OR_0, "", "3, 3"),
        _Key("Pooling_unit_num", _COUNT_OR_0, "", "64"),
        _Key("Pooling_Tech", _COUNT_OR_0, "nm", "65"),
        _Key("Pooling_area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("Tile_Adder_Num", _COUNT_OR_0, "", "0"),
        _Key("Tile_Adder_Level", _COUNT_OR_0, "", "0"),
        _Key("Tile_ShiftReg_Num", _COUNT_OR_0, "", "0"),
        _Key("Tile_ShiftReg_Level", _COUNT_OR_0, "", "0"),
        _Key("Inter_Tile_Bandwidth", _NOT_NEGATIVE, "Gb/s", "20"),
        _Key("Intra_Tile_Bandwidth", _NOT_NEGATIVE, "Gb/s", "1024"),
        _Key("Tile_outBuf_Size", _NOT_NEGATIVE, "KB", "0"),
        _Key("Tile_outBuf_Area", _NOT_NEGATIVE, "um^2", "0"),
        _Key("DFU_Buf_Size", _NOT_NEGATIVE, "KB", "0"),
        _Key("DFU_Buf_Area", _NOT_NEGATIVE, "um^2", "0"),
    ),
    _ARCHITECTURE: (
        _Key("Buffer_Choice", _choice(0, 1, 2, 3), "", "1"),
        _Key("Buffer_Technology", _COUNT_OR_0, "nm", "90", "buffer_tech_nm"),
        _Key("Buffer_ReadPower", _NOT_NEGATIVE, "mW", "0"),
        _Key("Buffer_WritePower", _NOT_NEGATIVE, "mW", "0"),
        _Key("Buffer_Bitwidth", _COUNT_OR_0, "bit", "64", "buffer_width_bits"),
        _Key("Tile_Connection", _choice(0, 1, 2, 3), "", "2"),
        _Key("Tile_Num", _SIZE_OR_0, "", "64, 64"),
        _Key("LUT_Capacity", _NOT_NEGATIVE, "Mb", "1"),
        _Key("LUT_Area", _NOT_NEGATIVE, "mm^2", "0"),
        _Key("LUT_Power", _NOT_NEGATIVE, "mW", "0"),
        _Key("LUT_Bandwidth", _NOT_NEGATIVE, "Mb/s", "0"),
    ),
    _ALGORITHM: (
        _Key("Weight_Polarity", _ANY_INTEGER, "", "1"),
        _Key("Simulation_Level", _FLAG, "", "0", "simulation_level"),
        _Key("NoC_enable", _FLAG, "", "0"),
    ),
}


# --- Rules between keys ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Finding:
    """An error (`fatal`) or a warning about one key; `remark` says what is allowed or what happens."""

    section: str
    key: str
    remark: str
    fatal: bool = False


_Values = Mapping[str, Any]  # by key name; the keys of [Tile level] are left out


def _levels(v: _Values) -> Iterator[_Finding]:
    for count, values in (("Read_Level", "Read_Voltage"), ("Write_Level", "Write_Voltage")):
        if count in v and v[count] != len(v[values]):
            yield _Finding(_DEVICE, count, f"the length of {values}, {len(v[values])}", fatal=True)
    if v["Device_Level"] != len(v["Device_Resistance"]):
        found = len(v["Device_Resistance"])
        yield _Finding(_DEVICE, "Device_Level", f"the length of Device_Resistance, {found}", fatal=True)


def _states(v: _Values) -> Iterator[_Finding]:
    sram = v["Device_Type"] == "SRAM"
    if sram and v["Device_Level"] != 2:
        yield _Finding(_DEVICE, "Device_Level", "2 for SRAM", fatal=True)
    if v["Device_Level"] & (v["Device_Level"] - 1):
        yield _Finding(_DEVICE, "Device_Level", "not a power of two: the last states stay unused")
    for key in ("Device_SAF", "Device_Variation"):
        if sram and key in v and v[key] not in (0, (0, 0)):
            yield _Finding(_DEVICE, key, "has no meaning for SRAM")


def _variation(v: _Values) -> Iterator[_Finding]:
    if v["Device_Variation"] > WILD_VARIATION_PERCENT:
        limit = WILD_VARIATION_PERCENT
        yield _Finding(_DEVICE, "Device_Variation", f"above {limit} percent resistances may become negative")


def _subarray(v: _Values) -> Iterator[_Finding]:
    rows = v["Xbar_Size"][0]
    if rows % v["Subarray_Size"]:
        yield _Finding(_CROSSBAR, "Subarray_Size", f"a divisor of the {rows} rows of Xbar_Size", fatal=True)


def _converter(name: str) -> Callable[[_Values], Iterator[_Finding]]:
    def rule(v: _Values) -> Iterator[_Finding]:
        user = v[f"{name}_Choice"] == USER_DEFINED
        for part in ("Area", "Precision", "Power", "Sample_Rate"):
            key = f"{name}_{part}"
            if key in v and user and v[key] == 0:
                yield _Finding(_INTERFACE, key, f"> 0 because {name}_Choice is -1", fatal=True)
            if key in v and not user and v[key] != 0:
                yield _Finding(_INTERFACE, key, f"ignored because {name}_Choice is not -1")

    return rule


def _bits(v: _Values, name: str, options: Mapping[int, int], digital: int) -> int:
    """Precision of the converter in force; digital PIM forces an option unless the user defines one."""
    choice = v[f"{name}_Choice"]
    if choice == USER_DEFINED:
        return int(v[f"{name}_Precision"])
    return options[digital if v["PIM_Type"] else choice]


def _thresholds(v: _Values) -> Iterator[_Finding]:
    wanted = 2 ** _bits(v, "ADC", ADC_BITS, DIGITAL_ADC) - 1
    given = v["ADC_Interval_Thres"]
    if given != (-1,) and len(given) != wanted:
        yield _Finding(_INTERFACE, "ADC_Interval_Thres", f"-1 or {wanted} rising numbers [V]", fatal=True)


def _input_levels(v: _Values) -> Iterator[_Finding]:
    wanted = 2 ** _bits(v, "DAC", DAC_BITS, DIGITAL_DAC)
    if v["Read_Level"] != wanted:
        yield _Finding(_DEVICE, "Read_Level", f"the DAC tells {wanted} levels apart")


def _digital_pim(v: _Values) -> Iterator[_Finding]:
    if v["PIM_Type"] and v["Xbar_Polarity"] != 1:
        yield _Finding(_PE, "Xbar_Polarity", "digital PIM is meant for polarity 1")
    if v["Logic_Op"] != -1 and not v["PIM_Type"]:
        yield _Finding(_INTERFACE, "Logic_Op", "meant for digital PIM; its area is charged all the same")


def _subtraction(v: _Values) -> Iterator[_Finding]:
    if v["Sub_Position"] and v["Xbar_Polarity"] == 1:
        yield _Finding(_PE, "Sub_Position", "ignored: polarity 1 has nothing to subtract")


def _read_as(v: _Values) -> Iterator[_Finding]:
    if v["Group_Num"] == 0:
        yield _Finding(_PE, "Group_Num", "0 is read as 1")
    for key in ("ShiftReg_Tech", "Reg_Tech"):
        if v[key] == 0:
            yield _Finding(_DIGITAL, key, "0 is read as 65")


def _converter_counts(v: _Values) -> Iterator[_Finding]:
    lines = v["Xbar_Size"][1] * (2 if v["Sub_Position"] and v["Xbar_Polarity"] == 2 else 1)
    if v["DAC_Num"] > v["Subarray_Size"]:
        rows = v["Subarray_Size"]
        yield _Finding(_PE, "DAC_Num", f"more than the {rows} rows of a subarray; all are charged")
    if v["ADC_Num"] > lines:
        yield _Finding(_PE, "ADC_Num", f"more than the {lines} columns to convert; all are charged")


def _buffers(v: _Values) -> Iterator[_Finding]:
    width = v["Buffer_Bitwidth"]
    for key in ("PE_inBuf_Size", "Tile_outBuf_Size", "DFU_Buf_Size"):
        if 0 < v[key] <= 2 and width > 256:
            yield _Finding(_PE, key, "> 2 KB because Buffer_Bitwidth exceeds 256", fatal=True)
        if v[key] > LARGEST_BUFFER_KB:
            yield _Finding(_PE, key, f"charged as {LARGEST_BUFFER_KB} KB, the largest in the table")
    if width > WIDEST_BUFFER_BITS:
        remark = f"charged as {WIDEST_BUFFER_BITS} bits, the widest in the table"
        yield _Finding(_ARCHITECTURE, "Buffer_Bitwidth", remark)


_RULES: Final = (
    *(_levels, _states, _variation, _subarray, _converter("DAC"), _converter("ADC"), _thresholds),
    *(_input_levels, _digital_pim, _subtraction, _read_as, _converter_counts, _buffers),
)


# --- Reading ---------------------------------------------------------------------------------------------


def load_hardware(path: Path | str) -> Hardware:
    """Read a configuration file. Raises `BadInput`, one line per fault."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; allowed: UTF-8 text") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; allowed: a SimConfig.ini file") from None
    return parse_hardware(text, str(path))


def parse_hardware(text: str, source: str = "SimConfig.ini") -> Hardware:
    """Parse the text of a configuration file; `source` names it in errors. Raises `BadInput`."""
    texts, errors = _known_texts(_sections(text, source), source)
    values, findings = _values(texts)
    findings += _broken_rules(values)
    for finding in findings:
        if finding.fatal:
            found = texts[finding.section, finding.key][1]
            errors.append(_error(source, f"[{finding.section}] {finding.key}", found, finding.remark))
    if errors:
        raise BadInput("\n".join(errors))
    warnings = tuple(
        f"{source}: [{f.section}] {f.key} = {texts[f.section, f.key][1]}: {f.remark}" for f in findings
    )
    return _build(values, warnings)


def _error(source: str, where: str, found: str, allowed: str) -> str:
    return f"{source}: {where}: found {found!r}; allowed: {allowed}"


def _sections(text: str, source: str) -> configparser.ConfigParser:
    """Split the text into sections and keys; no interpolation, no defaults, `#` on its own line only."""
    parser = configparser.ConfigParser(
        interpolation=None, comment_prefixes=("#",), default_section="\0", empty_lines_in_values=False
    )
    try:
        parser.read_string(text)
    except configparser.DuplicateOptionError as error:
        where = f"[{error.section}] {error.option}"
        raise BadInput(f"{source}: {where}: found again in line {error.lineno}; allowed: once") from None
    except configparser.DuplicateSectionError as error:
        raise BadInput(
            f"{source}: [{error.section}]: found again in line {error.lineno}; allowed: once"
        ) from None
    except configparser.MissingSectionHeaderError as error:
        raise BadInput(
            _error(source, f"line {error.lineno}", str(error.line).strip(), "a [section]")
        ) from None
    except configparser.ParsingError as error:
        number, _ = error.errors[0]
        line = text.split("\n")[number - 1].strip()
        raise BadInput(_error(source, f"line {number}", line, "key = value")) from None
    return parser


_Texts = dict[tuple[str, str], tuple[_Key, str]]  # (section, key name) -> declaration, text found


def _known_texts(parser: configparser.ConfigParser, source: str) -> tuple[_Texts, list[str]]:
    """Pair the text with its declaration; report sections and keys that are missing or unknown."""
    texts: _Texts = {}
    errors = [
        f"{source}: [{section}]: found an unknown section; allowed: {', '.join(_KEYS)}"
        for section in parser.sections()
        if section not in _KEYS
    ]
    for section, keys in _KEYS.items():
        if not parser.has_section(section):
            errors.append(f"{source}: [{section}]: found no such section; allowed: all of {', '.join(_KEYS)}")
            continue
        given = dict(parser.items(section))
        for key in keys:
            found = given.pop(key.name.lower(), None)
            if found is not None:
                texts[section, key.name] = (key, found)
            elif key.field:
                errors.append(f"{source}: [{section}] {key.name}: found no such key; allowed: {key.allowed}")
        names = ", ".join(key.name for key in keys)
        errors += [f"{source}: [{section}] {name}: found an unknown key; allowed: {names}" for name in given]
    return texts, errors


def _values(texts: _Texts) -> tuple[dict[str, Any], list[_Finding]]:
    """Parse every text on its own; report what is not allowed, and what is set without effect."""
    values: dict[str, Any] = {}
    findings: list[_Finding] = []
    for (section, name), (key, found) in texts.items():
        try:
            value = key.kind.parse(found)
        except ValueError as error:
            allowed = ", ".join(filter(None, (key.allowed, str(error))))
            findings.append(_Finding(section, name, allowed, fatal=True))
            continue
        if section != _TILE:  # it repeats keys of [Process element level], none of its own is read
            values[name] = value
        if key.unread and value != key.kind.parse(key.default):
            findings.append(_Finding(section, name, "no effect: no formula reads it"))
    return values, findings


def _broken_rules(values: _Values) -> list[_Finding]:
    findings: list[_Finding] = []
    for rule in _RULES:
        try:
            findings += list(rule(values))
        except KeyError:
            continue  # an operand is missing or wrong, and reported as that already
    return findings


def _build(values: _Values, warnings: tuple[str, ...]) -> Hardware:
    """Resolve the special values of the file."""
    keys = (key for section, keys in _KEYS.items() if section != _TILE for key in keys)
    fields = {key.field: values[key.name] for key in keys if key.field}
    fields["rows"], fields["columns"] = fields.pop("xbar_size")
    if fields["device_type"] == "SRAM":
        fields["resistances_ohm"] = (SRAM_RESISTANCE_OHM, SRAM_RESISTANCE_OHM)
    if fields["load_resistance_ohm"] == -1:
        resistances = fields["resistances_ohm"]
        fields["load_resistance_ohm"] = math.sqrt(resistances[0] * resistances[-1])
    if fields["adc_thresholds_v"] == (-1,):
        fields["adc_thresholds_v"] = ()
    fields["digital_pim"] = bool(fields["digital_pim"])
    if fields["digital_pim"]:
        for name, option in (("dac_choice", DIGITAL_DAC), ("adc_choice", DIGITAL_ADC)):
            fields[name] = USER_DEFINED if fields[name] == USER_DEFINED else option
    fields["digital_subtraction"] = bool(fields["digital_subtraction"]) and fields["polarity"] == 2
    fields["groups"] = fields["groups"] or 1
    for name in ("shift_register_tech_nm", "register_tech_nm", "buffer_tech_nm"):
        fields[name] = fields[name] or 65
    fields["buffer_width_bits"] = fields["buffer_width_bits"] or 256
    return Hardware(**fields, warnings=warnings)
