"""How much of a network lies on crossbars: what the log, the page and the command line say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...values import Coverage


def shares(rows: Sequence[Coverage]) -> Iterator[tuple[Coverage, float, float]]:
    """Every row with its shares of all parameters and of all MACs that could be counted."""
    parameters, macs = _totals(rows)
    yield from ((row, row.parameters / (parameters or 1), row.macs / (macs or 1)) for row in rows)


def _totals(rows: Sequence[Coverage]) -> tuple[int, int]:
    return sum(row.parameters for row in rows), sum(row.macs for row in rows)


def mapped_share(rows: Sequence[Coverage]) -> str:
    """How much is mapped, in one line."""
    parameters, macs = mapped_shares(rows)
    return f"{parameters} of the parameters, {macs} of the MACs"


def mapped_shares(rows: Sequence[Coverage]) -> tuple[str, str]:
    """The mapped shares of parameters and of MACs, as people read them."""
    mapped = _totals([row for row in rows if row.status == "mapped"])
    parameters, macs = (own / (all_ or 1) for own, all_ in zip(mapped, _totals(rows), strict=True))
    most = "at most " if any(row.at_least for row in rows) else ""
    return f"{parameters:.1%}", f"{most}{macs:.1%}"
