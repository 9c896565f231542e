"""Progressive shrinking (Once for All, section 3.3): the full network, then ever more of its subnets.

A step trains the sandwich of its phase, and the subnets also learn what the full network, as it was when the
first phase ended, says of the same images. Everything random in an epoch follows from the recipe's seed and
the epoch's number, so that those two are all the random state there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from numpy.random import PCG64, Generator
from torch import Tensor
from torch.nn import functional

from ofa.architecture import LARGEST, Configuration
from ofa.calibration import recalibrate
from ofa.checkpoint import load_checkpoint, shipped
from ofa.data import Split, batches
from ofa.depthwise import fast_depthwise
from ofa.errors import BadInput
from ofa.network import Subnet, Supernet, build_supernet
from ofa.noise import noisy_products
from ofa.recipe import PHASES, Recipe
from ofa.sorting import sort_channels


@dataclass(slots=True, eq=False)
class TrainingRun:
    """Training under way: what changes from epoch to epoch. `epoch` counts those that are done.

    `teacher` is the full network after the first phase, `optimizer` that of the phase under way.
    """

    recipe: Recipe
    supernet: Supernet
    epoch: int = 0
    teacher: Subnet | None = None
    optimizer: torch.optim.Optimizer | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.supernet.parameters()).device

    @property
    def epochs(self) -> int:
        """How many there are in all."""
        return sum(self.recipe.epochs)

    @property
    def done(self) -> bool:
        """Say whether no epoch is left."""
        return self.epoch >= self.epochs


class Step(NamedTuple):
    """The mean loss of a step's subnets, and the full network's share of right ones."""

    loss: float
    accuracy: float


Batch = tuple[Tensor, Tensor]
"""Images and labels."""

Watch = Callable[[Step, int], object]
"""Is told of every step, and how many there are in the epoch."""


def begin(recipe: Recipe, classes: int, device: str | torch.device = "cpu") -> TrainingRun:
    """Return a run that has fresh weights, drawn with the recipe's seed, or those that it starts with.

    Raises BadInput.
    """
    if recipe.start:
        return TrainingRun(recipe, load_checkpoint(shipped(recipe.start)).to(device))
    with seeded(recipe.seed, torch.device(device)):
        return TrainingRun(recipe, build_supernet(classes).to(device))


def train_epoch(run: TrainingRun, split: Split, watch: Watch = lambda _step, _steps: None) -> None:
    """Train for an epoch: every image once, in batches of nearly one size. An interrupted run is of no use.

    On a CPU, the same run, images and number of threads give the same numbers. Raises BadInput, also where
    the loss or a weight is no longer finite: the run is then of no use either.
    """
    if run.done or not len(split):
        raise BadInput(f"train: found {run.epoch} epochs done, {len(split)} images; allowed is some of each")
    optimizer = _enter(run, split)
    phase = PHASES[run.recipe.phase(run.epoch)[0]]
    rng = Generator(PCG64([run.recipe.seed, run.epoch]))
    steps = math.ceil(len(split) / run.recipe.batch)
    # batches of nearly one size, lest the last is too small to have statistics
    size = run.recipe.size(run.epoch, split.data_set.resolution)
    drawn = batches(split, math.ceil(len(split) / steps), rng, augment=True, drawn=size)
    with seeded(int(rng.integers(2**63)), run.device):
        chips = generator_of(run.recipe.seed, run.epoch, run.device)
        for number, batch in enumerate(drawn):
            for group in optimizer.param_groups:
                group["lr"] = run.recipe.rate(run.epoch, number / steps)
            optimizer.zero_grad()
            step = _backward(run, batch, phase.sandwich(rng, run.recipe.drawn), chips)
            _check_finite(run, f"a loss of {step.loss}", math.isfinite(step.loss))
            optimizer.step()
            watch(step, steps)
    finite = all(bool(tensor.isfinite().all()) for tensor in run.supernet.state_dict().values())
    _check_finite(run, "weights beyond all numbers", finite)
    run.epoch += 1


def _check_finite(run: TrainingRun, found: str, finite: bool) -> None:
    if not finite:
        allowed = f"a learning_rate below {run.recipe.learning_rate}, or another --optimizer"
        raise BadInput(f"train: found {found} in epoch {run.epoch + 1}; allowed is {allowed}")


def _enter(run: TrainingRun, split: Split) -> torch.optim.Optimizer:
    """Prepare the epoch: a phase starts with an optimizer of its own, since sorting moves the weights."""
    phase, place = run.recipe.phase(run.epoch)
    if phase and run.teacher is None and not run.recipe.in_place:
        # after a short first phase, running averages lag far behind the weights
        run.teacher = calibrate_subnet(run.supernet, LARGEST, split)
    if run.optimizer is None or not place:
        if PHASES[phase].name == "expansion":
            sort_channels(run.supernet)
        run.optimizer = optimizer_of(run.supernet, run.recipe)
    run.supernet.train()
    return run.optimizer


def optimizer_of(supernet: Supernet, recipe: Recipe) -> torch.optim.Optimizer:
    """Return a fresh optimizer; norms, biases and the kernels' matrices do not decay."""
    decays: list[Tensor] = []
    rest: list[Tensor] = []
    for name, weight in supernet.named_parameters():
        (decays if weight.dim() > 1 and not name.endswith("_matrix") else rest).append(weight)
    groups = [{"params": decays, "weight_decay": recipe.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, recipe.learning_rate)


def _backward(run: TrainingRun, batch: Batch, sandwich: list[Configuration], chips: torch.Generator) -> Step:
    """Gather the gradients of all subnets, each on a chip of its own where the recipe has noise."""
    x, labels = (tensor.to(run.device) for tensor in batch)
    taught = None
    if run.teacher is not None:
        with torch.no_grad():
            taught = logits_of(run.teacher.eval(), x).softmax(1)
    losses, right = [], []
    for chosen, weight in zip(sandwich, run.recipe.weights(len(sandwich)), strict=True):
        run.supernet.active = chosen
        with fast_depthwise(), noisy_products(run.recipe.noise, chips):
            logits = logits_of(run.supernet, x)
        loss = _loss(logits, labels, taught) * weight
        loss.backward()  # type: ignore[no-untyped-call]
        if run.recipe.in_place and taught is None:
            taught = logits.detach().softmax(1)
        losses.append(loss.detach())
        right.append((logits.argmax(1) == labels).float().mean())
    return Step(float(torch.stack(losses).sum()), float(right[0]))


def logits_of(net: Subnet, x: Tensor) -> Tensor:
    """Return logits (N, classes), on a GPU in mixed precision, which is faster; bfloat16 needs no scaling."""
    with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
        return cast(Tensor, net(x)).float()


def _loss(logits: Tensor, labels: Tensor, taught: Tensor | None) -> Tensor:
    """Return the cross-entropy with the labels, averaged with that of the teacher's probabilities."""
    loss = functional.cross_entropy(logits, labels)
    return loss if taught is None else (loss + functional.cross_entropy(logits, taught)) / 2


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators, which fresh weights and dropout draw from, and put them back afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def generator_of(seed: int, number: int, device: str | torch.device) -> torch.Generator:
    """Return a generator of an epoch's chips; its draws follow from both numbers alone."""
    drawn = Generator(PCG64([seed, number, 1])).integers(2**63)
    return torch.Generator(device).manual_seed(int(drawn))


def calibrate_subnet(supernet: Supernet, chosen: Configuration, training: Split) -> Subnet:
    """Return a subnet with norm statistics of its own, those of the first training images.

    The supernet stays as it was.
    """
    before = supernet.active
    supernet.active = chosen
    subnet = supernet.get_active_subnet()
    supernet.active = before
    recalibrate(subnet, training)
    return subnet
