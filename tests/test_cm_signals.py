"""Whatever ends `cm`: nothing of it goes on, nothing half-made stays, and the next run goes on from there."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import click
import psutil
import pytest
from cm import lock
from cm_process import CM, CTRL_C, CTRL_Z, STOPS, Terminal, cm, half_made, jobs, processes, words
from conftest import ROOT, built_with, copy_workspace, edit_script, snakemake, wait_for

pytestmark = pytest.mark.slow

SLOW = ["--set", "video.preset=veryslow"]
"""Makes every segment again, which takes seconds."""
BARE_SLOW = ["--config", "video={preset: veryslow}"]


@pytest.fixture(scope="session")
def large(built, shared) -> Path:
    """The built workspace, in large frames."""
    return built_with(built, shared / "large", video={"width": 1080, "height": 1920})


@pytest.fixture
def workspace(large) -> Path:
    return copy_workspace(large, Path(tempfile.mkdtemp(dir=large.parent)))


def start(workspace: Path, *arguments: str, out: str = "out") -> subprocess.Popen:
    with (workspace / out).open("w") as out:
        return subprocess.Popen(
            [*CM, *arguments], cwd=workspace, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def bare(workspace: Path, *arguments: str) -> subprocess.Popen:
    """Snakemake itself, as someone may have started it without `cm`."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *arguments]
    return subprocess.Popen(
        command,
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def snakemakes(workspace: Path) -> list[psutil.Process]:
    return [process for process in processes(workspace) if any(Path(w).name == "snakemake" for w in words(process)[:4])]


def runs(workspace: Path) -> list[psutil.Process]:
    """The Snakemakes that a `cm` started; what one of them forks has its words until it becomes a job."""
    found = []
    for process in snakemakes(workspace):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == process.pid:
                found.append(process)
    return found


def is_quiet(workspace: Path) -> bool:
    return not processes(workspace)


def goes_on(workspace: Path) -> subprocess.CompletedProcess:
    """The next run needs no help, and ends with everything made."""
    run = cm(workspace, "build")
    assert run.returncode == 0, run.stderr
    plan = snakemake(workspace, "-n")
    assert plan.code == 0 and plan.jobs == []
    assert not half_made(workspace) and not lock.locks(workspace)
    return run


def test_on_a_terminal_one_line_moves_and_ctrl_c_ends_all_of_it(workspace):
    terminal = Terminal(workspace, "build", *SLOW)
    terminal.read(until=r"\[\d+/\d+\] \d+% segment tiny/")
    wait_for(lambda: jobs(workspace, "segment"))
    terminal.press(CTRL_C)
    assert terminal.end() == 128 + signal.SIGINT
    assert is_quiet(workspace)
    assert not half_made(workspace) and not lock.locks(workspace)
    said = click.unstyle(terminal.text)
    assert re.search(r"aborted: \d+ of \d+ jobs done in .*; run again to go on from here", said)
    assert "Traceback" not in terminal.text and "KeyboardInterrupt" not in terminal.text
    assert "\x1b[" in terminal.text
    goes_on(workspace)


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_to_cm_alone_ends_all_of_it(workspace, number):
    run = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    run.send_signal(number)
    assert run.wait() == 128 + number
    assert is_quiet(workspace) and not half_made(workspace) and not lock.locks(workspace)
    goes_on(workspace)


@pytest.mark.parametrize("number", STOPS)
@pytest.mark.parametrize("words", [["status"], ["build", "--dry-run"]])
def test_a_signal_while_planning_is_told_by_the_exit_status(workspace, number, words):
    run = start(workspace, *words)
    wait_for(lambda: snakemakes(workspace))
    run.send_signal(number)
    assert run.wait() == 128 + number and is_quiet(workspace)
    assert "Traceback" not in (workspace / "out").read_text()


MOMENTS = {
    "python starts": lambda workspace: True,
    "cm plans": lambda workspace: (workspace / "out").read_text(),
    "snakemake starts": snakemakes,
    "it has the lock": lock.locks,
    "jobs run": jobs,
    "a later job runs": lambda workspace: jobs(workspace, "soundtrack") or jobs(workspace, "segment"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_at_any_moment_leaves_nothing(workspace, moment):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is very dark."))
    run = start(workspace, "build")
    wait_for(lambda: MOMENTS[moment](workspace))
    os.killpg(run.pid, signal.SIGINT)
    status, said = run.wait(), (workspace / "out").read_text()
    if moment == "python starts" and status in (1, -signal.SIGINT):  # Python itself ended, before our first line
        assert not said or said.endswith("KeyboardInterrupt\n")
    else:
        assert status == 128 + signal.SIGINT and "Traceback" not in said
    assert is_quiet(workspace) and not half_made(workspace) and not lock.locks(workspace)
    goes_on(workspace)


def test_ctrl_c_twice_waits_for_nothing(workspace):
    run = start(workspace, "build", *SLOW)
    (job, *_) = wait_for(lambda: jobs(workspace, "segment"))
    for process in [job, *snakemakes(workspace)]:
        process.suspend()  # they heed no signal now
    run.send_signal(signal.SIGINT)
    time.sleep(1)
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=8) == 128 + signal.SIGINT  # 10 s after the first one it would be killed
    assert is_quiet(workspace) and not half_made(workspace)
    goes_on(workspace)


def test_what_does_not_heed_ctrl_c_is_killed_in_the_end(workspace):
    run = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    for process in processes(workspace):
        if process.pid != run.pid and words(process)[:3] != words(psutil.Process(run.pid))[:3]:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=30) == 128 + signal.SIGINT
    assert is_quiet(workspace) and not half_made(workspace)
    goes_on(workspace)


def test_ctrl_z_stops_the_jobs_too_and_they_go_on(workspace):
    terminal = Terminal(workspace, "build", *SLOW)
    terminal.read(until=r"segment tiny/")
    (job, *_) = wait_for(lambda: jobs(workspace, "segment"))
    terminal.press(CTRL_Z)
    wait_for(lambda: job.status() == psutil.STATUS_STOPPED)
    assert psutil.Process(terminal.pid).status() == psutil.STATUS_STOPPED
    os.kill(terminal.pid, signal.SIGCONT)
    wait_for(lambda: not job.is_running() or job.status() != psutil.STATUS_STOPPED)
    terminal.press(CTRL_C)
    assert terminal.end() == 128 + signal.SIGINT and is_quiet(workspace)


@pytest.mark.parametrize("group", [False, True])
def test_after_a_sigkill_of_cm_nothing_goes_on_and_the_next_run_does(workspace, group):
    run = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    (os.killpg if group else os.kill)(run.pid, signal.SIGKILL)
    run.wait()
    wait_for(lambda: is_quiet(workspace), seconds=15)
    assert not half_made(workspace)
    goes_on(workspace)


def test_after_a_sigkill_of_everything_the_lock_is_removed_and_the_next_run_goes_on(workspace):
    run = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    for process in processes(workspace):
        with suppress(psutil.NoSuchProcess):  # cm's guard kills them too
            process.kill()
    run.wait()
    wait_for(lambda: is_quiet(workspace))
    assert lock.locks(workspace)
    assert "a run was killed here: its lock is removed" in goes_on(workspace).stderr


def test_a_run_waits_for_the_end_of_one_whose_cm_was_killed(workspace):
    """Its guard needs a while where Snakemake does not heed it; the lock must not be taken from it meanwhile."""
    run = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    (snakemake,) = snakemakes(workspace)
    snakemake.suspend()
    run.kill()
    run.wait()
    said = goes_on(workspace).stderr
    assert "a run was killed here" in said and not snakemake.is_running()


def test_a_bare_snakemake_that_was_killed_is_cleared_away_with_its_jobs(workspace):
    """A job that outlived it would put its old result in the place of the new one."""
    run = bare(workspace, *BARE_SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    run.kill()
    run.wait()
    orphans = jobs(workspace, "segment")
    assert orphans and lock.locks(workspace)
    assert "what was still running of it is ended" in goes_on(workspace).stderr
    assert not any(orphan.is_running() for orphan in orphans)


def test_the_lock_of_a_live_bare_snakemake_is_respected(workspace):
    run = bare(workspace, *BARE_SLOW)
    try:
        wait_for(lambda: jobs(workspace, "segment"))
        held = lock.locks(workspace)
        said = cm(workspace, "build")
        assert said.returncode == 1, said.stderr
        assert f"snakemake (process {run.pid}) is at work in {workspace}" in said.stderr
        assert lock.locks(workspace) == held and run.poll() is None
        (workspace / "results/gone/scenes").mkdir(parents=True)
        assert cm(workspace, "clean", "--yes").returncode == 1 and (workspace / "results/gone").exists()
        assert cm(workspace, "status").returncode == 0  # who only looks needs no lock
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def test_runs_in_one_workspace_wait_for_each_other_and_say_so(workspace):
    """Also a third one, after the second has ended: Snakemake, when it ends, removes everybody's locks."""
    first = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    held = lock.locks(workspace)
    second = start(workspace, "audio", "--set", "narration.speed=1.9", out="second")
    wait_for(lambda: f"waiting for another cm at work in {workspace}" in (workspace / "second").read_text())
    third = start(workspace, "build", *SLOW, out="third")
    wait_for(lambda: "waiting for another cm" in (workspace / "third").read_text())
    assert cm(workspace, "status").returncode == 0  # who only looks waits for nobody
    assert lock.locks(workspace) == held and len(runs(workspace)) == 1
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 128 + signal.SIGTERM
    while third.poll() is None and not jobs(workspace, "segment"):
        assert len(runs(workspace)) <= 1
    third.send_signal(signal.SIGTERM)
    assert third.wait() == 128 + signal.SIGTERM and second.wait() == 0
    goes_on(workspace)


def test_who_waits_for_another_run_is_stopped_at_once(workspace):
    first = start(workspace, "build", *SLOW)
    wait_for(lambda: jobs(workspace, "segment"))
    second = start(workspace, "build", out="second")
    wait_for(lambda: "waiting" in (workspace / "second").read_text())
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=15) == 128 + signal.SIGINT and first.poll() is None
    assert "Traceback" not in (workspace / "second").read_text()
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 128 + signal.SIGTERM


def test_the_lock_of_a_run_on_another_machine_is_respected(workspace):
    """A workspace on a shared file system: nobody sees from here whether that run lives."""
    (workspace / ".snakemake/locks").mkdir(exist_ok=True)
    lockfile = workspace / ".snakemake/locks/0.output.lock"
    lockfile.write_text("results/tiny/video.mp4\n")
    log = max(workspace.glob(".snakemake/log/*.snakemake.log"))
    log.write_text(re.sub(r"Host: \S+", "Host: elsewhere", log.read_text()))
    run = cm(workspace, "build")
    assert run.returncode == 1 and "a run on elsewhere holds" in run.stderr and "snakemake --unlock" in run.stderr
    assert lockfile.exists()


def test_nohup_is_heeded(workspace):
    run = subprocess.Popen(
        ["nohup", *CM, "build", *SLOW],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: jobs(workspace, "segment"))
    os.killpg(run.pid, signal.SIGHUP)
    time.sleep(1)
    assert run.poll() is None and jobs(workspace)
    run.terminate()
    assert run.wait() == 128 + signal.SIGTERM and is_quiet(workspace)
