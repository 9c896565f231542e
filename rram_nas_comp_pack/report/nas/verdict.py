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
    yield f"The front: {counted(len(networks), 'network')} that no other beats in both accuracy and speed."
    if fastest is not best:
        yield f"The fastest is network {fastest.index}: {_told(fastest)}"
        yield f"The most accurate is network {best.index}: {_told(best)}"
    else:
        yield f"The fastest is also the most accurate, network {best.index}: {_told(best)}"
    if between:
        yield f"Between them, the front bends most at network {between[0].index}: {_told(between[0])}"
    chips = "" if best.chip is None else " on other chips"
    if tested := [t for n in networks if (t := n.test if n.chip_test is None else n.chip_test) is not None]:
        yield f"On test images, which nothing was chosen by, they are right for {_range(tested)}{chips}."


def _told(network: FrontNetwork) -> str:
    chips = "" if network.chip is None else " on chips"
    return (
        f"{network.best.speed:.4g} times the speed of the baseline, and {network.judged:.1%} of the "
        f"validation images right{chips}."
    )


def _range(shares: list[float]) -> str:
    least, most = (f"{share:.1%}" for share in (min(shares), max(shares)))
    return least if least == most else f"{least} to {most}"
