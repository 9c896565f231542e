"""The commands of `python -m ofa`."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean

from numpy.random import PCG64, Generator

from ofa.architecture import Configuration
from ofa.calibration import accuracy, device_of
from ofa.checkpoint import load_checkpoint
from ofa.data import Images, load_images
from ofa.errors import BadInput, refusal
from ofa.finetuning import (
    Cells,
    FineTuningRun,
    begin_finetuning,
    cells_under,
    finetune_epoch,
    load_finetuning,
    noisy_accuracies,
    save_finetuning,
)
from ofa.known_chip import read_faults
from ofa.memory import keep_freed_memory
from ofa.network import Subnet, Supernet
from ofa.recipe import PHASES
from ofa.resume import load_run, save_run
from ofa.training import Step, TrainingRun, begin, calibrate_subnet, train_epoch
from ofa.whole import create, is_special, partial_of, real

RANDOM_SUBNETS = 20
"""How many random subnets the closing table shows."""


DRAWN_CHIPS = 10
"""How many drawn chips a fine-tuned subnet is judged on."""


def train(options: Namespace) -> None:
    """Train into a file, or go on with the run in it, and show how well subnets do. Raises BadInput."""
    keep_freed_memory()
    _check_out(options.out, options.resume)
    device, recipe, images = device_of(options.device), options.recipe, load_images(options.dataset)
    run = load_run(options.out, recipe, device) if options.resume else begin(recipe, images.classes, device)
    _same_classes(options.out, run.supernet, images)
    _run_epochs(run, images, options.out)
    if options.half:
        save_run(run, options.out, half=True)
    # what is in the file is judged, be it rounded or not
    _table(load_checkpoint(options.out).to(device), images, recipe.seed)


def finetune(options: Namespace) -> None:
    """Fine-tune a subnet into a file, or go on, and show what it was and is worth. Raises BadInput."""
    keep_freed_memory()
    _check_out(options.out, options.resume)
    device, recipe = device_of(options.device), options.recipe
    supernet, images = load_checkpoint(options.checkpoint).to(device), load_images(options.dataset)
    _same_classes(options.checkpoint, supernet, images)
    before = calibrate_subnet(supernet, recipe.subnet, images.train)
    faults = options.chip and read_faults(options.chip, before, recipe.noise.encoding)
    recipe = replace(recipe, chip=faults and faults.digest)
    if options.resume:
        run = load_finetuning(options.out, recipe, device, faults)
        _same_classes(options.out, run.subnet, images)
    else:
        run = begin_finetuning(recipe, supernet, images.train, faults)
    _run_epochs(run, images, options.out)
    line = {
        "out": str(options.out),
        "dataset": options.dataset,
        "subnet": _short(recipe.subnet),
        "noise": asdict(recipe.noise),
        **({} if options.chip is None else {"chip": str(options.chip)}),
        "before": _judged(before, images, cells_under(before, recipe.noise, faults)),
        "after": _judged(run.subnet, images, run.cells),
    }
    print(json.dumps(line))


def _judged(subnet: Subnet, images: Images, cells: Cells) -> dict[str, float]:
    """Return accuracies: of exact products, and on validation images the mean and worst of drawn chips."""
    found = noisy_accuracies(subnet, images.validation, cells, DRAWN_CHIPS)
    return {
        "validation": accuracy(subnet, images.validation),
        "test": accuracy(subnet, images.test),
        "noisy_mean": round(fmean(found), 6),
        "noisy_worst": min(found),
    }


def _run_epochs(run: TrainingRun | FineTuningRun, images: Images, out: Path) -> None:
    """Train what is left; what ends it early says what the file holds."""
    saved, total = run.epoch, run.epochs
    try:
        while not run.done:
            _run_epoch(run, images)
            if isinstance(run, TrainingRun):
                save_run(run, out)
            else:
                save_finetuning(run, out)
            saved = run.epoch
    except (BadInput, KeyboardInterrupt) as error:
        kept = f"{out} holds {saved} of {total} epochs" if saved else "nothing was written"
        if saved and isinstance(error, KeyboardInterrupt):
            kept += "; --resume goes on"
        raise type(error)("; ".join([*map(str, error.args), kept])) from error


def _run_epoch(run: TrainingRun | FineTuningRun, images: Images) -> None:
    """Train with a bar, where there is a terminal, and a closing line on standard error."""
    from tqdm import tqdm

    name = f"epoch {run.epoch + 1}/{run.epochs}"
    if isinstance(run, TrainingRun):
        phase, place = run.recipe.phase(run.epoch)
        name = f"{PHASES[phase].name} {place + 1}/{run.recipe.epochs[phase]}, {name}"
    done: list[Step] = []
    with tqdm(desc=name, unit="step", leave=False, disable=None) as bar:

        def watch(step: Step, steps: int) -> None:
            done.append(step)
            bar.total = steps
            bar.set_postfix_str(_summary(done), refresh=False)
            bar.update()

        if isinstance(run, TrainingRun):
            train_epoch(run, images.train, watch)
        else:
            finetune_epoch(run, images.train, watch)
    print(f"{name}: {_summary(done)}", file=sys.stderr)


def _summary(done: list[Step]) -> str:
    loss, right = map(fmean, zip(*done, strict=True))
    return f"loss {loss:.3f}, accuracy {right:.3f}"


def _table(supernet: Supernet, images: Images, seed: int) -> None:
    """Print the accuracy of the largest, the smallest and a few random subnets, and the mean of the last."""
    print(f"{'subnet':<10} {'validation':>10} {'test':>10}  configuration")
    chosen = PHASES[-1].sandwich(Generator(PCG64(seed)), RANDOM_SUBNETS)
    names = ["largest", "smallest", *(f"random {i + 1}" for i in range(RANDOM_SUBNETS))]
    found = []
    for name, own in zip(names, chosen, strict=True):
        subnet = calibrate_subnet(supernet, own, images.train)
        found.append([accuracy(subnet, split) for split in (images.validation, images.test)])
        print(_row(name, found[-1]), json.dumps(_short(own)), sep="  ", flush=True)
    print(_row("mean", map(fmean, zip(*found[2:], strict=True))), "of the random ones", sep="  ")


def _row(name: str, accuracies: Iterable[float]) -> str:
    return f"{name:<10}" + "".join(f" {each:>10.4f}" for each in accuracies)


def _short(chosen: Configuration) -> dict[str, int | tuple[int, ...]]:
    """Return a subnet as `--subnet` takes it: one number where all are equal."""
    return {name: own[0] if len(set(own)) == 1 else own for name, own in chosen._asdict().items()}


def evaluate(options: Namespace) -> None:
    """Print a subnet's accuracy as a line of JSON. Raises BadInput."""
    keep_freed_memory()
    supernet = load_checkpoint(options.checkpoint).to(device_of(options.device))
    images = load_images(options.dataset)
    _same_classes(options.checkpoint, supernet, images)
    split = getattr(images, options.split)
    line = {
        "checkpoint": str(options.checkpoint),
        "dataset": options.dataset,
        "split": options.split,
        "images": len(split),
        "subnet": _short(options.subnet),
        "accuracy": accuracy(calibrate_subnet(supernet, options.subnet, images.train), split),
    }
    print(json.dumps(line))


def _same_classes(path: Path, supernet: Subnet, images: Images) -> None:
    found = supernet.classes
    if found != images.classes:
        raise BadInput(f"{path}: found {found} classes, allowed are the {images.classes} of the images")


def _check_out(out: Path, resume: bool) -> None:
    """Find out now, not after the first epoch, that the checkpoint cannot be written."""
    try:
        if is_special(out):
            raise BadInput(f"--out: found {out}, a device or pipe; allowed: a new file, or --resume")
        if out.exists() and not resume:
            raise BadInput(f"--out: found {out}, which exists; allowed: a new file, or --resume")
        out.parent.mkdir(parents=True, exist_ok=True)
        # the longest name that will be needed
        partial = partial_of(real(out))
        create(partial).close()
        partial.unlink()
    except OSError as error:
        raise refusal(f"--out: {out}: cannot be written: {error.strerror or error}", error) from error
