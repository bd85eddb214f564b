"""The quota ledger: one per provider and key, in the cache folder, shared by all processes and runs of a user.

Requests are counted in SQLite by pyrate-limiter's sliding window; a lock file, which the kernel releases when a process
dies, lets them pass one by one.
"""

import hashlib
import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import ratelimit
from filelock import FileLock, Timeout
from pyrate_limiter import Rate, RateItem, SQLiteBucket

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json

T = TypeVar("T")

WINDOWS = {"per_minute": (60, "a minute"), "per_hour": (3600, "an hour"), "per_month": (30 * 86_400, "in 30 days")}
"""Seconds of each limit's sliding window, and how it is called."""
LATE = 0.5
"""Seconds by which a window is longer here than there: a request is counted when it is sent, there when it arrives."""
JITTER = 0.01
"""Seconds by which the least interval is longer here: there, one request may be read late and the next at once."""
NAP = 0.5
"""Seconds that are waited in turn; for a longer wait the turn is given up, so that others learn of the wait too."""
POLL = 0.02
"""Seconds between two looks at a lock."""
LONGEST_BLOCK = 31 * 86_400
TOKENS = 100
"""Tokens are counted by the hundred: each is a row."""


class QuotaError(UserError):
    """The quota is not free again soon enough; `until` is when it is, in UNIX seconds."""

    def __init__(self, message: str, until: float) -> None:
        super().__init__(message)
        self.until = until


class Ledger:
    """What one key may ask of one provider, and what it has asked.

    `limits` holds any of `per_minute`, `per_hour`, `per_month`, `tokens_per_minute` (None: no limit), `min_interval` in
    seconds and `max_concurrent`; `max_wait`, in seconds, bounds every wait.
    """

    def __init__(self, folder: Path, name: str, key: str, limits: dict, max_wait: float) -> None:
        stem = f"{re.sub('[^A-Za-z0-9.-]', '_', name)}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        folder = folder / "ledger"
        folder.mkdir(exist_ok=True)
        self.name, self.limits, self.max_wait = name, limits, max_wait
        self.interval = limits["min_interval"] + JITTER if limits.get("min_interval") else 0
        self.places = [folder / f"{stem}.{place}.lock" for place in range(limits.get("max_concurrent") or 0)]
        self.turn = FileLock(folder / f"{stem}.turn.lock", poll_interval=POLL)
        self.sent = folder / f"{stem}.sent"
        self.blocked = folder / f"{stem}.blocked.json"
        rates = [_rate(limits[limit], seconds) for limit, (seconds, _) in WINDOWS.items() if limits.get(limit)]
        most = limits.get("tokens_per_minute")
        with self.turn:
            self.requests = _bucket(folder / f"{stem}.sqlite", "requests", _needed(rates))
            self.tokens = _bucket(folder / f"{stem}.sqlite", "tokens", [_rate(-(-most // TOKENS), 60)] if most else [])
        # Pacing inside the process, before what all processes share is asked.
        self.pace = ratelimit.sleep_and_retry(ratelimit.limits(calls=1, period=self.interval)(lambda: None))

    def close(self) -> None:
        for bucket in filter(None, (self.requests, self.tokens)):
            bucket.close()

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the `max_concurrent` places for a request under way; a process that dies gives it back.

        Raises QuotaError where none is free within `max_wait`.
        """
        deadline = time.time() + self.max_wait
        while self.places:
            for path in random.sample(self.places, len(self.places)):
                lock = FileLock(path)
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                try:
                    yield
                finally:
                    lock.release()
                return
            if time.time() > deadline:
                held = f"all {len(self.places)} requests at once that are allowed have been under way for too long"
                raise QuotaError(f"{self.name}: {held}; run again later, nothing is lost", time.time())
            time.sleep(POLL)
        yield

    def send(self, transmit: Callable[[], T], tokens: int = 0) -> T:
        """`transmit()`, once every limit allows one request more; it is to return when the request is on its way.

        A wait is told in the log by a line `waiting: …`. Raises QuotaError at once where it would be longer than
        `max_wait`.
        """
        deadline = time.time() + self.max_wait
        told = ""
        if self.interval:
            self.pace()
        while True:
            with self.turn:
                until, why = self._take(tokens)
                while why and until - time.time() <= NAP:
                    time.sleep(max(0.0, until - time.time()))
                    until, why = self._take(tokens)
                if not why:
                    if told:
                        logging.info("%s: waited long enough", self.name)  # the line above is the last no more
                    try:
                        return transmit()
                    finally:
                        self._stamp()
            if until > deadline:
                raise QuotaError(
                    f"{self.name}: {why}; free again at {clock(until)}. Run again then, nothing is lost", until
                )
            if told != (news := f"waiting: {self.name}: free again at {clock(until)}"):
                logging.info(told := news)
            time.sleep(min(until - time.time(), 5) + random.uniform(0, NAP))

    def block(self, seconds: float, why: str) -> None:
        """Send nothing for so many seconds, from any process: the server said so."""
        until = time.time() + min(seconds, LONGEST_BLOCK)
        with self.turn:
            if until > self._blocked()[0]:
                write_json(self.blocked, {"until": until, "why": why})

    def used(self) -> dict[str, tuple[int, int]]:
        """For each limit on requests: how many the last minute, hour or 30 days hold, and how many they may hold."""
        found = {}
        for limit, (seconds, _) in WINDOWS.items():
            if most := self.limits.get(limit):
                since = self.requests.now() - seconds * 1000
                query = "SELECT COUNT(*) FROM requests WHERE item_timestamp >= ?"
                found[limit] = (self.requests.conn.execute(query, (since,)).fetchone()[0], most)
        return found

    def _take(self, tokens: int) -> tuple[float, str]:
        """Count one request more, in turn. If it may not go yet: when it may, in UNIX seconds, and why not before."""
        now = time.time()
        until, why = self._blocked()
        if until > now:
            return until, why
        if (rest := self._rest(now)) > 0:
            return now + rest, f"{self.limits['min_interval']:g} seconds are to pass between two requests"
        if self.requests and (wait := _put(self.requests, 1)):
            return now + wait, f"its {_called(self.requests.failing_rate)} are used up"
        if self.tokens and tokens and (wait := _put(self.tokens, tokens // TOKENS + 1)):
            if self.requests:
                last = "DELETE FROM requests WHERE rowid = (SELECT MAX(rowid) FROM requests)"
                self.requests.conn.execute(last)
                self.requests.conn.commit()
            return now + wait, f"its {self.limits['tokens_per_minute']:,} tokens a minute are used up"
        return 0.0, ""

    def _stamp(self) -> None:
        """Note when a request was sent: by the clock's nanoseconds, for a file's own time moves in steps of 4 ms."""
        self.sent.touch()
        os.utime(self.sent, ns=(time.time_ns(),) * 2)

    def _blocked(self) -> tuple[float, str]:
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = read_json(self.blocked)
            return float(noted["until"]), str(noted["why"])
        return 0.0, ""

    def _rest(self, now: float) -> float:
        """Seconds until the least interval has passed since any process sent a request."""
        with suppress(FileNotFoundError):
            return self.interval - max(0.0, now - self.sent.stat().st_mtime)
        return 0.0


def _rate(most: int, seconds: int) -> Rate:
    return Rate(most, round((seconds + LATE) * 1000))


def _called(rate: Rate) -> str:
    name = next(name for seconds, name in WINDOWS.values() if _rate(1, seconds).interval == rate.interval)
    return f"{rate.limit:,} requests {name}"


def _needed(rates: list[Rate]) -> list[Rate]:
    """The rates that ever come into force; pyrate-limiter refuses the others."""
    kept: list[Rate] = []
    for rate in sorted(rates, key=lambda rate: rate.interval):
        while kept and rate.limit <= kept[-1].limit:
            kept.pop()
        if not kept or rate.limit / rate.interval <= kept[-1].limit / kept[-1].interval:
            kept.append(rate)
    return kept


def _bucket(path: Path, table: str, rates: list[Rate]) -> SQLiteBucket | None:
    if not rates:
        return None
    return SQLiteBucket.init_from_file(rates, table=table, db_path=str(path), use_file_lock=True)


def _put(bucket: SQLiteBucket, weight: int) -> float:
    """Count so many units now; if they do not fit, the seconds until they will."""
    item = RateItem("", bucket.now(), min(weight, bucket.rates[0].limit))
    bucket.leak(item.timestamp)
    return 0.0 if bucket.put(item) else max(1, bucket.waiting(item)) / 1000


def clock(until: float) -> str:
    """A time of day, rounded up to the minute, with the date where that is not today."""
    then, today = time.localtime(-(-until // 60) * 60), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
