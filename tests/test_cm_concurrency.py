"""How `--concurrency` is understood: as given, as a share of the CPUs that may be used, or half of them."""

import itertools
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from cm.concurrency import options, resolve, usable_cpus
from cm_process import cm, command


@pytest.mark.parametrize(
    ("asked", "cpus", "number"),
    [
        (None, 1, 1),
        (None, 2, 1),
        (None, 3, 2),
        (None, 5, 3),
        (None, 8, 4),
        (None, 15, 8),
        (None, 64, 8),
        (None, Fraction(1, 2), 1),
        ("50%", 5, 3),
        ("50%", 4, 2),
        ("50%", 1, 1),
        ("10%", 4, 1),
        ("0%", 4, 1),
        ("100%", 7, 7),
        ("150%", 3, 5),
        ("12.5%", 20, 3),
        ("33.3%", 3, 1),
        ("50%", Fraction(5, 2), 1),
        ("100%", Fraction(5, 2), 3),
        ("1", 8, 1),
        ("8", 2, 8),
        ("500", 2, 500),
    ],
)
def test_a_number_is_itself_and_a_share_is_rounded_half_up(asked, cpus, number):
    assert resolve(asked, Fraction(cpus)) == number


@pytest.mark.parametrize(
    "asked",
    ["0", "-1", "-50%", "1.5", "8.0", "+8", "1e1", "", " ", " 8", "all", "%", "5 %", "0x8", "1_0", "٣", "50%%", "½"],
)
def test_anything_else_is_refused(asked):
    with pytest.raises(ValueError, match="whole number from 1 up"):
        resolve(asked, Fraction(4))


@pytest.mark.parametrize("mask", [{0}, {0, 1}])
def test_the_cpus_are_those_that_the_process_may_run_on(mask, tmp_path):
    if not mask <= os.sched_getaffinity(0):
        pytest.skip("this machine has one CPU")
    code = (
        f"import os; os.sched_setaffinity(0, {mask}); from pathlib import Path; "
        f"from cm.concurrency import usable_cpus; print(usable_cpus(Path({str(tmp_path)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(len(mask))


def cgroup(root: Path, membership: str, files: dict[str, str]) -> Path:
    """A tree like a machine's, with the cgroups that a process is in and their files."""
    for name, text in {
        "proc/self/cgroup": membership,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V1 = "5:cpu,cpuacct:/user/job\n1:name=systemd:/user\n"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, Fraction(1, 2)),
        ("0::/a/b\n", {"a/cpu.max": "30000 100000", "a/b/cpu.max": "max 100000"}, Fraction(3, 10)),
        ("0::/a/b\n", {"a/cpu.max": "90000 100000", "a/b/cpu.max": "20000 50000"}, Fraction(2, 5)),
        ("0::/docker/on/the/host\n", {"cpu.max": "75000 100000"}, Fraction(3, 4)),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        (
            V1,
            {"cpu,cpuacct/user/job/cpu.cfs_quota_us": "25000", "cpu,cpuacct/user/job/cpu.cfs_period_us": "100000"},
            Fraction(1, 4),
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, Fraction(1, 2)),
        (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("1:name=systemd:/\n0::/x\n", {"unified/x/cpu.max": "60000 100000"}, Fraction(3, 5)),
    ],
)
def test_a_cgroups_quota_counts_where_it_is_less_and_that_of_the_groups_above_it(membership, files, quota, tmp_path):
    cpus = Fraction(len(os.sched_getaffinity(0)))
    assert usable_cpus(cgroup(tmp_path, membership, files)) == (cpus if quota is None else quota)


def test_a_larger_quota_than_there_are_cpus_changes_nothing(tmp_path):
    root = cgroup(tmp_path, "0::/\n", {"cpu.max": "100000000 100000"})
    assert usable_cpus(root) == len(os.sched_getaffinity(0))


def test_what_is_asked_bounds_every_slot_and_what_is_not_asked_leaves_them():
    assert options(8, asked=True) == [
        *("--resources", "cpus=8", "api_slots=8", "download_slots=8", "stock_slots=3", "--cores", "8")
    ]
    assert "stock_slots=2" in options(2, asked=True)
    assert options(1, asked=True)[-4:] == ["--jobs", "1", "--cores", "1"]
    assert options(1, asked=False) == ["--cores", "1"]
    assert options(4, asked=False) == ["--cores", "4"]


def test_the_limits_hold_in_the_run(workspace):
    run = cm(workspace, "audio", "tiny", "--concurrency", 5, "--set", "narration.speed=1.9")
    assert run.returncode == 0, run.stderr
    assert "--resources cpus=5 api_slots=5 download_slots=5 stock_slots=3 --cores 5" in command(run.stderr)
    first = json.loads(max(workspace.glob("logs/runs/*.jsonl")).read_text().splitlines()[0])
    assert first["limits"] | {"cpus": 5, "api_slots": 5, "download_slots": 5, "stock_slots": 3} == first["limits"]


def test_one_at_a_time_is_strictly_sequential(workspace):
    run = cm(workspace, "audio", "tiny", "--concurrency", "1", "--set", "narration.speed=1.8")
    assert run.returncode == 0, run.stderr
    events = [json.loads(line) for line in max(workspace.glob("logs/runs/*.jsonl")).read_text().splitlines()]
    spans = sorted((event["start"], event["end"]) for event in events if event["event"] == "job")
    assert len(spans) > 5 and all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("asked", ["0", "none", "-3"])
def test_a_refusal_is_wrong_usage_and_says_what_is_allowed(asked, tmp_path):
    run = cm(tmp_path, "build", f"--concurrency={asked}")
    assert run.returncode == 2 and "a whole number from 1 up, or a percentage" in run.stderr
