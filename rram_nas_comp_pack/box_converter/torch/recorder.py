"""Watches a network run and enters every product by its weights into a ledger.

Hooks on modules would miss a layer whose weight is handed to a function (Swin, `nn.MultiheadAttention`) and
see nothing of matrices multiplied by hand. So the operators themselves are watched, below all of torch's
Python. For every storage the recorder knows whether its values depend on the network's input or come from
stored ones alone (parameters, buffers, other tensors that were there before), and from which. A product of
the former by the latter is a layer, whatever module runs it; what is multiplied in another way is reported as
unsupported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ...values import Layer, Network, Status
from ..ledger import ROOT, Ledger
from .met import Met as Met
from .operators import Product, aten, inner_products, projections, readings
from .owners import Owners, base, kind_of, storage_of
from .packed import packed_in, packed_key, packed_use
from .rows import RowTracker
from .stepwise import Stepwise

Origin = frozenset[int] | None
"""None: depends on the input. Else the numbers of the stored tensors that the values come from."""

_OURS = ("aten", "prims", "prim")
"""Namespaces of torch's own operators: one that is not listed as a product multiplies with no matrix."""

_ADDITIONS = ("add", "add_", "sub", "sub_")


class Recorder(Stepwise):  # type: ignore[no-untyped-call]
    """A dispatch mode that keeps the ledger; `scopes` are the running modules' paths, innermost last.

    `met` lists the products that became layers, in order.
    """

    def __init__(self, module: nn.Module, inputs: Iterable[Tensor]) -> None:
        """Watch `module`, which runs on `inputs`."""
        super().__init__()
        self.scopes = [ROOT]
        self.met: list[Met] = []
        self._owners = Owners(module)
        self._ledger = Ledger()
        self._rows = RowTracker()
        self._origins: dict[int, Origin] = {storage_of(x): None for x in inputs}
        self._origins |= {storage: frozenset({n}) for storage, n in self._owners.numbers.items()}
        self._recipes: dict[int, Hashable] = dict(self._owners.numbers)
        self._interned: dict[Hashable, int] = {}
        self._kept: list[Tensor] = []
        self._thirds: Counter[frozenset[int]] = Counter()

    def higher_order(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that takes functions, and note where its results come from."""
        result = func(*args, **kwargs)
        self._follow(func, (args, kwargs), _tensors(result), self._origin(_tensors((args, kwargs))))
        self._rows.follow(func, (args, kwargs), result, self.scopes[-1])
        return result

    def step(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operator and enter it."""
        result = func(*args, **kwargs)
        operands = _tensors((args, kwargs))
        is_packed = bool(packed_in((args, kwargs)))
        if is_packed:
            self._enter_packed(func, args, result)
        met = len(self.met)
        is_layer = not is_packed and self._enter(func, args, operands, result)
        if len(self.met) == met:
            self._rows.follow(func, (args, kwargs), result, self.scopes[-1])
        else:
            self._rows.add_layers((args, kwargs), result, self.met[-1])
        self._follow(func, (args, kwargs), _tensors(result), None if is_layer else self._origin(operands))
        return result

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that were met, in order."""
        return self._ledger.layers

    def close(self, name: str, inputs: Iterable[tuple[str, tuple[int, ...]]]) -> Network:
        """Return what was seen as a network."""
        network = self._ledger.close(name, self._owners.holders(), inputs)
        rows = self._rows.ledger
        return replace(network, graph=rows.graph, barriers=rows.barriers)

    def knows(self, module: nn.Module) -> bool:
        """Say whether the network made no parameters while it ran."""
        return self._owners.knows(module)

    def _origin(self, tensors: Iterable[Tensor]) -> Origin:
        numbers: frozenset[int] = frozenset()
        for tensor in tensors:
            storage = storage_of(tensor)
            if storage not in self._origins:  # no operator made it: it was there before
                number = self._owners.adopt(tensor)
                self._origins[storage], self._recipes[storage] = frozenset({number}), number
            origin = self._origins[storage]
            if origin is None:
                return None
            numbers |= origin
        return numbers

    def _follow(self, func: Any, arguments: Any, results: list[Tensor], origin: Origin) -> None:
        """Note where an operator's results come from; what is written into a parameter leaves it one."""
        recipe = None if origin is None else self._recipe(func, arguments)
        viewed = {storage_of(tensor) for tensor in _tensors(arguments)} if recipe is not None else set()
        for place, tensor in enumerate(results):
            storage = storage_of(tensor)
            if storage in self._owners.parameters:
                continue
            self._origins[storage] = origin
            if recipe is not None and (storage not in viewed or func._schema.is_mutable):
                self._recipes[storage] = (recipe, place)
            if origin:
                self._kept.append(tensor)  # else the address may come back with other values

    def _recipe(self, func: Any, arguments: Any) -> int:
        """Return a number that equal computations on the same stored values share."""
        parts: list[Hashable] = [func]
        for leaf in tree_leaves(arguments):
            if isinstance(leaf, Tensor):
                parts.append((self._recipes.get(storage_of(leaf)), tuple(leaf.shape), _layout(leaf)))
            else:
                parts.append(repr(leaf))
        if torch.Tag.nondeterministic_seeded in getattr(func, "tags", ()):
            parts.append(len(self._interned))
        return self._interned.setdefault(tuple(parts), len(self._interned))

    def _enter(self, func: Any, args: tuple[Any, ...], operands: list[Tensor], result: Any) -> bool:
        """Enter one operator; say whether it is a product by weights."""
        products = readings(func, args, result, self._are_copies)
        by_weights = [product for product in products if self._is_by_weights(product)]
        if by_weights:
            self._enter_product(func, by_weights[0])
            return True
        if self._origin(operands) is not None:
            return False
        inner = inner_products(func, args, result)
        if products:
            # A kernel that depends on the input cannot be stored in a crossbar.
            status: Status = "unsupported" if func.overloadpacket is aten.convolution else "digital"
            self._ledger.add_macs(self.scopes[-1], status, products[0].macs)
        elif inner:
            self._enter_unmapped(inner[1], inner[0])
            self._use(operands, self.scopes[-1], "digital", vectors=False)
        else:
            self._enter_beside(func, operands, result)
        return False

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

    def _are_copies(self, matrices: Tensor) -> bool:
        """Say whether a batch repeats one matrix of stored values (`repeat`, `cat`, a copy of `expand`).

        Equal values alone do not tell: matrices of their own may all begin as zeros.
        """
        numbers = self._origin([matrices])
        if not numbers or matrices.device.type == "meta":
            return False
        if sum(map(self._owners.numel, numbers)) > matrices[0].numel():
            return False
        return bool((matrices == matrices[:1]).all())

    def _modules(self, numbers: Iterable[int]) -> set[str]:
        return {base(self._owners.home(number, self.scopes[-1])) for number in numbers}

    def on_crossbars_alone(self) -> frozenset[str]:
        """Return the names of the parameters and buffers that nothing uses but products by weights."""
        found = (number for number in self._owners.numbers.values() if self._is_on_crossbars_alone(number))
        return frozenset(name for number in found for name in self._owners.names(number))

    def _is_on_crossbars_alone(self, number: int) -> bool:
        return self._ledger.statuses(number) == {"mapped"}

    def _enter_product(self, func: Any, product: Product) -> None:
        if not product.macs:  # no weights, or no vectors
            return
        numbers = self._origin([product.weight]) or frozenset()
        is_complex = product.weight.is_complex() or self._owners.are_complex(numbers)
        if is_complex or not (product.single and product.stored_as_is):
            self._enter_unmapped([product.weight], product.macs * self._share(product, numbers))
            return
        owner = self._owners.layer_owner(numbers, self.scopes[-1])
        self._use([product.x], self.scopes[-1], "digital")
        self._use([product.weight], owner, "mapped")
        layers = tuple(self._add_layers(product, numbers, owner))
        self.met.append(Met(self.steps, func, product.weight, product.mirrored, layers))

    def _add_layers(self, product: Product, numbers: frozenset[int], owner: str) -> Iterator[int]:
        """Enter the layers that one product computes, and return their indices."""
        recipe = self._recipes.get(storage_of(product.weight))
        kind, tensor = kind_of(self._owners.modules.get(owner)), self._owners.tensor_name(numbers, owner)
        if kind == "MultiheadAttention" and "_proj_weight" in tensor:
            for part, shape in projections(tensor, product.weight, product.shape):
                yield self._ledger.add_layer(owner, f"{owner}.{part}", "Linear", shape, (recipe, part))
            return
        name = owner if kind or tensor == "weight" else tensor if owner == ROOT else f"{owner}.{tensor}"
        weights = (recipe, _layout(product.weight))
        yield self._ledger.add_layer(owner, name, product.kind, product.shape, weights)

    def _share(self, product: Product, numbers: frozenset[int]) -> int:
        """Return how often a product counts: torch computes a complex convolution in three real ones.

        The first of every three counts twice, so that the three count 4 real multiply-accumulates for each
        complex one.
        """
        if product.kind == "Linear" or product.weight.is_complex() or not self._owners.are_complex(numbers):
            return 1
        self._thirds[numbers] += 1
        return 2 if self._thirds[numbers] % 3 == 1 else 1

    def _enter_unmapped(self, factors: list[Tensor], macs: int) -> None:
        """Enter a product that no layer holds: by weights if any takes part, else of activations alone."""
        homes = self._use(factors, self.scopes[-1], "unsupported")
        if homes:
            self._ledger.add_macs(homes[0], "unsupported", macs)
        else:
            self._ledger.add_macs(self.scopes[-1], "digital", macs)

    def _enter_packed(self, func: Any, args: tuple[Any, ...], result: Any) -> None:
        """Enter an operator on packed weights, which are no tensors: those of quantized modules."""
        use = packed_use(func.overloadpacket.__name__, args, result)
        self._ledger.use(self.scopes[-1], packed_key(self.scopes[-1]), use.status)
        self._ledger.add_macs(self.scopes[-1], use.status, use.macs)

    def _enter_beside(self, func: Any, operands: list[Tensor], result: Any) -> None:
        """Enter an operator that is no product: a norm, a scale, a lookup; or one of another library."""
        name = func.overloadpacket.__name__
        if func.namespace not in _OURS or "linalg" in name or "solve" in name:
            self._enter_unknown(operands)
        # A vector that is added may be a bias, which belongs to a layer.
        homes = self._use(operands, self.scopes[-1], "digital", vectors=name not in _ADDITIONS)
        if torch.Tag.pointwise in func.tags or "norm" in name or "prelu" in name:
            for home in set(homes):
                self._ledger.add_elementwise(home, _tensors(result)[0].numel())

    def _enter_unknown(self, operands: list[Tensor]) -> None:
        """Enter an operator whose multiply-accumulates cannot be counted, where weights take part in it."""
        matrices = [x for x in operands if any(self._owners.rank(n) > 1 for n in self._origin([x]) or ())]
        status: Status = "unsupported" if matrices else "digital"
        for home in set(self._use(matrices or operands, self.scopes[-1], status, vectors=not matrices)):
            self._ledger.add_macs(home, status, None)

    def _use(self, tensors: list[Tensor], module: str, status: Status, vectors: bool = True) -> list[str]:
        """Enter the use of the weights behind `tensors`, or of the matrices alone; return whom they serve."""
        numbers = sorted({number for tensor in tensors for number in self._origin([tensor]) or ()})
        homes = [self._owners.home(number, module) for number in numbers]
        for home, number in zip(homes, numbers, strict=True):
            if vectors or self._owners.rank(number) > 1:
                self._ledger.use(home, number, status)
        return homes


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _layout(weight: Tensor) -> tuple[int, ...]:
    """Return what tells views of one storage apart: where it starts and how its axes run."""
    if weight.layout is not torch.strided:
        return ()
    strides = (0 if size == 1 else stride for size, stride in zip(weight.shape, weight.stride(), strict=True))
    return (int(weight.storage_offset()), *strides)
