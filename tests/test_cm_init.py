"""`cm init` gives a project that is valid, explains every field, and can be built."""

import re

import pytest
import yaml
from cm.starting import EXAMPLE
from cm_process import cm

from scripts.lib.config import schema
from scripts.lib.documents import read_document
from scripts.lib.script import read_script

UNUSED = {"sections", "metadata"}
"""Of older versions of the format."""


def test_the_example_is_a_valid_script_with_a_comment_on_every_field():
    script, problems = read_script(EXAMPLE)
    assert not problems and list(script.scenes) == ["hook", "rain", "sun", "cta"]
    text = EXAMPLE.read_text()
    top = schema("script")["properties"]
    for field in {*top, *top["scenes"]["items"]["properties"]} - UNUSED:
        assert re.search(rf"\b{field}:", text), f"{field} is not told of"


def test_what_is_commented_out_is_valid_too(tmp_path):
    """Every line `# key: value` is taken in: scene fields where they are indented."""
    text = re.sub(r"^( *)# (\w+: )", r"\1\2", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = text.replace("footage: footage/my-clip.mp4", "footage: procedural:aurora")
    (tmp_path / "script.yaml").write_text(text)
    _, problems = read_script(tmp_path / "script.yaml")
    assert not problems, problems
    assert read_document(tmp_path / "script.yaml")["scenes"][1]["searchTerms"]


def test_the_settings_that_it_shows_are_settings():
    shown = re.findall(r"^#   (\w+: \{.*\})$", EXAMPLE.read_text(), re.MULTILINE)
    assert shown
    for line in shown:
        ((section, keys),) = yaml.safe_load(line).items()
        assert keys.keys() <= schema("project")["properties"][section]["properties"].keys()


def test_a_project_is_made_once_and_can_be_built(tmp_path):
    run = cm(tmp_path, "init", "salt")
    assert run.returncode == 0 and "cm build salt" in run.stdout
    assert cm(tmp_path, "build", "salt", "--dry-run").returncode == 0
    before = (tmp_path / "projects/salt/script.yaml").read_bytes()
    again = cm(tmp_path, "init", "projects/salt/")
    assert again.returncode == 2 and "is there already" in again.stderr
    assert (tmp_path / "projects/salt/script.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["Salt", "my film", "../out", "a/b", "", "-x", "a" * 101])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    run = cm(tmp_path, "init", name)
    assert run.returncode == 2 and not (tmp_path / "projects").exists()


def test_another_workspace_is_told_of_in_what_to_do_next(tmp_path):
    (tmp_path / "videos").mkdir()
    run = cm(tmp_path, "init", "salt", "--directory", "videos")
    assert run.returncode == 0 and "cm build salt --directory videos" in run.stdout
    assert (tmp_path / "videos/projects/salt/script.yaml").exists()
