"""`cm timeline`: a run as a picture and a table."""

import csv
from xml.etree import ElementTree

from cm_process import cm


def test_the_latest_run_is_drawn_and_told(workspace):
    run = cm(workspace, "timeline")
    assert run.returncode == 0, run.stderr
    events = max((workspace / "logs/runs").glob("*.jsonl"))
    assert ElementTree.parse(events.with_suffix(".svg")).getroot().tag.endswith("svg")
    with events.with_suffix(".csv").open() as file:
        rules = [row["rule"] for row in csv.DictReader(file)]
    assert rules.count("segment") == 3 and "video" in rules
    assert "cpus: peak" in run.stdout and f"picture: logs/runs/{events.stem}.svg" in run.stdout


def test_a_run_is_named_by_its_stamp_or_file_and_the_picture_goes_where_it_is_wanted(workspace):
    events = max((workspace / "logs/runs").glob("*.jsonl"))
    for word in (events.stem[:-1], str(events)):
        run = cm(workspace, "timeline", word, "-o", "out/picture.svg")
        assert run.returncode == 0, run.stderr
        assert (workspace / "out/picture.svg").exists() and (workspace / "out/picture.csv").exists()
    assert not events.with_suffix(".svg").exists()


def test_where_there_is_no_such_run_it_says_so(workspace, tmp_path):
    run = cm(tmp_path, "timeline")
    assert run.returncode == 2 and "there is no run in logs/runs" in run.stderr
    assert cm(workspace, "timeline", "1999").returncode == 2
    for stamp in ("18990101T000000.000Z", "18990101T000001.000Z"):
        (workspace / f"logs/runs/{stamp}.jsonl").write_text("")
    run = cm(workspace, "timeline", "1899")
    assert run.returncode == 2 and "the beginning of 2 runs" in run.stderr
    (workspace / "notes.txt").write_text("no events")
    run = cm(workspace, "timeline", "notes.txt")
    assert run.returncode == 1 and "Traceback" not in run.stderr
