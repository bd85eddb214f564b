"""How long Snakemake plans: a dry run over projects of 8 scenes each, none of them built."""

import tempfile
from pathlib import Path

from bench.workspace import SENTENCES, snakemake, write_script


def main() -> None:
    print(__doc__)
    print("| scenes | dry run | at most |\n|---|---|---|")
    for projects, most in ((1, ""), (25, ""), (125, "15 s")):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(projects):
                texts = [f"{SENTENCES[scene % 4]} Number {number}." for scene in range(8)]
                write_script(Path(folder), f"p{number}", texts, pinned=False)
            seconds = snakemake(Path(folder), "--dry-run", "--quiet", "--cores", "2")
        print(f"| {projects * 8} | {seconds:.1f} s | {most} |")
    print()


if __name__ == "__main__":
    main()
