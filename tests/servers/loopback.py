"""HTTP/1.1 servers on loopback that note every request, and the faults that any server may have."""

import gzip
import io
import json
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

ARRIVED = getattr(socket, "SO_TIMESTAMPNS", 35) if sys.platform == "linux" else None
"""The socket option that makes the kernel say when it got what is read: on loopback, when it was sent. A thread that
notes the time when it is scheduled at last would see two requests closer together, or further apart, than they were."""


@dataclass
class Request:
    """One request and what became of it. `start` and `end` are UNIX seconds, from its arrival until just before the
    last of the answer was given to the kernel: inside of what the client would call the time of its request."""

    host: str
    start: float
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    about: str = ""
    """Words that say what is asked for, where path and parameters do not."""
    status: int | None = None
    fault: str = ""
    end: float = float("inf")

    @property
    def target(self) -> str:
        """What is asked for, without the key: `pexels /v1/videos/search query=sea`."""
        shown = " ".join(f"{name}={value}" for name, value in sorted(self.params.items()) if name != "key")
        return " ".join(filter(None, [self.host, self.path, shown, self.about]))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(data: object, status: int = 200, **headers: str) -> Answer:
    body = json.dumps(data, ensure_ascii=False).encode()
    return Answer(status, body, "application/json", {name.replace("_", "-"): value for name, value in headers.items()})


class _Stamped(io.RawIOBase):
    """Reads a socket; `arrived` is when the kernel got what was read last."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.arrived = sock, time.time()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not ARRIVED:
            size = self.sock.recv_into(buffer)
            self.arrived = time.time()
            return size
        size, notes, *_ = self.sock.recvmsg_into([buffer], socket.CMSG_SPACE(16))
        stamp = next((data for level, kind, data in notes if (level, kind) == (socket.SOL_SOCKET, ARRIVED)), None)
        self.arrived = time.time()
        if stamp:
            seconds, nanoseconds = struct.unpack("qq", stamp)
            self.arrived = seconds + nanoseconds / 1e9
        return size


class Exchange(BaseHTTPRequestHandler):
    """One connection; `noted` is the request that is being answered. Faults speak through its methods."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Host"

    def setup(self) -> None:
        self.timeout = self.server.idle
        super().setup()
        self.rfile.close()
        self.stamped = _Stamped(self.connection)
        self.rfile = io.BufferedReader(self.stamped)

    def do_GET(self) -> None:
        # A proxy is asked for whole addresses. Requests are not pipelined, so what arrived last is this one.
        parts = urlsplit(self.path)
        self.noted = Request(
            self.server.name if not parts.netloc else f"{self.server.name} for {parts.netloc}",
            self.stamped.arrived,
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
        )
        if length := int(self.headers.get("Content-Length") or 0):
            self.noted.body = self.rfile.read(length)
        self.server.requests.append(self.noted)
        try:
            self.server.answer(self)
        except OSError:  # the client has gone
            self.close_connection = True
        finally:
            self.noted.end = min(self.noted.end, time.time())

    do_HEAD = do_POST = do_GET

    def reply(self, answer: Answer, *, length: int | None = -1, upto: int | None = None, pace: float = 0.0) -> None:
        """Send an answer. `length`: what Content-Length says (-1: the truth; None: there is none, the end of the
        connection ends the body). `upto`: bytes of the body that are sent, and then no more. `pace`: seconds until
        the last byte of it has gone."""
        body = answer.body
        headers = {"Content-Type": answer.kind, "Date": self.date_time_string(), **answer.headers}
        squeezed = "gzip" in self.headers.get("Accept-Encoding", "") and length == -1 and upto is None
        if squeezed and answer.kind == "application/json" and len(body) > 999:
            body = gzip.compress(body, 1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if length is None:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = str(len(body) if length < 0 else length)
        self.close_connection |= length is None or length >= 0 or upto is not None
        self.noted.status = answer.status
        reason = HTTPStatus(answer.status).phrase
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        body = b"" if self.command == "HEAD" else body[:upto]
        if pace and body:
            pieces = [body[at : at + len(body) // 10 + 1] for at in range(0, len(body), len(body) // 10 + 1)]
            self.send(head)
            for piece in pieces:
                self.wait(pace / len(pieces))
                if piece is pieces[-1]:
                    self.noted.end = time.time()
                self.send(piece)
        else:
            self.noted.end = time.time()
            self.send(head + body)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def wait(self, seconds: float) -> None:
        """Sleep; wakes up when the server is closed."""
        self.server.closing.wait(seconds)

    def gone(self, seconds: float) -> bool:
        """Whether the client hangs up, or the server is closed, within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.server.closing.is_set():
            if select.select([self.connection], [], [], min(left, 0.2))[0]:
                return True
        return self.server.closing.is_set()

    def gather(self) -> None:
        """Say nothing until as many requests as the server's `together` have been under way at once, however slowly
        this machine sends them; if they never are, for 20 seconds."""
        if sum(request.end == float("inf") for request in list(self.server.requests)) >= self.server.together:
            self.server.gathered.set()
        self.server.gathered.wait(20)
        self.server.gathered.set()

    def trickle(self, data: bytes) -> None:
        """Send byte by byte, never silent for as long as a read times out."""
        for byte in data:
            if self.gone(0.1):
                break
            self.send(bytes([byte]))
        self.close_connection = True

    def hold(self) -> None:
        """Say nothing more until the client gives up."""
        while not self.gone(60):
            pass
        self.close_connection = True

    def reset(self) -> None:
        """End the connection as a crash does: with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Not to stderr: `requests` holds all."""


class Host(ThreadingHTTPServer):
    """A server of its own origin, in threads of this process, until it is closed. It drops connections on which nothing
    comes for `idle` seconds."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, name: str, answer: Callable[[Exchange], None], port: int = 0, idle: float | None = None) -> None:
        super().__init__(("127.0.0.1", port), Exchange)
        if ARRIVED:
            self.socket.setsockopt(socket.SOL_SOCKET, ARRIVED, 1)  # connections inherit it before they are accepted
        self.name, self.answer, self.idle = name, answer, idle
        self.requests: list[Request] = []
        self.broken: list[BaseException] = []
        self.closing, self.gathered = threading.Event(), threading.Event()
        self.together = 0
        self.connections: set[socket.socket] = set()
        self.opened = 0
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name=name)
        self.thread.start()

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self.connections.add(request)
        self.opened += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: socket.socket, client_address: object) -> None:
        """A fault of the server itself, kept for the test to see; clients that hang up are none."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.broken.append(error)

    def close(self) -> None:
        """Stop, and wait for every thread. Raises the first exception that the server itself met."""
        self.closing.set()
        self.shutdown()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()
        self.thread.join()
        if self.broken:
            raise self.broken[0]


def peak(requests: Iterable[Request]) -> int:
    """The most requests that were under way at the same time."""
    edges = [edge for request in requests for edge in ((request.start, 1), (request.end, -1))]
    most = now = 0
    for _, step in sorted(edges):
        now += step
        most = max(most, now)
    return most


def most_within(requests: Iterable[Request], seconds: float) -> int:
    """The most requests that came within any span of so many seconds."""
    starts = sorted(request.start for request in requests)
    return max((sum(start <= other < start + seconds for other in starts) for start in starts), default=0)


def least_gap(requests: Iterable[Request]) -> float:
    """Seconds between the two requests that came closest after each other."""
    starts = sorted(request.start for request in requests)
    return min((later - start for start, later in pairwise(starts)), default=float("inf"))
