"""Workspaces to measure in."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from scripts.lib.media import ffmpeg
from scripts.lib.sources import ROOT

SENTENCES = (
    "The ocean covers most of the planet, and most of it has never been seen by anyone.",
    "Sunlight fades within two hundred metres, and below that the water is dark for ever.",
    "Pressure grows with every step down, until it would crush a car like a paper cup.",
    "Yet life is everywhere, from glowing jellyfish to worms that live on boiling vents.",
)


def snakemake(workspace: Path, *args: str, source: Path = ROOT) -> float:
    """Run Snakemake as a user would; seconds of wall time. Raises CalledProcessError with what it printed."""
    start = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).parent / "snakemake", "--snakefile", source / "Snakefile", *args],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
    )
    return time.perf_counter() - start


def write_script(workspace: Path, name: str, texts: list[str], pinned: bool) -> None:
    """A project whose scenes speak `texts`; each shows a clip of its own, or what is chosen for it."""
    scenes = [
        {"id": f"s{number:02}", "text": text, "visualDirection": "waves on the sea"}
        | ({"footage": f"footage/{number:02}.mp4"} if pinned else {})
        for number, text in enumerate(texts)
    ]
    folder = workspace / "projects" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.json").write_text(json.dumps({"schemaVersion": "1.0.0", "scenes": scenes}))


def write_footage(workspace: Path, clips: int, seconds: int = 8) -> None:
    """1080p clips with as much detail and motion as real ones, each another part of the Mandelbrot set."""
    (workspace / "footage").mkdir(parents=True)
    for number in range(clips):
        source = f"mandelbrot=size=1920x1080:rate=30:start_scale={3 / (number + 1):.3f}:end_scale=0.3:end_pts=240"
        grain = "noise=alls=6:allf=t"
        encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", 20, "-pix_fmt", "yuv420p"]
        ffmpeg("-f", "lavfi", "-i", f"{source},{grain}", "-t", seconds, *encode, workspace / f"footage/{number:02}.mp4")
