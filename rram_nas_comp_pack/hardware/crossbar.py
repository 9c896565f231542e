"""Area, latency, power and energy of a cell and of a crossbar: formulas of MNSIM 2.0 on `Hardware`.

Fault ids (F..) refer to docs/hardware.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config.read import Hardware, mean_resistance_ohm

States = NDArray[np.int_]  # cell states of a block, (active rows, active columns), 0 = highest resistance
Inputs = NDArray[np.int_]  # level of each active row, index into the voltages


def device_read_power_w(
    hardware: Hardware, resistance_ohm: float | None = None, voltage_v: float | None = None
) -> float:
    """Read power of one cell: 67 % of the cells at the highest resistance, 10 % of the inputs on (F50)."""
    high, low = hardware.resistances_ohm[0], hardware.resistances_ohm[-1]
    conductance = 1 / resistance_ohm if resistance_ohm else 0.67 / high + 0.33 / low
    square = _mean_square_v2(hardware) if voltage_v is None else voltage_v**2
    return square * conductance


def device_write_power_w(
    hardware: Hardware, resistance_ohm: float | None = None, voltage_v: float | None = None
) -> float:
    """Write power of one cell: geometric mean resistance, mean of the extreme voltages (F02 mended)."""
    if voltage_v is None:
        voltage_v = (hardware.write_voltages_v[0] + hardware.write_voltages_v[-1]) / 2
    return voltage_v**2 / (resistance_ohm or mean_resistance_ohm(hardware.resistances_ohm))


def sram_access_power_w(hardware: Hardware) -> tuple[float, float]:
    """Read and write power of an SRAM cell from its access energies (F11 mended: in W).

    As in the original no other figure uses it: the PE takes `device_read_power_w` for SRAM too.
    """
    read = hardware.read_energy_j * 1e9 / hardware.read_latency_ns
    return read, hardware.write_energy_j * 1e9 / hardware.write_latency_ns


def crossbar_area_um2(hardware: Hardware) -> float:
    """One crossbar; method 0 with row drivers, method 1 from the feature size without them (F30)."""
    cells_um2 = hardware.rows * hardware.columns * cell_area_um2(hardware)
    if hardware.area_method != 0:
        return cells_um2
    driver = 1150.0  # per row, of the 78.4 TOPS/W analog ReRAM chip (Liu et al.)
    if hardware.digital_pim:  # two-stage word line driver at 65 nm, in um x um
        driver = (7.3 * 2.7 + 9.5 * 3.8) * (hardware.transistor_tech_nm / 65) ** 2
    return cells_um2 + hardware.rows * driver


def cell_area_um2(hardware: Hardware) -> float:
    """One cell without its share of the row drivers: as given (method 0) or from the feature size (F30)."""
    if hardware.area_method == 0:
        return hardware.cell_area_um2
    if hardware.device_type == "SRAM":
        return 5.0
    squares = 4 if hardware.cell_type == "0T1R" else 3 * (3 + 1)  # 1T1R: 3 (W/L + 1) with W/L = 3
    return squares * hardware.device_tech_nm**2 * 1e-6


def crossbar_read_latency_ns(hardware: Hardware) -> float:
    """One read of the whole array: the cell and a fit of the wire delay over the size (F28)."""
    kilobytes = hardware.rows * hardware.columns / 8192
    return hardware.read_latency_ns + 1e-3 * (2e-4 * kilobytes**2 + 5e-6 * kilobytes + 4e-14)


def crossbar_read_power_w(hardware: Hardware, h: int, w: int) -> float:
    """Power while h rows and w columns are read; without selectors idle columns draw a quarter.

    Simulation_Level 1 charges all cells at their mean instead, whatever h and w (F34).
    """
    if hardware.simulation_level == 1:
        return estimated_read_power_w(hardware)
    power = h * w * device_read_power_w(hardware)
    return power + _idle_power_w(hardware, w, h * _mean_square_v2(hardware))


def crossbar_read_energy_nj(hardware: Hardware, h: int, w: int) -> float:
    """One read of h rows and w columns (F10 mended: SRAM in nJ)."""
    if hardware.device_type == "SRAM":
        return h * w * hardware.read_energy_j * 1e9
    return crossbar_read_power_w(hardware, h, w) * crossbar_read_latency_ns(hardware)


def crossbar_write_latency_ns(hardware: Hardware, h: int) -> float:
    """h rows, one after the other, all columns of a row at once."""
    return h * hardware.write_latency_ns


def crossbar_write_power_w(hardware: Hardware, w: int) -> float:
    """Power while one row of w cells is written."""
    if hardware.simulation_level == 1:
        return estimated_write_power_w(hardware)
    return w * device_write_power_w(hardware)


def crossbar_write_energy_nj(hardware: Hardware, h: int, w: int) -> float:
    """Writing h rows of w cells (F10 mended: SRAM in nJ; F12 mended: all rows)."""
    if hardware.device_type == "SRAM":
        return h * w * hardware.write_energy_j * 1e9
    return crossbar_write_power_w(hardware, w) * crossbar_write_latency_ns(hardware, h)


def estimated_read_power_w(
    hardware: Hardware, states: States | None = None, inputs: Inputs | None = None
) -> float:
    """Read power of the given states under the given inputs (F07 mended: idle columns of active rows).

    Without states all cells have the geometric mean resistance; without inputs all rows the mean square
    of the extreme voltages. `inputs` needs `states`.
    """
    mean_square = (hardware.read_voltages_v[0] ** 2 + hardware.read_voltages_v[-1] ** 2) / 2
    if states is None:
        return hardware.rows * hardware.columns * mean_square / mean_resistance_ohm(hardware.resistances_ohm)
    squares = _squares_v2(hardware.read_voltages_v, inputs, len(states), mean_square)
    idle = _idle_power_w(hardware, states.shape[1], float(squares.sum()))
    return float(squares @ _row_conductances_s(hardware, states)) + idle


def estimated_write_power_w(
    hardware: Hardware, states: States | None = None, inputs: Inputs | None = None
) -> float:
    """Mean write power of a row; without inputs from the product of the extreme voltages, often 0 (F34)."""
    mean_square = hardware.write_voltages_v[0] * hardware.write_voltages_v[-1]
    if states is None:
        return hardware.columns * mean_square / mean_resistance_ohm(hardware.resistances_ohm)
    squares = _squares_v2(hardware.write_voltages_v, inputs, len(states), mean_square)
    return float(squares @ _row_conductances_s(hardware, states)) / len(states)


def _squares_v2(
    voltages_v: tuple[float, ...], inputs: Inputs | None, rows: int, otherwise: float
) -> NDArray[np.float64]:
    """Squared voltage of each row."""
    if inputs is None:
        return np.full(rows, otherwise)
    squares: NDArray[np.float64] = np.square(np.asarray(voltages_v, dtype=np.float64))[inputs]
    return squares


def _row_conductances_s(hardware: Hardware, states: States) -> NDArray[np.float64]:
    conductances: NDArray[np.float64] = (1 / np.asarray(hardware.resistances_ohm))[states].sum(axis=1)
    return conductances


def _idle_power_w(hardware: Hardware, w: int, row_squares_v2: float) -> float:
    """Half-selected cells in the idle columns of cells without a transistor."""
    if hardware.cell_type != "0T1R" or hardware.device_type == "SRAM":
        return 0.0
    return 0.25 * (hardware.columns - w) / hardware.resistances_ohm[0] * row_squares_v2


def _mean_square_v2(hardware: Hardware) -> float:
    return 0.9 * hardware.read_voltages_v[0] ** 2 + 0.1 * hardware.read_voltages_v[-1] ** 2
