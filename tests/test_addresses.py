"""Links of strangers lead to public addresses alone."""

import http.server
import threading

import pytest
import requests

from scripts.lib.net.addresses import AddressError, check_url, guarded


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.1.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "//example.com/x",
        "data:text/plain,x",
        "http:///x",
        "http://[::1/",
        "http://example.com:port/",
        "http://user@example.com/",
        "",
    ],
)
def test_what_is_no_public_web_address_is_refused(url):
    with pytest.raises(AddressError):
        check_url(url, allow_private=False)


@pytest.mark.parametrize("url", ["https://example.com/a.mp4?x=1", "http://93.184.216.34/", "http://[2606:4700::1111]/"])
def test_public_addresses_pass(url):
    check_url(url, allow_private=False)


def test_private_addresses_pass_where_they_are_allowed_and_other_schemes_do_not():
    check_url("http://127.0.0.1/x", allow_private=True)
    with pytest.raises(AddressError):
        check_url("file:///etc/passwd", allow_private=True)


@pytest.fixture
def server():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = asked
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1"])
def test_no_name_hides_a_private_address(server, host):
    """Names, and the odd spellings of numbers that some resolvers take, are judged by whom they connect to."""
    with (
        guarded(requests.Session(), allow_private=False) as session,
        pytest.raises(AddressError, match="no public address"),
    ):
        session.get(f"http://{host}:{server.server_port}/x", timeout=5)
    assert server.asked == [], "not a byte was sent"


def test_behind_a_proxy_names_are_judged_too(server):
    proxies = {"http": f"http://127.0.0.1:{server.server_port}"}
    with guarded(requests.Session(), allow_private=False) as session:
        with pytest.raises(AddressError):
            session.get("http://localhost/x", proxies=proxies, timeout=5)
        session.get("http://name.invalid/x", proxies=proxies, timeout=5)
    assert server.asked == ["http://name.invalid/x"]


def test_private_addresses_are_connected_to_where_they_are_allowed(server):
    with guarded(requests.Session(), allow_private=True) as session:
        assert session.get(f"http://localhost:{server.server_port}/x", timeout=5).ok
