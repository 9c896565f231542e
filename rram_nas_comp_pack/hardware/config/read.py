"""`SimConfig.ini` -> `Hardware`: the only place that reads the configuration.

Every fault in the file is reported at once, one line each.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import BadInput
from ...values import CrossbarSize
from .ini import Sections, sections_of, shown, unknown
from .key_rules import SRAM_OHM, Finding, Values, broken_rules, choice_in_force, unread
from .keys import KEYS, TILE, Key

SHIPPED: Final = Path(__file__).parents[2] / "SimConfig.ini"
"""The configuration that comes with the package; in a source tree a link to the one beside it."""

_UNREAD: Final[dict[str, dict[str, Any]]] = {
    "NVM": {"read_energy_j": 0.0, "write_energy_j": 0.0},
    "SRAM": {
        **{"resistances_ohm": (SRAM_OHM, SRAM_OHM), "cell_type": ""},
        **{"variation_percent": 0.0, "stuck_percent": (0.0, 0.0)},
    },
}
"""What stands for the keys that mean nothing for a type of device."""

_MOST_BYTES: Final = 2**16  # some ten times the shipped file

_Texts = dict[tuple[str, str], tuple[Key, str]]  # (section, key name) -> declaration, text found


@dataclass(frozen=True, slots=True)
class Movement:
    """Links and digital units: of effect where data movement is charged. None: the file lacks the key."""

    inter_tile_gbps: float | None = None  # between tiles, in 10^9 bits per second [Inter_Tile_Bandwidth]
    intra_tile_gbps: float | None = None  # within a tile [Intra_Tile_Bandwidth]
    digital_units: int | None = None  # elements that are computed at once; 0: 64 [Pooling_unit_num]


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
    variation_percent: float  # standard deviation of a cell's resistance [Device_Variation]
    stuck_percent: tuple[float, ...]  # cells stuck at the highest, at the lowest resistance [Device_SAF]
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
    movement: Movement = Movement()
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


@dataclass(frozen=True, slots=True)
class SimConfig:
    """A configuration as it was read: the hardware, every value as text, and the bytes of the file.

    `digest` is a SHA-256 of the values that the formulas of costs read, whatever else the file says and
    however it says it: hardware of equal costs has equal digests. `content` is empty where the values do not
    come from a file.
    """

    hardware: Hardware
    sections: Sections
    digest: str
    content: bytes = b""


def mean_resistance_ohm(resistances_ohm: tuple[float, ...]) -> float:
    """Geometric mean of the highest and the lowest resistance of a cell."""
    return math.sqrt(resistances_ohm[0] * resistances_ohm[-1])


def load_hardware(path: Path | str = SHIPPED) -> Hardware:
    """Read a configuration file, the shipped one unless told. Raises `BadInput`, one line per fault."""
    return load_config(path).hardware


def load_config(path: Path | str) -> SimConfig:
    """Read a configuration file with all that it says. Raises `BadInput`, one line per fault."""
    content = _content(Path(path))
    return config_of(_sections(path, content), str(path), content)


def read_sections(path: Path | str) -> Sections:
    """Every value of a configuration file as text; some may be missing or wrong. Raises `BadInput`."""
    return _sections(path, _content(Path(path)))


def _sections(path: Path | str, content: bytes) -> Sections:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; allowed: UTF-8 text") from None
    return sections_of(text.replace("\r\n", "\n").replace("\r", "\n"), str(path))


def _content(path: Path) -> bytes:
    """The bytes of a regular file of a sensible size; whatever else is there is not opened."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise BadInput(f"{path}: cannot be read: it is {kind}; allowed: a SimConfig.ini file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; allowed: a SimConfig.ini file") from None
    if len(content) > _MOST_BYTES:
        raise BadInput(f"{path}: found more than {_MOST_BYTES} bytes; allowed: a SimConfig.ini file")
    return content


def parse_hardware(text: str, source: str = "SimConfig.ini") -> Hardware:
    """Parse the text of a configuration file; `source` names it in errors. Raises `BadInput`."""
    return config_of(sections_of(text, source), source).hardware


def config_of(sections: Sections, source: str, content: bytes = b"") -> SimConfig:
    """The configuration that these values make; `source` names it in errors. Raises `BadInput`."""
    texts, faults = _known_texts(sections)
    strangers = list(unknown(sections))
    values, findings = _parsed(texts)
    findings += broken_rules(values)
    warnings = []
    for finding in findings:
        where, found = f"[{finding.section}] {finding.key}", texts[finding.section, finding.key][1]
        if finding.fatal:
            faults.append(f"{where}: found {shown(found)!r}; allowed: {finding.remark}")
        warnings.append(f"{where} = {shown(found)}: {finding.remark}")
    if faults:
        raise BadInput(*(f"{source}: {line}" for line in (*faults, *strangers)))
    hardware = _build(
        values, _movement(texts), tuple(f"{source}: {line}" for line in (*strangers, *warnings))
    )
    return SimConfig(hardware, sections, _digest(values), content)


def _known_texts(sections: Sections) -> tuple[_Texts, list[str]]:
    """Pair the text with its declaration; report sections and keys that are missing."""
    texts: _Texts = {}
    faults = []
    device = sections.get("Device level", {}).get("Device_Type", "")
    for section, keys in KEYS.items():
        if section not in sections:
            faults.append(f"[{section}]: found no such section; allowed: all of {', '.join(KEYS)}")
            continue
        for key in keys:
            found = sections[section].get(key.name)
            if found is not None:
                texts[section, key.name] = (key, found)
            elif key.field and not key.default and (key.serves in ("", device) or device not in _UNREAD):
                faults.append(f"[{section}] {key.name}: found no such key; allowed: {key.allowed}")
    return texts, faults


def _parsed(texts: _Texts) -> tuple[dict[str, Any], list[Finding]]:
    """Parse every text on its own; report what is not allowed, and what is set without effect."""
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    device = texts["Device level", "Device_Type"][1] if ("Device level", "Device_Type") in texts else ""
    for (section, name), (key, found) in texts.items():
        if key.serves and device in _UNREAD and key.serves != device:
            findings += unread(name, found)
            continue
        try:
            value = key.kind.parse(found)
        except ValueError as error:
            comment = "a comment in a line of its own" if re.search(r"\s[#;]", found) else ""
            allowed = ", ".join(filter(None, (key.allowed, str(error), comment)))
            findings.append(Finding(section, name, allowed, fatal=True))
            continue
        if section != TILE:
            values[name] = value
        if key.default and not key.field and not key.movement and value != key.kind.parse(key.default):
            findings.append(Finding(section, name, "no effect: no formula reads it"))
    return values, findings


def _digest(values: Values) -> str:
    """Of the values that the formulas of costs read."""
    read = {
        key.name: values[key.name]
        for keys in KEYS.values()
        for key in keys
        if _is_read(key, values) and not key.default
    }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _is_read(key: Key, values: Values) -> bool:
    return bool(key.field) and key.name in values


def _movement(texts: _Texts) -> Movement:
    """What data movement goes by, of sound texts."""
    return Movement(**{key.movement: key.kind.parse(text) for key, text in texts.values() if key.movement})


def _build(values: Values, movement: Movement, warnings: tuple[str, ...]) -> Hardware:
    """Resolve the special values of the file."""
    read = {key.field: values[key.name] for keys in KEYS.values() for key in keys if _is_read(key, values)}
    optional = {
        key.field: key.kind.parse(key.default)
        for keys in KEYS.values()
        for key in keys
        if key.field and key.default
    }
    fields = {**optional, **_UNREAD[read["device_type"]], **read}
    fields["rows"], fields["columns"] = fields.pop("xbar_size")
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
    return Hardware(**fields, movement=movement, warnings=warnings)
