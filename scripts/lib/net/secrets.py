"""Keys: taken from the environment, and kept out of everything that is written."""

import os
from typing import AnyStr
from urllib.parse import quote, quote_plus

from scripts.lib.errors import UserError

_known: set[str] = set()
LEAST = 8
"""Characters of a key: a shorter one is no secret, and to hide it would blot out plain words."""


def secret(name: str) -> str | None:
    """The key in the environment variable `name`, or None where it is unset or empty; from now on it is redacted.

    Raises UserError for a value that no header can carry; what it is, is not said.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UserError(f"{name}: holds a space, a line break or a letter that no key has; set it to the key alone")
    if len(value) >= LEAST:
        _known.update({value, quote(value, safe=""), quote_plus(value), value.replace("/", r"\/")})
    return value


def redact(text: AnyStr) -> AnyStr:
    """Text or bytes with every key that was asked for so far, as it is or as addresses and JSON write it, made ***."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, "***") if isinstance(text, str) else text.replace(value.encode(), b"***")
    return text
