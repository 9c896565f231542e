"""An engine on a dask cluster that runs already."""

from __future__ import annotations

import gc
import importlib
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any

from ...errors import BadInput, CannotBeDone
from .engine import Engine, PoolEngine, attempt, one_line

ANSWER_S = 10.0  # how long a scheduler may take to answer
WORKER_S = 10.0  # how long its first worker may take to arrive
INSTALL = 'pip install "rram-nas-comp-pack[cluster]"'
PACKAGE = __name__.partition(".")[0]


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
        yield PoolEngine(_Cluster(client, address))
    finally:
        client.close()


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

    def submit(self, payload: bytes) -> Future[bytes]:
        future: Future[bytes] = self.executor.submit(attempt, payload)
        return future

    def died(self, error: BaseException) -> bool:
        if isinstance(error, CancelledError):  # nobody but dask cancels what we wait for
            raise self.lost() from error
        # `attempt` raises nothing, so all else is trouble with workers: KilledWorker, or a ValueError of
        # dask's executor where a worker dies between the end of a task and the fetching of its result
        return True

    def abandon(self, in_flight: Sequence[Future[bytes]]) -> None:
        for future in in_flight:
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

    collecting = gc.isenabled()
    gc.disable()  # dask locks up if a client that failed earlier is collected while it makes another
    threading.Thread(target=connect, daemon=True).start()
    try:
        return answer.result(ANSWER_S + 1)
    except Exception as error:  # whatever a foreign server provokes: OSError, ValueError, TypeError
        raise BadInput(
            f"--scheduler: found '{address}', which does not answer ({one_line(error)}); "
            "allowed is the address of a running dask scheduler"
        ) from None
    finally:
        if collecting:
            gc.enable()


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
