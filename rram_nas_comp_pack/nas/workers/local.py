"""An engine in processes of this machine. A worker is a pool of one: its death is no other task's."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from .engine import Engine, PoolEngine, attempt


@contextmanager
def local(workers: int) -> Iterator[Engine]:
    """Worker processes of this machine, started when first needed and kept until the end."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    home = _Local(tuple(_Worker(receiver) for _ in range(workers)))
    try:
        yield PoolEngine(home)
    finally:
        sender.close()
        home.abandon(())
        receiver.close()


class _Worker:
    """A place for one process of this machine: a pool of its own, so that its death is no other task's."""

    def __init__(self, lifeline: Connection) -> None:
        self.lifeline = lifeline
        self.pool: ProcessPoolExecutor | None = None
        self.future: Future[bytes] | None = None

    def idle(self) -> bool:
        return self.future is None or self.future.done()

    def submit(self, payload: bytes) -> Future[bytes]:
        try:
            self.future = self.submit_once(payload)
        except BrokenProcessPool:  # it died at its last task or since
            self.end()
            self.future = self.submit_once(payload)
        return self.future

    def submit_once(self, payload: bytes) -> Future[bytes]:
        if self.pool is None:
            spawn = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(1, spawn, initializer=_init_worker, initargs=(self.lifeline,))
        with _block_sigint():
            return self.pool.submit(attempt, payload)

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

    def submit(self, payload: bytes) -> Future[bytes]:
        return next(worker for worker in self.workers if worker.idle()).submit(payload)

    def died(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def abandon(self, in_flight: Sequence[Future[bytes]]) -> None:
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.end()


def _init_worker(lifeline: Connection) -> None:
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
def _block_sigint() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, not even while they start; for this one it is put off."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
