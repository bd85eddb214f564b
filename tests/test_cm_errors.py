"""What users and machines do wrong is told in a line that names the place; no traceback, whatever it is."""

import os
import subprocess
from pathlib import Path

import pytest
from cm_process import CM, Terminal, cm
from conftest import SCENES, write_project


@pytest.fixture
def place(tmp_path) -> Path:
    write_project(tmp_path, "tiny", SCENES)
    return tmp_path


def told(run: subprocess.CompletedProcess, code: int, *says: str) -> None:
    assert run.returncode == code and "Traceback" not in run.stderr, run.stderr
    last = run.stderr.splitlines()[-1]
    assert last.startswith("error: ") and all(word in last for word in says), run.stderr


@pytest.mark.parametrize("words", [["init"], ["build"], ["watch"], ["status"], ["render", "--dry-run"]])
def test_a_name_longer_than_any_file(place, words):
    told(cm(place, *words, "a" * 300), 2, "aaa")
    told(cm(place, *words, f"projects/{'a' * 300}"), 2, "aaa")


def test_a_script_whose_name_is_too_long_for_a_project(place):
    file = place / f"{'a' * 150}.json"
    file.write_text((place / "projects/tiny/script.json").read_text())
    told(cm(place, "build", file.name), 2, "at most 100")
    assert [path.name for path in (place / "projects").iterdir()] == ["tiny"]


def test_files_where_folders_should_be(tmp_path):
    (tmp_path / "projects").touch()
    told(cm(tmp_path, "init", "salt"), 1, str(tmp_path / "projects"))
    told(cm(tmp_path, "build"), 2, "cm init NAME")
    (tmp_path / "projects").unlink()
    write_project(tmp_path, "tiny", SCENES)
    (tmp_path / ".snakemake").touch()
    told(cm(tmp_path, "build"), 1, f"{tmp_path}/.snakemake: ")
    told(cm(tmp_path, "build", "--set", "video.crf=30"), 1, f"{tmp_path}/.snakemake")


def test_a_file_of_keys_that_is_not_utf_8(place):
    (place / ".env").write_bytes("PEXELS_API_KEY=schlüssel".encode("latin-1"))
    for words in (["build"], ["build", "--dry-run"], ["status"]):
        run = cm(place, *words)
        assert run.returncode == 1 and ".env: is not UTF-8" in run.stderr and "Traceback" not in run.stderr
    run = cm(place, "doctor")
    assert run.returncode == 1 and ".env: is not UTF-8" in run.stdout and "good     Python" in run.stdout


def test_a_full_disk_and_closed_streams(place):
    with Path("/dev/full").open("w") as full:
        run = subprocess.run([*CM, "status"], cwd=place, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told(run, 1, "No space left")
    for closed in (">&-", "<&-", "<&- >&-"):
        line = f'"$@" {closed}'
        command = ["sh", "-c", line, "sh", *CM, "render", "--dry-run"]
        run = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert run.returncode == 0 and "Traceback" not in run.stderr, run.stderr


@pytest.mark.parametrize("word", [".", "folder", "folder.csv", "run.png"])
def test_a_picture_goes_into_no_folder_and_no_other_kind_of_file(place, word):
    (place / "folder").mkdir()
    told(cm(place, "timeline", "-o", word), 2, "ends in .svg")


@pytest.mark.parametrize("name", ["init", "doctor", "clean", "cache", "timeline"])
def test_words_for_snakemake_are_refused_by_what_runs_none(place, name):
    told(cm(place, name, "--", "tiny"), 2, f"cm {name}: what stands after -- is for Snakemake")


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "xterm")])
def test_errors_have_colour_only_where_it_is_wanted(place, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    terminal = Terminal(
        place, "build", "tinny", term=os.environ.get("TERM", "xterm") if variable == "TERM" else "xterm"
    )
    assert terminal.end() == 2 and "did you mean tiny?" in terminal.text
    assert ("\x1b[31m" in terminal.text) == (value == "xterm")
