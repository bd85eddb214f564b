"""A project is named by its name, its folder or a script file; what names none is refused with what is near."""

import itertools
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click import ClickException
from cm import naming
from cm.checkout import ROOT
from cm_process import cm, command, made
from conftest import SCENES, write_project


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A workspace with two projects, as the current folder."""
    write_project(tmp_path, "salt", SCENES)
    write_project(tmp_path, "sand", SCENES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(workspace: Path, *words: str) -> list[str]:
    return [named.name for named in naming.projects(workspace, words, build=True)]


def refused(workspace: Path, *words: str) -> str:
    with pytest.raises(ClickException) as error:
        naming.projects(workspace, words, build=True)
    return error.value.message


def test_name_folder_and_script_file_name_the_same_project(place):
    for word in ("salt", "projects/salt", "projects/salt/", "./projects/../projects/salt", "projects/salt/script.json"):
        assert names(place, word) == ["salt"]
    assert names(place, str(place / "projects/salt")) == ["salt"]
    assert names(place, str(place / "projects/salt/script.json")) == ["salt"]
    assert names(place, "sand", "projects/salt", "salt") == ["sand", "salt"]


def test_paths_are_the_users_and_not_the_workspaces(place, monkeypatch):
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    assert names(place, "salt") == names(place, "../projects/salt") == ["salt"]
    assert "no project" in refused(place, "projects/salt")


def test_a_brief_stands_for_its_project_and_other_files_do_not(place):
    for name in ("brief.yaml", "notes.json"):
        (place / "projects/salt" / name).write_text("{}")
    assert names(place, "projects/salt/brief.yaml") == ["salt"]
    assert "name the project: salt" in refused(place, "projects/salt/notes.json")


def test_a_script_elsewhere_becomes_a_project_that_follows_it(place):
    script = place / "drafts" / "My Film_2.json"
    script.parent.mkdir()
    shutil.copy("projects/salt/script.json", script)
    assert names(place, "drafts/My Film_2.json") == ["my-film-2"]
    link = place / "projects/my-film-2/script.json"
    assert link.is_symlink() and not os.path.isabs(os.readlink(link))
    script.write_text(script.read_text().replace("The sea is big", "The sea is small"))
    assert "The sea is small" in link.read_text()
    assert names(place, "drafts/My Film_2.json") == names(place, str(link)) == ["my-film-2"]  # it is known by now


def test_a_script_is_linked_rightly_where_projects_is_a_link_itself(place, tmp_path_factory):
    away = tmp_path_factory.mktemp("away") / "deep/er"
    away.parent.mkdir()
    (place / "projects").rename(away)
    (place / "projects").symlink_to(away)
    shutil.copy("projects/salt/script.json", "film.json")
    assert names(place, "film.json") == ["film"]
    assert (place / "projects/film/script.json").samefile("film.json")


def test_a_script_that_has_moved_is_followed(place):
    shutil.copy("projects/salt/script.json", "film.json")
    names(place, "film.json")
    Path("drafts").mkdir()
    Path("film.json").rename("drafts/film.json")
    assert names(place, "drafts/film.json") == ["film"]
    assert (place / "projects/film/script.json").samefile("drafts/film.json")
    Path("drafts/film.json").rename("film.yaml")
    faulty = Path("film.yaml").read_text()
    Path("film.yaml").write_text("{}")
    assert "film.yaml" in refused(place, "film.yaml")
    Path("film.yaml").write_text(faulty)
    assert names(place, "film.yaml") == ["film"]
    assert [path.name for path in (place / "projects/film").iterdir()] == ["script.yaml"]


def test_who_only_looks_makes_no_project(place):
    shutil.copy("projects/salt/script.json", "film.json")
    for words in (["status", "film.json"], ["clean", "film.json"], ["script", "film.json"]):
        run = cm(place, *words)
        assert run.returncode == 2 and "cm build film.json makes it one" in run.stderr
    run = cm(place, "build", "film.json", "nosuch", "--dry-run")
    assert run.returncode == 2 and not (place / "projects/film").exists()
    shutil.copy("film.json", "film.yaml")
    assert "film.yaml: projects/film is another project" in refused(place, "film.json", "salt", "film.yaml")
    assert not (place / "projects/film").exists()


def test_a_script_outside_the_workspace_is_found_wherever_the_workspace_is(place, tmp_path_factory):
    script = tmp_path_factory.mktemp("outside") / "film.yaml"
    script.write_text((place / "projects/salt/script.json").read_text())
    assert names(place, str(script)) == ["film"]
    assert Path(os.readlink(place / "projects/film/script.yaml")) == script


def test_a_clash_of_names_is_refused_and_changes_nothing(place):
    shutil.copy("projects/sand/script.json", "salt.json")
    before = sorted(place.rglob("*"))
    assert "projects/salt is another project" in refused(place, "salt.json")
    assert sorted(place.rglob("*")) == before


def test_a_faulty_script_is_not_registered(place):
    Path("film.json").write_text(json.dumps({"scenes": [{"id": "a", "text": "Hello."}]}))
    said = refused(place, "film.json")
    assert said.startswith("film.json: scene 1 (a), visualDirection: is missing")
    assert not (place / "projects/film").exists()


def test_footage_that_a_script_pins_is_looked_for_in_the_workspace(place, monkeypatch):
    script = json.loads(Path("projects/salt/script.json").read_text())
    script["scenes"][0]["footage"] = "footage/mine.mp4"
    Path("film.json").write_text(json.dumps(script))
    assert "names a file that is not there" in refused(place, "film.json")
    (place / "footage").mkdir()
    (place / "footage/mine.mp4").touch()
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    assert names(place, "../film.json") == ["film"]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("sall", "did you mean salt?"),
        ("projects/sandy", "did you mean sand?"),
        ("quux", "known here: Loud, salt, sand"),
        ("none.json", "no such file"),
        ("README.md", "is no script"),
        ("elsewhere", "is no project of this workspace"),
        ("---.json", "gives none for a project"),
        ("Loud", "is not a name for a project"),
        ("../", "is no project"),
        ("", "this one is empty"),
        (".", ".: is no project of this workspace"),
        ("..", "..: is no project of this workspace"),
        ("a\x1b[31mb", "no project a\\x1b[31mb"),
    ],
)
def test_what_names_no_project_is_refused_with_what_is_near(place, word, says):
    (place / "elsewhere").mkdir()
    (place / "projects/Loud").mkdir()
    (place / "README.md").touch()
    shutil.copy("projects/salt/script.json", "---.json")
    assert says in refused(place, word)


def test_without_any_project_it_says_how_to_start(tmp_path):
    run = cm(tmp_path, "build")
    assert run.returncode == 2 and "cm init NAME" in run.stderr
    run = cm(tmp_path, "build", "salt")
    assert run.returncode == 2 and "cm init NAME" in run.stderr


def test_from_inside_a_project_it_names_the_workspace(place):
    run = cm(place / "projects/salt", "build")
    assert run.returncode == 2 and f"--directory {place}" in run.stderr


@pytest.mark.slow
def test_the_command_lines_of_the_contract(workspace):
    """From a fresh checkout: a script beside it, no results; `cm` finds the Snakefile of its own checkout."""
    shutil.copy(workspace / "projects/tiny/script.json", workspace / "script.json")
    shutil.copytree(workspace / "projects/tiny", workspace / "projects/demo")

    def typed(line: str) -> subprocess.CompletedProcess:
        run = cm(workspace, *shlex.split(line)[1:])
        assert run.returncode == 0, run.stderr
        return run

    run = typed("cm visuals script.json --concurrency 8")
    assert f"{ROOT / 'Snakefile'} --resources cpus=8" in command(run.stderr) and "--cores 8" in command(run.stderr)
    assert json.loads((workspace / "results/script/visuals.json").read_text())["scenes"]
    assert len(list((workspace / "results/script/selection").glob("*.json"))) >= len(SCENES)
    assert not (workspace / "results/script/video.mp4").exists()

    typed("cm render projects/demo --concurrency 50%")
    assert (workspace / "results/demo/video.mp4").stat().st_size > 10_000

    script = workspace / "script.json"
    script.write_text(script.read_text().replace("ocean waves", "a boat on the sea"))
    run = typed("cm visuals script.json --concurrency 1")
    assert "stock_slots=1 --jobs 1 --cores 1" in command(run.stderr)
    assert made(run.stderr)[:3] == ["embedding script/sea", "candidates script/sea", "selection script"]
    events = [json.loads(line) for line in max(workspace.glob("logs/runs/*.jsonl")).read_text().splitlines()]
    jobs = sorted((event["start"], event["end"]) for event in events if event["event"] == "job")
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(jobs)), "one after the other"
