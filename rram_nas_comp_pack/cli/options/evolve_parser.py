"""Options of `evolve`, as its parser takes them."""

from __future__ import annotations

import argparse

from ofa.parser import path, word

from ...runs.shipped import USUAL_IMAGES
from .converters import at_least, dataset, number, objectives
from .evolve import CHIP_IMAGES, INSTANCES, QUICK
from .execution import ENCODINGS
from .shared import add_duplication, add_ignored, add_packing, add_run, add_schedule, add_workers


def _quick_told() -> str:
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in QUICK.items())


def add_evolve(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add_run(parser, searched=True)
    _add_search(parser)
    _add_accuracy(parser)
    add_packing(parser, searched=True)
    add_duplication(parser, searched=True)
    add_schedule(parser)
    add_workers(parser, "evaluates the networks")
    add("--resume", "-r", action="store_true", help="continue the search of this ID, given the same options")
    add_ignored(parser, ("--log-pack",))


def _add_search(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--evolute-method",
        dest="method",
        choices=("ndga", "nsga2", "ga", "random"),
        default="ndga",
        help="method of the search: NSGA-II (ndga or nsga2), a weighted sum (ga), or random "
        "networks (random) (default: ndga)",
    )
    add(
        "--objectives",
        type=objectives,
        default=("acc", "speed"),
        metavar="NAMES",
        help="objectives of the search: acc,speed, to which energy, crossbars and area may be added "
        "(default: acc,speed)",
    )
    add(
        "--population",
        type=at_least(2, 10_000),
        metavar="N",
        help="number of networks in a generation (default: 50)",
    )
    add(
        "--generations",
        type=at_least(1, 100_000),
        metavar="N",
        help="number of generations, including the first, which is random (default: 100)",
    )
    add(
        "--quick",
        action="store_true",
        help=f"search for some minutes, the same as {_quick_told()}",
    )
    add(
        "--mutate-prob",
        type=number(0, 1),
        default=0.1,
        metavar="P",
        help="average probability that a gene mutates; each child draws its own from an "
        "exponential distribution (default: 0.1)",
    )
    add(
        "--mutation-ratio",
        type=number(0, 1),
        default=0.5,
        metavar="P",
        help="share of children made by mutation; the others are made by crossover (default: 0.5)",
    )
    add(
        "--coef-acc",
        type=number(0),
        default=1.0,
        metavar="W",
        help="weight of the accuracy in the weighted sum (default: 1)",
    )
    add(
        "--coef-latency",
        type=number(0),
        default=0.005,
        metavar="W",
        help="weight of the speed in the weighted sum (default: 0.005)",
    )


def _add_accuracy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--accuracy",
        choices=("chip", "calibrate", "finetune", "predictor"),
        help="which accuracies count: those on chips, or of float networks: after recalibrating norms, after "
        "fine-tuning as in the paper, or by prediction (default: chip where the hardware has stuck cells or "
        "variation, else calibrate; with --quick calibrate)",
    )
    add(
        "--images",
        type=at_least(1, 100_000),
        metavar="N",
        help="validation images on which float networks are judged, the first N; of clutter there are as "
        f"many as that (default: all of them, of clutter 2000; with --quick {QUICK['images']})",
    )
    add(
        "--instances",
        type=at_least(1, 1000),
        default=INSTANCES,
        metavar="N",
        help="chips that judge a network: those of the seeds 0 to N-1 while searching, the next N for the "
        f"front (default: {INSTANCES})",
    )
    add(
        "--chip-images",
        type=at_least(1),
        default=CHIP_IMAGES,
        metavar="N",
        help="images on which chips judge a network, the first N of validation and of test images "
        f"(default: {CHIP_IMAGES})",
    )
    add(
        "--robust",
        choices=("mean", "worst"),
        default="mean",
        help="what the accuracies of several chips count as (default: mean)",
    )
    add(
        "--encoding",
        choices=ENCODINGS,
        default="fault-aware",
        help="how weights are programmed, as in accuracy (default: fault-aware)",
    )
    add(
        "--no-fine-tune",
        dest="accuracy",
        action="store_const",
        const="calibrate",
        help="the same as --accuracy calibrate",
    )
    add(
        "--predictor-subnets",
        type=at_least(10, 100_000),
        default=300,
        metavar="N",
        help="number of networks that the predictor learns from (default: 300)",
    )
    add(
        "--predictor-tau",
        type=number(-1, 1),
        default=0.7,
        metavar="T",
        help="lowest rank correlation (Kendall's tau) at which the predictor may be used (default: 0.7)",
    )
    add(
        "--predictor-from",
        type=path,
        metavar="RUN_DIR",
        help="search whose networks the predictor learns from, instead of judging as many anew; it has the "
        "same supernet and images (default: none)",
    )
    add(
        "--checkpoint",
        type=path,
        metavar="FILE",
        help="checkpoint of the supernet (default: the shipped one)",
    )
    add(
        "--dataset",
        type=dataset,
        default=USUAL_IMAGES,
        metavar="NAME",
        help="images: clutter, digits, cifar10 (in dataset/cifar10) or folder:PATH "
        f"(default: {USUAL_IMAGES})",
    )
    add(
        "--device",
        type=word,
        metavar="NAME",
        help="device on which networks run: cpu, cuda or cuda:N (default: a GPU if there is one)",
    )
    add("--no-cuda", dest="device", action="store_const", const="cpu", help="the same as --device cpu")
