"""What asks the stock sites again, and what does not: counted at the server."""

import json
import tempfile
from pathlib import Path

import pytest
from conftest import copy_workspace, edit_script, snakemake, write_footage, write_project

from tests.servers.builds import KEY, KEYS, forget_results, stock_workspace
from tests.servers.faults import Fault
from tests.servers.stock import Stock

SCENES = {
    "sea": ("The sea is big and blue.", "ocean waves"),
    "wood": ("A forest is dark. It is quiet.", "a forest of old trees"),
    "town": ("Cars run in the city at night.", "city traffic at night"),
}
PROVIDERS = ["pexels", "pixabay", "procedural"]


@pytest.fixture(scope="module")
def stock(stock_media):
    with Stock(stock_media, {KEY}) as stock:
        yield stock


@pytest.fixture(scope="module")
def built_from_stock(model, stock):
    workspace = stock_workspace(model, stock, {"tiny": SCENES}, PROVIDERS)
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert {job for job in run.jobs if job.split()[0] == "search"} == {
        f"search tiny/{scene}/{site}" for scene in SCENES for site in ("pexels", "pixabay")
    }
    return workspace


@pytest.fixture
def workspace(built_from_stock, stock):
    """A copy of the built workspace; from here on, requests are noted."""
    copy = copy_workspace(built_from_stock, Path(tempfile.mkdtemp(dir=built_from_stock.parent)))
    stock.forget()
    return copy


def rules(run):
    return {job.split()[0] for job in run.jobs}


def videos(workspace):
    return {path.parent.name: path.read_bytes() for path in workspace.glob("results/*/video.mp4")}


def configure(workspace, change):
    path = workspace / "config/config.yaml"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def test_an_edited_text_asks_for_nothing(workspace, stock):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is big and very dark."))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert "narration tiny/wood" in run.jobs
    assert not rules(run) & {"search", "candidates", "selection", "clip"}
    assert stock.requests() == []


def test_a_key_that_is_gone_changes_nothing(workspace, stock):
    run = snakemake(workspace)
    assert (run.code, run.jobs) == (0, []), run.output
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is big and very dark."))
    run = snakemake(workspace)
    assert run.code == 0, run.output
    assert not rules(run) & {"search", "candidates", "selection", "clip"}
    assert stock.requests() == []


def test_a_search_that_must_be_made_without_its_key_fails_and_names_it(workspace, stock):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(visualDirection="volcano lava"))
    run = snakemake(workspace, env={"PIXABAY_API_KEY": KEY})
    assert run.code != 0 and "PEXELS_API_KEY" in run.output and "wood" in run.output
    assert "Traceback" not in run.output
    assert {request.host for request in stock.requests()} <= {"pixabay"}
    stock.forget()
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert {request.params["query"] for request in stock.of("pexels")} == {"volcano lava"}, "asked once it can be"


def test_a_deleted_result_asks_for_nothing_and_is_the_same(workspace, stock):
    before = videos(workspace)
    forget_results(workspace)
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert rules(run) >= {"search", "clip"}
    assert stock.requests() == []
    assert videos(workspace) == before


def test_another_video_of_the_same_directions_asks_for_nothing(workspace, stock):
    write_project(workspace, "twin", {name: (f"Again: {text}", visual) for name, (text, visual) in SCENES.items()})
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert "search twin/sea/pexels" in run.jobs and "clip twin/sea" in run.jobs
    assert stock.requests() == []


def test_a_new_visual_direction_asks_for_it_alone(workspace, stock):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(visualDirection="volcano lava"))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    asked = {
        request.params.get("query") or request.params.get("q")
        for request in (*stock.of("pexels"), *stock.of("pixabay"))
    }
    assert asked == {"volcano lava"}
    assert {job for job in run.jobs if job.split()[0] in ("search", "clip", "segment")} == {
        "search tiny/wood/pexels",
        "search tiny/wood/pixabay",
        "clip tiny/wood",
        "segment tiny/wood",
    }


def test_rates_timeouts_and_folders_change_nothing(workspace, stock):
    def change(config):
        config["stock"]["pexels"] |= {"min_interval": 0.5, "max_concurrent": 1, "per_hour": 100}
        config["network"] |= {"timeout": [3, 9], "max_wait": 5}
        config["cache_dir"] = "another"

    configure(workspace, change)
    run = snakemake(workspace, env=KEYS)
    assert (run.code, run.jobs) == (0, []), run.output


def test_another_frame_of_the_same_orientation_searches_for_nothing(workspace, stock):
    configure(workspace, lambda config: config["video"].update(width=90, height=160))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert "search" not in rules(run) and stock.of("pexels") == stock.of("pixabay") == []


def test_a_frame_that_is_turned_searches_anew(workspace, stock):
    configure(workspace, lambda config: config["video"].update(width=192, height=108))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert {request.params["orientation"] for request in stock.of("pexels")} == {"landscape"}


def test_a_key_that_appears_brings_its_searches_and_nothing_else(model, stock):
    workspace = stock_workspace(model, stock, {"tiny": SCENES}, ["pexels", "pixabay", "local"])
    write_footage(workspace)
    stock.forget()
    run = snakemake(workspace)
    assert run.code == 0, run.output
    assert "PEXELS_API_KEY" in run.output and stock.requests() == []
    assert not rules(run) & {"search", "clip"}
    for name, site in (("PEXELS_API_KEY", "pexels"), ("PIXABAY_API_KEY", "pixabay")):
        stock.forget()
        run = snakemake(workspace, env={key: KEYS[key] for key in ("PEXELS_API_KEY", name)})
        assert run.code == 0, run.output
        assert {job for job in run.jobs if job.startswith("search")} == {f"search tiny/{id_}/{site}" for id_ in SCENES}
        assert not rules(run) & {"narration", "words", "captions", "soundtrack", "embedding"}
        assert {request.host for request in stock.requests()} <= {site, f"{site} files"} and stock.of(site)
    stock.forget()
    assert snakemake(workspace, env=KEYS).jobs == []
    assert stock.requests() == []


def test_a_rejected_clip_is_replaced_without_a_search(workspace, stock):
    chosen = json.loads((workspace / "results/tiny/selection/sea.json").read_text())
    name = f"{chosen['provider']}:{chosen['id']}"
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(reject=[name]))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert "search" not in rules(run) and stock.of("pexels") == stock.of("pixabay") == []
    became = json.loads((workspace / "results/tiny/scenes/sea/clip.json").read_text())
    assert f"{became['provider']}:{became['id']}" != name


def test_a_pinned_clip_is_looked_up_once(workspace, stock):
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(footage="pexels:1501907"))
    run = snakemake(workspace, env=KEYS)
    assert run.code == 0, run.output
    assert [request.path for request in stock.of("pexels")] == ["/v1/videos/videos/1501907"]
    assert json.loads((workspace / "results/tiny/scenes/sea/clip.json").read_text())["id"] == "1501907"
    stock.forget()
    assert snakemake(workspace, env=KEYS).jobs == []
    forget_results(workspace)
    again = snakemake(workspace, env=KEYS)
    assert again.code == 0 and "clip tiny/sea" in again.jobs, again.output
    assert stock.requests() == []


def test_what_a_video_shows_in_place_of_a_lost_clip_is_avoided_too(model, stock_media):
    """The first video's choice is gone, and it shows the next best: the second video takes neither."""
    with Stock(stock_media, {KEY}, faults=[Fault(("404",), where=" ocean ", targets=1)]) as stock:
        workspace = stock_workspace(model, stock, {"one": {"sea": SCENES["sea"]}}, ["pexels"])
        run = snakemake(workspace, "results/one/scenes/sea/clip.mp4", env=KEYS)
        assert run.code == 0, run.output
        shown = json.loads((workspace / "results/one/scenes/sea/clip.json").read_text())
        assert len(shown["instead_of"]) == 1
        write_project(workspace, "two", {"sea": SCENES["sea"]}, selection={"avoid": ["one"]})
        wanted = "results/two/scenes/sea/clip.mp4"
        run = snakemake(workspace, wanted, env=KEYS)
        assert run.code == 0, run.output
        again = json.loads((workspace / "results/two/scenes/sea/clip.json").read_text())
        assert again["id"] not in (shown["id"], shown["instead_of"][0]["id"]) and again["instead_of"] == []
        assert snakemake(workspace, wanted, env=KEYS).jobs == []
