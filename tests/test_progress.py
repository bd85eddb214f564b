"""What a run says on a terminal and in a pipe, and the events it leaves; with Snakemake itself, on toy workflows."""

import fcntl
import json
import logging
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_cm import LogHandler, causes
from snakemake_logger_plugin_cm.progress import Progress, clock
from snakemake_logger_plugin_cm.runs import Job, RunFile, usual_seconds

WORKFLOW = """
FAULTY = config.get("faulty") == "yes"
SCENES = ["hook", "one", "two"]

wildcard_constraints:
    scene="hook|one|two"

rule all:
    default_target: True
    input: ["results/demo/video.mp4"] + (["results/other/video.mp4", "results/broken/refused"] if FAULTY else [])

rule narration:
    output: "results/{project}/{scene}.wav"
    log: "logs/narration/{project}/{scene}.log"
    params: fails=lambda w: FAULTY and w.project == "other" and w.scene == "one"
    shell:
        "if [ {params.fails} = True ]; then printf 'error: the voice xx is not known\\\\n' > {log}; exit 1; fi;"
        "if [ {wildcards.scene} = two ]; then echo 'warning: times \\033[31m are estimated' > {log}; fi;"
        "sleep {config[pause]}; touch {output}"

checkpoint selection:
    input: lambda w: expand("results/{p}/{s}.wav", p=w.project, s=SCENES)
    output: directory("results/{project}/selection")
    log: "logs/selection/{project}.log"
    shell: "mkdir {output}"

rule segment:
    output: "results/{project}/{scene}.mp4"
    log: "logs/segment/{project}/{scene}.log"
    threads: 2
    resources: cpus=2
    shell: "touch {output}"

def segments(wildcards):
    checkpoints.selection.get(project=wildcards.project)
    return expand("results/{p}/{s}.mp4", p=wildcards.project, s=SCENES)

rule video:
    input: segments
    output: "results/{project}/video.mp4"
    log: "logs/video/{project}.log"
    shell: "touch {output}"

rule refused:
    output: "results/{refused}/refused"
    log: "logs/refused/{refused}.log"
    shell: "printf 'error: script.json: no scenes\\\\nerror: script.json: no title\\\\n' > {log}; exit 1"
"""


WAITING = """
rule all:
    input: expand("results/demo/{scene}.json", scene=["hook", "one", "two"])

rule search:
    output: "results/{project}/{scene}.json"
    log: "logs/search/{project}/{scene}.log"
    threads: 0
    resources: api_slots=1
    shell:
        "echo 'warning: few clips' > {log}; echo 'waiting: pexels: free again at 14:32' >> {log}; sleep 2;"
        "echo 'found 20' >> {log}; sleep 1.5;"
        "if [ {wildcards.scene} = two ]; then echo 'error: no clips' >> {log}; exit 1; fi; touch {output}"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "Snakefile").write_text(WORKFLOW)
    return tmp_path


def command(*arguments: str, logger: bool = True) -> list[str]:
    last = ["--logger", "cm"] if logger else []
    return [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going", *arguments, *last]


def piped(folder: Path, *arguments: str, logger: bool = True) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # Snakemake lists some things in the order of a set
    return subprocess.run(
        command(*arguments, logger=logger), cwd=folder, capture_output=True, text=True, env=environment
    )


class Terminal:
    """A command on a real terminal, and what stands on its screen; enough of one for what is written there."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 80, **environment: str) -> None:
        self.fd, inner = pty.openpty()
        self.raw = ""
        self.resize(columns)
        self.process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env={**os.environ, "TERM": "xterm", **environment},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)

    def resize(self, columns: int) -> None:
        self.raw += f"\x1b[{columns}t"
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, until: str = "") -> None:
        """Wait for `until`, a pattern; without one, for the end."""
        while not (until and re.search(until, self.raw)):
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.raw += data.decode()

    def wait(self) -> int:
        self.read()
        os.close(self.fd)
        return self.process.wait()

    def drawn(self) -> list[str]:
        """Every state of the moving line, without colours."""
        return re.findall(r"(\[\d+/\d+\][^\r\n\x1b]*)", re.sub(r"\x1b\[\d+m", "", self.raw))

    def screen(self) -> list[str]:
        """The lines as they stand at the end; as most terminals, it wraps its last line again when it is resized."""
        rows, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|[\r\n]|[^\r\n\x1b]+", re.sub(r"\x1b\[\d+m", "", self.raw)):
            if part == "\r":
                column = 0
            elif part == "\n":
                row += 1
                rows += [""] * (row + 1 - len(rows))
            elif part == "\x1b[J":
                rows[row:] = [rows[row][:column]]
            elif re.fullmatch(r"\x1b\[\d+A", part):
                row -= int(part[2:-1])
            elif re.fullmatch(r"\x1b\[\d+t", part):
                columns = int(part[2:-1])
                rows[row:] = re.findall(f".{{1,{columns}}}", rows[row]) or [""]
                row, column = len(rows) - 1, len(rows[-1])
            else:
                rows[row] = rows[row][:column] + part + rows[row][column + len(part) :]
                column += len(part)
        return [line for line in rows if line]


def events(folder: Path) -> list[dict]:
    (path,) = (folder / "logs/runs").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_pipe_gets_a_line_per_job_the_words_of_failed_ones_and_the_outcome(workspace):
    run = piped(workspace, "--config", "pause=0", "faulty=yes")
    said = run.stderr.splitlines()
    assert run.returncode == 1
    assert re.search(r"^\[\d+/\d+\] segment demo/hook \d\.\d s$", run.stderr, re.M)
    assert "warning: narration demo/two: times [31m are estimated" in said  # no control sequence passes
    at = said.index("failed: narration other/one")
    assert said[at + 1 : at + 3] == ["  error: the voice xx is not known", "  log: logs/narration/other/one.log"]
    at = said.index("refused: broken")
    assert said[at + 1 : at + 3] == ["  error: script.json: no scenes", "  error: script.json: no title"]
    assert run.stderr.count("is not known") == run.stderr.count("no title") == 1
    assert "CalledProcessError" not in run.stderr and "\x1b" not in run.stderr and not run.stdout
    assert said[-5] == "video demo  results/demo/video.mp4"
    assert re.fullmatch(r"failed: 2 of \d+ jobs, 10 done in 0:\d\d", said[-4])
    assert {*said[-3:-1]} == {"  narration other/one", "  refused broken"}

    log = workspace / said[-1].removeprefix("full log: ")
    assert log.parent == workspace / "logs/runs" and "Error in rule narration" in log.read_text()
    first, *middle, last = events(workspace)
    assert first["event"] == "run" and first["version"] == 1 and first["cores"] == 2 and first["jobs"] == 11
    assert last["event"] == "end" and last["outcome"] == "failed" and last["end"] >= first["start"]
    jobs = [event for event in middle if event["event"] == "job"]
    assert {(e["job"], e["start"]) for e in middle if e["event"] == "started"} == {(e["job"], e["start"]) for e in jobs}
    (segment,) = (job for job in jobs if job["rule"] == "segment" and job["scene"] == "one")
    assert segment["project"] == "demo" and segment["threads"] == 2 and segment["resources"]["cpus"] == 2
    assert segment["outcome"] == "done" and segment["outputs"] == ["results/demo/one.mp4"] and segment["reason"]
    assert first["start"] <= segment["start"] <= segment["end"] <= last["end"]
    failed = {(job["rule"], job["project"], job["scene"]) for job in jobs if job["outcome"] == "failed"}
    assert failed == {("narration", "other", "one"), ("refused", "broken", None)}


def test_a_terminal_gets_one_line_that_moves_and_leaves_nothing_behind(workspace):
    terminal = Terminal(workspace, "--config", "pause=0.4")
    terminal.read(until=r"\[\d+/5\].*narration")
    terminal.resize(30)
    assert terminal.wait() == 0
    assert any(line.startswith(("[0/5] 0% narration demo/", "[1/5] 20% narration demo/")) for line in terminal.drawn())
    assert all(len(line) < 30 for line in terminal.drawn()[-3:])
    assert "\x1b[33mwarning:" in terminal.raw and "\x1b[32mdone:" in terminal.raw
    warning, video, done, log = terminal.screen()
    assert warning == "warning: narration demo/two: times [31m are estimated"
    assert video == "video demo  results/demo/video.mp4"
    assert re.fullmatch(r"done: 8 jobs in 0:0\d", done)
    assert (workspace / log.removeprefix("full log: ")).is_file()

    terminal = Terminal(workspace, "--config", "pause=0.4", NO_COLOR="1")
    assert terminal.wait() == 0
    assert terminal.screen() == ["nothing to do, everything is up to date"]
    assert "\x1b[3" not in terminal.raw
    assert len([*(workspace / "logs/runs").glob("*.jsonl")]) == 1


def test_an_interrupted_run_says_so_and_which_jobs_it_cost(workspace):
    terminal = Terminal(workspace, "--config", "pause=20")
    terminal.read(until=r"\[0/5\].*narration.*narration")
    os.killpg(terminal.process.pid, signal.SIGINT)  # as Ctrl-C does
    assert terminal.wait() == 1
    assert re.fullmatch(r"aborted: 0 of 5 jobs done in 0:\d\d; run again to go on from here", terminal.screen()[-2])
    assert "failed" not in terminal.raw
    *_, last = events(workspace)
    outcomes = [event["outcome"] for event in events(workspace) if event["event"] == "job"]
    assert outcomes == ["killed", "killed"] and last["outcome"] == "aborted"


def test_after_a_kill_the_events_say_what_was_running(workspace):
    run = subprocess.Popen(command("--config", "pause=20"), cwd=workspace, start_new_session=True)
    while run.poll() is None and "".join(map(Path.read_text, workspace.glob("logs/runs/*.jsonl"))).count("started") < 2:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    first, *started = events(workspace)
    assert first["event"] == "run" and [event["event"] for event in started] == ["started", "started"]
    locked = piped(workspace, "--config", "pause=0")
    assert locked.returncode == 1
    assert locked.stderr.startswith(f"error: another run holds {workspace}, or one was killed there\n")
    assert "snakemake --unlock" in locked.stderr and len(locked.stderr.splitlines()) == 2


def test_jobs_that_wait_for_a_quota_say_so_on_the_line_that_moves(tmp_path):
    (tmp_path / "Snakefile").write_text(WAITING)
    stale = tmp_path / "logs/search/demo/hook.log"
    stale.parent.mkdir(parents=True)
    stale.write_text("waiting: pexels: free again at 11:11\n")
    terminal = Terminal(tmp_path, "--cores", "1")
    assert terminal.wait() == 1
    drawn = terminal.drawn()
    assert any(re.search(r"% · pexels: free again at 14:32, 3 scenes wait · 0:0\d$", line) for line in drawn)
    assert any(re.search(r"% search demo/\w+, search demo/\w+, search demo/\w+ · 0:0\d$", line) for line in drawn)
    assert "11:11" not in terminal.raw

    noted = [event for event in events(tmp_path) if event["event"] == "waiting"]
    assert [event["what"] for event in noted] == ["pexels: free again at 14:32"] * 3 + [None] * 3
    assert {event["job"] for event in noted[:3]} == {event["job"] for event in noted[3:]}
    assert noted[3]["time"] - noted[0]["time"] == pytest.approx(2, abs=1.2)


def test_a_wait_is_told_once_in_a_pipe_and_warnings_of_a_failed_job_are_shown(tmp_path):
    (tmp_path / "Snakefile").write_text(WAITING)
    run = piped(tmp_path)
    assert run.stderr.count("waiting: pexels: free again at 14:32\n") == run.stderr.count("waiting") == 1
    assert run.stderr.count("warning: search demo/two: few clips\n") == 1
    assert run.stderr.count("few clips") == 3


@pytest.mark.parametrize("arguments", [["-n"], ["--list-rules"]])
def test_questions_get_the_answer_of_snakemake_itself(workspace, arguments):
    own, ours = (piped(workspace, *arguments, "--config", "pause=0", logger=logger) for logger in (False, True))
    dates = re.compile(r"^(\[\w{3} \w{3} .*\]|  (Date|Workflow ID|Command): .*)$", re.M)
    said, expected = (sorted(dates.sub("", run.stdout).split("\n\n")) for run in (ours, own))
    assert said == expected  # the order of the jobs is Snakemake's whim
    assert ours.stderr == own.stderr and ours.returncode == own.returncode
    assert not (workspace / "logs").exists()


def test_errors_before_any_job_are_plain(workspace):
    run = piped(workspace, "nowhere.mp4", "--config", "pause=0")
    assert run.returncode == 1 and run.stderr.startswith("error: No rule to produce nowhere.mp4")
    assert "Traceback" not in run.stderr and not (workspace / "logs").exists()


def test_snakemakes_exceptions_are_told_without_their_tracebacks():
    message = (
        'NameError in file "/w/Snakefile", line 2:\nname x is not defined\n  File "/w/Snakefile", line 3, in <module>'
    )
    assert causes.plain(message, "/w") == ["name x is not defined", "  (/w/Snakefile, line 2)"]
    message = (
        'MissingInputException in rule a in file "/w/Snakefile", line 3:\nMissing input files for rule a:\n    b.txt'
    )
    assert causes.plain(message, "/w") == [
        "Missing input files for rule a:",
        "    b.txt",
        "  (in rule a, /w/Snakefile, line 3)",
    ]
    message = 'Traceback (most recent call last):\n\n  File "x.py", line 1, in f\n    g()\n\nValueError: no\n'
    assert causes.plain(message, "/w") == ["ValueError: no"]


def test_a_log_without_an_error_shows_its_end_and_how_the_process_ended(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    killed = "RuleException:\nCalledProcessError in ...:\nCommand 'x' died with <Signals.SIGKILL: 9>."
    assert causes.of_job([log], killed) == [
        *(f"line {number}" for number in range(90, 100)),
        "it was killed (SIGKILL), perhaps for want of memory",
    ]
    assert causes.of_job([tmp_path / "none.log"], "Command 'x' returned non-zero exit status 3.") == [
        "it ended with exit status 3"
    ]


def test_a_fault_of_ours_shows_its_last_line_alone(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("error: a fault:\nTraceback (most recent call last):\n  File x\n    y\nKeyError: 'z'\n")
    assert causes.of_job([log], "") == ["error: a fault:", "KeyError: 'z'"]


def job(number: int, rule: str, start: float, scene: str = "one") -> Job:
    return Job(number, rule, {"project": "demo", "scene": scene}, start, 1, {}, [], [], "")


def test_time_left_follows_the_usual_seconds_of_each_rule():
    progress = Progress(start=0.0, planned={"narration": 4, "segment": 4}, total=8, usual={"segment": 10.0})
    assert progress.seconds_left(1.0) is None
    progress.finish(job(1, "narration", 0.0), 1.0)
    assert progress.seconds_left(1.0) == pytest.approx(3 * 1.0 + 4 * 10.0)
    progress.running[2] = job(2, "segment", 1.0)
    assert progress.seconds_left(5.0) == pytest.approx(3 * 1.0 + 4 * 10.0 - 4.0)
    progress.running[3] = job(3, "segment", 1.0)  # two at a time since then
    assert progress.seconds_left(5.0) == pytest.approx((3 * 1.0 + 4 * 10.0 - 8.0) / (9.0 / 5.0))


def test_time_left_counts_what_selections_still_to_come_will_add():
    progress = Progress(start=0.0, planned={"selection": 2}, total=2, usual={"segment": 10.0})
    progress.finish(job(1, "narration", 0.0), 1.0)
    assert progress.seconds_left(1.0) is None  # nobody knows what the selection will add
    progress = Progress(start=0.0, planned={"selection": 2}, total=5, usual={"segment": 10.0})
    progress.finish(job(1, "selection", 0.0), 1.0)
    assert progress.seconds_left(1.0) == pytest.approx(1.0 + 6 * 10.0)


def test_the_line_fits_any_width_and_counts_what_it_leaves_out():
    progress = Progress(start=0.0, planned={"segment": 56}, total=56)
    progress.running = {number: job(number, "segment", 0.0, f"scene-{number}") for number in range(3)}
    assert progress.line(65.0, 200, "") == (
        "[0/56] 0% segment demo/scene-0, segment demo/scene-1, segment demo/scene-2 · 1:05"
    )
    assert progress.line(65.0, 60, "") == "[0/56] 0% segment demo/scene-0, +2 · 1:05"
    assert all(len(progress.line(65.0, columns, "")) < columns for columns in range(1, 100))
    assert [clock(seconds) for seconds in (0, 59.6, 3599, 3723)] == ["0:00", "1:00", "59:59", "1:02:03"]


def test_waits_stay_on_a_narrow_line_as_long_as_they_fit():
    progress = Progress(start=0.0, planned={"search": 3}, total=3)
    progress.running = {number: job(number, "search", 0.0, f"scene-{number}") for number in range(4)}
    progress.waiting = {1: "pexels: free again at 14:32", 2: "pixabay: free again at 9:00", 3: "pexels: free at 14:33"}
    waits = "pexels: free at 14:33, 2 scenes wait · pixabay: free again at 9:00, 1 scene waits"
    assert progress.line(65.0, 200, "") == f"[0/3] 0% search demo/scene-0 · {waits} · 1:05"
    assert progress.line(65.0, 110, "") == f"[0/3] 0% +1 · {waits} · 1:05"
    assert progress.line(65.0, 60, "") == "[0/3] 0% search demo/scene-0 · 1:05"
    assert all(len(progress.line(65.0, columns, "")) < columns for columns in range(1, 200))


def test_the_usual_seconds_are_those_of_the_latest_run_that_had_the_rule(tmp_path):
    for start, seconds in ((1000.0, 5.0), (2000.0, 3.0)):
        file = RunFile(tmp_path, start, None, {})
        file.ended(job(1, "segment", start), start + seconds, "done")
        file.ended(job(2, "segment", start), start + 1.0, "failed")
        if seconds == 5.0:
            file.ended(job(3, "video", start), start + 1.0, "done")
        file.close(start + 9.0, "done")
    with (tmp_path / "19700101T003320.000Z.jsonl").open("a") as file:
        file.write('{"event": "job", "rul')
    assert usual_seconds(tmp_path) == {"segment": 3.0, "video": 1.0}


def test_a_fault_of_the_logger_is_told_once_and_snakemake_takes_over(capfd):
    handler = LogHandler(OutputSettings(), None)

    def emit(message: str, **facts: object) -> None:
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
        record.__dict__ |= facts
        handler.handle(record)

    header = dict.fromkeys(re.findall(r"\{(\w+)\}", "{datetime}{workflow_id}{platform}{host}{user}{rundir}{cwd}"), "")
    header |= dict.fromkeys(("snakemake_version", "python_version", "snakefile_main", "basedir", "configfiles"), "")
    emit("started", event=LogEvent.WORKFLOW_STARTED, cmd="snakemake", config_md5="", **header)
    for number in range(3):
        emit(f"Finished jobid: {number}", event=LogEvent.JOB_FINISHED, job_id=number)
    handler.close()
    said = capfd.readouterr().err
    assert said.count("Logging error") == 1 and "KeyError: 0" in said
    assert all(f"Finished jobid: {number}" in said for number in range(3))
