import json
import time
from pathlib import Path

import pytest

from scripts.lib.config import complete
from scripts.lib.projects import Project, read_projects

SETTINGS, _ = complete({}, "config.yaml")
SCRIPT = {"title": "The sea", "scenes": [{"id": "s1", "text": "This is it.", "visualDirection": "The sea."}]}
REQUEST = {"scenes": [{"text": "Hello", "searchTerms": ["sea"]}], "config": {"orientation": "landscape"}}


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name: str, config: str | None = None, script: object = SCRIPT, file: str = "script.json") -> None:
    folder = Path("projects", name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(script))
    if config is not None:
        (folder / "config.yaml").write_text(config)


def read(settings: dict = SETTINGS) -> dict[str, Project]:
    return read_projects(Path("projects"), settings)


def test_a_workspace_without_projects_has_none():
    assert read() == {}


def test_every_folder_is_a_project_but_hidden_ones_and_files():
    for name in ("b", "a-2", ".hidden", "_draft"):
        write(name)
    Path("projects/notes.txt").touch()
    assert list(read()) == ["a-2", "b"]


def test_a_project_has_the_runs_settings_its_requests_and_its_own_in_this_order():
    write("a", "video: {width: 720}\ncaptions:\n", script=REQUEST)
    project = read()["a"]
    assert not project.problems
    video = {key: value for key, value in SETTINGS["video"].items() if key != "scale"}
    assert project.settings["video"] == video | {"width": 720, "height": 1080}
    assert project.settings["captions"] == SETTINGS["captions"]
    assert (project.title, project.archived) == ("a", False)


def test_title_and_hashtags_come_from_the_script():
    write("a", script=SCRIPT | {"hashtags": ["#sea"]})
    assert (read()["a"].title, read()["a"].hashtags) == ("The sea", ["sea"])


@pytest.mark.parametrize(("config", "archived"), [("archived: true", True), ("archived: 'true'", True), ("", False)])
def test_a_finished_video_can_be_archived(config, archived):
    write("a", config)
    assert not read()["a"].problems
    assert read()["a"].archived == archived


def test_a_faulty_project_stops_only_itself():
    write("bad", "video: {crf: 99}\nstock: {}", script={"scenes": []})
    write("good")
    projects = read()
    assert not projects["good"].problems
    assert projects["bad"].problems == [
        "projects/bad/script.json: scenes: is empty; give at least one",
        "projects/bad/config.yaml: stock: holds for the whole run; set it in config/config.yaml "
        "(a project may set archived, video, narration, timing, embedding, selection, llm, captions, music)",
        "projects/bad/config.yaml: video.crf: must be at most 51, not 99",
    ]


def test_a_project_without_a_script_is_told_what_to_write():
    Path("projects/a").mkdir(parents=True)
    assert read()["a"].problems == ["projects/a: has no script; write projects/a/script.json or projects/a/script.yaml"]


def test_two_scripts_are_one_too_many():
    write("a")
    write("a", file="script.yaml")
    assert read()["a"].problems == ["projects/a: has both script.json and script.yaml; keep one"]


def test_a_config_file_of_another_name_does_not_go_unseen():
    write("a")
    Path("projects/a/config.yml").touch()
    assert read()["a"].problems == ["projects/a/config.yml: is not read; name it config.yaml"]


@pytest.mark.parametrize("name", ["My Video", "A", "a_b", "-a", "ä", "a\x1b[2J\nb", "a.b"])
def test_a_name_that_is_not_allowed_is_refused_and_safe_to_print(name):
    write(name)
    project = read()[name]
    assert project.name == name
    assert len(project.problems) == 1
    assert "is not a name for a project; rename the folder: small letters, digits and hyphens" in project.problems[0]
    assert project.problems[0].isprintable()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("[1, 2]", "projects/a/config.yaml: must be a mapping of keys, not a list"),
        (
            "video: {crf: 1, crf: 2}",
            'projects/a/config.yaml: line 1, column 17: is not valid YAML: the key "crf" stands',
        ),
        ("archived: maybe", "projects/a/config.yaml: archived: must be true or false, not text"),
        ("a: &a [x]\nb: [*a, *a]", "anchors and aliases"),
        (
            "selection: {avoid: [nope]}",
            "projects/a/config.yaml: selection.avoid: there is no project nope; known here: a, b",
        ),
        (
            "selection: {avoid: [a]}",
            "projects/a/config.yaml: selection.avoid: a avoids a: none of them can choose first",
        ),
    ],
)
def test_a_fault_of_a_projects_config_names_file_and_key(config, expected):
    write("a", config)
    write("b")
    projects = read()
    assert len(projects["a"].problems) == 1
    assert expected in projects["a"].problems[0]
    assert not projects["b"].problems


def test_projects_that_avoid_each_other_in_a_circle_are_refused_and_no_other():
    for name, avoided in {"a": "b", "b": "c", "c": "a", "d": "a", "e": ""}.items():
        write(name, f"selection: {{avoid: [{avoided}]}}")
    projects = read()
    where = "projects/a/config.yaml: selection.avoid"
    assert projects["a"].problems == [
        f"{where}: a avoids b avoids c avoids a: none of them can choose first; take one out"
    ]
    assert projects["b"].problems
    assert projects["c"].problems
    assert not projects["d"].problems
    assert not projects["e"].problems
    assert projects["d"].settings["selection"]["avoid"] == []
    assert projects["d"].warnings == ["projects/d: selection.avoid: a cannot be read; its clips may come again"]


def test_what_the_whole_run_avoids_holds_for_the_projects_it_does_not_name():
    for name in ("a", "b", "c"):
        write(name)
    settings, _ = complete({"selection": {"avoid": ["a", "b"]}}, "config.yaml")
    projects = read(settings)
    assert not [project.problems for project in projects.values() if project.problems]
    avoided = {name: project.settings["selection"]["avoid"] for name, project in projects.items()}
    assert avoided == {"a": [], "b": [], "c": ["a", "b"]}


def test_a_hundred_projects_are_read_in_a_moment():
    scenes = [SCRIPT["scenes"][0] | {"id": f"s{n}"} for n in range(8)]
    for number in range(125):
        write(f"p{number:03}", "video: {crf: 23}\ncaptions: {style: bold}", script=SCRIPT | {"scenes": scenes})
    start = time.process_time()
    projects = read()
    assert time.process_time() - start < 1.5
    assert not any(project.problems for project in projects.values())


def test_a_scale_halves_the_frame_of_every_project_and_keeps_it_even():
    write("a")
    write("b", "video: {width: 1918, height: 1082}")
    projects = read(complete({"video": {"scale": 0.5}}, "config")[0])
    assert [(p.settings["video"]["width"], p.settings["video"]["height"]) for p in projects.values()] == [
        (540, 960),
        (960, 540),
    ]
