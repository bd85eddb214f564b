"""One remote API: requests with its key, within its limits, kept in a cache, tried again where that helps; answers that
are checked before they are used."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

import requests
from filelock import FileLock, Timeout
from urllib3.exceptions import HTTPError

from scripts.lib.net.cache import cache_folder
from scripts.lib.net.connections import Adapter
from scripts.lib.net.errors import MissingKey, ServiceError
from scripts.lib.net.ledger import DAY, QUIET, Ledger, QuotaError, Waiting, safe
from scripts.lib.net.retry import ATTEMPTS, TransientError, retry_after, retrying
from scripts.lib.net.secrets import redact, secret
from scripts.lib.problems import printable

AGENT = "content-machine/0.1"
SPEAKING = 20
"""How many times `network.timeout` a server may take to send sound, which some do as they make it."""
MOST = 64 * 2**20
"""Bytes of an answer: far more than any of JSON or a minute of speech, and no danger to a job's memory."""


class Service:
    """A session with one API.

    `limits` are those of `Ledger`, `network` is the configuration's section. `auth` says how the key travels: `key`
    (`Authorization: KEY`), `query` (`?key=KEY`) or `bearer` (`Authorization: Bearer KEY`; nothing where there is none).
    Answers to `get` are kept for `cached_for` seconds, whatever the key.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        key_env: str,
        limits: dict,
        network: dict,
        cache_dir: str,
        auth: str,
        cached_for: float = 0,
    ) -> None:
        self.name, self.base_url, self.key_env, self.auth = name, base_url.rstrip("/"), key_env, auth
        self.timeout, self.max_wait = tuple(network["timeout"]), network["max_wait"]
        self.key = secret(key_env)
        self.folder = cache_folder(cache_dir)
        self.tokens = 0
        self.ledger = Ledger(self.folder, name, self.key or "", limits, self.max_wait)
        self.session = _caching_session(self.folder, cached_for) if cached_for else _Session()
        self.session.service = self
        adapter = _adapter(self)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        self.session.auth = self._sign  # a callable, so that no .netrc is asked
        self.session.headers["User-Agent"] = AGENT
        self.session.hooks["response"].append(self._read)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.close()
        self.ledger.close()

    def get(self, path: str, params: dict, cached: bool = True) -> dict:
        """The JSON object at `path`; not `cached`: asked anew, whatever is kept.

        Equal requests of several processes at once are sent once. Raises ServiceError, QuotaError.
        """
        self._check_key()
        options = {}
        if type(self.session) is not _Session:
            if cached and (kept := self._kept(path, params)):  # before what others ask is waited for
                return kept
            options = {"force_refresh": not cached}
        with self.alone(json.dumps([self.base_url, path, params], sort_keys=True)):
            return self._tried(lambda: _object(self._ask("GET", path, params=params, **options), self.name))

    def post(self, path: str, body: dict, tokens: int = 0) -> dict:
        """The JSON object that answers `body`; `tokens` are counted against the limit of a minute.

        Raises ServiceError, QuotaError.
        """
        self.tokens = tokens
        return self._tried(lambda: _object(self._ask("POST", path, json=body), self.name))

    def post_bytes(self, path: str, body: dict) -> bytes:
        """The bytes that answer `body`, such as sound.

        Raises ServiceError, QuotaError.
        """
        return self._tried(lambda: self._ask("POST", path, json=body).content)

    def _check_key(self) -> None:
        if self.auth != "bearer" and not self.key:
            raise MissingKey(f"{self.name}: there is no key: set {self.key_env} in the environment or in .env")

    def _kept(self, path: str, params: dict) -> dict | None:
        response = self.session.request("GET", self._address(path), params=params, only_if_cached=True)
        return _object(response, self.name) if response.status_code == HTTPStatus.OK else None

    @contextmanager
    def alone(self, asked: str) -> Iterator[None]:
        """No other process asks the same meanwhile. Raises QuotaError where one does for longer than `max_wait`."""
        folder = self.folder / "locks"
        folder.mkdir(exist_ok=True)
        path = folder / f"{safe(self.name)}.{hashlib.sha256(asked.encode()).hexdigest()[:16]}.lock"
        lock, waiting = FileLock(path), Waiting(self.name, self.max_wait)
        try:
            lock.acquire(timeout=min(QUIET, self.max_wait))
        except Timeout:
            waiting.tell("another job is asking the same")
            try:
                lock.acquire(timeout=self.max_wait)
            except Timeout:
                long = f"another job has been asking the same for {self.max_wait:g} s"
                raise QuotaError(f"{self.name}: {long}; run again later, nothing is lost") from None
            waiting.over()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # who waits for it notices, and makes a new one
            lock.release()

    def _tried(self, what):
        self._check_key()
        try:
            return retrying(what, self.max_wait)
        except TransientError as error:
            raise ServiceError(f"{error}, {ATTEMPTS} times in a row; run again later", transient=True) from None

    def _ask(self, method: str, path: str, **options: object) -> requests.Response:
        """An answer of status 200, whole. Raises TransientError and ServiceError for anything else."""
        try:
            response = self.session.request(
                method, self._address(path), timeout=self.timeout, allow_redirects=False, **options
            )
        except (requests.RequestException, HTTPError) as error:
            raise self._broken(error) from None
        if response.status_code == HTTPStatus.OK:
            return response
        raise self._refused(response)

    def _address(self, path: str) -> str:
        return f"{self.base_url}/{path.lstrip('/')}"

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.auth == "query":
            request.prepare_url(request.url, {"key": self.key})
        elif self.key:
            request.headers["Authorization"] = f"Bearer {self.key}" if self.auth == "bearer" else self.key
        return request

    def _read(self, response: requests.Response, **_: object) -> None:
        """Take the answer while the request counts as under way: its body, bounded in size and time, the key taken out
        of it should it be echoed; and what it says of the quota."""
        if response._content is not False:  # read before, or from the cache
            return
        slow = response.headers.get("Content-Type", "").startswith(("audio/", "application/octet-stream"))
        body, deadline = bytearray(), time.monotonic() + self.timeout[1] * (SPEAKING if slow else 1)
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > MOST:
                raise requests.exceptions.ContentDecodingError(f"more than {MOST:,} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout
        response._content = redact(bytes(body))
        response._content_consumed = True
        self._note_quota(response)

    def _note_quota(self, response: requests.Response) -> None:
        """Hold all processes back where the answer says that nothing more is to be asked for a while.

        `X-RateLimit-Reset` is UNIX time at some services, in seconds or milliseconds, and seconds left at others: a
        number of seconds that reaches past 2001 is a time.
        """
        status, headers = response.status_code, response.headers
        try:
            reset = float(headers.get("X-RateLimit-Reset", ""))
        except ValueError:
            reset = 0.0
        reset /= 1000 if reset > 1e11 else 1
        reset -= time.time() if reset > 1e9 else 0
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after(headers.get("Retry-After")) or reset
            self.ledger.block(min(wait, DAY) if wait > 0 else None, self._said(response))
        elif status == HTTPStatus.OK and headers.get("X-RateLimit-Remaining") == "0" and reset > 0:
            self.ledger.block(reset, "its quota is used up, it says")
        elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.ledger.answered()

    def _said(self, response: requests.Response) -> str:
        """What an answer other than the wanted one says, in a few words."""
        said, kind = f"answered {response.status_code}", _kind(response)
        if _is_challenge(response):
            return f"{said} with a challenge page ({kind}): it takes this machine for a robot"
        words = self._words(response)
        return f"{said} ({words})" if words else said

    def _refused(self, response: requests.Response) -> Exception:
        status, said = response.status_code, f"{self.name}: {self._said(response)}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return TransientError(f"{said}: too many requests", 0)  # the ledger knows how long to wait
        if _is_challenge(response):
            return ServiceError(f"{said}; ask it less often, or from another network", status)
        if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
            return TransientError(said, retry_after(response.headers.get("Retry-After")))
        if 300 <= status < 400:
            return ServiceError(f"{said}, which leads elsewhere; set its base_url to where it really is", status)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or (status == 400 and "api key" in said.lower()):
            remedy = (
                f"check the key in {self.key_env}"
                if self.key
                else f"{self.key_env} is not set; set it in the environment or in .env"
            )
            return ServiceError(f"{said}: {remedy}", status)
        return ServiceError(said, status)

    def _words(self, response: requests.Response) -> str:
        """What the answer says is wrong, on one line."""
        text = response.text
        try:
            data = json.loads(text)
            found = data.get("error", data.get("message", data)) if isinstance(data, dict) else data
            found = found.get("message", found) if isinstance(found, dict) else found
            text = found if isinstance(found, str) else text
        except (ValueError, RecursionError):
            text = "" if "<html" in text.lower() else text
        return printable(redact(" ".join(text.split())), 200)

    def _broken(self, error: Exception) -> Exception:
        if isinstance(error, requests.exceptions.SSLError):
            return ServiceError(
                f"{self.name}: its certificate cannot be verified; check base_url and the machine's clock"
            )
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return TransientError(f"{self.name}: no connection within {self.timeout[0]:g} s")
        if isinstance(error, requests.Timeout) or "timed out" in str(error):
            return TransientError(f"{self.name}: no answer within {self.timeout[1]:g} s")
        if isinstance(error, requests.exceptions.ContentDecodingError):
            return ServiceError(f"{self.name}: sent an answer that is too large or cannot be unpacked")
        if isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(error):
            return TransientError(f"{self.name}: cannot be reached at {printable(self.base_url)}")
        return TransientError(f"{self.name}: the connection broke off")


def settings_of(config: dict, project: str, section: str) -> dict:
    """A section of the configuration as it holds for one project, for what is no param because it changes no result."""
    return config[section] | config["overrides"].get(project, {}).get(section, {})


class _Session(requests.Session):
    """A session whose requests count as under way until their answer is read."""

    service: Service

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        return self.service.ledger.held(partial(super().send, request, **options), self.service.tokens)


def _caching_session(folder: Path, seconds: float) -> _Session:
    from requests_cache import CacheMixin, SQLiteCache

    class Caching(CacheMixin, _Session):
        pass

    with FileLock(folder / "http.lock"):  # SQLite's switch to a write-ahead log waits for nobody
        store = SQLiteCache(folder / "http.sqlite", serializer="json", wal=True, timeout=60)
    return Caching(backend=store, expire_after=seconds, ignored_parameters=["key", "Authorization"], filter_fn=_sound)


def _adapter(service: Service) -> Adapter:
    """Opens connections whose every request, retries included, passes the ledger at the moment when it is sent."""

    class Counted:
        def request(self, *args: object, **options: object) -> None:
            if self.sock is None:
                self.connect()  # a slow handshake is over before the request's turn comes
            service.ledger.send(partial(super().request, *args, **options), service.tokens)

    return Adapter(Counted)


def _kind(response: requests.Response) -> str:
    return printable(response.headers.get("Content-Type", "no content type"), 60)


def _is_challenge(response: requests.Response) -> bool:
    """Whether an answer is a page that only a person at a browser gets past."""
    said = "html" in _kind(response) and b"Just a moment" in response.content[:4096]
    return said or response.headers.get("cf-mitigated") == "challenge"


def _sound(response: requests.Response) -> bool:
    """Whether an answer may be kept."""
    try:
        return response.status_code == HTTPStatus.OK and isinstance(json.loads(response.content), dict)
    except (ValueError, RecursionError):
        return False


def _object(response: requests.Response, name: str) -> dict:
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise TransientError(f"{name}: answered {response.status_code} with {_kind(response)}, which is no JSON object")
    return data
