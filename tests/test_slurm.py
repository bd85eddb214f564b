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
from conftest import (
    BUILT,
    ROOT,
    SCENES,
    built_with,
    copy_workspace,
    edit_script,
    kill_tree,
    snakemake,
    wait_for,
    write_config,
    write_project,
)
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
EDITS = "(touch_of or one_text or same_choice or another_choice or scene_added or scene_removed or crf) and not failed"
"""The tests of exactness that together run every rule; all of them take a quarter of an hour."""
SLOW = {"narration": {"voice": "en-gb"}, "video": {"width": 540, "height": 960, "preset": "slower"}}
"""Settings with which all scenes have to be spoken and rendered again, which takes seconds."""
LOOKS = re.compile(r"^(slurm-init-seconds-before-status-checks): .*", re.MULTILINE)


@pytest.fixture(scope="session")
def cluster(shared):
    """The folder of a cluster that all worker processes of a test run share; the last one to leave stops it."""
    base, users = shared / "slurm", shared / "slurm.users"

    def count() -> int:
        return int(users.read_text()) if users.exists() else 0

    with FileLock(shared / "slurm.lock"):
        if not count() and subprocess.run([ROOT / "tests/slurm/start", base]).returncode:
            subprocess.run([ROOT / "tests/slurm/stop", base])
            pytest.fail("Slurm does not start")
        users.write_text(str(count() + 1))
    yield base
    with FileLock(shared / "slurm.lock"):
        users.write_text(str(count() - 1))
        if not count():
            subprocess.run([ROOT / "tests/slurm/stop", base], check=True)


@pytest.fixture(scope="session")
def profile(cluster, shared) -> Path:
    """The users' profile, but that ended jobs are seen sooner."""
    folder = shared / "profile"
    folder.mkdir(exist_ok=True)
    text, changed = LOOKS.subn(r"\1: 7", (ROOT / "profiles/slurm/profile.yaml").read_text())
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


def squeue(*args: str) -> list[list[str]]:
    """Number, state and node of jobs."""
    said = subprocess.run(["squeue", "--noheader", "--format=%i %T %N", *args], capture_output=True, text=True)
    return [line.split() for line in said.stdout.splitlines()]


@pytest.fixture(scope="session")
def twice(cluster, profile, model, stock_media, shared) -> tuple[Path, Path, dict]:
    """The demo and a video of 24 scenes of stock clips, built on this machine and on the cluster, and what was seen."""
    seen = shared / "twice.json"
    with FileLock(shared / "twice.lock"):
        if not seen.exists():
            with Stock(stock_media, {KEY}, delay=1.0) as stock:

                def workspace() -> Path:
                    videos = {"long": scenes(MANY)}
                    made = stock_workspace(model, stock, videos, ["pexels", "procedural"])
                    write_project(
                        made, "demo", {scene["id"]: (scene["text"], scene["visualDirection"]) for scene in DEMO}
                    )
                    (made / ".env").write_text(f"ANOTHER={KEY}-of-another\n")
                    return made

                here, there = workspace(), workspace()
                local = snakemake(here, env=KEYS)
                assert local.code == 0, local.output
                before = len(stock.of("pexels"))
                remote = on_slurm(there, profile, "--resources", "cpus=4", "api_slots=2", env=KEYS)
                assert remote.code == 0, remote.output
                kept = b"".join(path.read_bytes() for path in cluster.rglob("*") if path.is_file())
                found = {
                    "local": str(here),
                    "remote": str(there),
                    "searches": peak(stock.of("pexels")[before:]),
                    "environments": kept.count(b"\0HOME="),
                    "keys": kept.count(KEY.encode()),
                    "detours": kept.count(b"slurm-jobstep"),
                }
                seen.write_text(json.dumps(found))
    found = json.loads(seen.read_text())
    return Path(found["local"]), Path(found["remote"]), found


def lose_power(cluster: Path, node: str, job: str) -> None:
    """As when a node's power fails for a moment: its daemon and all that it runs are killed, and the daemon starts."""
    file = cluster / f"run/slurmd.{node}.pid"
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or []).startswith(f"slurmstepd: [{job}."):
            kill_tree(process.pid)
    os.kill(int(file.read_text()), signal.SIGKILL)
    file.unlink()
    subprocess.run(["slurmd", "-N", node], check=True)
    with (cluster / "pids").open("a") as pids:
        pids.write(f"slurmd {wait_for(lambda: file.exists() and file.read_text().strip())}\n")


def start(workspace: Path, profile: Path, **environment: str) -> subprocess.Popen:
    """Snakemake as the leader of a group of processes, as a shell starts it."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--profile", profile]
    return subprocess.Popen(
        command,
        cwd=workspace,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=STDOUT,
        start_new_session=True,
    )


def segments_at_work(workspace: Path, least: int = 1):
    """Slurm's number and node of each running segment, once so many run at the same time."""
    numbers = re.findall(r"SLURM jobid (\d+) \(log: \S*/rule_segment/", log(workspace))
    jobs = [(job, node) for job, state, *node in squeue() if job in numbers and state == "RUNNING"]
    return jobs if len(jobs) >= least else None


@pytest.fixture(scope="session")
def slow(built, shared) -> Path:
    """The built workspace with the slow settings, built on this machine."""
    return built_with(built, shared / "slow", **SLOW)


def edited(built: Path, name: str, **settings: object) -> Path:
    """A copy of the built workspace, with the slow settings."""
    workspace = copy_workspace(built, built.parent / name)
    write_config(workspace, **{section: SLOW[section] | settings.get(section, {}) for section in SLOW})
    return workspace


def silent(cluster: Path, folder: Path) -> Path:
    """Settings of Slurm's commands, as a file in `folder`, by which they find nobody who answers."""
    conf = (cluster / "etc/slurm.conf").read_text()
    file = folder / "silent.conf"
    file.write_text(re.sub("SlurmctldPort=.*", "SlurmctldPort=9", conf) + "MessageTimeout=2\n")
    return file


# The workers of a test run begin with two tests each, in this order: each with a long one. What else asks `twice` comes
# last, and finds it there.


def test_the_artifacts_are_those_of_a_build_on_one_machine(twice):
    here, there, _ = twice
    assert (there / "results/demo/video.mp4").exists()
    same_artifacts(here, there)


def test_a_scene_costs_at_most_four_submissions(twice):
    jobs = submitted(log(twice[1]))
    assert len(jobs) > 2 * MANY
    assert len(jobs) <= 4 * (MANY + len(DEMO))


def test_after_any_edit_the_jobs_that_run_are_those_of_a_build_on_one_machine(cluster, profile, built, tmp_path):
    """A job's time is here mostly waiting, so more tests run side by side than there are cores."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "-k", EDITS, f"--basetemp={tmp_path}/inner"]
    done = subprocess.run(
        [*command, "tests/test_rebuild.py"],
        cwd=ROOT,
        env={**os.environ, "SNAKEMAKE_PROFILE": str(profile), BUILT: str(built)},
        stdout=subprocess.PIPE,
        stderr=STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    ran = re.findall(rf"WorkDir={built.parent}/tmp", (cluster / "log/jobs.txt").read_text())
    assert len(ran) > 15


def test_why_slurm_takes_no_job_is_told(profile, built):
    there = edited(built, "nowhere")
    run = on_slurm(there, profile, "--retries=0", "--default-resources", "runtime=9", "slurm_partition=nowhere")
    assert run.code != 0
    assert re.search(r"failed: a group of jobs\n.*\n *sbatch: error: invalid partition specified: nowhere", run.output)


def test_a_run_that_is_stopped_or_killed_leaves_nothing_that_gets_in_the_way_of_the_next(profile, built, slow):
    """Ctrl-C cancels the run's jobs. After a kill they run on, and the next run cancels them."""
    there = edited(built, "killed", video={"crf": 20, "preset": "veryslow"})
    run = start(there, profile)
    jobs = wait_for(lambda: segments_at_work(there))
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) != 0
    wait_for(lambda: not {job for job, _ in jobs} & {job for job, *_ in squeue()}, 30)
    assert not [path for path in there.rglob(".*.part*") if ".snakemake" not in path.parts]

    run = start(there, profile)
    wait_for(lambda: submitted(log(there)).count("rule_segment") == len(SCENES))  # all before them was seen to end
    number, _ = wait_for(lambda: segments_at_work(there))[0]
    subprocess.run(["scontrol", "suspend", number], check=True)  # it takes its time
    run.kill()
    run.wait()
    write_config(there, **SLOW)
    unlock = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--unlock"]
    subprocess.run(unlock, cwd=there, check=True, capture_output=True)
    again = on_slurm(there, profile)
    assert again.code == 0, again.output
    assert re.search(r"\d Slurm jobs of a run that was killed here .* cancelled", again.output)
    assert squeue("--states=all", f"--jobs={number}")[0][1] == "CANCELLED"
    assert not {job.split()[0] for job in again.jobs} & {"narration", "words", "captions", "embedding", "selection"}
    same_artifacts(slow, there)


def test_a_new_sentence_costs_two_submissions_of_its_scene(cluster, profile, built):
    workspace = copy_workspace(built, built.parent / "sentence")
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is big and very dark."))
    run = on_slurm(workspace, profile)
    assert run.code == 0, run.output
    jobs = submitted(log(workspace))
    assert sorted(jobs) == ["group_speech_captions_narration_words", "rule_quality", "rule_segment", "rule_soundtrack"]


def test_a_cancelled_job_and_a_node_that_dies_cost_one_more_attempt_each(cluster, profile, built, slow):
    """With twice the memory."""
    there = edited(built, "hurt")
    run = start(there, profile)
    (first, _), (second, node), *_ = wait_for(lambda: segments_at_work(there, least=2))
    subprocess.run(["scancel", first], check=True)
    lose_power(cluster, node[0], second)
    assert run.wait() == 0
    assert submitted(log(there)).count("rule_segment") == len(SCENES) + 2
    asked = re.findall(r"^rule segment:\n(?:    .*\n)*?    resources: .*?mem_mb=(\d+)", log(there), re.MULTILINE)
    assert sorted(map(int, asked)) == [590] * len(SCENES) + [1180] * 2
    same_artifacts(slow, there)


def test_the_generic_profile_builds_the_same_and_sees_a_cancelled_job(cluster, built, slow):
    there = edited(built, "generic")
    run = start(there, ROOT / "profiles/generic")
    numbers = re.compile(r"Submitted (?:group )?job \S+ with external jobid '(\d+)'")
    number = wait_for(
        lambda: [job for job, state, *_ in squeue() if job in numbers.findall(log(there)) and state == "RUNNING"]
    )[0]
    subprocess.run(["scancel", number], check=True)
    assert run.wait() == 0
    same_artifacts(slow, there)
    jobs = numbers.findall(log(there))
    assert len(set(jobs)) == 3 * len(SCENES) + 2 + 1  # each scene, soundtrack and quality, and what was cancelled


def test_a_build_outlives_slurm_that_does_not_answer_for_a_while(cluster, profile, built, slow, tmp_path):
    """With jobs that end meanwhile, and others that are to be submitted; it costs no attempt."""
    there, conf = edited(built, "silence"), tmp_path / "slurm.conf"

    def answers(file: Path) -> None:
        (tmp_path / "link").symlink_to(file)
        (tmp_path / "link").rename(conf)

    answers(cluster / "etc/slurm.conf")
    run = start(there, profile, SLURM_CONF=str(conf))
    wait_for(lambda: submitted(log(there)))
    answers(silent(cluster, tmp_path))
    time.sleep(5)  # for those that were on their way
    before = len(submitted(log(there)))
    time.sleep(20)
    assert len(submitted(log(there))) == before
    answers(cluster / "etc/slurm.conf")
    assert run.wait() == 0
    assert "Trying to restart" not in log(there)
    same_artifacts(slow, there)


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


@pytest.fixture
def watched(cluster) -> Iterator[tuple[Cluster, str]]:
    """The logger's watch over a run that has submitted one job, which Slurm will never start: it asks for too long."""
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
    watch, _ = watched
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SLURM_CONF", str(silent(cluster, tmp_path)))
        (said,) = watch.look({7: "segment demo/s01"}, now=0)
        assert said.startswith("Slurm does not answer; the run waits until it does: ") and "Unable to contact" in said
        assert watch.look({7: "segment demo/s01"}, now=60) == []
    assert len(watch.look({7: "segment demo/s01"}, now=120)) == 1


def test_what_waits_on_the_network_is_never_submitted(twice):
    text = log(twice[1])
    unsubmitted = set(re.findall(r"^localrule (\w+):", text, re.MULTILINE))
    assert {"search", "clip"} <= unsubmitted
    assert not {"search", "clip"} & set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE))


def at_once(cluster: Path, workspace: Path) -> int:
    """The most jobs of a workspace that ran at the same time, by Slurm's own record."""
    jobs = [line for line in (cluster / "log/jobs.txt").read_text().splitlines() if f"WorkDir={workspace} " in line]
    ends = ("Start", "End")
    spans = [[datetime.fromisoformat(re.search(rf"{edge}Time=(\S+)", job)[1]) for edge in ends] for job in jobs]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def test_slots_hold_over_all_nodes(cluster, twice):
    _, there, seen = twice
    assert at_once(cluster, there) == 4
    assert seen["searches"] == 2


def test_a_job_starts_snakemake_once(twice):
    assert twice[2]["detours"] == 0


def test_slurm_stores_no_key(twice):
    assert twice[2]["environments"] > MANY
    assert twice[2]["keys"] == 0
