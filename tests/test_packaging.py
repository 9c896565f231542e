"""What `pip install .` brings: everything that works in the source tree works outside of it."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, PathDistribution, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rram_nas_comp_pack", "ofa")
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "SimConfig.ini")
FETCHED = ".pth.tar"
"""What the user puts into the tree and no wheel takes along."""


def builds_offline():
    try:
        return int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:
        return False


def shipped_files():
    """Everything in the packages, but what Python and the user put there."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and "__pycache__" not in name and not name.endswith(FETCHED):
                yield name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the unpacked wheel, built from a copy of the tree."""
    if not builds_offline():
        pytest.skip("no setuptools to build with")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", f"*{FETCHED}")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, source]
    subprocess.run(command, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def outside(site, *argv):
    """Run Python where nothing of the source tree is in sight."""
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, *argv], cwd=site.parent, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_wheel_holds_every_file_of_the_packages(site):
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert set(shipped_files()) - found == set()
    assert {name.partition("/")[0] for name in found if "dist-info" not in name} == set(PACKAGES)
    assert not any(path.is_symlink() for path in site.rglob("*"))


def test_the_scripts_are_there(site):
    (info,) = site.glob("*.dist-info")
    scripts = {entry.name: entry.value for entry in PathDistribution(info).entry_points}
    assert scripts == {"rnc": "rram_nas_comp_pack.__main__:script", "ofa-rnc": "ofa.__main__:script"}
    for value in scripts.values():
        module, _, name = value.partition(":")
        code = f"import sys; sys.argv = ['x', '--help']; from {module} import {name}; {name}()"
        assert outside(site, "-c", code).startswith("usage: ")


def test_the_installed_command_finds_its_configuration(site):
    found = outside(site, "-m", "rram_nas_comp_pack", "hardware", "--rows", "128", "--columns", "128")
    assert found.startswith('{"latency_ns": 152.773')


def test_the_installed_command_finds_its_supernets(site):
    code = (
        "from rram_nas_comp_pack.runs.shipped import SUPERNETS\n"
        "print(*(net.is_file() for net in SUPERNETS.values()), *SUPERNETS.values())"
    )
    homes = " ".join(f"{site}/ofa/checkpoint/{name}_mbv3_small.pth" for name in ("clutter", "digits"))
    assert outside(site, "-c", code) == f"True True {homes}\n"


def test_doctor_reads_what_the_installed_package_asks_for(site):
    code = (
        "from rram_nas_comp_pack.cli.environment.requirements import requirements; print(len(requirements()))"
    )
    here = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert outside(site, "-c", code) == here.stdout
