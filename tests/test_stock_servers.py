"""The test servers behave as the sites do: keys, parameters, pages, limits, links, and the faults on demand."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import urllib3
from conftest import ROOT

from tests.servers.catalogue import clip_in
from tests.servers.faults import API, CONTENT, DOWNLOAD, Fault
from tests.servers.loopback import least_gap, most_within, peak
from tests.servers.stock import Stock

KEY = "a-key-of-the-tests"


@pytest.fixture
def stock(stock_media):
    with Stock(stock_media, keys={KEY}) as stock:
        yield stock


@pytest.fixture
def http():
    with requests.Session() as session:
        yield session


def pexels(stock, http, path="/v1/videos/search", key=KEY, **params):
    return http.get(stock.apis["pexels"].origin + path, params=params, headers={"Authorization": key}, timeout=5)


def pixabay(stock, http, key=KEY, **params):
    return http.get(stock.apis["pixabay"].origin + "/api/videos/", params={"key": key, **params}, timeout=5)


def first_link(stock, http, query="waterfall"):
    return smallest(pexels(stock, http, query=query).json()["videos"][0])


def smallest(video):
    return min((file for file in video["video_files"] if file["width"]), key=lambda file: file["width"])["link"]


def test_a_wrong_key_is_refused(stock, http):
    refused = pexels(stock, http, key=f"Bearer {KEY}", query="ocean")
    assert (refused.status_code, refused.json()) == (401, {"status": 401, "code": "Unauthorized"})
    assert "X-Ratelimit-Remaining" not in refused.headers
    refused = pixabay(stock, http, key="wrong", q="ocean")
    assert refused.status_code == 400 and refused.text.startswith("[ERROR 400] Invalid or missing API key")


@pytest.mark.parametrize(
    "params",
    [{}, {"query": " "}, {"query": "a", "orientation": "tall"}, {"query": "a", "per_page": 81}, {"q": "a"}],
    ids=str,
)
def test_pexels_checks_its_parameters(stock, http, params):
    assert pexels(stock, http, **params).status_code == 400


@pytest.mark.parametrize(
    "params", [{"q": "a" * 101}, {"q": "a", "per_page": 2}, {"q": "ocean", "page": 99}, {"query": "a"}], ids=str
)
def test_pixabay_checks_its_parameters(stock, http, params):
    assert pixabay(stock, http, **params).status_code == 400


def test_pexels_pages_to_the_end(stock, http):
    wanted = {"query": "ocean waves", "orientation": "portrait", "per_page": 15}
    first = pexels(stock, http, **wanted).json()
    assert len(first["videos"]) == 15 and "page=2" in first["next_page"]
    pages = [pexels(stock, http, page=page, **wanted).json() for page in range(1, 9)]
    ids = [video["id"] for page in pages for video in page["videos"]]
    assert len(ids) == len(set(ids)) == first["total_results"]
    assert [("next_page" in page) for page in pages if page["videos"]][-2:] == [True, False]
    assert all(video["height"] > video["width"] for page in pages for video in page["videos"])


def test_what_nobody_filmed_is_not_found(stock, http):
    assert pexels(stock, http, query="xyzzy plugh").json()["videos"] == []
    assert pixabay(stock, http, q="xyzzy plugh").json() == {"total": 0, "totalHits": 0, "hits": []}


def test_fields_are_null_or_absent_as_they_are_at_the_sites(stock, http):
    videos = pexels(stock, http, query="ocean", per_page=80).json()["videos"]
    files = [file for video in videos for file in video["video_files"]]
    for field in ("width", "fps", "quality"):
        assert {file[field] is None for file in files} == {True, False}, field
    assert {"size" in file for file in files} == {True, False}
    widths = [[file["width"] or 0 for file in video["video_files"]] for video in videos]
    assert any(wide != sorted(wide) and wide != sorted(wide, reverse=True) for wide in widths)
    hits = pixabay(stock, http, q="ocean").json()["hits"]
    large = [hit["videos"].get("large") for hit in hits]
    assert (
        None in large
        and any(tier and tier["url"] == "" for tier in large)
        and any(tier and tier["url"] for tier in large)
    )
    assert {"thumbnail" in tier for hit in hits for tier in hit["videos"].values()} == {True, False}


def test_a_quota_is_kept_for_each_key(stock, http):
    stock.keys = {KEY, "another-key"}
    stock.limits = {"pexels": {"per_hour": 3, "per_month": 20_000}, "pixabay": {"per_minute": 2}}
    answers = [pexels(stock, http, query="dog") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers.get("X-Ratelimit-Remaining") for answer in answers] == ["19999", "19998", "19997", None]
    assert int(answers[0].headers["X-Ratelimit-Reset"]) > time.time() + 29 * 86_400
    assert "Retry-After" not in answers[3].headers
    answers = [pixabay(stock, http, q="dog") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2].headers["X-RateLimit-Reset"]) <= 60
    assert pixabay(stock, http, key="another-key", q="dog").status_code == 200
    assert [request.host for request in stock.refused] == ["pexels", "pixabay"]


def test_requests_are_measured(stock, http):
    stock.delay = 0.5
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda page: pexels(stock, requests, query="ocean", page=page), range(1, 4)))
    noted = stock.of("pexels")
    assert peak(noted) == 3 and most_within(noted, 0.5) == 3
    assert all(request.end - request.start > 0.49 for request in noted)
    pexels(stock, http, query="ocean")
    assert peak(stock.of("pexels")[-2:]) == 1 and least_gap(stock.of("pexels")[-2:]) > 0.49


def test_a_connection_serves_many_requests(stock, http):
    for _ in range(5):
        assert "Connection" not in pexels(stock, http, query="ocean").headers
    assert (stock.apis["pexels"].opened, len(stock.of("pexels"))) == (1, 5)


def test_a_file_comes_by_a_signed_link_in_parts_and_is_a_video(stock, http, tmp_path):
    import av

    link = first_link(stock, http)
    first = http.get(link, allow_redirects=False, timeout=5)
    assert first.status_code == 302 and "signature=" in first.headers["Location"]
    assert http.get(first.headers["Location"].partition("?")[0], timeout=5).status_code == 403
    whole = http.get(link, timeout=5)
    etag = whole.headers["ETag"]
    rest = http.get(link, headers={"Range": "bytes=1000-", "If-Range": etag}, timeout=5)
    assert rest.status_code == 206 and whole.content[1000:] == rest.content
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(whole.content) - 1}/{len(whole.content)}"
    assert http.get(link, headers={"Range": "bytes=1000-", "If-Range": '"old"'}, timeout=5).status_code == 200
    assert http.get(link, headers={"Range": f"bytes={len(whole.content)}-"}, timeout=5).status_code == 416
    (tmp_path / "clip.mp4").write_bytes(whole.content)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert f"/{stream.width}x{stream.height}/" in link
        assert sum(1 for _ in container.decode(stream)) == 30
    assert clip_in(tmp_path / "clip.mp4") == ("pexels", link.split("/")[4])


def test_an_expired_link_lives_again_when_the_clip_is_looked_up(stock, http):
    link = first_link(stock, http)
    stock.expire()
    assert http.get(link, timeout=5).status_code == 403
    assert http.get(first_link(stock, http), timeout=5).status_code == 403, "searches give the links they gave"
    video = pexels(stock, http, f"/v1/videos/videos/{link.split('/')[4]}").json()
    assert http.get(smallest(video), timeout=5).status_code == 200
    assert http.get(first_link(stock, http), timeout=5).status_code == 200
    assert http.get(link, timeout=5).status_code == 403
    assert pexels(stock, http, "/v1/videos/videos/1").status_code == 404


REFUSES = {"429": 429, "429-retry-after": 429, "500": 500, "502": 502, "503": 503, "challenge-403": 403, "echo": 400}
REFUSES |= {
    "challenge-429": 429,
    "elsewhere": 302,
    "403": 403,
    "404": 404,
    "private": 302,
    "metadata": 302,
    "local-file": 302,
}
BREAKS = {"timeout", "reset", "reset-midway", "closed", "truncated", "stall", "trickle", "chunks-cut", "oversized-said"}
UNENDING = "trickling-head"
"""A client without a time for the whole head gets to its end; ours: test_service.py, test_download.py."""
WRONG = {
    "not-json",
    "cut-json",
    "json-list",
    "nothing",
    "html",
    "html-as-mp4",
    "noise",
    "m3u8",
    "m3u8-as-mp4",
    "ffconcat",
}


def read(answer):
    """The whole body, if it comes within a second. Raises requests.Timeout, urllib3's own."""
    deadline, body = time.monotonic() + 1, b""
    while piece := answer.raw.read1(65_536, decode_content=True):
        body += piece
        if time.monotonic() > deadline or len(body) > 2_000_000:
            raise requests.Timeout
    return body


BROKEN = requests.RequestException, urllib3.exceptions.HTTPError


@pytest.mark.parametrize("name", [name for name in (*API, *CONTENT) if name != UNENDING])
def test_an_api_has_the_fault_that_is_asked_for(stock, http, name):
    stock.faults.faults = [Fault((name,), where="ocean", times=1)]
    url, headers = stock.apis["pexels"].origin + "/v1/videos/search", {"Authorization": KEY}

    def ask(query, patience=5):
        options = {"timeout": patience, "stream": True, "allow_redirects": False}
        answer = http.get(url, params={"query": query}, headers=headers, **options)
        return answer, read(answer)

    if name in BREAKS:
        with pytest.raises(BROKEN):
            ask("ocean waves", patience=0.3)
    else:
        answer, body = ask("ocean waves")
        assert answer.status_code == REFUSES.get(name, 200)
        if name in WRONG:
            with pytest.raises((ValueError, TypeError)):
                json.loads(body)["videos"]
        elif name == "empty":
            assert json.loads(body)["videos"] == []
        elif name == "echo-json":
            assert json.loads(body)["by"] == KEY
        elif name == "nulls":
            assert json.loads(body)["videos"][0]["user"] is None
    assert [request.fault for request in stock.of("pexels")] == [name]
    assert json.loads(ask("ocean waves")[1])["videos"], "the second time, all is well"
    assert json.loads(ask("dog park")[1])["videos"], "other searches are not touched"


@pytest.mark.parametrize("name", [name for name in DOWNLOAD if name != UNENDING])
def test_a_download_has_the_fault_that_is_asked_for(stock, http, name):
    link = first_link(stock, http)
    whole = http.get(link, timeout=5).content
    stock.forget()
    stock.faults.faults = [Fault((name,), times=2)]

    def fetch(patience=5, **headers):
        first = http.get(link, timeout=5, allow_redirects=False).headers["Location"]
        answer = http.get(first, timeout=patience, stream=True, allow_redirects=False, headers=headers)
        return answer, read(answer)

    if name in BREAKS | {"no-range", "wrong-range", "changed", "oversized"}:
        with pytest.raises(BROKEN):
            fetch(patience=0.3)
        if name in ("no-range", "wrong-range", "changed"):
            answer, body = fetch(Range="bytes=1000-")
            expected = {"no-range": (200, whole), "wrong-range": (206, whole[5:])}
            assert (answer.status_code, body) == expected.get(name, (206, bytes(len(whole) - 1000)))
    else:
        answer, body = fetch()
        assert answer.status_code == REFUSES.get(name, 302 if name == "loop" else 200)
        if name == "no-length":
            assert "Content-Length" not in answer.headers and body == whole
        elif name == "no-length-cut":
            assert body == whole[: len(whole) // 2]
        else:
            assert body[:1000] != whole[:1000]
    assert {request.fault for request in stock.downloads()} == {"", name}


def test_faults_do_not_depend_on_the_order_of_what_is_asked(stock_media, http):
    met = []
    for queries in (["ocean", "dog", "cat", "fire", "rain", "snow"], ["snow", "fire", "rain", "cat", "dog", "ocean"]):
        with Stock(stock_media, keys={KEY}, faults=[Fault(("500", "502"), rate=0.5)], seed=3) as stock:
            for _ in range(2):
                for query in queries:
                    pexels(stock, http, query=query)
            met.append({(request.target, request.fault) for request in stock.of("pexels")})
    assert met[0] == met[1] and len({fault for _, fault in met[0]}) > 1


def test_a_fault_can_befall_just_the_first_clip(stock, http):
    stock.faults.faults = [Fault(("404",), targets=1)]
    links = [first_link(stock, http, query) for query in ("waterfall", "castle", "waterfall")]
    assert [http.get(link, timeout=5).status_code for link in links] == [404, 200, 404]


def test_the_servers_run_as_a_process_of_their_own(stock_media, tmp_path, http):
    options = ["--port", "0", "--key", KEY, "--media", str(stock_media), "--record", str(tmp_path / "record.jsonl")]
    command = [sys.executable, "-m", "tests.servers.stock", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, f"PEXELS_API_KEY={KEY} PIXABAY_API_KEY={KEY}\n")
        config = json.loads("".join(lines))
        url = config["stock"]["pexels"]["base_url"] + "/v1/videos/search"
        assert http.get(url, params={"query": "dog"}, headers={"Authorization": KEY}, timeout=5).json()["videos"]
        http.close()
        process.terminate()
    assert process.returncode == 0
    noted = json.loads((tmp_path / "record.jsonl").read_text())
    assert (noted["path"], noted["params"], noted["status"]) == ("/v1/videos/search", {"query": "dog"}, 200)
