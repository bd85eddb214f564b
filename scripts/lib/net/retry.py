"""Try again what may go well the next time: a lost connection, a slow answer, a server in trouble."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from urllib3.util import Retry

from scripts.lib.errors import UserError

T = TypeVar("T")

ATTEMPTS = 5
LONGEST = 30.0
"""Seconds between two attempts, where the server does not say."""


class TransientError(UserError):
    """What may be over in a moment; `retry_after` in seconds where the server says."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def retrying(what: Callable[[], T], max_wait: float) -> T:
    """`what()`, tried up to five times while it raises TransientError; the last one is raised.

    Between attempts: as long as the server says (`retry_after`), else 1, 2, 4, 8 seconds, each cut by up to a half at
    random, so that jobs that failed together do not come back together. A server that asks for more than `max_wait`
    seconds is not waited for.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return what()
        except TransientError as error:
            if error.retry_after is not None and error.retry_after > max_wait:
                raise
            wait = min(LONGEST, 2 ** (attempt - 1)) * random.uniform(0.5, 1)
            if error.retry_after is not None:
                wait = error.retry_after + random.uniform(0, 0.5)
            logging.info("%s; trying again in %.1f s", error, wait)
            time.sleep(wait)
    return what()


def retry_after(header: str | None) -> float | None:
    """The seconds that a `Retry-After` header asks for, in either of its forms; None where it says nothing."""
    try:
        return Retry().parse_retry_after(header) if header else None
    except Exception:  # urllib3's InvalidHeader, or a date that is none
        return None
