"""chip_image.npz: what a chip is loaded with, as arrays and JSON. docs/chip_image.md describes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ...box_converter.partition import corners
from ...errors import BadInput
from ...execution.image import ChipImage, Provenance
from ...execution.quantise import MOST_WEIGHT, InputRange
from ...packing.check import violations
from ...values import NO_RULES, Box, CrossbarSize, Layer, Mapping, Placement
from ..checked_json import MOST_COUNT, TINY, JsonObject, parse_json, require_file
from ..text_files import whole_output

NAME = "chip_image.npz"
FORMAT, VERSION = "RNC chip image", 1

Arrays = Dictionary[str, NDArray[Any]]


def write_image(file: IO[bytes], image: ChipImage) -> None:
    """Write an image; equal images are equal bytes."""
    arrays = {f"digital_{i}": values for i, values in enumerate(image.digital.values())}
    stored = [s for m, s in zip(image.mappings, image.scales, strict=True) if m.stored]
    np.savez_compressed(
        file,
        allow_pickle=False,
        meta=np.array(json.dumps(_meta(image), allow_nan=False)),
        weights=image.weights,
        occupied=image.occupied,
        placements=np.array([astuple(p) for p in image.placements], np.int32),
        scales=np.concatenate(stored),
        input_scales=np.array([r.scale for r in image.ranges], np.float32),
        input_signed=np.array([r.signed for r in image.ranges], np.bool_),
        **arrays,
    )


def digest_of(image: ChipImage) -> str:
    """SHA-256 of all that an image holds but where it comes from."""
    found = hashlib.sha256(
        json.dumps(
            {**_meta(image), **image.provenance._replace(model="", weights="", calibrated_on="")._asdict()}
        ).encode()
    )
    arrays = [image.weights, image.occupied, *image.scales, *image.digital.values()]
    arrays += [np.array([astuple(p) for p in image.placements]), np.array(image.ranges, np.float64)]
    for values in arrays:
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def save_image(folder: Path, image: ChipImage) -> Path:
    """Write chip_image.npz whole or not at all. Raises BadInput where it cannot be written."""
    path = folder / NAME
    with whole_output(path) as file:
        write_image(file, image)
    return path


def _meta(image: ChipImage) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": VERSION,
        **image.provenance._asdict(),
        "layers": [_layer_entry(m) for m in image.mappings],
        "digital": list(image.digital),
        **({} if image.chip_crossbars is None else {"chip_crossbars": image.chip_crossbars}),
    }


def _layer_entry(mapping: Mapping) -> dict[str, object]:
    layer = mapping.layer
    return {
        "kind": layer.kind,
        "name": layer.name,
        "raw": astuple(layer.raw),
        "positions": layer.positions,
        "groups": layer.groups,
        "depthwise": layer.depthwise,
        "stored_in": layer.stored_in,
        "copies": mapping.copies,
        "boxes": [astuple(box) for box in mapping.boxes],
    }


def read_own_image(run_dir: Path) -> ChipImage | None:
    """The image in a run's folder; None where there is none. Raises BadInput as `read_image` does."""
    path = run_dir / NAME
    return read_image(path) if path.exists() else None


def read_image(path: Path) -> ChipImage:
    """Read an image. Raises BadInput for what is none, is damaged, or contradicts itself."""
    held = _arrays(path)
    meta = JsonObject(path, "meta", parse_json(_text(path, held), str(path)))
    if meta.text("format") != FORMAT:
        meta.fail("format", meta.value["format"], repr(FORMAT))
    if meta.count("version") != VERSION:
        meta.fail("version", meta.value["version"], f"{VERSION}")
    mappings = _mappings(meta)
    weights = _checked(path, held, "weights", np.int8, (-1, -1, -1))
    placements = _placements(path, held)
    _require_layout(path, mappings, placements, weights)
    return ChipImage(
        mappings=mappings,
        placements=placements,
        weights=weights,
        occupied=_occupied(path, held, placements, weights),
        scales=_scales(path, held, mappings),
        ranges=_ranges(path, held, len(mappings)),
        digital=_digital(path, held, meta.texts("digital")),
        provenance=Provenance(*(meta.text(name) for name in Provenance._fields)),
        chip_crossbars=_chip_crossbars(meta, len(weights)),
    )


def _chip_crossbars(meta: JsonObject, crossbars: int) -> int | None:
    """Those of a chip that is loaded segment by segment; None where it is loaded as a whole."""
    found = meta.maybe(meta.count, "chip_crossbars")
    if found is not None and found > crossbars:
        meta.fail("chip_crossbars", found, f"a number up to the {crossbars} of the image")
    return found


def _arrays(path: Path) -> Arrays:
    require_file(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: found no chip image, or a damaged one") from error


def _text(path: Path, held: Arrays) -> str:
    found = held.get("meta")
    if found is None or found.shape != () or found.dtype.kind != "U":
        raise BadInput(f"{path}: meta: found no text, allowed is a JSON document")
    return str(found)


def _checked(path: Path, held: Arrays, name: str, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The array of a name, of a type and a shape; -1 stands for any size of at least 1."""
    wanted = f"{np.dtype(kind).name} ({', '.join('any' if n < 0 else str(n) for n in shape)})"
    found = held.get(name)
    if found is None:
        raise BadInput(f"{path}: {name}: found nothing, allowed is {wanted}")
    fits = len(found.shape) == len(shape) and all(
        n == m or (m < 0 < n) for n, m in zip(found.shape, shape, strict=True)
    )
    if found.dtype != kind or not fits:
        raise BadInput(f"{path}: {name}: found {found.dtype.name} {found.shape}, allowed is {wanted}")
    return found


def _mappings(meta: JsonObject) -> tuple[Mapping, ...]:
    places = meta.objects("layers")
    if not places:
        meta.fail("layers", [], "at least one layer")
    found = tuple(_mapping(place, i) for i, place in enumerate(places))
    for place, m in zip(places, found, strict=True):
        store = found[m.layer.stored_in]
        alike = m.copies == store.copies and _sizes(m) == _sizes(store)
        if not (store.stored and alike and m.layer.raw.w == store.layer.raw.w):
            place.fail("stored_in", m.layer.stored_in, "a layer of its own weights, boxes and copies")
    return found


def _sizes(mapping: Mapping) -> list[tuple[int, int]]:
    return [(box.h, box.w) for box in mapping.boxes]


def _mapping(place: JsonObject, index: int) -> Mapping:
    stored_in, groups = place.count("stored_in", 0, index), place.count("groups")
    raw = _box(place, "raw", place.entries("raw"))
    if raw.w % groups:
        place.fail("groups", groups, f"a divisor of the {raw.w} columns")
    names = place.text("kind"), place.text("name"), raw
    layer = Layer(index, *names, place.count("positions"), groups, stored_in, place.flag("depthwise"))
    boxes = tuple(_box(place, "boxes", box) for box in place.entries("boxes"))
    if not boxes:
        place.fail("boxes", [], "at least one box")
    return Mapping(layer, boxes, place.count("copies"))


def _box(place: JsonObject, key: str, value: Any) -> Box:
    if not (isinstance(value, list) and len(value) == 3 and all(_is_count(n) for n in value)):
        place.fail(key, value, "[rows, columns, reads], each at least 1")
    return Box(*value)


def _is_count(value: object) -> bool:
    return type(value) is int and 1 <= value <= MOST_COUNT


def _placements(path: Path, held: Arrays) -> tuple[Placement, ...]:
    return tuple(Placement(*row) for row in _checked(path, held, "placements", np.int32, (-1, 8)).tolist())


def _require_layout(
    path: Path, mappings: Sequence[Mapping], placements: Sequence[Placement], weights: NDArray[np.int8]
) -> None:
    size = CrossbarSize(*weights.shape[1:])
    wrong = next(violations(mappings, placements, size, NO_RULES, len(weights)), None)
    if wrong is not None:
        raise BadInput(f"{path}: the layout is invalid: {wrong}")
    for m in mappings:
        corners(m, size)


def _occupied(
    path: Path, held: Arrays, placements: Sequence[Placement], weights: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """The cells of boxes; all others hold 0."""
    wanted = np.zeros(weights.shape, np.bool_)
    for p in placements:
        wanted[p.crossbar_idx, p.loc_y : p.max_y, p.loc_x : p.max_x] = True
    found = _checked(path, held, "occupied", np.bool_, weights.shape)
    if not np.array_equal(found, wanted):
        raise BadInput(f"{path}: occupied: found other cells than those of the placements")
    if weights[~wanted].any() or int(weights.min()) < -MOST_WEIGHT:
        raise BadInput(
            f"{path}: weights: found some outside of all boxes or below -{MOST_WEIGHT}, "
            f"allowed are -{MOST_WEIGHT} to {MOST_WEIGHT} within them"
        )
    return wanted


def _scales(path: Path, held: Arrays, mappings: Sequence[Mapping]) -> tuple[NDArray[np.float32], ...]:
    stored = [m.layer for m in mappings if m.stored]
    found = _positive(path, held, "scales", sum(layer.raw.w for layer in stored))
    ends = np.cumsum([layer.raw.w for layer in stored])
    own = dict(zip((layer.index for layer in stored), np.split(found, ends[:-1]), strict=True))
    return tuple(own[m.layer.stored_in] for m in mappings)


def _positive(path: Path, held: Arrays, name: str, count: int) -> NDArray[np.float32]:
    found: NDArray[np.float32] = _checked(path, held, name, np.float32, (count,))
    if not (np.isfinite(found) & (found > TINY)).all():
        raise BadInput(f"{path}: {name}: found numbers that are no steps, allowed are finite ones above 0")
    return found


def _ranges(path: Path, held: Arrays, layers: int) -> tuple[InputRange, ...]:
    scales = _positive(path, held, "input_scales", layers).tolist()
    signed = _checked(path, held, "input_signed", np.bool_, (layers,)).tolist()
    return tuple(InputRange(*each) for each in zip(scales, signed, strict=True))


def _digital(path: Path, held: Arrays, names: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    if len(set(names)) < len(names):
        raise BadInput(f"{path}: meta, digital: found a name twice, allowed are different ones")
    found = {}
    for i, name in enumerate(names):
        values = held.get(f"digital_{i}")
        if values is None or values.dtype.kind not in "fiub":
            what = "nothing" if values is None else values.dtype.name
            raise BadInput(f"{path}: digital_{i} ({name:.60}): found {what}, allowed are numbers")
        found[name] = values
    return found
