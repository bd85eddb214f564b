"""Whatever the network does, a build ends with a good video or says which scene failed and why; and the next run, when
all is well again, repairs it."""

import json
import re

import pytest
from conftest import snakemake, write_footage

from scripts.lib.media import frame_count
from tests.servers.builds import KEY, KEYS, scenes, searches, stock_workspace
from tests.servers.catalogue import SUBJECTS, clip_in
from tests.servers.faults import API, DOWNLOAD, Fault
from tests.servers.stock import SITES, Stock

pytestmark = pytest.mark.slow

PATIENT = {
    "concurrency": {"api": 40, "stock": 40, "downloads": 40},
    "network": {"timeout": [1, 1.5], "max_download_mb": 2},
}
"""Everything at once: what fails is waited for, and most of the waiting is for the next attempt."""
SITES_WIDE = {"pexels": {"max_concurrent": 40}, "pixabay": {"max_concurrent": 40}}


def built(workspace, project):
    """Checks that a project's video was made and is good."""
    quality = json.loads((workspace / f"results/{project}/quality.json").read_text())
    assert quality["verdict"] != "failed", quality
    assert frame_count(workspace / f"results/{project}/video.mp4") > 0


def half_files(workspace):
    """What was begun and not ended; but for the parts of clips in the cache, with which the next run goes on."""
    return [path for path in workspace.rglob("*.part*") if "clips" not in path.relative_to(workspace).parts]


def clips_of(workspace, project):
    """What each scene's clip became, checked to be there whole and to be what is said of it."""
    found = {}
    for about in sorted((workspace / f"results/{project}/scenes").glob("*/clip.json")):
        clip = json.loads(about.read_text())
        assert clip_in(about.with_name("clip.mp4")) == (clip["provider"], clip["id"])
        assert frame_count(about.with_name("clip.mp4")) == 30
        found[about.parent.name] = clip
    return found


def told(output):
    """What a run said of each scene that failed: `{scene: text}`."""
    blocks = re.findall(r"^failed: \w+ \w+/(\w+)(?:/\w+)?\n((?:  .*\n)+)", output, re.MULTILINE)
    return dict(blocks)


def by_scene(names, where, **options):
    """Each of the faults for one scene: `{scene: (fault, subject)}` and the list for the server."""
    subjects = dict(zip(scenes(len(names)), SUBJECTS, strict=False))
    plan = dict(zip(names, subjects, strict=True))
    return plan, [Fault((name,), where.format(subjects[scene].split()[0]), **options) for name, scene in plan.items()]


REFUSING = ("429", "challenge-429")
"""They hold all other searches of the site back too, for a while, so they are tried alone."""
PASSING = [name for name in API if name not in ("challenge-403", "echo", "elsewhere", "json-list", "challenge-429")]


def test_a_search_that_fails_once_is_made_again(model, stock_media):
    plan, faults = by_scene([*PASSING, "nulls"], "query={}", times=1)
    with Stock(stock_media, {KEY}, faults=faults) as stock:
        workspace = stock_workspace(model, stock, {"once": scenes(len(plan))}, ["pexels"], SITES_WIDE, **PATIENT)
        run = snakemake(workspace, *searches("once", list(plan.values())), env=KEYS)
        assert run.code == 0, run.output
        assert sorted(request.fault for request in stock.of("pexels") if request.fault) == sorted(plan)


SAYS = {
    **{status: f"answered {status[:3]}" for status in ("429-retry-after", "500", "502", "503")},
    "timeout": "no answer within",
    "reset": "broke off",
    "reset-midway": "broke off",
    "closed": "broke off",
    "not-json": "text/html, which is no JSON",
    "cut-json": "no JSON",
    "json-list": "no JSON",
    "challenge-403": "challenge page",
    "truncated": "broke off",
    "trickle": "no answer within",
    "trickling-head": "no answer within",
    "stall": "no answer within",
    "echo": "answered 400",
    "elsewhere": "leads elsewhere",
}


def test_a_search_that_keeps_failing_says_why_and_is_repaired_by_the_next_run(model, stock_media):
    assert SAYS.keys() == API.keys() - set(REFUSING)
    plan, faults = by_scene([*SAYS, "empty"], "query={}")
    with Stock(stock_media, {KEY}, faults=faults) as stock:
        workspace = stock_workspace(model, stock, {"fails": scenes(len(plan))}, ["pexels"], SITES_WIDE, **PATIENT)
        wanted = searches("fails", list(plan.values()))
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code != 0 and "Traceback" not in run.output
        said = told(run.output)
        assert said.keys() == {scene for fault, scene in plan.items() if fault != "empty"}, run.output
        assert {fault: said[plan[fault]] for fault, why in SAYS.items() if why not in said[plan[fault]]} == {}
        assert [path for path in wanted if (workspace / path).exists()] == searches("fails", [plan["empty"]])
        stock.faults.faults = [fault for fault in faults if fault.names == ("empty",)]
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code == 0, run.output
        assert len(run.jobs) == len(SAYS)


@pytest.mark.parametrize("fault", REFUSING)
def test_a_site_that_refuses_without_saying_for_how_long_is_left_alone(model, stock_media, fault):
    """Held back for 5 seconds, and then for longer than there is patience: all searches end, and few were sent."""
    with Stock(stock_media, {KEY}, faults=[Fault((fault,))]) as stock:
        settings = PATIENT | {"network": PATIENT["network"] | {"max_wait": 8}}
        workspace = stock_workspace(model, stock, {"refused": scenes(6)}, ["pexels"], **settings)
        run = snakemake(workspace, *searches("refused", list(scenes(6))), env=KEYS)
        assert run.code != 0 and "Traceback" not in run.output
        said = told(run.output)
        assert said.keys() == scenes(6).keys(), run.output
        assert all("answered 429" in why and "free again at" in why for why in said.values())
        assert all(("challenge page" in why) == (fault == "challenge-429") for why in said.values())
        assert len(stock.of("pexels")) <= 6 + 1


def test_a_search_that_finds_nothing_leaves_the_scene_to_the_other_providers(model, stock_media):
    with Stock(stock_media, {KEY}, faults=[Fault(("empty",))]) as stock:
        workspace = stock_workspace(model, stock, {"none": scenes(1)}, ["pexels", "local"])
        write_footage(workspace)
        run = snakemake(workspace, env=KEYS)
        assert run.code == 0, run.output
        built(workspace, "none")
        assert json.loads((workspace / "results/none/selection/s00.json").read_text())["provider"] == "local"


LOST = [name for name in [*DOWNLOAD, "expired"] if name not in ("private", "metadata")]
"""Without the two that lead into a private network, which these settings allow: they have a test of their own."""
HARMLESS = {"no-length", "no-range", "expired"}
"""After these, the clip itself can be had."""


def test_a_clip_that_cannot_be_had_gives_way_to_the_next(model, stock_media):
    plan, faults = by_scene(LOST, " {} ", targets=1)
    with Stock(stock_media, {KEY}, faults=faults) as stock:
        workspace = stock_workspace(model, stock, {"lost": scenes(len(plan))}, ["pexels"], SITES_WIDE, **PATIENT)
        wanted = [f"results/lost/scenes/{scene}/clip.mp4" for scene in plan.values()]
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code == 0, run.output
        met = {request.fault for request in stock.downloads() if request.fault}
        assert met == set(plan)
        clips = clips_of(workspace, "lost")
        for fault, scene in plan.items():
            if fault in HARMLESS:
                assert clips[scene]["instead_of"] == [], fault
            else:
                assert len(clips[scene]["instead_of"]) == 1, fault
                assert f"warning: clip lost/{scene}:" in run.output


DIES = {
    "404": "answered 404",
    "403": "answered 403",
    "html": "is a web page, not a clip",
    "m3u8-as-mp4": "is a playlist, not a clip",
    "ffconcat": "is a playlist, not a clip",
    "nothing": "is empty",
    "oversized": "larger than 2 MB",
    "loop": "redirects more than",
    "503": "the network fails",
}


def test_a_scene_whose_every_clip_fails_says_why_and_is_repaired_by_the_next_run(model, stock_media):
    plan, faults = by_scene(list(DIES), " {} ")
    with Stock(stock_media, {KEY}, faults=faults) as stock:
        workspace = stock_workspace(model, stock, {"dies": scenes(len(plan))}, ["pexels"], SITES_WIDE, **PATIENT)
        wanted = [f"results/dies/scenes/{scene}/clip.mp4" for scene in plan.values()]
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code != 0 and "Traceback" not in run.output
        said = told(run.output)
        assert said.keys() == set(plan.values()), run.output
        assert {fault: said[plan[fault]] for fault, why in DIES.items() if why not in said[plan[fault]]} == {}
        assert list(workspace.glob("results/dies/scenes/*/clip.*")) == []
        stock.faults.faults = []
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code == 0, run.output
        assert set(clips_of(workspace, "dies")) == set(plan.values())


PUBLIC = "http://93.184.215.14"
"""An address of the public internet, that no test connects to: a proxy stands for it."""


def test_a_redirect_into_a_private_network_is_not_followed(model, stock_media):
    plan, faults = by_scene(["private", "metadata", "local-file"], " {} ", targets=1)
    with Stock(stock_media, {KEY}, faults=faults) as stock:
        proxy = {"http_proxy": stock.public["pexels"], "no_proxy": "127.0.0.1"}
        stock.public["pexels"] = PUBLIC
        workspace = stock_workspace(model, stock, {"inside": scenes(4)}, ["pexels"], network={"allow_private": False})
        wanted = [f"results/inside/scenes/{scene}/clip.mp4" for scene in scenes(4)]
        run = snakemake(workspace, *wanted, env=KEYS | proxy)
        assert run.code == 0, run.output
        clips = clips_of(workspace, "inside")
        for scene in plan.values():
            (lost,) = clips[scene]["instead_of"]
            assert "no public address" in lost["why"] or "not an http" in lost["why"]
        assert clips["s03"]["instead_of"] == []
        assert {request.host for request in stock.downloads()} == {f"pexels files for {PUBLIC.removeprefix('http://')}"}


def test_a_clip_on_a_private_address_is_not_asked_for(model, stock_media):
    with Stock(stock_media, {KEY}) as stock:
        workspace = stock_workspace(model, stock, {"inside": scenes(1)}, ["pexels"], network={"allow_private": False})
        run = snakemake(workspace, env=KEYS)
        assert run.code != 0
        assert "scene s00" in told(run.output)["s00"] and "network.allow_private" in told(run.output)["s00"]
        assert len(stock.of("pexels")) == 1 and stock.downloads() == []


@pytest.mark.parametrize("seed", [1])
def test_all_faults_mixed(model, stock_media, seed):
    names = tuple(
        name for name in {**API, **DOWNLOAD, "empty": 0, "nulls": 0, "expired": 0} if name in LOST or name in API
    )
    with Stock(stock_media, {KEY}, faults=[Fault(names, rate=0.2)], seed=seed) as stock:
        videos = {"one": scenes(4), "two": scenes(4, first=10)}
        workspace = stock_workspace(model, stock, videos, [*SITES, "procedural"], SITES_WIDE, **PATIENT)
        run = snakemake(workspace, env=KEYS)
        assert "Traceback" not in run.output
        assert any(request.fault for request in stock.requests())
        failed = told(run.output)
        for name in videos:
            if (workspace / f"results/{name}/video.mp4").exists():
                built(workspace, name)
            else:
                assert failed.keys() & videos[name].keys(), run.output
            clips_of(workspace, name)
        assert (run.code == 0) == (not failed)
        assert half_files(workspace) == []
        stock.faults.faults = []
        run = snakemake(workspace, env=KEYS)
        assert run.code == 0, run.output
        for name in videos:
            built(workspace, name)
            clips_of(workspace, name)
