"""Limits hold over processes: places, the least interval and quotas, whoever dies in the middle."""

import itertools
import multiprocessing
import os
import signal
import time

import pytest

from scripts.lib.net.ledger import Ledger, QuotaError, clock


def send_some(folder, limits, count, times, hold=0.0):
    """In a process of its own: so many requests, each noted when it is sent."""
    ledger = Ledger(folder, "site", "key", limits, max_wait=60)
    for _ in range(count):
        with ledger.place():
            ledger.send(lambda: times.append((os.getpid(), time.time())))
            time.sleep(hold)
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
    assert sent[-1] - sent[0] < 11 * 0.1 * 1.5, "and use what they may"


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
    with (
        pytest.raises(QuotaError, match="under way for too long"),
        Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=0.2).place(),
    ):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    ledger = Ledger(tmp_path, "site", "key", {"max_concurrent": 1}, max_wait=1)
    with ledger.place():
        assert ledger.send(lambda: "sent") == "sent"


def test_beyond_the_quota_it_says_when_there_is_some_again(tmp_path):
    ledger = Ledger(tmp_path, "pexels", "key", {"per_hour": 2, "per_month": 100}, max_wait=10)
    for _ in range(2):
        ledger.send(lambda: None)
    with pytest.raises(
        QuotaError, match=r"pexels: its 2 requests an hour are used up; free again at .*\d\d:\d\d"
    ) as error:
        ledger.send(lambda: None)
    assert error.value.until == pytest.approx(time.time() + 3600, abs=5)
    assert ledger.used() == {"per_hour": (2, 2), "per_month": (2, 100)}
    Ledger(tmp_path, "pexels", "another key", {"per_hour": 2}, max_wait=10).send(lambda: None)


def test_a_wait_for_the_quota_is_told_and_ends_well(tmp_path, caplog):
    caplog.set_level("INFO")
    ledger = Ledger(tmp_path, "site", "key", {}, max_wait=60)
    ledger.block(1.5, "it said so")
    began = time.time()
    assert ledger.send(lambda: "sent") == "sent"
    assert 1.4 < time.time() - began < 4
    told = [record.message for record in caplog.records]
    assert told == [f"waiting: site: free again at {clock(began + 1.5)}", "site: waited long enough"]


def test_a_block_that_lasts_longer_than_may_be_waited_fails_at_once(tmp_path):
    ledger = Ledger(tmp_path, "site", "key", {}, max_wait=60)
    ledger.block(3600, "its quota is used up, it says")
    began = time.time()
    with pytest.raises(QuotaError, match="site: its quota is used up, it says; free again at"):
        ledger.send(lambda: None)
    assert time.time() - began < 1


def test_tokens_of_a_minute_are_counted(tmp_path):
    ledger = Ledger(tmp_path, "llm", "key", {"per_minute": 10, "tokens_per_minute": 1000}, max_wait=1)
    ledger.send(lambda: None, tokens=800)
    with pytest.raises(QuotaError, match="its 1,000 tokens a minute are used up"):
        ledger.send(lambda: None, tokens=800)
    ledger.send(lambda: None, tokens=50)
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
        ledger.send(lambda: None)
    with pytest.raises(QuotaError):
        ledger.send(lambda: None)
    ledger.close()


def test_no_key_stands_in_the_ledger(tmp_path):
    Ledger(tmp_path, "site", "sentinel-key", {"per_hour": 2, "max_concurrent": 2}, max_wait=1).send(lambda: None)
    names = " ".join(path.name for path in tmp_path.rglob("*"))
    assert "sentinel" not in names
    assert all(b"sentinel" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_process_paces_itself_before_it_asks_the_others(tmp_path):
    ledger = Ledger(tmp_path, "site", "key", {"min_interval": 0.2}, max_wait=1)
    ledger.pace()
    began = time.monotonic()
    ledger.pace()
    assert 0.19 < time.monotonic() - began < 1
