"""From an `nn.Module` and the sizes of its inputs to its layers (RNC section 3) and the coverage table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...errors import BadInput, ToolkitError
from ...values import InputSize, Network
from ..advice import about_types, advice
from ..foreign import reason, told_as
from ..ledger import ROOT
from .inputs import Inputs, Sizes, inputs_of
from .recorder import Recorder
from .torchvision_compat import missing_operator


def trace(module: nn.Module, input_size: InputSize | None, name: str) -> Network:
    """Run `module` once on one sample of zeros and return its layers in the order of execution.

    `input_size` is the size without the batch, `(3, 64, 64)`, or sizes by the names of `forward`'s
    parameters; None is (3, 64, 64) for a single input. Where a network does not run on float32, the types of
    its parameters are tried, then integers (token ids), booleans, and inputs of one size without the batch.

    Every product of its values by stored weights is a layer, whatever module runs it: a convolution, or a
    matrix product ("Linear"). So is each of the four projections of `nn.MultiheadAttention` and each step of
    a recurrent module. Weights that are used again are stored once.

    The coverage table lists the modules that own parameters in order of registration: "mapped" those whose
    weights became layers; "digital" what is computed element by element or looked up, and products of
    activations alone (attention scores), whose modules may own no parameters; "unsupported" weights that are
    multiplied in another way, complex, sparse, quantized or integer ones, and matrices that no run used, with
    0 multiply-accumulates. A complex multiply-accumulate counts as 4 real ones, a sparse matrix in full.
    A module whose parameters meet different fates has a row for each. Counted is one multiply-accumulate for
    every output that a norm or another elementwise parameter touches.

    The module is left as it was, in its training mode, unless it has lazy parameters: they take their sizes
    from the run. Raises BadInput if it does not run on such inputs or has no layer that can be mapped.
    """
    with told_as(f"{name} cannot be traced"):
        _refuse_what_cannot_be_watched(module, name)
        inputs = inputs_of(module, input_size, name)
        with _evaluation(module), _uncompiled(), _recurrence_step_by_step(module):
            recorder, sizes = _recorded(module, inputs, name)
        return recorder.close(name, sizes)


def _refuse_what_cannot_be_watched(module: nn.Module, name: str) -> None:
    for child in module.modules():
        if isinstance(child, torch.jit.ScriptModule) and not hasattr(child, "training"):
            raise BadInput(
                f"{name} is frozen TorchScript, which is not supported: give the module before it is frozen"
            )
        if isinstance(child, torch.fx.GraphModule) and "eval" in vars(child):  # takes no other mode
            raise BadInput(
                f"{name} is a module of torch.export, which is not supported: give the original module"
            )


def _recorded(module: nn.Module, inputs: Inputs, name: str) -> tuple[Recorder, Sizes]:
    """Return the record of the first run that succeeds, and the sizes that it ran on.

    Raises BadInput with the error of the run that came farthest.
    """
    failures: list[tuple[tuple[int, bool], BaseException]] = []
    floats = _floats(module)
    attempts = ((each, kinds) for each in [inputs, *inputs.without_batch()] for kinds in each.kinds(floats))
    for each, kinds in attempts:
        recorder, error = _run(module, each, kinds)
        if recorder and error is None:
            if not recorder.knows(module):
                raise BadInput(f"{name} makes its parameters anew whenever it runs")
            return recorder, each.sizes
        if error is not None:
            failures.append(((recorder.steps if recorder else 0, not about_types(error)), error))
            if not isinstance(error, Exception):  # no matter of types
                break
    _, farthest = max(failures, key=lambda failure: failure[0])
    raise _does_not_run(farthest, inputs, name) from farthest


def _run(
    module: nn.Module, inputs: Inputs, kinds: tuple[torch.dtype, ...]
) -> tuple[Recorder | None, BaseException | None]:
    """Run once, again if the module made parameters meanwhile; return the record and what was raised."""
    recorder = None
    try:
        args, kwargs = inputs.zeros(kinds, _device(module))
        if any(is_lazy(parameter) for parameter in module.parameters()):
            module(*args, **kwargs)
        for _ in range(2):
            recorder = Recorder(module, [*args, *kwargs.values()])
            with _scopes(module, recorder), recorder:
                module(*args, **kwargs)
            if recorder.knows(module):
                break
    except (KeyboardInterrupt, ToolkitError):
        raise
    except BaseException as error:
        return recorder, error
    return recorder, None


def _floats(module: nn.Module) -> list[torch.dtype]:
    """Return the types of floats that inputs may have: the usual one, then those of the parameters."""
    kinds = [parameter.dtype for parameter in module.parameters()]
    real = [kind for kind in kinds if kind.is_floating_point]
    return [*dict.fromkeys([torch.float32, *real, *(kind for kind in kinds if kind.is_complex)])]


def _device(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def _does_not_run(error: BaseException, inputs: Inputs, name: str) -> BadInput:
    missing = missing_operator(error)
    if missing:
        return BadInput(f"{name} needs {missing}")
    return BadInput(f"{name} does not run on {inputs} ({reason(error)}){advice(error)}")


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Turn off training, gradients and the fused attention that would hide its layers."""
    training = {child: child.training for child in module.modules()}
    fastpath = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        module.eval()
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
def _recurrence_step_by_step(module: nn.Module) -> Iterator[None]:
    """Turn off the fused operators that would hide the products of recurrent modules."""
    if not any(isinstance(child, nn.RNNBase) for child in module.modules()):
        yield  # convolutions are faster with them
        return
    mkldnn, cudnn = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_cudnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(mkldnn)
        torch._C._set_cudnn_enabled(cudnn)


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
