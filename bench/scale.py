"""What planning and scheduling cost by the number of videos of 8 scenes, in runs of at most 20 videos as docs/scale.md
advises. The jobs do nothing but write their files: what is left is Snakemake's own work. Seconds are those of one core
at work, which a busy machine does not make more."""

import re
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from bench.workspace import ROOT, SENTENCES, snakemake, write_script
from scripts.lib.delivered import DELIVERED

PER_RUN = 20
NOTHING = 'for file in {output:q}; do mkdir -p "$(dirname "$file")"; echo \'{{}}\' > "$file"; done'
CHOICE = (
    "mkdir -p {output:q}; for file in {input.candidates:q}; do "
    'echo \'{{"provider": "procedural", "id": "sea"}}\' > {output:q}/$(basename "$(dirname "$file")").json; done'
)


def trivial_source(folder: Path) -> None:
    """A copy of the workflow whose rules are the same but for what they do."""
    for part in ("rules", "config", "profiles", "scripts", "envs"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "Snakefile").write_text((ROOT / "Snakefile").read_text().partition("\nonsuccess:")[0])
    for file in folder.glob("rules/*.smk"):

        def body(found: re.Match) -> str:
            return f"    shell:\n        {(CHOICE if found[1] == 'selection' else NOTHING)!r}\n"

        file.write_text(re.sub(r'    script:\n        "\.\./scripts/(\w+)\.py"\n', body, file.read_text()))


def seconds(workspace: Path, videos: int, source: Path, *args: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for first in range(0, videos, PER_RUN):
        names = [f"p{number:03}" for number in range(first, min(first + PER_RUN, videos))]
        targets = [f"results/{name}/{file}" for name in names for file in DELIVERED]
        snakemake(workspace, "--cores", "2", "--quiet", "all", *args, "--", *targets, source=source)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(counts: tuple[int, ...] = (1, 10, 100)) -> None:
    print(__doc__)
    print("| videos | runs | dry run | a video | trivial jobs | a video |\n|---|---|---|---|---|---|")
    for videos in counts:
        with tempfile.TemporaryDirectory() as folder:
            source, workspace = Path(folder, "source"), Path(folder, "workspace")
            trivial_source(source)
            for number in range(videos):
                texts = [f"{SENTENCES[scene % 4]} Number {number}." for scene in range(8)]
                write_script(workspace, f"p{number:03}", texts, pinned=False)
            plan = seconds(workspace, videos, source, "--dry-run")
            run = seconds(workspace, videos, source)
        runs = -(-videos // PER_RUN)
        print(
            f"| {videos} | {runs} | {plan:.1f} s | {plan / videos:.2f} s | {run:.1f} s | {run / videos:.2f} s |",
            flush=True,
        )
    print()


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (1, 10, 100))
