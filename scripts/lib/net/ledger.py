"""The quota ledger: one per provider and key, in the cache folder, shared by all processes and runs of a user.

Requests are counted in SQLite by pyrate-limiter's sliding window; a lock file, which the kernel releases when a process
dies, lets them pass one by one.
"""

import hashlib
import logging
import math
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
from pyrate_limiter import Rate, RateItem, SlidingWindowLog, SQLiteBucket

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json

T = TypeVar("T")

WINDOWS = {"per_minute": (60, "a minute"), "per_hour": (3600, "an hour"), "per_month": (30 * 86_400, "in 30 days")}
"""Seconds of each limit's sliding window, and how it is called."""
KEPT = 31 * 86_400
"""Seconds for which requests are remembered, whatever is limited here: another run's configuration may limit more."""
LATE = 0.5
"""Seconds by which a window is longer here than there: a request is counted when it is sent, there when it arrives."""
JITTER = 0.01
"""Seconds by which the least interval is longer here: there, one request may be read late and the next at once."""
NAP = 0.5
"""Seconds that are waited in turn; for a longer wait the turn is given up, so that others learn of the wait too."""
POLL = 0.02
"""Seconds between two looks at a lock."""
QUIET = 2
"""Seconds of a wait for others' requests to end before it is told: most end sooner."""
PAUSES = (5, 15, 60)
"""Seconds for which nothing is sent after a first, second and third refusal in a row that does not say for how long.
After one more it is given up."""
LONGEST_BLOCK = 31 * 86_400
DAY = 86_400
FORGOTTEN = 600
"""Seconds after which refusals are no longer in a row."""
NO_BLOCK = {"until": 0.0, "why": "", "times": 0, "trial": False}
UNLIMITED = 10**9
TOKENS = 100
"""Tokens are counted by the hundred: each is a row."""


class QuotaError(UserError):
    """Nothing more may be asked soon enough."""


class NotYet(Exception):
    """Others were quicker: the request is to wait once more, and to hold no place meanwhile."""


class Waiting:
    """A job's wait for something, told in its log by lines `waiting: NAME: WHAT`: the last line, while it lasts."""

    def __init__(self, name: str, max_wait: float) -> None:
        self.name, self.told, self.since, self.deadline = name, "", time.time(), time.time() + max_wait

    def tell(self, what: str) -> None:
        if self.told != what:
            self.told = what
            logging.info("waiting: %s: %s", self.name, what)

    def over(self) -> None:
        if self.told:
            self.told = ""
            logging.info("%s: waited long enough", self.name)


class Ledger:
    """What one key may ask of one provider, and what it has asked.

    `limits` holds any of `per_minute`, `per_hour`, `per_month`, `tokens_per_minute` (None: no limit), `min_interval` in
    seconds and `max_concurrent`; `max_wait`, in seconds, bounds every wait.
    """

    def __init__(self, folder: Path, name: str, key: str, limits: dict, max_wait: float) -> None:
        stem = f"{safe(name)}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        folder = folder / "ledger"
        folder.mkdir(exist_ok=True)
        self.name, self.limits, self.max_wait = name, limits, max_wait
        self.interval = limits["min_interval"] + JITTER if limits.get("min_interval") else 0
        self.places = [folder / f"{stem}.{place}.lock" for place in range(limits.get("max_concurrent") or 0)]
        self.turn = FileLock(folder / f"{stem}.turn.lock", poll_interval=POLL)
        self.sent = folder / f"{stem}.sent"
        self.blocked = folder / f"{stem}.blocked.json"
        rates = [_rate(limits[limit], seconds) for limit, (seconds, _) in WINDOWS.items() if limits.get(limit)]
        most = limits.get("tokens_per_minute") or UNLIMITED
        with self.turn:
            self.requests = _bucket(folder / f"{stem}.sqlite", "requests", _needed(rates), _Kept())
            self.tokens = _bucket(folder / f"{stem}.sqlite", "tokens", [_rate(-(-most // TOKENS), 60)])
        # Pacing inside the process, before what all processes share is asked.
        self.pace = ratelimit.sleep_and_retry(ratelimit.limits(calls=1, period=self.interval)(lambda: None))

    def close(self) -> None:
        self.requests.close()
        self.tokens.close()

    def held(self, what: Callable[[], T], tokens: int = 0) -> T:
        """`what()`, which calls `send` once, while it holds one of the `max_concurrent` places: taken when the limits
        allow a request, so that nobody waits for a quota in a place.

        A wait is told in the log. Raises QuotaError at once where it would be longer than `max_wait`, where it is, and
        where the provider does nothing but refuse.
        """
        waiting = Waiting(self.name, self.max_wait)
        if self.interval:
            self.pace()
        while True:
            self._wait(waiting, tokens)
            with self._place(waiting), suppress(NotYet):
                if self._until(tokens)[0] > time.time() + NAP:  # by now
                    continue
                waiting.over()
                return what()

    def send(self, transmit: Callable[[], T], tokens: int = 0) -> T:
        """`transmit()`, in turn, and counted; it is to return when the request is on its way.

        Raises NotYet where the limits do not allow it in a moment.
        """
        with self.turn:
            while (rest := self._until(tokens)[0] - time.time()) > 0:
                if rest > NAP:
                    raise NotYet
                time.sleep(rest)
            if (block := self._block())["times"]:  # of all that waited, one tries
                write_json(self.blocked, block | {"until": time.time() + PAUSES[0], "trial": True})
            _count(self.requests, 1)
            if tokens:
                _count(self.tokens, _units(self.tokens, tokens))
            try:
                return transmit()
            finally:
                self._stamp()

    def block(self, seconds: float | None, why: str) -> None:
        """Send nothing for so many seconds, from any process: the server said so. None: it refuses, and does not say
        for how long; then for longer each time, until it answers."""
        with self.turn:
            now, block = time.time(), self._block()
            if seconds is not None:
                if (until := now + min(seconds, LONGEST_BLOCK)) > block["until"]:
                    write_json(self.blocked, NO_BLOCK | {"until": until, "why": why})
            elif block["trial"] or block["until"] <= now:  # what was sent before the others were refused counts as one
                times = block["times"] + 1
                until = now + PAUSES[min(times, len(PAUSES)) - 1]
                write_json(self.blocked, NO_BLOCK | {"until": until, "why": why, "times": times})

    def answered(self) -> None:
        """The server does not refuse: that it did is forgotten."""
        if self.blocked.exists():
            with self.turn:
                block = self._block()
                if block["trial"] or (block["times"] and block["until"] <= time.time()):
                    self.blocked.unlink(missing_ok=True)

    def used(self) -> dict[str, tuple[int, int]]:
        """For each limit on requests: how many the last minute, hour or 30 days hold, and how many they may hold."""
        found = {}
        for limit, (seconds, _) in WINDOWS.items():
            if most := self.limits.get(limit):
                since = self.requests.now() - seconds * 1000
                query = "SELECT COUNT(*) FROM requests WHERE item_timestamp >= ?"
                found[limit] = (self.requests.conn.execute(query, (since,)).fetchone()[0], most)
        return found

    def held_back(self) -> tuple[float, str]:
        """Until when the server had nothing sent, in UNIX seconds, and what it said; 0 where it did not."""
        block = self._block()
        return (block["until"], block["why"]) if block["until"] > time.time() else (0.0, "")

    def _wait(self, waiting: Waiting, tokens: int) -> None:
        """Until the limits allow a request, or will in a moment. Raises QuotaError."""
        while (until := (found := self._until(tokens))[0]) > time.time() + NAP:
            if until > waiting.deadline:
                when = "run again later" if until == math.inf else f"free again at {clock(until)}. Run again then"
                wrong = (
                    f" (if it cannot be true, delete {self.blocked})" if DAY < until - time.time() < math.inf else ""
                )
                raise QuotaError(f"{self.name}: {found[1]}; {when}, nothing is lost{wrong}")
            waiting.tell(f"free again at {clock(until)}")
            time.sleep(min(until - time.time(), 5) + random.uniform(0, NAP))

    @contextmanager
    def _place(self, waiting: Waiting) -> Iterator[None]:
        """One of the `max_concurrent` places for a request under way; a process that dies gives it back.

        Raises QuotaError where none is free in time.
        """
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
            if time.time() > waiting.deadline:
                taken = f"others have had all {len(self.places)} requests at once that may be for {self.max_wait:g} s"
                raise QuotaError(f"{self.name}: {taken}; run again later, nothing is lost")
            if time.time() > waiting.since + QUIET:
                waiting.tell(f"{len(self.places)} requests are under way, the most at once")
            time.sleep(POLL)
        yield

    def _until(self, tokens: int) -> tuple[float, str]:
        """Until when no request may go, in UNIX seconds, and why: 0 where one may, infinity where it is no use."""
        now, block = time.time(), self._block()
        if block["until"] > now:
            hopeless = block["times"] > len(PAUSES) and not block["trial"]
            return math.inf if hopeless else block["until"], block["why"]
        if (rest := self._rest(now)) > 0:
            return now + rest, f"{self.limits['min_interval']:g} seconds are to pass between two requests"
        wait, rate = _full(self.requests, 1)
        if rate:
            return now + wait, f"its {_called(rate)} are used up"
        wait, rate = _full(self.tokens, _units(self.tokens, tokens)) if tokens else (0.0, None)
        if rate:
            return now + wait, f"its {self.limits['tokens_per_minute']:,} tokens a minute are used up"
        return 0.0, ""

    def _stamp(self) -> None:
        """Note when a request was sent: by the clock's nanoseconds, for a file's own time moves in steps of 4 ms."""
        self.sent.touch()
        os.utime(self.sent, ns=(time.time_ns(),) * 2)

    def _block(self) -> dict:
        """What the server's refusals led to; nothing where the last was long ago."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = read_json(self.blocked)
            found = {key: type(value)(noted[key]) for key, value in NO_BLOCK.items()}
            if found["until"] > time.time() - FORGOTTEN:
                return found
        return NO_BLOCK

    def _rest(self, now: float) -> float:
        """Seconds until the least interval has passed since any process sent a request."""
        with suppress(FileNotFoundError):
            return self.interval - max(0.0, now - self.sent.stat().st_mtime)
        return 0.0


class _Kept(SlidingWindowLog):
    """Sliding windows over a log that is kept for as long as the longest that there may be."""

    def leak_bound(self, rates: list[Rate], now: int) -> int:
        return now - KEPT * 1000


def safe(name: str) -> str:
    """A name as a part of a file's."""
    return re.sub("[^A-Za-z0-9.-]", "_", name)


def _rate(most: int, seconds: int) -> Rate:
    return Rate(most, round((seconds + LATE) * 1000))


def _called(rate: Rate) -> str:
    name = next(name for seconds, name in WINDOWS.values() if _rate(1, seconds).interval == rate.interval)
    return f"{rate.limit:,} requests {name}"


def _needed(rates: list[Rate]) -> list[Rate]:
    """The rates that ever come into force; pyrate-limiter refuses the others, and to have none."""
    kept: list[Rate] = []
    for rate in sorted(rates, key=lambda rate: rate.interval):
        while kept and rate.limit <= kept[-1].limit:
            kept.pop()
        if not kept or rate.limit / rate.interval <= kept[-1].limit / kept[-1].interval:
            kept.append(rate)
    return kept or [_rate(UNLIMITED, 60)]


def _bucket(path: Path, table: str, rates: list[Rate], algorithm: SlidingWindowLog | None = None) -> SQLiteBucket:
    return SQLiteBucket.init_from_file(rates, table, str(path), use_file_lock=True, algorithm=algorithm)


def _units(bucket: SQLiteBucket, tokens: int) -> int:
    return min(tokens // TOKENS + 1, bucket.rates[0].limit)


def _count(bucket: SQLiteBucket, units: int) -> None:
    item = RateItem("", bucket.now(), units)
    bucket.leak(item.timestamp)
    bucket.put(item)


def _full(bucket: SQLiteBucket, units: int) -> tuple[float, Rate | None]:
    """Seconds until so many units more fit, and the limit that they exceed; None where they fit."""
    now, found = bucket.now(), []
    for rate in bucket.rates:
        last = bucket.peek(rate.limit - units)  # the unit that must be out of the window by then
        if last and (wait := last.timestamp + rate.interval + 1 - now) > 0:
            found.append((wait / 1000, rate))
    return max(found, key=lambda full: full[0], default=(0.0, None))


def clock(until: float) -> str:
    """A time of day, rounded up to the minute, with the date where that is not today."""
    then, today = time.localtime(-(-until // 60) * 60), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
