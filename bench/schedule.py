"""How near the render phase comes to longest-first list scheduling, on 12 scenes of very unequal length and two cores.

The bound takes each render's own time as it was measured and gives the next longest to the core that is free first.
"""

import json
import tempfile
from pathlib import Path

from bench.workspace import SENTENCES, snakemake, write_footage, write_script


def list_schedule(lengths: list[float], machines: int) -> float:
    """The makespan of longest-processing-time-first list scheduling (Graham, 1969)."""
    free = [0.0] * machines
    for length in sorted(lengths, reverse=True):
        free[free.index(min(free))] += length
    return max(free)


def main() -> None:
    print(__doc__)
    print("| encoder threads | renders at once | render phase | bound | ratio | at most |\n|---|---|---|---|---|---|")
    for threads in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            workspace = Path(folder)
            write_footage(workspace, 12, seconds=4)
            texts = [" ".join((SENTENCES * 3)[: 1 + (number * number) // 16]) for number in range(12)]
            write_script(workspace, "bench", texts, pinned=True)
            (workspace / "config").mkdir()
            (workspace / "config/config.yaml").write_text(json.dumps({"video": {"threads": threads}}))
            snakemake(workspace, "--cores", "2", "results/bench/video.mp4")
            events = [json.loads(line) for path in workspace.glob("logs/runs/*.jsonl") for line in path.open()]
        renders = [event for event in events if event["event"] == "job" and event["rule"] == "segment"]
        phase = max(event["end"] for event in renders) - min(event["start"] for event in renders)
        bound = list_schedule([event["end"] - event["start"] for event in renders], 2 // threads)
        print(f"| {threads} | {2 // threads} | {phase:.1f} s | {bound:.1f} s | {phase / bound:.2f} | 1.10 |")
    print()


if __name__ == "__main__":
    main()
