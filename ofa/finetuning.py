"""Fine-tuning one subnet for chips whose cells are stuck and vary: every batch meets chips of its own, or
copies of weights on one known chip.

Norms keep the statistics that they have over many chips: a chip is read with them, whatever its own faults
do to the means, and training is to make up for that.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.random import PCG64, Generator
from torch import nn
from torch.nn import functional

from ofa.architecture import Configuration
from ofa.calibration import accuracy, recalibrate
from ofa.checkpoint import read_plain, subnet_of, weights_of, write_whole
from ofa.data import Split, batches
from ofa.errors import BadInput
from ofa.known_chip import Faults, KnownChip, chip_products, chip_under
from ofa.network import Subnet, Supernet
from ofa.noise import noisy_products
from ofa.recipe import FineTuning, Noise
from ofa.resume import load_state
from ofa.training import Step, Watch, calibrate_subnet, generator_of, logits_of, seeded

CALIBRATION, CALIBRATION_BATCH = 320, 20
"""Training images that norm statistics are taken from, and how many of them share a chip."""

LONGEST_STEP = 5.0
"""Gradients are cut to this length: a chip with unlucky faults is to have no more say than others."""


Cells = Noise | KnownChip
"""What weights lie in: cells that are drawn for every product, or those of a known chip."""


def cells_under(subnet: Subnet, noise: Noise, faults: Faults | None) -> Cells:
    """Return what a subnet's present weights lie in."""
    return noise if faults is None else chip_under(subnet, faults, noise.variation)


def products_in(cells: Cells, generator: torch.Generator) -> AbstractContextManager[None]:
    """Compute all products by weights as cells hold them, within a block."""
    if isinstance(cells, KnownChip):
        return chip_products(cells, generator)
    return noisy_products(cells, generator)


@dataclass(slots=True, eq=False)
class FineTuningRun:
    """Fine-tuning under way: what changes from epoch to epoch. `epoch` counts those that are done."""

    recipe: FineTuning
    subnet: Subnet
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    faults: Faults | None = None

    @property
    def cells(self) -> Cells:
        """What its weights lie in: drawn cells, or those of a known chip with scales that suit them."""
        return cells_under(self.subnet, self.recipe.noise, self.faults)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.subnet.parameters()).device

    @property
    def epochs(self) -> int:
        """How many there are in all."""
        return self.recipe.epochs

    @property
    def done(self) -> bool:
        """Say whether no epoch is left."""
        return self.epoch >= self.epochs


def begin_finetuning(
    recipe: FineTuning, supernet: Supernet, training: Split, faults: Faults | None = None
) -> FineTuningRun:
    """Return a run that starts with a supernet's weights, on its device."""
    subnet = calibrate_subnet(supernet, recipe.subnet, training)
    run = FineTuningRun(recipe, subnet, _optimizer_of(subnet, recipe), faults=faults)
    _recalibrate(run, training)
    return run


def _optimizer_of(subnet: Subnet, recipe: FineTuning) -> torch.optim.Optimizer:
    return torch.optim.AdamW(subnet.parameters(), recipe.learning_rate, weight_decay=0.0)


def _recalibrate(run: FineTuningRun, training: Split) -> None:
    """Take the norms' statistics over many chips, or many draws of one."""
    with products_in(run.cells, generator_of(run.recipe.seed, 2 * run.epoch, run.device)):
        recalibrate(run.subnet, training, CALIBRATION, CALIBRATION_BATCH)


def finetune_epoch(run: FineTuningRun, split: Split, watch: Watch = lambda _step, _steps: None) -> None:
    """Train for an epoch, every image once, and take the norms' statistics anew.

    On a CPU, the same run, images and number of threads give the same numbers. Raises BadInput, also where
    the loss or a weight is no longer finite: the run is then of no use.
    """
    if run.done or not len(split):
        raise BadInput(
            f"finetune: found {run.epoch} epochs done, {len(split)} images; allowed is some of each"
        )
    recipe, steps = run.recipe, math.ceil(len(split) / run.recipe.batch)
    rng = Generator(PCG64([recipe.seed, run.epoch]))
    chips = generator_of(recipe.seed, 2 * run.epoch + 1, run.device)
    cells = run.cells
    _train_all_but_norms(run.subnet)
    with seeded(int(rng.integers(2**63)), run.device):
        for number, (x, labels) in enumerate(
            batches(split, math.ceil(len(split) / steps), rng, augment=True)
        ):
            for group in run.optimizer.param_groups:
                group["lr"] = recipe.rate(run.epoch, number / steps)
            run.optimizer.zero_grad()
            with products_in(cells, chips):
                logits = logits_of(run.subnet, x.to(run.device))
            loss = functional.cross_entropy(logits, labels.to(run.device))
            _check_finite(run, f"a loss of {float(loss.detach())}", bool(loss.isfinite()))
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(run.subnet.parameters(), LONGEST_STEP)
            run.optimizer.step()
            right = (logits.argmax(1).cpu() == labels).float().mean()
            watch(Step(float(loss.detach()), float(right)), steps)
    finite = all(bool(tensor.isfinite().all()) for tensor in run.subnet.state_dict().values())
    _check_finite(run, "weights beyond all numbers", finite)
    run.epoch += 1
    _recalibrate(run, split)


def _train_all_but_norms(subnet: Subnet) -> None:
    """Norms divide by the statistics that they have, but their weights are trained."""
    subnet.train()
    for module in subnet.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _check_finite(run: FineTuningRun, found: str, finite: bool) -> None:
    if not finite:
        raise BadInput(f"finetune: found {found} in epoch {run.epoch + 1}; allowed is less --noise")


def noisy_accuracies(subnet: Subnet, split: Split, cells: Cells, chips: int, seed: int = 0) -> list[float]:
    """Return the share of right images on each of some drawn chips; every image meets the same chip.

    Of a known chip, what is drawn are copies and variation. Raises BadInput where there is no image.
    """
    device = next(subnet.parameters()).device

    def on_chip(number: int) -> float:
        def around() -> AbstractContextManager[None]:
            return products_in(cells, generator_of(seed, number, device))

        return accuracy(subnet, split, around=around)

    return [on_chip(number) for number in range(chips)]


def save_finetuning(run: FineTuningRun, path: str | Path) -> None:
    """Write a run between two epochs; the file is whole at every moment, and `load_subnet` reads it.

    Besides the subnet's "state_dict" there is "finetuning": recipe, epochs done, and until all are done the
    optimizer's state. Raises BadInput where it cannot be written.
    """
    finetuning: dict[str, Any] = {"recipe": asdict(run.recipe), "epoch": run.epoch}
    finetuning["recipe"]["subnet"] = run.recipe.subnet._asdict()
    if not run.done:
        finetuning["optimizer"] = run.optimizer.state_dict()
    write_whole({"state_dict": weights_of(run.subnet), "finetuning": finetuning}, path)


def load_finetuning(
    path: str | Path, recipe: FineTuning, device: str | torch.device = "cpu", faults: Faults | None = None
) -> FineTuningRun:
    """Return the run in a file; on a CPU it goes on to the same numbers as if it had never stopped.

    Raises BadInput, in one line, where the file is none that `save_finetuning` wrote or has another recipe.
    """
    loaded = read_plain(path)
    found = loaded.get("finetuning") if isinstance(loaded, dict) else None
    allowed = "allowed is a file that fine-tuning wrote"
    if not isinstance(found, dict):
        raise BadInput(f"{path}: found no fine-tuning; {allowed}")
    try:
        own = _recipe(found["recipe"])
        epoch = int(found["epoch"])
        if not 0 <= epoch <= own.epochs:
            raise ValueError("epoch")
    except Exception as error:  # a damaged file raises nearly anything
        raise _damaged(path, error) from error
    wanted = asdict(recipe)
    other = [f"{name} {value!r:.60}" for name, value in asdict(own).items() if value != wanted[name]]
    if other:
        raise BadInput(f"{path}: found a run with {', '.join(other)}; allowed is one with the same options")
    subnet = subnet_of(path, loaded, own.subnet).to(device)
    run = FineTuningRun(own, subnet, _optimizer_of(subnet, own), epoch, faults)
    if not run.done:
        try:
            load_state(run.optimizer, found["optimizer"])
        except Exception as error:
            raise _damaged(path, error) from error
    return run


def _damaged(path: str | Path, error: Exception) -> BadInput:
    name = type(error).__name__
    return BadInput(f"{path}: found a damaged run ({name}); allowed is a file that fine-tuning wrote")


def _recipe(found: dict[str, Any]) -> FineTuning:
    subnet = Configuration(**{name: tuple(own) for name, own in found["subnet"].items()})
    return FineTuning(**(found | {"subnet": subnet, "noise": Noise(**found["noise"])}))
