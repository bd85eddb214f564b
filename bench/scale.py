"""What planning and scheduling cost by the number of videos of 8 scenes, in runs of at most 20 videos as docs/scale.md
advises. The jobs do nothing but write their files: what is left is Snakemake's own work."""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.workspace import ROOT, SENTENCES, snakemake, write_script

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
    runs = -(-videos // PER_RUN)
    began = time.monotonic()
    for run in range(1, runs + 1):
        batch = ["--batch", f"all={run}/{runs}"] if runs > 1 else []
        snakemake(workspace, "--cores", "2", "--quiet", *batch, *args, source=source)
    return time.monotonic() - began


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
