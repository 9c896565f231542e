"""The import rules of docs/design.md, read from the source; and the project files agree."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "rram_nas_comp_pack"
MODULES = sorted((ROOT / PACKAGE).rglob("*.py"))
SUPERNET = sorted((ROOT / "ofa").rglob("*.py"))


def name_of(path):
    """Dotted name within the package: "packing.check"; a package's own is that of its folder."""
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def absolute(node, path):
    """The absolute name of what a `from … import` starts from."""
    if not node.level:
        return node.module
    package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


@cache
def tree_of(path):
    """The syntax tree of a module; every rule looks at all of them."""
    return ast.parse(path.read_text())


@cache
def imported(path, typing_too=False):
    """Full names of all that a module imports, anywhere in it, by statement or by `import_module("…")`."""
    return tuple(imports_in(tree_of(path), path, typing_too))


def imports_in(tree, path, typing_too):
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing_too:
            skipped |= {id(child) for part in node.body for child in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, path)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant))


@cache
def names():
    """Of all modules of the toolkit."""
    return frozenset(name_of(p) for p in MODULES) - {""}


@cache
def own(path):
    """Modules of the toolkit that a module imports, dotted within the package."""
    known = names()
    found = set()
    for full in imported(path):
        inner = full.removeprefix(f"{PACKAGE}.")
        if full.startswith(f"{PACKAGE}."):
            # `from ..packing.check import violations` names a thing in a module, `from . import x` a module
            found.add(next((n for n in (inner, inner.rpartition(".")[0]) if n in known), inner))
    return frozenset(found)


def outside(path):
    """Packages that are neither the toolkit nor the standard library."""
    tops = {full.partition(".")[0] for full in imported(path)}
    return tops - {PACKAGE, "__future__"} - set(sys.stdlib_module_names)


def within(module, room):
    return module == room or module.startswith(f"{room}.")


def modules(*rooms):
    found = [p for p in MODULES if any(within(name_of(p), room) for room in rooms)]
    assert found, rooms
    return found


CORE = ("errors", "values", "kernels")
STAGES = ("hardware", "box_converter", "packing", "simulation", "tuning", "execution")
MAY_IMPORT = {
    "errors": (),
    "values": (),
    "kernels": ("values",),
    "hardware": ("errors", "values"),
    "box_converter": ("errors", "values"),
    "packing": CORE,
    "simulation": CORE,
    "tuning": (*CORE, "box_converter.partition", "packing", "simulation"),
    "execution": (*CORE, "hardware", "box_converter"),
    "compiler": (*CORE, *STAGES),
    "reload": (*CORE, *STAGES, "compiler"),
    "nas.workers": ("errors",),
    "nas": (*CORE, *STAGES, "compiler"),
    "runs": (*CORE, *STAGES, "compiler", "reload", "nas"),
    "load": ("errors", "values", "box_converter", "runs"),
    "executable": (*CORE, "box_converter", "execution", "nas", "runs", "load"),
    "report": ("errors", "values", "kernels", "hardware", "simulation", "runs"),
    "interface": (*CORE, *STAGES, "compiler", "runs", "report"),
    "cli": (*CORE, *STAGES, "compiler", "reload", "nas", "runs", "load", "executable", "report"),
}
"""A row a room, in order; a room also knows itself. Printed into docs/design.md: see `main` below."""


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_knows_only_the_rooms_before_it(room):
    for path in modules(room):
        if room == "nas" and within(name_of(path), "nas.workers"):
            continue
        strangers = {m for m in own(path) if not any(within(m, a) for a in (room, *MAY_IMPORT[room]))}
        assert strangers <= {"__version__"}, path


def test_every_module_lies_in_a_room():
    strays = [m for m in map(name_of, MODULES) if not any(within(m, room) for room in MAY_IMPORT)]
    assert strays == ["", "__main__"]


MARKS = "<!-- rooms: made by tests/test_house.py -->\n", "<!-- end of rooms -->\n"


def room_table():
    """The rules as a table: what each room is, in the words of its docstring, and what it may import."""
    yield "| package or module | is | may import |\n|---|---|---|\n"
    for room, allowed in MAY_IMPORT.items():
        path = ROOT / PACKAGE / Path(*room.split("."))
        is_folder = path.is_dir()
        file = path / "__init__.py" if is_folder else path.with_suffix(".py")
        first = ast.get_docstring(tree_of(file)).partition("\n")[0]
        names = ", ".join(f"`{name}`" for name in allowed) or "the standard library alone"
        yield f"| `{room}{'/' if is_folder else '.py'}` | {first} | {names} |\n"


def printed(page):
    """The page with the table of today between its marks."""
    before, _, rest = page.partition(MARKS[0])
    return before + MARKS[0] + "".join(room_table()) + MARKS[1] + rest.partition(MARKS[1])[2]


def test_the_design_page_shows_the_rules():
    page = (ROOT / "docs" / "design.md").read_text()
    assert page == printed(page), "python tests/test_house.py prints the table anew"


def test_values_and_errors_import_nothing_but_the_standard_library():
    for path in modules("values", "errors"):
        assert outside(path) == set()
        assert own(path) == set()


def test_torch_is_known_to_what_runs_networks_only():
    """Packing, simulation and partition work on plain values."""
    allowed = (
        "box_converter",
        "execution",
        "nas",
        "runs.nas",
        "runs.weights_file",
        "load",
        "executable",
        "cli",
    )
    users = [name_of(p) for p in MODULES if "torch" in outside(p)]
    assert [u for u in users if not any(within(u, a) for a in allowed)] == []
    assert "box_converter.partition" not in users
    assert "box_converter.shapes" not in users


@pytest.mark.parametrize(
    ("package", "owner"),
    [
        ("torchvision", "box_converter.torch.torchvision_compat"),
        ("numba", "kernels"),
        ("tqdm", "cli"),
        ("argparse", "cli"),
    ],
)
def test_a_package_has_one_place_that_imports_it(package, owner):
    users = {name_of(p) for p in MODULES if package in {full.partition(".")[0] for full in imported(p)}}
    assert users
    assert {u for u in users if not within(u, owner)} == set()


def test_nothing_imports_the_command_line_but_main():
    users = {name_of(p) for p in MODULES if any(within(m, "cli") for m in own(p))}
    assert {u for u in users if not within(u, "cli")} == {"__main__"}


def test_optional_packages_are_imported_when_they_are_needed_only():
    """They may be absent: none is imported at a module's top, but onnx in modules of its own."""
    for path in MODULES:
        top = [n for n in tree_of(path).body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {ast.unparse(n).split()[1].partition(".")[0] for n in top}
        assert names & {"timm", "ortools", "dask", "distributed"} == set(), path
        if "onnx" in names:
            assert within(name_of(path), "box_converter.onnx")


FILE_CALLS = {
    *("open", "read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink", "rename", "rmtree"),
    *("touch", "savez", "savetxt", "loadtxt", "iterdir", "is_file", "is_dir", "exists", "rmtree"),
}
READERS = {
    "hardware.config.read": {"open", "is_dir"},  # SimConfig.ini
    "cli.environment.requirements": {"is_file", "read_text"},  # pyproject.toml: which packages are asked for
    "cli.environment.paper_data": {"is_file"},  # data that others put in place
    "cli.commands.doctor": {"exists", "is_dir", "is_file"},  # looks at the machine, not at runs
    "load": {"is_file"},  # FILE.onnx
    "box_converter.onnx.model_file": {"open", "read_bytes", "is_file", "exists"},
    "box_converter.onnx.reader": {"read_bytes", "is_file"},
    "report.page": {"read_text"},  # style sheet and scripts, which belong to the package
}


def test_files_of_runs_are_touched_in_one_room():
    """Besides `runs/`, configuration and ONNX file are read where they are parsed."""
    for path in MODULES:
        if within(name_of(path), "runs"):
            continue
        calls = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        names = {f.id if isinstance(f, ast.Name) else getattr(f, "attr", "") for f in calls}
        assert names & FILE_CALLS <= READERS.get(name_of(path), set()), path


def test_each_json_document_of_a_run_has_one_reader():
    """Of result.json, partition files, graph.json, accuracy.json, front.json; others ask these for values."""
    readers = {name_of(p) for p in MODULES for full in imported(p) if full.endswith(".read_json")}
    assert readers == {
        *(
            "runs.packing.read",
            "runs.packing.read_layout",
            "runs.packing.accuracy",
            "runs.packing.graph",
            "runs.nas.front",
        )
    }


def test_the_command_line_holds_its_types_without_exceptions():
    assert [p for p in modules("cli") if "type: ignore" in p.read_text()] == []


LATE = {
    "data": {"sklearn"},
    "image_files": {"PIL"},
    "download": {"tqdm"},
    "commands": {"tqdm"},
    "depthwise": {"numba"},
}


def test_the_supernet_stands_by_itself():
    """`ofa` knows nothing of the toolkit, not even for its types, and needs torch and numpy alone.

    Two modules read images, two show progress and one computes fast, each with a package that it imports when
    it needs it.
    """
    assert SUPERNET
    for path in SUPERNET:
        tops = {full.partition(".")[0] for full in imported(path, typing_too=True)}
        strangers = tops - set(sys.stdlib_module_names) - {"__future__", "ofa", "torch", "numpy"}
        assert strangers == LATE.get(path.stem, set()), path
        top = [n for n in tree_of(path).body if isinstance(n, ast.Import | ast.ImportFrom)]
        assert {ast.unparse(n).split()[1].partition(".")[0] for n in top} & strangers == set(), path


def test_nothing_prints_but_the_command_line():
    for path in MODULES:
        if within(name_of(path), "cli"):
            continue
        calls = [ast.unparse(n.func) for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)]
        assert "print" not in calls, path


def test_no_import_brings_in_everything():
    for path in [*MODULES, *SUPERNET]:
        assert not any(full.endswith(".*") for full in imported(path)), path


def test_there_is_no_cycle_among_modules():
    uses = {name_of(p): own(p) for p in MODULES}
    done, path = set(), []

    def visit(module):
        assert module not in path, [*path, module]
        if module in done:
            return
        path.append(module)
        for other in uses.get(module, ()):
            visit(other)
        path.pop()
        done.add(module)

    for module in uses:
        visit(module)


def requirements(lines):
    """Package -> version range."""
    found = {}
    for line in lines:
        text = line.partition("#")[0].strip()
        if text and not text.startswith("-"):
            name, versions = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[.*\])?\s*(.*)", text).groups()
            found[name.lower()] = versions
    return found


def test_requirements_and_project_file_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        declared += extra
    listed = requirements((ROOT / "requirements.txt").read_text().splitlines())
    assert listed == requirements(declared)


def test_every_package_that_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = list(project["dependencies"])
    for name, extra in project["optional-dependencies"].items():
        declared += extra if name != "test" else []
    called = {"sklearn": "scikit-learn", "PIL": "pillow", "fontTools": "fonttools"}
    used = set().union(*(outside(p) for p in [*MODULES, *SUPERNET])) - {"ofa"}
    assert {called.get(name, name) for name in used} <= requirements(declared).keys()


def main():
    page = ROOT / "docs" / "design.md"
    page.write_text(printed(page.read_text()))


if __name__ == "__main__":
    main()
