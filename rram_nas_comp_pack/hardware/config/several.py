"""Several values of one key of SimConfig.ini: `KEY=V1,V2,…`, and slashes where a value has commas itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...errors import BadInput
from ..converters import ADC, DAC
from .change import find_key
from .ini import shown
from .keys import KEYS, Key


class Several(NamedTuple):
    """A key of a section and different values of it, spelled in one way each, in the order given."""

    section: str
    key: Key
    values: tuple[str, ...]

    def setting(self, value: str) -> str:
        """One of the values as `change.changed` takes it."""
        return f"{self.section}.{self.key.name}={value}"


def several_of(text: str, option: str) -> Several:
    """The values that a text lists; `option` names it in errors.

    Slashes separate values. Commas do too, where there is no slash and a value of the key has none itself.
    Raises BadInput for an unknown key, one that no formula reads, an empty list, a value that the key does
    not allow, and one that is listed twice.
    """
    place, equals, listed = text.partition("=")
    if not equals:
        raise BadInput(f"{option}: found {shown(text)!r}, allowed is KEY=VALUE,VALUE,…")
    section, key = find_key(place, option)
    if not key.field:
        raise BadInput(f"{option}: found {key.name}, which no formula reads; allowed are keys with an effect")
    mark = "/" if "/" in listed or key.kind.is_list else ","
    if not listed.strip():
        raise BadInput(f"{option}: {key.name}: found no value, allowed is at least one")
    values = tuple(_spelled(key, each, option) for each in listed.split(mark))
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise BadInput(f"{option}: {key.name}: found {twice} twice, allowed are different values")
    return Several(section, key, values)


def _spelled(key: Key, text: str, option: str) -> str:
    try:
        return spelled(key.kind.parse(text.strip()))
    except ValueError as error:
        allowed = ", ".join(filter(None, (key.allowed, *_parting(key), str(error))))
        raise BadInput(f"{option}: {key.name}: found {shown(text)!r}, allowed is {allowed}") from None


def _parting(key: Key) -> Iterator[str]:
    if key.kind.is_list:
        yield "with a slash between one value and the next"


def value_of(name: str, text: str) -> Any:
    """The value of a key that a text says, to be compared with others. Raises BadInput."""
    key = _READ.get(name)
    if key is None:
        raise BadInput(f"key: found {shown(name)!r}, allowed is a key of SimConfig.ini that formulas read")
    try:
        return key.kind.parse(text)
    except ValueError:
        raise BadInput(f"value: found {shown(text)!r}, allowed is {key.allowed}") from None


def title_of(name: str) -> str:
    """A key with its unit."""
    unit = _READ[name].unit
    return f"{name} ({unit})" if unit else name


def label_of(name: str, value: str) -> str:
    """A value for people: of a converter that is chosen by number, with its bits."""
    known = _CHOSEN.get(name, {}).get(value)
    return value if known is None else f"{value} ({known.bits} bit{'s' * (known.bits > 1)})"


def number_of(name: str, value: str) -> float | None:
    """A value as a place on an axis; None for words, lists and numbers that stand for something else."""
    found = value_of(name, value)
    return float(found) if isinstance(found, int | float) and name not in _CHOSEN else None


_CHOSEN = {
    name: {str(choice): converter for choice, converter in converters.items()}
    for name, converters in (("ADC_Choice", ADC), ("DAC_Choice", DAC))
}
_READ = {key.name: key for keys in KEYS.values() for key in keys if key.field}


def spelled(value: Any) -> str:
    """A value as the shortest text that says it."""
    if isinstance(value, tuple):
        return ",".join(map(spelled, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
