"""`doctor`: what is here, what is missing for what, and the command that mends it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib import import_module
from json import dumps
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ... import __version__
from ...runs.origin import cores
from ...runs.shipped import SUPERNETS
from ..environment.paper_data import (
    CHECKPOINT,
    CIFAR10,
    FETCH_CHECKPOINT,
    FETCH_CIFAR10,
    cifar10_is_there,
)
from ..environment.requirements import DISTRIBUTION, Requirement, fits, installed, requirements

PURPOSES = {
    "timm": "--model timm:NAME",
    "onnx": "--model FILE.onnx",
    "ortools": "--packer exact",
    "dask": "evolve --scheduler ADDRESS",
}
PAPER = "the paper's own search (evolve --dataset cifar10)"
PYTHON = ">=3.11"


class Check(NamedTuple):
    """One thing looked at. `state`: "ok", "missing", "unfit" (there, but it does not do), or "note".

    `purpose` is what it is for, "" where everything needs it; `mend` a command, "" where none is needed.
    """

    name: str
    state: Literal["ok", "missing", "unfit", "note"]
    found: str
    purpose: str = ""
    mend: str = ""

    @property
    def required(self) -> bool:
        """Whether nothing works without."""
        return not self.purpose


def run(json: bool) -> int:
    """Print what was found, a line each; returns 1 where something is missing that everything needs."""
    found = list(checks())
    wrong = [check for check in found if check.required and check.state in ("missing", "unfit")]
    if json:
        entries = [{**check._asdict(), "required": check.required} for check in found]
        print(dumps({"ok": not wrong, "checks": entries}))
    else:
        print(*lines(found), sep="\n")
        print(f"required and missing: {len(wrong)}" if wrong else "everything that is required is installed")
    return 1 if wrong else 0


def lines(found: list[Check]) -> Iterator[str]:
    """The table, and below what is missing how to install it."""
    for check in found:
        purpose = f" (for {check.purpose})" if check.purpose else ""
        yield f"{check.state:<8} {check.name:<18} {check.found}{purpose}"
        if check.mend:
            yield f"{'':<8} {'':<18} -> {check.mend}"


def checks() -> Iterator[Check]:
    """Everything, in the order in which it is shown."""
    yield Check("rram_nas_comp_pack", "ok", __version__)
    python = platform.python_version()
    mend = "" if fits(python, PYTHON) else f"install Python {PYTHON}"
    yield Check("python", "unfit" if mend else "ok", f"{python}, allowed {PYTHON}", mend=mend)
    wanted = requirements()
    yield from map(_package, wanted)
    yield _torchvision()
    yield from _machine()
    yield from _files()


def _package(wanted: Requirement) -> Check:
    """A package of the right version; an optional one has the purpose of its part."""
    purpose = PURPOSES.get(wanted.name, wanted.extra)
    mend = f'pip install "{wanted.name}{wanted.allowed}"'
    if wanted.extra:
        mend = f'pip install "{DISTRIBUTION}[{wanted.extra}]"'
    version = installed(wanted.name)
    if version is None:
        return Check(wanted.name, "missing", f"allowed {wanted.allowed}", purpose, mend)
    found = f"{version}, allowed {wanted.allowed}"
    if not fits(version, wanted.allowed):
        return Check(wanted.name, "unfit", found, purpose, mend)
    return Check(wanted.name, "ok", found, purpose)


def _torchvision() -> Check:
    """Whether it loads: beside a torch of another build its operators do not."""
    name = "torchvision loads"
    try:
        compat = import_module("rram_nas_comp_pack.box_converter.torch.torchvision_compat")
        compat.import_torchvision()
    except ModuleNotFoundError as error:
        return Check(name, "missing", str(error), mend="pip install torchvision")
    except Exception as error:  # whatever a broken binary raises
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return Check(name, "unfit", reason, mend="pip install --force-reinstall torch torchvision")
    how = (
        "yes, with its operators declared, since they do not fit this torch"
        if compat.operators_declared()
        else "yes"
    )
    return Check(name, "ok", how)


def _machine() -> Iterator[Check]:
    """Cores, memory, GPU, and where compiled code is kept."""
    yield Check("cores", "ok", str(cores()))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield Check("memory", "ok", f"{memory / 2**30:.1f} GiB")
    yield Check("GPU", "note", _gpu(), "faster accuracies in evolve")
    yield _cache()
    yield Check("Chromium", "note", "not needed by any command")


def _gpu() -> str:
    try:
        cuda: Any = import_module("torch").cuda
        return str(cuda.get_device_name()) if cuda.is_available() else "none"
    except Exception:  # torch is reported elsewhere
        return "unknown: torch does not load"


def _cache() -> Check:
    """Where numba keeps compiled code: the first of its places that can be written."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(own)] if own else []
    places += [Path(__file__).parents[2] / "__pycache__", Path.home() / ".cache" / "numba"]
    for place in places:
        if _writable(place):
            return Check("cache of numba", "ok", str(place))
    mend = "export NUMBA_CACHE_DIR=/tmp/numba"
    return Check("cache of numba", "unfit", f"cannot be written: {', '.join(map(str, places))}", mend=mend)


def _writable(place: Path) -> bool:
    """Whether a folder can be written, or made where it does not exist."""
    nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _files() -> Iterator[Check]:
    """The supernet that comes along, and what the paper's search needs besides."""
    for images, file in SUPERNETS.items():
        mend = "" if file.is_file() else f"pip install --force-reinstall {DISTRIBUTION}"
        yield Check(f"supernet for {images}", "missing" if mend else "ok", str(file), mend=mend)
    for name, there, place, mend in (
        ("CIFAR-10", cifar10_is_there(), CIFAR10, FETCH_CIFAR10),
        ("published supernet", CHECKPOINT.is_file(), CHECKPOINT, FETCH_CHECKPOINT),
    ):
        if there:
            yield Check(name, "ok", str(place), PAPER)
        else:
            yield Check(name, "missing", f"nothing in {place}", PAPER, mend)
