"""A search asks a stock site no more than it needs, and keeps what came back; over real sockets (tests/servers)."""

import json

import pytest
from conftest import ROOT

from scripts.lib.config import complete
from scripts.lib.footage import pexels, pixabay
from scripts.lib.footage.queries import queries
from scripts.lib.footage.renditions import fits
from scripts.lib.footage.sites import SITES, service
from scripts.lib.net.errors import MissingKey, ServiceError
from scripts.lib.problems import checker
from scripts.search import DEEPEST, ENOUGH, MOST_PAGES, MOST_REQUESTS, search
from tests.servers.faults import Fault
from tests.servers.loopback import Answer, Host
from tests.servers.stock import Stock

KEY = "sentinel-key-0123456789"
SCHEMA = json.loads((ROOT / "config/schemas/search.schema.json").read_text())


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for site in SITES:
        monkeypatch.setenv(f"{site.upper()}_API_KEY", KEY)


@pytest.fixture
def stock(stock_media):
    with Stock(stock_media, keys={KEY}) as stock:
        yield stock


@pytest.fixture
def ask(stock, tmp_path):
    """A function that searches a site, as a job does."""

    def ask(site, visual="ocean waves", terms=(), orientation="portrait", per_page=20):
        with service(site, configuration(stock.config(), tmp_path)) as asked:
            found = search(asked, visual, list(terms), orientation, per_page)
        assert not list(checker(SCHEMA).iter_errors(found))
        return found

    return ask


def configuration(own, cache):
    """The run's settings with these laid over them; retries are for the tests of the HTTP layer."""
    found, faults = complete(own | {"cache_dir": str(cache / "cache")}, "config.yaml")
    assert not faults
    return found


def asked(found):
    return [(one["query"], one["page"]) for one in found["asked"]]


@pytest.mark.parametrize("orientation", ["portrait", "landscape", "square"])
def test_pexels_is_asked_by_words_and_orientation(stock, ask, orientation):
    found = ask("pexels", "The ocean, its waves rolling onto a beach.", orientation=orientation)
    (first,) = stock.of("pexels")
    assert (first.method, first.path, first.headers["authorization"]) == ("GET", "/v1/videos/search", KEY)
    turned = {"orientation": orientation} if orientation != "square" else {}  # few are: any is taken, and cropped
    assert first.params == turned | {
        "query": "ocean waves rolling beach",
        "size": "medium",
        "page": "1",
        "per_page": "20",
    }
    assert (found["provider"], found["orientation"]) == ("pexels", orientation)


@pytest.mark.parametrize(
    ("orientation", "least"), [("portrait", ("540", "960")), ("landscape", ("960", "540")), ("square", ("540", "540"))]
)
def test_pixabay_is_asked_by_words_and_size_with_safe_search(stock, ask, orientation, least):
    ask("pixabay", "The ocean, its waves", orientation=orientation)
    first = stock.of("pixabay")[0]
    assert (first.path, first.params) == (
        "/api/videos/",
        {
            "key": KEY,
            "q": "ocean waves",
            "min_width": least[0],
            "min_height": least[1],
            "safesearch": "true",
            "page": "1",
            "per_page": "20",
        },
    )


@pytest.mark.parametrize("site", SITES)
def test_where_enough_fits_one_request_is_all(stock, ask, site):
    found = ask(site)
    assert asked(found) == [("ocean waves", 1)]
    assert len(stock.of(site)) == 1
    fitting = [clip for clip in SITES[site].clips(found["asked"][0]["answer"]) if fits(clip["renditions"], "portrait")]
    assert found["asked"][0]["fitting"] == len(fitting) >= ENOUGH


@pytest.mark.parametrize("site", SITES)
def test_pages_are_asked_for_until_enough_fits(stock, ask, site):
    found = ask(site, per_page=4)
    assert asked(found) == [("ocean waves", 1), ("ocean waves", 2), ("ocean waves", 3)]
    counts = [one["fitting"] for one in found["asked"]]
    assert sum(counts[:-1]) < ENOUGH <= sum(counts)
    ids = [clip["id"] for one in found["asked"] for clip in SITES[site].clips(one["answer"])]
    assert len(ids) == len(set(ids)) == 12


@pytest.mark.parametrize("site", SITES)
def test_what_finds_too_little_is_asked_for_in_fewer_words(stock, ask, site):
    visual = "A zeppelin, a unicorn and a dodo over ocean waves"
    found = ask(site, visual)
    wide = queries(visual, [])
    assert wide == ["zeppelin unicorn dodo ocean waves", "zeppelin unicorn dodo", "zeppelin unicorn", "zeppelin"]
    if site == "pexels":  # which finds what has any of the words
        assert asked(found) == [(wide[0], 1)]
    else:
        assert asked(found) == [(query, 1) for query in wide]
        assert [one["fitting"] for one in found["asked"]] == [0, 0, 0, 0]
    found = ask("pixabay", "ocean beach with two zeppelins")
    assert asked(found) == [("ocean beach two zeppelins", 1), ("ocean beach zeppelins", 1), ("ocean beach", 1)]
    assert [one["fitting"] >= ENOUGH for one in found["asked"]] == [False, False, True]


def test_a_clip_that_is_found_again_counts_once(ask):
    found = ask("pexels", "glow jellyfish", terms=["jellyfish", "jellyfish glow dark"], orientation="landscape")
    ids = {
        clip["id"]
        for one in found["asked"]
        for clip in pexels.clips(one["answer"])
        if fits(clip["renditions"], "landscape")
    }
    assert sum(one["fitting"] for one in found["asked"]) == len(ids)


def test_search_terms_are_asked_for_in_place_of_the_visual_direction(stock, ask):
    assert asked(ask("pixabay", "ocean waves", ["Unicorn", "coffee  cup"])) == [("unicorn", 1), ("coffee cup", 1)]
    found = ask("pixabay", "ocean waves", ["unicorn", "zeppelin"])
    assert asked(found) == [("unicorn", 1), ("zeppelin", 1), ("ocean waves", 1)]


@pytest.mark.parametrize("site", SITES)
def test_a_search_has_an_end(stock, ask, site):
    found = ask(site, "dodo", [f"zeppelin {n}" for n in range(20)])
    assert len(found["asked"]) == len(stock.of(site)) == MOST_REQUESTS
    stock.forget()
    assert asked(ask(site, "xyzzy")) == [("xyzzy", 1)]
    stock.forget()
    found = ask(site, "ocean waves", per_page=3)
    assert [page for query, page in asked(found) if query == "ocean waves"] == [1, 2, 3][:MOST_PAGES]
    assert len(stock.of(site)) == len(found["asked"]) <= MOST_REQUESTS


@pytest.mark.parametrize("site", SITES)
def test_the_same_search_is_not_sent_again(stock, ask, site):
    first = ask(site)
    assert ask(site) == first
    assert len(stock.of(site)) == 1
    ask(site, orientation="landscape")
    assert len(stock.of(site)) == 2


@pytest.mark.parametrize("site", SITES)
def test_clips_of_which_little_is_known_count(stock, ask, site):
    stock.faults.faults.append(Fault(("nulls",)))
    assert sum(one["fitting"] for one in ask(site)["asked"]) >= ENOUGH


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_finds_nothing_is_no_error(stock, ask, site):
    stock.faults.faults.append(Fault(("empty",)))
    found = ask(site, "A ship in a harbour")
    assert [(one["query"], one["fitting"]) for one in found["asked"]] == [("ship harbour", 0), ("ship", 0)]


def test_without_a_key_the_variable_is_named(ask, monkeypatch):
    monkeypatch.delenv("PIXABAY_API_KEY")
    with pytest.raises(MissingKey, match="PIXABAY_API_KEY"):
        ask("pixabay")


@pytest.fixture
def odd(tmp_path):
    """A function that searches a site which sends these answers, one after the other, and then the last again."""
    hosts = []

    def odd(site, *bodies):
        left = list(bodies)
        host = Host(site, lambda exchange: exchange.reply(Answer(200, left.pop(0), "application/json")))
        hosts.append(host)
        own = {"base_url": host.origin, "min_interval": 0}
        run = configuration({"stock": {site: own}, "network": {"allow_private": True}}, tmp_path)

        def ask():
            with service(site, run) as asked:
                return search(asked, "sea", [], "portrait", 20)

        return ask

    yield odd
    for host in hosts:
        host.close()


CLIP = {
    "id": 7,
    "url": "https://www.pexels.com/video/sea-7/",
    "video_files": [
        {"file_type": "video/mp4", "width": 1080, "height": 1920, "link": f"https://videos.pexels.com/7.mp4?key={KEY}"}
    ],
}


def test_an_answer_of_another_shape_is_an_error_and_is_not_believed_the_next_time(odd):
    wrong, right = b'{"error": "maintenance"}', json.dumps({"videos": [CLIP]}).encode()
    ask = odd("pexels", wrong, wrong, right)
    with pytest.raises(ServiceError, match="Pexels: its answer has no list 'videos'"):
        ask()
    assert [one["fitting"] for one in ask()["asked"]] == [1]
    assert [one["fitting"] for one in ask()["asked"]] == [1]


def test_a_wrong_answer_is_asked_for_once_more(odd):
    assert [one["fitting"] for one in odd("pexels", b"{}", json.dumps({"videos": [CLIP]}).encode())()["asked"]] == [1]


def test_keys_that_an_answer_echoes_are_not_kept(odd, monkeypatch):
    slashed = "sentinel/key+0123456789"
    monkeypatch.setenv("PEXELS_API_KEY", slashed)
    text = json.dumps({"videos": [CLIP], "next": slashed, slashed: "https://x.org/?key=sentinel%2Fkey%2B0123456789"})
    found = odd("pexels", text.replace("/", "\\/").encode())()
    kept = json.dumps(found)
    assert "sentinel/key" not in kept and "sentinel%2F" not in kept and kept.count("***") >= 3


def test_what_no_json_file_may_hold_is_left_out(odd):
    text = json.dumps({"videos": [CLIP], "a": float("nan"), "b": [float("-inf")], "c": "\ud800"})
    answer = odd("pexels", text.encode())()["asked"][0]["answer"]
    assert (answer["a"], answer["b"], answer["c"]) == (None, [None], "?")
    json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()


def test_an_answer_that_is_nested_too_deeply_is_refused(odd):
    deep = b'{"videos": ' + b"[" * (DEEPEST + 5) + b"]" * (DEEPEST + 5) + b"}"
    with pytest.raises(ServiceError, match="nested too deeply"):
        odd("pexels", deep)()


@pytest.mark.parametrize(("module", "id_"), [(pexels, "1500003"), (pixabay, "27003")])
def test_a_clip_is_looked_up_by_its_id_and_never_from_the_cache(stock, tmp_path, module, id_):
    site = module.__name__.rpartition(".")[2]
    with service(site, configuration(stock.config(), tmp_path)) as asked:
        first = module.lookup(asked, id_)
        assert (first["provider"], first["id"]) == (site, id_)
        assert first["renditions"] and first["page"] and first["author"] and "ocean" in first["words"]
        stock.expire()
        second = module.lookup(asked, id_)
        assert {file["url"] for file in first["renditions"]}.isdisjoint(file["url"] for file in second["renditions"])
        assert module.lookup(asked, "999999999") is None
    assert len(stock.of(site)) == 3
