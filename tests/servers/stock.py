"""Pexels, Pixabay and the hosts of their files, on loopback: limits counted strictly, faults on demand.

    with Stock(keys={"KEY"}, limits={"pexels": {"per_minute": 20}}, delay=0.3) as stock:
        ... stock.config(), stock.of("pexels"), stock.faults.faults.append(Fault(("500",)))

By hand: `python -m tests.servers.stock --port 8100` says what to put into the configuration.
"""

import argparse
import dataclasses
import json
import secrets
import signal
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.catalogue import Clip, Media, clips, etag, search
from tests.servers.faults import API, CONTENT, DOWNLOAD, Fault, Faults
from tests.servers.loopback import Answer, Exchange, Host, Request, json_answer

SITES = ("pexels", "pixabay")
WINDOWS = {"per_minute": 60, "per_hour": 3600, "per_month": 30 * 86_400}
DEFAULT_LIMITS = {"pexels": {"per_hour": 200, "per_month": 20_000}, "pixabay": {"per_minute": 100}}
TIERS = ("large", "medium", "small", "tiny")


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Stock:
    """Both sites and their download hosts. `keys` are those that are let in; `limits` per site as in `DEFAULT_LIMITS`,
    counted for each key; `delay` and `download_delay`: seconds that an answer and a file take; `together`: how many of
    each are waited for before the first is given (`Exchange.gather`)."""

    def __init__(
        self,
        media: Path,
        keys: set[str] = frozenset({"test-key"}),
        limits: dict[str, dict[str, int]] | None = None,
        delay: float = 0.0,
        download_delay: float = 0.0,
        faults: list[Fault] | None = None,
        seed: int = 0,
        port: int = 0,
        together: tuple[int, int] = (0, 0),
    ) -> None:
        self.keys, self.delay, self.download_delay = keys, delay, download_delay
        self.limits = DEFAULT_LIMITS | (limits or {})
        self.faults = Faults(faults or [], seed)
        self.media = Media(media)
        self.counted: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.refused: list[Request] = []
        """Requests past a limit."""
        self.expired: set[tuple[str, int, int]] = set()
        self.generation: dict[tuple[str, int], int] = defaultdict(int)
        self.lock = threading.Lock()
        self.signature = secrets.token_hex(8)
        ports = [port and port + nth for nth in range(4)]
        self.apis = {site: Host(site, self._api, ports[nth]) for nth, site in enumerate(SITES)}
        self.files = {site: Host(f"{site} files", self._download, ports[2 + nth]) for nth, site in enumerate(SITES)}
        self.public = {site: host.origin for site, host in self.files.items()}
        """Where links lead."""
        for site in SITES:
            self.apis[site].other = self.files[site].origin
            self.apis[site].site = self.files[site].site = site
            self.apis[site].together, self.files[site].together = together

    def __enter__(self) -> "Stock":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        for host in (*self.apis.values(), *self.files.values()):
            host.close()

    def config(self, **sites: dict) -> dict[str, dict]:
        """The sections `stock` and `network` of a configuration that asks these servers, limits wide open but for
        what `sites` say."""
        free = {"per_minute": None, "per_hour": None, "per_month": None, "min_interval": 0, "max_concurrent": 20}
        base = {"pexels": self.apis["pexels"].origin, "pixabay": f"{self.apis['pixabay'].origin}/api"}
        return {
            "stock": {site: free | {"base_url": base[site]} | sites.get(site, {}) for site in SITES},
            "network": {"timeout": [1, 2], "allow_private": True, "max_wait": 120},
        }

    def of(self, site: str) -> list[Request]:
        """The requests to a site's API so far."""
        return list(self.apis[site].requests)

    def downloads(self, site: str | None = None) -> list[Request]:
        """The requests for files so far; a redirect and what it leads to are two."""
        return [request for name in ([site] if site else SITES) for request in self.files[name].requests]

    def requests(self) -> list[Request]:
        return sorted(
            (request for host in (*self.apis.values(), *self.files.values()) for request in list(host.requests)),
            key=lambda request: request.start,
        )

    def leaks(self) -> list[Request]:
        """The requests to the hosts of files that carry a key."""
        return [
            request
            for request in self.downloads()
            if any(key in text for key in self.keys for text in (*request.headers.values(), *request.params.values()))
        ]

    def forget(self) -> None:
        """Begin to note requests anew; limits and faults stay as they are."""
        for host in (*self.apis.values(), *self.files.values()):
            host.requests.clear()

    def expire(self) -> None:
        """All links that were given out so far lead nowhere any more, until the clip is looked up by its id."""
        with self.lock:
            self.expired |= {(site, id_, self.generation[site, id_]) for site in SITES for id_ in clips(site)}

    # The APIs

    def _api(self, exchange: Exchange) -> None:
        site, request = exchange.server.site, exchange.noted
        try:
            headers = self._count(site, request)
            request.fault = self.faults.meet(request, {*API, *CONTENT})
            answer = (self._pexels if site == "pexels" else self._pixabay)(request, headers)
            if request.fault == "echo-json":
                asked = {"asked": exchange.path, "by": exchange.headers.get("Authorization")}
                answer = dataclasses.replace(answer, body=json.dumps(json.loads(answer.body) | asked).encode())
        except Refused as refused:
            answer = refused.answer
        exchange.gather()
        if self.delay:
            exchange.wait(max(0.0, request.start + self.delay - time.time()))
        API.get(request.fault, Exchange.reply)(exchange, answer)

    def _count(self, site: str, request: Request) -> dict[str, str]:
        """Check the key, count the request, and return the quota's headers. Raises Refused."""
        if site == "pexels":
            key, unknown = (
                request.headers.get("authorization", ""),
                json_answer({"status": 401, "code": "Unauthorized"}, 401),
            )
        else:
            wrong = b"[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."
            key, unknown = request.params.get("key", ""), Answer(400, wrong)
        if key not in self.keys:
            raise Refused(unknown)
        limits = self.limits[site]
        with self.lock:
            counted = self.counted[site, key]
            left = {}
            for limit, most in limits.items():
                since = [start for start in counted if start > request.start - WINDOWS[limit]]
                frees = min(since, default=request.start) + WINDOWS[limit]
                left[limit] = most - len(since), frees
            over = any(rest <= 0 for rest, _ in left.values())
            if over:
                self.refused.append(request)
            else:
                counted.append(request.start)
        headers = {}
        if site == "pexels" and "per_month" in limits and not over:
            rest, frees = left["per_month"]
            headers = {
                "X-Ratelimit-Limit": str(limits["per_month"]),
                "X-Ratelimit-Remaining": str(rest - 1),
                "X-Ratelimit-Reset": str(round(frees)),
            }
        if site == "pixabay" and "per_minute" in limits:
            rest, frees = left["per_minute"]
            headers = {
                "X-RateLimit-Limit": str(limits["per_minute"]),
                "X-RateLimit-Remaining": str(max(0, rest - 1)),
                "X-RateLimit-Reset": str(max(0, round(frees - time.time()))),
            }
        if over:
            text = b"API rate limit exceeded"
            raise Refused(Answer(429, text, headers=headers))
        return headers

    def _pexels(self, request: Request, headers: dict[str, str]) -> Answer:
        def wrong(why: str) -> Refused:
            return Refused(json_answer({"status": 400, "code": "Bad Request", "error": why}, 400))

        params, site = request.params, "pexels"
        prefix, _, id_ = request.path.rpartition("/")
        if prefix == "/v1/videos/videos":
            if not id_.isdecimal() or int(id_) not in clips(site):
                raise Refused(json_answer({"status": 404, "code": "Not Found"}, 404))
            self._renew(site, int(id_))
            video = self._pexels_video(clips(site)[int(id_)], request.fault == "nulls")
            return json_answer(video, **_underscored(headers))
        if request.path != "/v1/videos/search":
            raise Refused(json_answer({"status": 404, "code": "Not Found"}, 404))
        if unknown := params.keys() - {"query", "orientation", "size", "locale", "page", "per_page"}:
            raise wrong(f"unknown parameter {min(unknown)}")
        if not params.get("query", "").strip():
            raise wrong("query is missing")
        if params.get("orientation", "landscape") not in ("landscape", "portrait", "square"):
            raise wrong("orientation is out of range")
        if params.get("size", "large") not in ("large", "medium", "small"):
            raise wrong("size is out of range")
        try:
            page, per_page = _number(params, "page", 1, 1, 10**6), _number(params, "per_page", 15, 1, 80)
        except ValueError as error:
            raise wrong(str(error)) from None
        least = {"large": 2160, "medium": 1080, "small": 720}.get(params.get("size"), 0)
        hits = [
            clip
            for clip in search(site, params["query"], 0.01)
            if _turned(clip, params.get("orientation")) and min(clip.sizes[0]) >= least
        ]
        if request.fault == "empty":
            hits = []
        shown = hits[(page - 1) * per_page : page * per_page]
        found = {
            "page": page,
            "per_page": per_page,
            "total_results": len(hits),
            "url": f"https://www.pexels.com/search/videos/{'%20'.join(params['query'].split())}/",
            "videos": [self._pexels_video(clip, request.fault == "nulls") for clip in shown],
        }
        if page * per_page < len(hits):
            following = urlencode(params | {"page": page + 1, "per_page": per_page})
            found["next_page"] = f"https://api.pexels.com/v1/videos/search/?{following}"
        return json_answer(found, **_underscored(headers))

    def _pexels_video(self, clip: Clip, nulls: bool) -> dict:
        """As the fact page has it: nullable fields null now and then, files in any order, an HLS entry among them."""
        rng, files = clip.rng(), []
        for nth, (width, height) in enumerate(clip.sizes):
            quality = "uhd" if min(width, height) >= 2160 else "hd" if min(width, height) >= 720 else "sd"
            file = {
                "id": clip.id * 10 + nth,
                "quality": None if rng.random() < 0.1 else quality,
                "file_type": "video/mp4",
                "width": width,
                "height": height,
                "fps": None if rng.random() < 0.3 else 10.0,
                "link": self._link("pexels", clip, width, height, f"{quality}_{width}_{height}_10fps"),
            }
            if rng.random() < 0.7:
                file["size"] = len(self.media.file("pexels", clip, width, height))
            files.append(file)
        hls = {"id": clip.id * 10 + 9, "quality": "hls", "file_type": "video/mp4", "width": None, "height": None}
        link = f"{self.public['pexels']}/video-files/{clip.id}/{clip.id}.m3u8"
        files.append({**hls, "fps": None, "link": link})
        if nulls:
            for file in files[1:]:
                file |= dict.fromkeys(("quality", "width", "height", "fps", "size"))
        rng.shuffle(files)
        width, height = clip.sizes[0]
        video = {
            "id": clip.id,
            "width": width,
            "height": height,
            "duration": 3,
            "full_res": None,
            "tags": [],
            "avg_color": None,
            "url": f"https://www.pexels.com/video/{clip.slug}-{clip.id}/",
            "image": f"https://images.pexels.com/videos/{clip.id}/free-video-{clip.id}.jpg",
            "user": {"id": clip.id % 1000, "name": clip.author, "url": f"https://www.pexels.com/@{clip.id % 1000}"},
            "video_files": files,
            "video_pictures": [{"id": 1, "nr": 0, "picture": f"https://images.pexels.com/{clip.id}/preview-0.jpg"}],
        }
        if nulls:
            video |= dict.fromkeys(("user", "image", "tags", "duration", "width", "height", "video_pictures"))
        return video

    def _pixabay(self, request: Request, headers: dict[str, str]) -> Answer:
        def wrong(name: str) -> Refused:
            return Refused(Answer(400, f'[ERROR 400] "{name}" is out of valid range.'.encode(), headers=headers))

        params, site = request.params, "pixabay"
        if request.path not in ("/api/videos/", "/api/videos"):
            raise Refused(Answer(404, b"[ERROR 404] Not found."))
        numbers = {"page", "per_page", "min_width", "min_height", "id"}
        words = {"key", "q", "lang", "video_type", "category", "editors_choice", "safesearch", "order"}
        if unknown := params.keys() - numbers - words:
            raise wrong(min(unknown))
        for name, allowed in (
            ("video_type", ("all", "film", "animation")),
            ("editors_choice", ("true", "false")),
            ("safesearch", ("true", "false")),
            ("order", ("popular", "latest")),
        ):
            if params.get(name, allowed[0]) not in allowed:
                raise wrong(name)
        if len(params.get("q", "")) > 100:
            raise wrong("q")
        try:
            page, per_page = _number(params, "page", 1, 1, 10**6), _number(params, "per_page", 20, 3, 200)
            wide, high = _number(params, "min_width", 0, 0, 10**5), _number(params, "min_height", 0, 0, 10**5)
            asked = _number(params, "id", 0, 0, 10**12)
        except ValueError as error:
            raise wrong(str(error).split()[0]) from None
        if asked:
            hits = [clips(site)[asked]] if asked in clips(site) else []
            for clip in hits:
                self._renew(site, clip.id)
        else:
            hits = search(site, params["q"], 1.0) if params.get("q") else list(clips(site).values())
        hits = [clip for clip in hits if clip.sizes[0][0] >= wide and clip.sizes[0][1] >= high]
        if request.fault == "empty":
            hits = []
        shown = hits[(page - 1) * per_page : page * per_page]
        if page > 1 and not shown:
            raise wrong("page")
        found = [self._pixabay_hit(clip, request.fault == "nulls") for clip in shown]
        return json_answer(
            {"total": len(hits), "totalHits": min(500, len(hits)), "hits": found}, **_underscored(headers)
        )

    def _pixabay_hit(self, clip: Clip, nulls: bool) -> dict:
        """As the fact page has it: `large` missing or empty where there is no 4K, sizes of a tier that vary, thumbnails
        that are not there."""
        rng, sizes = clip.rng(), clip.sizes
        if len(sizes) == len(TIERS):  # no 4K
            tiers = dict(zip(TIERS[1:], sizes if rng.random() < 0.5 else sizes[1:], strict=False))
        else:
            tiers = dict(zip(TIERS, sizes if rng.random() < 0.5 else [sizes[0], *sizes[2:]], strict=False))
        videos = {}
        for tier, (width, height) in tiers.items():
            videos[tier] = {
                "url": self._link("pixabay", clip, width, height, tier),
                "width": width,
                "height": height,
                "size": len(self.media.file("pixabay", clip, width, height)),
            }
            if rng.random() < 0.7:
                videos[tier]["thumbnail"] = f"https://cdn.pixabay.com/video/{clip.id}_{tier}.jpg"
        if "large" not in videos and rng.random() < 0.5:
            videos["large"] = {"url": "", "width": 0, "height": 0, "size": 0, "thumbnail": ""}
        hit = {
            "id": clip.id,
            "pageURL": f"https://pixabay.com/videos/id-{clip.id}/",
            "type": "film",
            "tags": ", ".join(clip.words.split()),
            "duration": 3,
            "videos": videos,
            **dict.fromkeys(("views", "downloads", "likes", "comments"), 1),
            "user_id": clip.id % 1000,
            "user": clip.author,
            "userImageURL": "",
        }
        if nulls:
            hit |= dict.fromkeys(("user", "type", "duration", "views", "userImageURL"))
            for tier in list(videos)[1:]:
                videos[tier] = None
        return hit

    # The files

    def _link(self, site: str, clip: Clip, width: int, height: int, name: str) -> str:
        generation = self.generation[site, clip.id]
        return f"{self.public[site]}/video-files/{clip.id}/{generation}/{width}x{height}/{clip.id}-{name}.mp4"

    def _renew(self, site: str, id_: int) -> None:
        """A clip that is looked up by its id has links that work."""
        with self.lock:
            if (site, id_, self.generation[site, id_]) in self.expired:
                self.generation[site, id_] += 1

    def _download(self, exchange: Exchange) -> None:
        site, request = exchange.server.site, exchange.noted
        try:
            _, kind, id_, generation, size, _ = request.path.split("/")
            clip, generation = clips(site)[int(id_)], int(generation)
            width, height = map(int, size.split("x"))
            if kind not in ("video-files", "signed") or (width, height) not in clip.sizes:
                raise ValueError
        except (ValueError, KeyError):
            exchange.reply(Answer(404, b"Not Found"))
            return
        request.about = f"{clip.id} {clip.words}"
        signed = {"expires": "4102444800", "signature": self.signature}
        if site == "pexels" and kind == "video-files":
            rest = request.path.removeprefix("/video-files")
            exchange.reply(Answer(302, headers={"Location": f"{self.public[site]}/signed{rest}?{urlencode(signed)}"}))
            return
        if kind == "signed" and request.params != signed:
            exchange.reply(Answer(403, b"Forbidden"))
            return
        with self.lock:
            dead = (site, clip.id, generation) in self.expired
        request.fault = (
            "expired" if dead else self.faults.meet(request, {*DOWNLOAD, *([] if generation else ["expired"])})
        )
        if request.fault == "expired":
            with self.lock:
                self.expired.add((site, clip.id, generation))
            exchange.reply(Answer(410 if site == "pixabay" else 403, b"URL expired"))
            return
        exchange.gather()
        body = self.media.file(site, clip, width, height)
        headers = {"ETag": etag(body), "Accept-Ranges": "bytes"}
        exchange.whole = Answer(200, body, "video/mp4", headers)
        answer = _ranged(exchange.whole, request)
        if fault := DOWNLOAD.get(request.fault):
            fault(exchange, answer)
        else:
            exchange.reply(answer, pace=self.download_delay)


def _ranged(whole: Answer, request: Request) -> Answer:
    """The part of a file that one `Range: bytes=FIRST-LAST` asks for, or all of it."""
    asked, size = request.headers.get("range", ""), len(whole.body)
    if (
        not asked.startswith("bytes=")
        or request.headers.get("if-range", whole.headers["ETag"]) != whole.headers["ETag"]
    ):
        return whole
    first, _, last = asked.removeprefix("bytes=").partition("-")
    first, last = int(first), min(int(last or size), size - 1)
    if first >= size:
        return Answer(416, b"", whole.kind, {"Content-Range": f"bytes */{size}"})
    headers = whole.headers | {"Content-Range": f"bytes {first}-{last}/{size}"}
    return Answer(206, whole.body[first : last + 1], whole.kind, headers)


def _number(params: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{name} is out of range")
    return int(text)


def _turned(clip: Clip, orientation: str | None) -> bool:
    return orientation is None or orientation == ("portrait" if clip.portrait else "landscape")


def _underscored(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Pexels and Pixabay on loopback, until Ctrl-C.")
    parser.add_argument("--port", type=int, default=8100, help="and the three after it")
    parser.add_argument("--key", default="test-key", help="the key that is let in")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that an answer takes")
    parser.add_argument("--download-delay", type=float, default=0.0, help="seconds that a file takes")
    parser.add_argument("--per-minute", type=int, help="requests to each site in a minute")
    parser.add_argument("--fault", action="append", default=[], help=f"one of {', '.join({**API, **DOWNLOAD})}, ...")
    parser.add_argument("--rate", type=float, default=1.0, help="share of the requests that meet a fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--media", type=Path, default=Path(tempfile.gettempdir()) / "content-machine-test-clips")
    parser.add_argument("--record", type=Path, help="where to write all requests as JSON lines at the end")
    given = parser.parse_args()
    limits = {site: {"per_minute": given.per_minute} for site in SITES} if given.per_minute else None
    faults = [Fault(tuple(given.fault), rate=given.rate)] if given.fault else []
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    delays = given.delay, given.download_delay
    with Stock(given.media, {given.key}, limits, *delays, faults, given.seed, given.port) as stock:
        print(json.dumps(stock.config(), indent=2))
        print(f"PEXELS_API_KEY={given.key} PIXABAY_API_KEY={given.key}", flush=True)
        stop.wait()
        requests = stock.requests()
    if given.record:
        with given.record.open("w") as record:
            for request in requests:
                record.write(json.dumps(dataclasses.asdict(request), default=bytes.decode) + "\n")


if __name__ == "__main__":
    main()
