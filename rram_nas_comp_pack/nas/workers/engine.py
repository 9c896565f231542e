"""Where evaluations run: a home of workers takes tasks, in processes of this machine or on a dask cluster.

Both homes give an `Engine`, one call that maps a function over tasks. Results depend on neither the home nor
the number of workers. The function and the tasks are pickled; nothing else is assumed of them.
"""

from __future__ import annotations

import pickle
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Failed:
    """What became of a task that cannot be done; `error` is one line."""

    error: str


class Engine(Protocol):
    """Applies a function to every task, somewhere."""

    def __call__(
        self, function: Callable[[T], R], tasks: Sequence[T], done: Callable[[int], None] | None = None
    ) -> list[R | Failed]:
        """Results in the order of the tasks; `done(k)` is told whenever another task is finished, k so far.

        A task that raises is `Failed`, and so is one whose workers die under it time after time, the last
        time while no other task runs. Raises CannotBeDone when the scheduler of a cluster is lost. When that
        or an interrupt ends the call, no task goes on in a process of this machine.
        """
        ...


class WorkerPool(Protocol):
    """Takes pickled tasks in and promises pickled results."""

    @property
    def deaths(self) -> int:
        """After so many deaths of its workers, the last one while it was alone, a task is to blame."""
        ...

    def width(self) -> int:
        """Tasks that may be in flight at a time."""
        ...

    def submit(self, payload: bytes) -> Future[bytes]:
        """Start a task. At most `width` are in flight."""
        ...

    def died(self, error: BaseException) -> bool:
        """Whether this is what a future raises whose worker died. Raises CannotBeDone if all is lost."""
        ...

    def abandon(self, in_flight: Sequence[Future[bytes]]) -> None:
        """Nobody waits for these any more."""
        ...


@dataclass(frozen=True, slots=True)
class PoolEngine:
    """Runs the tasks of a call at a home, and again those whose workers died."""

    home: WorkerPool

    def __call__(
        self, function: Callable[[T], R], tasks: Sequence[T], done: Callable[[int], None] | None = None
    ) -> list[R | Failed]:
        """Do what `Engine` says."""
        run = _Run(self.home, function, tasks, done or (lambda _finished: None), deque(range(len(tasks))))
        try:
            while len(run.results) < len(tasks):
                run.submit_ready()
                run.collect()
        except BaseException:
            self.home.abandon(list(run.in_flight))
            raise
        return [run.results[k] for k in range(len(tasks))]


@dataclass(slots=True)
class _Run:
    """The state of one call. Tasks are known by their places in `tasks`."""

    home: WorkerPool
    function: Callable[[Any], Any]
    tasks: Sequence[Any]
    done: Callable[[int], None]
    waiting: deque[int]
    suspects: deque[int] = field(default_factory=deque)  # one death more and they are to blame
    in_flight: dict[Future[bytes], int] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)

    def submit_ready(self) -> None:
        """Start what may run now. A suspect runs when all others are finished, so that none dies with it."""
        while self.waiting and len(self.in_flight) < self.home.width():
            self.start(self.waiting.popleft())
        if self.suspects and not self.in_flight:
            self.start(self.suspects.popleft())

    def start(self, k: int) -> None:
        try:
            payload = pickle.dumps((self.function, self.tasks[k]))
        except Exception as error:
            self.finish(k, Failed(one_line(error)))
        else:
            self.in_flight[self.home.submit(payload)] = k

    def collect(self) -> None:
        """Wait until a task in flight is finished and take what is there."""
        finished, _ = wait(self.in_flight, return_when=FIRST_COMPLETED)
        for future in finished:
            self.take(self.in_flight.pop(future), future)

    def take(self, k: int, future: Future[bytes]) -> None:
        try:
            self.finish(k, pickle.loads(future.result()))
        except Exception as error:
            if self.home.died(error):
                self.count_death(k)
            else:
                self.finish(k, Failed(one_line(error)))

    def count_death(self, k: int) -> None:
        self.deaths[k] += 1
        if self.deaths[k] >= self.home.deaths:
            self.finish(k, Failed("worker died whenever it ran this, the last time with nothing beside it"))
        elif self.deaths[k] == self.home.deaths - 1:
            self.suspects.append(k)
        else:
            self.waiting.append(k)

    def finish(self, k: int, result: Any) -> None:
        self.results[k] = result
        self.done(len(self.results))


def attempt(payload: bytes) -> bytes:
    """Run a task in a worker. Results leave pickled, so that whatever goes wrong is told in a `Failed`."""
    try:
        function, task = pickle.loads(payload)
        return pickle.dumps(function(task))
    except BaseException as error:  # also SystemExit: a task must not end its worker
        return pickle.dumps(Failed(one_line(error)))


def one_line(error: BaseException) -> str:
    """Type and first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
