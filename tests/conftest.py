"""Workspaces to build in, and what a run of Snakemake did."""

import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from tests import forked

ROOT = Path(__file__).resolve().parents[1]

# As in a job (scripts/lib/embedding/minilm.py), where numpy is not yet imported: threads that wait for each other take
# ten times as long where cores are shared.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# Else every job compiles our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a shell starts with & ignores Ctrl-C, and what nohup starts a terminal that is closed; so would all that the
# tests start. A handler is not passed on: they do what is usual.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

CORES = None if "SNAKEMAKE_PROFILE" in os.environ else 2
"""A cluster's own number, where tests/test_slurm.py has other tests run on one."""
BUILT = "BUILT_WORKSPACE"
"""Set by tests/test_slurm.py: where what `built` would make is already."""

SMALL = {
    "video": {"width": 108, "height": 192, "fps": 10, "preset": "ultrafast", "crf": 35, "threads": 1},
    "narration": {"speed": 2.0},
}
"""Settings that make a video in seconds; all else is what users get."""


@dataclass(frozen=True)
class Run:
    """What one call of Snakemake did."""

    code: int
    output: str
    jobs: list[str]
    """`rule project/scene` of each job, in the order they started (or are planned to)."""


def snakemake(
    workspace: Path, *args: str, cores: int | None = CORES, env: dict[str, str] | None = None, source: Path = ROOT
) -> Run:
    """Run Snakemake as a user would, in a workspace of its own; raises nothing, whatever happens."""
    before = set(workspace.glob(".snakemake/log/*.log"))
    limit = [] if cores is None else ["--cores", str(cores)]
    words = ["--snakefile", str(source / "Snakefile"), *limit, *map(str, args)]
    with tempfile.NamedTemporaryFile("r") as out:
        code = forked.run(words, workspace, os.environ | (env or {}), Path(out.name))
        output = out.read()
    planned = "-n" in args or "--dry-run" in args
    logs = sorted(set(workspace.glob(".snakemake/log/*.log")) - before)
    return Run(code, output, started(output if planned else logs[-1].read_text() if logs else ""))


def started(log: str) -> list[str]:
    """The jobs that Snakemake's own log says were started."""
    jobs = []
    for block in re.finditer(  # those of a group, which goes to a cluster as one job, are indented
        r"^( *)(?:local)?(?:rule|checkpoint) (\w+):\n((?:\1    .*\n)*)", log, re.MULTILINE
    ):
        wildcards = re.search(r"^ +wildcards: (.*)$", block[3], re.MULTILINE)
        where = "/".join(re.findall(r"=([^,]+)", wildcards[1])) if wildcards else ""
        if block[2] != "all":
            jobs.append(f"{block[2]} {where}".strip())
    return jobs


def wait_for(what: Callable[[], object], seconds: float = 300, every: float = 0.1) -> object:
    """What `what` gives, once it gives something."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(every)
    return found


def kill_tree(pid: int) -> None:
    """SIGKILL to a process and all that it started; it starts no more meanwhile."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def write_project(workspace: Path, name: str, scenes: dict[str, tuple[str, str]], **config: object) -> None:
    """A project of `{id: (text, visual direction)}`, with its settings laid over the small ones."""
    folder = workspace / "projects" / name
    folder.mkdir(parents=True, exist_ok=True)
    script = {
        "schemaVersion": "1.0.0",
        "scenes": [{"id": id_, "text": text, "visualDirection": visual} for id_, (text, visual) in scenes.items()],
    }
    (folder / "script.json").write_text(json.dumps(script))
    if config:
        (folder / "config.yaml").write_text(json.dumps(config))


def edit_script(workspace: Path, project: str, change: Callable[[list[dict]], object]) -> None:
    """Let `change` edit a project's list of scenes where it stands."""
    path = workspace / "projects" / project / "script.json"
    script = json.loads(path.read_text())
    change(script["scenes"])
    path.write_text(json.dumps(script))


def write_config(workspace: Path, **sections: object) -> None:
    """The workspace's own configuration: the small settings, with `sections` laid over them."""
    merged = {name: SMALL.get(name, {}) | sections.get(name, {}) for name in {**SMALL, **sections}}
    (workspace / "config").mkdir(exist_ok=True)
    (workspace / "config/config.yaml").write_text(json.dumps(merged))


def clip(path: Path, source: str, seconds: float = 2.0) -> None:
    """A clip from one of ffmpeg's own sources."""
    from scripts.lib.media import ffmpeg

    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        source,
        "-t",
        seconds,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        path,
    )


def write_footage(workspace: Path) -> None:
    """A folder of clips, each for one of the scenes, and one for nobody yet."""
    for hue, name in enumerate(("ocean-waves", "sea-boats", "forest-trees", "city-traffic-night", "desert-dunes")):
        clip(workspace / f"footage/{name}.mp4", f"testsrc2=size=128x224:rate=10,hue=h={60 * hue}")


def link_large(source: str, target: str) -> None:
    """Copy a file with its dates; what is large and never written to is linked."""
    if os.path.getsize(source) > 5_000_000:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def copy_workspace(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, copy_function=link_large, dirs_exist_ok=True, symlinks=True))


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all worker processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def stock_media(shared) -> Path:
    """Where the test servers keep the files that they serve, made once."""
    from tests.servers.catalogue import Media

    folder = shared / "stock_media"
    Media(folder).make()
    return folder


@pytest.fixture(scope="session")
def model(shared) -> Path:
    """A workspace that holds the embedding model and nothing else, fetched once by its own rule."""
    workspace = shared / "model"
    with FileLock(shared / "model.lock"):
        if not workspace.exists():
            (workspace / "projects").mkdir(parents=True)
            run = snakemake(workspace, "resources/models/minilm/manifest.json")
            assert run.code == 0, run.output
    return workspace


def built_with(base: Path, folder: Path, **sections: object) -> Path:
    """A copy of a built workspace, built again with other settings by whichever worker comes first."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            copy_workspace(base, folder)
            write_config(folder, **sections)
            run = snakemake(folder)
            assert run.code == 0, run.output
    return folder


SCENES = {
    "sea": ("The sea is big and blue.", "ocean waves"),
    "wood": ("A forest is dark. It is quiet.", "a forest of old trees"),
    "town": ("Cars run in the city at night.", "city traffic at night"),
}


@pytest.fixture(scope="session")
def built(shared, request) -> Path:
    """A workspace whose only project is built, maybe by the tests that run these. For copying: use `workspace`."""
    workspace = Path(os.environ.get(BUILT, shared / "built"))
    with FileLock(shared / "built.lock"):
        if not (workspace / "results").exists():
            copy_workspace(request.getfixturevalue("model"), workspace)
            write_config(workspace)
            write_project(workspace, "tiny", SCENES)
            write_footage(workspace)
            run = snakemake(workspace)
            assert run.code == 0, run.output
    return workspace


@pytest.fixture
def workspace(built) -> Path:
    """A copy of a built workspace, to edit; beside it, so that the way to the sources stays the same."""
    return copy_workspace(built, Path(tempfile.mkdtemp(dir=built.parent)))
