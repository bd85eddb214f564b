"""Limits on what happens at once are kept, and used: counted at the server, over whole builds."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import snakemake

from tests.servers.builds import KEY, KEYS, at_once, events, scenes, searches, stock_workspace
from tests.servers.loopback import peak
from tests.servers.stock import Stock

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def long_build(model, stock_media):
    """The server's notes and the events of a build of 24 scenes; an answer takes 0.3 s, a file 0.5 s. The first answers
    wait for as many searches, and downloads, as there are slots."""
    with Stock(stock_media, {KEY}, delay=0.3, download_delay=0.5, together=(3, 4)) as stock:
        workspace = stock_workspace(model, stock, {"long": scenes(24)}, ["pexels"], network={"timeout": [5, 30]})
        run = snakemake(workspace, env=KEYS)
        assert run.code == 0, run.output
        assert (workspace / "results/long/video.mp4").exists()
        return stock.of("pexels"), stock.downloads(), events(workspace)


def of(jobs, rule):
    return [job for job in jobs if job["rule"] == rule]


def test_as_many_searches_at_once_as_there_are_slots(long_build):
    asked, _, jobs = long_build
    assert len(asked) == len(of(jobs, "search")) == 24
    assert peak(asked) == 3


def test_as_many_downloads_at_once_as_there_are_slots(long_build):
    _, fetched, jobs = long_build
    assert len(of(jobs, "clip")) == 24
    assert peak(fetched) == 4


def test_the_network_is_waited_for_beside_the_work_of_the_cores(long_build):
    *_, jobs = long_build
    assert at_once(of(jobs, "search"), of(jobs, "narration"))
    assert at_once(of(jobs, "clip"), of(jobs, "segment"))


@pytest.mark.parametrize(("rule", "slots"), [("search", 3), ("clip", 4)])
def test_a_slot_is_taken_again_as_soon_as_it_is_free(long_build, rule, slots):
    """The phase takes at most 1.25 of the time that its jobs take by themselves, over the slots there are."""
    jobs = of(long_build[-1], rule)
    phase = max(job["end"] for job in jobs) - min(job["start"] for job in jobs)
    assert phase <= 1.25 * sum(job["end"] - job["start"] for job in jobs) / slots


def test_two_runs_together_have_no_more_requests_under_way_than_one_may(model, stock_media, tmp_path):
    with Stock(stock_media, {KEY}, delay=0.5, together=(3, 0)) as stock:
        projects = {"one": scenes(9), "two": scenes(9, first=9)}

        def run(name):
            shared = {"sites": {"pexels": {"max_concurrent": 3}}, "cache_dir": str(tmp_path)}
            shared["network"] = {"timeout": [5, 30]}
            workspace = stock_workspace(model, stock, {name: projects[name]}, ["pexels"], **shared)
            return snakemake(workspace, *searches(name, list(projects[name])), env=KEYS)

        with ThreadPoolExecutor() as pool:
            runs = list(pool.map(run, projects))
        assert [run.code for run in runs] == [0, 0], runs[0].output + runs[1].output
        assert len(stock.of("pexels")) == 18
        assert peak(stock.of("pexels")) == 3


def test_two_runs_that_want_the_same_ask_and_fetch_once(model, stock_media, tmp_path):
    with Stock(stock_media, {KEY}, delay=0.5, download_delay=0.5) as stock:
        wanted = [f"results/same/scenes/{scene}/clip.mp4" for scene in scenes(3)]

        def run(_):
            workspace = stock_workspace(model, stock, {"same": scenes(3)}, ["pexels"], cache_dir=str(tmp_path))
            run = snakemake(workspace, *wanted, env=KEYS)
            assert run.code == 0, run.output
            return [(workspace / path).read_bytes() for path in wanted]

        with ThreadPoolExecutor() as pool:
            one, two = pool.map(run, range(2))
        assert one == two
        assert len(stock.of("pexels")) == 3
        assert len({request.path for request in stock.downloads()}) == len(stock.downloads()) == 6
