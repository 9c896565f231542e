"""The toolkit's errors.

"Does not fit" is not an error but a result: see `values.NoFit`.
"""


class ToolkitError(Exception):
    """Something the user can mend; its text says what was found and what is allowed.

    Several texts are several faults, a line each.
    """

    exit_status = 2

    def __str__(self) -> str:
        """Return the texts, a line each."""
        return "\n".join(map(str, self.args))


class BadInput(ToolkitError):
    """An option, file, key or model is not what it must be."""


class CannotBeDone(ToolkitError):
    """The input is sound, yet the machine or the problem does not allow the result."""

    exit_status = 1
