"""SRAM buffers of MNSIM 2.0. Fault ids (F..) refer to docs/hardware.md."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ..errors import BadInput
from .digital import class_index

BUFFER_CYCLE_NS: Final = 20  # one access, for every size and technology (F22)
SIZES_KB: Final = (2, 4, 8, 16, 32, 64, 128, 256, 512)
WIDTHS_BITS: Final = (64, 128, 256, 512)
_NODES_NM: Final = (90, 65, 45)


def _grid(text: str) -> tuple[tuple[float, ...], ...]:
    items = [math.nan if item == "-" else float(item) for item in text.split()]
    columns = len(_NODES_NM) * len(WIDTHS_BITS)
    return tuple(tuple(items[start : start + columns]) for start in range(0, len(items), columns))


# SRAM figures of CACTI. Rows: SIZES_KB; columns: _NODES_NM x WIDTHS_BITS; "-": no data. F26 lists outliers.
_AREA_MM2 = _grid(
    """
    0.0405803 0.0944387 0.170796 - 0.069914533 0.13213 0.266413 -
        0.026389593 0.049106366 0.099338763 -
    0.0686947 0.129533 0.21469158 0.544121685 0.117554 0.172761 0.319445 0.885538
        0.043660718 0.064295773 0.119224229 0.333979075
    0.156974886 0.199132286 0.301779123 0.629568 0.185984 0.253431 0.424684 0.98738
        0.06910098 0.094371317 0.177026169 0.372578216
    0.616313686 0.781358547 1.190747266 2.277664127 0.321651 0.407856 0.621693 1.18947
        0.12167763 0.154207863 0.234897385 0.426436442
    1.060004216 1.271763571 1.774928364 3.368257932 0.552979 0.663547 0.92629 1.75898
        0.209317302 0.251074 0.350283787 0.664606538
    1.974404875 2.239130702 2.897282324 4.503881809 1.02955 1.16829 1.51204 2.35122
        0.389828369 0.442063443 0.571793236 0.88844989
    3.583918894 3.942740844 4.787940384 6.782865957 1.86953 2.05688 2.49820595 3.532879835
        0.707812758 0.779322414 0.945248378 1.335949489
    6.974574682 7.387286214 8.510494573 11.13794477 4.110732386 3.853902632 4.440562411 5.812866337
        1.692348078 1.758800264 1.680181012 2.198122156
    14.22112082 15.77955259 15.1903479 18.56649221 7.345004718 8.232069955 7.924741251 9.68755797
        2.972110865 3.116036246 3.763339813 3.665484947
    """
)
_READ_NJ = _grid(
    """
    0.0075695 0.0204901 0.0374838 - 0.00823002 0.0183766 0.0407038 -
        0.00366611 0.00805114 0.0174977 -
    0.00854257 0.0227852 0.041063 0.12054 0.0120839 0.0211627 0.0454619 0.137905
        0.00545155 0.00929243 0.0195678 0.0587335
    0.018382 0.0275777 0.0484019 0.127604 0.0158937 0.026906 0.0551001 0.147335
        0.00717156 0.0118251 0.0272345 0.0628241
    0.044837 0.0706276 0.131809 0.295237 0.0248548 0.0394126 0.0739843 0.166219
        0.0113831 0.0175339 0.0321178 0.0709932
    0.0618356 0.0943086 0.169224 0.411876 0.0349618 0.053362 0.0956746 0.232081
        0.0160867 0.0238524 0.0416899 0.0996046
    0.103042 0.14809 0.247932 0.485822 0.0583935 0.0838554 0.140319 0.274961
        0.0272693 0.0380164 0.0618288 0.118533
    0.156421 0.21497 0.342013 0.634498 0.0905117 0.123634 0.19553 0.361147
        0.0426012 0.0565679 0.0868665 0.156594
    0.27502 0.358447 0.535426 0.927837 0.131652 0.206955 0.307099 0.52924
        0.0624646 0.097861 0.138328 0.231921
    0.356492 0.508902 0.795817 1.29724 0.205608 0.291566 0.462242 0.746234
        0.0933836 0.131128 0.210481 0.330414
    """
)
_WRITE_NJ = _grid(
    """
    0.0131361 0.0223358 0.0422325 - 0.00983737 0.0198855 0.0427535 -
        0.00431575 0.00864673 0.0182943 -
    0.0199484 0.0271014 0.0516509 0.130038 0.0129198 0.0243774 0.0516229 0.142004
        0.00571403 0.0105917 0.0221228 0.0603267
    0.0211344 0.0368348 0.0706683 0.14878 0.0177355 0.0335322 0.0694838 0.159657
        0.00778673 0.0145317 0.0298331 0.0679341
    0.0437094 0.0779207 0.155944 0.345919 0.0237539 0.0430962 0.0872368 0.194986
        0.010522 0.0187642 0.0375312 0.0831368
    0.0601423 0.109611 0.218248 0.460145 0.0330736 0.0610694 0.122573 0.258586
        0.0145269 0.0264935 0.0527328 0.110431
    0.08827501 0.144703 0.278356 0.583869 0.0450215 0.0800791 0.155734 0.328758
        0.0199489 0.0348969 0.067111 0.140623
    0.116896 0.209321 0.404114 0.8321 0.0643685 0.116708 0.22704 0.469528
        0.0282674 0.0506538 0.0977918 0.201198
    0.162096 0.279398 0.524128 1.05204 0.0950392 0.154668 0.293248 0.592261
        0.0595076 0.108967 0.1265 0.253771
    0.243037 0.429853 0.775468 1.54815 0.133284 0.23928 0.435794 0.873636
        0.0789223 0.102461 0.198653 0.374836
    """
)
_LEAKAGE_MW = _grid(
    """
    1.006428 1.136656 1.253224 - 4.33154 4.5899 5.99122 - 3.06844 3.22544 4.1977 -
    1.95684 2.15962 2.28782 2.62008 7.75758 8.25868 9.76298 14.09702 5.51418 5.85956 6.90244 9.92618
    4.1222 4.18056 4.3319 4.55214 14.98076 15.5835 17.29178 20.9042 10.65116 11.06626 11.4876 14.86772
    8.86342 9.07178 9.65236 11.29236 26.6168 27.3042 29.192 34.5 19.25676 19.72618 21.0248 24.6852
    17.46566 17.73578 18.44038 19.29436 52.3788 53.2686 55.5624 58.7496 37.9354 38.5436 40.1206 42.1506
    32.1096 32.4554 33.348 35.5564 96.3408 97.4886 100.408 107.6106 69.7894 70.5706 72.5732 77.5184
    63.688 64.1578 65.2978 68.0018 191.03 192.5814 196.3112 205.136 138.4138 139.4718 142.0298 148.0884
    121.8756 122.4862 126.032 127.5844 367.718 367.692 372.76 384.374 299.266 299.666 269.828 277.794
    243.484 244.982 245.722 250.266 730.276 735.414 737.946 752.802 551.922 532.732 539.688 544.616
    """
)


@dataclass(frozen=True, slots=True)
class Buffer:
    """An SRAM buffer: area, dynamic energy per access, leakage, configured width of one access."""

    area_um2: float
    read_nj: float
    write_nj: float
    leakage_mw: float
    width_bits: int

    def latency_ns(self, count_bytes: float) -> float:
        """Time to read or to write so many bytes."""
        return math.ceil(8 * count_bytes / self.width_bits) * BUFFER_CYCLE_NS

    @property
    def read_power_mw(self) -> float:
        """Power while it is read, with leakage."""
        return self.read_nj / BUFFER_CYCLE_NS * 1e3 + self.leakage_mw

    @property
    def write_power_mw(self) -> float:
        """Power while it is written, with leakage."""
        return self.write_nj / BUFFER_CYCLE_NS * 1e3 + self.leakage_mw

    def read_energy_nj(self, count_bytes: float) -> float:
        """Energy to read so many bytes, with leakage for that time."""
        return self.read_power_mw * 1e-3 * self.latency_ns(count_bytes)

    def write_energy_nj(self, count_bytes: float) -> float:
        """Energy to write so many bytes, with leakage for that time."""
        return self.write_power_mw * 1e-3 * self.latency_ns(count_bytes)


def sram_buffer(tech_nm: int, size_kb: float, width_bits: int) -> Buffer:
    """The smallest tabulated buffer that is as large and as wide, else the largest.

    Raises `BadInput` where there is no data: up to 2 KB with more than 256 bits (F06 mended).
    """
    if not size_kb > 0:
        raise BadInput(f"buffer size: found {size_kb} KB; allowed: > 0")
    node = 0 if tech_nm >= 90 else 1 if tech_nm >= 65 else 2
    row = class_index(size_kb, SIZES_KB)
    column = node * len(WIDTHS_BITS) + class_index(width_bits, WIDTHS_BITS)
    area, read, write, leakage = (grid[row][column] for grid in (_AREA_MM2, _READ_NJ, _WRITE_NJ, _LEAKAGE_MW))
    if math.isnan(area):
        raise BadInput(
            f"buffer: found {size_kb} KB with {width_bits} bits; allowed: > 2 KB, or at most 256 bits"
        )
    return Buffer(area * 1e6, read, write, leakage, width_bits)
