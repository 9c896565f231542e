"""How accurate a subnet is (RNC section 6), found out in one of three ways.

`calibrate` gives it norm statistics of its own. `finetune` trains it a little before, as the paper does.
`Predictor` asks a small network that has seen calibrated subnets. A search looks at validation images only;
test images are for what it finds. The same seed gives the same figures, whoever else is judged before.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from torch.nn import functional

import ofa
from ofa import training
from ofa.architecture import Configuration

from ..errors import BadInput, CannotBeDone
from .genes import canonical, one_hot
from .genome import GENOME, encode
from .space import Genes, Genome

if TYPE_CHECKING:
    from sklearn.neural_network import MLPRegressor

    from ofa import Images, Subnet, Supernet

Split = Literal["validation", "test"]

SHARE = 50
"""A subnet is fine-tuned on a 50th of the training images (RNC section 6)."""

TRUSTED = 0.7
"""Kendall's tau that a predictor must reach on subnets it was not trained on."""

HELD_OUT = 5
"""Every fifth subnet is held out of the predictor's training."""


@dataclass(frozen=True, slots=True)
class AccuracyContext:
    """A supernet beside the images that its subnets are judged by, and the seed of fine-tuning."""

    supernet: Supernet
    images: Images
    seed: int = 0


def device_of(name: str | None) -> str:
    """The device of that name; None is a GPU where there is one. Raises BadInput for what is not here."""
    with _told():
        return ofa.device_of(name)


def load_context(
    checkpoint: str | Path,
    dataset: str,
    device: str = "cpu",
    seed: int = 0,
    validation: int | None = None,
) -> AccuracyContext:
    """Load a supernet and images, of which the first `validation` validate, None for all.

    Raises BadInput, in one line, also where their classes differ.
    """
    with _told():
        supernet = ofa.load_checkpoint(checkpoint)
    images = load_images(dataset, validation)
    if supernet.classes != images.classes:
        found, allowed = supernet.classes, images.classes
        raise BadInput(f"{checkpoint}: found {found} classes, allowed are the {allowed} of {dataset}")
    return AccuracyContext(supernet.to(device), images, seed)


def load_images(dataset: str, validation: int | None = None) -> Images:
    """Load a data set, of which the first `validation` images validate. Raises BadInput, in one line."""
    with _told():
        return ofa.load_images(dataset, validation=validation)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the supernet's package as the toolkit's."""
    try:
        yield
    except ofa.BadInput as error:
        raise BadInput(str(error)) from error


def calibrate(context: AccuracyContext, chosen: Configuration, split: Split = "validation") -> float:
    """Return the accuracy (0 to 1) of a subnet that got norm statistics of its own from training images."""
    return accuracy(context, calibrate_subnet(context, chosen), split)


def finetune(context: AccuracyContext, chosen: Configuration, split: Split = "validation") -> float:
    """Return the accuracy (0 to 1) of a subnet after an epoch on a 50th of the training images."""
    return accuracy(context, finetune_subnet(context, chosen), split)


def accuracy(context: AccuracyContext, subnet: Subnet, split: Split) -> float:
    """Return the accuracy (0 to 1) of a subnet that is ready to be judged."""
    return ofa.accuracy(subnet, context.images.test if split == "test" else context.images.validation)


def calibrate_subnet(context: AccuracyContext, chosen: Configuration) -> Subnet:
    """Return a subnet with norm statistics of its own."""
    return training.calibrate_subnet(context.supernet, chosen, context.images.train)


def finetune_subnet(context: AccuracyContext, chosen: Configuration) -> Subnet:
    """Return a subnet after an epoch on a 50th of the training images.

    SGD with learning rate 1e-3, momentum 0.9, weight decay 1e-4, batches of 64 (RNC section 6); then norm
    statistics as for `calibrate_subnet`. The order of the images depends on seed and subnet alone.
    """
    context.supernet.set_active_subnet(*chosen)
    subnet = context.supernet.get_active_subnet().train()
    device = next(subnet.parameters()).device
    optimizer = torch.optim.SGD(subnet.parameters(), 1e-3, momentum=0.9, weight_decay=1e-4)
    rng = Generator(PCG64([context.seed, *canonical(GENOME, encode([chosen]))[0].tolist()]))
    images = context.images.train.first(-(-len(context.images.train) // SHARE))
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(int(rng.integers(2**63)))
        for x, labels in ofa.batches(images, 64, rng, augment=True):
            optimizer.zero_grad()
            loss = functional.cross_entropy(subnet(x.to(device)), labels.to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    ofa.recalibrate(subnet, context.images.train)
    return subnet


@dataclass(frozen=True, slots=True)
class Predictor:
    """A small network over the one-hot code of the genes, and how well it ranks subnets it has not seen.

    `tau` is Kendall's rank correlation with their accuracies, nan where these are all equal.
    """

    genome: Genome
    network: MLPRegressor
    mean: float
    scale: float
    tau: float

    def __call__(self, genes: Genes) -> NDArray[np.float64]:
        """Return the accuracies (subnets,), 0 to 1, of rows of genes (subnets, genes)."""
        predicted: NDArray[np.float64] = self.network.predict(one_hot(self.genome, genes))
        return np.clip(self.mean + self.scale * predicted, 0, 1)


def predictor(
    genome: Genome, genes: Genes, accuracies: NDArray[np.float64], seed: int, trusted: float = TRUSTED
) -> Predictor:
    """Train a predictor on subnets (subnets, genes) of known accuracies (subnets,), all but every fifth.

    Raises BadInput for fewer than 10 subnets, and CannotBeDone where Kendall's tau on those held out is below
    `trusted` (-1: whatever it is): ranks that are mostly chance would send a search astray.
    """
    if len(genes) < 2 * HELD_OUT:
        found = len(genes)
        raise BadInput(f"predictor: found {found} subnets to learn from, allowed is at least {2 * HELD_OUT}")
    from scipy.stats import kendalltau
    from sklearn.neural_network import MLPRegressor

    held = np.arange(len(genes)) % HELD_OUT == 0
    mean, scale = float(accuracies[~held].mean()), float(accuracies[~held].std()) or 1.0
    network = MLPRegressor(
        hidden_layer_sizes=(32,), solver="lbfgs", alpha=3.0, max_iter=1000, random_state=seed % 2**32
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where noise is all there is to learn, it does not converge
        network.fit(one_hot(genome, genes[~held]), (accuracies[~held] - mean) / scale)
    untested = Predictor(genome, network, mean, scale, math.nan)
    tau = float(kendalltau(untested(genes[held]), accuracies[held]).statistic)
    if trusted > -1 and not tau >= trusted:
        raise CannotBeDone(
            f"predictor: Kendall's tau is {tau:.2f} on {held.sum()} subnets held out, allowed is at least "
            f"{trusted}; --resume with a lower --predictor-tau takes it, another --exp-id can calibrate, or "
            "judge by more --images"
        )
    return replace(untested, tau=tau)
