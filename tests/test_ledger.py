"""Limits hold over processes: places, the least interval and quotas, whoever dies in the middle."""

import contextlib
import itertools
import multiprocessing
import os
import re
import signal
import sqlite3
import time

import pytest

from scripts.lib.net.ledger import PAUSES, Ledger, QuotaError, clock


def send(ledger, transmit=lambda: "sent", tokens=0):
    """A request as a service sends it."""
    return ledger.held(lambda: ledger.send(transmit, tokens), tokens)


def send_some(folder, limits, count, times, hold=0.0):
    """In a process of its own: so many requests, each noted when it is sent."""
    ledger = Ledger(folder, "site", "key", limits, max_wait=60)
    for _ in range(count):
        ledger.held(lambda: (ledger.send(lambda: times.append((os.getpid(), time.time()))), time.sleep(hold)))
    ledger.close()


def in_processes(number, *args):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=send_some, args=args) for _ in range(number)]
    for process in processes:
        process.start()
    return processes


@pytest.fixture
def times():
    with multiprocessing.get_context("spawn").Manager() as manager:
        yield manager.list()


def test_processes_keep_the_least_interval_between_them(tmp_path, times):
    for process in in_processes(3, tmp_path, {"min_interval": 0.1, "max_concurrent": 3}, 4, times):
        process.join(60)
        assert process.exitcode == 0
    sent = sorted(at for _, at in times)
    assert len(sent) == 12
    assert min(later - earlier for earlier, later in itertools.pairwise(sent)) >= 0.1
    assert sent[-1] - sent[0] < 11 * 0.1 * 3, "and use what they may"


def test_no_more_requests_at_once_than_there_are_places(tmp_path, times):
    hold = 0.2
    for process in in_processes(4, tmp_path, {"max_concurrent": 2}, 2, times, hold):
        process.join(60)
        assert process.exitcode == 0
    sent = sorted(at for _, at in times)
    at_once = [sum(start <= at < start + hold for start in sent) for at in sent]
    assert max(at_once) == 2


def test_a_killed_process_leaves_its_place_and_its_turn(tmp_path, times):
    (process,) = in_processes(1, tmp_path, {"max_concurrent": 1}, 1, times, 60)
    while not times:
        time.sleep(0.05)
    with pytest.raises(QuotaError, match=r"site: others have had all 1 requests at once that may be for 0\.2 s; run"):
        send(Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=0.2))
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    assert send(Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=1)) == "sent"


def test_who_waits_for_the_quota_holds_no_place(tmp_path, times):
    """One waits for its minute to be over; another, of a configuration that limits less, has the place meanwhile."""
    limits = {"max_concurrent": 1, "per_minute": 1}
    send(Ledger(tmp_path, "site", "key", limits, max_wait=1))
    age(tmp_path, 20)
    (waits,) = in_processes(1, tmp_path, limits, 1, times)
    try:
        time.sleep(2)
        began = time.time()
        assert send(Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=1)) == "sent"
        assert time.time() - began < 1 and waits.is_alive() and not times
    finally:
        waits.kill()
        waits.join()


def test_who_was_not_quick_enough_waits_without_a_place_and_tries_again(tmp_path):
    """What was free when the place was taken is not when the connection stands: others were quicker."""
    ledger = Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=10)
    tried = []

    def slow():
        tried.append(time.time())
        if len(tried) == 1:
            Ledger(tmp_path, "site", "key", {}, max_wait=1).block(1.5, "others were quicker")
        return ledger.send(lambda: "sent")

    assert ledger.held(slow) == "sent"
    assert len(tried) == 2 and tried[1] - tried[0] > 1.4


def test_a_wait_for_a_place_is_told(tmp_path, times, caplog):
    caplog.set_level("INFO")
    (process,) = in_processes(1, tmp_path, {"max_concurrent": 1}, 1, times, 4)
    while not times:
        time.sleep(0.05)
    send(Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=20))
    told = [record.message for record in caplog.records]
    assert told == ["waiting: site: 1 requests are under way, the most at once", "site: waited long enough"]
    process.join(10)


def test_one_wait_bounds_that_for_the_quota_and_that_for_a_place(tmp_path, times):
    (process,) = in_processes(1, tmp_path, {"max_concurrent": 1}, 1, times, 60)
    while not times:
        time.sleep(0.05)
    ledger = Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=3)
    ledger.block(2, "it said so")
    began = time.time()
    with pytest.raises(QuotaError, match="others have had"):
        send(ledger)
    assert 2.9 < time.time() - began < 4.5
    process.kill()
    process.join()


def test_beyond_the_quota_it_says_when_there_is_some_again(tmp_path):
    ledger = Ledger(tmp_path, "pexels", "key", {"per_hour": 2, "per_month": 100}, max_wait=10)
    first = time.time()
    for _ in range(2):
        send(ledger)
    free = "|".join(re.escape(clock(sent + 3600)) for sent in (first, time.time() + 1))  # a minute may end meanwhile
    with pytest.raises(QuotaError, match=f"pexels: its 2 requests an hour are used up; free again at (?:{free})"):
        send(ledger)
    assert ledger.used() == {"per_hour": (2, 2), "per_month": (2, 100)}
    send(Ledger(tmp_path, "pexels", "another key", {"per_hour": 2}, max_wait=10))


@pytest.mark.parametrize("others", [{"per_minute": 9}, {}, {"min_interval": 0.01}])
def test_a_configuration_with_other_limits_neither_forgets_nor_hides_what_was_asked(tmp_path, others):
    hourly = {"per_hour": 2, "per_month": 100}
    first = Ledger(tmp_path, "pexels", "key", hourly, max_wait=1)
    send(first)
    age(tmp_path, 120)
    send(Ledger(tmp_path, "pexels", "key", others, max_wait=1))
    assert first.used() == {"per_hour": (2, 2), "per_month": (2, 100)}
    with pytest.raises(QuotaError, match="its 2 requests an hour are used up"):
        send(Ledger(tmp_path, "pexels", "key", hourly, max_wait=1))


def test_what_no_limit_counts_any_more_is_forgotten(tmp_path):
    ledger = Ledger(tmp_path, "pexels", "key", {"per_hour": 2}, max_wait=1)
    for days, kept in ((1, 1), (30.5, 2), (0, 2)):
        send(ledger)
        assert ledger.requests.count() == kept
        age(tmp_path, days * 86_400)


def age(folder, seconds):
    """Let what was asked have been so many seconds earlier."""
    (path,) = folder.glob("ledger/*.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        ledger.execute("UPDATE requests SET item_timestamp = item_timestamp - ?", (seconds * 1000,))
        ledger.commit()


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """A function that makes the ledger of one more process, while a server refuses, and does not say for how long."""
    monkeypatch.setattr("scripts.lib.net.ledger.PAUSES", (1, 2, 3))
    made = []

    def make(max_wait=20):
        made.append(Ledger(tmp_path, "site", "key", {}, max_wait))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


def test_refusals_without_a_time_hold_everybody_back_for_longer_each_time(refused):
    for pause in (1, 2, 3):
        began = time.time()
        for _ in range(3):  # sent at once, and refused together
            refused().block(None, "answered 429")
        assert send(refused()) == "sent"
        assert pause - 0.2 < time.time() - began < pause + 1.5
    refused().block(None, "answered 429")
    with pytest.raises(QuotaError, match=r"^site: answered 429; run again later, nothing is lost$"):
        send(refused())


def test_of_those_that_a_refusal_holds_back_one_tries(refused):
    refused().block(None, "answered 429")
    send(refused())
    began = time.time()
    send(refused())  # nothing was heard of the one that tried
    assert 0.9 < time.time() - began < 2.5


def test_an_answer_ends_what_refusals_began(refused):
    refused().block(None, "answered 429")
    refused().answered()  # to what was sent before
    with pytest.raises(QuotaError, match="answered 429; free again at"):
        send(refused(max_wait=0.1))
    send(refused())
    refused().answered()
    began = time.time()
    send(refused())
    refused().block(None, "answered 429")
    send(refused())
    assert time.time() - began < 1 + 1, "and the next one is the first again"


def test_the_pauses_after_refusals_grow_and_end():
    assert sorted(PAUSES) == list(PAUSES) and sum(PAUSES) < 120


def test_a_wait_for_the_quota_is_told_and_ends_well(tmp_path, caplog):
    caplog.set_level("INFO")
    ledger = Ledger(tmp_path, "site", "key", {}, max_wait=60)
    ledger.block(1.5, "it said so")
    began = time.time()
    assert send(ledger) == "sent"
    assert 1.4 < time.time() - began < 4
    told = [record.message for record in caplog.records]
    assert told == [f"waiting: site: free again at {clock(began + 1.5)}", "site: waited long enough"]


def test_a_block_that_lasts_longer_than_may_be_waited_fails_at_once(tmp_path):
    ledger = Ledger(tmp_path, "site", "key", {}, max_wait=60)
    ledger.block(3600, "its quota is used up, it says")
    began = time.time()
    with pytest.raises(QuotaError, match="site: its quota is used up, it says; free again at"):
        send(ledger)
    assert time.time() - began < 1


def test_tokens_of_a_minute_are_counted(tmp_path):
    ledger = Ledger(tmp_path, "llm", "key", {"per_minute": 10, "tokens_per_minute": 1000}, max_wait=1)
    send(ledger, tokens=800)
    with pytest.raises(QuotaError, match="its 1,000 tokens a minute are used up"):
        send(ledger, tokens=800)
    send(ledger, tokens=50)
    assert ledger.used()["per_minute"] == (2, 10), "what was not sent is not counted"


@pytest.mark.parametrize(
    "limits",
    [
        {"per_minute": 100, "per_hour": 100},
        {"per_minute": 100, "per_hour": 50},
        {"per_minute": 1, "per_hour": 1000, "per_month": 1_000_000},
        {"per_month": 1},
    ],
)
def test_any_limits_go_together(tmp_path, limits):
    ledger = Ledger(tmp_path, "site", "key", limits, max_wait=0)
    least = min(limits.values())
    for _ in range(least):
        send(ledger)
    with pytest.raises(QuotaError):
        send(ledger)
    ledger.close()


def test_no_key_stands_in_the_ledger(tmp_path):
    ledger = Ledger(tmp_path, "site", "sentinel-key", {"per_hour": 2, "max_concurrent": 2}, max_wait=1)
    send(ledger)
    names = " ".join(path.name for path in tmp_path.rglob("*"))
    assert "sentinel" not in names
    assert all(b"sentinel" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_process_paces_itself_before_it_asks_the_others(tmp_path):
    ledger = Ledger(tmp_path, "site", "key", {"min_interval": 0.2}, max_wait=1)
    ledger.pace()
    began = time.monotonic()
    ledger.pace()
    assert 0.19 < time.monotonic() - began < 1
