"""`cm script`, `audio`, `visuals`, `render` and `build`: what they make, what they say, how they end."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cm.checkout import ROOT
from cm_process import cm, command, configure, made
from conftest import SCENES, edit_script, write_config, write_project

from tests.servers.models import Models

BIN = os.path.dirname(sys.executable)


def say_more(workspace: Path) -> None:
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is very dark."))


def rules(said: str) -> set[str]:
    return {job.split()[0] for job in made(said)}


def test_each_command_makes_its_part_and_no_more(workspace):
    write_project(workspace, "new", SCENES)
    run = cm(workspace, "audio", "new")
    assert run.returncode == 0, run.stderr
    assert rules(run.stderr) == {"narration", "words", "soundtrack", "timestamps"}
    run = cm(workspace, "visuals", "new")
    assert run.returncode == 0 and rules(run.stderr) == {"embedding", "candidates", "selection", "credits", "visuals"}
    run = cm(workspace, "render", "new")
    assert run.returncode == 0 and rules(run.stderr) == {"captions", "segment", "video"}
    run = cm(workspace, "build", "new")
    assert run.returncode == 0 and rules(run.stderr) == {"subtitles", "thumbnail", "quality"}
    assert not (workspace / "results/new/refused").exists()


def test_at_the_end_it_says_what_was_built_how_long_where_it_is_and_what_was_spared(workspace):
    files = workspace.glob("logs/runs/*.jsonl")
    events = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    chooses = {"all", "embedding", "footage_index", "candidates", "selection", "minilm"}  # left out where it is done
    whole = sum(event["event"] == "job" and event["rule"] not in chooses for event in events)
    say_more(workspace)
    run = cm(workspace, "build", "tiny")
    assert run.returncode == 0, run.stderr
    jobs = len(made(run.stderr))
    said = run.stderr.splitlines()
    assert "video tiny  results/tiny/video.mp4" in said
    done = next(line for line in said if line.startswith("done: "))
    assert re.fullmatch(rf"done: {jobs} jobs in 0:\d\d, {whole - jobs} spared", done) and whole - jobs > 5
    run = cm(workspace, "build", "tiny")
    assert run.returncode == 0 and "nothing to do, everything is up to date" in run.stderr
    assert any(line.startswith("video.mp4") and "results/tiny/video.mp4" in line for line in run.stderr.splitlines())


def test_a_build_from_nothing_says_nothing_of_spared_jobs(workspace):
    """Though Snakemake forgets, at the choice of footage, what it has made before it."""
    shutil.rmtree(workspace / "results")
    run = cm(workspace, "build")
    assert run.returncode == 0, run.stderr
    done = next(line for line in run.stderr.splitlines() if line.startswith("done: "))
    assert re.fullmatch(rf"done: {len(made(run.stderr))} jobs in \d:\d\d", done)


@pytest.mark.parametrize(
    ("words", "results"),
    [
        (["-c", "2"], "results"),
        (["--set", "video.crf=22"], "results"),
        (["--profile", "draft", "--set", "video.scale=1", "-c", "1"], "draft/results"),
        (["--profile", "debug", "--set", "video.crf=22"], "results"),
    ],
)
def test_a_file_is_asked_for_after_two_hyphens_beside_any_option(workspace, words, results):
    """Some of Snakemake's options take all words that follow."""
    run = cm(workspace, "audio", "tiny", *words, "--dry-run", "--", f"{results}/tiny/credits.md", "--forceall")
    assert run.returncode == 0, run.stderr
    assert "  credits" in run.stdout and "  soundtrack" in run.stdout and "  video" not in run.stdout


def test_the_printed_command_does_the_same_when_it_is_pasted_into_a_shell(workspace):
    say_more(workspace)
    elsewhere = workspace / "some where"
    elsewhere.mkdir()
    words = ["render", "tiny", "--directory", workspace, "--set", "video.crf=40", "-c", "2"]
    run = cm(elsewhere, *words)
    assert run.returncode == 0 and (workspace / "results/tiny/video.mp4").exists()
    before = (workspace / "results/tiny/video.mp4").read_bytes()
    pasted = subprocess.run(
        command(run.stderr),
        shell=True,
        cwd=elsewhere,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    assert pasted.returncode == 0 and "nothing to do" in pasted.stderr
    assert (workspace / "results/tiny/video.mp4").read_bytes() == before
    assert list(elsewhere.iterdir()) == []


def test_in_the_checkout_itself_the_command_is_short():
    run = cm(ROOT, "render", "demo", "--dry-run", "--concurrency", "3")
    assert run.returncode == 0, run.stderr
    slots = "cpus=3 api_slots=3 download_slots=3 stock_slots=3"
    assert shlex.split(command(run.stderr))[1:] == [
        *("--dry-run", "--resources", *slots.split(), "--cores", "3", "results/demo/video.mp4")
    ]


def test_nothing_named_builds_all_but_archived_projects(workspace):
    write_project(workspace, "old", SCENES, archived=True)
    run = cm(workspace, "render", "--dry-run")
    assert run.returncode == 0 and "results/tiny/video.mp4" in command(run.stderr)
    assert "results/old" not in command(run.stderr)
    run = cm(workspace, "build", "--dry-run")
    assert "results" not in command(run.stderr) and "old" not in run.stdout
    run = cm(workspace, "render", "old", "--dry-run")
    assert "narration" in run.stdout


def test_a_dry_run_says_what_would_be_made_and_why_and_makes_nothing(workspace):
    say_more(workspace)
    before = {path: path.stat().st_mtime_ns for path in (workspace / "results").rglob("*")}
    run = cm(workspace, "build", "--dry-run", "--set", "video.crf=40")
    assert run.returncode == 0
    lines = [line.split(maxsplit=2) for line in run.stdout.splitlines() if line.startswith("  ")]
    assert ["narration", "wood", "text changed"] in lines
    assert ["segment", "sea", "crf: 35 → 40"] in lines
    assert ["words", "wood", "narration.json, narration.wav made again"] in lines
    assert not any(line[:2] == ["narration", "sea"] for line in lines)
    assert {path: path.stat().st_mtime_ns for path in (workspace / "results").rglob("*")} == before


def test_what_models_cost_is_summed_up_for_a_named_project_that_takes_their_answers(tmp_path):
    write_config(tmp_path)
    write_project(tmp_path, "plain", SCENES)
    write_project(tmp_path, "asking", SCENES, selection={"engine": "llm"}, llm={"model": "m"})
    run = cm(tmp_path, "build", "asking", "plain", "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "results/asking/usage.json" in command(run.stderr) and "plain/usage.json" not in command(run.stderr)
    run = cm(tmp_path, "build", "plain", "--dry-run", "--set", "selection.engine=llm", "--set", "llm.model=m")
    assert "results/plain/usage.json" in command(run.stderr)
    run = cm(tmp_path, "render", "asking", "--dry-run")
    assert "usage.json" not in command(run.stderr)


def test_the_dry_run_of_a_first_build_says_that_the_footage_is_still_to_be_chosen(workspace):
    write_project(workspace, "new", SCENES)
    said = cm(workspace, "build", "new", "--dry-run").stdout
    assert "segments are planned when the footage has been chosen" in said and "stays as it is" not in said
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(visualDirection="waves of the ocean"))
    assert "where the choice of footage stays as it is" in cm(workspace, "build", "tiny", "--dry-run").stdout


def test_a_dry_run_of_an_unknown_script_leaves_no_project_behind(workspace):
    (workspace / "film.json").write_text((workspace / "projects/tiny/script.json").read_text())
    run = cm(workspace, "build", "film.json", "--dry-run")
    assert run.returncode == 0 and "film: " in run.stdout
    assert not (workspace / "projects/film").exists()


def test_set_lays_over_the_workspaces_configuration_and_asks_for_nothing_else(workspace):
    before = (workspace / "config/config.yaml").read_text()
    run = cm(workspace, "build", "--set", "captions.style=pill", "--set", "captions.max_words=2")
    assert run.returncode == 0, run.stderr
    assert rules(run.stderr) == {"captions", "segment", "video", "quality", "thumbnail"}
    assert (workspace / "config/config.yaml").read_text() == before
    again = cm(workspace, "build", "--set", "captions.max_words=2", "--set", "captions.style=pill")
    assert again.returncode == 0 and "nothing to do" in again.stderr
    assert command(again.stderr) == command(run.stderr)  # the order is of no account, and the file is the same


def test_set_knows_every_kind_of_value(workspace):
    words = ["stock.providers=[local, procedural]", "concurrency.rendering=null", "captions.uppercase=true"]
    words += ["narration.voice=no", "network.timeout=[3, 30]", "music.volume_db=-20", "cache_dir=/tmp/é and more"]
    run = cm(workspace, "build", "--dry-run", *(part for word in words for part in ("--set", word)))
    assert run.returncode == 0, run.stderr
    file = shlex.split(command(run.stderr))
    written = json.loads((workspace / file[file.index("--configfile") + 1]).read_text())
    assert written == {
        "stock": {"providers": ["local", "procedural"]},
        "concurrency": {"rendering": None},
        "captions": {"uppercase": True},
        "narration": {"voice": "no"},
        "network": {"timeout": [3.0, 30.0]},
        "music": {"volume_db": -20.0},
        "cache_dir": "/tmp/é and more",
    }


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("video.crff=20", "video.crff: is not a known key; did you mean crf?"),
        ("vidoe.crf=20", "vidoe: is not a known key; did you mean video?"),
        ("video.crf=high", "video.crf: must be a whole number"),
        ("video.crf=99", "video.crf: must be at most 51"),
        ("video.crf", "write it as key=value"),
        ("=3", "write it as key=value"),
        ("video=3", "video: must be a mapping"),
        ("stock.providers=[local", "is no list"),
        ("captions.style=pil", "did you mean pill?"),
    ],
)
def test_set_is_checked_before_anything_runs(tmp_path, word, says):
    write_project(tmp_path, "tiny", SCENES)
    run = cm(tmp_path, "build", "--set", word)
    assert run.returncode == 2 and says in run.stderr, run.stderr
    assert not (tmp_path / ".snakemake").exists()


def test_set_says_where_a_projects_own_configuration_wins(workspace):
    write_project(workspace, "own", SCENES, video={"crf": 30})
    run = cm(workspace, "audio", "own", "--set", "video.crf=40")
    assert run.returncode == 0
    warning = "warning: projects/own/config.yaml sets video.crf itself: --set does not change it there"
    assert run.stderr.count(warning) == 1 and "projects/tiny" not in run.stderr
    for words in (["render", "--dry-run"], ["status"]):
        assert cm(workspace, *words, "--set", "video.crf=40").stderr.count(warning) == 1
        assert warning not in cm(workspace, *words, "tiny", "--set", "video.crf=40").stderr


def test_a_profile_by_its_name_sends_results_where_it_says(workspace):
    run = cm(workspace, "audio", "tiny", "--profile", "draft")
    assert run.returncode == 0, run.stderr
    assert (workspace / "draft/results/tiny/soundtrack.m4a").exists()
    assert "draft/results/tiny/soundtrack.m4a" in command(run.stderr)


def test_what_is_set_wins_over_a_profile_and_leaves_the_rest_of_it(workspace):
    run = cm(workspace, "render", "--profile", "draft", "--set", "video.scale=1", "--dry-run")
    assert run.returncode == 0 and "draft/results/tiny/video.mp4" in command(run.stderr)
    file = shlex.split(command(run.stderr))
    written = yaml.safe_load((workspace / file[file.index("--configfile") + 1]).read_text())
    assert written["video"] == {"scale": 1.0, "preset": "ultrafast"}
    run = cm(workspace, "render", "--profile", "draft", "--set", "video.scale=1")
    assert run.returncode == 0, run.stderr
    frame = json.loads(cm(workspace, "status", "--profile", "draft", "--set", "video.scale=1", "--json").stdout)
    assert frame["projects"][0]["files"]["video.mp4"]["state"] == "there"


def test_a_profile_that_says_how_many_is_heeded_unless_told_otherwise(tmp_path):
    write_project(tmp_path, "tiny", SCENES)
    said = command(cm(tmp_path, "render", "-n", "--profile", "debug").stderr)
    assert "--cores" not in said
    said = command(cm(tmp_path, "render", "-n", "--profile", "debug", "-c", "2").stderr)
    assert "--cores 2" in said
    run = cm(tmp_path, "render", "--profile", "drafd")
    assert run.returncode == 2 and "did you mean draft?" in run.stderr


def test_what_stands_after_two_hyphens_goes_to_snakemake(workspace):
    run = cm(workspace, "build", "tiny", "--", "--forcerun", "soundtrack", "--quiet", "all")
    assert run.returncode == 0, run.stderr
    assert command(run.stderr).endswith("--forcerun soundtrack --quiet all")
    newest = max(workspace.glob("logs/runs/*.jsonl"))
    assert '"rule": "soundtrack"' in newest.read_text()
    run = cm(workspace, "build", "tiny", "--", "--no-such-option")
    assert run.returncode == 2 and run.stderr.splitlines()[1:] == [
        "snakemake: error: unrecognized arguments: --no-such-option"
    ]
    run = cm(workspace, "build", "tiny", "--dry-run", "--", "--no-such-option")
    assert (
        run.returncode == 2 and "unrecognized arguments: --no-such-option" in run.stderr and "usage" not in run.stderr
    )


def test_a_build_that_fails_ends_with_1_and_says_why(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text=""))
    run = cm(workspace, "build")
    assert run.returncode == 1
    assert "projects/tiny/script.json: scene 2 (wood), text: is empty" in run.stderr and "Traceback" not in run.stderr
    plan = cm(workspace, "build", "--dry-run")
    assert "scene 2 (wood), text: is empty" in plan.stdout


def test_a_faulty_configuration_is_told_once_and_no_traceback_is_shown(workspace):
    write_config(workspace, video={"crf": "much"})
    for words in (["build"], ["build", "--dry-run"], ["status"], ["doctor"], ["clean"]):
        run = cm(workspace, *words)
        assert run.returncode == 1 and "Traceback" not in run.stderr + run.stdout
        assert (run.stderr + run.stdout).count("video.crf: must be a whole number") == 1
    (workspace / "config/config.yaml").write_text("video: [")
    run = cm(workspace, "build")
    assert run.returncode == 1 and "config/config.yaml" in run.stderr and "Traceback" not in run.stderr


def test_a_script_is_written_from_a_brief_and_without_one_it_says_so(workspace):
    run = cm(workspace, "script", "tiny")
    assert run.returncode == 2
    assert "projects/tiny has no brief.yaml" in run.stderr and "cm build tiny" in run.stderr
    assert cm(workspace, "script").returncode == 2
    (workspace / "projects/octo").mkdir()
    (workspace / "projects/octo/brief.yaml").write_text("topic: Why octopuses have three hearts\n")
    run = cm(workspace, "script", "octo", "--dry-run")
    assert run.returncode == 0 and command(run.stderr).endswith(" projects/octo/script.json")
    assert [line.split()[0] for line in run.stdout.splitlines() if line.startswith("  ")] == ["proposal", "script"]
    run = cm(workspace, "build", "octo")
    assert run.returncode == 2 and "cm script octo" in run.stderr
    run = cm(workspace, "render", "--dry-run")
    assert run.returncode == 0 and "octo" not in command(run.stderr)
    shutil.rmtree(workspace / "projects/tiny")
    for words in (["build"], ["audio"]):
        run = cm(workspace, *words)
        assert run.returncode == 2 and "write it first: cm script octo" in run.stderr


def test_a_model_writes_the_script_once_and_never_over_a_persons_work(tmp_path):
    brief, script = tmp_path / "projects/deep/brief.yaml", tmp_path / "projects/deep/script.json"
    brief.parent.mkdir(parents=True)
    brief.write_text("{topic: The deep sea, length: 10, scenes: 1}")
    with Models() as models:
        llm = {"base_url": models.base_url, "model": "gpt-test", "key_env": "NO_KEY"}
        configure(tmp_path, llm=llm, cache_dir=str(tmp_path / "cache"))
        run = cm(tmp_path, "script", "deep")
        assert run.returncode == 0 and made(run.stderr) == ["proposal deep", "script deep"], run.stderr
        assert any(line.startswith("script.json  projects/deep/script.json") for line in run.stderr.splitlines())
        assert "nothing to do" in cm(tmp_path, "script").stderr and len(models.requests) == 1
        assert cm(tmp_path, "build", "deep", "--dry-run").returncode == 0

        script.write_text(script.read_text().replace("Nobody ever", "Somebody once"))
        mine = script.read_bytes()
        brief.write_text("{topic: The high sea, length: 10, scenes: 1}")
        run = cm(tmp_path, "script", "deep")
        assert run.returncode == 0 and script.read_bytes() == mine and "script.new.json" in run.stderr
        assert len(models.requests) == 2


def test_neither_colour_nor_a_moving_line_in_a_pipe(workspace):
    say_more(workspace)
    run = cm(workspace, "audio", "tiny")
    assert run.returncode == 0 and "\x1b" not in run.stderr + run.stdout and "\r" not in run.stderr


def test_of_two_runs_at_once_one_waits_and_each_has_its_own_settings(workspace):
    write_project(workspace, "other", SCENES)
    words = [["audio", "tiny", "--set", "narration.speed=1.7"], ["audio", "other", "--set", "narration.speed=1.6"]]
    runs = [
        subprocess.Popen([sys.executable, "-m", "cm", *arguments], cwd=workspace, stderr=subprocess.PIPE, text=True)
        for arguments in words
    ]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert sum(f"waiting for another cm at work in {workspace}" in text for text in said) == 1
    for arguments in words:
        again = cm(workspace, *arguments)
        assert again.returncode == 0 and "nothing to do" in again.stderr


def test_many_projects_are_built_in_runs_of_so_many(workspace):
    """What is no project to be built is in no run, and what fails in one run stops no other."""
    write_project(workspace, "archived", SCENES, archived=True)
    write_project(workspace, "broken", {})
    (workspace / "projects/brief").mkdir()
    (workspace / "projects/brief/brief.yaml").write_text("topic: the sea\n")
    (workspace / "projects/notes.txt").write_text("not a project")
    say_more(workspace)
    run = cm(workspace, "build", "--per-run", 1)
    assert run.returncode == 1 and "run 1 of 2" in run.stderr and "refused: broken" in run.stderr
    assert "run 2 of 2" in run.stderr and "video tiny" in made(run.stderr) and "archived" not in run.stderr
    run = cm(workspace, "build", "--per-run", 2, "--dry-run")
    assert run.returncode == 0 and "run 1 of" not in run.stderr
    planned = shlex.split(command(run.stderr))
    assert "results/broken/video.mp4" in planned and "results/tiny/quality.json" in planned
    assert not any("archived" in word or "brief" in word for word in planned)
