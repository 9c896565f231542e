"""The one error of this package."""


class BadInput(ValueError):
    """A list, a number or a file is not what it must be; one line says what was found and what is allowed."""
