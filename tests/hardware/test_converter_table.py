"""docs/hardware.md lists the converters that a file may choose.

`python tests/hardware/test_converter_table.py` prints its tables anew.
"""

from pathlib import Path

from rram_nas_comp_pack.hardware.converters import ADC, DAC

PAGE = Path(__file__).parents[2] / "docs" / "hardware.md"
MARKS = (
    "<!-- converters: made by tests/hardware/test_converter_table.py -->\n",
    "<!-- end of converters -->\n",
)


def tables():
    """A table of each kind, a line a choice."""
    for name, converters in (("ADC_Choice", ADC), ("DAC_Choice", DAC)):
        columns = (f"`{name}`", "bits", "power, W", "rate, GS/s", "area, µm²", "conversion, ns")
        yield f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
        for choice, own in converters.items():
            figures = (own.power_w, own.rate_gsps, own.area_um2, own.latency_ns)
            yield f"| {choice} | {own.bits} | {' | '.join(f'{each:.6g}' for each in figures)} |\n"
    yield "\n"


def printed(page):
    """The page with the tables of today between its marks."""
    before, _, rest = page.partition(MARKS[0])
    return before + MARKS[0] + "".join(tables()) + MARKS[1] + rest.partition(MARKS[1])[2]


def test_the_page_lists_the_converters_of_the_code():
    page = PAGE.read_text(encoding="utf-8")
    assert MARKS[0] in page
    assert page == printed(page), "python tests/hardware/test_converter_table.py prints the tables anew"


def main():
    PAGE.write_text(printed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
