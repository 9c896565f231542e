"""The account of a network's layers and parameters, kept while it runs and closed into a `Network`.

Both readers (torch modules and ONNX graphs) report what they meet to a `Ledger`: a product by stored weights,
a weight's use, arithmetic beside the crossbars. What they cannot map is entered too, so that nothing is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ..errors import BadInput
from ..values import Coverage, Layer, Network, Status
from .foreign import printable
from .shapes import Shape

_STATUSES: tuple[Status, ...] = ("mapped", "digital", "unsupported")
_HARDEST: tuple[Status, ...] = ("unsupported", "mapped", "digital")
ROOT = "(root)"
"""What a module without a path, the network itself, is called."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One parameter of a holder: its identity in the ledger, its numbers and its rank.

    `numel` is 0 where the parameter is shared and was counted with an earlier holder.
    """

    key: Hashable
    numel: int
    rank: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A module or node with the parameters it owns itself.

    `matrices` says that its weights of two and more dimensions exist to be multiplied with (Conv, Linear).
    `key` tells it from others of its name; without one, the name does.
    """

    name: str
    kind: str
    weights: tuple[Weight, ...]
    matrices: bool = False
    key: Hashable = None

    @property
    def identity(self) -> Hashable:
        """What the ledger's entries call the holder."""
        return self.name if self.key is None else self.key


class Ledger:
    """Collects layers, the fate of every weight, and multiply-accumulates per holder and status."""

    def __init__(self) -> None:
        """Open an empty account."""
        self._layers: list[Layer] = []
        self._stored: dict[Hashable, int] = {}
        self._uses: dict[Hashable, set[tuple[Hashable, Status]]] = {}
        self._macs: Counter[tuple[Hashable, Status]] = Counter()
        self._elementwise: Counter[Hashable] = Counter()
        self._partial: set[tuple[Hashable, Status]] = set()

    def add_layer(self, holder: Hashable, name: str, kind: str, shape: Shape, weights: Hashable) -> None:
        """Enter one execution; equal `weights` are stored once, with the first layer that used them."""
        index = len(self._layers)
        stored_in = self._stored.setdefault((weights, shape.raw.h, shape.raw.w), index)
        sizes = shape.raw, shape.positions, shape.groups
        layer = Layer(index, kind, printable(name), *sizes, stored_in, shape.depthwise)
        self._layers.append(layer)
        self._macs[holder, "mapped"] += layer.macs

    def add_macs(self, holder: Hashable, status: Status, macs: int | None) -> None:
        """Enter multiply-accumulates that no layer holds; None stands for some that cannot be counted."""
        if macs is None:
            self._partial.add((holder, status))
        else:
            self._macs[holder, status] += macs

    def add_elementwise(self, holder: Hashable, outputs: int) -> None:
        """Enter arithmetic element by element, one multiply-accumulate for every output.

        It counts only where the holder's parameters turn out to be digital: a mapped layer's bias is part
        of the layer.
        """
        self._elementwise[holder] += outputs

    def use(self, holder: Hashable, key: Hashable, status: Status) -> None:
        """Enter one use of a weight; the use that is hardest to serve decides its fate, whoever made it.

        So a table that is looked up by one holder and multiplied with by another is mapped.
        """
        self._uses.setdefault(key, set()).add((holder, status))

    def close(
        self, name: str, holders: Iterable[Holder], inputs: Iterable[tuple[str, tuple[int, ...]]] = ()
    ) -> Network:
        """Return the network; BadInput if not one layer of it can be mapped.

        Names are escaped where files could not hold them. `inputs` as in `values.Network`.
        """
        rows = tuple(row for holder in holders for row in self._rows(holder))
        if not self._layers:
            unmapped = ", ".join(sorted({row.kind for row in rows if row.status == "unsupported"}))
            found = f"unsupported: {unmapped}" if unmapped else "no convolution or linear layer ran"
            raise BadInput(f"{name} has no layer that can be mapped ({found})")
        return Network(printable(name), tuple(self._layers), rows, tuple(inputs))

    def _rows(self, holder: Holder) -> list[Coverage]:
        """Return a holder's rows: one, unless its parameters meet different fates."""
        numbers: defaultdict[Status, int] = defaultdict(int)
        key = holder.identity
        for weight in holder.weights:
            numbers[self._fate(holder, weight)] += weight.numel
        macs = {status: self._macs[key, status] for status in _STATUSES}
        if "digital" in numbers:
            macs["digital"] += self._elementwise[key]
        name, kind = printable(holder.name), printable(holder.kind)
        return [
            Coverage(name, kind, status, numbers.get(status, 0), macs[status], (key, status) in self._partial)
            for status in _STATUSES
            if status in numbers or macs[status] or (key, status) in self._partial
        ]

    def _fate(self, holder: Holder, weight: Weight) -> Status:
        """Return what became of one weight.

        A vector (a bias) goes where its holder's matrices go, unless the holder uses it by itself (a scale).
        A matrix that was never multiplied with is a table read element by element, except in a Conv or
        Linear, where its weights then depend on data, or the module never ran; like any matrix that is never
        used, it has no place on a crossbar.
        """
        uses = self._uses.get(weight.key, set())
        if not weight.numel:  # counted elsewhere: what this holder does with it is told
            uses = {use for use in uses if use[0] == holder.identity} or uses
        found = next((status for status in _HARDEST if status in {status for _, status in uses}), None)
        if found in ("mapped", "unsupported"):
            return found
        if weight.rank >= 2:
            return "unsupported" if found is None or holder.matrices else "digital"
        if (holder.identity, "digital") in uses and not holder.matrices:
            return "digital"
        if self._macs[holder.identity, "mapped"]:
            return "mapped"
        matrices = {self._fate(holder, other) for other in holder.weights if other.rank >= 2}
        return "mapped" if "mapped" in matrices else "unsupported" if "unsupported" in matrices else "digital"
