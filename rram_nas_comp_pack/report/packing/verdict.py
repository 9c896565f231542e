"""What a run says in a few sentences: whether it fits, what limits it, what it costs, what to try next."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...runs.packing.run import Costs, PackingRun

FEW = 3
"""Layers that are named."""
MUCH = 0.5
"""The share of the busy time from which on depthwise layers are what limits a run."""


def verdict_html(run: PackingRun) -> str:
    """The verdict as paragraphs."""
    return "".join(f"<p>{escape(sentence)}</p>\n" for sentence in verdict(run))


def verdict(run: PackingRun) -> Iterator[str]:
    """The verdict, a paragraph each."""
    yield _fits(run)
    yield _limits(run)
    yield _costs(run)
    advice = list(_advice(run))
    if advice:
        yield f"To try next: {'; '.join(advice)}."


def _fits(run: PackingRun) -> str:
    result = run.result
    used = f"{result.crossbars} crossbar{'s' * (result.crossbars != 1)}"
    if result.reload is not None:
        many = len(result.reload.segments)
        return f"{result.model} is larger than the chip: {many} segments run on {used}, one after another."
    if result.copies.speeds is not None:
        of_all = "" if result.budget is None else f" of {result.budget}"
        fits = f"{result.model} fits with copies: {used}{of_all} are in use"
        copied = sum(m.copies > 1 for m in run.mappings)
        return f"{fits}, and {copied} of {len(run.mappings)} layers have several copies."
    if result.crossbars == result.lower_bound:
        return f"{result.model} fits on {used}, and no packing of these boxes needs fewer: that is proved."
    return (
        f"{result.model} fits on {used}. At least {result.lower_bound} are needed; whether fewer than "
        f"{result.crossbars} are enough is not known."
    )


def _limits(run: PackingRun) -> str:
    """The layers that are busy longest."""
    shares = _busy_shares(run)
    order = sorted(range(len(shares)), key=lambda i: -shares[i])[:FEW]
    names = [f"{run.labels[i]} ({run.mappings[i].layer.name})" for i in order]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    slowest = f"{listed} alone {sum(shares[i] for i in order):.0%}"
    depthwise = [i for i, m in enumerate(run.mappings) if m.layer.depthwise]
    share = sum(shares[i] for i in depthwise)
    if share >= MUCH:
        kind = f"depthwise layer{'s' * (len(depthwise) != 1)}"
        slowest = f"{len(depthwise)} {kind} of {len(shares)} layers take {share:.0%}, {slowest}"
    else:
        slowest = slowest.replace("alone", "take" if len(names) > 1 else "takes")
    return f"What limits it: of the time in which layers are busy, {slowest}."


def _busy_shares(run: PackingRun) -> list[float]:
    busy = [row.busy_ns for row in run.result.contention.layers]
    total = sum(busy) or 1.0
    return [ns / total for ns in busy]


def _costs(run: PackingRun) -> str:
    costs = run.result.costs
    part, share = largest_part(costs)
    arrays = f"{costs.physical_crossbars:,} arrays of cells"
    return (
        f"Its crossbars are {arrays}, since a weight takes several, and {costs.area_um2 / 1e6:,.0f} mm², of "
        f"which {share:.0%} are {part}."
    )


def largest_part(costs: Costs) -> tuple[str, float]:
    """The components that take the largest share of the area, and that share."""
    part, share = max(costs.area_share.items(), key=lambda named: named[1], default=("nothing", 0.0))
    return _PARTS.get(part, part.replace("_", " ")), share


_PARTS = {"buffer": "buffers", "adc": "ADCs", "dac": "DACs", "crossbar": "crossbars"}


def _advice(run: PackingRun) -> Iterator[str]:
    """Options that this run did not use and that would change what limits it."""
    result = run.result
    depthwise = [i for i, m in enumerate(run.mappings) if m.layer.depthwise]
    shares = _busy_shares(run)
    if result.reload is not None:
        yield "a larger --num-crossbars, which needs fewer segments"
        yield "a larger --batch, which writes less often"
        return
    if result.copies.speeds is None:
        yield "--duplicate, which gives slow layers copies in the space that is left of --num-crossbars"
        dense = not any(m.diagonal for m in run.mappings)
        if dense and sum(shares[i] for i in depthwise) >= MUCH:
            yield "--depthwise-mapping diagonal, which reads several channels at once"
    elif result.budget is None:
        yield "a --num-crossbars that leaves room for copies"
    if result.schedule == "layer":
        yield "--schedule row, which starts a layer as soon as the rows that it needs are there"
