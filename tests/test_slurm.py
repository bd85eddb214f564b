"""The same build on a real cluster: Slurm with eight nodes of one CPU, on this machine (tests/slurm). Needs root, and
installs Debian's packages, so `make test-cluster` has to ask for it."""

import filecmp
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from logging import makeLogRecord
from pathlib import Path
from subprocess import STDOUT

import psutil
import pytest
from conftest import ROOT, SCENES, copy_workspace, edit_script, snakemake, write_config, write_project
from filelock import FileLock
from snakemake_logger_plugin_cm.cluster import Cluster

from tests.servers.builds import KEY, KEYS, scenes, stock_workspace
from tests.servers.loopback import peak
from tests.servers.stock import Stock

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("SLURM_TESTS"), reason="installs Slurm as root; make test-cluster asks for it"
    ),
]

DEMO = json.loads((ROOT / "projects/demo/script.json").read_text())["scenes"]
MANY = 24
EDITS = "touch_of or one_text or same_choice or another_choice or scene_added or scene_removed or crf"
"""The tests of exactness that together run every rule; all of them take a quarter of an hour."""
LOOKS = re.compile(r"^(slurm-init-seconds-before-status-checks): .*", re.MULTILINE)


@pytest.fixture(scope="session")
def cluster(shared):
    """The folder of a cluster that all worker processes of a test run share; the last one to leave stops it."""
    base, users = shared / "slurm", shared / "slurm.users"

    def count(change: int) -> int:
        number = int(users.read_text() if users.exists() else 0) + change
        users.write_text(str(number))
        return number

    with FileLock(shared / "slurm.lock"):
        if count(1) == 1:
            subprocess.run([ROOT / "tests/slurm/start", base], check=True)
    yield base
    with FileLock(shared / "slurm.lock"):
        if count(-1) == 0:
            subprocess.run([ROOT / "tests/slurm/stop", base], check=True)


@pytest.fixture(scope="session")
def profile(cluster, shared) -> Path:
    """The users' profile, but that ended jobs are seen sooner."""
    folder = shared / "profile"
    folder.mkdir(exist_ok=True)
    text, changed = LOOKS.subn(r"\1: 5", (ROOT / "profiles/slurm/profile.yaml").read_text())
    assert changed == 1
    (folder / "profile.yaml").write_text(text)
    return folder


def on_slurm(workspace: Path, profile: Path, *args: str, **options):
    return snakemake(workspace, "--profile", profile, *args, cores=None, **options)


def log(workspace: Path) -> str:
    """Snakemake's own, of the latest run."""
    return max(workspace.glob(".snakemake/log/*.log"), key=lambda path: path.stat().st_mtime).read_text()


def submitted(text: str) -> list[str]:
    """What went to the cluster, by a run's log: `group_speech_captions_narration_words`, `rule_segment`, ..."""
    return re.findall(r"submitted with SLURM jobid \d+ \(log: \S*slurm_logs/(\w+)/", text)


def same_artifacts(one: Path, other: Path) -> None:
    """Everything under results but the table of all videos, whose times are the run's own."""
    files = sorted(path.relative_to(one) for path in one.glob("results/*/**/*") if path.is_file())
    assert files == sorted(path.relative_to(other) for path in other.glob("results/*/**/*") if path.is_file())
    assert len(files) > 20
    _, different, failed = filecmp.cmpfiles(one, other, files, shallow=False)
    assert not different and not failed


@pytest.fixture
def controller(cluster) -> FileLock:
    """Held by whoever needs Slurm to answer, and by the test in which it does not."""
    return FileLock(cluster.parent / "controller.lock")


def squeue(*args: str) -> list[list[str]]:
    """Number, state and node of jobs; none while Slurm does not answer."""
    said = subprocess.run(["squeue", "--noheader", "--format=%i %T %N", *args], capture_output=True, text=True)
    return [line.split() for line in said.stdout.splitlines()]


def wait_for(what, seconds: float = 120):
    """What `what` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session")
def twice(cluster, profile, model, stock_media, shared) -> tuple[Path, Path, dict]:
    """The demo and a video of 24 scenes of stock clips, built on this machine and on the cluster, and what was seen."""
    seen = shared / "twice.json"
    with FileLock(shared / "twice.lock"):
        if not seen.exists():
            with Stock(stock_media, {KEY}, delay=0.2) as stock:

                def workspace() -> Path:
                    videos = {"long": scenes(MANY)}
                    made = stock_workspace(model, stock, videos, ["pexels", "procedural"])
                    write_project(
                        made, "demo", {scene["id"]: (scene["text"], scene["visualDirection"]) for scene in DEMO}
                    )
                    return made

                here, there = workspace(), workspace()
                local = snakemake(here, env=KEYS)
                assert local.code == 0, local.output
                before = len(stock.of("pexels"))
                remote = on_slurm(there, profile, "--resources", "api_slots=2", env=KEYS)
                assert remote.code == 0, remote.output
                kept = b"".join(path.read_bytes() for path in cluster.rglob("*") if path.is_file())
                found = {
                    "local": str(here),
                    "remote": str(there),
                    "searches": peak(stock.of("pexels")[before:]),
                    "environments": kept.count(b"\0HOME="),
                    "keys": kept.count(KEY.encode()),
                }
                seen.write_text(json.dumps(found))
    found = json.loads(seen.read_text())
    return Path(found["local"]), Path(found["remote"]), found


def test_the_artifacts_are_those_of_a_build_on_one_machine(twice):
    here, there, _ = twice
    assert (there / "results/demo/video.mp4").exists()
    same_artifacts(here, there)


def test_a_scene_costs_at_most_four_submissions(twice):
    jobs = submitted(log(twice[1]))
    assert len(jobs) > 2 * MANY
    assert len(jobs) <= 4 * (MANY + len(DEMO))


def test_what_waits_on_the_network_is_never_submitted(twice):
    text = log(twice[1])
    unsubmitted = set(re.findall(r"^localrule (\w+):", text, re.MULTILINE))
    assert {"search", "clip"} <= unsubmitted
    assert not {"search", "clip"} & set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE))


def test_slots_of_the_network_hold(twice):
    assert twice[2]["searches"] == 2


def test_slurm_stores_no_key(twice):
    assert twice[2]["environments"] > MANY
    assert twice[2]["keys"] == 0


def test_jobs_whose_engine_is_a_server_stay_on_the_submit_host(cluster, profile, built):
    workspace = copy_workspace(built, built.parent / "served")
    write_config(
        workspace,
        narration={"engine": "openai", "model": "any", "voice": "any"},
        embedding={"engine": "openai", "model": "any"},
    )
    edit_script(workspace, "tiny", lambda scenes: [scene.update(visualDirection="a ship") for scene in scenes])
    plan = on_slurm(workspace, profile, "-n")
    assert plan.code == 0, plan.output
    grouped, alone = (set(re.findall(rf"^{' ' * n}rule (\w+):", plan.output, re.MULTILINE)) for n in (4, 0))
    assert grouped == {"words", "captions"}  # the jobs of a group are never local
    assert alone >= {"narration", "embedding", "candidates"}


def at_once(cluster: Path, workspace: Path) -> int:
    """The most jobs of a workspace that ran at the same time, by Slurm's own record."""
    jobs = [line for line in (cluster / "log/jobs.txt").read_text().splitlines() if f"WorkDir={workspace} " in line]
    ends = ("Start", "End")
    spans = [[datetime.fromisoformat(re.search(rf"{edge}Time=(\S+)", job)[1]) for edge in ends] for job in jobs]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def test_cpus_hold_over_all_nodes(cluster, profile, built):
    workspace = copy_workspace(built, built.parent / "limited")
    ids = [f"s{number}" for number in range(7)]
    write_project(workspace, "tiny", {id_: (f"This is scene {id_}.", "the sea") for id_ in ids})
    targets = [f"results/tiny/scenes/{id_}/captions.ass" for id_ in ids]
    run = on_slurm(workspace, profile, "--resources", "cpus=4", "--", *targets)
    assert run.code == 0, run.output
    assert at_once(cluster, workspace) == 4


def test_a_new_sentence_costs_two_submissions_of_its_scene(cluster, profile, built):
    workspace = copy_workspace(built, built.parent / "sentence")
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is big and very dark."))
    run = on_slurm(workspace, profile)
    assert run.code == 0, run.output
    jobs = submitted(log(workspace))
    assert sorted(jobs) == ["group_speech_captions_narration_words", "rule_quality", "rule_segment", "rule_soundtrack"]


def lose_power(cluster: Path, node: str, job: str) -> None:
    """As when a node's power fails for a moment: its daemon and all that it runs are killed, and the daemon starts."""
    file = cluster / f"run/slurmd.{node}.pid"
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or []).startswith(f"slurmstepd: [{job}."):
            for one in [process, *process.children(recursive=True)]:
                one.kill()
    os.kill(int(file.read_text()), signal.SIGKILL)
    file.unlink()
    subprocess.run(["slurmd", "-N", node], check=True)
    with (cluster / "pids").open("a") as pids:
        pids.write(f"slurmd {wait_for(lambda: file.exists() and file.read_text().strip())}\n")


def start(workspace: Path, profile: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--profile", profile]
    return subprocess.Popen(command, cwd=workspace, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=STDOUT)


def segments_at_work(workspace: Path):
    """Slurm's number and node of each running segment, once all three run."""
    numbers = re.findall(r"SLURM jobid (\d+) \(log: \S*/rule_segment/", log(workspace))
    jobs = [(job, node) for job, state, *node in squeue() if job in numbers and state == "RUNNING"]
    return jobs if len(jobs) == len(SCENES) else None


def edited(built: Path, name: str) -> tuple[Path, Path]:
    """Two copies of a built workspace in which all scenes have to be spoken and rendered again, one of them built."""
    here, there = (copy_workspace(built, built.parent / f"{name}-{where}") for where in ("here", "there"))
    for workspace in (here, there):
        write_config(workspace, narration={"voice": "en-gb"}, video={"width": 540, "height": 960, "preset": "slower"})
    run = snakemake(here)
    assert run.code == 0, run.output
    return here, there


def test_a_cancelled_job_and_a_node_that_dies_cost_one_more_attempt_each(cluster, profile, built, controller):
    here, there = edited(built, "hurt")
    run = start(there, profile)
    (first, _), (second, node), _ = wait_for(lambda: segments_at_work(there))
    with controller:
        subprocess.run(["scancel", first], check=True)
        lose_power(cluster, node[0], second)
    assert run.wait() == 0
    assert submitted(log(there)).count("rule_segment") == len(SCENES) + 2
    same_artifacts(here, there)


def test_a_submit_process_that_is_killed_and_started_again(cluster, profile, built):
    here, there = edited(built, "killed")
    run = start(there, profile)
    wait_for(lambda: segments_at_work(there))
    run.kill()
    run.wait()
    unlock = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--unlock"]
    subprocess.run(
        unlock,
        cwd=there,
        check=True,
        capture_output=True,
    )
    again = on_slurm(there, profile)
    assert again.code == 0, again.output
    assert not {job.split()[0] for job in again.jobs} & {"narration", "words", "captions", "embedding", "selection"}
    same_artifacts(here, there)


def test_a_build_outlives_slurm_that_does_not_answer_for_a_while(cluster, profile, built, controller):
    """With jobs that end meanwhile, and others that are to be submitted."""
    here, there = edited(built, "silence")
    daemon = cluster / "run/slurmctld.pid"
    run = start(there, profile)
    wait_for(lambda: submitted(log(there)))
    with controller:
        wait_for(lambda: squeue("--states=RUNNING"))
        os.kill(old := int(daemon.read_text()), signal.SIGTERM)
        wait_for(lambda: not psutil.pid_exists(old))
        time.sleep(20)
        subprocess.run(["slurmctld"], check=True)
        new = wait_for(lambda: daemon.exists() and daemon.read_text().strip())
        (cluster / "pids").write_text(
            (cluster / "pids").read_text().replace(f"slurmctld {old}\n", f"slurmctld {new}\n")
        )
        wait_for(lambda: "is UP" in subprocess.run(["scontrol", "ping"], capture_output=True, text=True).stdout)
    assert run.wait() == 0
    same_artifacts(here, there)


def test_the_generic_profile_builds_the_same_and_sees_a_cancelled_job(cluster, built, controller):
    here, there = (copy_workspace(built, built.parent / f"generic-{where}") for where in ("here", "there"))
    for workspace in (here, there):
        write_config(workspace, narration={"voice": "en-gb"}, video={"width": 540, "height": 960, "preset": "slower"})
    local = snakemake(here)
    assert local.code == 0, local.output
    run = start(there, ROOT / "profiles/generic")
    numbers = re.compile(r"Submitted (?:group )?job \S+ with external jobid '(\d+)'")
    number = wait_for(
        lambda: [job for job, state, *_ in squeue() if job in numbers.findall(log(there)) and state == "RUNNING"]
    )[0]
    with controller:
        subprocess.run(["scancel", number], check=True)
    assert run.wait() == 0
    same_artifacts(here, there)
    jobs = numbers.findall(log(there))
    assert len(set(jobs)) == 3 * len(SCENES) + 2 + 1  # each scene, soundtrack and quality, and what was cancelled


@pytest.fixture
def watched(cluster, controller) -> Iterator[tuple[Cluster, str]]:
    """The logger's watch over a run that has submitted one job, which Slurm will never start: it asks for too long."""
    with controller:
        run = f"watch-{os.getpid()}"
        asks = ["sbatch", "--parsable", f"--job-name={run}", "--time=600", "--output=/dev/null", "--wrap=true"]
        number = subprocess.run(asks, check=True, capture_output=True, text=True).stdout.strip()
        wait_for(lambda: squeue(f"--jobs={number}", "--format=%r") == [["PartitionTimeLimit"]])
        watch = Cluster()
        for said in (f"SLURM run ID: {run}", f"Job 7 has been submitted with SLURM jobid {number} (log: x)."):
            watch.take(makeLogRecord({"msg": said}))
        yield watch, number
        subprocess.run(["scancel", number], check=True)


def test_a_job_that_cannot_start_is_told_of_once(watched):
    watch, number = watched
    (said,) = watch.look({7: "segment demo/s01"}, now=0)
    assert f"Slurm does not start job {number} (segment demo/s01): PartitionTimeLimit" in said and "runtime" in said
    assert watch.look({7: "segment demo/s01"}, now=60) == []
    assert watch.look({}, now=60) == []


def test_a_job_that_is_over_and_was_not_noticed_is_told_of(watched):
    watch, number = watched
    subprocess.run(["scancel", number], check=True)
    assert watch.look({7: "segment demo/s01"}, now=0) == []
    (said,) = watch.look({7: "segment demo/s01"}, now=300)
    assert f"Slurm has CANCELLED for job {number} (segment demo/s01)" in said and "run again" in said


def test_a_job_whose_record_is_gone_is_told_of(watched):
    watch, _ = watched
    watch.take(makeLogRecord({"msg": "Job 8 has been submitted with SLURM jobid 999999 (log: x)."}))
    watch.look({8: "quality demo"}, now=0)
    (said,) = watch.look({8: "quality demo"}, now=300)
    assert "Slurm knows no more of job 999999 (quality demo)" in said


def test_slurm_that_does_not_answer_is_told_of_once_until_it_does(watched, cluster, tmp_path, monkeypatch):
    conf = (cluster / "etc/slurm.conf").read_text()
    (tmp_path / "slurm.conf").write_text(re.sub("SlurmctldPort=.*", "SlurmctldPort=9", conf) + "MessageTimeout=2\n")
    watch, _ = watched
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
        (said,) = watch.look({7: "segment demo/s01"}, now=0)
        assert said.startswith("Slurm does not answer; the run waits until it does: ") and "Unable to contact" in said
        assert watch.look({7: "segment demo/s01"}, now=60) == []
    assert len(watch.look({7: "segment demo/s01"}, now=120)) == 1


def test_after_any_edit_the_jobs_that_run_are_those_of_a_build_on_one_machine(cluster, profile, tmp_path):
    """A job's time is here mostly waiting, so more tests run side by side than there are cores."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "-k", EDITS, f"--basetemp={tmp_path}/inner"]
    done = subprocess.run(
        [*command, "tests/test_rebuild.py"],
        cwd=ROOT,
        env={**os.environ, "SNAKEMAKE_PROFILE": str(profile)},
        stdout=subprocess.PIPE,
        stderr=STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert (cluster / "log/jobs.txt").read_text().count(f"WorkDir={tmp_path}/inner") > 20
