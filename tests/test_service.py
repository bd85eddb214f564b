"""Requests to an API: what is tried again, what is kept, what is refused, and that keys stay out of everything."""

import contextlib
import http.server
import json
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from conftest import wait_for

from scripts.lib.net.cache import cache_folder, file_system
from scripts.lib.net.ledger import QuotaError, clock
from scripts.lib.net.secrets import redact, secret
from scripts.lib.net.service import MissingKey, Service, ServiceError, settings_of
from tests.servers.loopback import Host, json_answer

KEY = "sentinel-key-0123456789"


class Server(http.server.ThreadingHTTPServer):
    """Answers with what is queued, else with the request itself as JSON."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.queue, self.asked, self.bodies, self.at_once, self.most = [], [], [], 0, 0
        self.lock = threading.Lock()
        self.delay = 0.0

    def handle_error(self, *_):
        """A client that went away is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            server.asked.append((self.path, dict(self.headers)))
            server.at_once += 1
            server.most = max(server.most, server.at_once)
            answer = server.queue.pop(0) if server.queue else None
        try:
            time.sleep(server.delay)
            if callable(answer):
                answer(self)
                return
            plain = (200, {"Content-Type": "application/json"}, json.dumps({"path": self.path.partition("?")[0]}))
            status, headers, body = answer or plain
            body = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        finally:
            with server.lock:
                server.at_once -= 1

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SITE_KEY", KEY)
    made = []

    def make(auth="key", cached_for=86_400, limits=None, timeout=(2, 1), max_wait=3.0, name="site", key_env="SITE_KEY"):
        network = {"timeout": list(timeout), "max_wait": max_wait}
        base = f"http://127.0.0.1:{server.server_port}/api"
        made.append(Service(name, base, key_env, limits or {}, network, str(tmp_path / "cache"), auth, cached_for))
        return made[-1]

    yield make
    for each in made:
        each.__exit__(None, None, None)


def broken_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"half":')
    handler.close_connection = True


def reset(handler):
    handler.connection.close()
    handler.close_connection = True


def silent(handler):
    time.sleep(1.5)
    handler.close_connection = True


def trickling_head(handler):
    """A line of the head every now and then, and no end of it."""
    handler.send_response(200)
    with contextlib.suppress(OSError):
        for number in range(40):
            handler.send_header(f"X-Line-{number}", "x")
            handler.flush_headers()
            time.sleep(0.1)
    handler.close_connection = True


def trickle(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)
    handler.close_connection = True


def slow_sound(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "audio/wav")
    handler.send_header("Content-Length", "20")
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("auth", "header", "in_address"),
    [("key", KEY, False), ("bearer", f"Bearer {KEY}", False), ("query", None, True)],
)
def test_the_key_travels_as_the_service_wants_it(server, service, auth, header, in_address):
    assert service(auth).get("videos", {"q": "sea"}) == {"path": "/api/videos"}
    (path, headers), *_ = server.asked
    assert headers.get("Authorization") == header
    assert (KEY in path) == in_address


def test_an_answer_is_asked_for_once_whatever_the_key(server, service, monkeypatch):
    for _ in range(2):
        service("query").get("videos", {"q": "sea"})
    monkeypatch.setenv("SITE_KEY", "another-key-of-mine")
    service("query").get("videos", {"q": "sea"})
    assert len(server.asked) == 1
    service("query").get("videos", {"q": "sea"}, cached=False)
    assert len(server.asked) == 2


def test_equal_searches_at_once_are_sent_once(server, service):
    server.delay = 0.3
    services = [service() for _ in range(4)]
    threads = [threading.Thread(target=each.get, args=("videos", {"q": "sea"})) for each in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param((500, {}, "oh"), id="500"),
        pytest.param((503, {"Retry-After": "1"}, ""), id="503 with Retry-After"),
        pytest.param((429, {"Retry-After": "1"}, ""), id="429 with Retry-After"),
        pytest.param((429, {}, ""), id="429 without"),
        pytest.param((429, {"X-RateLimit-Reset": "1"}, ""), id="429 with seconds until the reset"),
        pytest.param((200, {"Content-Type": "text/html"}, "<html>"), id="HTML"),
        pytest.param((200, {"Content-Type": "application/json"}, "[]"), id="no object"),
        pytest.param((200, {"Content-Type": "application/json"}, "[" * 100_000), id="nested too deep"),
        pytest.param(broken_off, id="broken off"),
        pytest.param(reset, id="reset"),
        pytest.param(silent, id="silent"),
        pytest.param(trickle, id="trickle"),
        pytest.param(trickling_head, id="trickling head"),
    ],
)
def test_what_may_pass_is_tried_again_and_never_kept(server, service, fault, monkeypatch):
    monkeypatch.setattr("scripts.lib.net.ledger.PAUSES", (1, 1, 1))
    server.queue = [fault]
    site = service()
    assert site.get("videos", {"q": "sea"}) == {"path": "/api/videos"}
    assert len(server.asked) == 2
    assert site.get("videos", {"q": "sea"}) == {"path": "/api/videos"}
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            (401, {}, '{"status":401,"code":"Unauthorized"}'),
            r"site: answered 401 \(.*Unauthorized.*\): check the key in SITE_KEY",
        ),
        ((400, {}, "[ERROR 400] Invalid or missing API key"), r"answered 400 .*: check the key in SITE_KEY"),
        ((404, {}, "nothing"), r"site: answered 404 \(nothing\)"),
        ((400, {}, json.dumps({"error": {"message": f"bad key {KEY}"}})), r"site: answered 400 \(bad key \*\*\*\)$"),
        ((302, {"Location": "http://127.0.0.1:1/"}, ""), "leads elsewhere; set its base_url"),
        (
            (403, {"cf-mitigated": "challenge", "Content-Type": "text/html"}, "<html>Just a moment..."),
            "answered 403 with a challenge page .text/html.: it takes this machine for a robot",
        ),
    ],
)
def test_what_will_not_pass_is_not_tried_again(server, service, answer, message):
    server.queue = [answer]
    with pytest.raises(ServiceError, match=message) as error:
        service().get("videos", {"q": "sea"})
    assert error.value.status == answer[0] and not error.value.transient
    assert len(server.asked) == 1


@pytest.mark.slow
def test_a_fault_that_stays_is_told_after_five_attempts(server, service):
    server.queue = [(500, {}, "overloaded")] * 9
    with pytest.raises(
        ServiceError, match=r"site: answered 500 \(overloaded\), 5 times in a row; run again later"
    ) as error:
        service().get("videos", {"q": "sea"})
    assert error.value.transient
    assert len(server.asked) == 5


def test_a_service_that_is_not_there_is_named(service, monkeypatch):
    monkeypatch.setattr("scripts.lib.net.retry.LONGEST", 0.01)
    site = service()
    site.base_url = "http://127.0.0.1:9"
    with pytest.raises(ServiceError, match=r"site: cannot be reached at http://127\.0\.0\.1:9, 5 times in a row"):
        site.get("videos", {})


def test_a_quota_that_the_service_says_is_drained_stops_every_process(server, service):
    drained = {"Content-Type": "application/json", "X-Ratelimit-Remaining": "0"}
    server.queue = [(200, drained | {"X-Ratelimit-Reset": str(int(time.time()) + 3600)}, "{}")]
    assert service().get("videos", {"q": "sea"}) == {}
    with pytest.raises(QuotaError, match="site: its quota is used up, it says; free again at"):
        service().get("videos", {"q": "city"})
    assert len(server.asked) == 1
    assert service().get("videos", {"q": "sea"}) == {}, "what is kept costs no quota"


@pytest.mark.parametrize("reset", [lambda: time.time() + 100, lambda: (time.time() + 100) * 1000, lambda: 100])
def test_the_time_of_a_reset_is_read_in_each_of_its_units(server, service, reset):
    server.queue = [(429, {"X-RateLimit-Reset": f"{reset():.0f}"}, "too much")]
    with pytest.raises(QuotaError, match=r"^site: answered 429 \(too much\); free again at") as error:
        service().get("videos", {"q": "sea"})
    said = [clock(time.time() + seconds) for seconds in (98, 100)]
    assert any(f"free again at {when}" in str(error.value) for when in said)


@pytest.mark.parametrize(
    ("status", "headers", "days"),
    [
        (429, {"Retry-After": "99999999"}, 0.25),
        (429, {"X-RateLimit-Reset": "99999999"}, 1),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999"}, 31),
    ],
)
def test_no_header_blocks_for_longer_than_a_quota_can_last(server, service, status, headers, days):
    server.queue = [(status, {"Content-Type": "application/json"} | headers, "{}")]
    site = service()
    with contextlib.suppress(QuotaError):
        site.get("videos", {"q": "sea"})
    until = json.loads(site.ledger.blocked.read_text())["until"]
    assert until == pytest.approx(time.time() + days * 86_400, abs=60)


def test_a_block_that_cannot_be_true_can_be_deleted(server, service):
    site = service()
    site.ledger.block(9 * 86_400, "its quota is used up, it says")
    with pytest.raises(
        QuotaError, match=r"nothing is lost \(if it cannot be true, delete .*\.blocked\.json\)$"
    ) as error:
        site.get("videos", {"q": "sea"})
    Path(str(error.value).rpartition("delete ")[2].rstrip(")")).unlink()
    assert site.get("videos", {"q": "sea"}) == {"path": "/api/videos"}


def test_a_server_that_only_refuses_is_asked_a_few_times_by_all_together(server, service, monkeypatch):
    monkeypatch.setattr("scripts.lib.net.ledger.PAUSES", (2.0, 2.1, 2.2))
    server.queue = [(429, {}, "")] * 99
    failed = []

    def search(site, number):
        try:
            site.get("videos", {"q": str(number)})
        except (QuotaError, ServiceError) as error:
            failed.append(error)

    sites = [service(limits={"max_concurrent": 3}, max_wait=60) for _ in range(12)]
    threads = [threading.Thread(target=search, args=(site, number)) for number, site in enumerate(sites)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) <= 3 + 3, "those under way when it began, and one after each pause"
    assert len(failed) == 12 and all("site: answered 429" in str(error) for error in failed)


def test_what_is_kept_waits_for_nobody(server, service):
    """Neither for who asks the same anew, nor for the quota."""
    service().get("videos", {"q": "sea"})
    server.delay = 1.5
    anew = threading.Thread(target=service(timeout=(2, 9)).get, args=("videos", {"q": "sea"}, False))
    anew.start()
    wait_for(lambda: len(server.asked) == 2, every=0.01)
    service().ledger.block(60, "it said so")
    assert service().get("videos", {"q": "sea"}) == {"path": "/api/videos"}
    assert anew.is_alive()
    anew.join()


def test_a_wait_for_an_equal_search_is_told_and_has_an_end(server, service, caplog, monkeypatch):
    monkeypatch.setattr("scripts.lib.net.service.QUIET", 0.1)
    caplog.set_level("INFO")
    server.delay = 1.5
    first = threading.Thread(target=service(timeout=(2, 9)).get, args=("videos", {"q": "sea"}))
    first.start()
    wait_for(lambda: server.asked, every=0.01)
    with pytest.raises(QuotaError, match=r"site: another job has been asking the same for 0\.2 s; run again later"):
        service(max_wait=0.2).get("videos", {"q": "sea"})
    caplog.clear()
    assert service().get("videos", {"q": "sea"}) == {"path": "/api/videos"}
    told = [record.message for record in caplog.records]
    assert told == ["waiting: site: another job is asking the same", "site: waited long enough"]
    first.join()
    assert len(server.asked) == 1


def test_services_wait_for_their_own_searches_alone(server, service):
    server.delay = 1.5
    first = threading.Thread(target=service(name="pexels", timeout=(2, 9)).get, args=("videos", {"q": "sea"}, False))
    first.start()
    wait_for(lambda: server.asked, every=0.01)
    server.delay = 0.0
    service(name="pixabay").get("videos", {"q": "sea"}, cached=False)
    assert first.is_alive()
    first.join()


def test_a_connection_that_idled_through_a_wait_costs_no_request(service):
    """The server drops what has been idle for half a second."""
    idle = Host("idle", lambda exchange: exchange.reply(json_answer({})), idle=0.5)
    try:
        site = service(max_wait=20)
        site.base_url = idle.origin
        site.get("videos", {"q": "first"})
        site.ledger.block(1.5, "it said so")
        site.get("videos", {"q": "second"})
        site.ledger.block(1.5, "it said so")
        fresh = service(max_wait=20)
        fresh.base_url = idle.origin
        fresh.get("videos", {"q": "third"})
        assert site.ledger.requests.count() == len(idle.requests) == 3
    finally:
        idle.close()


def test_a_wait_that_is_too_long_fails_at_once(server, service):
    server.queue = [(429, {"Retry-After": "600"}, "")]
    began = time.time()
    with pytest.raises(QuotaError, match="free again at"):
        service().get("videos", {"q": "sea"})
    assert time.time() - began < 2


def test_every_attempt_counts_against_the_quota(server, service):
    server.queue = [(500, {}, "")]
    site = service(limits={"per_hour": 5, "min_interval": 0.05})
    site.get("videos", {"q": "sea"})
    assert site.ledger.used() == {"per_hour": (2, 5)}


def test_no_more_requests_at_once_than_allowed(server, service):
    server.delay = 0.2
    services = [service(limits={"max_concurrent": 2}) for _ in range(5)]
    threads = [threading.Thread(target=each.get, args=("videos", {"q": str(n)})) for n, each in enumerate(services)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.most == 2


def test_without_a_key_the_variable_is_named(server, service):
    with pytest.raises(MissingKey, match=r"site: there is no key: set NO_SUCH_KEY in the environment or in \.env"):
        service(key_env="NO_SUCH_KEY").get("videos", {})
    assert service("bearer", key_env="NO_SUCH_KEY").get("models", {}) == {"path": "/api/models"}
    assert "Authorization" not in server.asked[-1][1]


def test_post_sends_json_and_is_never_kept(server, service):
    site = service("bearer")
    for _ in range(2):
        assert site.post("chat", {"words": "größer"}) == {"path": "/api/chat"}
    assert [json.loads(body) for body in server.bodies] == [{"words": "größer"}] * 2
    server.queue = [(200, {"Content-Type": "audio/wav"}, b"\x00\xff")]
    assert site.post_bytes("speech", {}) == b"\x00\xff"


def test_sound_may_come_as_slowly_as_it_is_spoken(server, service):
    server.queue = [slow_sound]
    assert service("bearer").post_bytes("speech", {}) == b" " * 20
    assert len(server.bodies) == 1


def test_no_key_is_written_anywhere(server, service, tmp_path, caplog):
    caplog.set_level("DEBUG")
    server.queue = [(200, {"Content-Type": "application/json"}, json.dumps({"echo": KEY})), (400, {}, f"no {KEY}")]
    site = service("query", limits={"per_hour": 100, "max_concurrent": 1})
    assert site.get("videos", {"q": "sea"}) == {"echo": "***"}
    with pytest.raises(ServiceError) as error:
        site.get("videos", {"q": "city"})
    assert KEY not in str(error.value)
    written = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(written) > 3
    assert all(KEY.encode() not in path.read_bytes() for path in written)


def test_an_answer_that_is_too_large_is_refused(server, service, monkeypatch):
    monkeypatch.setattr("scripts.lib.net.service.MOST", 1000)
    server.queue = [(200, {}, " " * 2000)]
    with pytest.raises(ServiceError, match="too large"):
        service().get("videos", {})


def test_the_cache_holds_no_pickles(server, service, tmp_path):
    service().get("videos", {"q": "sea"})
    with contextlib.closing(sqlite3.connect(tmp_path / "cache/http.sqlite")) as kept:
        ((stored,),) = kept.execute("SELECT value FROM responses")
    assert json.loads(stored)["status_code"] == 200


def test_a_cache_on_a_network_file_system_is_warned_of(tmp_path, monkeypatch, caplog):
    cache_folder(str(tmp_path))
    assert caplog.text == ""
    monkeypatch.setattr("scripts.lib.net.cache.NETWORK", {file_system(tmp_path)})  # of which kind this one is
    cache_folder(str(tmp_path))
    assert f"cache_dir: {tmp_path} is on a network file system" in caplog.text
    assert "limits may not hold between machines; name a folder on a local disk" in caplog.text


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_unsaid(monkeypatch, value):
    monkeypatch.setenv("ODD_KEY", value)
    with pytest.raises(Exception, match="ODD_KEY: holds a space") as error:
        secret("ODD_KEY")
    assert value not in str(error.value)


def test_redaction_knows_a_key_as_addresses_quote_it(monkeypatch):
    monkeypatch.setenv("ODD_KEY", "ab+cd/ef==gh")
    assert secret("ODD_KEY") == "ab+cd/ef==gh"
    assert redact("a ab+cd/ef==gh b ab%2Bcd%2Fef%3D%3Dgh c") == "a *** b *** c"
    assert redact(rb'{"echo": "ab+cd\/ef==gh"}') == b'{"echo": "***"}', "and as JSON may escape it"


def test_a_projects_own_settings_lie_over_the_runs():
    config = {"llm": {"model": "a", "key_env": "A"}, "overrides": {"demo": {"llm": {"model": "b", "key_env": "B"}}}}
    assert settings_of(config, "demo", "llm")["key_env"] == "B"
    assert settings_of(config, "other", "llm")["key_env"] == "A"
