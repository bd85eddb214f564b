"""`cm watch`: a save makes the video again, with a line on how it went; a faulty one is told and waited over."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cm import invocation
from cm.watching import faults, outcome, snapshot, sources
from cm_process import CM, CTRL_C, Terminal, jobs, processes
from conftest import SCENES, clip, edit_script, wait_for, write_config, write_project

pytestmark = pytest.mark.slow


def say(workspace: Path, text: str) -> None:
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text=text))


class Watch:
    """`cm watch tiny`, its lines read as they come."""

    def __init__(self, workspace: Path) -> None:
        self.out = workspace / "watch.out"
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                [*CM, "watch", "tiny"],
                cwd=workspace,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.next()

    def lines(self) -> list[str]:
        return [line for line in self.out.read_text().splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]

    def next(self) -> str:
        """The next outcome."""
        seen = getattr(self, "seen", 0)
        wait_for(lambda: len(self.lines()) > seen)
        self.seen = seen + 1
        return self.lines()[seen]

    def stop(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait()


@pytest.fixture
def watch(workspace):
    running = Watch(workspace)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_each_save_has_one_line_and_a_faulty_one_is_waited_over(workspace, watch):
    assert "up to date: results/tiny/video.mp4" in watch.lines()[0]
    video = workspace / "results/tiny/video.mp4"
    before = video.stat().st_mtime
    say(workspace, "A forest is very dark.")
    assert re.search(r"built in \d+\.\d s: results/tiny/video\.mp4 \(\d+ jobs, \d+ spared\)", watch.next())
    assert video.stat().st_mtime > before

    script = workspace / "projects/tiny/script.json"
    good = script.read_text()
    script.write_text(good[:60])
    assert "failed: projects/tiny/script.json: line 1, column" in watch.next()
    script.write_text(good.replace("visualDirection", "visualdirection", 1))
    assert "failed: projects/tiny/script.json: scene 1 (sea), visualDirection: is missing" in watch.next()
    assert "did you mean visualDirection?" in watch.out.read_text()
    script.write_text(good)
    assert "up to date" in watch.next()
    write_config(workspace, video={"crf": "much"})
    assert "failed: config/config.yaml: video.crf" in watch.next()
    write_config(workspace, video={"crf": 40})
    assert "built in" in watch.next()
    clip(workspace / "footage/more.mp4", "testsrc2=size=128x224:rate=10")
    assert "up to date" in watch.next() or "built" in watch.lines()[-1]
    (workspace / "projects/tiny").rename(workspace / "away")
    assert watch.next().endswith("failed: projects/tiny is gone; put it back, or stop with Ctrl-C")
    (workspace / "away").rename(workspace / "projects/tiny")
    assert "up to date" in watch.next() or "built" in watch.lines()[-1]
    assert watch.stop() == 128 + signal.SIGINT and not processes(workspace)


def test_what_editors_write_beside_a_file_is_passed_over(tmp_path):
    (tmp_path / "script.yaml").write_text("a")
    before = snapshot([tmp_path])
    assert list(before) == [str(tmp_path / "script.yaml")]
    for name in (".script.yaml.swp", "script.yaml~", "#script.yaml#", ".#script.yaml", "4913"):
        (tmp_path / name).touch()
    assert snapshot([tmp_path]) == before
    (tmp_path / ".env").touch()
    assert snapshot([tmp_path, tmp_path / ".env"]) != before


def test_music_and_files_that_a_script_pins_are_looked_at_wherever_they_lie(tmp_path):
    write_project(tmp_path, "tiny", SCENES, music={"path": "sounds/calm.mp3"})
    for name in ("sounds/calm.mp3", "mine/sea.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    edit_script(tmp_path, "tiny", lambda scenes: scenes[0].update(footage="mine/sea.mp4"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("stock: {local: {path: clips}}")
    call = invocation.Call.of(str(tmp_path), None, None, (), ())
    looked = {str(place.relative_to(tmp_path)) for place in sources(call, "tiny")}
    assert looked == {"projects/tiny", "config", ".env", "clips", "sounds/calm.mp3", "mine/sea.mp4"}
    (tmp_path / "config/config.yaml").write_text("stock: [")
    assert tmp_path / "projects/tiny" in sources(call, "tiny")


def test_a_save_during_a_build_is_not_lost(workspace, watch):
    say(workspace, "A forest is dark.")
    wait_for(lambda: jobs(workspace))
    say(workspace, "A forest is very dark.")
    watch.next()
    assert "built in" in watch.next()
    words = json.loads((workspace / "results/tiny/scenes/wood/words.json").read_text())
    assert " ".join(word["word"] for word in words["words"]) == "A forest is very dark."
    time.sleep(1)
    assert len(watch.lines()) == 3


def test_ctrl_c_during_a_build_leaves_nothing(workspace, watch):
    say(workspace, "A forest is dark.")
    wait_for(lambda: jobs(workspace))
    assert watch.stop() == 128 + signal.SIGINT
    assert not processes(workspace) and "Traceback" not in watch.out.read_text()


def test_on_a_terminal_the_build_is_shown_on_a_line_that_moves(workspace):
    say(workspace, "A forest is dark.")
    terminal = Terminal(workspace, "watch", "tiny")
    terminal.read(until=r"built.* in \d+\.\d s")
    assert re.search(r"\r\x1b\[K\[\d+/\d+\] narration tiny/wood", terminal.text)
    terminal.press(CTRL_C)
    assert terminal.end() == 128 + signal.SIGINT


def test_outcomes_are_read_from_what_a_run_says():
    said = [
        "failed: narration tiny/sea",
        "  error: the voice xx is not known",
        "  log: logs/narration/tiny/sea.log",
        "refused: other",
        "  error: projects/other/script.json: is missing",
        "warning: words tiny/sea: estimated",
        "failed: 2 of 9 jobs, 3 done in 0:04",
        "  narration tiny/sea",
        "full log: logs/runs/x.log",
    ]
    assert faults(said) == [
        "narration tiny/sea: the voice xx is not known (log: logs/narration/tiny/sea.log)",
        "projects/other/script.json: is missing",
    ]
    assert faults(["error: No rule to produce x", "full log: y"]) == ["No rule to produce x"]

    class Call:
        workspace = Path.cwd()

    text = outcome(Call, "results/tiny/video.mp4", 0, ["video tiny  x", "done: 1 job in 0:04"], 4.21)
    assert text.endswith("built\x1b[0m in 4.2 s: results/tiny/video.mp4 (1 job)")
