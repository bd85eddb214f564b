"""Join the rendered scenes and the soundtrack by stream copy."""

import tempfile
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.files import read_json, replacing
from scripts.lib.job import job
from scripts.lib.media import ffmpeg, frame_count
from scripts.lib.timeline import scene_frames


def video(segments: list[Path], soundtrack: Path, frames: int, out: Path) -> None:
    """Write the video to `out`, its index first so that it plays while it loads.

    Raises UserError unless it has exactly `frames` frames.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(out) as part:
        # Links with plain names: ffmpeg's list of files has a syntax of its own.
        names = [f"{number}.mp4" for number in range(len(segments))]
        for name, segment in zip(names, segments, strict=True):
            (Path(folder) / name).symlink_to(segment.resolve())
        (Path(folder) / "list.txt").write_text("".join(f"file {name}\n" for name in names))
        ffmpeg(
            *("-f", "concat", "-i", "list.txt", "-i", f"file:{soundtrack.resolve()}"),
            *("-map", "0:v", "-map", "1:a", "-c", "copy", "-movflags", "+faststart"),
            *("-map_metadata", -1, "-fflags", "+bitexact"),
            part.resolve(),
            cwd=folder,
        )
        if (made := frame_count(part)) != frames:
            remedy = "a segment is damaged: delete the `scenes` folder and build again"
            raise UserError(f"{out}: joined {made} of {frames} frames; {remedy}")


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        lengths = [read_json(path)["duration"] for path in snakemake.input.words]
        grid = settings["pad_before"], settings["pad_after"], settings["fps"]
        video(
            [Path(path) for path in snakemake.input.segments],
            Path(snakemake.input.soundtrack),
            sum(scene_frames(length, *grid) for length in lengths),
            Path(snakemake.output.video),
        )
