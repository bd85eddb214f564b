"""The timeline of a run: who held which slot when; and that a run's limits are kept, and used, as it shows them."""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import ROOT, copy_workspace, snakemake, write_config, write_project
from snakemake_logger_plugin_cm.runs import Job, RunFile

from scripts.lib.errors import UserError
from scripts.lib.gantt import picture
from scripts.lib.lanes import MOST_LANES, Run, lanes, read_run, report, use

SVG = "{http://www.w3.org/2000/svg}"
LIMITS = {"cpus": 2, "api_slots": 5, "stock_slots": 3, "mem_mb": 8000}


def job(
    number: int, rule: str, start: float, scene: str | None = "one", project: str = "demo", **resources: int
) -> Job:
    wildcards = {"project": project, "scene": scene} if scene else {"project": project}
    return Job(number, rule, wildcards, start, resources.get("cpus", 0), resources, [], [], "")


def write(folder: Path, jobs: list[tuple[Job, float, str]], waits: tuple = (), limits: dict | None = None) -> Path:
    """The events of a run that began at 1000, of (job, end, outcome) and (job, time, what)."""
    file = RunFile(
        folder, 1000.0, None, {"jobs": len(jobs), "cores": 2, "limits": LIMITS if limits is None else limits}
    )
    steps = [(one.start, 2, lambda one=one: file.started(one)) for one, _, _ in jobs]
    steps += [(end, 0, lambda one=one, end=end, how=how: file.ended(one, end, how)) for one, end, how in jobs]
    steps += [(at, 1, lambda wait=(one, at, what): file.waiting(*wait)) for one, at, what in waits]
    for _, _, step in sorted(steps, key=lambda step: step[:2]):
        step()
    file.close(max(end for _, end, _ in jobs), "done")
    return next(folder.glob("*.jsonl"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Ten seconds: a render on both cores, then two of one each; three searches, of which one waits."""
    searches = [job(number, "search", 1000, f"s{number}", api_slots=1, stock_slots=1) for number in (1, 2)]
    late = job(3, "search", 1002, "s3", api_slots=1, stock_slots=1)
    ran = [
        (job(4, "segment", 1000, "s1", cpus=2, mem_mb=700), 1004.0, "done"),
        (job(5, "segment", 1004, "s2", cpus=1, mem_mb=700), 1010.0, "failed"),
        (job(6, "segment", 1004, "s3", cpus=1, mem_mb=700), 1008.0, "done"),
        *((one, 1002.0, "done") for one in searches),
        (late, 1006.0, "done"),
    ]
    waits = [(late, 1003.0, "pexels: free again at 14:32"), (late, 1005.5, None)]
    return read_run(write(tmp_path, ran, waits))


def whole(run: Run, name: str) -> dict:
    table = use(run)
    return table[(table["resource"] == name) & table["slot"].isna()].iloc[0].to_dict()


def test_lanes_are_never_held_twice_and_as_few_as_the_peak():
    chance = random.Random(7)
    for _ in range(200):
        times = sorted(chance.choices(range(40), k=60))
        held = [(start, start + chance.randint(1, 8), chance.randint(1, 4)) for start in times]
        taken = lanes(held)
        assert [len(set(lane)) for lane in taken] == [number for _, _, number in held]
        at_once = [
            [lane for (start, end, _), on in zip(held, taken, strict=True) if start <= at < end for lane in on]
            for at in range(50)
        ]
        assert all(len(on) == len(set(on)) for on in at_once)
        assert max(max(on) for on in taken) == max(map(len, at_once))


def test_a_slot_is_free_again_at_the_moment_its_job_ends():
    assert lanes([(0, 1, 1), (1, 2, 1), (1, 3, 1), (2, 3, 1)]) == [(1,), (1,), (2,), (1,)]
    assert lanes([(0, 5, 1), (0, 1, 1), (0, 5, 1), (0, 1, 2), (1, 2, 2)])[-1] == (4, 5)  # side by side, where it can be


def test_peak_mean_and_busy_time_of_every_resource_and_slot(run):
    assert whole(run, "cpus") == {
        "resource": "cpus",
        "slot": pytest.approx(whole(run, "cpus")["slot"], nan_ok=True),
    } | {
        "limit": 2,
        "peak": 2,
        "mean": pytest.approx(1.8),
        "busy": pytest.approx(1),
        "jobs": 3,
    }
    stock = whole(run, "stock_slots")
    assert (stock["peak"], stock["limit"], stock["mean"], stock["busy"]) == (
        2,
        3,
        pytest.approx(0.8),
        pytest.approx(0.6),
    )
    table = use(run)
    each = table[(table["resource"] == "stock_slots") & table["slot"].notna()]
    assert each["mean"].tolist() == pytest.approx([0.6, 0.2, 0.0]) and each["peak"].tolist() == [1, 1, 0]
    assert report(run) == [
        "6 jobs in 10.0 s, done",
        "cpus: peak 2 of 2, mean 1.80, busy 100 %; each slot 100, 80 %",
        "api_slots: peak 2 of 5, mean 0.80, busy 60 %; each slot 60, 20, 0, 0, 0 %",
        "stock_slots: peak 2 of 3, mean 0.80, busy 60 %; each slot 60, 20, 0 %",
        "mem_mb: peak 1,400 of 8,000, mean 980, busy 100 %",
    ]


def test_the_table_says_when_each_job_ran_on_which_lanes_and_how_long_it_waited(run):
    rows = run.jobs.set_index("job")
    assert rows.loc[4, ["rule", "project", "scene", "start", "end", "cpus_lanes"]].tolist() == [
        *("segment", "demo", "s1", 0.0, 4.0),
        "1 2",
    ]
    assert {rows.loc[5, "cpus_lanes"], rows.loc[6, "cpus_lanes"]} == {"1", "2"}
    assert rows.loc[3, "waited"] == pytest.approx(2.5) and rows["waited"].sum() == pytest.approx(2.5)
    assert rows.loc[5, "outcome"] == "failed" and rows.loc[3, "api_slots"] == 1 and rows.loc[4, "api_slots_lanes"] == ""


def test_the_picture_has_a_lane_for_every_slot_and_a_mark_for_every_job(run):
    svg = ElementTree.fromstring(picture(run))
    rectangles = list(svg.iter(f"{SVG}rect"))
    lane_height = {r.get("height") for r in rectangles if r.get("class") == "lane" and r.get("width") != "10"}
    assert len([r for r in rectangles if r.get("class") == "lane" and r.get("width") != "10"]) == 2 + 5 + 3
    marks = {r.find(f"{SVG}title").text: r for r in rectangles if r.find(f"{SVG}title") is not None}
    assert len(marks) == 6  # a search is drawn twice, under one title
    both = marks["segment demo/s1\n0.00 to 4.00 s (4.00 s), done"]
    assert float(both.get("height")) == 2 * float(*lane_height) + 2
    assert "failed" in marks["segment demo/s2\n4.00 to 10.00 s (6.00 s), failed"].get("class")
    waited = "search demo/s3\n2.00 to 6.00 s (4.00 s), done\nwaited 2.5 s, pexels: free again at 14:32"
    hatched = [r for r in rectangles if r.get("class") == "wait" and r.get("width") != "10"]
    assert len(hatched) == 2
    assert float(hatched[0].get("width")) / float(marks[waited].get("width")) == pytest.approx(2.5 / 4, abs=0.01)
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert "stock_slots: peak 2 of 3, mean 0.80, busy 60 %" in texts and "10 s" in texts
    assert "began 1970-01-01 00:16:40 UTC; 1 job waited for pexels, 2.5 s in all" in texts
    assert len([line for line in svg.iter(f"{SVG}line") if line.get("class") == "limit"]) == 3 + 1  # and the legend's


def test_names_of_strangers_do_no_harm_in_the_picture(tmp_path):
    hostile = "</title><script>alert(1)</script>&\x00\x1b[31m\ud800" + "x" * 5000
    path = write(
        tmp_path,
        [(job(1, "segment", 1000.0, "s1", project="</style>", cpus=1), 1003.0, '"><script>')],
        [(job(1, "segment", 1000.0), 1001.0, "ok")],
    )
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for event in lines:
        event.update({key: hostile for key in ("rule", "scene", "what") if key in event})
    path.write_text("".join(json.dumps(event) + "\n" for event in lines))
    svg = picture(read_run(path))
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags == {"svg", "style", "defs", "pattern", "path", "rect", "line", "text", "title", "g"}
    assert len(svg) < 10_000 and not re.search(r"href|url\((?!#wait\))|@import", svg)


def test_a_run_that_goes_on_is_shown_up_to_now_and_a_killed_one_up_to_its_last_event(tmp_path):
    start = time.time() - 100
    file = RunFile(tmp_path, start, None, {"jobs": 3, "cores": 2, "limits": LIMITS})
    first, second = job(1, "segment", start, cpus=1), job(2, "search", start + 10, api_slots=1)
    file.started(first)
    file.started(second)
    file.waiting(second, start + 20, "pexels: free again at 14:32")
    file.ended(first, start + 30, "done")
    (path,) = tmp_path.glob("*.jsonl")
    run = read_run(path)
    assert run.outcome == "running" and 100 <= run.seconds < 110
    assert run.jobs["outcome"].tolist() == ["done", "running"]
    assert run.jobs["waited"].tolist() == [0, pytest.approx(run.seconds - 20)]
    assert "running" in picture(run)

    file.file.close()  # as the kernel does when a process is killed
    with path.open("a") as cut:
        cut.write('{"event": "job", "rul')
    run = read_run(path)
    assert run.outcome == "killed" and run.seconds == pytest.approx(30)
    assert run.jobs["outcome"].tolist() == ["done", "killed"] and run.jobs["api_slots_lanes"].tolist() == ["", "1"]
    assert "killed" in picture(run)


def test_a_run_that_was_killed_before_its_first_job_is_no_error(tmp_path):
    file = RunFile(tmp_path, 1000.0, None, {"jobs": 3, "cores": 2, "limits": LIMITS})
    file.file.close()
    run = read_run(next(tmp_path.glob("*.jsonl")))
    assert report(run)[:2] == ["0 jobs in 0.0 s, killed", "cpus: not used, limit 2"]
    assert ElementTree.fromstring(picture(run)).tag == f"{SVG}svg"


def test_each_attempt_of_a_job_has_its_own_mark(tmp_path):
    again = [(job(1, "clip", 1000.0 + at, api_slots=1), 1001.0 + at, how) for at, how in ((0, "failed"), (4, "done"))]
    run = read_run(write(tmp_path, again))
    assert run.jobs[["start", "end", "outcome"]].values.tolist() == [[0, 1, "failed"], [4, 5, "done"]]


def test_more_than_a_limit_is_seen_and_what_has_no_slots_is_a_curve(tmp_path):
    ran = [(job(n, "segment", 1000.0, f"s{n}", cpus=1, gpu=1, mem_mb=700), 1001.0 + n, "done") for n in range(3)]
    run = read_run(write(tmp_path, ran, limits={"cpus": 2, "mem_mb": 8000, "download_slots": MOST_LANES}))
    assert report(run)[1:] == [
        "cpus: peak 3 of 2, mean 2.00, busy 100 %; each slot 33, 67, 100 %",
        "gpu: peak 3, no limit, mean 2.00, busy 100 %; each slot 33, 67, 100 %",
        "download_slots: not used, limit 64",
        "mem_mb: peak 2,100 of 8,000, mean 1,400, busy 100 %",
    ]
    svg = ElementTree.fromstring(picture(run))
    assert len([path for path in svg.iter(f"{SVG}path") if path.get("class") == "curve"]) == 1


def test_six_thousand_jobs_take_seconds_and_a_small_file(tmp_path):
    chance, at, ran = random.Random(3), [1000.0, 1000.0], []
    for number in range(6000):
        core = at.index(min(at))
        end = at[core] + chance.uniform(0.1, 0.6)
        rule = chance.choice(["narration", "words", "captions", "segment"])
        ran.append((job(number, rule, at[core], f"s{number}", cpus=1, mem_mb=700), end, "done"))
        at[core] = end
    path = write(tmp_path, ran)
    start = time.process_time()
    text = picture(read_run(path))
    assert time.process_time() - start < 20  # were each job compared with every other, minutes
    assert len(text) < 400_000
    held = [int(n) for title in re.findall(r"<title>(\d+) jobs: ", text) for n in [title]]
    assert sum(held) + len(re.findall(r"<title>(?!\d+ jobs)", text)) == 6000


@pytest.mark.parametrize("text", ["", "no json\n", '{"event": "run", "version": 2}\n', "[]\n"])
def test_what_is_no_run_is_refused(tmp_path, text):
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=r": holds no events of a run"):
        read_run(path)
    with pytest.raises(UserError, match=r": No such file"):
        read_run(tmp_path / "none.jsonl")


# What the timeline shows of the rules' own limits.

TOY = f"""
include: "{ROOT}/rules/common.smk"

wildcard_constraints:
    n="[0-9]+"

rule all:
    default_target: True
    input:
        expand("done/{{rule}}/{{n}}", rule=["search", "clip"], n=range(12)),
        expand("done/render/{{n}}", n=range(6)),

rule render:
    output: "done/render/{{n}}"
    log: "logs/render/{{n}}.log"
    priority: 1
    threads: 1
    resources: cpus=1
    shell: "sleep 1; touch {{output}}"

rule search:
    output: "done/search/{{n}}"
    log: "logs/search/{{n}}.log"
    threads: 0
    resources: api_slots=1, stock_slots=1
    shell: "date +%s.%N > {{output}}; sleep $PAUSE; date +%s.%N >> {{output}}"

rule clip:
    output: "done/clip/{{n}}"
    log: "logs/clip/{{n}}.log"
    threads: 0
    resources: download_slots=1
    shell: "date +%s.%N > {{output}}; sleep $PAUSE; date +%s.%N >> {{output}}"
"""


def toy(folder: Path, *arguments: str, pause: float = 0.2) -> Run:
    (folder / "Snakefile").write_text(TOY)
    (folder / "projects").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "--logger", "cm", "--scheduler", "greedy"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PAUSE": str(pause)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return read_run(next(folder.glob("logs/runs/*.jsonl")))


def peaks(run: Run) -> dict[str, float]:
    return {name: whole(run, name)["peak"] for name in run.resources if name not in ("mem_mb", "gpu")}


def test_network_jobs_start_and_use_all_their_slots_while_every_core_is_taken(tmp_path):
    run = toy(tmp_path, "--cores", "2")
    assert peaks(run) == {"cpus": 2, "api_slots": 3, "stock_slots": 3, "download_slots": 4}
    renders, others = (run.jobs[run.jobs["rule"].isin(names)] for names in (["render"], ["search", "clip"]))
    first = renders["end"].min()
    assert (others["start"] < first).sum() > 7  # more than those that started together with the renders
    assert whole(run, "cpus")["mean"] > 1.4  # with one core idle it would be 1 at most


def test_every_slot_has_a_worker_however_few_cores_there_are(tmp_path):
    slots = ["api_slots=9", "stock_slots=9", "download_slots=8"]
    run = toy(tmp_path, "--cores", "1", "--resources", *slots, pause=2)
    assert peaks(run) == {"cpus": 1, "api_slots": 9, "stock_slots": 9, "download_slots": 8}
    times = [[*map(float, path.read_text().split()), 1] for path in tmp_path.glob("done/[sc]*/*")]
    assert len(times) == 24 and max(lane for taken in lanes(sorted(times)) for lane in taken) == 17  # as they saw it


def test_renders_never_take_more_cores_than_there_are(tmp_path):
    run = toy(tmp_path, "--cores", "2", "--resources", "cpus=8")
    assert peaks(run)["cpus"] == 2


def test_one_job_at_a_time_is_one_job_at_a_time(tmp_path):
    some = [f"done/{rule}/{n}" for rule in ("render", "search", "clip") for n in (1, 2)]
    run = toy(tmp_path, "--cores", "1", "--jobs", "1", *some)
    assert max(lanes(run.jobs.assign(one=1)[["start", "end", "one"]].itertuples(index=False, name=None))) == (1,)


def test_what_all_projects_share_comes_first_and_earlier_projects_before_later_ones(model):
    """So that whole videos come out one by one, of hundreds too."""
    workspace = copy_workspace(model, Path(tempfile.mkdtemp(dir=model.parent)))
    write_config(workspace)
    for name in ("first", "second"):
        write_project(workspace, name, {"one": ("The sea is big.", "ocean waves"), "two": ("It is blue.", "blue sea")})
    files = ["results/{}/scenes/one/candidates.json", "results/{}/scenes/two/captions.ass"]
    run = snakemake(workspace, *(file.format(name) for file in files for name in ("second", "first")), cores=1)
    assert run.code == 0, run.output
    first, *others = run.jobs
    assert first.startswith("footage_index")
    projects = [job.split()[1].partition("/")[0] for job in others]
    assert projects == ["first"] * 5 + ["second"] * 5
