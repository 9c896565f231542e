"""The simulation once more, as plain SimPy processes: slow and obvious."""

from collections import deque
from collections.abc import Callable, Generator, Sequence

import simpy

from rram_nas_comp_pack.values import Box, Layer, Mapping, Placement

TURN = 10
"""One priority for everything that takes turns, so that equal times go in order of scheduling. It is behind
SimPy's own 0 and 1, which here mean "at once": a crossbar that is granted needs no turn."""


class FirstComeFirstServed:
    """Numbered units: whoever asked first takes what is free, lowest number first, until he holds enough."""

    def __init__(self, units: Sequence[int]) -> None:
        self.free = set(units)
        self.queue: deque[tuple[int, list[int], Callable[[], object]]] = deque()

    def ask(self, amount: int, held: list[int], then: Callable[[], object]) -> None:
        self.queue.append((amount, held, then))
        self.serve()

    def give_back(self, units: Sequence[int]) -> None:
        self.free |= set(units)
        self.serve()

    def serve(self) -> None:
        while self.queue:
            amount, held, then = self.queue[0]
            while len(held) < amount and self.free:
                unit = min(self.free)
                self.free.remove(unit)
                held.append(unit)
            if len(held) < amount:
                return
            self.queue.popleft()
            then()


class Oracle:
    """One process for every layer of every sample; `asked` and `finished` hold (sample, layer) -> time."""

    def __init__(
        self,
        mappings: Sequence[Mapping],
        read_ns: Callable[[Layer, Box], float],
        placements: Sequence[Placement] | None = None,
    ) -> None:
        self.env = simpy.Environment()
        self.mappings = mappings
        self.read_ns = read_ns
        self.home = {(p.layer_idx, p.replica, p.box): p.crossbar_idx for p in placements or ()}
        self.crossbars = {c: FirstComeFirstServed([c]) for c in set(self.home.values())}
        self.replicas = {m.layer.index: FirstComeFirstServed(range(m.copies)) for m in mappings if m.stored}
        self.asked: dict[tuple[int, int], float] = {}
        self.finished: dict[tuple[int, int], float] = {}

    def run(self, samples: int) -> float:
        self.samples = samples
        self.start(0, 0)
        self.env.run()
        return max(self.finished.values())

    def start(self, sample: int, layer: int) -> None:
        self.env.process(self.layer_of_sample(sample, layer, self.turn()))

    def turn(self, delay: float = 0) -> simpy.Event:
        """An event that happens after `delay`, behind all those of the same time that exist already."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        self.env.schedule(event, TURN, delay)
        return event

    def layer_of_sample(
        self, sample: int, layer: int, turn: simpy.Event
    ) -> Generator[simpy.Event, None, None]:
        yield turn
        self.asked[sample, layer] = self.env.now
        mapping = self.mappings[layer]
        pool = self.replicas[mapping.layer.stored_in]
        n = min(mapping.copies, mapping.layer.raw.cycles)
        held: list[int] = []
        got_replicas = self.env.event()
        pool.ask(n, held, lambda: self.turn().callbacks.append(lambda _: got_replicas.succeed()))
        yield got_replicas
        for boxes in self.rounds(layer, held):
            crossbars = [c for c, _ in boxes if c is not None]
            yield from self.hold(crossbars)
            yield self.turn(max(self.time_of(layer, box, n) for _, box in boxes))
            for c in crossbars:
                self.crossbars[c].give_back([c])
        self.finished[sample, layer] = self.env.now
        pool.give_back(held)
        if layer == 0 and sample + 1 < self.samples:
            self.start(sample + 1, 0)
        if layer + 1 < len(self.mappings):
            self.start(sample, layer + 1)

    def hold(self, crossbars: Sequence[int]) -> Generator[simpy.Event, None, None]:
        """Ask for all at once, then wait for each."""
        granted = [self.env.event() for _ in crossbars]
        for c, event in zip(crossbars, granted, strict=True):
            self.crossbars[c].ask(1, [], event.succeed)
        yield from granted

    def rounds(self, layer: int, held: Sequence[int]) -> list[list[tuple[int | None, int]]]:
        """[(crossbar, box)] of every round; without placements every crossbar is None, never waited for."""
        store = self.mappings[layer].layer.stored_in
        rounds: list[list[tuple[int | None, int]]] = []
        for replica in sorted(held):
            for box in range(len(self.mappings[layer].boxes)):
                crossbar = self.home.get((store, replica, box))
                free = (r for r in rounds if crossbar is None or crossbar not in [c for c, _ in r])
                chosen = next(free, None)
                if chosen is None:
                    chosen = []
                    rounds.append(chosen)
                chosen.append((crossbar, box))
        return rounds

    def time_of(self, layer: int, box: int, n: int) -> float:
        m = self.mappings[layer]
        return -(-m.boxes[box].cycles // n) * self.read_ns(m.layer, m.boxes[box])
