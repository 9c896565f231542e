"""Training under way in a file: a supernet's checkpoint that also says how to go on."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ofa.architecture import LARGEST
from ofa.checkpoint import read_plain, supernet_of, weights_of, write_whole
from ofa.errors import BadInput
from ofa.recipe import PHASES, Noise, Recipe
from ofa.training import TrainingRun, optimizer_of


def save_run(run: TrainingRun, path: str | Path, half: bool = False) -> None:
    """Write a run between two epochs; the file is whole at every moment, and `load_checkpoint` reads it.

    Besides the supernet's "state_dict" there is "training": recipe, epochs done, phase, and until all is done
    the weights of the teacher and the optimizer's state. `half` keeps a finished run's weights in half
    precision. The bytes follow from these alone. Raises BadInput where it cannot be written.
    """
    phase = None if run.done else PHASES[run.recipe.phase(run.epoch)[0]].name
    recipe = {name: own for name, own in asdict(run.recipe).items() if own is not None and own is not False}
    training = {"recipe": recipe, "epoch": run.epoch, "phase": phase}
    if not run.done:
        for name, own in (("teacher", run.teacher), ("optimizer", run.optimizer)):
            training[name] = own and own.state_dict()
    write_whole({"state_dict": weights_of(run.supernet, half and run.done), "training": training}, path)


def load_run(path: str | Path, recipe: Recipe, device: str | torch.device = "cpu") -> TrainingRun:
    """Return the run in a file; on a CPU it goes on to the same numbers as if it had never stopped.

    Raises BadInput, in one line, where the file is none that `save_run` wrote or has another recipe.
    """
    return run_of(path, read_plain(path), recipe, device)


def run_of(path: str | Path, loaded: Any, recipe: Recipe, device: str | torch.device = "cpu") -> TrainingRun:
    """Return the run in what was read from `path`. Raises BadInput, in one line."""
    supernet = supernet_of(path, loaded)
    training = loaded.get("training")
    allowed = "allowed is a file that training wrote"
    if not isinstance(training, dict):
        raise BadInput(f"{path}: found weights alone; {allowed}")
    try:
        run = TrainingRun(_recipe(training["recipe"]), supernet.to(device), int(training["epoch"]))
        if not 0 <= run.epoch <= sum(run.recipe.epochs):
            raise ValueError("epoch")
        with warnings.catch_warnings(action="ignore"):  # what is wrong is said in one line
            if not run.done:
                _restore(run, training)
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: found damaged training state ({type(error).__name__}); {allowed}") from error
    wanted = asdict(recipe)
    other = [f"{name} {own!r:.60}" for name, own in asdict(run.recipe).items() if own != wanted[name]]
    if other:
        raise BadInput(f"{path}: found a run with {', '.join(other)}; allowed is one with the same options")
    return run


def _recipe(found: dict[str, Any]) -> Recipe:
    """Return the recipe in a file; where there is no noise, it mentions none."""
    noise = found.get("noise")
    return Recipe(**(found | {"noise": noise and Noise(**noise)}))


def _restore(run: TrainingRun, training: dict[str, Any]) -> None:
    """Load what training needs besides weights: after the first phase the teacher, within one its state."""
    _, place = run.recipe.phase(run.epoch)
    if run.epoch > run.recipe.epochs[0] and not run.recipe.in_place:
        run.supernet.active = LARGEST
        run.teacher = run.supernet.get_active_subnet()
        run.teacher.load_state_dict(training["teacher"])
    if place:
        run.optimizer = optimizer_of(run.supernet, run.recipe)
        load_state(run.optimizer, training["optimizer"])


def load_state(optimizer: torch.optim.Optimizer, found: dict[str, Any]) -> None:
    """Load an optimizer's moments; settings are the recipe's. Raises ValueError where they do not fit."""
    settings = optimizer.state_dict()["param_groups"]
    if [group["params"] for group in found["param_groups"]] != [group["params"] for group in settings]:
        raise ValueError("groups")
    optimizer.load_state_dict({"state": found["state"], "param_groups": settings})
    sgd = isinstance(optimizer, torch.optim.SGD)
    names = {"momentum_buffer"} if sgd else {"step", "exp_avg", "exp_avg_sq"}
    for weight, moments in optimizer.state.items():
        if moments.keys() != names:
            raise ValueError("moments")
        for name, moment in moments.items():
            shape = () if name == "step" else weight.shape
            dense = moment.layout == torch.strided and moment.is_floating_point() and not moment.is_meta
            if moment.shape != shape or not dense or (name == "step" and not 1 <= moment < 2**53):
                raise ValueError(name)
