"""Rules between the keys of `SimConfig.ini`: what is refused, and what has no effect or little sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..buffer import SIZES_KB, WIDTHS_BITS
from ..converters import ADC, DAC, DIGITAL_CHOICE, USER_DEFINED, Converter
from .keys import KEYS, TILE

Values = Mapping[str, Any]  # by key name, without the keys of [Tile level]

_SECTION: Final = {key.name: section for section, keys in KEYS.items() if section != TILE for key in keys}
SRAM_OHM: Final = 1.6e6  # as MNSIM has it
_WILD_VARIATION_PERCENT: Final = 30
_SHIPPED_DACS: Final = (256, 128)  # DACs and rows of the shipped file, as MNSIM has them: all are charged


@dataclass(frozen=True, slots=True)
class Finding:
    """An error (`fatal`) or a warning about one key; `remark` says what is allowed or what happens."""

    section: str
    key: str
    remark: str
    fatal: bool = False


Rule = Callable[[Values], Iterator[Finding]]


def broken_rules(values: Values) -> list[Finding]:
    """Apply every rule whose keys all have a value; the others are reported as missing or wrong already."""
    findings: list[Finding] = []
    for rule in _RULES:
        try:
            findings += list(rule(values))
        except KeyError:
            continue
    return findings


def choice_in_force(v: Values, name: str) -> int:
    """Option of the "DAC" or "ADC"; digital PIM forces one unless the user defines the converter."""
    choice: int = v[f"{name}_Choice"]
    return DIGITAL_CHOICE[name] if v["PIM_Type"] and choice != USER_DEFINED else choice


def _error(key: str, allowed: str) -> Finding:
    return Finding(_SECTION[key], key, allowed, fatal=True)


def _warning(key: str, remark: str) -> Finding:
    return Finding(_SECTION[key], key, remark)


def _count(key: str, values: str) -> Rule:
    def rule(v: Values) -> Iterator[Finding]:
        if v[key] != len(v[values]):
            yield _error(key, f"the length of {values}, {len(v[values])}")

    return rule


def _states(v: Values) -> Iterator[Finding]:
    if v["Device_Type"] == "SRAM" and v["Device_Level"] != 2:
        yield _error("Device_Level", "2 for SRAM")
    if v["Device_Level"] & (v["Device_Level"] - 1):
        yield _warning("Device_Level", "not a power of two: the last states stay unused")


def unread(key: str, text: str) -> Iterator[Finding]:
    """A word about a key that serves the other type of device, where it asks for what is not done."""
    numbers = _numbers(text)
    if key == "Device_Resistance" and numbers != [SRAM_OHM, SRAM_OHM]:
        yield _warning(key, f"not read: SRAM counts as {SRAM_OHM:g} ohm in both states")
    if key in ("Device_SAF", "Device_Variation") and any(numbers or [1]):
        yield _warning(key, "has no meaning for SRAM")


def _numbers(text: str) -> list[float]:
    """Numbers separated by commas; none where the text is anything else."""
    try:
        return [float(item) for item in text.split(",")]
    except ValueError:
        return []


def _variation(v: Values) -> Iterator[Finding]:
    if v["Device_Variation"] > _WILD_VARIATION_PERCENT:
        remark = f"above {_WILD_VARIATION_PERCENT} percent resistances may become negative"
        yield _warning("Device_Variation", remark)


def _subarray(v: Values) -> Iterator[Finding]:
    rows = v["Xbar_Size"][0]
    if rows % v["Subarray_Size"]:
        yield _error("Subarray_Size", f"a divisor of the {rows} rows of Xbar_Size")


def _own_value(name: str, part: str) -> Rule:
    key = f"{name}_{part}"

    def rule(v: Values) -> Iterator[Finding]:
        user = v[f"{name}_Choice"] == USER_DEFINED
        if user and v[key] == 0:
            yield _error(key, f"> 0 because {name}_Choice is -1")
        if not user and v[key] != 0:
            yield _warning(key, f"ignored because {name}_Choice is not -1")

    return rule


def _codes(v: Values, name: str, options: Mapping[int, Converter]) -> int:
    choice = choice_in_force(v, name)
    return int(2 ** (v[f"{name}_Precision"] if choice == USER_DEFINED else options[choice].bits))


def _thresholds(v: Values) -> Iterator[Finding]:
    wanted = _codes(v, "ADC", ADC) - 1
    if v["ADC_Interval_Thres"] != (-1,) and len(v["ADC_Interval_Thres"]) != wanted:
        yield _error("ADC_Interval_Thres", f"-1 or {wanted} rising numbers [V]")


def _input_levels(v: Values) -> Iterator[Finding]:
    wanted = _codes(v, "DAC", DAC)
    if v["Read_Level"] != wanted:
        yield _warning("Read_Level", f"the DAC tells {wanted} levels apart")


def _digital_pim(v: Values) -> Iterator[Finding]:
    if v["PIM_Type"] and v["Xbar_Polarity"] != 1:
        yield _warning("Xbar_Polarity", "digital PIM is meant for polarity 1")
    if v["Logic_Op"] != -1 and not v["PIM_Type"]:
        yield _warning("Logic_Op", "meant for digital PIM; its area is charged all the same")


def _subtraction(v: Values) -> Iterator[Finding]:
    if v["Sub_Position"] and v["Xbar_Polarity"] == 1:
        yield _warning("Sub_Position", "ignored: polarity 1 has nothing to subtract")


def _zero_read_as(key: str, value: int) -> Rule:
    def rule(v: Values) -> Iterator[Finding]:
        if v[key] == 0:
            yield _warning(key, f"0 is read as {value}")

    return rule


def _converter_counts(v: Values) -> Iterator[Finding]:
    rows = v["Subarray_Size"]
    columns = v["Xbar_Size"][1] * (2 if v["Sub_Position"] and v["Xbar_Polarity"] == 2 else 1)
    if v["DAC_Num"] > rows and (v["DAC_Num"], rows) != _SHIPPED_DACS:
        yield _warning("DAC_Num", f"more than the {rows} rows of a subarray; all are charged")
    if v["ADC_Num"] > columns:
        yield _warning("ADC_Num", f"more than the {columns} columns to convert; all are charged")


def _buffer_size(key: str) -> Rule:
    def rule(v: Values) -> Iterator[Finding]:
        if 0 < v[key] <= 2 and v["Buffer_Bitwidth"] > 256:
            yield _error(key, "> 2 KB because Buffer_Bitwidth exceeds 256")
        if v[key] > SIZES_KB[-1]:
            yield _warning(key, f"charged as {SIZES_KB[-1]} KB, the largest in the table")

    return rule


def _buffer_width(v: Values) -> Iterator[Finding]:
    if v["Buffer_Bitwidth"] > WIDTHS_BITS[-1]:
        remark = f"charged as {WIDTHS_BITS[-1]} bits, the widest in the table"
        yield _warning("Buffer_Bitwidth", remark)


_RULES: Final[tuple[Rule, ...]] = (
    _count("Read_Level", "Read_Voltage"),
    _count("Write_Level", "Write_Voltage"),
    _count("Device_Level", "Device_Resistance"),
    _states,
    _variation,
    _subarray,
    *(_own_value("DAC", part) for part in ("Area", "Precision", "Power", "Sample_Rate")),
    *(_own_value("ADC", part) for part in ("Area", "Precision", "Power", "Sample_Rate")),
    *(_thresholds, _input_levels, _digital_pim, _subtraction),
    _zero_read_as("Group_Num", 1),
    *(_zero_read_as(key, 65) for key in ("ShiftReg_Tech", "Reg_Tech")),
    _converter_counts,
    *(_buffer_size(key) for key in ("PE_inBuf_Size", "Tile_outBuf_Size", "DFU_Buf_Size")),
    _buffer_width,
)
