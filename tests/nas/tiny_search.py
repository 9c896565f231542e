"""Searches of the command line by a supernet that nobody trained and a few images: seconds each."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from PIL import Image
from tiny_bench import split, tiny_bench

import ofa
from rram_nas_comp_pack.cli.main import main

ROOT = Path(__file__).parents[2]


def workplace(path):
    """Write a checkpoint and images; returns the options of a search by them."""
    ofa.save_checkpoint(tiny_bench().supernet, path / "net.pth")
    images = split(45, 1)
    for i, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
        own = path / "images" / f"class{int(label)}" / f"{i}.png"
        own.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(own)
    return (
        *("--checkpoint", path / "net.pth", "--dataset", f"folder:{path / 'images'}", "--device", "cpu"),
        *("--config", ROOT / "SimConfig.ini", "--log-dir", path / "log"),
        *("--num-crossbars", 211, "--duplicate", "--population", 6, "--tune-effort", 0, "--workers", 1),
        *("--accuracy", "calibrate"),
    )


def command(*options):
    return [sys.executable, "-m", "rram_nas_comp_pack", "evolve", *map(str, options)]


def start(*options, **more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(*options), cwd=ROOT, text=True, **{"env": environment, **pipes, **more})


def run(*options):
    """Status, standard output and standard error of a search in a process of its own."""
    process = start(*options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def call(*options):
    """The same in this process, for what ends before a worker starts."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["evolve", *map(str, options)])
    return status, out.getvalue(), err.getvalue()


def files(folder):
    """What a search found, byte by byte; its log tells versions and options too."""
    kept = {folder / "checkpoint" / "search.npz", folder / "logs.log"}
    found = (p for p in folder.rglob("*") if p.is_file() and p not in kept)
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}
