"""The toolkit's errors.

"Does not fit" is not an error but a result: see `values.NoFit`.
"""


class ToolkitError(Exception):
    """Something the user can mend; its text says what was found and what is allowed."""

    exit_status = 2


class BadInput(ToolkitError):
    """An option, file, key or model is not what it must be."""


class CannotBeDone(ToolkitError):
    """The input is sound, yet the machine or the problem does not allow the result."""

    exit_status = 1
