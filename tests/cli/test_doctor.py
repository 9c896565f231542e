"""`doctor`: what is here, what is missing for what, and how to mend it."""

import json
import tomllib

import pytest
from tiny_runs import ROOT, call, is_one_line

from rram_nas_comp_pack.cli.commands import doctor
from rram_nas_comp_pack.cli.environment import paper_data as published
from rram_nas_comp_pack.cli.environment import requirements as packages


def checks(argv=("doctor", "--json")):
    status, out, err = call(*argv)
    assert err == ""
    assert is_one_line(out)
    document = json.loads(out)
    assert document["ok"] is (status == 0)
    return status, {check["name"]: check for check in document["checks"]}


def test_here_all_that_is_required_is_there():
    status, found = checks()
    assert status == 0
    assert {found[name]["state"] for name in ("python", "torch", "numba", "torchvision loads")} == {"ok"}
    assert found["supernet for clutter"]["required"]
    assert found["supernet for digits"]["required"]
    assert not found["CIFAR-10"]["required"]


def test_the_table_has_a_line_for_every_check():
    status, out, _ = call("doctor")
    assert status == 0
    assert out.splitlines()[0].split() == ["ok", "rram_nas_comp_pack", doctor.__version__]
    assert out.splitlines()[-1] == "everything that is required is installed"


@pytest.mark.parametrize(("version", "state"), [(None, "missing"), ("1.26.4", "unfit"), ("3.0", "unfit")])
def test_a_required_package_that_is_missing_or_does_not_fit(monkeypatch, version, state):
    real = packages.installed
    monkeypatch.setattr(doctor, "installed", lambda name: version if name == "numpy" else real(name))
    status, found = checks()
    assert (status, found["numpy"]["state"]) == (1, state)
    assert found["numpy"]["mend"].startswith('pip install "numpy>=')


def test_an_optional_package_that_is_missing_is_no_fault(monkeypatch):
    real = packages.installed
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "timm" else real(name))
    status, found = checks()
    assert (status, found["timm"]["state"]) == (0, "missing")
    assert found["timm"]["purpose"] == "--model timm:NAME"
    assert found["timm"]["mend"] == 'pip install "rram-nas-comp-pack[timm]"'


def test_what_the_papers_search_needs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, found = checks()
    assert status == 0
    assert [found[name]["state"] for name in ("CIFAR-10", "published supernet")] == ["missing", "missing"]
    assert len(published.missing()) == 2
    published.CHECKPOINT.parent.mkdir(parents=True)
    published.CHECKPOINT.touch()
    inner = published.CIFAR10 / "cifar-10-batches-py"
    inner.mkdir(parents=True)
    for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        assert not published.cifar10_is_there()
        (inner / name).touch()
    assert published.missing() == []


def test_a_torchvision_that_does_not_load(monkeypatch):
    def broken(_name):
        raise OSError("libc10.so: cannot open\nmore")

    monkeypatch.setattr(doctor, "import_module", broken)
    status, found = checks()
    assert (status, found["torchvision loads"]["state"]) == (1, "unfit")
    assert found["torchvision loads"]["found"] == "libc10.so: cannot open"
    assert found["GPU"]["found"] == "unknown: torch does not load"


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_writable", lambda _: False)
    assert checks()[1]["cache of numba"]["mend"] == "export NUMBA_CACHE_DIR=/tmp/numba"
    monkeypatch.undo()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "a" / "b"))
    assert checks()[1]["cache of numba"]["found"] == str(tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("found", "allowed", "wanted"),
    [
        *(("2.13.0+cpu", ">=2.13,<2.14", True), ("2.14", ">=2.13,<2.14", False)),
        *(("2026.8.0", ">=2026.8", True), ("1.9", ">=1.10", False), ("5", "", True)),
    ],
)
def test_versions(found, allowed, wanted):
    assert packages.fits(found, allowed) is wanted


def test_requirements_of_an_installed_toolkit_are_those_of_the_project_file(monkeypatch, tmp_path):
    wanted = packages.requirements()
    texts = [
        f'{r.name}{r.allowed}; extra == "{r.extra}"' if r.extra else f"{r.name}{r.allowed}" for r in wanted
    ]
    monkeypatch.setattr(packages, "PROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(packages, "requires", lambda _: [*texts, 'pytest>=8; extra == "test"'])
    assert packages.requirements() == wanted


def test_every_optional_package_has_a_purpose():
    assert {r.name for r in packages.requirements() if r.extra} == doctor.PURPOSES.keys()


def test_the_version_of_python_is_that_of_the_project_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == doctor.PYTHON


def test_a_command_whose_package_is_missing_points_here(monkeypatch):
    def absent(**_options):
        raise ModuleNotFoundError("No module named 'numpy.core'", name="numpy.core")

    monkeypatch.setattr("rram_nas_comp_pack.cli.commands.hardware.run", absent)
    status, _, err = call("hardware", "--rows", 1, "--columns", 1)
    assert status == 1
    assert is_one_line(err)
    assert "numpy is not installed; run doctor, which tells" in err
