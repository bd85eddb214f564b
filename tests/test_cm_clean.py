"""`cm clean` removes what nothing needs or what can be made again, and nothing that people made."""

import json
import os
from pathlib import Path

import pytest
from cm_process import Terminal, cm
from conftest import SCENES, edit_script, write_config, write_project


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def untidy(workspace) -> Path:
    """With what a removed scene, a removed project and a killed writer left."""
    edit_script(workspace, "tiny", lambda scenes: scenes.pop(1))
    (workspace / "results/gone/scenes/a").mkdir(parents=True)
    (workspace / "results/gone/scenes/a/narration.wav").write_bytes(bytes(1000))
    (workspace / "logs/narration/gone").mkdir(parents=True)
    (workspace / "logs/narration/gone/a.log").write_text("")
    host = os.uname().nodename
    (workspace / f"results/tiny/.video.{host}.999999999.part.mp4").write_bytes(bytes(500))
    (workspace / f"results/tiny/.video.{host}.{os.getpid()}.part.mp4").touch()  # its writer lives
    (workspace / "results/tiny/.video.elsewhere.999999999.part.mp4").touch()  # who knows
    return workspace


def test_leftovers_are_removed_and_all_else_stays(untidy):
    kept = {name: tree(untidy / name) for name in ("projects", "footage", "config", "resources")}
    run = cm(untidy, "clean", "--yes")
    assert run.returncode == 0, run.stderr
    assert {name: tree(untidy / name) for name in kept} == kept
    assert not (untidy / "results/gone").exists() and not (untidy / "logs/narration/gone").exists()
    assert sorted(path.name for path in (untidy / "results/tiny/scenes").iterdir()) == ["sea", "town"]
    assert not (untidy / "logs/narration/tiny/wood.log").exists() and (untidy / "logs/narration/tiny/sea.log").exists()
    assert len(list((untidy / "results/tiny").glob(".video.*.part.mp4"))) == 2
    assert (untidy / "results/videos.csv").exists() and (untidy / "results/tiny/video.mp4").exists()
    assert cm(untidy, "clean", "--yes").stdout == "nothing to remove\n"


@pytest.mark.parametrize("words", [["--dry-run"], []])
def test_without_a_yes_it_only_lists(untidy, words):
    before = tree(untidy)
    run = cm(untidy, "clean", *words)
    assert run.returncode == 0 and "results/tiny/scenes/wood" in run.stdout and "its scene is gone" in run.stdout
    assert "results/gone" in run.stdout and "could be removed" in run.stdout
    after = tree(untidy)
    assert {path for path in before if ".snakemake" not in path} == {path for path in after if ".snakemake" not in path}


def test_on_a_terminal_it_asks(untidy):
    terminal = Terminal(untidy, "clean")
    terminal.read(until=r"Remove .*\?")
    terminal.press(b"n\n")
    assert terminal.end() == 0 and (untidy / "results/gone").exists()
    terminal = Terminal(untidy, "clean")
    terminal.read(until=r"Remove .*\?")
    run = cm(untidy, "build", "--", "results/tiny/timestamps.json")  # and nobody waits for the answer
    assert run.returncode == 0 and "waiting" not in run.stderr
    (untidy / "results/gone/scenes/b").mkdir()
    terminal.press(b"y\n")
    assert terminal.end() == 0 and not (untidy / "results/gone").exists()


def test_a_finished_video_stays_and_its_parts_go(workspace):
    run = cm(workspace, "clean", "tiny", "--keep-videos", "--yes")
    assert run.returncode == 0 and not (workspace / "results/tiny/scenes").exists()
    assert (workspace / "results/tiny/video.mp4").exists()
    assert "nothing to do" in cm(workspace, "build").stderr


def test_what_can_be_made_again_goes_with_its_project_alone(workspace):
    write_project(workspace, "other", SCENES)
    (workspace / "results/other/scenes").mkdir(parents=True)
    run = cm(workspace, "clean", "other", "--yes")
    assert run.returncode == 0 and not (workspace / "results/other").exists()
    assert (workspace / "results/tiny/video.mp4").exists() and (workspace / "projects/other").exists()
    kept = {name: tree(workspace / name) for name in ("projects", "footage", "config")}
    run = cm(workspace, "clean", "--all", "--yes")
    assert run.returncode == 0 and not (workspace / "results/tiny").exists() and not (workspace / "resources").exists()
    assert {name: tree(workspace / name) for name in kept} == kept


@pytest.mark.parametrize("results", ["projects", "footage", ".", "projects/tiny", "..", "footage/clips"])
def test_a_configuration_that_sends_results_among_peoples_own_files_cleans_nothing_there(tmp_path, results):
    workspace = tmp_path / "w"
    write_project(workspace, "tiny", SCENES)
    (workspace / "footage/clips/tiny/scenes").mkdir(parents=True)
    (workspace / "footage/tiny/scenes").mkdir(parents=True)
    (tmp_path / "tiny/scenes").mkdir(parents=True)
    (workspace / "projects/tiny/tiny/scenes").mkdir(parents=True)
    write_config(workspace, pathvars={"results": results, "resources": "footage"})
    before = sorted(path for path in tmp_path.rglob("*") if ".snakemake" not in path.parts)
    run = cm(workspace, "clean", "--all", "--yes")
    assert run.returncode in (0, 1), run.stderr  # 1 where the configuration is refused as a whole
    assert sorted(path for path in tmp_path.rglob("*") if ".snakemake" not in path.parts) == before


def test_a_link_goes_and_not_what_it_leads_to(workspace, tmp_path_factory):
    treasure = tmp_path_factory.mktemp("treasure")
    (treasure / "scenes").mkdir()
    (treasure / "file").write_text("mine")
    (workspace / "results/gone").mkdir()
    (workspace / "results/gone/video.mp4").touch()
    (workspace / "results/gone/linked").symlink_to(treasure)
    (workspace / "results/away").symlink_to(treasure)
    run = cm(workspace, "clean", "--yes")
    assert run.returncode == 0 and not (workspace / "results/gone").exists()
    assert (treasure / "file").read_text() == "mine" and (workspace / "results/away").is_symlink()


def test_of_a_faulty_script_no_scene_is_taken_for_removed(workspace):
    (workspace / "projects/tiny/script.json").write_text(json.dumps({"scenes": []}))
    assert cm(workspace, "clean", "--yes").stdout == "nothing to remove\n"
