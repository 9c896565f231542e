"""The Python interface: a network is compiled, looked at, saved as a run, and turned into a table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from . import compiler
from .compiler import NOBODY_WATCHES, CompileOptions, CompileResult, Watch
from .errors import BadInput
from .hardware.config.read import SHIPPED, Hardware
from .runs.plain_text import counted
from .values import Layout, Network, NoFit

if TYPE_CHECKING:
    from pandas import DataFrame


class DrawnLayout(Layout):
    """A layout that notebooks draw."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from .report.packing.atlas_svg import atlas_svg

        return atlas_svg(self)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class CompiledNetwork(CompileResult):
    """All that compiling found out, with the options and the hardware that it was made for."""

    options: CompileOptions
    hardware: Hardware

    def __repr__(self) -> str:
        """The network, its crossbars and the latency of a sample or of the fewest that were simulated."""
        first = min(self.evaluations, key=lambda e: e.num_sample, default=None)
        latency = ""
        if first is not None:
            latency = f", {counted(first.num_sample, 'sample')} in {first.latency_ns / 1e6:.4f} ms"
        crossbars = f"{self.crossbars} crossbars, at least {self.packing.lower_bound} needed"
        return f"CompiledNetwork({self.network.name!r}: {len(self.mappings)} layers on {crossbars}{latency})"

    def _repr_html_(self) -> str:
        from html import escape

        from .report.packing.atlas_svg import atlas_svg
        from .runs.packing.log import summary

        told = "".join(f"{escape(line)}<br>" for line in summary(self))
        return f"<p>{told}</p>\n{atlas_svg(self.layout)}"

    def to_frame(self) -> DataFrame:
        """Return a row a layer, with the columns of layers.csv: copies, reads, times (ns), energy (nJ)."""
        import pandas as pd

        from .runs.packing.layers import LAYERS, layer_rows

        rows = layer_rows(self.mappings, self.contention.layers, self.hardware)
        return pd.DataFrame(rows, columns=list(LAYERS))

    def save(self, path: Path | str, config: Path | str = SHIPPED) -> Path:
        """Write a folder with the files of `rnc pack` and its report; return the path.

        An earlier run of this path is replaced when all is written. `config` is the file that the hardware
        was read from. Raises BadInput where it says other hardware, or the folder holds something else.
        """
        from .report.packing.report import packing_report
        from .runs.file_names import PACKING
        from .runs.folders import run_folder
        from .runs.origin import begin
        from .runs.packing.read import read_run
        from .runs.packing.write import write_run
        from .runs.packing.written_options import written_options
        from .runs.publish import write_report

        path, config = Path(path), Path(config)
        origin = begin(config, "rram_nas_comp_pack.CompiledNetwork.save")
        if origin.config.hardware != self.hardware:
            raise BadInput(f"config: found {config}, allowed is the file that the hardware was read from")
        written = written_options(self.network, self.options, config.name)
        with run_folder(path.parent, path.name, options=("path", "path"), files=PACKING) as folder:
            write_run(folder, self, self.options, written, origin)
            write_report(packing_report(read_run(folder, path.name)), folder)
        return path


def compile_network(
    network: Network,
    hardware: Hardware,
    options: CompileOptions | None = None,
    watch: Watch = NOBODY_WATCHES,
) -> CompiledNetwork | NoFit:
    """Partition, pack, duplicate and simulate a traced network; `NoFit` where the budget is too small.

    Without `options` it does what `rnc pack` does without any. Raises BadInput where the network cannot be
    cut for the hardware, or was not traced and another schedule than that of layers is asked for.
    """
    given: tuple[tuple[object, type, str], ...] = (
        (network, Network, "load_network or trace"),
        (hardware, Hardware, "load_hardware"),
    )
    for value, kind, made_by in given:
        if not isinstance(value, kind):
            told = f"{kind.__name__.lower()}: found {value!r:.60}"
            raise BadInput(f"{told}, allowed is what {made_by} returns")
    options = options or CompileOptions()
    found = compiler.compile_network(network, hardware, options, watch)
    if isinstance(found, NoFit):
        return found
    values = {each.name: getattr(found, each.name) for each in fields(found)}
    values["layout"] = DrawnLayout(*found.layout)
    return CompiledNetwork(**values, options=options, hardware=hardware)
