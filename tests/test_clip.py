"""A scene gets its clip, or the next best, or a clear error; what one project fetched the others have."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT, copy_workspace, edit_script, snakemake, wait_for, write_config, write_project
from conftest import clip as make_clip
from filelock import FileLock
from jsonschema import Draft202012Validator

from scripts.clip import MOST_LOOKUPS, OUTAGE, clip
from scripts.lib.config import complete
from scripts.lib.errors import UserError
from scripts.lib.footage.whole import check
from scripts.lib.media import MediaError, ffmpeg, frame_count, probe
from scripts.lib.net.clips import WEEK, clips_folder, copy, held, place, prune, sound, usage
from scripts.lib.net.download import parts
from scripts.lib.net.retry import ATTEMPTS
from scripts.lib.sources import sources
from tests.servers.catalogue import clip_in, clips
from tests.servers.faults import Fault
from tests.servers.stock import Stock

KEY = "sentinel-key-0123456789"
SCHEMA = Draft202012Validator(json.loads((ROOT / "config/schemas/clip.schema.json").read_text()))
SIZE = (360, 640)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("scripts.lib.net.retry.LONGEST", 0.02)


@pytest.fixture
def keys(monkeypatch):
    for site in ("PEXELS", "PIXABAY"):
        monkeypatch.setenv(f"{site}_API_KEY", KEY)


@pytest.fixture
def stock(stock_media):
    with Stock(stock_media, keys={KEY}) as stock:
        yield stock


@pytest.fixture
def config(stock, tmp_path):
    """The run's configuration."""
    found, faults = complete(stock.config() | {"cache_dir": str(tmp_path / "cache")}, "config.yaml")
    assert not faults
    found["network"]["timeout"] = [1, 1]
    return found


@pytest.fixture
def get(config, tmp_path):
    """A function that fetches a scene's clip as the job does: choice, then alternates; what it became."""

    def get(*wanted, scene="s1"):
        target = tmp_path / f"scenes/{scene}/clip.mp4"
        became = clip(scene, wanted[0], list(wanted[1:]), target, config)
        SCHEMA.validate(became)
        return became

    return get


def upright(site: str, number: int) -> int:
    return [clip.id for clip in clips(site).values() if clip.portrait][number]


def choice(stock, number=0, site="pexels", **other) -> dict:
    """A selection of one of the site's upright clips."""
    found = clips(site)[upright(site, number)]
    width, height = SIZE
    return {
        "provider": site,
        "id": str(found.id),
        "path": None,
        "page": f"https://www.pexels.com/video/{found.slug}-{found.id}/",
        "author": found.author,
        "licence": "Pexels License",
        "url": stock._link(site, found, width, height, f"sd_{width}_{height}_10fps"),
        "size": [width, height],
    } | other


def broken(stock, fault: str, *numbers: int, site="pexels") -> None:
    """From now on, nothing but this fault is met by whoever fetches those clips."""
    stock.faults.faults += [Fault((fault,), where=f"{site} files /signed/{upright(site, n)}/") for n in numbers]


@pytest.mark.parametrize("site", ["pexels", "pixabay"])
def test_the_choice_is_fetched_whole(stock, get, tmp_path, site):
    wanted = choice(stock, site=site)
    assert get(wanted) == wanted | {"instead_of": []}
    assert clip_in(tmp_path / "scenes/s1/clip.mp4") == (site, wanted["id"])
    assert os.listdir(tmp_path / "scenes/s1") == ["clip.mp4"]
    assert not stock.of(site)


def test_no_key_is_sent_to_where_the_files_are(stock, get, keys):
    get(choice(stock, url=None))
    assert any(KEY in request.headers.values() for request in stock.of("pexels"))
    assert stock.downloads() and not any(KEY in str(vars(request)) for request in stock.downloads())


def test_what_was_fetched_once_is_there_for_all(stock, get, tmp_path):
    get(choice(stock))
    stock.forget()
    signed = choice(stock)
    signed["url"] += "?expires=1&signature=2"
    get(signed, scene="s2")
    assert not stock.requests()
    one, two = (tmp_path / f"scenes/{scene}/clip.mp4" for scene in ("s1", "s2"))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_nlink == two.stat().st_nlink == 1 and one.stat().st_ino != two.stat().st_ino


def test_another_rendition_is_another_file(stock, config):
    wanted, folder = choice(stock), clips_folder(config["cache_dir"])
    places = {
        place(folder, other)
        for other in (wanted, wanted | {"url": wanted["url"] + "x"}, wanted | {"size": [720, 1280]})
    }
    assert len(places) == 3 and all(path.parent == folder / "pexels" for path in places)


@pytest.mark.parametrize("name", [("pexels", "../../x"), ("pexels", "a/b"), ("../x", "1"), ("pexels", "")])
def test_a_clip_never_leaves_its_folder(stock, get, name):
    with pytest.raises(UserError):
        get(choice(stock, provider=name[0], id=name[1]))
    assert not stock.requests()


JOB = """
import json, sys
from pathlib import Path
from scripts.lib.net.clips import fetch
clip, config = json.loads(sys.argv[1]), json.loads(sys.argv[2])
fetch(clip, clip["url"], Path(sys.argv[3]), config)
"""


def job(wanted, config, target) -> subprocess.Popen:
    """Another process that fetches a clip."""
    return subprocess.Popen([sys.executable, "-c", JOB, json.dumps(wanted), json.dumps(config), str(target)], cwd=ROOT)


def test_processes_that_want_the_same_clip_fetch_it_once(stock, config, tmp_path):
    stock.download_delay = 1.0
    jobs = [job(choice(stock), config, tmp_path / f"{number}.mp4") for number in range(4)]
    assert [job.wait() for job in jobs] == [0] * 4
    assert len(stock.downloads()) == 2  # the link, and what it redirects to
    assert len({(tmp_path / f"{number}.mp4").read_bytes() for number in range(4)}) == 1


def test_a_killed_job_leaves_no_lock_and_the_next_goes_on(stock, config, get, tmp_path):
    stock.download_delay = 4.0
    wanted = choice(stock)
    killed = job(wanted, config, tmp_path / "killed.mp4")
    part = parts(place(clips_folder(config["cache_dir"]), wanted))[0]
    wait_for(lambda: part.exists() and part.stat().st_size)
    killed.kill()
    killed.wait()
    left = part.stat().st_size
    assert left and not (tmp_path / "killed.mp4").exists()
    stock.download_delay = 0.0
    get(wanted)
    assert stock.downloads()[-1].headers["range"] == f"bytes={left}-"
    assert clip_in(tmp_path / "scenes/s1/clip.mp4") == ("pexels", wanted["id"])
    check(tmp_path / "scenes/s1/clip.mp4")
    assert len(os.listdir(part.parent)) == 2  # the clip and its note


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def unnote(path: Path) -> None:
    path.with_suffix(".json").unlink()


@pytest.mark.parametrize("damage", [cut, flip, unnote, Path.unlink])
def test_a_kept_clip_that_went_bad_is_fetched_anew(stock, config, get, tmp_path, damage):
    wanted = choice(stock)
    get(wanted)
    before = (tmp_path / "scenes/s1/clip.mp4").read_bytes()
    damage(place(clips_folder(config["cache_dir"]), wanted))
    stock.forget()
    get(wanted)
    assert stock.downloads() and (tmp_path / "scenes/s1/clip.mp4").read_bytes() == before


LOST = {
    "404": "answered 404",
    "truncated": "sent [0-9,]+ of [0-9,]+ bytes",
    "no-length-cut": "what it sent cannot be read as a video .*",
    "nothing": "what it sent is empty",
    "html": "what it sent is a web page, not a clip",
    "html-as-mp4": "what it sent is a web page, not a clip",
    "noise": "what it sent cannot be read as a video .*",
    "m3u8": "what it sent is a playlist, not a clip",
    "m3u8-as-mp4": "what it sent is a playlist, not a clip",
    "ffconcat": "what it sent is a playlist, not a clip",
    "loop": "redirects more than 5 times",
    "local-file": "its redirect is not an http or https address .*",
    "oversized": "is larger than 1 MB, the most that network.max_download_mb allows",
    "reset": "the connection broke off",
}


@pytest.mark.parametrize("fault", LOST)
def test_a_clip_that_cannot_be_had_makes_way_for_the_next(stock, config, get, tmp_path, caplog, fault):
    config["network"]["max_download_mb"] = 1
    broken(stock, fault, 0)
    if fault == "truncated":
        broken(stock, "no-range", 0)
    first, second = choice(stock, 0), choice(stock, 1)
    became = get(first, second, choice(stock, 2))
    assert became["id"] == second["id"] and [lost["id"] for lost in became["instead_of"]] == [first["id"]]
    why = rf"127\.0\.0\.1: {LOST[fault]}"
    lost = became["instead_of"][0]["why"].split(", and looked up")[0]
    assert re.fullmatch(why, lost)
    assert clip_in(tmp_path / "scenes/s1/clip.mp4") == ("pexels", second["id"])
    assert os.listdir(tmp_path / "scenes/s1") == ["clip.mp4"]
    shown = f"warning: pexels:{second['id']} is shown instead of pexels:{first['id']} ({lost}"
    assert shown in caplog.text
    kept = [path.name for path in clips_folder(config["cache_dir"]).glob("*/*.mp4")]
    assert len(kept) == 1 and kept[0].startswith(second["id"])


def test_an_expired_link_is_looked_up_once_and_then_never_again(stock, config, get, keys, tmp_path):
    wanted = choice(stock)
    stock.expire()
    assert get(wanted) == wanted | {"instead_of": []}
    assert [request.path for request in stock.of("pexels")] == [f"/v1/videos/videos/{wanted['id']}"]
    assert clip_in(tmp_path / "scenes/s1/clip.mp4") == ("pexels", wanted["id"])
    stock.forget()
    get(wanted, scene="s2")
    assert not stock.requests()


def test_an_expired_link_without_a_key_makes_way_and_names_the_variable(stock, get, monkeypatch):
    monkeypatch.delenv("PEXELS_API_KEY", raising=False)
    wanted, other = choice(stock), choice(stock, site="pixabay")
    broken(stock, "404", 0)
    became = get(wanted, other)
    assert became["provider"] == "pixabay"
    assert became["instead_of"][0]["why"] == (
        "127.0.0.1: answered 404, and looked up by its id: pexels: there is no key: "
        "set PEXELS_API_KEY in the environment or in .env"
    )


def test_a_site_whose_links_are_all_dead_is_asked_for_few(stock, get, keys):
    numbers = range(MOST_LOOKUPS + 3)
    broken(stock, "404", *numbers)
    with pytest.raises(UserError, match="no clip can be had"):
        get(*(choice(stock, number) for number in numbers))
    assert len(stock.of("pexels")) == MOST_LOOKUPS


def test_a_site_that_is_down_or_used_up_is_no_reason_to_show_something_else(stock, config, get, keys):
    """Its links have expired, and it cannot say what they are now."""
    broken(stock, "404", *range(OUTAGE + 1))
    config["stock"]["pexels"]["per_hour"], config["network"]["max_wait"] = 1, 0.1
    get(choice(stock, OUTAGE + 1, url=None))
    with pytest.raises(UserError, match=r"the network fails: .*its 1 requests an hour are used up; free again at"):
        get(*(choice(stock, number) for number in range(OUTAGE + 1)))
    config["stock"]["pixabay"]["base_url"] = "http://127.0.0.1:9/api"
    with pytest.raises(UserError, match=r"scene s1: no clip can be had: .*pixabay: cannot be reached at"):
        get(choice(stock, site="pixabay", url=None))


@pytest.mark.parametrize("site", ["pexels", "pixabay"])
def test_a_pinned_clip_that_no_search_found_is_looked_up_by_its_id(stock, get, keys, tmp_path, site):
    blank = dict.fromkeys(("page", "author", "licence", "url")) | {"size": [108, 192]}
    became = get(choice(stock, site=site, **blank))
    known = clips(site)[int(became["id"])]
    assert became["author"] == known.author and became["licence"] and became["page"] and became["url"]
    assert SIZE <= tuple(became["size"]) < (720, 1280)  # the smallest that is there and need not be enlarged
    assert clip_in(tmp_path / "scenes/s1/clip.mp4") == (site, became["id"])


@pytest.mark.parametrize("site", ["pexels", "pixabay"])
def test_a_pinned_clip_that_was_looked_up_and_fetched_is_asked_for_no_more(stock, get, keys, site):
    pin = choice(stock, site=site, url=None)
    first = get(pin)
    stock.forget()
    assert get(pin, scene="s2") == first
    assert not stock.requests()


def test_a_pinned_clip_whose_link_has_expired_since_is_looked_up_anew(stock, config, get, keys, tmp_path):
    pin = choice(stock, url=None)
    first = get(pin)
    prune(clips_folder(config["cache_dir"]), 0)
    stock.expire()
    stock.forget()
    assert get(pin, scene="s2") == first
    assert len(stock.of("pexels")) == 1 and clip_in(tmp_path / "scenes/s2/clip.mp4") == ("pexels", pin["id"])


def test_a_pinned_clip_that_there_is_not_is_told(stock, get, keys):
    with pytest.raises(
        UserError, match=r"scene s1: no clip can be had: pexels:1 \(pexels: has no such clip\); name another"
    ):
        get(choice(stock, id="1", url=None))


@pytest.fixture
def gone(stock, tmp_path):
    """A clip that is gone for good, and what else there is, by name."""
    broken(stock, "404", 0)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=300x400", "-frames:v", 1, tmp_path / "sea.png")
    blank = dict.fromkeys(("page", "author", "licence", "url"))
    picture = {"provider": "local", "id": "sea.png", "path": str(tmp_path / "sea.png"), "size": [300, 400]} | blank
    background = {"provider": "procedural", "id": "silk", "path": None, "size": [1080, 1920]} | blank
    return {"clip": choice(stock), "picture": picture, "background": background}


def test_where_every_clip_is_gone_a_background_is_painted(get, gone, tmp_path, caplog):
    became = get(gone["clip"], gone["background"])
    assert became == gone["background"] | {"instead_of": became["instead_of"]}
    assert [lost["id"] for lost in became["instead_of"]] == [gone["clip"]["id"]]
    assert "procedural:silk is shown instead of" in caplog.text
    media = probe(tmp_path / "scenes/s1/clip.mp4")
    assert (media.width, media.height, media.kind) == (1080, 1920, "video")
    assert os.listdir(tmp_path / "scenes/s1") == ["clip.mp4"]


def test_a_picture_that_stands_in_for_a_clip_moves(get, gone, tmp_path):
    became = get(gone["clip"], gone["picture"], gone["background"])
    assert became["path"] == gone["picture"]["path"]
    assert frame_count(tmp_path / "scenes/s1/clip.mp4") == 300
    assert probe(tmp_path / "scenes/s1/clip.mp4").width == 300


def test_no_background_stands_in_for_a_network_that_is_down(stock, get, gone, tmp_path):
    stock.faults.faults.clear()
    broken(stock, "reset", 0, 1)
    with pytest.raises(UserError, match=r"scene s1: no clip can be had: .* broke off.*, or run again later"):
        get(gone["clip"], choice(stock, 1), gone["background"])
    assert not (tmp_path / "scenes/s1/clip.mp4").exists()


def test_a_background_is_no_input_of_the_rule(monkeypatch):
    """An edit of a painter renders no scene that shows stock footage."""
    assert not [path for path in sources("scripts/clip.py") if "background" in path]


def test_the_users_own_clips_are_copied_and_those_that_cannot_be_shown_passed_over(stock, get, tmp_path):
    (tmp_path / "sea.jpg").write_bytes(b"")
    own = tmp_path / "sea.mov"
    make_clip(own, "testsrc2=size=64x64:rate=10", seconds=0.5)
    blank = dict.fromkeys(("page", "author", "licence", "url")) | {"size": [64, 64]}
    picture, gone, film = (
        {"provider": provider, "id": name, "path": path} | blank
        for provider, name, path in (
            ("local", "sea.jpg", str(tmp_path / "sea.jpg")),
            ("local", "gone.mp4", str(tmp_path / "gone.mp4")),
            ("local", "sea.mov", str(own)),
        )
    )
    broken(stock, "404", 0)
    became = get(choice(stock), picture, gone, film)
    assert (became["provider"], became["id"]) == ("local", "sea.mov")
    assert [lost["id"] for lost in became["instead_of"]] == [choice(stock)["id"], "sea.jpg", "gone.mp4"]
    made = tmp_path / "scenes/s1/clip.mp4"
    assert made.read_bytes() == own.read_bytes() and made.stat().st_ino != own.stat().st_ino


def test_when_all_are_gone_the_scene_fails_with_every_cause_and_what_to_do(stock, get, tmp_path):
    broken(stock, "html", 0)
    broken(stock, "m3u8", 1)
    with pytest.raises(UserError) as error:
        get(choice(stock, 0), choice(stock, 1))
    one, two = upright("pexels", 0), upright("pexels", 1)
    assert str(error.value) == (
        f"scene s1: no clip can be had: pexels:{one} (127.0.0.1: what it sent is a web page, not a clip), "
        f"pexels:{two} (127.0.0.1: what it sent is a playlist, not a clip); "
        "reject what is gone for good, add footage, or run again later"
    )
    assert not (tmp_path / "scenes/s1/clip.mp4").exists()


def test_a_network_that_is_down_is_not_worn_out(stock, get):
    broken(stock, "reset", *range(9))
    with pytest.raises(UserError, match=r"scene s1: the network fails: pexels:.*; run again when it is back"):
        get(*(choice(stock, number) for number in range(9)))
    assert len({request.about for request in stock.downloads() if request.about}) == OUTAGE
    assert len([request for request in stock.downloads() if request.fault]) == OUTAGE * ATTEMPTS


def test_clips_that_are_gone_between_faults_of_the_network_are_no_outage(stock, get):
    broken(stock, "reset", 0, 1, 3, 4)
    broken(stock, "nothing", 2)
    became = get(*(choice(stock, number) for number in range(6)))
    assert became["id"] == choice(stock, 5)["id"] and len(became["instead_of"]) == 5


def kept(config, *ages: float) -> list[Path]:
    """Clips of 1,000 bytes that were used so many seconds ago."""
    folder, made = clips_folder(config["cache_dir"]), []
    for number, age in enumerate(ages):
        path = folder / f"pexels/{number}-00000000.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(990))
        path.with_suffix(".json").write_bytes(bytes(10))
        for file in (path, path.with_suffix(".json")):
            os.utime(file, (time.time() - age,) * 2)
        made.append(path)
    return made


def test_what_was_used_longest_ago_goes_first(config):
    clips = kept(config, 30, 10, 40, 20)
    folder = clips_folder(config["cache_dir"])
    assert usage(folder) == (4, 4000)
    assert prune(folder, 2500) == 2000
    assert [clip.exists() for clip in clips] == [False, True, False, True]
    assert usage(folder) == (2, 2000) and prune(folder, 2500) == 0
    assert sorted(path.name for path in folder.rglob("*.*")) == sorted(
        clip.with_suffix(suffix).name for clip in (clips[1], clips[3]) for suffix in (".mp4", ".json")
    )


def test_a_clip_that_is_shown_again_counts_as_used(stock, config, get):
    get(choice(stock, 0))
    get(choice(stock, 1))
    folder = clips_folder(config["cache_dir"])
    first, second = (place(folder, choice(stock, number)) for number in range(2))
    for path in (first, first.with_suffix(".json"), second, second.with_suffix(".json")):
        os.utime(path, (time.time() - 100,) * 2)
    get(choice(stock, 0))
    prune(folder, first.stat().st_size * 1.5)
    assert first.exists() and not second.exists()


def test_the_folder_is_kept_within_its_limit(stock, config, get):
    config["cache_max_gb"] = 1.5e-9 * len(stock.media.file("pexels", clips("pexels")[upright("pexels", 0)], *SIZE))
    for number in range(3):
        get(choice(stock, number))
    folder = clips_folder(config["cache_dir"])
    assert [path.name.partition("-")[0] for path in folder.glob("*/*.mp4")] == [choice(stock, 2)["id"]]


def test_a_clip_that_another_process_holds_is_left(config):
    (clip,) = kept(config, 30)
    with FileLock(clip.with_suffix(".lock")):
        assert prune(clips_folder(config["cache_dir"]), 0) == 0 and clip.exists()
    assert prune(clips_folder(config["cache_dir"]), 0) == 1000 and not clip.exists()


def test_parts_that_nobody_went_on_with_are_removed(config):
    (clip,) = kept(config, 2 * WEEK)
    new, old = (clip.with_name(f"{name}-00000000.mp4") for name in ("new", "old"))
    for target, age in ((new, WEEK / 2), (old, 2 * WEEK)):
        for file in parts(target):
            file.write_bytes(b"x")
            os.utime(file, (time.time() - age,) * 2)
    assert prune(clips_folder(config["cache_dir"]), 10**6) == 2
    assert clip.exists() and all(file.exists() for file in parts(new))
    assert not any(file.exists() for file in parts(old))


def test_a_lock_is_gone_with_its_use(config):
    (clip,) = kept(config, 0)
    with held(clip):
        assert clip.with_suffix(".lock").exists()
    assert not clip.with_suffix(".lock").exists() and not sound(clip)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_copy_across_file_systems_is_whole(tmp_path):
    source = Path(f"/dev/shm/content-machine-test-{os.getpid()}.mp4")
    try:
        source.write_bytes(os.urandom(100_000))
        copy(source, tmp_path / "clip.mp4")
        assert (tmp_path / "clip.mp4").read_bytes() == source.read_bytes()
    finally:
        source.unlink()


def test_a_folder_that_cannot_be_written_to_is_no_fault_of_the_clip(stock, config, get):
    folder = clips_folder(config["cache_dir"])
    folder.mkdir()
    (folder / "pexels").write_text("in the way")
    with pytest.raises(UserError, match=r"scene s1: its clip cannot be written: .*/pexels: File exists; make room"):
        get(choice(stock, 0), choice(stock, 1))
    assert not stock.requests()


WHOLE = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", 10]


@pytest.fixture
def film(tmp_path):
    """A function that makes a file of ten seconds."""

    def film(name, *options, source="testsrc2=size=128x72:rate=10"):
        ffmpeg("-f", "lavfi", "-i", source, "-t", 10, *options, tmp_path / name)
        return tmp_path / name

    return film


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", WHOLE),
        ("a.mp4", [*WHOLE, "-movflags", "+faststart"]),
        ("a.mp4", [*WHOLE, "-bf", 3, "-g", 300]),
        ("a.webm", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", 8]),
    ],
)
def test_whole_clips_pass_and_half_ones_do_not(film, tmp_path, name, options):
    whole = film(name, *options)
    check(whole)
    half = tmp_path / "half"
    for share in (0.9, 0.5, 0.1):
        half.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with pytest.raises(MediaError):
            check(half)


def test_a_clip_in_fragments_passes(film):
    check(film("a.mp4", *WHOLE, "-movflags", "+frag_keyframe+empty_moov"))


def test_a_hole_in_the_middle_or_at_the_end_is_seen(film, tmp_path):
    whole = film("a.mp4", *WHOLE, "-movflags", "+faststart").read_bytes()
    for start in (0.4, 0.8):
        first, last = int(len(whole) * start), int(len(whole) * (start + 0.2))
        (tmp_path / "hole").write_bytes(whole[:first] + bytes(last - first) + whole[last:])
        with pytest.raises(MediaError, match="is damaged"):
            check(tmp_path / "hole")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.gif", [], "is no MP4 or WebM clip, but .*GIF"),
        ("a.jpg", ["-frames:v", 1], "cannot be read as a video"),
        ("a.png", ["-frames:v", 1], "cannot be read as a video"),
        ("a.avi", ["-c:v", "mpeg4"], "is no MP4 or WebM clip, but AVI"),
    ],
)
def test_what_is_no_clip_is_refused_whatever_it_is_called(film, tmp_path, name, options, message):
    film(name, *options).rename(tmp_path / "clip.mp4")
    with pytest.raises(MediaError, match=message):
        check(tmp_path / "clip.mp4")


def test_sound_alone_is_refused(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", 1, tmp_path / "clip.m4a")
    with pytest.raises(MediaError, match="has no picture: a sound file"):
        check(tmp_path / "clip.m4a")


@pytest.fixture
def asked(stock, model, tmp_path):
    """A workspace of one project with stock footage alone; a function that builds its credits: the jobs that ran."""
    workspace = copy_workspace(model, Path(tempfile.mkdtemp(dir=model.parent)))
    write_config(workspace, **stock.config())
    config = json.loads((workspace / "config/config.yaml").read_text())
    config["stock"]["providers"] = ["pexels"]
    (workspace / "config/config.yaml").write_text(json.dumps(config | {"cache_dir": str(tmp_path / "cache")}))
    write_project(workspace, "tiny", {"sea": ("The sea.", "ocean waves"), "wood": ("A wood.", "forest trees in fog")})

    def build():
        run = snakemake(workspace, "results/tiny/credits.md", env={"PEXELS_API_KEY": KEY})
        assert run.code == 0, run.output
        return set(run.jobs)

    return workspace, build


@pytest.mark.slow
def test_a_clip_shown_instead_can_be_rejected_in_its_turn(stock, asked):
    """It stays as long as it may, whatever becomes of the other alternates."""
    workspace, build = asked

    def shown() -> dict:
        return json.loads((workspace / "results/tiny/scenes/sea/clip.json").read_text())

    def reject(*clips: str) -> None:
        edit_script(workspace, "tiny", lambda scenes: scenes[0].update(reject=[f"pexels:{clip}" for clip in clips]))

    build()
    first = shown()["id"]
    stock.faults.faults.append(Fault(("html",), where=f"/{first}/"))
    shutil.rmtree(workspace / "results")
    prune(clips_folder(json.loads((workspace / "config/config.yaml").read_text())["cache_dir"]), 0)
    assert {"clip tiny/sea", "clip tiny/wood"} <= build()
    second = shown()["id"]
    assert second != first and [lost["id"] for lost in shown()["instead_of"]] == [first]
    assert f"Pexels {second}" in (workspace / "results/tiny/credits.md").read_text()
    assert build() == set()
    alternates = json.loads((workspace / "results/tiny/selection/sea.alternates.json").read_text())["alternates"]
    reject(alternates[-1]["id"])
    assert build() == {"selection tiny"}
    reject(alternates[-1]["id"], second)
    assert build() == {"selection tiny", "clip tiny/sea", "credits tiny"}
    assert shown()["id"] not in (first, second) and build() == set()
