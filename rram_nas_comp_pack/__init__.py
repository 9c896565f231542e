"""RNC: compile neural networks onto chips with few RRAM crossbars.

The whole pipeline is one call; `trace(module, input_size, name)` makes a network of any `nn.Module`:

    >>> from rram_nas_comp_pack import CompileOptions, compile_network, load_hardware, load_network
    >>> network = load_network("squeezenet", (3, 64, 64))
    >>> compiled = compile_network(network, load_hardware())
    >>> compiled
    CompiledNetwork('squeezenet': 26 layers on 45 crossbars, at least 45 needed, 1 sample in 0.4158 ms)

`CompileOptions(budget=82, duplicate=True)` fills 82 crossbars with copies, as `rnc pack --num-crossbars 82
--duplicate` does; here by the tuner's first layouts for 8 samples:

    >>> from rram_nas_comp_pack import Effort, Tuning
    >>> options = CompileOptions(budget=82, tuning=Tuning(effort=Effort(samples=8, steps=0)))
    >>> copied = compile_network(network, load_hardware(), options)
    >>> copied.duplication.latency_ns < copied.duplication.margin_tuner_ns < copied.duplication.plain_ns
    True

`compiled.save("log/packing/mine")` writes the files of a run with its report, `compiled.to_frame()` is a
pandas table with a row a layer, and a notebook draws the atlas of `compiled.layout`.

Where the budget is too small, the result is a `NoFit`, which says what would fit. What is imported from here
is loaded when it is asked for: torch by networks, numba by `compile_network`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .box_converter.torch.trace import trace
    from .compiler import CompileOptions, CompileResult, Watch
    from .errors import BadInput, CannotBeDone, ToolkitError
    from .hardware.config.read import Hardware, load_hardware
    from .interface import CompiledNetwork, compile_network
    from .load import load_network
    from .packing.check import violations
    from .packing.pack import PackingSettings
    from .runs.tables import RunTables, read_run, read_runs
    from .tuning.settings import Effort, Tuning
    from .values import NO_RULES, Network, NoFit, Rules

__version__ = "0.1.0"

_HOMES = {
    "box_converter.torch.trace": ("trace",),
    "interface": ("CompiledNetwork", "compile_network"),
    "load": ("load_network",),
    "errors": ("BadInput", "CannotBeDone", "ToolkitError"),
    "hardware.config.read": ("Hardware", "load_hardware"),
    "packing.check": ("violations",),
    "packing.pack": ("PackingSettings",),
    "compiler": ("CompileOptions", "CompileResult", "Watch"),
    "runs.tables": ("RunTables", "read_run", "read_runs"),
    "tuning.settings": ("Effort", "Tuning"),
    "values": ("NO_RULES", "Network", "NoFit", "Rules"),
}
"""Where each name is at home."""

__all__ = [
    "NO_RULES",
    "BadInput",
    "CannotBeDone",
    "CompileOptions",
    "CompileResult",
    "CompiledNetwork",
    "Effort",
    "Hardware",
    "Network",
    "NoFit",
    "PackingSettings",
    "Rules",
    "RunTables",
    "ToolkitError",
    "Tuning",
    "Watch",
    "compile_network",
    "load_hardware",
    "load_network",
    "read_run",
    "read_runs",
    "trace",
    "violations",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
