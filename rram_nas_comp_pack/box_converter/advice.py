"""What a user can do about a network that does not run, judged by the error that it raised."""

from __future__ import annotations

import re

from .foreign import reason

_TYPES = re.compile(
    r"dtype|scalar type|data type|boolean|\bbool\b|type \(|expected .*Tensor.* but|not implemented for '",
    re.I,
)
_NO_SIZE = re.compile(r"cuda|gpu|device|attribute|export|backend|not support|not implemented", re.I)
_NO_TENSOR = re.compile(
    r"'Tensor' object|tuple index out of range|too many indices|only integers, slices|iteration over a 0-d|"
    r"data type 'str'|not enough values to unpack|out of bounds for dimension 0 with size 1$"
)


def about_types(error: BaseException) -> bool:
    """Say whether an error complains about the type of numbers, so that others may run."""
    return bool(_TYPES.search(reason(error)))


def advice(error: BaseException) -> str:
    """Return the end of a refusal: what may be given instead, where that can be told."""
    text = reason(error)
    if isinstance(error, AttributeError | TypeError | KeyError | IndexError) and _NO_TENSOR.search(text):
        return "; every input is one tensor: lists, dictionaries and numbers are not supported as inputs"
    sizes = type(error) in (RuntimeError, ValueError, IndexError, AssertionError)
    if sizes and not about_types(error) and not _NO_SIZE.search(text):
        return "; --input-size sets another"
    return ""
