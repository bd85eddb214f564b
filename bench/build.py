"""A whole build, an edit and an idle run, against a bare ffmpeg that renders the same scenes with the same settings.

A 40-second video of 8 scenes from 1080p clips, 1080x1920 at 30 frames a second, two cores. The embedding model and
the index of the footage are there; everything from `narration` to `video.mp4` is made. The bare ffmpeg is given the
captions and the sound, renders two scenes at a time, joins them and encodes the sound. An edit under `cm watch` is
compared with the same edit under Snakemake, both from the save of the script until the new video is there.
"""

import shutil
import statistics
import subprocess
import sys
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


def edited(workspace: Path, texts: list[str], text: str) -> None:
    texts[0] = text
    write_script(workspace, "bench", texts, pinned=True)


def watched(workspace: Path, texts: list[str], text: str) -> float:
    """Seconds from the save of an edit until `cm watch` has its video."""
    video = workspace / "results/bench/video.mp4"
    command = [sys.executable, "-m", "cm", "watch", "bench", "--concurrency", "2"]
    with subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watch:
        try:
            watch.stdout.readline()  # all that was stale is built
            before, start = video.stat().st_mtime_ns, time.time()
            edited(workspace, texts, text)
            said = watch.stdout.readline().decode()
            if "built" not in said or video.stat().st_mtime_ns == before:
                raise RuntimeError(f"cm watch: {said}")
            return video.stat().st_mtime - start
        finally:
            watch.terminate()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace, out = Path(folder) / "workspace", Path(folder) / "bare"
        out.mkdir()
        write_footage(workspace, 8)
        texts = [SENTENCES[number % len(SENTENCES)] for number in range(8)]
        write_script(workspace, "bench", texts, pinned=True)
        (workspace / "fonts").symlink_to(ROOT / "config/fonts")
        snakemake(workspace, *TARGET)
        seconds = {"full": [], "bare": [], "edit": [], "there": [], "watch": [], "idle": []}
        for run in range(RUNS):
            shutil.rmtree(workspace / "results")
            seconds["full"].append(snakemake(workspace, *TARGET))
            seconds["bare"].append(bare(workspace, out))
            start = time.time()
            edited(workspace, texts, f"In {2020 + run}, few had been there.")
            seconds["edit"].append(snakemake(workspace, *TARGET))
            seconds["there"].append((workspace / TARGET[-1]).stat().st_mtime - start)
            seconds["idle"].append(snakemake(workspace, *TARGET))
            seconds["watch"].append(watched(workspace, texts, f"In {2030 + run}, few had been there."))
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
        ("of it, until the video is there", f"{median['there']:.1f}", "", ""),
        ("the same under cm watch", f"{median['watch']:.1f}", f"{median['watch'] / median['there']:.2f} of it", "1.15"),
        ("nothing to do", f"{median['idle']:.1f}", "", "4 s"),
        ("memory of the heaviest job", "", f"{memory[heaviest]:.0f} MB ({heaviest})", "700 MB"),
    ]
    print(*(f"| {' | '.join(row)} |" for row in rows), "", sep="\n")


if __name__ == "__main__":
    main()
