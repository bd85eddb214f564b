"""A download ends with the whole file or a clear error, whatever the server does; over real sockets (tests/servers)."""

import dataclasses
import hashlib
import http.server
import json
import logging
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from conftest import ROOT, wait_for

from scripts.lib.errors import UserError
from scripts.lib.net.download import MOST_REDIRECTS, DownloadError, download, parts
from scripts.lib.net.retry import ATTEMPTS
from tests.servers.faults import DOWNLOAD
from tests.servers.loopback import Answer, Exchange, Host

BODY = random.Random(1).randbytes(300_000)
SIGNATURE = "sentinel-signature"
NETWORK = {"timeout": [1, 1], "max_wait": 5, "max_download_mb": 1, "allow_private": True}
ETAG = {"ETag": '"one"'}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("scripts.lib.net.retry.LONGEST", 0.02)


@pytest.fixture(autouse=True)
def unsigned(tmp_path, caplog):
    """Whatever happens, what signs a link is written nowhere."""
    caplog.set_level(logging.INFO)
    yield
    assert SIGNATURE not in caplog.text
    assert not any(SIGNATURE.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.fixture
def files():
    """A server of one file: each request meets the fault that is next in `faults`, or is answered."""
    state = SimpleNamespace(faults=[], body=BODY, marks=ETAG, ranges=True, pace=0.0)

    def answer(exchange: Exchange) -> None:
        exchange.whole = Answer(200, state.body, "video/mp4", state.marks)
        part = ranged(exchange.whole, exchange.noted.headers) if state.ranges else exchange.whole
        if state.faults:
            state.faults.pop(0)(exchange, part)
        else:
            exchange.reply(part, pace=state.pace)

    host = Host("files", answer)
    state.url, state.requests = f"{host.origin}/1/clip.mp4?signature={SIGNATURE}", host.requests
    yield state
    host.close()


def ranged(whole: Answer, headers: dict[str, str]) -> Answer:
    """What a server does with `Range: bytes=FIRST-` and `If-Range`."""
    asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
    if not asked or headers.get("if-range", "") not in ("", *whole.headers.values()):
        return whole
    first, size = int(asked[1]), len(whole.body)
    if first >= size:
        return Answer(416, b"", headers={"Content-Range": f"bytes */{size}"})
    place = {"Content-Range": f"bytes {first}-{size - 1}/{size}"}
    return dataclasses.replace(whole, status=206, body=whole.body[first:], headers=whole.headers | place)


def asked_for(files) -> list[str | None]:
    return [request.headers.get("range") for request in files.requests]


def begin(target, files, size=100_000, **noted):
    """Leave of a download what a killed job does."""
    part, note = parts(target)
    part.write_bytes(BODY[:size])
    same = {"url": files.url.partition("?")[0], "etag": '"one"', "modified": None, "length": len(BODY)}
    note.write_text(json.dumps(same | noted))


def is_whole(body):
    def check(path):
        if path.read_bytes() != body:
            raise UserError("is another file")

    return check


def test_a_file_is_fetched_with_one_plain_request(files, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password sentinel-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    download(files.url, tmp_path / "new/clip.mp4", NETWORK, sha256=hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "new/clip.mp4").read_bytes() == BODY
    assert os.listdir(tmp_path / "new") == ["clip.mp4"]
    (request,) = files.requests
    assert request.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "range"} & request.headers.keys()


PASSING = [
    *("429", "429-retry-after", "500", "502", "503", "timeout", "reset", "reset-midway", "closed", "truncated"),
    *("no-length", "no-length-cut", "chunks-cut", "no-range", "wrong-range", "changed", "nothing", "html-as-mp4"),
    *("stall", "trickle", "trickling-head"),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_costs_nothing_but_time(files, tmp_path, fault):
    again = fault in ("no-range", "wrong-range", "changed")  # these show when the rest is asked for
    files.faults = [DOWNLOAD[fault]] * (2 if again else 1)
    download(files.url, tmp_path / "clip.mp4", NETWORK, check=is_whole(BODY))
    assert (tmp_path / "clip.mp4").read_bytes() == BODY
    assert os.listdir(tmp_path) == ["clip.mp4"]
    assert not files.faults and len(files.requests) <= 4


STAYING = {
    "429": ("answered 429", True),
    "503": ("answered 503", True),
    "timeout": ("nothing came for 1 s", True),
    "reset": ("the connection broke off", True),
    "closed": ("the connection broke off", True),
    "truncated": ("sent 200,000 of 300,000 bytes", True),
    "trickle": ("sends less than 10 kB a second", True),
    "trickling-head": ("nothing came for 1 s", True),
    "stall": ("nothing came for 1 s", True),
    "404": ("answered 404", False),
    "challenge-403": ("answered 403", False),
    "nothing": ("what it sent is empty", False),
    "no-length-cut": ("what it sent is another file", False),
    "oversized": ("is larger than 1 MB, the most that network.max_download_mb allows", False),
    "oversized-said": ("is larger than 1 MB, the most that network.max_download_mb allows", False),
    "local-file": ("its redirect is not an http or https address .it begins with 'file'.", False),
    "loop": ("redirects more than 5 times", False),
}


@pytest.mark.parametrize("fault", STAYING)
def test_a_fault_that_stays_is_named_and_leaves_no_file(files, tmp_path, fault):
    files.faults, files.ranges = [DOWNLOAD[fault]] * 99, False
    message, transient = STAYING[fault]
    with pytest.raises(DownloadError, match=rf"^127\.0\.0\.1: {message}$") as error:
        download(files.url, tmp_path / "clip.mp4", NETWORK, check=is_whole(BODY))
    assert error.value.transient == transient
    assert not (tmp_path / "clip.mp4").exists()
    if transient:
        assert len(files.requests) == ATTEMPTS
    elif fault not in ("404", "challenge-403"):
        assert os.listdir(tmp_path) == []


def test_the_status_of_a_refusal_is_known(files, tmp_path):
    files.faults = [DOWNLOAD["404"]]
    with pytest.raises(DownloadError) as error:
        download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert error.value.status == 404 and len(files.requests) == 1


def test_a_server_that_asks_for_more_patience_than_there_is_is_not_waited_for(files, tmp_path):
    busy = Answer(429, headers={"Retry-After": "60"})
    files.faults = [lambda exchange, _: exchange.reply(busy)]
    with pytest.raises(DownloadError, match="answered 429") as error:
        download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert error.value.transient and len(files.requests) == 1


DATE = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


@pytest.mark.parametrize("marks", [ETAG, DATE, {"ETag": 'W/"one"'}, {}], ids=["etag", "date", "weak etag", "length"])
def test_a_download_that_broke_off_goes_on_where_it_stopped(files, tmp_path, marks):
    files.marks = marks
    files.faults = [DOWNLOAD["truncated"]]
    download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert (tmp_path / "clip.mp4").read_bytes() == BODY
    assert asked_for(files) == [None, "bytes=200000-"]


KILLED = """
import sys
from pathlib import Path
from scripts.lib.net.download import download
network = {"timeout": [5, 5], "max_wait": 5, "max_download_mb": 1, "allow_private": True}
download(sys.argv[1], Path(sys.argv[2]), network)
"""


def test_a_killed_download_is_gone_on_with_by_the_next(files, tmp_path):
    files.pace = 4.0
    target = tmp_path / "clip.mp4"
    job = subprocess.Popen([sys.executable, "-c", KILLED, files.url, str(target)], cwd=ROOT)
    part = parts(target)[0]
    wait_for(lambda: part.exists() and part.stat().st_size > 50_000)
    job.kill()
    job.wait()
    left = part.stat().st_size
    assert 50_000 < left < len(BODY) and not target.exists()
    files.pace = 0.0
    download(files.url.replace(SIGNATURE, "another"), target, NETWORK)
    assert target.read_bytes() == BODY
    assert asked_for(files) == [None, f"bytes={left}-"]
    assert os.listdir(tmp_path) == ["clip.mp4"]


def test_a_download_that_was_killed_at_its_last_byte_asks_for_nothing(files, tmp_path):
    begin(tmp_path / "clip.mp4", files, size=len(BODY))
    download(files.url, tmp_path / "clip.mp4", NETWORK, check=is_whole(BODY))
    assert (tmp_path / "clip.mp4").read_bytes() == BODY and not files.requests


@pytest.mark.parametrize(
    "noted",
    [
        {"url": "http://127.0.0.1/another.mp4"},
        {"etag": None, "length": None},
        None,
    ],
    ids=["of another file", "of nothing that can be compared", "damaged"],
)
def test_a_part_that_may_be_of_another_file_is_fetched_anew(files, tmp_path, noted):
    begin(tmp_path / "clip.mp4", files, **(noted or {}))
    if noted is None:
        parts(tmp_path / "clip.mp4")[1].write_text('{"url": ')
    download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert (tmp_path / "clip.mp4").read_bytes() == BODY
    assert asked_for(files) == [None]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_has_changed_since_is_fetched_anew(files, tmp_path, ranges):
    begin(tmp_path / "clip.mp4", files)
    files.body, files.marks, files.ranges = BODY[::-1], {"ETag": '"two"'}, ranges
    download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert (tmp_path / "clip.mp4").read_bytes() == BODY[::-1]
    assert asked_for(files) == ["bytes=100000-"]


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(len(BODY) - 1, id="another length"),
        pytest.param(50_000, id="shorter than what is there: 416"),
    ],
)
def test_a_part_that_does_not_fit_the_file_is_fetched_anew(files, tmp_path, size):
    files.body, files.marks = BODY[::-1][:size], {}
    begin(tmp_path / "clip.mp4", files, etag=None)
    download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert (tmp_path / "clip.mp4").read_bytes() == files.body
    assert asked_for(files) == ["bytes=100000-", None]


def test_a_file_with_another_checksum_is_refused(files, tmp_path):
    with pytest.raises(DownloadError, match=r"not the file that was expected: its SHA-256 is [0-9a-f]{64}, not 0000"):
        download(files.url, tmp_path / "model.bin", NETWORK, sha256="0" * 64)
    assert os.listdir(tmp_path) == [] and len(files.requests) == 2


def test_the_limit_on_size_can_be_set_for_a_file(files, tmp_path):
    download(files.url, tmp_path / "model.bin", NETWORK | {"max_download_mb": 0.1}, max_mb=0.5)
    with pytest.raises(DownloadError, match=r"is larger than 0\.2 MB"):
        download(files.url, tmp_path / "another.bin", NETWORK, max_mb=0.2)
    assert os.listdir(tmp_path) == ["model.bin"]


def test_a_compressed_answer_is_refused(files, tmp_path):
    files.marks = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadError, match="sends it compressed, though asked not to"):
        download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert os.listdir(tmp_path) == []


def hop(to):
    return lambda exchange, _: exchange.reply(Answer(302, headers={"Location": to}))


def test_redirects_are_followed_as_far_as_is_sane(files, tmp_path):
    files.faults = [hop("/2/clip.mp4")] * MOST_REDIRECTS
    download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert [request.path for request in files.requests] == ["/1/clip.mp4", *["/2/clip.mp4"] * MOST_REDIRECTS]


@pytest.mark.parametrize("to", ["http://[::1", "http://user:pass@127.0.0.1/", "ftp://127.0.0.1/", "http://a b/"])
def test_a_redirect_to_what_is_no_plain_web_address_is_refused(files, tmp_path, to):
    files.faults = [hop(to)]
    with pytest.raises(DownloadError, match=r"^127\.0\.0\.1: its (redirect|link, or what it redirects to,) ") as error:
        download(files.url, tmp_path / "clip.mp4", NETWORK)
    assert not error.value.transient and len(files.requests) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/passwd", "its link is not an http or https address"),
        ("ftp://example.com/clip.mp4", "its link is not an http or https address"),
        ("http://me:pass@example.com/clip.mp4", "its link holds a user name"),
        ("http://[::1/clip.mp4", "its link is not a web address"),
        ("clip.mp4", "its link is not an http or https address"),
    ],
)
def test_a_link_that_is_no_plain_web_address_is_refused(tmp_path, url, message):
    with pytest.raises(DownloadError, match=message):
        download(url, tmp_path / "clip.mp4", NETWORK)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_refused_before_a_byte_is_sent(files, tmp_path, host):
    with pytest.raises(DownloadError, match=r"^its link leads to (127\.0\.0\.1|::1), which is no public address"):
        download(files.url.replace("127.0.0.1", host), tmp_path / "clip.mp4", NETWORK | {"allow_private": False})
    assert not files.requests


@pytest.mark.parametrize("to", ["http://10.0.0.1/clip.mp4", "http://169.254.169.254/latest/", "http://localhost/x"])
def test_a_redirect_to_a_private_address_is_refused(files, tmp_path, monkeypatch, to):
    """Through a proxy, so that what redirects is no private address itself."""
    monkeypatch.setenv("http_proxy", files.url.partition("/1/")[0])
    monkeypatch.delenv("no_proxy", raising=False)
    files.faults = [hop(to)]
    with pytest.raises(DownloadError, match=r"^files\.example: its redirect leads to [\d.:]+, which is no public"):
        download("http://files.example/clip.mp4", tmp_path / "clip.mp4", NETWORK | {"allow_private": False})
    assert len(files.requests) == 1


@pytest.fixture
def secure(tmp_path):
    """A server with a certificate of its own; what its file holds is a redirect to http."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", "req", *made, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Redirecting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/clip.mp4")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield SimpleNamespace(url=f"https://127.0.0.1:{server.server_port}/clip.mp4", certificate=certificate)
        server.shutdown()
        thread.join()


def test_https_is_never_left_for_http(secure, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secure.certificate))
    with pytest.raises(DownloadError, match="its redirect leaves https"):
        download(secure.url, tmp_path / "clip.mp4", NETWORK)


def test_a_certificate_that_cannot_be_verified_is_no_fault_of_the_file(secure, tmp_path):
    with pytest.raises(DownloadError, match="its certificate cannot be verified") as error:
        download(secure.url, tmp_path / "clip.mp4", NETWORK)
    assert error.value.transient


def test_a_host_that_is_not_there_is_named(tmp_path):
    closed = Host("closed", lambda exchange: None)
    closed.close()
    with pytest.raises(DownloadError, match=r"^127\.0\.0\.1: cannot be reached$") as error:
        download(f"{closed.origin}/clip.mp4", tmp_path / "clip.mp4", NETWORK)
    assert error.value.transient


def test_a_disk_that_is_full_is_no_fault_of_the_file(files, tmp_path):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99_999, 99_999))" + KILLED
    job = subprocess.run(
        [sys.executable, "-c", limited, files.url, str(tmp_path / "clip.mp4")], cwd=ROOT, capture_output=True, text=True
    )
    assert job.stderr.splitlines()[-1].startswith("scripts.lib.errors.UserError: ")
    assert job.stderr.endswith(": cannot be written to (File too large)\n")
    assert not (tmp_path / "clip.mp4").exists() and len(files.requests) == 1


def test_a_place_that_cannot_be_written_to_is_no_fault_of_the_file(files, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file: cannot be written to \(.*\)") as error:
        download(files.url, tmp_path / "file/clip.mp4", NETWORK)
    assert not isinstance(error.value, DownloadError)
