"""A whole build, an edit and an idle run, against a bare ffmpeg that renders the same scenes with the same settings.

A 40-second video of 8 scenes from 1080p clips, 1080x1920 at 30 frames a second, two cores. The embedding model and
the index of the footage are there; everything from `narration` to `video.mp4` is made. The bare ffmpeg is given the
captions and the sound, renders two scenes at a time, joins them and encodes the sound.
"""

import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas

from bench.workspace import SENTENCES, snakemake, write_footage, write_script
from scripts.lib.config import complete
from scripts.lib.files import read_json
from scripts.lib.media import ffmpeg, source
from scripts.lib.sources import ROOT
from scripts.lib.timeline import scene_frames
from scripts.segment import cover, encoder

SETTINGS = complete({}, "the defaults")[0]
VIDEO = SETTINGS["video"]
PADS = SETTINGS["narration"]["pad_before"], SETTINGS["narration"]["pad_after"]
TARGET = ["--cores", "2", "results/bench/video.mp4"]
RUNS = 3


def bare(workspace: Path, out: Path) -> float:
    """Seconds that a bare ffmpeg takes for the video of a workspace that is built."""
    results = workspace / "results/bench"
    scenes = sorted(path.name for path in (results / "scenes").iterdir())
    start = time.perf_counter()

    def render(scene: str) -> None:
        spoken = read_json(results / f"scenes/{scene}/words.json")["duration"]
        frames = scene_frames(spoken, *PADS, VIDEO["fps"])
        media = workspace / f"footage/{scene.removeprefix('s')}.mp4"
        subtitles = f"subtitles=filename=results/bench/scenes/{scene}/captions.ass:fontsdir=fonts"
        ffmpeg(
            *("-stream_loop", -1, *source(media), "-map", "0:V:0"),
            *("-vf", ",".join([*cover(media, VIDEO), subtitles, "format=yuv420p"]), "-frames:v", frames),
            *(*encoder(VIDEO), out / f"{scene}.mp4"),
            cwd=workspace,
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(render, scenes))
    (out / "video.txt").write_text("".join(f"file {scene}.mp4\n" for scene in scenes))
    (out / "sound.txt").write_text("".join(f"file {results}/scenes/{scene}/narration.wav\n" for scene in scenes))
    lists = ["-f", "concat", "-safe", 0, "-i", "video.txt", "-f", "concat", "-safe", 0, "-i", "sound.txt"]
    ffmpeg(*lists, "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart", "video.mp4", cwd=out)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace, out = Path(folder) / "workspace", Path(folder) / "bare"
        out.mkdir()
        write_footage(workspace, 8)
        texts = [SENTENCES[number % len(SENTENCES)] for number in range(8)]
        write_script(workspace, "bench", texts, pinned=True)
        (workspace / "fonts").symlink_to(ROOT / "config/fonts")
        snakemake(workspace, *TARGET)
        seconds = {"full": [], "bare": [], "edit": [], "idle": []}
        for run in range(RUNS):
            shutil.rmtree(workspace / "results")
            seconds["full"].append(snakemake(workspace, *TARGET))
            seconds["bare"].append(bare(workspace, out))
            write_script(workspace, "bench", [f"In {2020 + run}, few had been there.", *texts[1:]], pinned=True)
            texts[0] = f"In {2020 + run}, few had been there."
            seconds["edit"].append(snakemake(workspace, *TARGET))
            seconds["idle"].append(snakemake(workspace, *TARGET))
        memory = {
            path.parent.parent.name: pandas.read_csv(path, sep="\t")["max_rss"].max()
            for path in sorted((workspace / "benchmarks").rglob("*.tsv"))
        }
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(__doc__)
    heaviest = max(memory, key=memory.get)
    rows = [
        (f"medians of {RUNS}", "seconds", "ratio", "at most"),
        ("---",) * 4,
        ("bare ffmpeg", f"{median['bare']:.1f}", "1", ""),
        ("the whole build", f"{median['full']:.1f}", f"{median['full'] / median['bare']:.2f} of bare ffmpeg", "1.35"),
        ("a sentence edited", f"{median['edit']:.1f}", f"{median['edit'] / median['full']:.2f} of the whole", "0.35"),
        ("nothing to do", f"{median['idle']:.1f}", "", "4 s"),
        ("memory of the heaviest job", "", f"{memory[heaviest]:.0f} MB ({heaviest})", "700 MB"),
    ]
    print(*(f"| {' | '.join(row)} |" for row in rows), "", sep="\n")


if __name__ == "__main__":
    main()
