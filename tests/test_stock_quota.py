"""Quotas hold across runs and after kills: counted strictly at the server, which would refuse what is too much."""

import contextlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, kill_tree, snakemake, wait_for

from scripts.lib.net.ledger import Ledger
from tests.servers.builds import KEY, KEYS, scenes, searches, stock_workspace
from tests.servers.loopback import least_gap, most_within, peak
from tests.servers.stock import Stock

pytestmark = pytest.mark.slow


def test_forty_searches_of_two_runs_never_exceed_twenty_a_minute(model, stock_media, tmp_path):
    limits = {"pexels": {"per_minute": 20, "min_interval": 0.2, "max_concurrent": 3}}
    with Stock(stock_media, {KEY}, limits={"pexels": {"per_minute": 20}}, delay=0.3) as stock:
        projects = {"one": scenes(20), "two": scenes(20, first=20)}

        def run(name):
            shared = {"sites": limits, "cache_dir": str(tmp_path)}
            workspace = stock_workspace(model, stock, {name: projects[name]}, ["pexels"], **shared)
            return snakemake(workspace, *searches(name, list(projects[name])), env=KEYS)

        with ThreadPoolExecutor() as pool:
            runs = list(pool.map(run, projects))
        assert [run.code for run in runs] == [0, 0], runs[0].output + runs[1].output
        asked = stock.of("pexels")
        assert len(asked) == 40 and stock.refused == []
        assert most_within(asked, 60) == 20
        assert least_gap(asked) >= 0.2
        assert peak(asked) <= 3
        starts = sorted(request.start for request in asked)
        assert starts[-1] - starts[20] < 60, "the second twenty go within one window"


def test_killed_runs_leave_no_place_taken_and_all_that_they_asked_counted(model, stock_media, tmp_path):
    """Killed with both of two places taken, three times; then all is asked for at once."""
    limits = {"pexels": {"max_concurrent": 2, "per_minute": 100}}
    shared = {"cache_dir": str(tmp_path), "network": {"timeout": [5, 60]}}
    with Stock(stock_media, {KEY}, delay=30) as stock:
        workspace = stock_workspace(model, stock, {"killed": scenes(6)}, ["pexels"], limits, **shared)
        wanted = searches("killed", list(scenes(6)))
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2", *wanted]
        asked = 0
        for _ in range(3):
            stock.forget()
            process = subprocess.Popen(
                command, cwd=workspace, env=os.environ | KEYS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            wait_for(lambda: sum(request.end == float("inf") for request in stock.of("pexels")) == 2)
            kill_tree(process.pid)
            process.wait()
            asked += len(stock.of("pexels"))
            assert snakemake(workspace, "--unlock").code == 0
        stock.forget()
        stock.delay = 0.3
        run = snakemake(workspace, *wanted, env=KEYS)
        assert run.code == 0, run.output
        assert peak(stock.of("pexels")) <= 2
        with contextlib.closing(Ledger(tmp_path, "pexels", KEY, {}, 1)) as ledger:
            assert ledger.requests.count() == asked + len(stock.of("pexels"))
        assert all((workspace / path).exists() for path in wanted)
