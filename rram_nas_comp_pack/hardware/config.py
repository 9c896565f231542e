"""`SimConfig.ini` -> `Hardware`: the only place that reads the configuration.

Every fault in the file is reported at once, one line each.
"""

from __future__ import annotations

import configparser
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.keys import KEYS, TILE, Key
from rram_nas_comp_pack.hardware.rules import Finding, Values, broken_rules, choice_in_force
from rram_nas_comp_pack.values import CrossbarSize

SHIPPED: Final = Path(__file__).parents[1] / "SimConfig.ini"
"""The configuration that comes with the package; in a source tree a link to the one beside it."""

_SRAM_RESISTANCE_OHM: Final = 1.6e6

_Texts = dict[tuple[str, str], tuple[Key, str]]  # (section, key name) -> declaration, text found


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
    dac_choice: int  # key of converters.DAC, or -1 with the four values below [DAC_Choice]
    dac_area_um2: float
    dac_bits: int
    dac_power_w: float
    dac_rate_gsps: float  # 10^9 samples per second
    adc_choice: int  # key of converters.ADC, or -1 with the four values below [ADC_Choice]
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
    def size(self) -> CrossbarSize:
        """Rows and columns of a crossbar."""
        return CrossbarSize(self.rows, self.columns)

    @property
    def subarrays(self) -> int:
        """Subarrays of one crossbar."""
        return self.rows // self.subarray_rows

    @property
    def bits_per_cell(self) -> int:
        """Whole bits that the states of one cell hold."""
        return self.device_levels.bit_length() - 1


def mean_resistance_ohm(resistances_ohm: tuple[float, ...]) -> float:
    """Geometric mean of the highest and the lowest resistance of a cell."""
    return math.sqrt(resistances_ohm[0] * resistances_ohm[-1])


def load_hardware(path: Path | str = SHIPPED) -> Hardware:
    """Read a configuration file, the shipped one unless told. Raises `BadInput`, one line per fault."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; allowed: UTF-8 text") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; allowed: a SimConfig.ini file") from None
    return parse_hardware(text, str(path))


def parse_hardware(text: str, source: str = "SimConfig.ini") -> Hardware:
    """Parse the text of a configuration file; `source` names it in errors. Raises `BadInput`."""
    try:
        texts, faults = _known_texts(_sections(text))
    except configparser.Error as error:
        raise BadInput(f"{source}: {_syntax_fault(error, text)}") from None
    values, findings = _parsed(texts)
    findings += broken_rules(values)
    warnings = []
    for finding in findings:
        where, found = f"[{finding.section}] {finding.key}", texts[finding.section, finding.key][1]
        if finding.fatal:
            faults.append(f"{where}: found {found!r}; allowed: {finding.remark}")
        warnings.append(f"{source}: {where} = {found}: {finding.remark}")
    if faults:
        raise BadInput(*(f"{source}: {fault}" for fault in faults))
    return _build(values, tuple(warnings))


def _sections(text: str) -> dict[str, dict[str, str]]:
    """Split the text into sections and keys; no interpolation, no defaults, `#` on its own line only."""
    parser = configparser.ConfigParser(
        interpolation=None, comment_prefixes=("#",), default_section="\0", empty_lines_in_values=False
    )
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _syntax_fault(error: configparser.Error, text: str) -> str:
    if isinstance(error, configparser.DuplicateOptionError):
        return f"[{error.section}] {error.option}: found again in line {error.lineno}; allowed: once"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"[{error.section}]: found again in line {error.lineno}; allowed: once"
    if isinstance(error, configparser.MissingSectionHeaderError):
        number, allowed = error.lineno, "a [section]"
    elif isinstance(error, configparser.ParsingError):
        number, allowed = error.errors[0][0], "key = value"
    else:
        raise error
    line = text.split("\n")[number - 1].strip()
    return f"line {number}: found {line!r}; allowed: {allowed}"


def _known_texts(sections: dict[str, dict[str, str]]) -> tuple[_Texts, list[str]]:
    """Pair the text with its declaration; report sections and keys that are missing or unknown."""
    texts: _Texts = {}
    every = ", ".join(KEYS)
    faults = [
        f"[{name}]: found an unknown section; allowed: {every}" for name in sections if name not in KEYS
    ]
    for section, keys in KEYS.items():
        if section not in sections:
            faults.append(f"[{section}]: found no such section; allowed: all of {every}")
            continue
        given = dict(sections[section])
        for key in keys:
            found = given.pop(key.name.lower(), None)
            if found is not None:
                texts[section, key.name] = (key, found)
            elif key.field:
                faults.append(f"[{section}] {key.name}: found no such key; allowed: {key.allowed}")
        names = ", ".join(key.name for key in keys)
        faults += [f"[{section}] {name}: found an unknown key; allowed: {names}" for name in given]
    return texts, faults


def _parsed(texts: _Texts) -> tuple[dict[str, Any], list[Finding]]:
    """Parse every text on its own; report what is not allowed, and what is set without effect."""
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for (section, name), (key, found) in texts.items():
        try:
            value = key.kind.parse(found)
        except ValueError as error:
            allowed = ", ".join(filter(None, (key.allowed, str(error))))
            findings.append(Finding(section, name, allowed, fatal=True))
            continue
        if section != TILE:
            values[name] = value
        if key.default and value != key.kind.parse(key.default):
            findings.append(Finding(section, name, "no effect: no formula reads it"))
    return values, findings


def _build(values: Values, warnings: tuple[str, ...]) -> Hardware:
    """Resolve the special values of the file."""
    fields = {key.field: values[key.name] for keys in KEYS.values() for key in keys if key.field}
    fields["rows"], fields["columns"] = fields.pop("xbar_size")
    if fields["device_type"] == "SRAM":
        fields["resistances_ohm"] = (_SRAM_RESISTANCE_OHM, _SRAM_RESISTANCE_OHM)
    if fields["load_resistance_ohm"] == -1:
        fields["load_resistance_ohm"] = mean_resistance_ohm(fields["resistances_ohm"])
    if fields["adc_thresholds_v"] == (-1,):
        fields["adc_thresholds_v"] = ()
    fields["dac_choice"] = choice_in_force(values, "DAC")
    fields["adc_choice"] = choice_in_force(values, "ADC")
    fields["digital_pim"] = bool(fields["digital_pim"])
    fields["digital_subtraction"] = bool(fields["digital_subtraction"]) and fields["polarity"] == 2
    fields["groups"] = fields["groups"] or 1
    for name in ("shift_register_tech_nm", "register_tech_nm", "buffer_tech_nm"):
        fields[name] = fields[name] or 65
    fields["buffer_width_bits"] = fields["buffer_width_bits"] or 256
    return Hardware(**fields, warnings=warnings)
