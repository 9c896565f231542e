"""Watches a network run and enters every product by its weights into a ledger.

Hooks on modules would miss a layer whose weight is handed to a function (Swin, `nn.MultiheadAttention`) and
see nothing of matrices multiplied by hand. So the operators themselves are watched, below all of torch's
Python. For every storage the recorder knows whether its values depend on the network's input or come from
parameters and buffers alone, and from which. A product of the former by the latter is a layer if a Conv,
Linear or MultiheadAttention owns the weights; otherwise it is reported as unsupported.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rram_nas_comp_pack.box_converter import shapes
from rram_nas_comp_pack.box_converter.ledger import ROOT, Ledger
from rram_nas_comp_pack.box_converter.operators import Product, aten, inner_products, readings
from rram_nas_comp_pack.box_converter.owners import Owners, base, kind_of, storage_of
from rram_nas_comp_pack.box_converter.shapes import Shape
from rram_nas_comp_pack.values import Network, Status

Origin = frozenset[int] | None
"""None: depends on the input. Else the numbers of the parameters and buffers that the values come from."""


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A dispatch mode that keeps the ledger; `scopes` are the running modules' paths, innermost last."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Save the seconds that torch takes to load its compiler, only to keep it away from this class."""
        return False

    def __init__(self, module: nn.Module, x: Tensor) -> None:
        """Watch `module`, whose input is `x`."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.scopes = [ROOT]
        self._owners = Owners(module)
        self._ledger = Ledger()
        self._origins: dict[int, Origin] = {storage_of(x): None}
        self._origins |= {storage: frozenset({n}) for storage, n in self._owners.numbers.items()}
        self._kept: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator and enter it; composite ones (seen in inference mode) are taken apart first."""
        kwargs = kwargs or {}
        if not isinstance(func, torch._ops.OpOverload):
            return func(*args, **kwargs)
        with self:
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        result = func(*args, **kwargs)
        operands = _tensors((args, kwargs))
        is_layer = self._enter(func, args, operands, result)
        self._follow(_tensors(result), None if is_layer else self._origin(operands))
        return result

    def close(self, name: str) -> Network:
        """Return what was seen as a network."""
        return self._ledger.close(name, self._owners.holders())

    def _origin(self, tensors: Iterable[Tensor]) -> Origin:
        numbers: frozenset[int] = frozenset()
        for tensor in tensors:
            origin = self._origins.get(storage_of(tensor), frozenset())
            if origin is None:
                return None
            numbers |= origin
        return numbers

    def _follow(self, results: list[Tensor], origin: Origin) -> None:
        """Note where an operator's results come from; what is written into a parameter leaves it one."""
        for tensor in results:
            storage = storage_of(tensor)
            if storage not in self._owners.parameters:
                self._origins[storage] = origin
            if origin:
                self._kept.append(tensor)  # else the address may come back with other values

    def _enter(self, func: Any, args: tuple[Any, ...], operands: list[Tensor], result: Any) -> bool:
        """Enter one operator; say whether it is a product by weights."""
        products = readings(func, args, result)
        by_weights = [product for product in products if self._is_by_weights(product)]
        if by_weights:
            self._enter_product(min(by_weights, key=lambda product: self._owner(product) is None))
            return True
        if self._origin(operands) is not None:
            return False
        inner = inner_products(func, args)
        if products:
            # A kernel that depends on the input, or that no module holds, cannot be stored in a crossbar.
            status: Status = "unsupported" if func.overloadpacket is aten.convolution else "digital"
            self._ledger.add_macs(self.scopes[-1], status, products[0].macs)
        elif inner:
            self._enter_unmapped(inner[1], inner[0])
            self._use(operands, self.scopes[-1], "digital")
        else:
            self._enter_beside(func, operands, result)
        return False

    def _owner(self, product: Product) -> str | None:
        return self._owners.layer_owner(self._origin([product.weight]) or (), self.scopes[-1])

    def _is_by_weights(self, product: Product) -> bool:
        """Say whether the weight is stored and multiplies values of the network.

        Those need not depend on the input: a layer may run on learned queries or on a table of positions.
        Not so a module's weights that are multiplied with one another (spectral norm, low rank): they only
        make a new weight.
        """
        weights, x = self._origin([product.weight]), self._origin([product.x])
        if not weights or x is None:
            return bool(weights)
        scope = self.scopes[-1]
        return scope in self._modules(weights) and scope not in self._modules(x)

    def _modules(self, numbers: Iterable[int]) -> set[str]:
        return {base(self._owners.home(number, self.scopes[-1])) for number in numbers}

    def _enter_product(self, product: Product) -> None:
        owner = self._owner(product)
        if owner is None or not product.single:
            self._enter_unmapped([product.weight], product.macs)
            return
        self._use([product.x], self.scopes[-1], "digital")
        self._use([product.weight], owner, "mapped")
        numbers = self._origin([product.weight]) or frozenset()
        kind = str(kind_of(self._owners.modules[owner]))
        if kind != "MultiheadAttention":
            self._ledger.add_layer(owner, owner, kind, product.shape, (numbers, _layout(product.weight)))
            return
        tensor = self._owners.full_name(min(numbers))
        for part, shape in _projections(tensor, product.weight, product.shape):
            self._ledger.add_layer(owner, f"{owner}.{part}", "Linear", shape, (numbers, part))

    def _enter_unmapped(self, factors: list[Tensor], macs: int) -> None:
        """Enter a product that no layer holds: by weights if any takes part, else of activations alone."""
        homes = self._use(factors, self.scopes[-1], "unsupported")
        if homes:
            self._ledger.add_macs(homes[0], "unsupported", macs)
        else:
            self._ledger.add_macs(self.scopes[-1], "digital", macs)

    def _enter_beside(self, func: Any, operands: list[Tensor], result: Any) -> None:
        """Enter an operator that is no product: a norm, a scale, a lookup."""
        homes = self._use(operands, self.scopes[-1], "digital")
        name = func.overloadpacket.__name__
        if torch.Tag.pointwise in func.tags or "norm" in name or "prelu" in name:
            for home in set(homes):
                self._ledger.add_elementwise(home, _tensors(result)[0].numel())

    def _use(self, tensors: list[Tensor], module: str, status: Status) -> list[str]:
        """Enter the use of the weights behind `tensors`, and return the modules they serve."""
        numbers = sorted({number for tensor in tensors for number in self._origin([tensor]) or ()})
        homes = [self._owners.home(number, module) for number in numbers]
        for home, number in zip(homes, numbers, strict=True):
            self._ledger.use(home, number, status)
        return homes


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _layout(weight: Tensor) -> tuple[int, ...]:
    """Return what tells views of one storage apart: where it starts and how its axes run."""
    strides = (0 if size == 1 else stride for size, stride in zip(weight.shape, weight.stride(), strict=True))
    return (int(weight.storage_offset()), *strides)


def _projections(tensor: str, weight: Tensor, shape: Shape) -> list[tuple[str, Shape]]:
    """Return the projections that one product of `nn.MultiheadAttention` computes.

    Its packed weight stacks those of query, key and value; a product takes one, two or all three of them.
    `weight` is the (inputs, outputs) view that starts at the first one taken.
    """
    for part in "qkv":
        if f"{part}_proj_weight" in tensor:
            return [(f"{part}_proj", shape)]
    width, start = shape.raw.h, weight.storage_offset() // shape.raw.h
    taken = "qkv"[start // width :][: shape.raw.w // width]
    parts = [(f"{part}_proj", shapes.linear(width, width, shape.positions)) for part in taken]
    return parts or [("in_proj", shape)]
