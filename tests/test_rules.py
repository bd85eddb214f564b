"""Every rule declares what it takes, and one name runs through rule, script, log, benchmark and sources."""

import ast
import importlib.util
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, snakemake, write_config

from scripts.lib.sources import imports

TEXT = "\n".join(path.read_text() for path in sorted(ROOT.glob("rules/**/*.smk")))
RULES = {
    match[1]: match[0]
    for match in re.finditer(r"^(?:rule|checkpoint) (\w+):\n(?:(?:    .*)?\n)*", TEXT, re.MULTILINE)
    if match[1] != "refused_file"  # never runs
}
SLOTS = r"(api_slots|stock_slots|download_slots)=\d"


def directive(rule: str, name: str) -> str:
    """The text under a rule's directive, or an empty one."""
    found = re.search(rf"^    {name}: *((?:.*\n)(?:        .*\n)*)", RULES[rule], re.MULTILINE)
    return found[1] if found else ""


def test_the_rules_are_found():
    assert len(RULES) > 15


@pytest.mark.parametrize("rule", RULES)
def test_one_name_runs_through_a_rule(rule):
    assert f'"../scripts/{rule}.py"' in directive(rule, "script")
    assert (ROOT / f"scripts/{rule}.py").is_file()
    assert re.search(rf'"<logs>/{rule}[/.]', directive(rule, "log"))
    assert re.search(rf'"<benchmarks>/{rule}[/.]', directive(rule, "benchmark"))
    assert rule == "refused" or f'code=sources("{rule}")' in directive(rule, "input")


@pytest.mark.parametrize("file", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("scripts/**/*.py")))
def test_what_a_file_imports_is_what_python_says(file):
    named = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            named.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    ours = {name.replace(".", "/") for name in named if name.split(".")[0] == "scripts"}
    modules = {f"{name}.py" for name in ours if (ROOT / f"{name}.py").exists()}
    assert {path for path in imports(file) if not path.endswith("__init__.py")} == modules


@pytest.mark.parametrize("rule", RULES)
def test_compute_rules_take_cpus_and_network_rules_take_slots(rule):
    threads, resources = directive(rule, "threads").strip(), directive(rule, "resources")
    if threads == "0":
        assert re.search(SLOTS, resources) and "cpus" not in resources
    else:
        same = f"cpus={threads}" if threads.isdigit() else "cpus=lambda wildcards, threads: threads"
        assert same in resources and not re.search(SLOTS, resources)
        # An engine that is a server is waited for: no thread, so no core, and a slot.
        may_wait = "asks_server(" in directive(rule, "localrule")
        assert may_wait == ("api_slots=lambda wildcards, threads: 1 - threads" in resources)
        assert not may_wait or not threads.isdigit()


@pytest.mark.parametrize("rule", RULES)
def test_what_waits_on_the_network_stays_on_the_submit_host_of_a_cluster(rule):
    """A rule with a group is never local; one that may ask a server leaves it then."""
    threads, local, group = (directive(rule, name).strip() for name in ("threads", "localrule", "group"))
    if threads == "0":
        assert local == "True" and not group
        assert directive(rule, "retries").strip() == "0"  # it tries again by itself, where that may help
    elif "working(" in threads or threads.endswith("_threads"):  # a function that gives 0 for a server
        section = re.search(r'asks_server\("(\w+)"\)', local)[1]
        assert not group or f'"{section}"' in group
    assert not (local == "True" and group)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_names_a_conda_environment_that_is_there(rule):
    assert (ROOT / "rules" / directive(rule, "conda").strip().strip('"')).is_file()


@pytest.mark.parametrize("file", sorted(ROOT.glob("envs/*.yaml")), ids=lambda path: path.stem)
def test_conda_environments_hold_the_pinned_versions(file):
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "envs/requirements.txt").read_text(), re.MULTILINE))
    for part in yaml.safe_load(file.read_text())["dependencies"]:
        if isinstance(part, dict):
            assert part["pip"] == sorted(part["pip"])
            for requirement in part["pip"]:
                name, version = requirement.split("==")
                assert pins[name] == version, name


def test_no_index_address_and_no_unpinned_requirement():
    for name in ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt"):
        text = (ROOT / "envs" / name).read_text()
        assert "://" not in text and "--index" not in text and "--find-links" not in text
        starts = [line for line in text.splitlines() if re.match(r"[a-z]", line)]
        assert starts and all("==" in line for line in starts)
        assert text.count("--hash=sha256:") >= len(starts)


def test_the_memory_of_a_render_follows_from_the_size_of_the_picture(workspace):
    asked = []
    for width, height in ((1080, 1920), (2160, 3840)):
        write_config(workspace, video={"width": width, "height": height})
        plan = snakemake(workspace, "-n", "--rerun-triggers", "mtime", "--forcerun", "segment")
        block = plan.output.split("\nrule segment:")[1]
        asked.append(int(re.search(r"mem_mb=(\d+)", block)[1]))
    assert 600 < asked[0] < 800 and 2000 < asked[1] < 3000


@pytest.mark.skipif(
    bool(importlib.util.find_spec("snakemake_executor_plugin_slurm")), reason="it imports pandas itself"
)
def test_a_start_does_not_wait_for_pandas(built):
    command = [sys.executable, "-X", "importtime", "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "-n"]
    plan = subprocess.run(command, cwd=built, capture_output=True, text=True)
    assert plan.returncode == 0 and re.search(r"\| +snakemake\.persistence$", plan.stderr, re.MULTILINE)
    assert not re.search(r"\| +pandas$", plan.stderr, re.MULTILINE)


def test_what_may_start_is_looked_for_when_a_job_has_ended_and_at_no_other_time(workspace):
    """Unless somebody asks for a limit on starts."""
    write_config(workspace, narration={"speed": 1.5})
    run = snakemake(workspace, "--verbose", cores=1)
    assert run.code == 0 and len(run.jobs) > 12
    assert run.output.count("Ready jobs:") <= len(run.jobs) + 2
    write_config(workspace, narration={"speed": 2.0})
    two = [f"results/tiny/scenes/{scene}/narration.wav" for scene in ("sea", "wood")]
    run = snakemake(workspace, "--max-jobs-per-timespan", "1/5s", "--verbose", "--", *two)
    assert run.code == 0 and "Job rate limit reached" in run.output
