"""The Python interface: names on demand, and the example of its docstring."""

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn

import rram_nas_comp_pack
from rram_nas_comp_pack import CompileOptions, NoFit, compile_network, load_hardware, trace
from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.hardware.config.read import SHIPPED

ROOT = Path(__file__).parents[1]


def test_every_name_is_there_and_documented():
    for name in rram_nas_comp_pack.__all__:
        assert inspect.getdoc(getattr(rram_nas_comp_pack, name)), name
    with pytest.raises(ImportError):
        from rram_nas_comp_pack import compile_everything  # noqa: F401


def test_what_is_loaded_on_demand_is_what_type_checkers_see():
    tree = ast.parse((ROOT / "rram_nas_comp_pack" / "__init__.py").read_text())
    seen = next(node for node in tree.body if isinstance(node, ast.If)).body
    homes = {node.module: tuple(alias.name for alias in node.names) for node in seen}
    assert homes == rram_nas_comp_pack._HOMES
    assert sorted(name for names in homes.values() for name in names) == sorted(rram_nas_comp_pack.__all__)


def test_importing_it_brings_in_nothing_heavy():
    code = (
        "import sys, rram_nas_comp_pack as r; r.load_hardware(); r.BadInput;"
        "print(sorted({'torch', 'numba', 'numpy', 'scipy'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_the_example_of_the_docstring():
    found = doctest.testmod(rram_nas_comp_pack)
    assert (found.failed, found.attempted) == (0, 8)


def test_a_module_of_ones_own():
    network = trace(nn.Sequential(nn.Flatten(), nn.Linear(300, 10)), (3, 10, 10), "mine")
    report = compile_network(network, load_hardware(), CompileOptions(samples=(1,)))
    assert (report.network.name, report.packing.crossbars) == ("mine", 3)
    assert compile_network(network, load_hardware(), CompileOptions(budget=2)) == NoFit(2, 3, 3)


def test_the_shipped_configuration_is_the_one_of_the_source_tree():
    assert SHIPPED.read_bytes() == (ROOT / "SimConfig.ini").read_bytes()


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{rram_nas_comp_pack.__version__}\n"
