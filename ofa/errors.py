"""The errors of this package."""

import errno


class BadInput(ValueError):
    """A list, a number or a file is not what it must be; one line says what was found and what is allowed."""

    exit_status = 2


class DiskFull(BadInput):
    """The input is sound, but there is no space to write what it asks for."""

    exit_status = 1


def refusal(text: str, error: BaseException) -> BadInput:
    """Return what to raise, with this text, where a file could not be written for `error`."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DiskFull(text) if full else BadInput(text)
