"""`cm` starts at once, helps, suggests, completes, and installs nothing but itself."""

import importlib.metadata
import os
import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from cm.app import MODULES
from cm.checkout import ROOT
from cm_process import CM, cm

HEAVY = {"snakemake", "pandas", "numpy", "scipy", "av", "requests", "jsonschema", "yaml", "psutil", "PIL", "scripts"}
HELP_SECONDS = 0.3


def test_help_imports_nothing_heavy():
    code = "import sys; from cm.__main__ import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stderr.split()}
    assert "click" in loaded and not HEAVY & loaded


def test_help_is_there_within_three_tenths_of_a_second():
    """Of a processor: what else the machine does is left out."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*CM, "--help"], capture_output=True, check=True, env=env)
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        return now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime

    seconds()
    assert statistics.median(seconds() for _ in range(5)) <= HELP_SECONDS


def test_every_command_of_the_contract_is_there_and_has_help_with_an_example():
    names = ["init", "script", "audio", "visuals", "render", "build", "watch"]
    names += ["status", "timeline", "doctor", "clean", "cache"]
    assert sorted(MODULES) == sorted(names)
    listed = cm(Path(), "--help").stdout
    for name in names:
        assert re.search(rf"^  {name} +\w", listed, re.MULTILINE)
        run = cm(Path(), name, "--help")
        assert run.returncode == 0 and run.stdout.startswith(f"Usage: cm {name}"), run.stderr
        assert name in ("doctor",) or re.search(rf"^  cm {name}\b", run.stdout, re.MULTILINE), f"{name} has no example"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bild"], "Did you mean 'build'?"),
        (["statsu"], "Did you mean 'status'?"),
        (["build", "--concurency", "3"], "--concurrency"),
        (["watch"], "Missing argument 'PROJECT'"),
        (["build", "--directory", "/no/such/folder"], "there is no such folder"),
        ([], "Usage: cm"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_would_be_right(words, says):
    run = cm(Path(), *words)
    assert run.returncode == 2 and says in run.stderr and "Traceback" not in run.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell):
    run = cm(Path(), _CM_COMPLETE=f"{shell}_source")
    assert run.returncode == 0 and "_CM_COMPLETE" in run.stdout and "cm" in run.stdout


@pytest.mark.parametrize(("shell", "at"), [("bash", "2"), ("zsh", "2"), ("fish", "sa")])
def test_each_shell_is_offered_what_fits(tmp_path, shell, at):
    for name in ("salt", "sand", "wood"):
        (tmp_path / "projects" / name).mkdir(parents=True)
    run = cm(tmp_path, _CM_COMPLETE=f"{shell}_complete", COMP_WORDS="cm build sa", COMP_CWORD=at)
    assert run.returncode == 0, run.stderr
    assert {"salt", "sand"} <= set(re.split(r"[,\s]", run.stdout)) and "wood" not in run.stdout


def completed(folder: Path, *typed: str) -> list[str]:
    """What bash is offered for the last of the words."""
    run = cm(folder, _CM_COMPLETE="bash_complete", COMP_WORDS=" ".join(["cm", *typed]), COMP_CWORD=str(len(typed)))
    assert run.returncode == 0, run.stderr
    return [line.partition(",")[2] for line in run.stdout.splitlines()]


def test_commands_projects_profiles_and_keys_are_completed(tmp_path):
    for name in ("salt", "sand", "_drafts"):
        (tmp_path / "projects" / name).mkdir(parents=True)
    assert completed(tmp_path, "s") == ["script", "status"]
    assert completed(tmp_path, "build", "sa") == ["salt", "sand"]
    assert completed(tmp_path, "build", "--profile", "d") == ["debug", "draft"]
    assert completed(tmp_path, "build", "--set", "captions.st") == ["captions.style="]


def test_the_distribution_installs_no_package_called_scripts(tmp_path):
    tops = importlib.metadata.distribution("content-machine").read_text("top_level.txt").split()
    assert "cm" in tops and "scripts" not in tops
    code = "import importlib.util; print(importlib.util.find_spec('scripts'))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "None" in run.stdout or str(ROOT) not in run.stdout


def test_the_installed_command_works_from_any_folder(tmp_path):
    program = Path(sys.executable).parent / "cm"
    assert program.exists()
    run = subprocess.run([program, "init", "salt"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0 and (tmp_path / "projects/salt/script.yaml").exists()


def test_every_command_and_option_is_told_of_in_the_docs():
    page = (ROOT / "docs/cm.md").read_text()
    for name in MODULES:
        assert f"`cm {name}" in page
        for option in re.findall(r"--[a-z-]+", cm(Path(), name, "--help").stdout):
            assert option in ("--help", "--all", "--yes", "--output") or option in page, f"cm {name} {option}"
    for shell in ("bash", "zsh", "fish"):
        assert f"_CM_COMPLETE={shell}_source cm" in page
