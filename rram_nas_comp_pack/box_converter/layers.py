"""From an `nn.Module` and the size of its input to its layers (RNC section 3) and the coverage table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from rram_nas_comp_pack.box_converter.ledger import ROOT
from rram_nas_comp_pack.box_converter.recorder import Recorder
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Network


def trace(module: nn.Module, input_size: tuple[int, ...], name: str) -> Network:
    """Run `module` once on one sample of zeros and return its layers in the order of execution.

    `input_size` is the size without the batch, `(3, 64, 64)`. Every run of a Conv, ConvTranspose or Linear
    is a layer, and so is each of the four projections of `nn.MultiheadAttention`; a module that runs again,
    and one that shares its weight with another, is stored once.

    The coverage table lists the modules that own parameters in order of registration: "mapped" those whose
    weights became layers; "digital" what is computed element by element or looked up, and products of
    activations alone (attention scores), whose modules may own no parameters; "unsupported" weights that are
    multiplied in another way, and matrices that no run used, with 0 multiply-accumulates. A module whose
    parameters meet different fates has a row for each. Counted is one multiply-accumulate for every output
    that a norm or another elementwise parameter touches.

    The module is left as it was, in its training mode, unless it has lazy parameters: they take their sizes
    from the run. Raises BadInput if it does not run on such an input or has no layer that can be mapped.
    """
    tensors = [tensor for tensor in module.parameters() if tensor.is_floating_point()]
    like = tensors[0] if tensors else torch.empty(0)
    x = torch.zeros(1, *input_size, dtype=like.dtype, device=like.device)
    with _evaluation(module), _uncompiled(), _runs_on(input_size, name):
        if any(is_lazy(parameter) for parameter in module.parameters()):
            module(x)
        recorder = Recorder(module, x)
        with _scopes(module, recorder), recorder:
            module(x)
    return recorder.close(name)


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Turn off training, gradients and the fused attention that would hide its layers."""
    training = {child: child.training for child in module.modules()}
    fastpath = torch.backends.mha.get_fastpath_enabled()
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
        for child, was_training in training.items():
            child.training = was_training


def _uncompiled() -> AbstractContextManager[Any]:
    """Run compiled modules as they were written; without the compiler loaded, there are none."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return cast("AbstractContextManager[Any]", torch.compiler.set_stance("force_eager"))


@contextmanager
def _runs_on(input_size: tuple[int, ...], name: str) -> Iterator[None]:
    """Turn whatever the network raises into one line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        reason = next(iter(str(error).strip().splitlines()), "no message")
        size = "x".join(str(n) for n in (1, *input_size))
        raise BadInput(
            f"{name} does not run on an input of {size} ({type(error).__name__}: {reason}); "
            "--input-size sets another"
        ) from error


@contextmanager
def _scopes(module: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Keep the recorder told which module is running."""

    def leave(_module: nn.Module, _args: Any, _result: Any) -> None:
        recorder.scopes.pop()

    def enter(path: str) -> Any:
        def hook(_module: nn.Module, _args: tuple[Tensor, ...]) -> None:
            recorder.scopes.append(path)

        return hook

    with ExitStack() as hooks:
        for path, child in module.named_modules():
            if not isinstance(child, torch.jit.ScriptModule):  # takes no hooks
                hooks.enter_context(child.register_forward_pre_hook(enter(path or ROOT)))
                hooks.enter_context(child.register_forward_hook(leave, always_call=True))
        yield
