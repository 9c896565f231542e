"""Tasks for the engine's tests, where workers of every kind can import them."""

import os
import time
from pathlib import Path


def square(x):
    return x * x


def square_or_raise(x):
    if x == 3:
        raise ValueError("three\nis not liked")
    if x == 5:
        raise SystemExit(7)
    if x == 6:
        return lambda: None  # cannot be pickled
    return x * x


def die_once(task):
    """Kills its process unless the marker file is there."""
    x, marker = task
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), 9)
    return x * x


def die_always(x):
    if x == 2:
        os._exit(9)
    time.sleep(0.02)  # so that neighbours are at work when it dies
    return x * x


def process_id(_):
    return os.getpid()


def threads(_):
    return os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]


def report_and_sleep(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


class Unreadable:
    """Pickled here, and nowhere read again."""

    def __reduce__(self):
        return raise_here, ()


def raise_here():
    raise RuntimeError("not here")
