"""The table of all videos."""

import json
from pathlib import Path

import pandas as pd
import pytest

from scripts.lib.report import write_report


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "logs/runs").mkdir(parents=True)
    (tmp_path / "results").mkdir()
    return tmp_path


def build(workspace: Path, project: str, verdict: str, checks: list[dict] = ()) -> None:
    folder = workspace / "results" / project
    folder.mkdir()
    (folder / "video.mp4").write_bytes(b"")
    (folder / "thumbnail.jpg").write_bytes(b"")
    footage = {"local": 3, "procedural": 2}
    quality = {"verdict": verdict, "length": 40.6, "footage": footage, "fallbacks": 2, "checks": [*checks]}
    (folder / "quality.json").write_text(json.dumps(quality))


def ran(workspace: Path, stamp: str, *jobs: tuple[str, str | None, float, float], outcome: str = "done") -> None:
    lines = [
        {"event": "job", "rule": rule, "project": project, "start": start, "end": end, "outcome": outcome}
        for rule, project, start, end in jobs
    ]
    text = "".join(json.dumps(line) + "\n" for line in [{"event": "run"}, *lines])
    (workspace / f"logs/runs/{stamp}.jsonl").write_text(text + '{"event": "jo')


def table(workspace: Path, *projects: str) -> pd.DataFrame:
    write_report([*projects], workspace / "results", workspace / "logs")
    return pd.read_csv(workspace / "results/videos.csv").set_index("project")


def test_every_project_has_a_row_the_unbuilt_too(workspace):
    build(workspace, "demo", "good")
    frame = table(workspace, "demo", "later")
    assert [*frame.index] == ["demo", "later"] and [*frame["verdict"]] == ["good", "not built"]
    demo = frame.loc["demo"]
    assert demo["length"] == 40.6 and demo["footage"] == "3 local, 2 procedural" and demo["fallbacks"] == 2
    assert demo["video"] == "demo/video.mp4" and frame.loc["later"].isna().sum() == 5


def test_seconds_are_those_of_the_latest_run_that_made_the_video_and_jobs_side_by_side_count_once(workspace):
    build(workspace, "demo", "good")
    build(workspace, "other", "good")
    ran(workspace, "1", ("video", "demo", 0.0, 99.0))
    ran(
        workspace,
        "2",
        *(("segment", "demo", 10.0, 14.0), ("segment", "demo", 12.0, 16.0), ("video", "demo", 20.0, 21.0)),
        *(("segment", "other", 0.0, 50.0), ("minilm", None, 0.0, 90.0)),
    )
    ran(workspace, "3", ("captions", "demo", 0.0, 1.0))
    ran(workspace, "4", ("video", "demo", 0.0, 1.0), outcome="failed")
    frame = table(workspace, "demo", "other")
    assert frame["seconds"]["demo"] == 7.0 and pd.isna(frame["seconds"]["other"])


def test_the_page_stands_alone_and_holds_no_markup_of_a_strangers(workspace):
    bad = {"name": "black", "value": "<script>alert(1)</script>", "wanted": "none", "verdict": "bad"}
    build(workspace, "demo", "bad", [bad, {**bad, "name": "loudness", "verdict": "good"}])
    table(workspace, "demo")
    page = (workspace / "results/videos.html").read_text()
    assert "black: &lt;script&gt;alert(1)&lt;/script&gt;, wanted none" in page and "<script" not in page
    assert "loudness" not in page and "http" not in page
    assert '<a href="demo/video.mp4">' in page and '<img src="demo/thumbnail.jpg"' in page
    assert "1 of 1 built · 0:41 in all" in page


def test_a_summary_that_cannot_be_made_costs_a_warning_not_the_run(workspace, capsys):
    build(workspace, "demo", "good")
    (workspace / "results/demo/quality.json").write_text("{")
    write_report(["demo"], workspace / "results", workspace / "logs")
    assert capsys.readouterr().err.startswith("warning: the table of videos could not be written: ")
    assert [path.name for path in (workspace / "results").iterdir()] == ["demo"]
