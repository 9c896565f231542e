"""What a search found, in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator

from ...runs.nas.run import FrontNetwork, SearchRun
from ...runs.plain_text import counted


def verdict(run: SearchRun, middle: str | None) -> Iterator[str]:
    """The verdict, sentence by sentence; `middle` is the id of the network that the page shows first."""
    networks = run.front.networks
    if not networks:
        yield "No network that fits was found."
        return
    best = max(networks, key=lambda n: (n.judged, n.best.speed))
    fastest = max(networks, key=lambda n: (n.best.speed, n.judged))
    between = [n for n in networks if f"network-0-{n.index}" == middle and n not in (best, fastest)]
    yield f"The front has {counted(len(networks), 'network')}."
    if len(networks) == 1:
        yield f"It is network {best.index}: {_told(best)}"
    elif fastest is not best:
        yield f"The fastest is network {fastest.index}: {_told(fastest)}"
        yield f"The most accurate is network {best.index}: {_told(best)}"
    else:
        yield f"The fastest is also the most accurate, network {best.index}: {_told(best)}"
    if between:
        yield f"Between them, the front bends most at network {between[0].index}: {_told(between[0])}"
    chips = "" if best.chip is None else " on other chips"
    if tested := [t for n in networks if (t := n.chip_test if chips else n.test) is not None]:
        yield f"On test images, which nothing was chosen by, they are right for {_range(tested)}{chips}."


def _told(network: FrontNetwork) -> str:
    chips = "" if network.chip is None else " on chips"
    speed = network.best.speed
    shown = f"{speed:,.0f}" if speed >= 1000 else f"{speed:.4g}"
    return (
        f"{shown} times the speed of the baseline, and {network.judged:.1%} of the "
        f"validation images right{chips}."
    )


def _range(shares: list[float]) -> str:
    least, most = (f"{share:.1%}" for share in (min(shares), max(shares)))
    return least if least == most else f"{least} to {most}"
