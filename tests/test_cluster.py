"""What is submitted to a cluster, and what is made of its answers; by commands that act like Slurm's. On a real one:
tests/test_slurm.py."""

import os
import subprocess
from io import StringIO
from logging import makeLogRecord
from pathlib import Path

import pytest
from conftest import ROOT
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_cm.cluster import Cluster
from snakemake_logger_plugin_cm.reporter import Reporter
from snakemake_logger_plugin_cm.screen import Screen

from scripts.lib.cluster import cancel_orphans, keep_keys_here
from scripts.lib.config import complete

OURS = "0b6e2a52-9c0e-4b0e-8c3e-3f1a2b4c5d6e"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Makes a shell script that stands for a command of the cluster's; the workspace is the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("PATH", "KEYS_STAY_HERE", "SUBMISSION_REFUSED"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    (tmp_path / ".snakemake").mkdir()

    def make(name: str, script: str) -> None:
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return make


def settings(**sections) -> dict:
    made, faults = complete(sections, "config.yaml")
    assert not faults
    return made


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["sbatch", "qsub", "bsub"])
def test_no_key_is_submitted(command, tmp_path, monkeypatch, name):
    command(name, "env")
    (tmp_path / ".env").write_text("export DOTTED='x'\nPATH=/nowhere\nodd-name=x\n")
    secrets = ("PEXELS_API_KEY", "MY_VOICE_KEY", "FAULTY_KEY", "QUOTED_KEY", "DOTTED")
    for secret in (*secrets, "HARMLESS"):
        monkeypatch.setenv(secret, "sentinel")
    own = settings(narration={"engine": "openai", "model": "any", "voice": "any", "key_env": "MY_VOICE_KEY"})
    faulty = ["llm: {key_env: FAULTY_KEY, no such", '{"llm": {"key_env": "QUOTED_KEY"}}']
    keep_keys_here([settings(), own], faulty, ROOT / "profiles/bin")
    done = run(name)
    assert "HARMLESS=sentinel" in done.stdout
    assert done.stdout.count("sentinel") == 1, done.stdout
    assert f"PATH={tmp_path}/bin:" in done.stdout and "KEYS_STAY_HERE" not in done.stdout


def test_a_job_starts_snakemake_once(command):
    command("sbatch", 'printf "<%s>" "$@"')
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    job, detour = "--wrap=python -m snakemake 'a \"b c*'{} --mode remote", " --executor slurm-jobstep --jobs 1"
    assert run("sbatch", "-D", "a folder", job.format(detour)).stdout == f"<-D><a folder><{job.format('')}>"
    array = f"{job.format(detour)} --slurm-jobstep-array-execs=e30="
    assert run("sbatch", array).stdout == f"<{array}>"


def test_why_a_submission_failed_is_told_of_a_group_too(command):
    command("sbatch", "echo 'sbatch: error: invalid partition specified: nowhere' >&2; exit 1")
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    done = run("sbatch", "--parsable")
    assert done.returncode == 1 and "invalid partition" in done.stderr
    reporter = Reporter(Screen(shown := StringIO(), colour=False))
    group = {"event": LogEvent.GROUP_ERROR, "groupid": "speech", "aux_logs": [], "job_error_info": []}
    reporter.take(makeLogRecord(group))
    assert "sbatch: error: invalid partition specified: nowhere" in shown.getvalue()
    shown.truncate(0)
    reporter.take(makeLogRecord(group | {"external_jobid": "17"}))  # it was submitted, and failed
    assert "invalid partition" not in shown.getvalue()


@pytest.mark.parametrize(
    "said",
    ["Unable to contact slurm controller (connect failure)", "QOSMaxSubmitJobPerUserLimit", "AssocMaxSubmitJobLimit"],
)
def test_a_submission_waits_while_no_more_jobs_are_taken(command, tmp_path, said):
    command("sleep", "echo slept >>slept")
    command(
        "sbatch", f"[ -e slept ] && [ $(wc -l <slept) = 3 ] && exec echo 17; echo 'sbatch: error: {said}' >&2; exit 1"
    )
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    done = run("sbatch")
    assert (done.returncode, done.stdout, done.stderr) == (0, "17\n", "")


def test_a_preempted_job_is_over(command):
    command("squeue", "printf '17|PREEMPTED\\n18|RUNNING\\n'")
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    assert run("squeue").stdout == "17|CANCELLED\n18|RUNNING\n"
    command("squeue", "echo 'slurm_load_jobs error' >&2; exit 3")
    done = run("squeue")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "slurm_load_jobs error\n")


def test_a_preempted_job_is_over_for_the_generic_profile(command):
    command("squeue", "echo PREEMPTED")
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    assert run("slurm-job-status", "17").stdout == "failed\n"


def test_the_states_of_accounts_are_brought_to_words_that_are_understood(command):
    command("sacct", "printf '17|CANCELLED by 1000\\n18|PREEMPTED\\n'")
    command("squeue", "echo '19|PREEMPTED'")
    keep_keys_here([settings()], [], ROOT / "profiles/bin")
    said = run("sacct", "-X", "--format=JobIdRaw,State", "--name", "run").stdout
    assert said == "17|CANCELLED\n18|CANCELLED\n19|CANCELLED\n"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Resources", False),
        ("QOSMaxCpuPerUserLimit", False),
        ("QOSGrpCpuLimit", False),
        ("AssocMaxJobsLimit", False),
        ("AssocGrpCPURunMinutesLimit", False),
        ("ReqNodeNotAvail, UnavailableNodes:n1", False),
        ("Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions", False),
        ("AssocGrpCPUMinutesLimit", True),
        ("AssocMaxWallDurationPerJobLimit", True),
        ("QOSMaxMemoryPerJob", True),
        ("PartitionTimeLimit", True),
    ],
)
def test_a_job_that_waits_for_its_turn_is_no_fault(command, reason, told):
    command("squeue", f"echo '17|PENDING|{reason}'")
    watch = Cluster()
    for said in (f"SLURM run ID: {OURS}", "Job 7 has been submitted with SLURM jobid 17 (log: x)."):
        watch.take(makeLogRecord({"msg": said}))
    assert bool(watch.look({7: "segment demo/s01"}, now=0)) == told


def test_what_a_killed_run_left_in_the_queue_is_cancelled(command):
    """Not what runs in another folder, and not the job that this run itself may be."""
    other = OURS.replace("0", "1")
    Path("queue").write_text(f"17|{OURS}\n18|{other}\n19|wrap\n20|{OURS}\n")
    Path(".snakemake/log").mkdir()
    Path(".snakemake/log/a.snakemake.log").write_text(f"host: x\nSLURM run ID: {OURS}\n")
    command("squeue", 'echo "$@" >asked; cat queue')
    command("scancel", 'echo "$@" >>cancelled; grep "^1[89]" queue >left; mv left queue')
    assert cancel_orphans() == 2
    assert Path("cancelled").read_text() == "17 20\n" and "--me" in Path("asked").read_text()
    assert cancel_orphans() == 0
