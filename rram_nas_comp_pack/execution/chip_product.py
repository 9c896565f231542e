"""The products of a network as one chip computes them: cells with faults and variation, conversions and all.

Each layer takes the fastest of three paths that gives its numbers. Where its conversions lose nothing, the
cells of a copy amount to weights: if all copies amount to the same ones, the layer is torch's own
convolution (folded); if not, every copy has a product of its own (by copies). What is left is read box by
box and bit by bit (full). Sums are exact on each path, so that neither threads nor batches change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..values import Layer
from .box_reader import read_boxes
from .converters import Adc, AdcKind, InputCode, calibrated_adc, fixed_adc, input_steps, sum_range
from .device import DeviceModel
from .image import ChipImage, PlacedBox, copies_of
from .network import Scaling, by_reads
from .program import ProgrammedBox
from .quantise import InputRange
from .read_plan import ReadPlan, exact_columns, parts_of, plan_read, sensed_cells
from .reads import read_columnwise, read_linear, read_planned
from .vectors import Convolution, kernel_of

ReadingPath = Literal["folded", "by copies", "full"]
BoxKey = tuple[int, int, int]
"""Layer that stores it, copy and number of a box."""

_EXACT_FLOAT32: Final = 2**24
_LARGEST_INPUT: Final = 255

Matrix = NDArray[np.float64]  # (rows, columns) in steps of the weight


class AdcSettings(NamedTuple):
    """What converts the sums: of a calibrated ADC, with the exponent of each layer's step."""

    kind: AdcKind
    exponents: tuple[int, ...] = ()

    def of_box(self, device: DeviceModel, layer: int, rows: int) -> Adc | None:
        """The ADC of a box of so many rows; None for an ideal one."""
        if self.kind == "ideal":
            return None
        if self.kind == "fixed":
            return fixed_adc(device, rows)
        return calibrated_adc(device, rows, self.exponents[layer])

    def step_of(self, device: DeviceModel, layer: int) -> float:
        """The width of a code of a layer in level steps; 0 for an ideal ADC."""
        adc = self.of_box(device, layer, 1)
        return 0.0 if adc is None else adc.step


def key_of(box: PlacedBox) -> BoxKey:
    """How a box is found among the programmed ones."""
    return box.layer, box.copy, box.box


def code_of(known: InputRange) -> InputCode:
    """How the inputs of a layer are driven."""
    return "twos-complement" if known.signed else "unsigned"


def scalings_of(image: ChipImage) -> list[Scaling]:
    """What the integers of every layer stand for."""
    return [Scaling(*each) for each in zip(image.ranges, image.scales, strict=True)]


class ChipProduct:
    """A `network.Multiply` of one chip, which counts the conversions that saturate."""

    def __init__(
        self,
        image: ChipImage,
        programmed: dict[BoxKey, ProgrammedBox],
        adc: AdcSettings,
        innermost: frozenset[int] = frozenset(),
    ) -> None:
        """Choose the path of every layer. `innermost` is as for `network.by_reads`.

        Raises BadInput where the ADC has no bits.
        """
        self._codes = [torch.int8 if known.signed else torch.uint8 for known in image.ranges]
        self._layers = [
            _product_of(layer, boxes, _Programmed(programmed, adc, i, code_of(known)))
            for i, (layer, boxes, known) in enumerate(
                zip(image.layers, copies_of(image), image.ranges, strict=True)
            )
        ]
        self._by_reads = by_reads(self, image.layers, innermost)

    @property
    def paths(self) -> list[ReadingPath]:
        """How each layer is computed."""
        return [product.path for product in self._layers]

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, float32 or float64."""
        product, codes = self._layers[layer_index], x.to(self._codes[layer_index])
        if isinstance(product, _Folded):
            return product.multiply(codes, how)
        return self._by_reads(layer_index, codes, how)

    def read(self, layer_index: int, x: Tensor) -> Tensor:
        """Read the copies of a layer, as a `network.Reader`."""
        product = self._layers[layer_index]
        assert not isinstance(product, _Folded)
        return product.read(x)

    def take_saturated(self) -> list[int]:
        """How many conversions of each layer saturated since this was asked last."""
        found = [product.saturated for product in self._layers]
        for product in self._layers:
            product.saturated = 0
        return found


def conversions(image: ChipImage, device: DeviceModel) -> list[int]:
    """How many conversions every layer takes a sample."""
    steps = {known: len(input_steps(device, code_of(known))) for known in set(image.ranges)}
    return [
        sum(
            len(range(copy, layer.positions, len(copies))) * sum(box.weights.shape[1] for box in boxes)
            for copy, boxes in enumerate(copies)
        )
        * steps[known]
        * parts_of(device)
        for layer, copies, known in zip(image.layers, copies_of(image), image.ranges, strict=True)
    ]


class _Programmed(NamedTuple):
    """The programmed boxes as one layer reads them."""

    boxes: dict[BoxKey, ProgrammedBox]
    adc: AdcSettings
    layer: int
    code: InputCode

    def box(self, placed: PlacedBox) -> ProgrammedBox:
        return self.boxes[key_of(placed)]

    def adc_of(self, placed: PlacedBox) -> Adc | None:
        return self.adc.of_box(self.box(placed).device, self.layer, len(placed.weights))

    def loses_nothing(self, placed: PlacedBox) -> bool:
        adc = self.adc_of(placed)
        if adc is None:
            return True
        box = self.box(placed)
        sensed = sensed_cells(box)
        return bool(exact_columns(sensed, sum_range(sensed, box.device, self.code), adc).all())


def _product_of(layer: Layer, copies: Sequence[Sequence[PlacedBox]], chip: _Programmed) -> _Product:
    if not all(chip.loses_nothing(box) for boxes in copies for box in boxes):
        return _Full(layer, copies, chip)
    matrices: list[Matrix] = []
    for boxes in copies:
        matrix = _folded(layer, boxes, chip)
        if matrix is None:  # what lies beside a diagonal adds to its sums
            return _ByBoxes(layer, copies, chip)
        matrices.append(matrix)
    first = matrices[0]
    if all(np.array_equal(first, other) for other in matrices[1:]):
        return _Folded(first)
    return _ByCopies(layer, matrices)


def _folded(layer: Layer, boxes: Sequence[PlacedBox], chip: _Programmed) -> Matrix | None:
    """The raw matrix that the boxes of a copy amount to; None where a diagonal box amounts to more."""
    matrix = np.zeros((layer.raw.h, layer.raw.w))
    for placed in boxes:
        cells = chip.box(placed).matrix
        height, width = cells.shape
        columns = slice(placed.raw_column, placed.raw_column + width)
        if placed.diagonal_rows is None:
            matrix[placed.raw_row : placed.raw_row + height, columns] = cells
            continue
        blocks = cells.reshape(width, placed.diagonal_rows, width)
        own = blocks[np.arange(width), :, np.arange(width)]
        if np.count_nonzero(own) < np.count_nonzero(blocks):
            return None
        matrix[:, columns] = own.T
    return matrix


def _exact(matrix: Matrix) -> Tensor:
    """The matrix in the smallest type in which its sums are exact: float32 takes whole numbers."""
    whole = not (matrix % 1).any() and _LARGEST_INPUT * np.abs(matrix).sum(axis=0).max() < _EXACT_FLOAT32
    return torch.from_numpy(matrix.astype(np.float32 if whole else np.float64))


class _Folded:
    """All copies amount to the same weights."""

    path: Final[ReadingPath] = "folded"

    def __init__(self, matrix: Matrix) -> None:
        self._matrix, self.saturated = _exact(matrix), 0
        self._kernel: Tensor | None = None

    def multiply(self, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, as a `network.Multiply`."""
        x = x.to(self._matrix.dtype)
        if how is None:
            return x @ self._matrix
        if self._kernel is None:
            self._kernel = kernel_of(self._matrix, how).contiguous()
        moves = (how.stride, how.padding, how.dilation, how.transposed, how.output_padding, how.groups)
        return torch.convolution(x, self._kernel, None, *moves)


class _ByCopies:
    """Each copy amounts to weights of its own."""

    path: Final[ReadingPath] = "by copies"

    def __init__(self, layer: Layer, matrices: Sequence[Matrix]) -> None:
        grouped = (matrix.reshape(layer.raw.h, layer.groups, -1) for matrix in matrices)
        self._matrices = [_exact(matrix) for matrix in grouped]
        self.saturated = 0

    def read(self, x: Tensor) -> Tensor:
        """Read all positions, as `network.Reader` does."""
        columns = self._matrices[0].shape[2]
        sums = torch.empty((*x.shape[:3], columns), dtype=torch.float64)
        for copy, matrix in enumerate(self._matrices):
            own = slice(copy, None, len(self._matrices))
            part = x[:, own].to(matrix.dtype)
            sums[:, own] = _grouped_product(part, matrix)
        return sums


def _grouped_product(x: Tensor, matrix: Tensor) -> Tensor:
    """Multiply x (n, positions, groups, rows) by a matrix (rows, groups, columns)."""
    if matrix.shape[1] == 1:
        return x @ matrix[:, 0]
    if matrix.shape[2] == 1:
        return (x * matrix[:, :, 0].T).sum(-1, keepdim=True)
    return torch.einsum("npgh,hgc->npgc", x, matrix)


class _ByBoxes:
    """Nothing is lost, but a diagonal box amounts to more than its blocks."""

    path: Final[ReadingPath] = "by copies"

    def __init__(self, layer: Layer, copies: Sequence[Sequence[PlacedBox]], chip: _Programmed) -> None:
        self._layer, self._copies, self._chip, self.saturated = layer, copies, chip, 0

    def read(self, x: Tensor) -> Tensor:
        """Read all positions, as `network.Reader` does."""

        def read_box(box: PlacedBox, x: Tensor) -> Tensor:
            return torch.from_numpy(np.asarray(read_linear(self._chip.box(box), x.numpy())))

        return read_boxes(self._layer, self._copies, x, read_box)


class _Full:
    """Bit by bit, with all conversions; boxes whose columns are read one by one are not planned."""

    path: Final[ReadingPath] = "full"

    def __init__(self, layer: Layer, copies: Sequence[Sequence[PlacedBox]], chip: _Programmed) -> None:
        self._layer, self._copies, self._chip, self.saturated = layer, copies, chip, 0
        self._plans: dict[BoxKey, ReadPlan] = {}

    def read(self, x: Tensor) -> Tensor:
        """Read all positions, as `network.Reader` does."""
        return read_boxes(self._layer, self._copies, x, self._read_box)

    def _read_box(self, box: PlacedBox, x: Tensor) -> Tensor:
        integers, adc, code = x.numpy(), self._chip.adc_of(box), self._chip.code
        assert adc is not None
        if integers.ndim == 3:
            found = read_columnwise(self._chip.box(box), integers, adc, code)
        else:
            plan = self._plans.get(key_of(box))
            if plan is None:
                plan = self._plans[key_of(box)] = plan_read(self._chip.box(box), adc, code)
            found = read_planned(plan, integers)
        self.saturated += found.saturated
        return torch.from_numpy(np.asarray(found.sums))


_Product = _Folded | _ByCopies | _ByBoxes | _Full
