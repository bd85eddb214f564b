"""One remote API: requests with its key, within its limits, kept in a cache, tried again where that helps; answers that
are checked before they are used."""

import hashlib
import json
import time
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from scripts.lib.net.cache import cache_folder
from scripts.lib.net.errors import MissingKey, ServiceError
from scripts.lib.net.ledger import Ledger
from scripts.lib.net.retry import ATTEMPTS, TransientError, retry_after, retrying
from scripts.lib.net.secrets import redact, secret
from scripts.lib.problems import printable

AGENT = "content-machine/0.1"
MOST = 64 * 2**20
"""Bytes of an answer: far more than any of JSON or a minute of speech, and no danger to a job's memory."""
STRIPES = 64
"""Locks for equal questions at once. Two different ones seldom share one, and then only wait for each other."""


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
        self.session.ledger = self.ledger
        adapter = _Adapter(self)
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
        asked = json.dumps([self.base_url, path, params], sort_keys=True)
        options = {} if cached or type(self.session) is _Session else {"force_refresh": True}
        with self.alone(asked):
            return self._tried(lambda: _object(self._ask("GET", path, params=params, **options), self.name))

    def alone(self, asked: str) -> FileLock:
        """Held by one of several processes that are about to ask the same."""
        stripe = int(hashlib.sha256(asked.encode()).hexdigest(), 16) % STRIPES
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True)
        return FileLock(locks / f"http.{stripe}.lock")

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

    def _tried(self, what):
        if self.auth != "bearer" and not self.key:
            raise MissingKey(f"{self.name}: there is no key: set {self.key_env} in the environment or in .env")
        try:
            return retrying(what, self.max_wait)
        except TransientError as error:
            raise ServiceError(f"{error}, {ATTEMPTS} times in a row; run again later", transient=True) from None

    def _ask(self, method: str, path: str, **options: object) -> requests.Response:
        """An answer of status 200, whole. Raises TransientError and ServiceError for anything else."""
        url = f"{self.base_url}/{path.lstrip('/')}"
        try:
            response = self.session.request(method, url, timeout=self.timeout, allow_redirects=False, **options)
        except (requests.RequestException, HTTPError) as error:
            raise self._broken(error) from None
        self._note_quota(response)
        if response.status_code == HTTPStatus.OK:
            return response
        raise self._refused(response)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.auth == "query":
            request.prepare_url(request.url, {"key": self.key})
        elif self.key:
            request.headers["Authorization"] = f"Bearer {self.key}" if self.auth == "bearer" else self.key
        return request

    def _read(self, response: requests.Response, **_: object) -> None:
        """Take the answer's body while the request still counts as under way: bounded in size and time, the key taken
        out of it should it be echoed."""
        if response._content is not False:  # read before, or from the cache
            return
        body, deadline = bytearray(), time.monotonic() + self.timeout[1]
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > MOST:
                raise requests.exceptions.ContentDecodingError(f"more than {MOST:,} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout
        response._content = redact(bytes(body))
        response._content_consumed = True

    def _note_quota(self, response: requests.Response) -> None:
        """Hold all processes back where the answer says that nothing more is to be asked for a while.

        `X-RateLimit-Reset` is UNIX time at some services, seconds at others: a number of seconds that reaches past
        2001 is a time.
        """
        status, headers = response.status_code, response.headers
        if getattr(response, "from_cache", False):
            return
        try:
            reset = float(headers.get("X-RateLimit-Reset", ""))
        except ValueError:
            reset = 0.0
        reset -= time.time() if reset > 1e9 else 0
        if status == HTTPStatus.OK and headers.get("X-RateLimit-Remaining") == "0" and reset > 0:
            self.ledger.block(reset, "its quota is used up, it says")
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after(headers.get("Retry-After")) or reset
            if wait > 0:
                self.ledger.block(wait, "it says that there were too many requests")

    def _refused(self, response: requests.Response) -> Exception:
        status = response.status_code
        kind = printable(response.headers.get("Content-Type", "no content type"), 60)
        said = f"{self.name}: answered {status}"
        if response.headers.get("cf-mitigated") == "challenge" or (
            "html" in kind and b"Just a moment" in response.content[:4096]
        ):
            said += f" with a challenge page ({kind}): it takes this machine for a robot"
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                return ServiceError(f"{said}; ask it less often, or from another network", status)
        elif words := self._words(response):
            said += f" ({words})"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return TransientError(f"{said}: too many requests", retry_after(response.headers.get("Retry-After")) and 0)
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

    ledger: Ledger

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        with self.ledger.place():
            return super().send(request, **options)


def _caching_session(folder: Path, seconds: float) -> _Session:
    from requests_cache import CacheMixin, SQLiteCache

    class Caching(CacheMixin, _Session):
        pass

    with FileLock(folder / "http.lock"):  # SQLite's switch to a write-ahead log waits for nobody
        store = SQLiteCache(folder / "http.sqlite", serializer="json", wal=True, timeout=60)
    return Caching(backend=store, expire_after=seconds, ignored_parameters=["key", "Authorization"], filter_fn=_sound)


class _Adapter(HTTPAdapter):
    """Opens connections whose every request, retries included, passes the ledger at the moment when it is sent."""

    def __init__(self, service: Service) -> None:
        super().__init__()

        class Counted:
            def request(self, *args: object, **options: object) -> None:
                if self.sock is None:
                    self.connect()  # a slow handshake is over before the request's turn comes
                service.ledger.send(partial(super().request, *args, **options), service.tokens)

        self.http = type("CountedHTTP", (Counted, HTTPConnection), {})
        self.https = type("CountedHTTPS", (Counted, HTTPSConnection), {})

    def get_connection_with_tls_context(self, *args: object, **options: object) -> object:
        pool = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = self.https if pool.scheme == "https" else self.http
        return pool


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
        kind = printable(response.headers.get("Content-Type", "no content type"), 60)
        raise TransientError(f"{name}: answered {response.status_code} with {kind}, which is no JSON object")
    return data
