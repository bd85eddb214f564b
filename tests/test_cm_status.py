"""`cm status`: there, stale and why, missing; and the same for programs."""

import json
from pathlib import Path

from cm.plan import why
from cm.table import minutes
from cm_process import cm
from conftest import SCENES, edit_script, write_project


def status(workspace: Path, *words: str) -> dict:
    run = cm(workspace, "status", "--json", *words)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def only(answer: dict) -> dict:
    (project,) = answer["projects"]
    return project


def states(project: dict, scene: str) -> dict[str, str]:
    (found,) = (one for one in project["scenes"] if one["id"] == scene)
    return {kind: file["state"] for kind, file in found["artifacts"].items()}


def test_all_is_there_with_its_size_and_time(workspace):
    project = only(status(workspace))
    assert project["name"] == "tiny" and project["state"] == "there" and project["quality"]["length"] > 3
    assert {state for scene in SCENES for state in states(project, scene).values()} == {"there"}
    video = (workspace / "results/tiny/video.mp4").stat()
    told = project["files"]["video.mp4"]
    assert told["size"] == video.st_size and told["time"] == video.st_mtime and told["why"] == ""
    said = cm(workspace, "status").stdout
    assert said.startswith("tiny: up to date") and "why" not in said


def test_what_an_edit_makes_stale_and_why(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is very dark."))
    project = only(status(workspace))
    assert project["state"] == "stale"
    assert states(project, "wood") | dict.fromkeys(("narration", "words", "captions", "segment"), "stale") == states(
        project, "wood"
    )
    assert states(project, "wood")["embedding"] == "there" and set(states(project, "sea").values()) == {"there"}
    assert project["scenes"][1]["artifacts"]["narration"]["why"] == "text changed"
    assert project["scenes"][0]["shows"] == "footage/ocean-waves.mp4"
    assert project["files"]["soundtrack.m4a"]["state"] == "stale" and project["files"]["credits.md"]["state"] == "there"
    said = cm(workspace, "status", "tiny").stdout
    assert [line.split() for line in said.splitlines() if line.startswith("  narration")] == [
        ["narration", "wood", "text", "changed"]
    ]
    assert not (workspace / ".snakemake/locks").exists() or not list((workspace / ".snakemake/locks").iterdir())


TAKES_AWAY = """
import os, sys

def stat(path, *args, found=os.stat, **options):
    planning = any(word.endswith("snakemake") for word in sys.orig_argv[:3])
    if planning and str(path) == "results/tiny/video.mp4" and os.path.lexists("free"):
        os.remove("free")
        os.remove(path)
    return found(path, *args, **options)

os.stat = stat
"""
"""When Snakemake asks for the video's date it has listed its folder already."""


def test_a_file_that_a_run_takes_away_while_it_is_looked_at_is_missing(workspace, tmp_path):
    """Snakemake's plan has an error then."""
    (tmp_path / "sitecustomize.py").write_text(TAKES_AWAY)
    (workspace / "free").touch()
    run = cm(workspace, "status", "--json", PYTHONPATH=str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert not (workspace / "free").exists()
    assert only(json.loads(run.stdout))["files"]["video.mp4"]["state"] == "missing"


def test_a_setting_can_be_tried_out(workspace):
    project = only(status(workspace, "--set", "video.crf=40"))
    assert project["scenes"][0]["artifacts"]["segment"]["why"] == "crf: 35 → 40"
    assert only(status(workspace))["state"] == "there"


def test_where_the_footage_is_chosen_again_what_it_decides_is_undecided(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(visualDirection="waves of the ocean"))
    found = states(only(status(workspace)), "sea")
    assert found["embedding"] == found["candidates"] == found["selection"] == "stale"
    assert found["segment"] == "undecided" and found["narration"] == "there"


def test_a_removed_file_is_missing(workspace):
    (workspace / "results/tiny/video.srt").unlink()
    project = only(status(workspace))
    assert project["files"]["video.srt"] == {
        "path": "results/tiny/video.srt",
        "state": "missing",
        "why": "missing",
        "size": None,
        "time": None,
    }


def test_several_projects_have_a_line_each(workspace):
    write_project(workspace, "new", SCENES)
    write_project(workspace, "old", SCENES, archived=True)
    write_project(workspace, "wrong", {})
    lines = [line.split(maxsplit=1) for line in cm(workspace, "status").stdout.splitlines()]
    assert [name for name, _ in lines] == ["new", "old", "tiny", "wrong"]
    said = dict(lines)
    assert said["new"].startswith("not built") and said["old"].startswith("archived")
    write_project(workspace, "briefed", SCENES)
    (workspace / "projects/briefed/script.json").rename(workspace / "projects/briefed/brief.yaml")
    assert "cm script briefed" in cm(workspace, "status").stdout
    assert said["tiny"].startswith("up to date") and said["wrong"].startswith("refused")
    assert "projects/wrong/script.json: scenes: is empty" in said["wrong"]
    answer = {project["name"]: project for project in status(workspace)["projects"]}
    assert answer["wrong"]["state"] == "refused" and answer["wrong"]["problems"]
    assert set(states(answer["new"], "sea").values()) == {"missing"}


def test_lengths_are_told_in_minutes_and_whole_seconds():
    assert [minutes(seconds) for seconds in (7.4, 59.4, 59.7, 119.5, 600)] == ["0:07", "0:59", "1:00", "2:00", "10:00"]


def test_reasons_are_told_in_plain_words():
    assert why("Missing output files: a, b") == "missing"
    assert why("Forced execution") == "it was asked for"
    inputs = "Updated input files: ../x/scripts/lib/files.py, a.jpg, ../x/scripts/b.py"
    told = why(f"{inputs}; Input files updated by another job: results/a/words.json")
    assert told == "a.jpg, the source changed, words.json made again"
    params = "Params have changed since last execution: Union of exclusive params before and now across all output: "
    assert why(params + "before: {'crf': 21, 'fps': 30} now: {'crf': 24, 'fps': 30} ") == "crf: 21 → 24"
    assert why(params + "before: {'text': 'a; b: c'} now: {'text': 'now: d'} ") == "text changed"
    assert why(params + "before: <nothing exclusive> now: {'a': 1} ") == "its settings changed"
    assert why("Set of input files has changed since last execution; " + params + "before: {'a': 1} now: {'a': 2}") == (
        "other files go in, a: 1 → 2"
    )
    assert why("something new") == "it has to be made"
