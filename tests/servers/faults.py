"""What goes wrong on the wire, by name: of an API, of a download, and which requests it happens to."""

import dataclasses
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.loopback import Answer, Exchange, Request

CHALLENGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
)
M3U8 = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
FFCONCAT = b"ffconcat version 1.0\nfile /etc/passwd\nduration 5\n"


def _status(status: int, text: bytes, **headers: str) -> Callable[[Exchange, Answer], None]:
    answer = Answer(status, text, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return lambda exchange, _: exchange.reply(answer)


def _instead(body: bytes, kind: str, status: int = 200, **headers: str) -> Callable[[Exchange, Answer], None]:
    answer = Answer(status, body, kind, {name.replace("_", "-"): value for name, value in headers.items()})
    return lambda exchange, _: exchange.reply(answer)


def _timeout(exchange: Exchange, answer: Answer) -> None:
    exchange.hold()


def _reset(exchange: Exchange, answer: Answer) -> None:
    exchange.reset()


def _closed(exchange: Exchange, answer: Answer) -> None:
    """The connection ends in good order, with no answer."""
    exchange.close_connection = True


def _reset_midway(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(answer, length=len(answer.body), upto=len(answer.body) // 2)
    exchange.wait(0.05)  # what was sent is lost where the RST overtakes it
    exchange.reset()


def _truncated(exchange: Exchange, answer: Answer) -> None:
    """The body is shorter than Content-Length."""
    exchange.reply(answer, length=len(answer.body), upto=len(answer.body) * 2 // 3)


def _stall(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(answer, length=len(answer.body), upto=len(answer.body) // 2)
    exchange.hold()


def _trickle(exchange: Exchange, answer: Answer) -> None:
    """Never silent for as long as a read times out, and never done."""
    exchange.reply(answer, length=len(answer.body), upto=0)
    exchange.trickle(answer.body)


def _trickling_head(exchange: Exchange, answer: Answer) -> None:
    """The same, of the status and the headers."""
    exchange.trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: none\r\n" * 5)


def _echo(exchange: Exchange, answer: Answer) -> None:
    """What was asked, the key included, in the answer."""
    text = f"cannot answer {exchange.path} {exchange.headers.get('Authorization', '')}"
    exchange.reply(Answer(400, text.encode()))


def _elsewhere(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(Answer(302, headers={"Location": f"{exchange.server.other}/stolen{exchange.path}"}))


API: dict[str, Callable[[Exchange, Answer], None]] = {
    "429": _status(429, b"Too Many Requests"),
    "429-retry-after": _status(429, b"Too Many Requests", Retry_After="1"),
    "500": _status(500, b"Internal Server Error"),
    "502": _status(502, b"Bad Gateway"),
    "503": _status(503, b"Service Unavailable", Retry_After="1"),
    "timeout": _timeout,
    "reset": _reset,
    "reset-midway": _reset_midway,
    "closed": _closed,
    "not-json": _instead(b"<html><body>Welcome</body></html>", "text/html"),
    "cut-json": _instead(b'{"page": 1, "videos": [', "application/json"),
    "json-list": _instead(b"[]", "application/json"),
    "challenge-403": _instead(CHALLENGE, "text/html; charset=UTF-8", 403, cf_mitigated="challenge"),
    "challenge-429": _instead(CHALLENGE, "text/html; charset=UTF-8", 429, cf_mitigated="challenge"),
    "truncated": _truncated,
    "trickle": _trickle,
    "trickling-head": _trickling_head,
    "stall": _stall,
    "echo": _echo,
    "elsewhere": _elsewhere,
}
"""Faults of an API's answers. Those of `CONTENT` (stock.py) change what a good answer holds."""
CONTENT = ("empty", "nulls", "echo-json")


def _unmeasured(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(dataclasses.replace(answer, status=200), length=None)


def _unmeasured_and_cut(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(dataclasses.replace(answer, status=200), length=None, upto=len(answer.body) // 2)


def _chunks_cut(exchange: Exchange, answer: Answer) -> None:
    """Chunked, and the last chunk never comes."""
    half = answer.body[: len(answer.body) // 2]
    chunked = Answer(200, b"%x\r\n%s\r\n" % (len(half), half), answer.kind, {"Transfer-Encoding": "chunked"})
    exchange.reply(chunked, length=None)


def _no_range(exchange: Exchange, answer: Answer) -> None:
    """Cut, and then the whole again whatever Range asks for."""
    if "range" in exchange.noted.headers:
        exchange.reply(exchange.whole)
    else:
        _truncated(exchange, answer)


def _wrong_range(exchange: Exchange, answer: Answer) -> None:
    """Cut, and then another part than Range asks for."""
    if "range" in exchange.noted.headers:
        body = exchange.whole.body
        headers = answer.headers | {"Content-Range": f"bytes 5-{len(body) - 1}/{len(body)}"}
        exchange.reply(dataclasses.replace(answer, status=206, body=body[5:], headers=headers))
    else:
        _truncated(exchange, answer)


def _changed(exchange: Exchange, answer: Answer) -> None:
    """Cut; then a part, as asked for, of what has meanwhile become another file."""
    if "range" in exchange.noted.headers:
        headers = answer.headers | {"ETag": '"another"'}
        exchange.reply(dataclasses.replace(answer, body=bytes(len(answer.body)), headers=headers))
    else:
        _truncated(exchange, answer)


def _oversized(exchange: Exchange, answer: Answer) -> None:
    """No length, and no end."""
    exchange.reply(answer, length=None)
    for _ in range(10_000):
        if exchange.gone(0):
            return
        exchange.send(bytes(65_536))


def _redirect_loop(exchange: Exchange, answer: Answer) -> None:
    exchange.reply(Answer(302, headers={"Location": exchange.path}))


def _redirect(location: str) -> Callable[[Exchange, Answer], None]:
    return lambda exchange, _: exchange.reply(Answer(302, headers={"Location": location}))


DOWNLOAD: dict[str, Callable[[Exchange, Answer], None]] = {
    "429": API["429"],
    "429-retry-after": API["429-retry-after"],
    "500": API["500"],
    "502": API["502"],
    "503": API["503"],
    "timeout": _timeout,
    "reset": _reset,
    "reset-midway": _reset_midway,
    "closed": _closed,
    "challenge-403": API["challenge-403"],
    "403": _status(403, b"Forbidden"),
    "404": _status(404, b"Not Found"),
    "truncated": _truncated,
    "no-length": _unmeasured,
    "no-length-cut": _unmeasured_and_cut,
    "chunks-cut": _chunks_cut,
    "no-range": _no_range,
    "wrong-range": _wrong_range,
    "changed": _changed,
    "nothing": _instead(b"", "video/mp4"),
    "html": _instead(b"<!DOCTYPE html><html><body>Sign in to download</body></html>", "text/html"),
    "html-as-mp4": _instead(b"<!DOCTYPE html><html><body>Sign in to download</body></html>" * 99, "video/mp4"),
    "noise": _instead(random.Random(0).randbytes(50_000), "video/mp4"),
    "m3u8": _instead(M3U8, "application/vnd.apple.mpegurl"),
    "m3u8-as-mp4": _instead(M3U8, "video/mp4"),
    "ffconcat": _instead(FFCONCAT, "video/mp4"),
    "private": _redirect("http://10.0.0.1/clip.mp4"),
    "metadata": _redirect("http://169.254.169.254/latest/meta-data/"),
    "local-file": _redirect("file:///etc/passwd"),
    "loop": _redirect_loop,
    "trickle": _trickle,
    "trickling-head": _trickling_head,
    "stall": _stall,
    "oversized": _oversized,
    "oversized-said": lambda exchange, answer: exchange.reply(answer, length=10**10),
}
"""Faults of a download. `expired` (stock.py) lasts until the clip is looked up again by its id, and is over then."""


@dataclass
class Fault:
    """One of `names` happens to the requests whose target (`Request.target`) holds the words `where`, at a `rate`; to
    the first `times` requests of each target; to the first `targets` targets."""

    names: tuple[str, ...]
    where: str = ""
    rate: float = 1.0
    times: int | None = None
    targets: int | None = None


@dataclass
class Faults:
    """Which request meets which fault: the first of `faults` that applies. Depends on `seed` and on what is asked for
    how many times, never on the order in which different things are."""

    faults: list[Fault] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: dict[tuple[int, str], int] = {}

    def meet(self, request: Request, known: set[str]) -> str:
        """The fault that befalls a request, of those `known` to its server, or an empty text. `request.about` and the
        path say what it is about; the query's `e` and `s` of a signed link do not."""
        with self.lock:
            for number, fault in enumerate(self.faults):
                names = [name for name in fault.names if name in known]
                if not names or fault.where not in request.target:
                    continue
                met = {target for rule, target in self.asked if rule == number}
                target = f"{request.host} {request.about}" if request.about else request.target
                if fault.targets is not None and target not in met and len(met) >= fault.targets:
                    continue
                nth = self.asked[number, target] = self.asked.get((number, target), 0) + 1
                chance = random.Random(f"{self.seed} {number} {target} {nth}")
                if (fault.times is None or nth <= fault.times) and chance.random() < fault.rate:
                    return chance.choice(names)
        return ""
