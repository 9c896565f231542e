"""`faults`: the stuck cells that the weights of a run meet on one chip, as a file for fine-tuning."""

from __future__ import annotations

import json

from ...errors import BadInput
from ...executable import Executable, image_of_run, prepare
from ...execution import RANDOM_INPUTS
from ...execution.chip import HEALTHY, ChipInstance, Stuck, chip_of
from ...execution.device import DeviceModel, device_of
from ...execution.weight_faults import faults_of_layers
from ...runs.chip_file import read_chip
from ...runs.packing.chip_image import read_own_image
from ...runs.packing.source import read_source
from ...runs.weight_faults_file import save_faults
from ..judged_run import config_asked
from ..options.execution import FaultsOptions

_SLICES = 7


def run(options: FaultsOptions) -> int:
    """Write the file, and print what it is as a JSON object.

    Raises BadInput for a run of another model than an `ofa:` one.
    """
    source = read_source(options.run_dir, options.weights)
    if not source.model.startswith("ofa:"):
        raise BadInput(
            f"{options.run_dir}: found model {source.model:.200}, allowed is a run of an ofa: model"
        )
    device = _device(options)
    network = prepare(source, RANDOM_INPUTS)
    image = image_of_run(options.run_dir, network, read_own_image(options.run_dir))
    chip = _chip(options, device, image.crossbars)
    faults = {
        f"{image.layers[index].name}.weight": states
        for index, states in faults_of_layers(image, device, chip).items()
    }
    save_faults(options.out, {name: _as_weight(network, name, each) for name, each in faults.items()})
    result = {
        "file": str(options.out),
        **({"chip": str(options.chip)} if options.chip else {"seed": options.seed}),
        "weights": len(faults),
        "cells": sum(states.size for states in faults.values()),
        "stuck": sum(int((states != HEALTHY).sum()) for states in faults.values()),
    }
    print(json.dumps(result, allow_nan=False))
    return 0


def _device(options: FaultsOptions) -> DeviceModel:
    """The run's device. Raises BadInput where it is none that training knows."""
    device = device_of(config_asked(options).hardware)
    if (device.polarity, device.slices) != (2, _SLICES):
        arrays, slices = device.polarity, device.slices
        raise BadInput(
            f"faults: found {arrays} arrays of {slices} slices; fine-tuning takes pairs of {_SLICES} binary "
            "ones (Xbar_Polarity 2, Device_Level 2)"
        )
    return device


def _chip(options: FaultsOptions, device: DeviceModel, crossbars: int) -> ChipInstance:
    if options.chip is None:
        return chip_of(options.seed, device)
    return read_chip(options.chip, device, crossbars)


def _as_weight(network: Executable, name: str, states: Stuck) -> Stuck:
    """States (..., rows, columns) of a raw matrix in the shape of the weight."""
    shape = network.module.get_parameter(name).shape
    return states.swapaxes(-1, -2).reshape(*states.shape[:-2], *shape)
