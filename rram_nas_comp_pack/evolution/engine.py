"""Where evaluations run: in processes of this machine, or on a dask cluster.

Both homes give an `Engine`, one call that maps a function over tasks. Results depend on neither the home nor
the number of workers. The function and the tasks are pickled; nothing else is assumed of them.
"""

import importlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

from ..errors import BadInput, CannotBeDone

T = TypeVar("T")
R = TypeVar("R")

ANSWER_S = 10.0  # how long a scheduler may take to answer
WORKER_S = 10.0  # how long its first worker may take to arrive
INSTALL = 'pip install "rram-nas-comp-pack[cluster]"'
PACKAGE = __name__.partition(".")[0]


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


class _Home(Protocol):
    """Takes pickled tasks in and promises pickled results."""

    @property
    def deaths(self) -> int:
        """After so many deaths of its workers, the last one while it was alone, a task is to blame."""
        ...

    def width(self) -> int:
        """Tasks that may be in flight at a time."""
        ...

    def submit(self, payload: bytes) -> "Future[bytes]":
        """Start a task. At most `width` are in flight."""
        ...

    def died(self, error: BaseException) -> bool:
        """Whether this is what a future raises whose worker died. Raises CannotBeDone if all is lost."""
        ...

    def abandon(self, flying: "Sequence[Future[bytes]]") -> None:
        """Nobody waits for these any more."""
        ...


@contextmanager
def local(workers: int) -> Iterator[Engine]:
    """Worker processes of this machine, started when first needed and kept until the end."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    home = _Local(tuple(_Worker(receiver) for _ in range(workers)))
    try:
        yield _Engine(home)
    finally:
        sender.close()
        home.abandon(())
        receiver.close()


@contextmanager
def cluster(address: str) -> Iterator[Engine]:
    """The workers of a dask scheduler that runs already.

    Raises BadInput if dask is not installed, nobody answers at the address, there are no workers, or a worker
    does not find this package.
    """
    distributed = _distributed()
    client = _connected(distributed, address)
    try:
        _check_workers(client, address)
        yield _Engine(_Cluster(client, address))
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class _Engine:
    home: _Home

    def __call__(
        self, function: Callable[[T], R], tasks: Sequence[T], done: Callable[[int], None] | None = None
    ) -> list[R | Failed]:
        run = _Run(self.home, function, tasks, done or (lambda _finished: None), deque(range(len(tasks))))
        try:
            while len(run.results) < len(tasks):
                run.launch()
                run.land()
        except BaseException:
            self.home.abandon(list(run.flying))
            raise
        return [run.results[k] for k in range(len(tasks))]


@dataclass(slots=True)
class _Run:
    """The state of one call. Tasks are known by their places in `tasks`."""

    home: _Home
    function: Callable[[Any], Any]
    tasks: Sequence[Any]
    done: Callable[[int], None]
    waiting: deque[int]
    suspects: deque[int] = field(default_factory=deque)  # one death more and they are to blame
    flying: "dict[Future[bytes], int]" = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)

    def launch(self) -> None:
        """Start what may run now. A suspect runs when all others are finished, so that none dies with it."""
        while self.waiting and len(self.flying) < self.home.width():
            self.start(self.waiting.popleft())
        if self.suspects and not self.flying:
            self.start(self.suspects.popleft())

    def start(self, k: int) -> None:
        try:
            payload = pickle.dumps((self.function, self.tasks[k]))
        except Exception as error:
            self.finish(k, Failed(_one_line(error)))
        else:
            self.flying[self.home.submit(payload)] = k

    def land(self) -> None:
        """Wait until a task in flight is finished and take what is there."""
        finished, _ = wait(self.flying, return_when=FIRST_COMPLETED)
        for future in finished:
            self.take(self.flying.pop(future), future)

    def take(self, k: int, future: "Future[bytes]") -> None:
        try:
            self.finish(k, pickle.loads(future.result()))
        except Exception as error:
            if self.home.died(error):
                self.bury(k)
            else:
                self.finish(k, Failed(_one_line(error)))

    def bury(self, k: int) -> None:
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


def _attempt(payload: bytes) -> bytes:
    """Run a task in a worker. Results leave pickled, so that whatever goes wrong is told in a `Failed`."""
    try:
        function, task = pickle.loads(payload)
        return pickle.dumps(function(task))
    except BaseException as error:  # also SystemExit: a task must not end its worker
        return pickle.dumps(Failed(_one_line(error)))


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class _Worker:
    """A place for one process of this machine: a pool of its own, so that its death is no other task's."""

    def __init__(self, lifeline: Connection) -> None:
        self.lifeline = lifeline
        self.pool: ProcessPoolExecutor | None = None
        self.future: Future[bytes] | None = None

    def idle(self) -> bool:
        return self.future is None or self.future.done()

    def submit(self, payload: bytes) -> "Future[bytes]":
        try:
            self.future = self.submit_once(payload)
        except BrokenProcessPool:  # it died at its last task or since
            self.end()
            self.future = self.submit_once(payload)
        return self.future

    def submit_once(self, payload: bytes) -> "Future[bytes]":
        if self.pool is None:
            spawn = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(1, spawn, initializer=_settle_in, initargs=(self.lifeline,))
        with _deaf_children():
            return self.pool.submit(_attempt, payload)

    def kill(self) -> None:
        """End the process in the middle of whatever it does. The public ways wait for the running task."""
        for process in list(((self.pool and self.pool._processes) or {}).values()):
            process.kill()

    def end(self) -> None:
        self.kill()
        if self.pool is not None:
            self.pool.shutdown()
        self.pool = self.future = None


@dataclass(frozen=True, slots=True)
class _Local:
    workers: tuple[_Worker, ...]
    deaths: int = 3

    def width(self) -> int:
        """One task a process: a second one there would be redone with the first."""
        return len(self.workers)

    def submit(self, payload: bytes) -> "Future[bytes]":
        return next(worker for worker in self.workers if worker.idle()).submit(payload)

    def died(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def abandon(self, flying: "Sequence[Future[bytes]]") -> None:
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.end()


def _settle_in(lifeline: Connection) -> None:
    """First thing in a worker process, before it loads any numeric library."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "MKL", "OPENBLAS", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    threading.Thread(target=_leave_with_parent, args=(lifeline,), daemon=True).start()


def _leave_with_parent(lifeline: Connection) -> None:
    """Nothing is ever sent: the wait ends when the parent's end closes, at the latest by its death."""
    lifeline.poll(None)
    os._exit(1)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, not even while they start; for this one it is put off."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


class _Cluster:
    deaths = 2  # each time the scheduler itself tries several workers

    def __init__(self, client: Any, address: str) -> None:
        self.client = client
        self.address = address
        self.executor = client.get_executor(pure=False)

    def width(self) -> int:
        """Two tasks a thread, so that none waits for the network. Workers come and go."""
        try:
            threads: dict[str, int] = self.client.nthreads()
        except OSError as error:
            raise self.lost() from error
        return max(1, 2 * sum(threads.values()))

    def submit(self, payload: bytes) -> "Future[bytes]":
        future: Future[bytes] = self.executor.submit(_attempt, payload)
        return future

    def died(self, error: BaseException) -> bool:
        if isinstance(error, CancelledError):  # nobody but dask cancels what we wait for
            raise self.lost() from error
        # `_attempt` raises nothing, so all else is trouble with workers: KilledWorker, or a ValueError of
        # dask's executor where a worker dies between the end of a task and the fetching of its result
        return True

    def abandon(self, flying: "Sequence[Future[bytes]]") -> None:
        for future in flying:
            future.cancel()

    def lost(self) -> CannotBeDone:
        return CannotBeDone(f"--scheduler: '{self.address}' was lost while tasks ran there")


def _distributed() -> Any:
    try:
        distributed = importlib.import_module("dask.distributed")
    except ImportError:
        raise BadInput(f"--scheduler: needs dask, which is not installed; {INSTALL}") from None
    # it reports each lost connection with a traceback; what matters is said by our errors
    for name in [n for n in logging.Logger.manager.loggerDict if n.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed


def _connected(distributed: Any, address: str) -> Any:
    """A client, made in a thread that may be left behind: dask waits forever for a silent listener."""
    answer: Future[Any] = Future()

    def connect() -> None:
        try:
            answer.set_result(distributed.Client(address, timeout=ANSWER_S, set_as_default=False))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        return answer.result(ANSWER_S + 1)
    except (
        Exception
    ) as error:  # of any kind: OSError, ValueError, TypeError, whatever a foreign server provokes
        raise BadInput(
            f"--scheduler: found '{address}', which does not answer ({_one_line(error)}); "
            "allowed is the address of a running dask scheduler"
        ) from None


def _check_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_S)
    except TimeoutError:
        raise BadInput(
            f"--scheduler: '{address}' has no workers; start some: dask worker {address}"
        ) from None
    absent = f"cannot import {PACKAGE}, which must be installed on every node, the scheduler's too"
    try:  # tasks pass through the scheduler, which looks at them
        client.run_on_scheduler(_is_here)
    except ImportError:
        raise BadInput(f"--scheduler: the scheduler at '{address}' {absent}") from None
    for worker, answer in client.run(_is_here, on_error="return").items():
        if "ModuleNotFoundError" in str(answer):  # dask hands it on as the text of another exception
            raise BadInput(f"--scheduler: the worker at '{worker}' {absent}")


def _is_here() -> bool:
    return True
