"""Connections of urllib3 with more to them: the head of an answer comes in time, whatever else the caller adds."""

import io
import socket
import time
from http.client import HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


class Adapter(HTTPAdapter):
    """Opens connections of which the classes `more` are a part, before urllib3's own."""

    def __init__(self, *more: type) -> None:
        super().__init__()
        self.http = type("HTTP", (*more, _Timely, HTTPConnection), {})
        self.https = type("HTTPS", (*more, _Timely, HTTPSConnection), {})

    def get_connection_with_tls_context(self, *args: object, **options: object) -> object:
        pool = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = self.https if pool.scheme == "https" else self.http
        return pool


class _Response(HTTPResponse):
    """An answer whose status and headers, together, take no longer than one read may. Python's own waits as long for
    every single byte of them."""

    def __init__(self, sock: socket.socket, *args: object, **options: object) -> None:
        super().__init__(sock, *args, **options)
        self.reader = _Reader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self.reader)

    def begin(self) -> None:
        super().begin()
        self.reader.until = None  # how long the body may take is its reader's business


class _Timely:
    response_class = _Response


class _Reader(io.RawIOBase):
    """What a socket receives until a time; None: for as long as it waits at once."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self.sock, self.raw, self.patience = sock, raw, sock.gettimeout()
        self.until = None if self.patience is None else time.monotonic() + self.patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if self.until is None:
            return self.raw.readinto(buffer)
        if (left := self.until - time.monotonic()) <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        try:
            return self.raw.readinto(buffer)
        finally:
            self.sock.settimeout(self.patience)

    def close(self) -> None:
        self.raw.close()
        super().close()
