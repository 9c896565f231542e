"""The simulation once more, as plain SimPy processes: slow and obvious."""

from collections import deque
from collections.abc import Callable, Generator, Sequence

import simpy

from rram_nas_comp_pack.values import Box, Layer, Mapping, Placement

FIRST_PRIORITY = 10  # SimPy keeps 0 and 1 for itself


class FirstComeFirstServed:
    """Numbered units: whoever asked first takes what is free, lowest number first, until he holds enough."""

    def __init__(self, units: Sequence[int]) -> None:
        self.free = set(units)
        self.queue: deque[tuple[int, list[int], Callable[[], None]]] = deque()

    def ask(self, amount: int, held: list[int], then: Callable[[], None]) -> None:
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
    def __init__(
        self,
        mappings: Sequence[Mapping],
        read_ns: Callable[[Layer, Box], float],
        placements: Sequence[Placement] | None,
    ) -> None:
        self.env = simpy.Environment()
        self.mappings = mappings
        self.read_ns = read_ns
        self.home = {(p.layer_idx, p.replica, p.box): p.crossbar_idx for p in placements or ()}
        self.crossbars = {c: FirstComeFirstServed([c]) for c in set(self.home.values())}
        self.replicas = {m.layer.index: FirstComeFirstServed(range(m.copies)) for m in mappings if m.stored}
        self.finished: dict[tuple[int, int], float] = {}

    def happens(self, sample: int, layer: int, delay: float = 0) -> simpy.Event:
        """An event whose turn, among those of equal time, is: older sample first, then later layer."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        layers = len(self.mappings)
        self.env.schedule(event, FIRST_PRIORITY + sample * layers + layers - 1 - layer, delay)
        return event

    def run(self, samples: int) -> float:
        self.samples = samples
        self.start(0, 0)
        self.env.run()
        return max(self.finished.values())

    def start(self, sample: int, layer: int) -> None:
        self.env.process(self.layer_of_sample(sample, layer, self.happens(sample, layer)))

    def rounds(self, layer: int, held: Sequence[int]) -> list[list[tuple[int | None, int]]]:
        """[(crossbar, box)] of every round."""
        store = self.mappings[layer].layer.stored_in
        rounds: list[list[tuple[int | None, int]]] = []
        for replica in sorted(held):
            for box in range(len(self.mappings[layer].boxes)):
                crossbar = self.home.get((store, replica, box))
                free = (r for r in rounds if crossbar is None or crossbar not in [c for c, _ in r])
                chosen = next(free, None)
                if chosen is None:
                    rounds.append([])
                    chosen = rounds[-1]
                chosen.append((crossbar, box))
        return rounds

    def layer_of_sample(
        self, sample: int, layer: int, turn: simpy.Event
    ) -> Generator[simpy.Event, None, None]:
        yield turn
        mapping = self.mappings[layer]
        n = min(mapping.copies, mapping.layer.raw.cycles)
        held: list[int] = []
        yield from self.hold(self.replicas[mapping.layer.stored_in], n, held, sample, layer)
        for boxes in self.rounds(layer, held):
            crossbars = [self.crossbars[c] for c, _ in boxes if c is not None]
            asked = [self.env.event() for _ in crossbars]
            for crossbar, got in zip(crossbars, asked, strict=True):
                crossbar.ask(1, [], got.succeed)
            for got in asked:
                yield got
            yield self.happens(sample, layer, max(self.time_of(layer, box, n) for _, box in boxes))
            for crossbar in crossbars:
                crossbar.give_back([c for c, x in self.crossbars.items() if x is crossbar])
        self.finished[sample, layer] = self.env.now
        self.replicas[mapping.layer.stored_in].give_back(held)
        if layer == 0 and sample + 1 < self.samples:
            self.start(sample + 1, 0)
        if layer + 1 < len(self.mappings):
            self.start(sample, layer + 1)

    def hold(
        self, pool: FirstComeFirstServed, n: int, held: list[int], sample: int, layer: int
    ) -> Generator[simpy.Event, None, None]:
        got = self.env.event()

        def tell() -> None:
            self.happens(sample, layer).callbacks.append(lambda _: got.succeed())

        pool.ask(n, held, tell)
        yield got

    def time_of(self, layer: int, box: int, n: int) -> float:
        m = self.mappings[layer]
        return -(-m.boxes[box].cycles // n) * self.read_ns(m.layer, m.boxes[box])
