"""A build of 24 scenes with footage from a stock site: whether its slots are used and kept, and what waiting beside the
renders is worth.

The site is the test suite's own on loopback: 300 ms an answer, 1 s a file. Two cores, half-size frames, nothing cached.
The searches by themselves, medians of 3, have as bound what slots, interval and answers allow, a job taking as long as
one that runs alone: the answer, and the start of a process. Within the build, where renders and narrations have the
cores, it is their own time, as measured, on the slot that is free first. `A core each` is the same build with every
search and download taking one of the two cores, as if it were work.

    python -m bench.network [PICTURE.svg]     PICTURE: where to put the timeline of the build
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from pandas import Series

from bench.schedule import list_schedule
from bench.workspace import SENTENCES, snakemake
from scripts.lib.files import write_text
from scripts.lib.gantt import picture
from scripts.lib.lanes import Run, read_run
from tests.servers.catalogue import SUBJECTS
from tests.servers.loopback import peak
from tests.servers.stock import Stock

SCENES, ANSWER, FILE, INTERVAL = 24, 0.3, 1.0, 0.1
RUNS = 3
A_CORE_EACH = ["--set-threads", "search=1", "clip=1", "--set-resources", "search:cpus=1", "clip:cpus=1"]


def write(workspace: Path, stock: Stock) -> None:
    scenes = [
        {"id": f"s{number:02}", "text": SENTENCES[number % len(SENTENCES)], "visualDirection": subject}
        for number, subject in enumerate(SUBJECTS[:SCENES])
    ]
    settings = stock.config(pexels={"min_interval": INTERVAL, "max_concurrent": 3, "key_env": "BENCH_KEY"})
    settings["stock"]["providers"] = ["pexels", "procedural"]
    del settings["network"]["timeout"]  # the usual ones
    settings |= {"video": {"scale": 0.5}, "cache_dir": "cache"}
    script = {"schemaVersion": "1.0.0", "scenes": scenes}
    for name, content in (("config/config.yaml", settings), ("projects/bench/script.json", script)):
        (workspace / name).parent.mkdir(parents=True)
        (workspace / name).write_text(json.dumps(content))
    (workspace / ".env").write_text("BENCH_KEY=test-key\n")


def build(workspace: Path, stock: Stock, *args: str, target: str = "video.mp4") -> tuple[float, Run]:
    """Seconds of a build from nothing but the models, and its events."""
    for folder in ("results", "cache", "logs"):
        shutil.rmtree(workspace / folder, ignore_errors=True)
    stock.forget()
    seconds = snakemake(workspace, "--cores", "2", f"results/bench/{target}", *args)
    return seconds, read_run(next(workspace.glob("logs/runs/*.jsonl")))


def searching(workspace: Path, stock: Stock, scenes: int) -> tuple[Series, float]:
    """The seconds of each of so many searches, and of all together, when nothing else is made."""
    more = [f"results/bench/{search(number)}" for number in range(1, scenes)]
    _, run = build(workspace, stock, *more, target=search(0))
    jobs = run.jobs[run.jobs["rule"] == "search"]
    return jobs["seconds"], jobs["end"].max() - jobs["start"].min()


def search(number: int) -> str:
    return f"scenes/s{number:02}/search/pexels.json"


def main(drawing: Path | None = None) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Stock(Path(folder, "media"), delay=ANSWER, download_delay=FILE) as stock,
    ):
        workspace = Path(folder, "workspace")
        write(workspace, stock)
        stock.media.make()
        snakemake(workspace, "--cores", "2", "resources/footage/index.json")
        single = median(searching(workspace, stock, 1)[0].item() for _ in range(RUNS))
        alone = median(searching(workspace, stock, SCENES)[1] for _ in range(RUNS))
        apart, _ = build(workspace, stock, *A_CORE_EACH)
        seconds, run = build(workspace, stock)
        asked, fetched = stock.of("pexels"), [one for one in stock.downloads("pexels") if one.status == 200]
    if drawing:
        write_text(drawing, picture(run))
    searches = run.jobs[run.jobs["rule"] == "search"]
    phase = searches["end"].max() - searches["start"].min()
    bound = list_schedule(searches["seconds"], 3)
    answers = max(len(asked) * INTERVAL, -(-len(asked) // 3) * ANSWER)
    least = max(SCENES * INTERVAL, -(-SCENES // 3) * single)
    print(__doc__.rpartition("\n    python")[0].rstrip(), end="\n\n")
    rows = [
        ("", "measured", "against", "at most"),
        ("---",) * 4,
        ("requests to the site", f"{len(asked)}", f"{SCENES} scenes", f"{SCENES}"),
        ("searches at once, as the site saw", f"{peak(asked)}", "3 slots", "3"),
        ("downloads at once, as the site saw", f"{peak(fetched)}", "4 slots", "4"),
        ("24 searches alone", f"{alone:.1f} s", f"bound {least:.1f} s, ratio {alone / least:.2f}", "1.25"),
        ("of it, the site's answers", f"{answers:.1f} s", "", ""),
        ("the same within the build", f"{phase:.1f} s", f"bound {bound:.1f} s, ratio {phase / bound:.2f}", "1.25"),
        ("the whole build", f"{seconds:.1f} s", f"a core each {apart:.1f} s, ratio {seconds / apart:.2f}", ""),
    ]
    print(*(f"| {' | '.join(row)} |" for row in rows), "", sep="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
