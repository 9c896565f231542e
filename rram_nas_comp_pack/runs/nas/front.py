"""Reads front.json: the networks that a search found. Whatever is unsound raises BadInput."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ofa.architecture import Configuration, configuration
from ofa.errors import BadInput as BadSubnet

from ...errors import BadInput
from ...hardware.config.read import SimConfig
from ...nas.compile_gene import DIAGONAL_ROWS, HARDWARE
from ..checked_json import HUGE, JsonObject, parse_json, read_json
from ..origin import OfferedConfig
from ..simconfig import read_simconfig, require_simconfig
from .run import ELSEWHERE, Figures, Front, FrontNetwork

FRONT = "front.json"

ACCURACY = -1000.0, 1000.0
"""The range of an accuracy that may be predicted: a predictor may leave 0 to 1."""


def read_front(path: Path) -> Front:
    """What a front.json says, checked by itself."""
    front = JsonObject(path, "front", read_json(path))
    options = front.maybe(front.within, "options")
    offered = _offered(front)
    names = {each.name for each in offered}
    return Front(
        version=front.text("version"),
        dataset=front.text("dataset"),
        accuracy=front.text("accuracy"),
        classes=_classes(front),
        resolution=front.count("resolution"),
        budget=front.count("crossbars_budget"),
        samples=front.count("num_sample"),
        objectives=front.texts("objectives"),
        generations=front.maybe(front.count, "generations"),
        evaluated=front.maybe(front.count, "evaluated"),
        hypervolumes=_volumes(front) if front.has("hypervolume") else None,
        networks=tuple(_network(i, entry, names) for i, entry in enumerate(front.objects("networks"))),
        options=None if options is None else option_texts(options.value),
        config=read_simconfig(front),
        area_budget=front.maybe(front.positive, "area_budget_mm2"),
        offered=offered,
    )


def _offered(front: JsonObject) -> tuple[OfferedConfig, ...]:
    """The configurations that networks chose from, none where they were no gene."""
    places = front.objects(HARDWARE) if front.has(HARDWARE) else ()
    return tuple(
        OfferedConfig(each.text("name"), each.count("crossbars"), require_simconfig(each)) for each in places
    )


def read_subnets(path: Path) -> tuple[int, tuple[Configuration, ...]]:
    """The classes and the networks of a front.json, which may lack all that a search found out about them."""
    front = JsonObject(path, "front", read_json(path))
    networks = (read_subnet(place.within("sample")) for place in front.objects("networks"))
    return _classes(front), tuple(networks)


def read_dataset(path: Path) -> str:
    """The images that a search was for; a front.json that does not say is of digits."""
    front = JsonObject(path, "front", read_json(path))
    return front.text("dataset") if front.has("dataset") else "digits"


def read_hardware(path: Path) -> list[SimConfig]:
    """The configurations that networks of a front.json lie on; none where it holds none."""
    front = JsonObject(path, "front", read_json(path))
    own = read_simconfig(front)
    return [each.config for each in _offered(front)] or ([] if own is None else [own])


def _classes(front: JsonObject) -> int:
    return front.count("num_classes", 1, 2**16)


def _volumes(front: JsonObject) -> tuple[float, ...]:
    """A hypervolume a generation."""
    found = front.entries("hypervolume", "a list of numbers")
    if not all(type(volume) in (int, float) and 0 <= volume <= HUGE for volume in found):
        front.fail("hypervolume", found, f"a list of numbers from 0 to {HUGE:g}")
    return tuple(map(float, found))


def option_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as texts, as logs.log has them; those of ELSEWHERE are left out."""
    return {name: _option_text(value) for name, value in options.items() if name not in ELSEWHERE}


def _option_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def read_subnet(place: JsonObject) -> Configuration:
    """The subnet in an object with `ks`, `e` and `d`."""
    ks, e, d = (place.get(key, (int, list), "a number or a list") for key in Configuration._fields)
    try:
        return configuration(ks, e, d)
    except BadSubnet as error:
        raise BadInput(f"{place.source}: {place.name}: {error!s:.200}") from error


def read_subnet_text(place: str, text: str) -> Configuration:
    """The subnet in the JSON of a table's column `sample`; `place` names the line in errors."""
    return read_subnet(JsonObject(place, "sample", parse_json(text, f"{place}: sample")))


def _network(index: int, place: JsonObject, offered: Collection[str]) -> FrontNetwork:
    """One of the front; `offered` are the names of the configurations to choose from."""
    hardware = place.text(HARDWARE) if offered else None
    if hardware is not None and hardware not in offered:
        place.fail(HARDWARE, hardware, f"one of {', '.join(offered)}")
    tuned = place.maybe(place.within, "tuned")
    return FrontNetwork(
        index=index,
        network=read_subnet(place.within("sample")),
        validation=place.number("validation_accuracy", *ACCURACY),
        test=place.maybe(place.share, "test_accuracy"),
        searched=_figures(place.within("searched")),
        tuned=None if tuned is None else _figures(tuned),
        chip=place.maybe(place.share, "chip_accuracy"),
        chip_test=place.maybe(place.share, "chip_test_accuracy"),
        diagonal_rows=place.maybe(partial(place.count, least=0), DIAGONAL_ROWS),
        hardware=hardware,
    )


def _figures(place: JsonObject) -> Figures:
    return Figures(
        speed=place.positive("speed"),
        latency_ns=place.positive("latency_ns"),
        energy_nj=place.number("energy_nj"),
        crossbars=place.count("crossbars"),
        utilization=place.share("utilization"),
        area_mm2=place.maybe(place.number, "area_mm2"),
    )
