"""Einsum: what its equation multiplies, and whether that is a product by one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Matrix:
    """A product by one matrix; `axes` are those of the weight that are summed over."""

    inputs: int
    outputs: int
    positions: int
    axes: tuple[int, ...]


def einsum_macs(equation: str, operands: Sequence[tuple[int, ...]]) -> int:
    """Return the multiply-accumulates, operand after operand, each sum taken as soon as it can be.

    Raises ValueError where the equation does not fit the operands.
    """
    terms, result, sizes = _parse(equation, operands)
    macs, labels = 0, set(terms[0])
    for place, term in enumerate(terms[1:], start=1):
        labels |= set(term)
        macs += prod(sizes[label] for label in labels)
        labels &= set(result).union(*terms[place + 1 :])
    return macs


def einsum_matrix(equation: str, operands: Sequence[tuple[int, ...]], place: int) -> Matrix | None:
    """Return a product of two operands as one by the matrix at `place`; None if it is no such product."""
    terms, result, sizes = _parse(equation, operands)
    weight, x = terms[place], terms[1 - place]
    summed = [label for label in weight if label in x and label not in result]
    outputs = [label for label in weight if label not in x]
    positions = [label for label in x if label not in weight]
    plain = len(set(weight)) == len(weight) and len(set(x)) == len(x)
    if not plain or not summed or len(summed) + len(outputs) < len(weight):
        return None
    if any(label not in result for label in (*outputs, *positions)):
        return None
    inputs, columns, vectors = (prod(sizes[label] for label in part) for part in (summed, outputs, positions))
    return Matrix(inputs, columns, vectors, tuple(weight.index(label) for label in x if label in summed))


def _parse(
    equation: str, operands: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[str, ...]], tuple[str, ...], dict[str, int]]:
    """Return the labels of the operands and of the result, and the size of every label."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    wrong = ValueError(
        f"the equation {equation!r:.80} does not fit operands of {', '.join(map(str, operands))}"
    )
    if len(texts) != len(operands):
        raise wrong
    terms, sizes = [], dict[str, int]()
    for term, dims in zip(texts, operands, strict=True):
        labels = _labels(term, len(dims))
        if labels is None:
            raise wrong
        terms.append(labels)
        for label, n in zip(labels, dims, strict=True):
            if sizes.setdefault(label, n) != n and 1 not in (n, sizes[label]):
                raise wrong
            sizes[label] = max(n, sizes[label])
    every = [label for labels in terms for label in labels]
    result = _labels(right, len(right.replace("...", "")) + _dots(every)) if arrow else None
    if result is None:
        result = tuple(sorted(label for label in set(every) if every.count(label) == 1 or len(label) > 1))
    return terms, result, sizes


def _dots(labels: Sequence[str]) -> int:
    return len({label for label in labels if len(label) > 1})


def _labels(term: str, rank: int) -> tuple[str, ...] | None:
    """Return the labels of a term; "..." becomes one for each axis it stands for, counted from the last."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after) if dots else 0
    if hidden < 0 or "." in before + after or len(before) + hidden + len(after) != rank:
        return None
    return (*before, *(f"..{n}" for n in range(hidden, 0, -1)), *after)
