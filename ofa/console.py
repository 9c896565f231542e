"""How a command begins and ends.

Its streams take every text, Ctrl-C and SIGTERM end it in good order, and whatever goes wrong is one line on
standard error and an exit status.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from ofa.streams import accept_every_text, open_streams, printable

INTERRUPTED, TERMINATED, INTERNAL = 130, 143, 70
DEBUG = "--debug"
LONGEST = 4000
"""Characters of a line on standard error; of a longer one the middle is left out."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came. It ends a command as Ctrl-C does."""


class Answered(SystemExit):
    """The command line asked for help only."""


@dataclass(slots=True)
class _Signals:
    """What came: `last` since the command began, `waiting` while nothing may disturb; `said` tells of it."""

    last: type[KeyboardInterrupt] | None = None
    waiting: type[KeyboardInterrupt] | None = None
    undisturbed: int = 0
    commands: int = 0
    said: str = ""


_signals = _Signals()


def run_command(
    name: str, command: Callable[[Sequence[str]], int], argv: Sequence[str] | None, hint: str = ""
) -> int:
    """Run a command on its command line (default: the process's) to its exit status.

    What goes wrong is told on standard error, a line each, with --debug the traceback as well; `hint` follows
    where a package is not installed. Raises Answered after --help.
    """
    given, debug = _without_debug(sys.argv[1:] if argv is None else argv)
    with listening():
        accept_every_text()
        try:
            status = command(given)
            print(end="", flush=True)
            return _cut_short(name) if status == INTERRUPTED or (_signals.last and not status) else status
        except Answered:
            raise
        except BrokenPipeError:
            sys.stdout = None  # the reader has gone: nothing to flush at exit
            return 0
        except BaseException as error:
            return _told(name, error, hint, debug)


def _cut_short(name: str) -> int:
    """Tell that a command came to its end early, though in good order; returns its exit status."""
    status = _signal_status()
    what = "terminated" if status == TERMINATED else "interrupted"
    _say(name, [f"{what}; {_signals.said or 'what was found by then is written'}"])
    return status


def _say(name: str, lines: Sequence[str]) -> None:
    with suppress(OSError, ValueError):  # nobody listens any more
        print(f"{name}:", "\n".join(_short(printable(line)) for line in lines), file=sys.stderr, flush=True)


def _without_debug(argv: Sequence[str]) -> tuple[list[str], bool]:
    """The command line without --debug, and whether it was there; behind "--" it is no option."""
    end = argv.index("--") if "--" in argv else len(argv)
    options = [each for each in argv[:end] if each != DEBUG]
    return [*options, *argv[end:]], len(options) < end


def _told(name: str, error: BaseException, hint: str, debug: bool) -> int:
    """Print what went wrong; returns the exit status."""
    status, texts = _meaning(error, hint)
    lines = [" ".join(text.splitlines()) for text in texts]
    if isinstance(error, OSError):
        _drop_unwritten()
    if debug:
        from traceback import print_exception

        with suppress(OSError, ValueError):
            print_exception(error)
    _say(name, lines)
    return status


def _meaning(error: BaseException, hint: str) -> tuple[int, Sequence[str]]:
    """Exit status and lines of an error. Errors with an `exit_status` are those that the user can mend."""
    own = getattr(type(error), "exit_status", None)
    if own is not None:
        return own, [str(each) for each in error.args]
    if isinstance(error, OSError) and not isinstance(error, KeyboardInterrupt):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return 1 if full else 2, [f"{error.filename or 'output'}: {error.strerror or error}"]
    if isinstance(error, KeyboardInterrupt) or _signals.last:
        kept = map(str, error.args) if isinstance(error, KeyboardInterrupt) else ()
        status = _signal_status(error)
        return status, ["; ".join(["terminated" if status == TERMINATED else "interrupted", *kept])]
    if isinstance(error, MemoryError):
        return 1, ["out of memory"]
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package not in ("", "rram_nas_comp_pack", "ofa"):
        return 1, [f"{package} is not installed{hint}"]
    return INTERNAL, [f"internal error: {described(error)}; please report it, {DEBUG} shows where"]


def described(error: BaseException) -> str:
    """Type and text of an error in one line; nothing that it does to its own text gets out."""
    name = type.__getattribute__(type(error), "__name__")
    try:
        text = " ".join(str(error).split())
    except BaseException:  # an error of somebody's own class
        text = ""
    return f"{name}: {text}" if text else str(name)


def _short(line: str) -> str:
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


def _drop_unwritten() -> None:
    """Keep Python from trying again, and telling, at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        sys.stdout = None


def _signal_status(error: BaseException | None = None) -> int:
    """The exit status after the signal that came, or else that the error stands for."""
    kind = _signals.last or type(error)
    return TERMINATED if issubclass(kind, Terminated) else INTERRUPTED


# Signals


@contextmanager
def listening() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt and SIGTERM its kind `Terminated`; ignored signals stay ignored."""
    earlier = _listen()
    if not _signals.commands:
        _signals.last, _signals.waiting, _signals.said = None, None, ""
    deaf, hook = _signals.undisturbed, sys.unraisablehook
    _signals.commands += 1
    sys.unraisablehook = _raise_later if hook is sys.__unraisablehook__ else hook
    try:
        yield
    finally:
        _signals.commands -= 1
        _signals.undisturbed, sys.unraisablehook = deaf, hook
        for number, handler in earlier:
            signal.signal(number, handler)


def _listen() -> list[tuple[int, Any]]:
    """Handle the signals that nobody else does; returns their earlier handlers."""
    if threading.current_thread() is not threading.main_thread():
        return []
    usual = ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL))
    ours = [(number, handler) for number, handler in usual if signal.getsignal(number) == handler]
    for number, _ in ours:
        signal.signal(number, _hear)
    return list(ours)


def _hear(number: int, _frame: FrameType | None) -> None:
    kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
    if _signals.last is not Terminated:
        _signals.last = kind
    if _signals.undisturbed:
        _signals.waiting = kind
    else:
        raise kind


def _raise_later(info: Any) -> None:
    """An interrupt that struck where Python only reports errors, as in `__del__`, strikes again."""
    if isinstance(info.exc_value, KeyboardInterrupt):
        number = signal.SIGTERM if isinstance(info.exc_value, Terminated) else signal.SIGINT
        # a real signal: `_thread.interrupt_main` would not wake a main thread that waits for a lock
        again = threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, number))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(info)


@contextmanager
def undisturbed() -> Iterator[None]:
    """For short work that must not be left half done: signals are heard when it is over."""
    _signals.undisturbed += 1
    try:
        yield
    finally:
        _signals.undisturbed -= 1
    if _signals.waiting and not _signals.undisturbed:
        kind, _signals.waiting = _signals.waiting, None
        raise kind


def finish_after(interrupt: KeyboardInterrupt, said: str) -> None:
    """Let the command end, undisturbed, with this interrupt's status; `said` tells what is kept."""
    if _signals.last is None:
        _signals.last = type(interrupt)
    _signals.undisturbed += 1
    _signals.said = said


def tell_at_end(said: str) -> None:
    """What to say of a command that ends early, though in good order."""
    _signals.said = said


# The process


def leave(command: Callable[[], int]) -> NoReturn:
    """Run the process's command and end the process with its exit status."""
    try:
        _listen()
        open_streams()
        status = command()
        _end_at_once()
    except KeyboardInterrupt as interrupt:  # before the command could take care of it, or once more
        status = _signal_status(interrupt)
        _end_at_once()
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError, AttributeError):
            setattr(sys, name, None)  # what is left in it would become the exit status
    if status in (INTERRUPTED, TERMINATED):
        # an interrupt in generated code, or in torch's threads, would turn the status into a signal
        with suppress(BaseException):
            atexit._run_exitfuncs()  # what other processes share is to be given back all the same
        os._exit(status)
    sys.exit(status)


def _end_at_once() -> None:
    """From here on a signal finds nothing to clean up, and Python would tell of it with a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _hear:
            signal.signal(number, lambda number, _frame: os._exit(128 + number))
