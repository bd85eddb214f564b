"""Fetch a file: into a part file that the next attempt or run goes on with, checked before it is given its name."""

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.net.addresses import AddressError, check_url, guarded
from scripts.lib.net.retry import TransientError, retry_after, retrying
from scripts.lib.problems import printable

HEADERS = {"User-Agent": "content-machine", "Accept-Encoding": "identity"}
MOST_REDIRECTS = 5
LEAST_SPEED = 10_000
"""Bytes a second, over as long as the next bytes are waited for: at less, a clip of 20 MB would take half an hour."""
CHUNK = 2**18
MAY_PASS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class DownloadError(UserError):
    """A file that cannot be had. `status` is the HTTP status where that is why; `transient`: the network is to blame,
    and not this file. The message names the host alone: what follows in a link may be a signature."""

    def __init__(self, message: str, status: int | None = None, transient: bool = False) -> None:
        super().__init__(message)
        self.status, self.transient = status, transient


def download(
    url: str,
    target: Path,
    network: dict,
    sha256: str | None = None,
    max_mb: float | None = None,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Write the file at `url` to `target`, whole or not at all.

    `network` is the configuration's section; `max_mb` takes the place of its limit. `check` is given the part file and
    raises UserError, saying what the file is or has, where it is not what it should be; the file is then fetched once
    more, from its start. One process at a time may fetch to a target.

    Raises DownloadError; UserError where it cannot be written.
    """
    most = (max_mb or network["max_download_mb"]) * 1e6
    try:
        check_url(url, network["allow_private"])
        host = printable(urlsplit(url).hostname)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _Part(target, url)
        with guarded(requests.Session(), network["allow_private"]) as session:
            session.auth = lambda request: request  # so that no .netrc is asked
            session.headers.update(HEADERS)
            for _ in range(2):
                retrying(lambda: _fetch(session, url, part, network, most), network["max_wait"])
                if not (wrong := _wrong(part.path, sha256, check)):
                    break
                logging.info("%s: what it sent %s", host, wrong)
                part.drop()
            else:
                raise DownloadError(f"{host}: what it sent {wrong}")
        os.replace(part.path, target)
        part.note.unlink(missing_ok=True)
    except AddressError as error:
        raise DownloadError(f"its link {error}") from None
    except TransientError as error:
        raise DownloadError(str(error), transient=True) from None
    except OSError as error:
        raise UserError(f"{target.parent}: cannot be written to ({error.strerror or error})") from None


def parts(target: Path) -> tuple[Path, Path]:
    """The part file of a target, and the note of what it is a part of; a fetch that was broken off leaves them."""
    return target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.part.json")


class _Part:
    """What there is of a file. The note says of which: its address without what signs it, its versions' marks, its
    length; None for what the server does not say."""

    def __init__(self, target: Path, url: str) -> None:
        self.path, self.note = parts(target)
        self.address = urlsplit(url)._replace(query="", fragment="").geturl()

    def begun(self) -> tuple[int, dict]:
        """How many bytes there are, and the note; none where it cannot be known of what they are."""
        try:
            noted, size = read_json(self.note), self.path.stat().st_size
            if noted["url"] == self.address and (noted["etag"] or noted["modified"] or noted["length"]):
                return size, noted
        except (OSError, ValueError, KeyError, TypeError):  # none, or a note that was not ours
            pass
        return 0, {"length": None}

    def begin(self, headers: dict[str, str], length: int | None) -> None:
        self.path.write_bytes(b"")
        write_json(self.note, {"url": self.address, **_marks(headers), "length": length})

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _fetch(session: requests.Session, url: str, part: _Part, network: dict, most: float) -> None:
    """One request: the part file is whole when it returns. Raises TransientError, DownloadError."""
    begun, noted = part.begun()
    if begun and begun == noted["length"]:
        return
    with _open(session, url, _range(begun, noted) if begun else {}, network) as response:
        host = printable(urlsplit(response.url).hostname)
        if begun and not _continues(response, begun, noted):
            if response.status_code in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                part.drop()
                raise TransientError(f"{host}: has not the rest of what was begun, which is fetched anew")
            begun = 0
        if response.status_code != (HTTPStatus.PARTIAL_CONTENT if begun else HTTPStatus.OK):
            raise _refused(host, response)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise DownloadError(f"{host}: sends it compressed, though asked not to")
        response.raw.enforce_content_length = False  # what is missing is told below
        length = response.raw.length_remaining
        if length is not None:
            length += begun
        if (length or begun) > most:
            part.drop()
            raise _too_large(host, most)
        if not begun:
            part.begin(response.headers, length)
        with part.path.open("ab") as file:
            for chunk in _chunks(response, host, network["timeout"][1]):
                file.write(chunk)
                if file.tell() > most:
                    part.drop()
                    raise _too_large(host, most)
            file.flush()
            os.fsync(file.fileno())
            if file.tell() < (length or 0):
                raise TransientError(f"{host}: sent {file.tell():,} of {length:,} bytes")


def _range(begun: int, noted: dict) -> dict[str, str]:
    """Headers that ask for the rest, and for the whole if it is another file by now. A weak mark (W/"...") is none."""
    strong = noted["etag"] if noted["etag"] and not noted["etag"].startswith("W/") else noted["modified"]
    return {"Range": f"bytes={begun}-"} | ({"If-Range": strong} if strong else {})


def _marks(headers: dict[str, str]) -> dict[str, str | None]:
    """What tells one version of a file from another, as far as a request can repeat it."""
    said = {"etag": headers.get("ETag"), "modified": headers.get("Last-Modified")}
    return {mark: value if value and value.isprintable() else None for mark, value in said.items()}


def _continues(response: requests.Response, begun: int, noted: dict) -> bool:
    """Whether an answer is the rest of the very file that was begun: what both say of it agrees, and there is some."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status_code != HTTPStatus.PARTIAL_CONTENT or not found or int(found[1]) != begun:
        return False
    said = _marks(response.headers) | {"length": None if found[2] == "*" else int(found[2])}
    same = [said[mark] == noted[mark] for mark in said if said[mark] and noted[mark]]
    return bool(same) and all(same)


def _open(session: requests.Session, url: str, headers: dict[str, str], network: dict) -> requests.Response:
    """The answer to a request, its body still to be read; each redirect is judged before it is followed."""
    host = printable(urlsplit(url).hostname)
    for hop in range(MOST_REDIRECTS + 1):
        try:
            check_url(url, network["allow_private"])
            response = session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=tuple(network["timeout"])
            )
            location = session.get_redirect_target(response)
            if location is None:
                return response
            response.close()
            there = urljoin(url, location)
        except AddressError as error:
            raise DownloadError(f"{host}: its redirect {error}") if hop else error from None
        except (requests.RequestException, HTTPError, ValueError) as error:
            raise _broken(host, error, network["timeout"]) from None
        if url.startswith("https:") and there.startswith("http:"):
            raise DownloadError(f"{host}: its redirect leaves https, so that anybody on the way could change the file")
        url = there
    raise DownloadError(f"{host}: redirects more than {MOST_REDIRECTS} times")


def _chunks(response: requests.Response, host: str, patience: float) -> Iterator[bytes]:
    """The body as it comes, in time: nothing for `patience` seconds, or next to nothing over as long, ends it."""
    since, got = time.monotonic(), 0
    while True:
        try:
            chunk = response.raw.read1(CHUNK, decode_content=False)
        except (HTTPError, OSError) as error:
            raise _broken(host, error, (0, patience)) from None
        if not chunk:
            return
        yield chunk
        got += len(chunk)
        if (spent := time.monotonic() - since) >= patience:
            if got < LEAST_SPEED * spent:
                raise TransientError(f"{host}: sends less than {LEAST_SPEED / 1000:g} kB a second")
            since, got = time.monotonic(), 0


def _refused(host: str, response: requests.Response) -> UserError:
    status = response.status_code
    if status >= 500 or status in MAY_PASS:
        return TransientError(f"{host}: answered {status}", retry_after(response.headers.get("Retry-After")))
    return DownloadError(f"{host}: answered {status}", status)


def _broken(host: str, error: Exception, timeout: tuple[float, float]) -> UserError:
    """What an exception means; its own text, which holds the whole link, is not shown."""
    if isinstance(error, requests.exceptions.SSLError):
        return DownloadError(
            f"{host}: its certificate cannot be verified; check the machine's clock and network", transient=True
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TransientError(f"{host}: no connection within {timeout[0]:g} s")
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return TransientError(f"{host}: nothing came for {timeout[1]:g} s")
    if isinstance(error, requests.ConnectionError) and re.search("NewConnection|NameResolution", repr(error)):
        return TransientError(f"{host}: cannot be reached")
    if isinstance(error, ValueError):
        return DownloadError(f"{host}: its link, or what it redirects to, is not a web address")
    return TransientError(f"{host}: the connection broke off")


def _too_large(host: str, most: float) -> DownloadError:
    return DownloadError(f"{host}: is larger than {most / 1e6:g} MB, the most that network.max_download_mb allows")


def _wrong(path: Path, sha256: str | None, check: Callable[[Path], None] | None) -> str:
    """What is wrong with a file that was sent whole; empty where nothing is."""
    if not path.stat().st_size:
        return "is empty"
    if sha256 and (found := digest(path)) != sha256:
        return f"is not the file that was expected: its SHA-256 is {found}, not {sha256}"
    try:
        if check:
            check(path)
    except UserError as error:
        return str(error)
    return ""


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
