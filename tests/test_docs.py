import re

from conftest import ROOT

from scripts.lib.config import complete, schema
from scripts.lib.configuration_docs import DOCS, pages


def test_the_generated_pages_are_up_to_date():
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"docs/{name} is out of date: run make docs"


def test_every_key_of_the_configuration_is_documented():
    page = pages()["configuration.md"]
    settings, _ = complete({}, "config.yaml")
    for section, values in settings.items():
        assert f"## `{section}`" in page
        for key in values if isinstance(values, dict) else []:
            assert f"| `{key}" in page


def test_every_field_of_a_script_is_documented():
    page = pages()["script.md"]
    for name in ("script", "payload"):
        fields = schema(name)["properties"] | schema(name)["properties"]["scenes"]["items"]["properties"]
        assert all(f"| `{field}`" in page for field in fields if field != "config")


def test_every_test_that_the_page_on_concurrency_names_is_there():
    text = (DOCS / "concurrency.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)`: ((?:`test_\w+`(?:, )?)+)", text)
    assert len(named) > 10
    for file, tests in named:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        for test in re.findall(r"`(\w+)`", tests):
            assert f"\ndef {test}(" in source, f"{file}: {test}"


def test_every_command_of_snakemake_that_is_shown_says_how_many_cores():
    shown = [ROOT / "README.md", ROOT / "Snakefile", *DOCS.glob("*.md"), *ROOT.glob("rules/**/*.smk")]
    shown += [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("profiles/*/*.yaml")]
    commands = [
        f"{path.name}: {command}"
        for path in shown
        for command in re.findall(r"snakemake +(?:-|\w+/|\{\w+\})[^`\"\n]*", path.read_text(encoding="utf-8"))
    ]
    assert len(commands) > 20
    enough = r" (--cores|--profile|-n|--unlock)\b"
    assert [command for command in commands if not re.search(enough, command)] == []
